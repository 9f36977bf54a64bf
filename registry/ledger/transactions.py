"""One transaction from signer to block: fees, nonce, sending, waiting, and why it failed."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any

from registry.ledger.fees import current_fees
from registry.ledger.rpc import Connection
from registry.ports import AccountUnfunded, ContractFault, NodeRefused, Signer, TransactionNotMined

MINED_WITHIN_S = 120.0
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 1.0
_NONCE_ATTEMPTS = 3
_NONCE_WORDS = ("nonce", "already known", "replacement", "underpriced")
_FUNDS_WORDS = ("insufficient funds", "upfront cost", "insufficient balance", "exceeds balance")


class Transactor:
    """Sends transactions to one chain. Safe for use by many threads; transactions of one signer go out one
    after the other.
    """

    def __init__(self, connection: Connection, chain_id: int) -> None:
        self._connection = connection
        self._chain_id = chain_id
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._locks_guard = threading.Lock()

    def send(self, signer: Signer, to: str | None, data: bytes, value: int = 0) -> dict[str, Any]:
        """Send and wait; returns the receipt. ``to`` None creates a contract.

        1. ask the node for the gas: it runs the call, so a refusal shows before anything is sent;
        2. fees: none where the chain asks none;
        3. sign with the next nonce and send;
        4. wait for the block;
        5. if it failed in the block all the same, run it again to learn why.

        Raises:
            CallReverted: the contract refused, with its data.
            AccountUnfunded: the chain charges for gas and the signer cannot pay.
            TransactionNotMined: not in a block within two minutes.
        """
        call = {"from": signer.address, "data": "0x" + data.hex(), **({"to": to} if to else {})}
        # 1. gas
        gas = int(self._funded(signer, "eth_estimateGas", {**call, "value": hex(value)}), 16)
        # 2. fees
        fields = {
            "type": 2,
            "chainId": self._chain_id,
            "gas": gas,
            "value": value,
            "data": data,
            **current_fees(self._connection).fields,
            **({"to": to} if to else {}),
        }
        # 3. send
        tx_hash = self._send_with_nonce(signer, fields)
        # 4. wait
        receipt = self._wait(tx_hash)
        # 5. explain
        if int(receipt["status"], 16) == 0:
            self._connection.request(
                "eth_call", {**call, "gas": hex(gas)}, hex(int(receipt["blockNumber"], 16) - 1)
            )
            raise ContractFault(
                found=f"transaction {tx_hash}, which failed in its block and succeeds when repeated",
                expected="the same result",
                remedy="send the command again",
            )
        return receipt

    def _send_with_nonce(self, signer: Signer, fields: dict[str, Any]) -> str:
        with self._lock_of(signer.address):
            for attempt in range(1, _NONCE_ATTEMPTS + 1):
                nonce = int(
                    self._connection.request("eth_getTransactionCount", signer.address, "pending"), 16
                )
                raw = signer.sign({**fields, "nonce": nonce})
                try:
                    return str(self._funded(signer, "eth_sendRawTransaction", "0x" + raw.hex()))
                except NodeRefused as refused:
                    # another process may have used the nonce since it was read
                    if attempt == _NONCE_ATTEMPTS or not says(refused, _NONCE_WORDS):
                        raise
        raise AssertionError("every attempt returns or raises")

    def _funded(self, signer: Signer, method: str, *params: Any) -> Any:
        try:
            return self._connection.request(method, *params)
        except NodeRefused as refused:
            failure = unfunded(refused, signer.address)
            if failure is None:
                raise
            raise failure from refused

    def _wait(self, tx_hash: str) -> dict[str, Any]:
        deadline = time.monotonic() + MINED_WITHIN_S
        pause = _FIRST_PAUSE_S
        while True:
            receipt: dict[str, Any] | None = self._connection.request("eth_getTransactionReceipt", tx_hash)
            if receipt is not None:
                return receipt
            if time.monotonic() > deadline:
                raise TransactionNotMined(
                    found=f"transaction {tx_hash} in no block after {MINED_WITHIN_S:.0f} s",
                    expected="a chain that makes blocks",
                    remedy="look at the validators; the transaction may still be mined",
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _lock_of(self, address: str) -> threading.Lock:
        with self._locks_guard:
            return self._locks[address]


def says(refused: NodeRefused, words: tuple[str, ...]) -> bool:
    """Whether the node's own words have one of these in them."""
    return any(word in refused.found.lower() for word in words)


def unfunded(refused: NodeRefused, address: str) -> AccountUnfunded | None:
    """The failure of an account that cannot pay, if that is what the node says."""
    if not says(refused, _FUNDS_WORDS):
        return None
    return AccountUnfunded(
        found=refused.found,
        expected=f"ether for gas on {address}",
        remedy="fund the account, or run the chain without gas price",
    )
