"""Rulebook and contracts side by side: every command goes through both, and they have to answer alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from eth_utils import keccak

from registry.domain import commands as c
from registry.domain.calendar import from_unix
from registry.domain.contract_changes import NOTICE_S
from registry.domain.events import Event
from registry.domain.refusals import Refusal
from registry.domain.rulebook import Rulebook
from registry.domain.sessions import Market
from registry.ledger.artifacts import load_artifacts
from registry.ledger.deployment import Deployment
from registry.ledger.embedded.provider import EmbeddedProvider
from registry.ledger.errors import violation_of
from registry.ledger.ledger import ChainLedger
from registry.ledger.opening import DEPLOYMENT_FILE, EmbeddedLedger, open_embedded
from registry.ledger.rpc import Connection
from registry.ledger.signers import LocalSigner
from tests.unit.domain.consortium import ADMIN, DISPUTE_WINDOW_S, FOUNDED_AT, KINDS, Consortium


class SetClock:
    """Stands where it was set."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant


class Chain:
    """The contracts on an embedded chain, asked as the rulebook is."""

    def __init__(self, folder: Path, notice_s: int = NOTICE_S) -> None:
        keys = {party: LocalSigner(keccak(text=f"party {party}")) for party in (ADMIN, *KINDS)}
        self.addresses = {party: key.address for party, key in keys.items()}
        self._keys = {key.address: key for key in keys.values()}
        self._clock = SetClock(from_unix(FOUNDED_AT) - timedelta(hours=1))
        self._opened: EmbeddedLedger = open_embedded(
            folder, self._clock, keys[ADMIN], dispute_window_s=DISPUTE_WINDOW_S, notice_s=notice_s
        )
        self.connection = Connection(EmbeddedProvider(self._opened.chain), "embedded")
        self.deployment = Deployment.load(folder / DEPLOYMENT_FILE)

    def key(self, party: int) -> LocalSigner:
        return self._keys[self.addresses[party]]

    def set(self, now: int) -> None:
        self._clock.instant = from_unix(now)

    def execute(self, command: c.Command, sender: str, now: int) -> list[Event]:
        self.set(now)
        receipt = self._opened.ledger.send(command, self._keys[sender])
        assert receipt.block_time == now
        return [recorded.event for recorded in receipt.events]

    def adopt(self, key: LocalSigner) -> None:
        self._keys[key.address] = key

    def read(self, contract: str, function: str, **values: Any) -> tuple[Any, ...]:
        """What a view function of the contracts returns."""
        return self._opened.ledger.read(contract, function, **values)

    @property
    def ledger(self) -> ChainLedger:
        """The ledger port, for a mirror to follow."""
        return self._opened.ledger

    @staticmethod
    def refusal_of(data: bytes) -> Refusal:
        """The refusal in a typed error that a view function returned."""
        found = violation_of(data, load_artifacts())
        assert isinstance(found, Refusal)
        return found

    def close(self) -> None:
        self._opened.close()


class Both:
    """Rulebook and chain side by side."""

    def __init__(self, rulebook: Rulebook, chain: Chain) -> None:
        self.rulebook = rulebook
        self.chain = chain

    def execute(self, command: c.Command, sender: str, now: int) -> list[Event]:
        """What both answer.

        Raises:
            Refusal: both refuse, alike.
            AssertionError: they differ.
        """
        expected = answer(self.rulebook, command, sender, now)
        found = answer(self.chain, command, sender, now)
        assert found == expected, f"{command}\nchain: {found}\nrules: {expected}"
        if isinstance(expected, tuple):
            raise Refusal.decoded(expected[0], list(expected[1].values()))
        return expected


class TickingConsortium(Consortium):
    """A consortium whose clock moves on with every command, as a chain's does."""

    def do(self, command: c.Command, party: int) -> list[Event]:
        self.now += 1
        return super().do(command, party)

    def at(self, market: Market, session: int) -> Consortium:
        now = self.now
        super().at(market, session)
        self.now = max(now, self.now)
        return self


def answer(
    ledger: Rulebook | Chain, command: c.Command, sender: str, now: int
) -> list[Event] | tuple[str, dict[str, object]]:
    """Events, or name and values of the refusal."""
    try:
        return ledger.execute(command, sender, now)
    except Refusal as refusal:
        return refusal.name, refusal.values
