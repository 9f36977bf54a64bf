"""The way every write takes: ledger first, then the mirror, then the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from registry.domain.commands import Command
from registry.ports import PAGE, Clock, Ledger, Mirror, Receipt, Signer, Vault


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


Row = TypeVar("Row", bound=_Keyed)


@dataclass(frozen=True, slots=True)
class Recorder:
    """What a use case works with: the ledger to write to, the mirror to read from, the vault for what stays
    private.
    """

    ledger: Ledger
    mirror: Mirror
    vault: Vault
    clock: Clock

    def record(self, command: Command, signer: Signer) -> Receipt:
        """Send a command and wait until it is mined and mirrored.

        Raises:
            RuleViolation: the rule the ledger found broken; nothing was written then.
        """
        receipt = self.ledger.send(command, signer)
        self.mirror.catch_up()
        return receipt


def every(page: Callable[[str | None, int], list[Row]], size: int = 10 * PAGE) -> Iterator[Row]:
    """All rows of a list, page by page.

    Args:
        page: reads one page after a key, such as ``lambda after, limit: mirror.pods(bsp=21, after=after,
            limit=limit)``.
        size: rows per page.
    """
    after: str | None = None
    while True:
        rows = page(after, size)
        yield from rows
        if len(rows) < size:
            return
        after = rows[-1].key
