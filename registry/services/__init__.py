"""Use cases, one per file: load, decide with the domain, record on the ledger."""
