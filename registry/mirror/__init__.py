"""The register's database: a copy of the ledger that can be rebuilt, and a vault that can not. The only room
that knows SQL tables.
"""

from registry.mirror.devices import MirrorDevices
from registry.mirror.mirror import SqlMirror
from registry.mirror.vault import SqlVault

__all__ = ["MirrorDevices", "SqlMirror", "SqlVault"]
