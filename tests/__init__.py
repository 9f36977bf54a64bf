"""All tests. A regular package, so that no installed package named `tests` can take its place."""
