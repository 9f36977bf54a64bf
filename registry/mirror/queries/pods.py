"""PODs, aggregates and members (POD-1 to POD-5, AGG-1 to AGG-3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select

from registry.domain.enums import PodCategory, Scope, StaticLight, VoltageLevel
from registry.domain.pods import Roster
from registry.mirror.keys import area_part
from registry.mirror.queries.reader import Reader, Row, base, columns, equal, on_day, seen
from registry.mirror.tables import Aggregate, Claim, Membership, Pod, table_of
from registry.ports import PAGE
from registry.views import AggregateView, ClaimView, MembershipView, PodView, PoolView

_CHUNK = 500
_POD = table_of(Pod)
_LATER = _POD.alias("later")


class PodReader(Reader):
    """Implements :class:`registry.ports.PodQueries`."""

    def pod(self, pod_id: bytes, *, day: int | None = None, as_of: datetime | None = None) -> PodView | None:
        """A POD as of a delivery day, or its latest version."""
        found = self._pods([_POD.c.pod_id == pod_id], day, as_of, None, 1)
        return found[0] if found else None

    def latest_pods(self, pod_ids: Sequence[bytes]) -> dict[bytes, PodView]:
        """The latest versions of PODs, by id; those that were never registered are left out."""
        found: dict[bytes, PodView] = {}
        for start in range(0, len(pod_ids), _CHUNK):
            part = pod_ids[start : start + _CHUNK]
            views = self._pods([_POD.c.pod_id.in_(part)], None, None, None, len(part))
            found |= {view.pod_id: view for view in views}
        return found

    def pods(
        self,
        *,
        day: int | None = None,
        bsp: int | None = None,
        dso: int | None = None,
        perimeter: int | None = None,
        aggregate: int | None = None,
        light: StaticLight | None = None,
        withdrawn: bool = False,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[PodView]:
        """PODs as of a delivery day, or their latest versions; withdrawn ones only on request."""
        wanted = [
            *equal(_POD, bsp=bsp, dso=dso, perimeter=perimeter, light=None if light is None else int(light)),
            _POD.c.withdrawn.is_(withdrawn),
        ]
        if aggregate is not None:
            wanted.append(_member(aggregate))
        return self._pods(wanted, day, as_of, after, limit)

    def pod_versions(self, pod_id: bytes, *, as_of: datetime | None = None) -> list[PodView]:
        """All versions of a POD by the day they take effect."""
        rows = self._rows(Pod, _POD.c.pod_id == pod_id, as_of=as_of)
        ends = [row["from_day"] for row in rows[1:]] + [None]
        return [_pod(row, until) for row, until in zip(rows, ends, strict=True)]

    def claims(
        self,
        *,
        party: int | None = None,
        dso: int | None = None,
        pending: bool = False,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[ClaimView]:
        """Claims by POD and claiming BSP."""
        table = table_of(Claim)
        wanted = list(equal(table, dso=dso))
        if party is not None:
            wanted.append(or_(table.c.bsp == party, table.c.holder == party))
        if pending:
            with self._database.reading() as connection:
                held = (
                    select(_POD.c.key)
                    .where(
                        seen(connection, _POD, as_of),
                        _in_force(seen(connection, _LATER, as_of), None),
                        _POD.c.pod_id == table.c.pod_id,
                        _POD.c.bsp == table.c.holder,
                        _POD.c.withdrawn.is_(False),
                    )
                    .exists()
                )
            wanted += [table.c.granted.is_(None), held]
        return [
            ClaimView(
                **base(row), **columns(row, "pod_id", "bsp", "holder", "dso", "mandate_hash", "granted")
            )
            for row in self._rows(Claim, *wanted, as_of=as_of, after=after, limit=limit)
        ]

    def aggregate(self, aggregate: int, *, as_of: datetime | None = None) -> AggregateView | None:
        """An aggregate by its number."""
        row = self._row(Aggregate, area_part(aggregate), as_of)
        return None if row is None else _aggregate(row)

    def aggregates(
        self,
        *,
        bsp: int | None = None,
        scope: Scope | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[AggregateView]:
        """Aggregates by number."""
        wanted = equal(table_of(Aggregate), bsp=bsp, scope=None if scope is None else int(scope))
        return [
            _aggregate(row) for row in self._rows(Aggregate, *wanted, as_of=as_of, after=after, limit=limit)
        ]

    def memberships(
        self,
        *,
        aggregate: int | None = None,
        pod_id: bytes | None = None,
        day: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[MembershipView]:
        """Memberships that ever were, or those of a delivery day."""
        table = table_of(Membership)
        wanted = [*equal(table, aggregate=aggregate, pod_id=pod_id), *on_day(table, day)]
        rows = self._rows(Membership, *wanted, as_of=as_of, after=after, limit=limit)
        return [
            MembershipView(**base(row), **columns(row, "aggregate", "pod_id", "from_day", "until_day"))
            for row in rows
        ]

    def pool(
        self,
        aggregate: int,
        *,
        day: int,
        perimeter: int | None = None,
        as_of: datetime | None = None,
    ) -> PoolView:
        """Number and granted power of an aggregate's PODs, those without granted power included."""
        with self._database.reading() as connection:
            query = select(
                func.count(), func.sum(_POD.c.granted_up_kw), func.sum(_POD.c.granted_down_kw)
            ).where(
                seen(connection, _POD, as_of),
                _in_force(seen(connection, _LATER, as_of), day),
                _member(aggregate),
                *equal(_POD, perimeter=perimeter),
            )
            pods, up_kw, down_kw = connection.execute(query).one()
        return PoolView(aggregate, perimeter, day, pods, int(up_kw or 0), int(down_kw or 0))

    def roster(self, aggregate: int, *, day: int, as_of: datetime | None = None) -> Roster:
        """How often members have joined or left by a day, and the granted power of those of that day."""
        table = table_of(Membership)
        begun = case((table.c.from_day <= day, table.c.steps), else_=0)
        ended = case(((table.c.until_day > table.c.from_day) & (table.c.until_day <= day), 1), else_=0)
        with self._database.reading() as connection:
            query = select(func.sum(begun + ended)).where(
                seen(connection, table, as_of), table.c.aggregate == aggregate
            )
            steps = connection.execute(query).scalar_one()
        pool = self.pool(aggregate, day=day, as_of=as_of)
        return Roster(int(steps or 0), pool.granted_up_kw, pool.granted_down_kw)

    def shared_pods(self, local_aggregate: int, global_aggregate: int, *, day: int) -> int:
        """How many PODs a local and a global aggregate share on a day."""
        with self._database.reading() as connection:
            query = select(func.count()).where(
                seen(connection, _POD, None),
                _in_force(seen(connection, _LATER, None), day),
                *equal(_POD, local_aggregate=local_aggregate, global_aggregate=global_aggregate),
            )
            return int(connection.execute(query).scalar_one())

    def _pods(
        self,
        wanted: list[ColumnElement[bool]],
        day: int | None,
        as_of: datetime | None,
        after: str | None,
        limit: int,
    ) -> list[PodView]:
        with self._database.reading() as connection:
            later = seen(connection, _LATER, as_of)
            until = (
                select(func.min(_LATER.c.from_day))
                .where(_LATER.c.pod_id == _POD.c.pod_id, _LATER.c.from_day > _POD.c.from_day, later)
                .scalar_subquery()
            )
            query = (
                self.joined(Pod)
                .add_columns(until.label("until_day"))
                .where(seen(connection, _POD, as_of), _in_force(later, day), *wanted)
                .order_by(_POD.c.key)
                .limit(limit)
            )
            if after is not None:
                query = query.where(_POD.c.key > after)
            return [_pod(row, row["until_day"]) for row in connection.execute(query).mappings()]


def _in_force(later_seen: ColumnElement[bool], day: int | None) -> ColumnElement[bool]:
    """The version of a POD that holds on a day: begun by then, and none begun after it; for None the last
    one.
    """
    later = select(_LATER.c.key).where(
        _LATER.c.pod_id == _POD.c.pod_id, _LATER.c.from_day > _POD.c.from_day, later_seen
    )
    if day is None:
        return ~later.exists()
    begun: Any = _POD.c.from_day <= day
    condition: ColumnElement[bool] = begun & ~later.where(_LATER.c.from_day <= day).exists()
    return condition


def _member(aggregate: int) -> ColumnElement[bool]:
    return or_(_POD.c.local_aggregate == aggregate, _POD.c.global_aggregate == aggregate)


def _pod(row: Row, until_day: int | None) -> PodView:
    same = columns(
        row,
        "pod_id",
        "from_day",
        "withdrawn",
        "bsp",
        "dso",
        "declared_up_kw",
        "declared_down_kw",
        "activation_time_s",
        "payload_hash",
        "granted_up_kw",
        "granted_down_kw",
        "light_reason",
        "perimeter",
        "local_aggregate",
        "global_aggregate",
    )
    return PodView(
        **base(row),
        **same,
        until_day=until_day,
        category=PodCategory(row["category"]),
        voltage=VoltageLevel(row["voltage"]),
        light=StaticLight(row["light"]),
    )


def _aggregate(row: Row) -> AggregateView:
    return AggregateView(
        **base(row), **columns(row, "aggregate", "bsp", "payload_hash"), scope=Scope(row["scope"])
    )
