"""One small delivery day, from admission to a recorded settlement, and the evidence bundle of it.

Two PODs, one global aggregate that is qualified through its local twin. Asked: 5 kW up in hour 2 and 8, later
4 kW in hour 11, at 200 EUR/MWh. In hour 2 POD A gives all of it. In hour 11 both give 900 Wh of 1,000 a
quarter-hour, which is within tolerance; of one quarter-hour a reading is missing. So: 4 x 1,250 Wh + 3 x 900
Wh = 7,700 Wh at 200 EUR/MWh = 1.54 EUR, one period unsettled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.domain.aggregates import Scope
from registry.domain.calendar import DeliveryDay, unix
from registry.domain.events import (
    AggregateCreated,
    BaselineFiled,
    CheckpointAnchored,
    DayScheduled,
    DeclarationCompleted,
    DeviceBound,
    EquivalenceAccepted,
    Event,
    LightsPublished,
    OfferRecorded,
    PartyAdmitted,
    PerimeterDeclared,
    PodDeclared,
    PodJoined,
    PodRegistered,
    ProductPublished,
    QualificationMoved,
    SelectionRecorded,
    StatementRecorded,
    StaticLightGiven,
)
from registry.domain.identifiers import canonical_json, commitment
from registry.domain.participants import PartyKind
from registry.domain.pods import PodCategory, Roster, StaticLight, VoltageLevel
from registry.domain.prequalification import QualificationState
from registry.domain.procurement import Bid
from registry.domain.products import Product, SettlementMethod
from registry.domain.quantities import GREEN, HourCells, pack_cells, pack_selection
from registry.domain.sessions import Market
from registry.domain.settlement_case import build_statement
from registry.evidence import merkle
from registry.evidence.bundle import Bundle, LoggedEntry, OpenedCommitment
from registry.evidence.case import deal_terms, filed_baselines, reading_facts, settlement_case
from registry.evidence.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from registry.evidence.cosignatures import WitnessKey, cosign, with_cosignatures
from registry.evidence.es256 import PrivateKey, kid_of, public_key_bytes
from registry.evidence.facts import Facts, LedgerFact
from registry.evidence.payloads import Reading
from registry.evidence.statements import parse, sign
from tests.unit.evidence.paper_ledger import ADDRESSES, PaperLedger

DAY = DeliveryDay(date(2026, 10, 28))
STARTS = unix(DAY.starts_at)
TSO, DSO, BSP, NODE = 1, 2, 3, 4
PERIMETER = DSO << 24 | 1
LOCAL, GLOBAL = BSP << 24 | 1, BSP << 24 | 2
TESTED, BOUGHT = DSO << 16 | 1, TSO << 16 | 1
STATEMENT_ID = sha256(b"statement").digest()
ORIGIN = "example.org/flexledger/test"
NOTE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ZERO = bytes(32)


def device(n: int) -> PrivateKey:
    return ec.derive_private_key(1000 + n, ec.SECP256R1())


POD_A, POD_B = sha256(b"A").digest(), sha256(b"B").digest()
PODS = {POD_A: device(1), POD_B: device(2)}
MISSING = (POD_B, 45)
GATES = {
    "baseline_gate": STARTS - 60_000,
    "opens_at": STARTS - 50_000,
    "lfp_gates": tuple(STARTS + 14_400 * k - 9_000 for k in range(6)),
    "msd_gates": tuple(STARTS + 14_400 * k - 6_300 for k in range(6)),
    "last_declaration": STARTS + 86_400,
}


def product(number: int, **changes: Any) -> Product:
    terms = Product(
        product=number,
        supersedes=0,
        service=b"s".ljust(32, b"\0"),
        test_infrastructure=b"t".ljust(32, b"\0"),
        months=0xFFF,
        weekdays=0x7F,
        from_minute=0,
        until_minute=1440,
        min_up_kw=1,
        min_down_kw=0,
        activation_time_s=900,
        recovery_time_s=0,
        duration_s=3600,
        method=SettlementMethod.METERED,
        tolerance_ppm=100_000,
        penalty_numerator=11,
        penalty_denominator=7,
        qualification_days=365,
        payload_hash=ZERO,
    )
    return replace(terms, **changes)


def hours(powers_kw: dict[int, int]) -> tuple[int, ...]:
    return tuple(powers_kw.get(hour, 0) for hour in range(24))


def sealed(payload: dict[str, Any], label: str = "") -> OpenedCommitment:
    salt = sha256(label.encode() + canonical_json(payload)).digest()
    return OpenedCommitment(commitment(salt, canonical_json(payload)), salt, payload)


BID = Bid(BOUGHT, GLOBAL, PERIMETER, DAY.number, Market.MSD, 1, (10_000,) * 24, 200_000)
OFFER = sealed(BID.as_payload())
"""What both selections rest on: it stands for session 3, too."""
DEALS = {
    session: sealed(BID.terms(OFFER.commitment).as_payload(), f"session {session}") for session in (1, 3)
}
BASELINES = {
    pod: sealed({"kind": "baseline", "pod_id": pod.hex(), "day": DAY.number, "energy_wh": [100] * 96})
    for pod in PODS
}


ROSTER = Roster(len(PODS), 10 * len(PODS), 10 * len(PODS))
"""What LOCAL was when it was tested."""


def selection(session: int, powers_kw: dict[int, int], **changes: Any) -> SelectionRecorded:
    event = SelectionRecorded(
        GLOBAL,
        PERIMETER,
        DAY.number,
        Market.MSD,
        session,
        TSO,
        BOUGHT,
        LOCAL,
        (TESTED, BOUGHT),
        pack_selection(hours(powers_kw)),
        DEALS[session].commitment,
    )
    return replace(event, **changes)


def quarters(*of_hours: int) -> int:
    return sum(0b1111 << 4 * hour for hour in of_hours)


def history() -> list[tuple[str, int, list[Event]]]:
    """What happened, as (name, Unix seconds, events); tests replace or add steps by name."""
    admitted = [
        PartyAdmitted(party, kind, b"0" * 16, f"party {party}", "0x" + f"{party:040x}")
        for party, kind in (
            (TSO, PartyKind.TSO),
            (DSO, PartyKind.DSO),
            (BSP, PartyKind.BSP),
            (NODE, PartyKind.ACCESS_NODE),
        )
    ]
    first, day = DAY.number - 5, DAY.number
    pods: list[Event] = []
    for pod, key in PODS.items():
        point = public_key_bytes(key.public_key())
        pods += [
            PodRegistered(pod, BSP, DSO, PodCategory.PRODUCTION, VoltageLevel.MEDIUM, 10, 10, 60, ZERO),
            StaticLightGiven(pod, DSO, first, StaticLight.CONFIRMED, 10, 10, PERIMETER, ZERO),
            PodJoined(LOCAL, pod, first),
            PodJoined(GLOBAL, pod, first),
            DeviceBound(pod, kid_of(point), DSO, point[1:33], point[33:], STARTS - 90_000, STARTS + 900_000),
        ]
    early = STARTS - 100_000
    one, three = GATES["lfp_gates"][0], GATES["lfp_gates"][2]
    return [
        ("admission", early, list(admitted)),
        ("perimeter", early, [PerimeterDeclared(PERIMETER, DSO, first, (), ZERO)]),
        (
            "aggregates",
            early,
            [
                AggregateCreated(LOCAL, BSP, Scope.LOCAL, ZERO),
                AggregateCreated(GLOBAL, BSP, Scope.GLOBAL, ZERO),
            ],
        ),
        ("pods", early, pods),
        (
            "products",
            early,
            [ProductPublished(TESTED, DSO, product(TESTED)), ProductPublished(BOUGHT, TSO, product(BOUGHT))],
        ),
        ("equivalence", early, [EquivalenceAccepted(TESTED, BOUGHT, TSO, True)]),
        (
            "qualification",
            early,
            [
                QualificationMoved(
                    LOCAL, TESTED, QualificationState.QUALIFIED, DSO, STARTS + 10**7, 950, ZERO, ROSTER
                )
            ],
        ),
        ("schedule", early, [DayScheduled(day, TSO, STARTS, 96, *GATES.values())]),
        (
            "baselines",
            GATES["baseline_gate"] - 1,
            [BaselineFiled(pod, BSP, day, opening.commitment) for pod, opening in BASELINES.items()],
        ),
        (
            "lights",
            GATES["opens_at"],
            [
                LightsPublished(
                    PERIMETER,
                    day,
                    1,
                    pack_cells([GREEN] * 2 + [5] + [8] * 21),
                    pack_cells([GREEN] * 24),
                    ZERO,
                )
            ],
        ),
        (
            "offers",
            GATES["opens_at"],
            [OfferRecorded(OFFER.commitment, GLOBAL, day, PERIMETER, Market.MSD, 1)],
        ),
        ("selection 1", one, [selection(1, {2: 5, 11: 8})]),
        (
            "declaration",
            GATES["msd_gates"][0],
            [
                PodDeclared(POD_A, GLOBAL, day, PERIMETER, Market.MSD, quarters(2, 11)),
                PodDeclared(POD_B, GLOBAL, day, PERIMETER, Market.MSD, quarters(11)),
                DeclarationCompleted(GLOBAL, PERIMETER, day, Market.MSD, 1, HourCells(0, 0)),
            ],
        ),
        ("selection 3", three, [selection(3, {2: 5, 11: 4})]),
    ]


def reading(pod: bytes, quarter: int, counter: int, **changes: Any) -> Reading:
    delivered = 1250 if quarter < 12 else 500 if pod == POD_A else 400
    found = Reading(pod, STARTS + 900 * quarter, 900, counter, 0, 100 + delivered, 0, 0, 0, 1)
    return replace(found, **changes)


def witness_secret(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


def witness_key(name: str) -> WitnessKey:
    return WitnessKey(name, witness_secret(name).public_key().public_bytes_raw())


def certified() -> list[bytes]:
    """The log's entries: both PODs' readings of the hours that matter, but for one."""
    statements = []
    for pod, key in PODS.items():
        served = [q for q in (*range(8, 12), *range(44, 48)) if (pod, q) != MISSING]
        statements += [sign(reading(pod, q, counter), key) for counter, q in enumerate(served, start=1)]
    return statements


@dataclass
class PaperDay:
    """Builds ledger and bundle from a history and a log."""

    steps: list[tuple[str, int, list[Event]]] = field(default_factory=history)
    entries: list[bytes] = field(default_factory=certified)
    conflicts: list[bytes] = field(default_factory=list)
    after: list[Event] = field(default_factory=list)
    witnesses: list[str] = field(default_factory=list)
    """Who cosigned the checkpoint."""
    claimed: tuple[int, ...] = (0,)
    """How many witnesses it was anchored with, one anchor each."""
    deals: dict[int, OpenedCommitment] = field(default_factory=lambda: dict(DEALS))
    offers: tuple[OpenedCommitment, ...] = (OFFER,)
    contracts: dict[str, bytes] = field(default_factory=lambda: dict(ADDRESSES))

    def replace_step(
        self, name: str, time: int | None = None, events: Iterable[Event] | None = None
    ) -> PaperDay:
        assert name in [step for step, _, _ in self.steps]
        self.steps = [
            (n, t if time is None or n != name else time, list(e if events is None or n != name else events))
            for n, t, e in self.steps
        ]
        return self

    def bundle(self) -> Bundle:
        leaves = [merkle.leaf_hash(entry) for entry in self.entries]
        frontier = merkle.Frontier()
        frontier.extend(leaves)
        root, size = frontier.root(), len(leaves)
        log_id = sha256(ORIGIN.encode()).digest()
        anchors: list[Event] = [CheckpointAnchored(log_id, NODE, size, root, n) for n in self.claimed]
        steps = [*self.steps, ("anchor", STARTS + 90_000, anchors)]
        openings = (*self.deals.values(), *self.offers, *BASELINES.values())
        recorded = StatementRecorded(
            STATEMENT_ID, TSO, GLOBAL, BOUGHT, DAY.number, ZERO, ZERO, STARTS + 10**6
        )
        statement = self._statement(steps, openings, recorded)
        salt = sha256(b"statement salt").digest()
        recorded = replace(recorded, commitment=commitment(salt, statement))
        steps.append(("statement", STARTS + 100_000, [recorded, *self.after]))
        ledger = PaperLedger(STARTS - 200_000)
        for _, time, events in steps:
            ledger.record(time, *events)
            ledger.write(time)
        checkpoint = Checkpoint(ORIGIN, size, root)
        words = [cosign(checkpoint, name, witness_secret(name), STARTS) for name in self.witnesses]
        read = _reader(leaves)
        return Bundle(
            chain_id=1337,
            contracts=self.contracts,
            statement_id=STATEMENT_ID,
            statement_salt=salt,
            statement=statement,
            openings=openings,
            blocks=tuple(ledger.blocks),
            origin=ORIGIN,
            note_key=str(NoteKey(ORIGIN, NOTE_KEY.public_key().public_bytes_raw())),
            checkpoint=with_cosignatures(sign_checkpoint(checkpoint, NOTE_KEY), words),
            entries=tuple(
                LoggedEntry(index, entry, tuple(merkle.inclusion_proof(index, size, read)))
                for index, entry in enumerate(self.entries)
            ),
            conflicts=tuple(self.conflicts),
        )

    def _statement(
        self,
        steps: list[tuple[str, int, list[Event]]],
        openings: tuple[OpenedCommitment, ...],
        recorded: StatementRecorded,
    ) -> bytes:
        """The statement as the operator makes it, of the same facts."""
        facts = Facts(
            LedgerFact(event, event.contract, number, ZERO, time, index)
            for number, (_, time, events) in enumerate(steps)
            for index, event in enumerate(events)
        )
        opened = {opening.commitment: opening.payload for opening in openings}
        case = settlement_case(facts, recorded)
        readings = reading_facts(DAY, map(_reading, self.entries), map(_reading, self.conflicts))
        document = build_statement(
            case, deal_terms(opened, case), filed_baselines(facts, opened, case), readings
        )
        return canonical_json({"kind": "settlement", **document})


def _reading(entry: bytes) -> Reading:
    payload = parse(entry).payload
    assert isinstance(payload, Reading)
    return payload


def _reader(leaves: list[bytes]) -> merkle.NodeReader:
    def read(level: int, index: int) -> bytes:
        frontier = merkle.Frontier()
        frontier.extend(leaves[index << level : (index + 1) << level])
        return frontier.root()

    return read
