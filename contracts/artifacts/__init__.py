"""One JSON file per contract, written by contracts/compile.py; committed, so that users need no compiler."""
