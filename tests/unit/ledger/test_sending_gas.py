"""How often a node is asked for gas: until calls of a shape prove alike, and for each where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from registry.ledger.rpc import CallReverted, Connection
from registry.ledger.sending.gas import GasMeter
from registry.ports import NodeRefused
from tests.unit.ledger.scripted import Error, Scripted

TO, SENDER = "0x" + "22" * 20, "0x" + "11" * 20
ZEROS, ONES = bytes(4) + bytes(32), bytes(4) + b"\1" * 32
DEARER = 32 * (16 - 4)
"""What the calldata of ONES costs more (EIP-2028)."""


class Counted(Connection):
    """Counts the round trips in which many requests go."""

    trips = 0

    def attempts(self, method: str, params: Sequence[Sequence[Any]]) -> list[Any]:
        self.trips += bool(params)
        return super().attempts(method, params)


def meter(*estimates: int | Error, monkeypatch: pytest.MonkeyPatch) -> tuple[GasMeter, Scripted, Counted]:
    monkeypatch.setattr(Connection, "batches", True)
    node = Scripted(eth_estimateGas=[gas if isinstance(gas, Error) else hex(gas) for gas in estimates])
    connection = Counted(node, "script")
    return GasMeter(connection, SENDER), node, connection


def one_by_one(asked: GasMeter, *datas: bytes) -> list[int]:
    return [limit for data in datas for limit in asked.limits([(TO, data)])[0]]


@pytest.mark.parametrize("together", [False, True])
def test_two_calls_that_cost_alike_but_for_their_calldata_stand_for_all(
    together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, node, _ = meter(100_000, 100_000 + DEARER, monkeypatch=monkeypatch)
    datas = (ZEROS, ONES, ZEROS, ONES, ONES)
    limits = asked.limits([(TO, data) for data in datas])[0] if together else one_by_one(asked, *datas)
    assert node.count("eth_estimateGas") == 2
    assert limits[:2] == limits[2:4] == [105_000, (100_000 + DEARER) * 21 // 20]


@pytest.mark.parametrize("together", [False, True])
def test_calls_of_one_shape_that_differ_are_asked_for_each(
    together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, node, _ = meter(50_000, 80_000, 50_000, 80_000, monkeypatch=monkeypatch)
    limits = asked.limits([(TO, ZEROS)] * 4)[0] if together else one_by_one(asked, *[ZEROS] * 4)
    assert node.count("eth_estimateGas") == 4
    assert limits == [52_500, 84_000, 52_500, 84_000]


def test_another_function_contract_or_length_is_another_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, node, _ = meter(50_000, monkeypatch=monkeypatch)
    for to, data in ((TO, ZEROS), (SENDER, ZEROS), (TO, b"\1" + ZEROS[1:]), (TO, ZEROS + bytes(32))):
        for _ in range(3):
            asked.limits([(to, data)])
    assert node.count("eth_estimateGas") == 8


def test_many_shapes_are_asked_for_in_one_round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Perimeters of all sizes; those that differ from their like take a second one."""
    estimates = [50_000] * 58 + [50_000, 80_000] + [50_000] * 2
    asked, node, connection = meter(*estimates, monkeypatch=monkeypatch)
    sizes = [(TO, ZEROS + bytes(32 * (n // 4))) for n in range(120)]
    limits, refused = asked.limits(sizes)
    assert (node.count("eth_estimateGas"), connection.trips) == (62, 2)
    assert (limits, refused) == ([52_500] * 117 + [84_000] + [52_500] * 2, None)


def test_what_the_contract_refuses_ends_the_list_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later calls may rest on it; they are asked for again."""
    refusal = Error(code=3, message="reverted", data="0x1234")
    asked, node, connection = meter(50_000, refusal, 70_000, 90_000, monkeypatch=monkeypatch)
    calls = [(TO, ZEROS + bytes(32 * n)) for n in range(4)]
    limits, refused = asked.limits(calls)
    assert limits == [52_500] and isinstance(refused, CallReverted) and refused.data == b"\x12\x34"
    assert asked.limits(calls[2:]) == ([94_500, 94_500], None)
    assert (node.count("eth_estimateGas"), connection.trips) == (6, 2)


def test_another_failure_of_the_node_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, _, _ = meter(50_000, Error(code=-32000, message="no such method"), monkeypatch=monkeypatch)
    with pytest.raises(NodeRefused, match="no such method"):
        asked.limits([(TO, ZEROS), (TO, ONES)])
