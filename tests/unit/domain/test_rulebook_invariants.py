"""What holds after any sequence of commands, accepted or refused (SES-2, SES-3, SES-6, STT-5, DTL-3)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from registry.domain.errors import RuleViolation
from registry.domain.market import direction_of, hours_of
from registry.domain.quantities import Direction
from registry.domain.refusals import Refusal
from registry.domain.rulebook import Rulebook
from registry.domain.rulebook.state import Table
from registry.domain.sessions import Market
from tests.unit.domain.command_stream import CommandStream
from tests.unit.domain.consortium import DAY, FEEDER_1, PODS, Consortium

LENGTH = 400


def snapshot(rulebook: Rulebook) -> dict[str, object]:
    """Everything that the rulebook holds, table by table."""
    return {
        f"{type(book).__name__}.{name}": {key: table[key] for key in table}
        for book in vars(rulebook).values()
        for name, table in vars(book).items()
        if isinstance(table, Table)
    }


@pytest.mark.rule("SES-2", "SES-3", "SES-6", "STT-5", "DTL-3")
@pytest.mark.parametrize("seed", range(12))
def test_invariants_hold_after_every_command(seed: int) -> None:
    world = Consortium()
    stream = CommandStream(seed, world.rulebook, world.now)
    seen: Counter[str] = Counter()
    for _ in range(LENGTH):
        command, party = stream.next()
        before = snapshot(world.rulebook)
        try:
            world.rulebook.execute(command, world.signers[party], stream.now)
        except Refusal as refusal:
            seen[refusal.name] += 1
            assert snapshot(world.rulebook) == before, "a refused command left something behind"
        else:
            seen[type(command).__name__] += 1
        check_market(world.rulebook)
        check_one_direction(world.rulebook)
    assert len(seen) > 20, seen


def check_market(rulebook: Rulebook) -> None:
    """One POD serves one market per hour, and what is sold and not yet declared is covered."""
    for pod_id in PODS:
        local, global_ = (hours_of(rulebook.market.quarters[pod_id, DAY.number, market]) for market in Market)
        assert not local & global_
    for place in rulebook.market.selections:
        state = rulebook.market.selections[place]
        assert state is not None
        for hour in state.open_hours:
            left = rulebook.market.available(place, hour, direction_of(state.kw[hour]))
            shared_and_open = any(
                hour in other.open_hours
                for counterpart in rulebook.aggregates.counterparts(place.aggregate)
                if (other := rulebook.market.selections[replace(place, aggregate=counterpart)]) is not None
            )
            assert abs(state.kw[hour]) <= left or shared_and_open, (place, hour)


def check_one_direction(rulebook: Rulebook) -> None:
    """No local activations both ways in one perimeter and hour."""
    for hour in range(24):
        planned = [
            rulebook.market.planned_kw(Market.LFP, FEEDER_1, DAY.number, hour, direction)
            for direction in Direction
        ]
        assert not all(planned)


def test_streams_meet_most_rules() -> None:
    """The streams are worth something: over all seeds nearly every refusal and every command occurs."""
    met: set[str] = set()
    for seed in range(12):
        world = Consortium()
        stream = CommandStream(seed, world.rulebook, world.now)
        for _ in range(LENGTH):
            command, party = stream.next()
            try:
                world.rulebook.execute(command, world.signers[party], stream.now)
                met.add(type(command).__name__)
            except RuleViolation as violation:
                assert isinstance(violation, Refusal)
                met.add(violation.name)
    assert len(met) > 80
