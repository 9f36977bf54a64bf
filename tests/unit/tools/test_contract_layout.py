"""State never moves under new code (CON-1)."""

from __future__ import annotations

import json

import pytest

from contracts.compile import LAYOUT
from contracts.layout import moved

pytestmark = pytest.mark.rule("CON-1")
OLD = {"Notes": ["0+0 first uint8", "0+1 second uint8", "1+0 notes mapping(uint256 => struct Notes.Note)"]}


@pytest.mark.parametrize(
    ("now", "complaints"),
    [
        (OLD["Notes"], 0),
        ([*OLD["Notes"], "2+0 third uint256"], 0),
        (["0+0 first uint8", "0+1 between bool", "0+2 second uint8", *OLD["Notes"][2:]], 1),
        (["0+0 second uint8", "0+1 first uint8", *OLD["Notes"][2:]], 1),
        (["0+0 first uint16", "0+2 second uint8", *OLD["Notes"][2:]], 1),
        (OLD["Notes"][:2], 1),
        ([], 1),
    ],
)
def test_variables_stay_or_are_added_at_the_end(now: list[str], complaints: int) -> None:
    assert len(list(moved(OLD, {"Notes": now, "Other": ["0+0 x uint8"]}))) == complaints


def test_the_layout_names_every_contract_with_state() -> None:
    layout = json.loads(LAYOUT.read_text("utf-8"))
    assert "0+0 _roles mapping(bytes32 => struct AccessControl.RoleData)" in layout["Participants"]
    assert any(name.startswith("Pods: struct ") for name in layout)
