"""Agreements and offers (SES-5)."""

from __future__ import annotations

from datetime import datetime

from registry.domain.enums import Market
from registry.mirror.queries.reader import Reader, Row, base, columns, equal
from registry.mirror.tables import AgreementRow, OfferRow, table_of
from registry.ports import PAGE
from registry.views import AgreementView, OfferView


class ProcurementReader(Reader):
    """Implements :class:`registry.ports.ProcurementQueries`."""

    def agreement(self, commitment: bytes, *, as_of: datetime | None = None) -> AgreementView | None:
        """An agreement by its commitment."""
        row = self._row(AgreementRow, commitment.hex(), as_of)
        return None if row is None else _agreement(row)

    def agreements(
        self,
        *,
        dso: int | None = None,
        bsp: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[AgreementView]:
        """Agreements, proposed or accepted, by commitment."""
        wanted = equal(table_of(AgreementRow), dso=dso, bsp=bsp)
        rows = self._rows(AgreementRow, *wanted, as_of=as_of, after=after, limit=limit)
        return [_agreement(row) for row in rows]

    def offers(
        self,
        day: int,
        *,
        commitment: bytes | None = None,
        market: Market | None = None,
        perimeter: int | None = None,
        bsp: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[OfferView]:
        """All offers recorded for the day, by aggregate, perimeter, market, session and time."""
        wanted = equal(
            table_of(OfferRow),
            day=day,
            commitment=commitment,
            market=None if market is None else int(market),
            perimeter=perimeter,
            bsp=bsp,
        )
        rows = self._rows(OfferRow, *wanted, as_of=as_of, after=after, limit=limit)
        same = ("commitment", "bsp", "aggregate", "perimeter", "day", "session")
        return [OfferView(**base(row), **columns(row, *same), market=Market(row["market"])) for row in rows]


def _agreement(row: Row) -> AgreementView:
    same = columns(row, "commitment", "dso", "bsp", "aggregate", "proposer", "accepted")
    return AgreementView(**base(row), **same)
