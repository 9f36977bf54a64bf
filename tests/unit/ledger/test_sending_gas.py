"""How often a node is asked for gas: until calls of a shape prove alike, and for each where they do not."""

from __future__ import annotations

import pytest

from registry.ledger.rpc import CallReverted, Connection
from registry.ledger.sending.gas import GasMeter
from tests.unit.ledger.scripted import Error, Scripted

TO, SENDER = "0x" + "22" * 20, "0x" + "11" * 20
ZEROS, ONES = bytes(4) + bytes(32), bytes(4) + b"\1" * 32
DEARER = 32 * (16 - 4)
"""What the calldata of ONES costs more (EIP-2028)."""


def meter(*estimates: int, monkeypatch: pytest.MonkeyPatch) -> tuple[GasMeter, Scripted]:
    monkeypatch.setattr(Connection, "batches", True)
    node = Scripted(eth_estimateGas=[hex(gas) for gas in estimates])
    return GasMeter(Connection(node, "script"), SENDER), node


def test_two_calls_that_cost_alike_but_for_their_calldata_stand_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, node = meter(100_000, 100_000 + DEARER, monkeypatch=monkeypatch)
    limits = [asked.limit(TO, data) for data in (ZEROS, ONES, ZEROS, ONES, ONES)]
    assert node.count("eth_estimateGas") == 2
    assert limits[:2] == limits[2:4] == [105_000, (100_000 + DEARER) * 21 // 20]


def test_calls_of_one_shape_that_differ_are_asked_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, node = meter(50_000, 80_000, 50_000, 80_000, monkeypatch=monkeypatch)
    limits = [asked.limit(TO, ZEROS) for _ in range(4)]
    assert node.count("eth_estimateGas") == 4
    assert limits == [52_500, 84_000, 52_500, 84_000]


def test_another_function_contract_or_length_is_another_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, node = meter(50_000, monkeypatch=monkeypatch)
    for to, data in ((TO, ZEROS), (SENDER, ZEROS), (TO, b"\1" + ZEROS[1:]), (TO, ZEROS + bytes(32))):
        asked.limit(to, data)
        asked.limit(to, data)
        asked.limit(to, data)
    assert node.count("eth_estimateGas") == 8


def test_a_call_that_the_contract_refuses_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "batches", True)
    node = Scripted(eth_estimateGas=[Error(code=3, message="reverted", data="0x1234")])
    with pytest.raises(CallReverted):
        GasMeter(Connection(node, "script"), SENDER).limit(TO, ZEROS)
