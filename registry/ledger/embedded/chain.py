"""The embedded chain itself: one node, one transaction per block, time from the register's clock."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth.chains.base import Chain
from eth.constants import BLANK_ROOT_HASH, ZERO_ADDRESS
from eth.exceptions import CanonicalHeadNotFound, HeaderNotFound
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException

from registry.ledger.embedded.serialize import receipt_json
from registry.ledger.embedded.store import ChainStore
from registry.ports import Clock, DatabaseCorrupted

CHAIN_ID = 0x666C6578
TRANSACTION_GAS = 30_000_000
"""Most gas a transaction may use."""
BLOCK_GAS = 2 * TRANSACTION_GAS
"""Gas limit of a block: the base fee rises from zero only when more than half of it is used, which one
transaction never does.
"""


class Reverted(Exception):
    """A call or transaction failed; ``data`` is what the contract returned with its revert."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        super().__init__(f"reverted with {len(data)} bytes")


class TransactionInvalid(Exception):
    """A transaction that no block may hold: wrong nonce, chain id, signature or gas."""


class EmbeddedChain:
    """Opens the chain in ``path``, or founds it there at the clock's present time.

    Raises what :class:`ChainStore` raises. Safe for use by many threads of one process.
    """

    def __init__(self, path: Path, clock: Clock, chain_id: int = CHAIN_ID) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._store = ChainStore(path)
        chain_class = Chain.configure("FlexLedgerChain", vm_configuration=((0, PragueVM),), chain_id=chain_id)
        self.chain_id = chain_id
        try:
            self._chain = self._open(chain_class)
        except BaseException:
            self._store.close()
            raise

    def _open(self, chain_class: Any) -> Any:
        chain = chain_class(self._store)
        try:
            head = chain.get_canonical_head()
        except CanonicalHeadNotFound:
            chain = chain_class.from_genesis(self._store, _genesis(int(self._clock.now().timestamp())), {})
            self._store.commit()
            return chain
        if head.state_root not in self._store and head.state_root != BLANK_ROOT_HASH:
            raise DatabaseCorrupted(
                found=f"no state of block {head.block_number} in {self._path}",
                expected="the state of the newest block",
                remedy="restore the file from a backup",
            )
        return chain

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._store.close()

    # ---------------------------------------------------------------------------------------------- reads

    def head(self) -> Any:
        """Header of the newest block."""
        with self._lock:
            return self._chain.get_canonical_head()

    def header(self, number: int) -> Any | None:
        """Header of a block, None beyond the head."""
        with self._lock:
            try:
                return self._chain.get_canonical_block_header_by_number(number)
            except HeaderNotFound:
                return None

    def receipts(self, from_block: int, to_block: int) -> list[dict[str, Any]]:
        """Receipts of a range of blocks, as JSON-RPC objects."""
        with self._lock:
            return [json.loads(body) for body in self._store.receipts(from_block, to_block)]

    def receipt(self, tx_hash: bytes) -> dict[str, Any] | None:
        """Receipt of a transaction, as a JSON-RPC object."""
        with self._lock:
            body = self._store.receipt(tx_hash)
        return None if body is None else json.loads(body)

    def nonce(self, address: bytes) -> int:
        """How many transactions the address has sent."""
        return int(self._state().get_nonce(address))

    def code(self, address: bytes) -> bytes:
        """The contract at an address, empty if there is none."""
        return bytes(self._state().get_code(address))

    def balance(self, address: bytes) -> int:
        """The ether of an address, in wei."""
        return int(self._state().get_balance(address))

    def call(self, sender: bytes, to: bytes, data: bytes) -> bytes:
        """Run a call as if in the next block, and forget it. Raises :class:`Reverted`."""
        with self._lock, self._forgotten():
            vm = self._chain.get_vm(self._next_header())
            unsigned = vm.create_unsigned_transaction(
                nonce=vm.state.get_nonce(sender), gas_price=0, gas=TRANSACTION_GAS, to=to, value=0, data=data
            )
            computation = vm.state.costless_execute_transaction(SpoofTransaction(unsigned, from_=sender))
            if computation.is_error:
                raise Reverted(bytes(computation.output))
            return bytes(computation.output)

    # --------------------------------------------------------------------------------------------- writes

    def send(self, raw: bytes) -> bytes:
        """Run a signed transaction, make its block, keep both; returns the transaction's hash.

        Raises :class:`TransactionInvalid`, or :class:`Reverted` if the contract refuses: then no block is
        made.
        """
        with self._lock, self._forgotten():
            # 1. read the transaction
            header = self._next_header()
            vm = self._chain.get_vm(header)
            try:
                transaction = vm.get_transaction_builder().decode(raw)
                if transaction.gas > TRANSACTION_GAS:
                    raise ValidationError(f"gas {transaction.gas} beyond {TRANSACTION_GAS}")
                if transaction.chain_id != self.chain_id:
                    raise ValidationError(f"chain {transaction.chain_id} instead of {self.chain_id}")
                # 2. run it
                filled, receipts, computations = vm.apply_all_transactions((transaction,), header)
            except (ValidationError, RLPException, ValueError, TypeError) as error:
                raise TransactionInvalid(str(error)) from error
            if computations[0].is_error:
                raise Reverted(bytes(computations[0].output))
            # 3. make the block
            draft = vm.set_block_transactions_and_withdrawals(
                vm.get_block(), filled, (transaction,), receipts
            )
            block = vm.mine_block(draft).block
            self._chain.persist_block(block)
            # 4. keep block, state and receipt as one
            body = json.dumps(receipt_json(block.header, transaction, receipts[0], computations[0]))
            self._store.add_receipt(block.number, transaction.hash, body)
            self._store.commit()
            return bytes(transaction.hash)

    def _state(self) -> Any:
        with self._lock:
            return self._chain.get_vm(self._next_header()).state

    def _next_header(self) -> Any:
        """Header of the block to come: time from the clock, but later than the block before."""
        parent = self._chain.get_canonical_head()
        timestamp = max(parent.timestamp + 1, int(self._clock.now().timestamp()))
        return PragueVM.create_header_from_parent(
            parent, timestamp=timestamp, gas_limit=BLOCK_GAS, coinbase=ZERO_ADDRESS
        )

    @contextmanager
    def _forgotten(self) -> Iterator[None]:
        """Whatever was not committed inside is forgotten."""
        try:
            yield
        finally:
            self._store.rollback()


def _genesis(timestamp: int) -> dict[str, Any]:
    return {
        "coinbase": ZERO_ADDRESS,
        "difficulty": 0,
        "extra_data": b"",
        "gas_limit": BLOCK_GAS,
        "mix_hash": bytes(32),
        "nonce": bytes(8),
        "receipt_root": BLANK_ROOT_HASH,
        "transaction_root": BLANK_ROOT_HASH,
        "timestamp": timestamp,
        "base_fee_per_gas": 0,
    }
