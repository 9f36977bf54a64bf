"""How the outside world fails.

    OperationalError              something around the register is not as it must be; nothing was written
    ├── ChainUnreachable          no answer from the chain's node
    ├── NodeRefused               the chain's node answers a request with an error of its own
    ├── WrongChain                the node serves another chain than the settings name
    ├── ContractsVersionMismatch  the contracts on the chain are another version than this program's
    ├── ContractsMissing          no deployment is known, or no contract stands at its address
    ├── DatabaseCorrupted         a database file is no database, or damaged
    ├── DatabaseUnreachable       no answer from the database server
    ├── DiskFull                  no space left where a database or log writes
    ├── PortInUse                 another program listens on the port
    ├── AlreadyInUse              another process holds the embedded chain
    ├── KeyUnusable               a keystore cannot be read or opened
    ├── AccountUnfunded           the chain charges for gas and the sender's account cannot pay
    ├── TransactionNotMined       a transaction was sent and is not in a block in time; it may still get there
    └── ContractFault             a contract failed without a typed error: a defect, not a broken rule

Rules that are broken raise :class:`registry.domain.errors.RuleViolation` instead.
"""

from __future__ import annotations

from typing import ClassVar


class OperationalError(Exception):
    """Base: says what was found, what was expected and what to do, in one line each."""

    title: ClassVar[str] = "operational error"

    def __init__(self, *, found: str, expected: str, remedy: str) -> None:
        self.found = found
        self.expected = expected
        self.remedy = remedy
        super().__init__(f"{self.title}: found {found}; expected {expected}; {remedy}")


class ChainUnreachable(OperationalError):
    """The chain's node does not answer."""

    title = "chain unreachable"


class NodeRefused(OperationalError):
    """The node understands no such request, or will not do it; ``found`` is what it said."""

    title = "node refused"


class WrongChain(OperationalError):
    """The node serves another chain."""

    title = "wrong chain"


class ContractsVersionMismatch(OperationalError):
    """The contracts on the chain are of another version."""

    title = "contracts of another version"


class ContractsChangedBeyond(ContractsVersionMismatch):
    """The consortium changed the contracts, in ``block``, to a version that this program does not know."""

    def __init__(self, *, found: str, expected: str, remedy: str, block: int) -> None:
        self.block = block
        super().__init__(found=found, expected=expected, remedy=remedy)


class ContractsMissing(OperationalError):
    """FlexLedger's contracts are not where the settings say."""

    title = "contracts missing"


class DatabaseCorrupted(OperationalError):
    """A database file cannot be read as one."""

    title = "database corrupted"


class DatabaseUnreachable(OperationalError):
    """The database server does not answer, or refuses the login."""

    title = "database unreachable"


class DiskFull(OperationalError):
    """No space is left on the device."""

    title = "disk full"


class PortInUse(OperationalError):
    """A port to listen on is taken."""

    title = "port in use"


class AlreadyInUse(OperationalError):
    """Another process holds a file that only one may hold."""

    title = "already in use"


class KeyUnusable(OperationalError):
    """A signing key cannot be read or opened."""

    title = "key unusable"


class AccountUnfunded(OperationalError):
    """The sender's account cannot pay for the gas."""

    title = "account unfunded"


class TransactionNotMined(OperationalError):
    """A sent transaction did not reach a block in time; ask again by its hash before repeating it."""

    title = "transaction not mined"


class ContractFault(OperationalError):
    """A contract failed in a way it does not declare."""

    title = "contract fault"
