"""Lights, selections, declarations and baselines of a delivery day (DTL-2, SES-2 to SES-4, BAS-1)."""

from __future__ import annotations

from datetime import datetime

from registry.domain.enums import Market
from registry.domain.quantities import HourCells, unpack_lights, unpack_selection
from registry.mirror.queries.reader import Reader, Row, base, columns, equal
from registry.mirror.tables import Baseline, Completion, Declaration, Light, Selection, table_of
from registry.ports import PAGE
from registry.views import BaselineView, CompletionView, DeclarationView, LightView, SelectionView


class MarketReader(Reader):
    """Implements :class:`registry.ports.MarketQueries`."""

    def lights(
        self,
        day: int,
        *,
        perimeter: int | None = None,
        session: int | None = None,
        dso: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[LightView]:
        """All lights published for the day, by perimeter and session."""
        wanted = equal(table_of(Light), day=day, perimeter=perimeter, session=session, dso=dso)
        return [_light(row) for row in self._rows(Light, *wanted, as_of=as_of, after=after, limit=limit)]

    def light_in_force(self, perimeter: int, day: int, *, as_of: datetime | None = None) -> LightView | None:
        """The lights last published for a perimeter and day."""
        published = self.lights(day, perimeter=perimeter, as_of=as_of)
        return published[-1] if published else None

    def selections(
        self,
        day: int,
        *,
        market: Market | None = None,
        session: int | None = None,
        aggregate: int | None = None,
        perimeter: int | None = None,
        bsp: int | None = None,
        operator: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[SelectionView]:
        """All outcomes of the day, by aggregate, perimeter and session."""
        wanted = equal(
            table_of(Selection),
            day=day,
            market=None if market is None else int(market),
            session=session,
            aggregate=aggregate,
            perimeter=perimeter,
            bsp=bsp,
            operator=operator,
        )
        return [
            _selection(row) for row in self._rows(Selection, *wanted, as_of=as_of, after=after, limit=limit)
        ]

    def selection_in_force(
        self, aggregate: int, perimeter: int, day: int, *, as_of: datetime | None = None
    ) -> SelectionView | None:
        """The outcome of the latest session for an aggregate and perimeter."""
        outcomes = self.selections(day, aggregate=aggregate, perimeter=perimeter, as_of=as_of)
        return outcomes[-1] if outcomes else None

    def declarations(
        self,
        day: int,
        *,
        pod_id: bytes | None = None,
        aggregate: int | None = None,
        perimeter: int | None = None,
        bsp: int | None = None,
        market: Market | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[DeclarationView]:
        """Which PODs serve which market in which quarter-hours, by POD."""
        wanted = equal(
            table_of(Declaration),
            day=day,
            pod_id=pod_id,
            aggregate=aggregate,
            perimeter=perimeter,
            bsp=bsp,
            market=None if market is None else int(market),
        )
        return [
            DeclarationView(
                **base(row),
                **columns(row, "pod_id", "aggregate", "perimeter", "day"),
                market=Market(row["market"]),
                quarters=int(row["quarters"], 16),
            )
            for row in self._rows(Declaration, *wanted, as_of=as_of, after=after, limit=limit)
        ]

    def completions(
        self,
        day: int,
        *,
        aggregate: int | None = None,
        perimeter: int | None = None,
        bsp: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[CompletionView]:
        """Closed declarations and their shortfalls, by aggregate, perimeter and session."""
        wanted = equal(table_of(Completion), day=day, aggregate=aggregate, perimeter=perimeter, bsp=bsp)
        return [
            _completion(row) for row in self._rows(Completion, *wanted, as_of=as_of, after=after, limit=limit)
        ]

    def baselines(
        self,
        day: int,
        *,
        pod_id: bytes | None = None,
        bsp: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[BaselineView]:
        """Filed baselines, by POD."""
        wanted = equal(table_of(Baseline), day=day, pod_id=pod_id, bsp=bsp)
        return [
            BaselineView(**base(row), **columns(row, "pod_id", "bsp", "day", "commitment"))
            for row in self._rows(Baseline, *wanted, as_of=as_of, after=after, limit=limit)
        ]


def _cells(words: bytes) -> HourCells:
    return HourCells(int.from_bytes(words[:32], "big"), int.from_bytes(words[32:], "big"))


def _light(row: Row) -> LightView:
    up, down = _cells(row["up"]), _cells(row["down"])
    return LightView(
        **base(row),
        **columns(row, "perimeter", "day", "session", "payload_hash"),
        up=up,
        down=down,
        up_lights=unpack_lights(up, row["hours"]),
        down_lights=unpack_lights(down, row["hours"]),
    )


def _selection(row: Row) -> SelectionView:
    cells = _cells(row["cells"])
    same = columns(
        row,
        "aggregate",
        "perimeter",
        "day",
        "session",
        "operator",
        "product",
        "tested_aggregate",
        "commitment",
    )
    return SelectionView(
        **base(row),
        **same,
        market=Market(row["market"]),
        chain=tuple(row["chain"]),
        cells=cells,
        kw=unpack_selection(cells, row["hours"]),
    )


def _completion(row: Row) -> CompletionView:
    shortfall = _cells(row["shortfall"])
    return CompletionView(
        **base(row),
        **columns(row, "aggregate", "perimeter", "day", "session"),
        market=Market(row["market"]),
        shortfall=shortfall,
        shortfall_kw=unpack_selection(shortfall, row["hours"]),
    )
