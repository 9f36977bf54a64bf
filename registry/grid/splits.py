"""Splits of perimeters that raise the sum of capability most (DTL-1, DTL-5; D4.1 §6.3, Figure 12).

A perimeter's capability must hold wherever its PODs move, so one bottleneck limits all of them. Cut at the
bottleneck, what lies below it and what does not get a light each. A *cut* is a branch without which part of
the perimeter would have no supply; the PODs below it become a perimeter of their own.

1. The day's capabilities as the perimeters are. Hours in which nothing is limited are done with.
2. Only perimeters that something limits are cut. Each cut of one is tried together with one cut of every
   other, so that a day is computed as often as the perimeter with most cuts has cuts.
3. The best cuts are computed again one after the other, each on top of those accepted before: only what
   raises the whole sum is proposed.

The sum runs over all hours and both directions, kW times hours: kWh. A green cell counts with what its PODs
can move in the mean of its quarter-hours, which is as much for the parts as for the whole, and no cell counts
more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from registry.domain.quantities import Colour
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.lights import day_lights
from registry.grid.network import Network
from registry.grid.perimeters import Perimeter
from registry.grid.powerflow import PowerFlow
from registry.grid.results import DIRECTIONS, PerimeterDayLights
from registry.grid.state import ExpectedState, only_hours, with_perimeters
from registry.grid.violations import Limits

Groups = dict[str, tuple[str, ...]]
Progress = Callable[[int, int], None]

_WORTH: Final = 1e-3
"""Part of a perimeter's capability that a split must add: less is noise of the AC verification."""


@dataclass(frozen=True, slots=True)
class Cut:
    """PODs (keys) of a perimeter that hang below one of its branches, and all nodes that do."""

    perimeter: str
    branch: str
    below: tuple[str, ...]
    nodes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """A proposed split, in the order in which the proposals build on each other.

    Attributes:
        perimeter: what is split.
        branch: where it is cut.
        above, below: names of the parts.
        above_pods, below_pods: their PODs.
        nodes_below: positions of all nodes that have no supply without the branch.
        before_kwh, after_kwh: sum of capability over the day and both directions, of the perimeter and of
            its parts.
        total_before_kwh, total_after_kwh: the same of all perimeters.
    """

    perimeter: str
    branch: str
    above: str
    below: str
    above_pods: tuple[str, ...]
    below_pods: tuple[str, ...]
    nodes_below: tuple[int, ...]
    before_kwh: float
    after_kwh: float
    total_before_kwh: float
    total_after_kwh: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Proposed splits and the PODs of the perimeters they lead to; no split where none helps."""

    splits: tuple[Split, ...]
    pods: Groups
    before_kwh: float
    after_kwh: float


def suggest_splits(
    state: ExpectedState,
    flow: PowerFlow,
    limits: Limits,
    *,
    most: int = 3,
    progress: Progress | None = None,
) -> Suggestion:
    """Up to ``most`` splits of the state's perimeters, the most useful first.

    ``progress`` is told after each computed day how many are done and how many there may be. Splitting again
    what was split is left to another call.
    """
    groups = {
        name: tuple(state.pods[i].key for i in members)
        for name, members in zip(state.partition.names, state.partition.members, strict=True)
    }
    days = _Days(state, flow, limits, progress)
    whole, limited = days.first(groups)
    cuts = cuts_of(state, limited)
    rounds = max((len(each) for each in cuts.values()), default=0)
    days.expect(1 + rounds + most)
    gains: list[tuple[float, Cut]] = []
    for number in range(rounds):
        tried = [each[number] for each in cuts.values() if number < len(each)]
        sums = days.sums(_applied(groups, tried))
        for cut in tried:
            parts = _parts(groups, cut)
            gains.append((sum(sums[part] for part in parts) - whole[cut.perimeter], cut))
    best: dict[str, tuple[float, Cut]] = {}
    for gain, cut in gains:
        if gain > best.get(cut.perimeter, (0.0, cut))[0]:
            best[cut.perimeter] = (gain, cut)
    order = sorted(best.values(), key=lambda each: (-each[0], each[1].perimeter))
    return _accept(days, groups, whole, [cut for _, cut in order], most)


def _accept(
    days: _Days, groups: Groups, whole: Mapping[str, float], order: Sequence[Cut], most: int
) -> Suggestion:
    """Step 3: what holds on top of what was accepted."""
    splits: list[Split] = []
    current, sums = groups, dict(whole)
    for cut in order[: 2 * most]:
        if len(splits) == most:
            break
        trial = _applied(current, [cut])
        after = days.sums(trial)
        before_kwh, parts = sums[cut.perimeter], _parts(current, cut)
        gain = sum(after.values()) - sum(sums.values())
        if gain <= max(1.0, _WORTH * before_kwh):
            continue
        above, below = parts
        splits.append(
            Split(
                cut.perimeter,
                cut.branch,
                above,
                below,
                parts[above],
                parts[below],
                cut.nodes,
                before_kwh,
                sum(after[part] for part in parts),
                sum(sums.values()),
                sum(after.values()),
            )
        )
        current, sums = trial, after
    return Suggestion(tuple(splits), current, sum(whole.values()), sum(sums.values()))


class _Days:
    """Days computed for one partition after the other, hours that nothing limits only once."""

    def __init__(
        self, state: ExpectedState, flow: PowerFlow, limits: Limits, progress: Progress | None
    ) -> None:
        self._state, self._flow, self._limits = state, flow, limits
        self._progress, self._done, self._total = progress, 0, 1
        self._hours = list(range(state.hours))

    def expect(self, total: int) -> None:
        """How many days there may be in all."""
        self._total = total

    def first(self, groups: Groups) -> tuple[dict[str, float], list[str]]:
        """kWh of every perimeter, and the perimeters that something limits."""
        lights = self._lights(groups)
        limited = [
            (day.perimeter, hour)
            for day in lights
            for way in DIRECTIONS
            for hour, light in enumerate(day.side(way))
            if light.colour is not Colour.GREEN
        ]
        sums = self._sums(groups, lights)
        self._hours = sorted({hour for _, hour in limited})
        return sums, list(dict.fromkeys(name for name, _ in limited))

    def sums(self, groups: Groups) -> dict[str, float]:
        """kWh of every perimeter."""
        return self._sums(groups, self._lights(groups))

    def _lights(self, groups: Groups) -> tuple[PerimeterDayLights, ...]:
        state = with_perimeters(only_hours(self._state, self._hours), groups)
        lights = day_lights(state, self._flow, self._limits)
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, max(self._total, self._done))
        return lights

    def _sums(self, groups: Groups, lights: Sequence[PerimeterDayLights]) -> dict[str, float]:
        state = self._state
        index = {pod.key: number for number, pod in enumerate(state.pods)}
        found: dict[str, float] = {}
        for day in lights:
            members = [index[key] for key in groups[day.perimeter]]
            found[day.perimeter] = 0.0
            for way in DIRECTIONS:
                ranges = state.range_kw[way][members].sum(axis=0)
                most = ranges.reshape(state.hours, QUARTERS_PER_HOUR).mean(axis=1)
                for hour, light in zip(self._hours, day.side(way), strict=True):
                    most[hour] = min(light.limit_kw, most[hour])
                found[day.perimeter] += float(most.sum())
        return found


def cuts_of(state: ExpectedState, perimeters: Iterable[str]) -> dict[str, list[Cut]]:
    """The distinct cuts of each perimeter that leave PODs on both sides, in the order of the grid file.

    Of several branches with the same PODs below, the one nearest to them is named.
    """
    network = state.network
    branches = [int(branch) for branch in np.flatnonzero(network.branch_closed)]
    supplied = {branch: _supplied(network, without=branch) for branch in branches}
    node_of = [network.node_index[pod.node] for pod in state.pods]
    cuts: dict[str, list[Cut]] = {}
    for name in perimeters:
        members = state.partition.members[state.partition.names.index(name)]
        found: dict[frozenset[int], int] = {}
        for branch in branches:
            below = frozenset(i for i in members if node_of[i] not in supplied[branch])
            if below and len(below) < len(members):
                known = found.get(below)
                if known is None or len(supplied[branch]) > len(supplied[known]):
                    found[below] = branch
        cuts[name] = [
            Cut(
                name,
                network.branch_names[branch],
                tuple(state.pods[i].key for i in sorted(below)),
                tuple(node for node in range(len(network.node_names)) if node not in supplied[branch]),
            )
            for below, branch in found.items()
        ]
    return cuts


def split_areas(areas: Sequence[Perimeter], splits: Iterable[Split]) -> tuple[Perimeter, ...]:
    """The nodes of perimeters after proposed splits, in their order."""
    done = list(areas)
    for split in splits:
        (place,) = [number for number, area in enumerate(done) if area.name == split.perimeter]
        below = set(split.nodes_below)
        nodes = done[place].nodes
        done[place : place + 1] = [
            Perimeter(split.above, tuple(node for node in nodes if node not in below)),
            Perimeter(split.below, tuple(node for node in nodes if node in below)),
        ]
    return tuple(done)


def _supplied(network: Network, *, without: int) -> set[int]:
    """Nodes with a closed path to a source that does not use branch ``without``."""
    ids = {int(number): place for place, number in enumerate(network.input["node"]["id"])}
    sources = network.input["source"]
    reached = {ids[int(n)] for n, on in zip(sources["node"], sources["status"], strict=True) if on}
    neighbours: dict[int, list[int]] = {}
    for i in np.flatnonzero(network.branch_closed):
        if int(i) != without:
            a, b = int(network.branch_from[i]), int(network.branch_to[i])
            neighbours.setdefault(a, []).append(b)
            neighbours.setdefault(b, []).append(a)
    queue = list(reached)
    while queue:
        for node in neighbours.get(queue.pop(), ()):
            if node not in reached:
                reached.add(node)
                queue.append(node)
    return reached


def _parts(groups: Groups, cut: Cut) -> Groups:
    """The parts of a cut perimeter, above first."""
    below = set(cut.below)
    above = tuple(key for key in groups[cut.perimeter] if key not in below)
    return {f"{cut.perimeter} above {cut.branch}": above, f"{cut.perimeter} below {cut.branch}": cut.below}


def _applied(groups: Groups, cuts: Iterable[Cut]) -> Groups:
    """The perimeters with some of them cut, each at most once."""
    by_name = {cut.perimeter: cut for cut in cuts}
    done: Groups = {}
    for name, keys in groups.items():
        done |= _parts(groups, by_name[name]) if name in by_name else {name: keys}
    return done
