"""Delivery days and perimeters (SES-1, DTL-1)."""

from __future__ import annotations

from datetime import datetime

from registry.mirror.keys import area_part, day_part
from registry.mirror.queries.reader import Reader, Row, base, columns, equal, instant, on_day
from registry.mirror.tables import Day, Perimeter, table_of
from registry.ports import PAGE
from registry.views import DayView, PerimeterView


class MarketTimeReader(Reader):
    """Implements :class:`registry.ports.MarketTimeQueries`."""

    def day(self, day: int, *, as_of: datetime | None = None) -> DayView | None:
        """A scheduled delivery day."""
        row = self._row(Day, day_part(day), as_of)
        return None if row is None else _day(row)

    def days(
        self,
        *,
        from_day: int = 0,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[DayView]:
        """Scheduled days from one on."""
        later = table_of(Day).c.day >= from_day
        return [_day(row) for row in self._rows(Day, later, as_of=as_of, after=after, limit=limit)]

    def perimeter(self, perimeter: int, *, as_of: datetime | None = None) -> PerimeterView | None:
        """A perimeter by its number."""
        row = self._row(Perimeter, area_part(perimeter), as_of)
        return None if row is None else _perimeter(row)

    def perimeters(
        self,
        *,
        dso: int | None = None,
        day: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[PerimeterView]:
        """Perimeters ever declared, or with ``day`` the partition in force on it."""
        table = table_of(Perimeter)
        wanted = [*equal(table, dso=dso), *on_day(table, day)]
        return [
            _perimeter(row) for row in self._rows(Perimeter, *wanted, as_of=as_of, after=after, limit=limit)
        ]


def _day(row: Row) -> DayView:
    return DayView(
        **base(row),
        **columns(row, "day", "tso", "quarters"),
        starts_at=instant(row["starts_at"]),
        baseline_gate=instant(row["baseline_gate"]),
        opens_at=instant(row["opens_at"]),
        lfp_gates=tuple(map(instant, row["lfp_gates"])),
        msd_gates=tuple(map(instant, row["msd_gates"])),
        last_declaration=instant(row["last_declaration"]),
    )


def _perimeter(row: Row) -> PerimeterView:
    return PerimeterView(
        **base(row),
        **columns(row, "perimeter", "dso", "from_day", "until_day", "payload_hash"),
        predecessors=tuple(row["predecessors"]),
    )
