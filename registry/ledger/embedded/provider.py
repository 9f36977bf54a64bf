"""The embedded chain as a web3 provider: the few JSON-RPC methods that the ledger uses, answered in this
process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_utils.address import to_canonical_address
from eth_utils.hexadecimal import encode_hex
from web3.providers import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from registry.ledger.embedded.chain import TRANSACTION_GAS, EmbeddedChain, Reverted, TransactionInvalid
from registry.ledger.embedded.serialize import header_json

_REVERTED = 3
_INVALID = -32000
_UNKNOWN_METHOD = -32601


class EmbeddedProvider(BaseProvider):
    """Answers as a node would. ``eth_estimateGas`` answers the most a transaction may use, without running
    it: gas is free here, and a transaction that reverts is refused by ``eth_sendRawTransaction`` itself, with
    the revert's data, and is not mined.
    """

    def __init__(self, chain: EmbeddedChain) -> None:
        super().__init__()
        self.chain = chain
        self._methods: dict[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(chain.chain_id),
            "eth_blockNumber": lambda: hex(chain.head().block_number),
            "eth_getBlockByNumber": self._block,
            "eth_getTransactionCount": lambda address, _: hex(chain.nonce(to_canonical_address(address))),
            "eth_getCode": lambda address, _: encode_hex(chain.code(to_canonical_address(address))),
            "eth_getBalance": lambda address, _: hex(chain.balance(to_canonical_address(address))),
            "eth_estimateGas": lambda *_: hex(TRANSACTION_GAS),
            "eth_call": self._call,
            "eth_sendRawTransaction": lambda raw: encode_hex(chain.send(_bytes(raw))),
            "eth_getTransactionReceipt": lambda tx_hash: chain.receipt(_bytes(tx_hash)),
            "eth_getTransactionByHash": self._transaction,
            "eth_getBlockReceipts": lambda number: chain.receipts(int(number, 16), int(number, 16)),
            "eth_getLogs": self._logs,
        }

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Answer one JSON-RPC request."""
        answer = self._methods.get(method)
        if answer is None:
            return _failure(_UNKNOWN_METHOD, f"method {method} is not served by the embedded chain")
        try:
            return {"jsonrpc": "2.0", "id": 0, "result": answer(*params)}
        except Reverted as reverted:
            return _failure(_REVERTED, "reverted", encode_hex(reverted.data))
        except TransactionInvalid as invalid:
            return _failure(_INVALID, str(invalid))

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Always: the chain is in this process."""
        return True

    def _block(self, number: str, _full: bool) -> dict[str, Any] | None:
        header = self.chain.head() if number == "latest" else self.chain.header(int(number, 16))
        return None if header is None else header_json(header)

    def _transaction(self, tx_hash: str) -> dict[str, Any] | None:
        receipt = self.chain.receipt(_bytes(tx_hash))
        if receipt is None:
            return None
        fields = {name: receipt[name] for name in ("blockNumber", "blockHash", "from", "to", "type")}
        return {"hash": tx_hash, **fields}

    def _call(self, transaction: dict[str, Any], _block: str) -> str:
        sender = to_canonical_address(transaction.get("from", "0x" + "00" * 20))
        # Without a receiver it is a creation, whose answer is the code that would stand there.
        to = to_canonical_address(transaction["to"]) if "to" in transaction else b""
        return encode_hex(self.chain.call(sender, to, _bytes(transaction["data"])))

    def _logs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = {address.lower() for address in query["address"]}
        receipts = self.chain.receipts(int(query["fromBlock"], 16), int(query["toBlock"], 16))
        return [log for receipt in receipts for log in receipt["logs"] if log["address"].lower() in wanted]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _failure(code: int, message: str, data: str | None = None) -> RPCResponse:
    error: Any = {"code": code, "message": message, **({} if data is None else {"data": data})}
    return {"jsonrpc": "2.0", "id": 0, "error": error}
