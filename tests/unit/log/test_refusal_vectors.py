"""What an access node refuses for what it knows, as `tests/vectors/refusals.json` has it (MEA-2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry.log import ConflictingStatement
from registry.log.judging import Body
from registry.ports import Accepted, Refused
from tests.unit.log.refusal_house import VectorHouse

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "refusals.json").read_text(encoding="utf-8"))


def named(vectors: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


@pytest.fixture
def house(tmp_path: Path) -> VectorHouse:
    return VectorHouse(tmp_path / "log", VECTORS)


@pytest.mark.rule("MEA-2", "DEV-1", "SET-1")
@pytest.mark.parametrize("vector", named(VECTORS["refused"]))
def test_refused_for_its_own_reason_and_nothing_logged(house: VectorHouse, vector: dict[str, Any]) -> None:
    with house.open() as node:
        accepted = house.prepare(node, vector["before"])
        answer = house.take(node, vector)
        assert isinstance(answer, Refused), answer
        violation = answer.violation
        assert (violation.rule, violation.field) == (vector["rule"], vector["field"]), str(violation)
        assert node.checkpoint().size == accepted
        assert isinstance(violation, ConflictingStatement) == vector["conflict"]
        kept = [conflict.refused.hex() for conflict in node.conflicts()]
        assert kept == ([vector["statement"]] if vector["conflict"] else [])


@pytest.mark.rule("MEA-2", "DEV-1")
@pytest.mark.parametrize("vector", named(VECTORS["taken"]))
def test_what_is_just_within_the_bounds_is_taken(house: VectorHouse, vector: dict[str, Any]) -> None:
    with house.open() as node:
        house.prepare(node, vector["before"])
        answer = house.take(node, vector)
        assert isinstance(answer, Accepted), answer
        assert node.entry(answer.index).hex() == vector["statement"]
        assert answer.duplicate == any(step["statement"] == vector["statement"] for step in vector["before"])


@pytest.mark.rule("MEA-1", "MEA-2")
@pytest.mark.parametrize("vector", named(VECTORS["sequences"]))
def test_of_a_sequence_with_a_fault_is_taken_what_stands_before_it(
    house: VectorHouse, vector: dict[str, Any]
) -> None:
    house.clock.seconds = vector["now"]
    with house.open() as node:
        found = node.submit_sequence(Body(bytes.fromhex(vector["sequence"]), vector["items_max"]))
        assert all(isinstance(answer, Accepted) for answer in found.answers)
        assert found.fault is not None
        assert (found.fault.rule, found.fault.field) == (vector["rule"], vector["field"])
        assert found.end == sum(len(bytes.fromhex(item)) for item in vector["taken"])
        entries = [node.entry(index).hex() for index in range(node.checkpoint().size)]
        assert entries == vector["taken"]
