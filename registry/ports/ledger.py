"""The chain with FlexLedger's contracts, as the services see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from registry.domain.commands import Command
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
