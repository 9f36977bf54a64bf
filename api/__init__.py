"""The register's HTTP interface for PGUIs, BSPs, DSOs, TSOs, auditors and the public."""
