"""Who takes part (ACT-1)."""

from __future__ import annotations

from datetime import datetime

from registry.domain.enums import PartyKind, Right
from registry.mirror.keys import party_part
from registry.mirror.queries.reader import Reader, Row, base, columns, equal, instant
from registry.mirror.tables import Delegation, Party, Signer, table_of
from registry.ports import PAGE
from registry.views import DelegationView, PartyView


class PartyReader(Reader):
    """Implements :class:`registry.ports.PartyQueries`."""

    def party(self, party: int, *, as_of: datetime | None = None) -> PartyView | None:
        """A party by its number."""
        row = self._row(Party, party_part(party), as_of)
        return None if row is None else self._views([row], as_of)[0]

    def parties(
        self,
        *,
        kind: PartyKind | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[PartyView]:
        """Parties by number."""
        wanted = equal(table_of(Party), kind=None if kind is None else int(kind))
        return self._views(self._rows(Party, *wanted, as_of=as_of, after=after, limit=limit), as_of)

    def party_of_address(self, address: str, *, as_of: datetime | None = None) -> PartyView | None:
        """The party that an address signs for."""
        row = self._row(Signer, address.lower(), as_of)
        return self.party(row["party"], as_of=as_of) if row is not None and row["active"] else None

    def delegations(
        self,
        *,
        party: int | None = None,
        agent: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[DelegationView]:
        """Delegations by party, agent and right."""
        wanted = equal(table_of(Delegation), party=party, agent=agent)
        return [
            DelegationView(
                **base(row),
                **columns(row, "party", "agent", "ended"),
                right=Right(row["right"]),
                valid_until=instant(row["valid_until"]),
            )
            for row in self._rows(Delegation, *wanted, as_of=as_of, after=after, limit=limit)
        ]

    def _views(self, rows: list[Row], as_of: datetime | None) -> list[PartyView]:
        signer = table_of(Signer)
        numbers = [row["party"] for row in rows]
        signers: dict[int, list[str]] = {number: [] for number in numbers}
        for row in self._rows(Signer, signer.c.party.in_(numbers), signer.c.active, as_of=as_of):
            signers[row["party"]].append(row["address"])
        return [
            PartyView(
                **base(row),
                **columns(row, "party", "eic", "name", "suspended"),
                kind=PartyKind(row["kind"]),
                signers=tuple(signers[row["party"]]),
            )
            for row in rows
        ]
