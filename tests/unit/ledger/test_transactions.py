"""A transaction's way through a node that is slow, crowded, poor or of two minds."""

from __future__ import annotations

from typing import Any

import pytest
import rlp

from registry.ledger.rpc import CallReverted, Connection
from registry.ledger.signers import LocalSigner
from registry.ledger.transactions import Transactor
from registry.ports import AccountUnfunded, ContractFault, NodeRefused, TransactionNotMined
from tests.unit.ledger.scripted import Error, Scripted

SIGNER = LocalSigner(bytes([9]) * 32)
TO = "0x" + "22" * 20
MINED = {"status": "0x1", "blockNumber": "0x5"}
FAILED = {"status": "0x0", "blockNumber": "0x5"}
TOO_LOW = Error(code=-32000, message="nonce too low: next nonce 4, tx nonce 3")


def node(**changes: list[Any]) -> Scripted:
    answers: dict[str, list[Any]] = {
        "eth_estimateGas": ["0x5208"],
        "eth_getBlockByNumber": [{"baseFeePerGas": "0x0"}],
        "eth_maxPriorityFeePerGas": ["0x2"],
        "eth_getTransactionCount": ["0x3"],
        "eth_sendRawTransaction": ["0xaa"],
        "eth_getTransactionReceipt": [MINED],
    }
    return Scripted(**{**answers, **changes})


def send(scripted: Scripted) -> dict[str, Any]:
    return Transactor(Connection(scripted, "script"), 5).send(SIGNER, TO, b"\x01")


def fields_sent(scripted: Scripted) -> list[bytes]:
    (raw,) = next(params for method, params in scripted.asked if method == "eth_sendRawTransaction")
    data = bytes.fromhex(raw[2:])
    assert data[0] == 2
    return list(rlp.decode(data[1:]))


def test_fees_are_zero_where_the_chain_asks_none_and_twice_the_base_fee_where_it_does() -> None:
    free, paid = node(), node(eth_getBlockByNumber=[{"baseFeePerGas": "0x64"}])
    assert send(free) == send(paid) == MINED
    assert fields_sent(free)[:5] == [b"\x05", b"\x03", b"", b"", b"\x52\x08"]
    assert fields_sent(paid)[2:4] == [b"\x02", bytes([202])]


def test_a_nonce_that_another_process_used_is_read_again() -> None:
    scripted = node(eth_sendRawTransaction=[TOO_LOW, "0xaa"], eth_getTransactionCount=["0x3", "0x4"])
    assert send(scripted) == MINED
    assert scripted.count("eth_getTransactionCount") == 2


def test_a_nonce_that_never_fits_is_given_up() -> None:
    scripted = node(eth_sendRawTransaction=[TOO_LOW])
    with pytest.raises(NodeRefused, match="nonce too low"):
        send(scripted)
    assert scripted.count("eth_sendRawTransaction") == 3


def test_another_refusal_is_not_repeated() -> None:
    scripted = node(eth_sendRawTransaction=[Error(code=-32000, message="intrinsic gas too low")])
    with pytest.raises(NodeRefused, match="intrinsic gas too low"):
        send(scripted)
    assert scripted.count("eth_sendRawTransaction") == 1


@pytest.mark.parametrize("method", ["eth_estimateGas", "eth_sendRawTransaction"])
def test_an_account_that_cannot_pay_is_named(method: str) -> None:
    poor = Error(code=-32000, message="insufficient funds for gas * price + value")
    with pytest.raises(AccountUnfunded, match=f"ether for gas on {SIGNER.address}"):
        send(node(**{method: [poor]}))


def test_a_block_that_comes_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("registry.ledger.transactions.time.sleep", pauses.append)
    assert send(node(eth_getTransactionReceipt=[None] * 9 + [MINED])) == MINED
    assert pauses == sorted(pauses) and len(pauses) == 9 and max(pauses) <= 1


def test_a_block_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.ledger.transactions.MINED_WITHIN_S", -1.0)
    with pytest.raises(TransactionNotMined, match="0xaa in no block"):
        send(node(eth_getTransactionReceipt=[None]))


def test_a_refusal_before_sending_sends_nothing() -> None:
    scripted = node(eth_estimateGas=[Error(code=3, message="execution reverted", data="0x12345678")])
    with pytest.raises(CallReverted) as reverted:
        send(scripted)
    assert reverted.value.data == bytes.fromhex("12345678")
    assert scripted.count("eth_sendRawTransaction") == 0


def test_a_transaction_that_fails_in_its_block_is_run_again_to_learn_why() -> None:
    scripted = node(
        eth_getTransactionReceipt=[FAILED], eth_call=[Error(code=3, message="reverted", data="0xabcdef01")]
    )
    with pytest.raises(CallReverted) as reverted:
        send(scripted)
    assert reverted.value.data == bytes.fromhex("abcdef01")
    call, block = scripted.asked[-1][1]
    assert (call["from"], call["to"], block) == (SIGNER.address, TO, "0x4")


def test_a_failure_that_cannot_be_repeated_is_said() -> None:
    with pytest.raises(ContractFault, match="succeeds when repeated"):
        send(node(eth_getTransactionReceipt=[FAILED], eth_call=["0x"]))


@pytest.mark.parametrize(
    ("error", "data"),
    [
        (Error(code=3, message="execution reverted", data="0x1234"), "1234"),
        (Error(code=-32000, message="Reverted", data="Reverted 0x1234"), "1234"),
        (Error(code=-32603, message="vm error", data={"data": "0x1234", "message": "x"}), "1234"),
        (Error(code=-32000, message="execution reverted"), ""),
    ],
)
def test_revert_data_is_found_where_nodes_put_it(error: Error, data: str) -> None:
    with pytest.raises(CallReverted) as reverted:
        Connection(Scripted(eth_call=[error]), "script").request("eth_call")
    assert reverted.value.data.hex() == data
