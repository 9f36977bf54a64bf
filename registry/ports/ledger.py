"""The chain with FlexLedger's contracts, as the services see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from registry.domain.commands import Command
from registry.domain.errors import RuleViolation
from registry.domain.events import Event, Recorded
from registry.evidence.blocks import BlockEvidence
from registry.ports.keys import Signer


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block: number, 32-byte hash, Unix seconds."""

    number: int
    hash: bytes
    time: int


@dataclass(frozen=True, slots=True)
class RecordedBlock:
    """A block that holds events of FlexLedger's contracts, in their order."""

    ref: BlockRef
    events: tuple[Recorded[Event], ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A command that was mined, with the events it caused."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    block_time: int
    events: tuple[Recorded[Event], ...]
    gas_used: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a command of a stream.

    Attributes:
        number: its place in the stream, from 0.
        tx_hash, block_number, gas_used: where it is recorded; empty and 0 where the ledger refused it before
            it reached a block.
        refusal: why the ledger refused it; None if it is recorded.
    """

    number: int
    tx_hash: bytes
    block_number: int
    gas_used: int
    refusal: RuleViolation | None


class Sender(Protocol):
    """Sends many commands of one key without waiting for each; one per key at a time.

    Every command is in the sender's journal before it leaves. Whatever ends the process, :meth:`settle` of
    the next sender with this journal brings what was under way onto the ledger, once; what is not there
    then never left.
    """

    def settle(self) -> int:
        """Wait for what an earlier process left under way; returns how many commands that were. Raises as
        :meth:`send`.
        """
        ...

    def send(self, commands: Iterable[Command]) -> Iterator[Sent]:
        """Record the commands in their order; yields what became of each once that is final, which is looked
        for when as many are under way as may be. A command that the ledger refuses does not hold up those
        behind it.

        Raises :class:`OperationalError` (chain unreachable, no funds, no block in time); the journal then
        holds what is under way.
        """
        ...

    def close(self) -> None:
        """Give the journal back."""
        ...


class Ledger(Protocol):
    """The chain with FlexLedger's contracts."""

    @property
    def chain_id(self) -> int: ...

    @property
    def addresses(self) -> Mapping[str, str]:
        """Checksummed contract addresses by contract name."""
        ...

    @property
    def contracts_version(self) -> int: ...

    @property
    def first_block(self) -> int:
        """The block in which the first contract was deployed: nothing of FlexLedger is older."""
        ...

    def send(self, command: Command, signer: Signer) -> Receipt:
        """Record a command; returns once it is mined.

        Raises :class:`RuleViolation` with the rule that the contracts found broken (nothing is written then).
        """
        ...

    def sender(self, signer: Signer, folder: Path, final_after: int = 0) -> Sender:
        """A sender for this key, with its journal in ``folder``; a command is recorded once ``final_after``
        blocks follow its own. Raises :class:`AlreadyInUse` while another one has the journal.
        """
        ...

    def head(self) -> BlockRef:
        """The newest block."""
        ...

    def block(self, number: int) -> BlockRef:
        """The block with this number. Raises :class:`LookupError` beyond the head."""
        ...

    def recorded(self, from_block: int, to_block: int) -> list[RecordedBlock]:
        """The blocks with events in [from_block, to_block], both included, in order; blocks without events
        are left out.
        """
        ...

    def evidence(self, block_number: int) -> BlockEvidence:
        """Header and receipts of a block. Raises :class:`LookupError` beyond the head."""
        ...
