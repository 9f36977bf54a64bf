"""Changes of the contracts (CON-1)."""

from __future__ import annotations

from datetime import datetime

from registry.domain.contract_changes import ChangeState
from registry.domain.identifiers import text_of_bytes32
from registry.mirror.keys import change_part
from registry.mirror.queries.reader import Reader, Row, base, columns, instant
from registry.mirror.tables import ContractChange
from registry.ports import PAGE
from registry.views import ContractChangeView, ProposedCode


class ConsortiumReader(Reader):
    """Implements :class:`registry.ports.ConsortiumQueries`."""

    def contract_change(self, change: int, *, as_of: datetime | None = None) -> ContractChangeView | None:
        """A change by its number."""
        row = self._row(ContractChange, change_part(change), as_of)
        return None if row is None else _view(row)

    def contract_changes(
        self, *, as_of: datetime | None = None, after: str | None = None, limit: int = PAGE
    ) -> list[ContractChangeView]:
        """Changes by number."""
        return [_view(row) for row in self._rows(ContractChange, as_of=as_of, after=after, limit=limit)]


def _view(row: Row) -> ContractChangeView:
    return ContractChangeView(
        **base(row),
        **columns(row, "change", "version", "proposer", "document_hash"),
        codes=tuple(
            ProposedCode(text_of_bytes32(bytes.fromhex(name)), implementation, bytes.fromhex(initial))
            for name, implementation, initial in row["codes"]
        ),
        not_before=instant(row["not_before"]),
        consents=tuple(row["consents"]),
        state=ChangeState(row["state"]),
    )
