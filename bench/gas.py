"""``gas.*``: what a fact costs on the ledger, against its budget (:mod:`bench.gas_budget`).

Gas is exact, so these figures are a budget and no measurement of a machine: the same on every run. Each kind
of fact is recorded on a fresh embedded chain in batches of several sizes; the transaction's own 21,000 counts
in what a fact costs and not in its limit, except where one fact is one transaction by its nature.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from eth_utils.crypto import keccak

from bench.consortium import PAYLOAD, eic_of, plain_product
from bench.gas_budget import BATCH, SLOTS, Cost, allowed
from bench.results import Result
from registry.domain import commands as c
from registry.domain.aggregates import AggregateDraft, Scope
from registry.domain.calendar import DeliveryDay, from_unix
from registry.domain.identifiers import (
    aggregate_id,
    perimeter_id,
    product_id,
)
from registry.domain.lights import PerimeterDraft, PerimeterLights
from registry.domain.market import PodQuarters, Selection, quarters_of
from registry.domain.participants import Admission, PartyKind
from registry.domain.pods import PodCategory, Registration, StaticLight, StaticLightDecision, VoltageLevel
from registry.domain.prequalification import QualificationState
from registry.domain.quantities import GREEN, pack_cells, pack_selection
from registry.domain.recorded_offers import AgreementDraft, Offer
from registry.domain.sessions import Market, ScheduleTemplate
from registry.ledger.artifacts import load_artifacts
from registry.ledger.codec import encode_command
from registry.ledger.embedded.provider import EmbeddedProvider
from registry.ledger.opening import open_embedded
from registry.ledger.rpc import Connection
from registry.ledger.signers import LocalSigner

SIZES: Final = (1, 10, 100, 500)
TRANSACTION_GAS_MAX: Final = 16_700_000
"""No transaction of the ledger uses more (EIP-7825): larger batches go in several."""

_TSO, _DSO, _BSP, _NODE = 1, 2, 3, 4
_KINDS = {_TSO: PartyKind.TSO, _DSO: PartyKind.DSO, _BSP: PartyKind.BSP, _NODE: PartyKind.ACCESS_NODE}
_FEEDER = perimeter_id(_DSO, 1)
_LOCAL, _GLOBAL = aggregate_id(_BSP, 1), aggregate_id(_BSP, 2)
_LOCAL_PRODUCT, _GLOBAL_PRODUCT = product_id(_DSO, 1), product_id(_TSO, 1)
_NOTHING = bytes(32)
_UP_KW, _DOWN_KW = 10, 5
_FIRST_DAY = DeliveryDay(date(2026, 7, 20))
_DAYS = 6
_HOUR_S = 3_600
_MANY, _FEW = 400, 100
"""Facts of a transaction: of kinds that cost up to 40,000 gas, and of the others."""


def measure_gas(
    sizes: Sequence[int] = SIZES, say: Callable[[str], None] = lambda text: None
) -> Iterator[Result]:
    """One line per kind of fact, its ratio 1 where it could not cost less. ``sizes`` must hold 100; ``say``
    is told of each batch.

    Raises RuntimeError if a transaction uses more than TRANSACTION_GAS_MAX.
    """
    began = perf_counter()
    costs: dict[str, dict[int, Cost]] = {name: {} for name in SLOTS}
    for size in sizes:
        for name, cost in _World.costs(size):
            costs[name][size] = cost
            say(f"{name}: {size} recorded, {cost.gas:,.0f} gas each")
    seconds = perf_counter() - began
    for name, by_size in costs.items():
        slots, budget = SLOTS[name], by_size[BATCH]
        shown: dict[str, int | float] = {
            "batch": BATCH,
            "slots_fresh": slots.fresh,
            "slots_updated": slots.updated,
            "slots_read_cold": slots.cold,
            "ratio_allowed": allowed(name),
        }
        for size, cost in by_size.items():
            shown |= {f"gas_{size}": round(cost.gas), f"limit_{size}": round(cost.limit)}
            shown[f"ratio_{size}"] = round(cost.ratio, 3)
        yield Result(name, budget.gas, "gas", "slots + log + calldata", budget.limit, shown, seconds)


class _Clock:
    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant


class _World:
    """A consortium on a chain of its own; every kind of fact is the ground of the next."""

    @classmethod
    def costs(cls, size: int) -> Iterator[tuple[str, Cost]]:
        """Record a batch of each kind."""
        with tempfile.TemporaryDirectory() as folder:
            world = cls(Path(folder))
            try:
                yield from world._record_all(size)
            finally:
                world._opened.close()

    def __init__(self, folder: Path) -> None:
        self._keys = {party: LocalSigner(keccak(text=f"party {party}")) for party in (0, *_KINDS)}
        days = [_FIRST_DAY.plus(number) for number in range(_DAYS)]
        self._schedules = [ScheduleTemplate().schedule(day) for day in days]
        self._clock = _Clock(from_unix(self._schedules[0].opens_at - 24 * _HOUR_S))
        self._opened = open_embedded(folder, self._clock, self._keys[0])
        self._artifacts = load_artifacts()
        self._connection = Connection(EmbeddedProvider(self._opened.chain), str(folder))
        self._found()

    def _found(self) -> None:
        admissions = [
            Admission(party, kind, eic_of(party), f"Party {party}", self._keys[party].address)
            for party, kind in _KINDS.items()
        ]
        self._send(c.AdmitParties(tuple(admissions)), 0)
        self._send(c.ScheduleDays(_TSO, tuple(self._schedules)), _TSO)
        self._send(c.DeclarePerimeters(_DSO, (PerimeterDraft(_FEEDER, (), PAYLOAD),)), _DSO)
        self._create((_LOCAL,), Scope.LOCAL)
        self._create((_GLOBAL,), Scope.GLOBAL)
        self._send(c.PublishProducts(_DSO, (plain_product(_LOCAL_PRODUCT),)), _DSO)
        self._send(c.PublishProducts(_TSO, (plain_product(_GLOBAL_PRODUCT),)), _TSO)

    def _record_all(self, size: int) -> Iterator[tuple[str, Cost]]:
        """The gates of successive days lie between a POD's registration, its static light and its
        membership, as in practice: each keeps the version before it.
        """
        pods = _names("pod", size)
        session, day = 1, self._schedules[-1]
        # register
        self._before(0)
        yield self._cost("gas.pod", size, (_BSP, [self._register(some) for some in _split(pods, _MANY)]))
        paired = self._prepare_pairs(size)
        self._before(1)
        lights = [self._static_lights(some) for some in _split(pods, _MANY)]
        yield self._cost("gas.static_light", size, (_DSO, lights))
        self._before(2)
        joins = [c.JoinAggregate(_BSP, _LOCAL, some) for some in _split(pods, _MANY)]
        yield self._cost("gas.membership", size, (_BSP, joins))
        for some in _split(pods, _MANY):
            self._send(c.JoinAggregate(_BSP, _GLOBAL, some), _BSP)
        # qualify
        fresh = [aggregate_id(_BSP, 10_000 + number) for number in range(size)]
        self._create(fresh, Scope.LOCAL)
        self._qualify((_LOCAL,), _LOCAL_PRODUCT, _DSO)
        self._qualify(paired, _GLOBAL_PRODUCT, _TSO)
        asked = [_application(some, _LOCAL_PRODUCT) for some in _split(fresh, _MANY)]
        yield self._cost("gas.qualification", size, (_BSP, asked))
        # trade
        feeders = [perimeter_id(_DSO, 10 + number) for number in range(size)]
        for drafts in _split([PerimeterDraft(feeder, (), PAYLOAD) for feeder in feeders], _FEW):
            self._send(c.DeclarePerimeters(_DSO, drafts), _DSO)
        self._turn(day.window(Market.LFP, session)[0] + 1)
        rows = [_lights(feeder, 500) for feeder in feeders]
        published = [c.PublishLights(_DSO, day.day, session, some) for some in _split(rows, _FEW)]
        yield self._cost("gas.lights_day", size, (_DSO, published))
        self._send(c.PublishLights(_DSO, day.day, session, (_lights(_FEEDER, GREEN),)), _DSO)
        sold = (_selection(_LOCAL, _LOCAL_PRODUCT, min(_UP_KW * size, 900)),)
        self._send(c.SelectLocal(_DSO, day.day, session, sold), _DSO)
        terms = _names("terms", size)
        proposed = [
            c.ProposeAgreements(_DSO, tuple(AgreementDraft(one, _DSO, _LOCAL) for one in some))
            for some in _split(terms, _MANY)
        ]
        accepted = [c.AcceptAgreements(_BSP, some) for some in _split(terms, _MANY)]
        yield self._cost("gas.agreement", size, (_DSO, proposed), (_BSP, accepted))
        bids = [Offer(bid, _LOCAL, _FEEDER) for bid in _names("bid", size)]
        offered = [c.RecordOffers(_BSP, day.day, Market.LFP, session, some) for some in _split(bids, _MANY)]
        yield self._cost("gas.offer", size, (_BSP, offered))
        served = [PodQuarters(pod, quarters_of(range(24))) for pod in pods]
        declared = [
            c.DeclarePods(_BSP, _LOCAL, _FEEDER, day.day, some, some[-1] is served[-1])
            for some in _split(served, _MANY)
        ]
        yield self._cost("gas.declaration", size, (_BSP, declared))
        self._turn(day.window(Market.MSD, session)[0] + 1)
        wanted = [_selection(aggregate, _GLOBAL_PRODUCT, 5) for aggregate in paired]
        chosen = [c.SelectGlobal(_TSO, day.day, session, some) for some in _split(wanted, _FEW)]
        yield self._cost("gas.selection", size, (_TSO, chosen))
        # anchor
        log = keccak(text="log")
        self._send(c.AnchorCheckpoint(_NODE, log, 1, _named("first root", 0)), _NODE)
        anchors = [
            c.AnchorCheckpoint(_NODE, log, number + 2, _named("root", number)) for number in range(size)
        ]
        yield self._cost("gas.anchor", size, (_NODE, anchors))

    def _cost(self, name: str, count: int, *steps: tuple[int, Sequence[c.Command]]) -> tuple[str, Cost]:
        """Record ``count`` facts in one or more steps, each a party's. Raises RuntimeError for a transaction
        beyond the limit.
        """
        spent = [self._spent(command, party) for party, batch in steps for command in batch]
        gas = sum(used for used, _ in spent)
        apart = sum(beside for _, beside in spent)
        return name, Cost(gas / count, SLOTS[name].gas(count) + apart / count)

    def _spent(self, command: c.Command, party: int) -> tuple[int, int]:
        """Gas of a transaction, and what of it log and calldata are."""
        tx_hash = "0x" + self._send(command, party).hex()
        calldata = encode_command(command, self._artifacts.by_name[command.contract])
        receipt = self._connection.request("eth_getTransactionReceipt", tx_hash)
        used = int(receipt["gasUsed"], 16)
        if used > TRANSACTION_GAS_MAX:
            kind = type(command).__name__
            raise RuntimeError(f"{kind}: found {used} gas, expected at most {TRANSACTION_GAS_MAX}")
        apart = sum(16 if octet else 4 for octet in calldata)
        for log in receipt["logs"]:
            apart += 375 * (1 + len(log["topics"])) + 8 * len(bytes.fromhex(log["data"][2:]))
        return used, apart

    # -------------------------------------------------------------------------------------------- the ground

    def _prepare_pairs(self, size: int) -> list[int]:
        """Global aggregates of one POD each, which is in a local one too; all in one perimeter."""
        pods = _names("paired", size)
        local = [aggregate_id(_BSP, 1_000 + number) for number in range(size)]
        paired = [aggregate_id(_BSP, 2_000 + number) for number in range(size)]
        for some in _split(pods, _MANY):
            self._send(self._register(some), _BSP)
            self._send(self._static_lights(some), _DSO)
        self._create(local, Scope.LOCAL)
        self._create(paired, Scope.GLOBAL)
        for pod, one, other in zip(pods, local, paired, strict=True):
            self._send(c.JoinAggregate(_BSP, one, (pod,)), _BSP)
            self._send(c.JoinAggregate(_BSP, other, (pod,)), _BSP)
        return paired

    def _create(self, aggregates: Sequence[int], scope: Scope) -> None:
        drafts = [AggregateDraft(aggregate, scope, PAYLOAD) for aggregate in aggregates]
        for some in _split(drafts, _FEW):
            self._send(c.CreateAggregates(_BSP, some), _BSP)

    def _qualify(self, aggregates: Sequence[int], product: int, operator: int) -> None:
        for some in _split(aggregates, _FEW):
            self._send(_application(some, product), _BSP)
            for state in (QualificationState.TESTING, QualificationState.QUALIFIED):
                count = len(some)
                moved = c.MoveQualification(
                    operator, some, (product,) * count, (state,) * count, (950,) * count, (PAYLOAD,) * count
                )
                self._send(moved, operator)

    def _register(self, pods: Sequence[bytes]) -> c.RegisterPods:
        rows = [
            Registration(pod, _DSO, PodCategory.MIXED, VoltageLevel.LOW, _UP_KW, _DOWN_KW, 60, PAYLOAD)
            for pod in pods
        ]
        return c.RegisterPods(_BSP, tuple(rows))

    def _static_lights(self, pods: Sequence[bytes]) -> c.GiveStaticLights:
        rows = [
            StaticLightDecision(pod, StaticLight.CONFIRMED, _UP_KW, _DOWN_KW, _FEEDER, _NOTHING)
            for pod in pods
        ]
        return c.GiveStaticLights(_DSO, tuple(rows))

    def _before(self, number: int) -> None:
        self._turn(self._schedules[number].opens_at - _HOUR_S)

    def _turn(self, instant: int) -> None:
        self._clock.instant = from_unix(instant)

    def _send(self, command: c.Command, party: int) -> bytes:
        # A block is at least a second younger than its parent, and the chain's time never runs ahead.
        head = self._opened.ledger.head().time
        if self._clock.instant <= datetime.fromtimestamp(head, UTC):
            self._turn(head + 1)
        return self._opened.ledger.send(command, self._keys[party]).tx_hash


def _split(items: Sequence[Any], most: int) -> list[tuple[Any, ...]]:
    return [tuple(items[at : at + most]) for at in range(0, len(items), most)]


def _named(word: str, number: int) -> bytes:
    return keccak(text=f"{word} {number}")


def _names(word: str, count: int) -> list[bytes]:
    return [_named(word, number) for number in range(count)]


def _application(aggregates: Sequence[int], product: int) -> c.ApplyForQualification:
    hashes = tuple(_named("evidence", aggregate) for aggregate in aggregates)
    return c.ApplyForQualification(_BSP, tuple(aggregates), (product,) * len(aggregates), hashes)


def _lights(perimeter: int, kw: int) -> PerimeterLights:
    cells = pack_cells([kw] * 24)
    return PerimeterLights(perimeter, cells, cells, _named("lights", perimeter))


def _selection(aggregate: int, product: int, kw: int) -> Selection:
    commitment = _named("price", aggregate)
    return Selection(aggregate, _FEEDER, aggregate, (product,), pack_selection([kw] * 24), commitment)
