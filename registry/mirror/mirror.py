"""The mirror port on a SQL database."""

from __future__ import annotations

from registry.mirror.database import Database
from registry.mirror.follower import Follower
from registry.mirror.migrate import migrate_mirror
from registry.mirror.queries.consortium import ConsortiumReader
from registry.mirror.queries.history import HistoryReader
from registry.mirror.queries.market import MarketReader
from registry.mirror.queries.market_time import MarketTimeReader
from registry.mirror.queries.parties import PartyReader
from registry.mirror.queries.pods import PodReader
from registry.mirror.queries.procurement import ProcurementReader
from registry.mirror.queries.products import ProductReader
from registry.mirror.queries.records import RecordReader
from registry.ports import BlockRef, Ledger


class SqlMirror(
    ConsortiumReader,
    PartyReader,
    MarketTimeReader,
    PodReader,
    ProductReader,
    MarketReader,
    ProcurementReader,
    RecordReader,
    HistoryReader,
):
    """The register's copy of a ledger (:class:`registry.ports.Mirror`). Safe for use by many threads.

    Brings its tables to the newest form when opened. Raises what :class:`~registry.mirror.database.Database`
    raises.
    """

    def __init__(self, url: str, ledger: Ledger) -> None:
        super().__init__(Database(url))
        migrate_mirror(self._database)
        self._follower = Follower(self._database, ledger)

    def catch_up(self) -> BlockRef | None:
        """Apply all blocks that are new, undoing those the chain gave up; returns the position."""
        return self._follower.catch_up()

    def position(self) -> BlockRef | None:
        """The last block applied."""
        return self._follower.position()

    def drop(self) -> None:
        """Forget everything; the next :meth:`catch_up` begins at the first block."""
        self._follower.drop()

    def close(self) -> None:
        """Give all database connections back."""
        self._database.close()
