"""Routes, one module per subject; every rule is decided below them."""
