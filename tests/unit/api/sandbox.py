"""A small consortium on an embedded chain, with the API in front of it: what the API's tests play with.

`Sandbox.founded` has parties, a scheduled day, perimeters, products, PODs with static lights, aggregates and
a device; `Sandbox.played` goes on through one session pair, readings, an anchor and two settlements.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import cbor2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi.testclient import TestClient
from httpx import Response

from api.app import create_app
from registry.bootstrap import Node, SettableClock, open_node
from registry.config import Settings
from registry.domain.aggregates import AggregateDraft, Scope
from registry.domain.calendar import DeliveryDay, from_unix, unix
from registry.domain.commands import (
    AcceptEquivalences,
    AdmitParties,
    ApplyForQualification,
    BindDevices,
    CreateAggregates,
    DeclarePerimeters,
    DeclarePods,
    GiveStaticLights,
    JoinAggregate,
    MoveQualification,
    ProposeEquivalences,
    PublishProducts,
    ScheduleDays,
)
from registry.domain.devices import Binding, key_id
from registry.domain.enums import PartyKind, PodCategory, QualificationState, StaticLight, VoltageLevel
from registry.domain.events import OfferRecorded
from registry.domain.identifiers import (
    aggregate_id,
    bytes32_text,
    eic_check_character,
    perimeter_id,
    product_id,
)
from registry.domain.lights import CellLight, Colour, PerimeterDraft
from registry.domain.market import PodQuarters
from registry.domain.participants import Admission
from registry.domain.pods import NO_REASON, StaticLightDecision
from registry.domain.procurement import Agreement, Bid
from registry.domain.products import Product, SettlementMethod
from registry.domain.quantities import Direction
from registry.domain.sessions import DaySchedule, Market, ScheduleTemplate
from registry.evidence.payloads import Clock, Reading
from registry.evidence.statements import sign
from registry.services.file_baselines import file_baselines
from registry.services.identity import ROLE_OF_KIND, Principal
from registry.services.issue_setpoints import PodTarget, issue_setpoints
from registry.services.procurement import accept_agreement, offer_bids, propose_agreement
from registry.services.publish_lights import DayLights, publish_lights
from registry.services.qualification import NO_EVIDENCE
from registry.services.register_pods import PodApplication, register_pods
from registry.services.select_flexibility import Order, select_flexibility
from registry.services.settle_day import settle_day

DAY = DeliveryDay(date(2026, 6, 18))
TSO, DSO, OTHER_DSO, BSP, OTHER_BSP, ACCESS_NODE, AUDITOR = 1, 11, 12, 21, 22, 31, 41
KINDS = {
    TSO: PartyKind.TSO,
    DSO: PartyKind.DSO,
    OTHER_DSO: PartyKind.DSO,
    BSP: PartyKind.BSP,
    OTHER_BSP: PartyKind.BSP,
    ACCESS_NODE: PartyKind.ACCESS_NODE,
    AUDITOR: PartyKind.AUDITOR,
}
PERIMETER, OTHER_PERIMETER = perimeter_id(DSO, 1), perimeter_id(OTHER_DSO, 1)
LOCAL, GLOBAL = aggregate_id(BSP, 1), aggregate_id(BSP, 2)
OTHER_LOCAL, OTHER_GLOBAL = aggregate_id(OTHER_BSP, 1), aggregate_id(OTHER_BSP, 2)
CONGESTION, BALANCING = product_id(DSO, 1), product_id(TSO, 1)
AGREED = Agreement(
    CONGESTION, LOCAL, PERIMETER, Direction.UP, DAY.number, DAY.number + 90, 50, 3_430, 200_000
)
"""The first BSP's availability agreement."""
USE_PRICE = 200_000
"""Price of all bids, milli-euro per MWh."""
UP_KW, DOWN_KW, LOCAL_KW, GLOBAL_KW, LOCAL_HOUR, GLOBAL_HOUR = 40, 60, 10, 15, 20, 12
HOUR_QUARTERS = 0b1111


@dataclass(frozen=True)
class SandboxPod:
    """A POD of the sandbox; ``place`` says who has it and where."""

    code: str
    bsp: int
    dso: int
    perimeter: int
    pod_id: bytes = b""

    @property
    def hex(self) -> str:
        """Its ledger id as the API writes it."""
        return self.pod_id.hex()


# Number 2 takes part in no market.
PODS = tuple(
    SandboxPod(f"IT{dso - 10:03d}E{number:08d}", bsp, dso, PERIMETER if dso == DSO else OTHER_PERIMETER)
    for number, (bsp, dso) in enumerate(
        (
            (BSP, DSO),
            (BSP, DSO),
            (BSP, DSO),
            (BSP, OTHER_DSO),
            (OTHER_BSP, DSO),
            (OTHER_BSP, DSO),
            (OTHER_BSP, OTHER_DSO),
        )
    )
)
MEMBERS = {LOCAL: (0, 1), GLOBAL: (0, 1, 3), OTHER_LOCAL: (6,), OTHER_GLOBAL: (4, 5)}


@dataclass
class Sandbox:
    """A node, its clock, the API's client, and what was put in."""

    folder: Path
    clock: SettableClock
    node: Node
    client: TestClient
    pods: list[SandboxPod] = field(default_factory=list)
    devices: dict[int, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    statements: dict[str, str] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    # ------------------------------------------------------------------------------------------ opening

    @classmethod
    def open(cls, folder: Path, now: datetime) -> Self:
        """Open the node in a folder, with the API in front of it."""
        clock = SettableClock(now)
        with ExitStack() as stack:
            node = stack.enter_context(open_node(Settings(state=folder), clock))
            client = TestClient(create_app(node, caretaker=False), raise_server_exceptions=False)
            stack.enter_context(client)
            return cls(folder, clock, node, client, stack=stack.pop_all())

    def close(self) -> None:
        """Close API and node."""
        self.stack.close()

    @classmethod
    def founded(cls, folder: Path) -> Self:
        """Everything that stands before the day's first session."""
        sandbox = cls.open(folder, DAY.starts_at - timedelta(hours=20))
        sandbox._admit()
        sandbox._schedule()
        sandbox._publish_products()
        sandbox._register()
        sandbox._form_aggregates()
        sandbox._bind_devices()
        return sandbox

    @classmethod
    def played(cls, folder: Path) -> Self:
        """As founded, then one session pair, readings, an anchor and two settlements."""
        sandbox = cls.founded(folder)
        sandbox.qualify()
        sandbox.file_baselines()
        sandbox.trade()
        sandbox.measure()
        sandbox.settle()
        return sandbox

    # --------------------------------------------------------------------------------------- asking it

    def token(self, party: int, lifetime: timedelta = timedelta(hours=1)) -> str:
        """A bearer token of a party."""
        assert self.node.issuer is not None
        return self.node.issuer.issue(
            Principal(ROLE_OF_KIND[KINDS[party]], party), self.clock.now(), lifetime
        )

    def device_token(self, pod: int, key: ec.EllipticCurvePrivateKey | None = None, **claims: Any) -> str:
        """A token that a POD's device signs."""
        key = key or self.devices[pod]
        now = unix(self.clock.now())
        base = {"sub": self.pods[pod].hex, "aud": "flexledger", "iat": now, "exp": now + 300}
        return jwt.encode(
            {**base, **claims}, key, algorithm="ES256", headers={"kid": key_id(*point(key)).hex()}
        )

    def headers(self, party: int | None) -> dict[str, str]:
        """Authorization of a party, none for None."""
        return {} if party is None else {"Authorization": f"Bearer {self.token(party)}"}

    def get(self, path: str, party: int | None = None, /, headers: Any = None, **params: Any) -> Response:
        """GET as a party."""
        return self.client.get(path, params=params, headers={**self.headers(party), **(headers or {})})

    def post(self, path: str, party: int | None, body: object, /, headers: Any = None) -> Response:
        """POST JSON as a party."""
        return self.client.post(path, json=body, headers={**self.headers(party), **(headers or {})})

    def everything(self, path: str, party: int | None, limit: int = 1000, **params: Any) -> list[Any]:
        """All items of a list, page by page."""
        items: list[Any] = []
        after: dict[str, str] = {}
        while True:
            answer = self.get(path, party, limit=limit, **after, **params)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            items += page["items"]
            if page["next"] is None:
                return items
            assert len(page["items"]) == limit
            after = {"after": page["next"]}

    # ------------------------------------------------------------------------------------- what happens

    def record(self, command: Any, party: int) -> None:
        """Record a command with a party's key."""
        self.node.recorder.record(command, self.node.signers[party])

    def reading(self, pod: int, quarter: int, counter: int, export_wh: int = 3_000) -> bytes:
        """A signed reading of a POD's device."""
        start = unix(DAY.quarter_start(quarter))
        payload = Reading(
            self.pods[pod].pod_id, start, 900, counter, 0, export_wh, 50, 20, 0, int(Clock.SYNCHRONISED)
        )
        return sign(payload, self.devices[pod])

    def qualify(self) -> None:
        """One test of each local aggregate and of the other BSP's global one."""
        for aggregate, product, operator in (
            (LOCAL, CONGESTION, DSO),
            (OTHER_LOCAL, CONGESTION, DSO),
            (OTHER_GLOBAL, BALANCING, TSO),
        ):
            bsp = aggregate >> 24
            self.record(ApplyForQualification(bsp, (aggregate,), (product,), (NO_EVIDENCE,)), bsp)
            for state, performance in ((QualificationState.TESTING, 0), (QualificationState.QUALIFIED, 960)):
                step = MoveQualification(
                    operator, (aggregate,), (product,), (state,), (performance,), (NO_EVIDENCE,)
                )
                self.record(step, operator)

    def file_baselines(self) -> None:
        """Both BSPs file for all their PODs in a market."""
        for bsp, numbers in ((BSP, (0, 1, 3)), (OTHER_BSP, (4, 5, 6))):
            energies = {self.pods[number].pod_id: (500,) * DAY.quarters for number in numbers}
            file_baselines(self.node.recorder, bsp, self.node.signers[bsp], DAY, energies)

    def trade(self) -> None:
        """Session pair 1: the DSO takes the first BSP's local aggregate, the TSO the second's global one."""
        recorder, signers, schedule = self.node.recorder, self.node.signers, self.schedule
        self.clock.set(from_unix(schedule.lfp_gates[0]) - timedelta(minutes=20))
        green = (CellLight(Colour.GREEN, None),) * DAY.hours
        for dso, perimeter in ((DSO, PERIMETER), (OTHER_DSO, OTHER_PERIMETER)):
            publish_lights(recorder, dso, signers[dso], DAY, 1, [DayLights(perimeter, green, green, {})])
        agreed = self.agree(AGREED)
        local = Order(LOCAL, PERIMETER, signed_kw(LOCAL_HOUR, LOCAL_KW), (CONGESTION,), LOCAL, agreed)
        select_flexibility(recorder, DSO, signers[DSO], Market.LFP, DAY, 1, [local])
        quarters = HOUR_QUARTERS << 4 * LOCAL_HOUR
        served = (PodQuarters(self.pods[0].pod_id, quarters),)
        self.record(DeclarePods(BSP, LOCAL, PERIMETER, DAY.number, served, True), BSP)
        self.clock.set(from_unix(schedule.lfp_gates[0]) + timedelta(minutes=5))
        kw = signed_kw(GLOBAL_HOUR, -GLOBAL_KW)
        bid = self.bid(OTHER_GLOBAL, BALANCING, Market.MSD, 1, kw)
        order = Order(OTHER_GLOBAL, PERIMETER, kw, (BALANCING,), OTHER_GLOBAL, bid)
        select_flexibility(recorder, TSO, signers[TSO], Market.MSD, DAY, 1, [order])
        served = (PodQuarters(self.pods[4].pod_id, HOUR_QUARTERS << 4 * GLOBAL_HOUR),)
        self.record(DeclarePods(OTHER_BSP, OTHER_GLOBAL, PERIMETER, DAY.number, served, True), OTHER_BSP)

    def agree(self, agreement: Agreement) -> bytes:
        """The DSO proposes an agreement and the BSP accepts it: its commitment."""
        recorder, signers = self.node.recorder, self.node.signers
        dso, bsp = agreement.product >> 16, agreement.aggregate >> 24
        commitment, _ = propose_agreement(recorder, dso, signers[dso], agreement)
        accept_agreement(recorder, bsp, signers[bsp], commitment)
        return commitment

    def bid(
        self,
        aggregate: int,
        product_: int,
        market: Market,
        session: int,
        kw: tuple[int, ...],
        price: int = USE_PRICE,
        perimeter: int = PERIMETER,
    ) -> bytes:
        """A BSP offers: the bid's commitment."""
        bid = Bid(product_, aggregate, perimeter, DAY.number, market, session, kw, price)
        bsp = aggregate >> 24
        (receipt,) = offer_bids(self.node.recorder, bsp, self.node.signers[bsp], [bid])
        event = receipt.events[0].event
        assert isinstance(event, OfferRecorded)
        return event.commitment

    def measure(self) -> None:
        """A setpoint, readings of two devices, an anchor."""
        setpoint = PodTarget(self.pods[0].pod_id, 4 * LOCAL_HOUR, 1_000 * LOCAL_KW)
        issue_setpoints(self.node.log, self.node.platform(DSO), DAY, [setpoint])
        self.clock.set(DAY.ends_at + timedelta(hours=6))
        readings = [self.reading(0, 4 * LOCAL_HOUR + quarter, quarter + 1) for quarter in range(4)]
        readings += [self.reading(4, 4 * GLOBAL_HOUR + quarter, quarter + 1, 100) for quarter in range(4)]
        assert self.client.post(
            "/v1/statements/batch", content=b"".join(readings), headers=SEQUENCE
        ).is_success
        self.node.anchorer(ACCESS_NODE).anchor()
        self.node.mirror.catch_up()

    def settle(self) -> None:
        """Each operator settles what it took."""
        for name, operator, aggregate, product in (
            ("local", DSO, LOCAL, CONGESTION),
            ("global", TSO, OTHER_GLOBAL, BALANCING),
        ):
            signer = self.node.signers[operator]
            done = settle_day(self.node.recorder, self.node.log, operator, signer, aggregate, product, DAY)
            self.statements[name] = done.statement_id.hex()

    @property
    def schedule(self) -> DaySchedule:
        """The day's gates."""
        return ScheduleTemplate().schedule(DAY)

    def _admit(self) -> None:
        admissions = []
        for party, kind in KINDS.items():
            signer = self.node.keys.party(f"party-{party}")
            self.node.signers[party] = signer
            body = f"10XSANDBOX-{party:03d}-"
            eic = (body + eic_check_character(body)).encode()
            admissions.append(Admission(party, kind, eic, f"Party {party}", signer.address))
        assert self.node.admin is not None
        self.node.recorder.record(AdmitParties(tuple(admissions)), self.node.admin)

    def _schedule(self) -> None:
        self.record(ScheduleDays(TSO, (self.schedule,)), TSO)
        for perimeter in (PERIMETER, OTHER_PERIMETER):
            draft = PerimeterDraft(perimeter, (), bytes(32))
            self.record(DeclarePerimeters(perimeter >> 24, (draft,)), perimeter >> 24)

    def _publish_products(self) -> None:
        self.record(PublishProducts(DSO, (product(CONGESTION, min_up_kw=10, min_down_kw=20),)), DSO)
        requested = product(BALANCING, method=SettlementMethod.REQUESTED)
        self.record(PublishProducts(TSO, (requested,)), TSO)
        self.record(ProposeEquivalences(DSO, (CONGESTION,), (BALANCING,)), DSO)
        self.record(AcceptEquivalences(TSO, (CONGESTION,), (BALANCING,)), TSO)

    def _register(self) -> None:
        found: dict[str, bytes] = {}
        for bsp in (BSP, OTHER_BSP):
            own = [pod for pod in PODS if pod.bsp == bsp]
            done = register_pods(
                self.node.recorder, bsp, self.node.signers[bsp], [application(pod) for pod in own]
            )
            found.update(zip((pod.code for pod in own), done.pod_ids, strict=True))
        self.pods = [SandboxPod(pod.code, pod.bsp, pod.dso, pod.perimeter, found[pod.code]) for pod in PODS]
        for dso in (DSO, OTHER_DSO):
            lights = tuple(
                StaticLightDecision(
                    pod.pod_id, StaticLight.CONFIRMED, UP_KW, DOWN_KW, pod.perimeter, NO_REASON
                )
                for pod in self.pods
                if pod.dso == dso
            )
            self.record(GiveStaticLights(dso, lights), dso)

    def _form_aggregates(self) -> None:
        for aggregate, numbers in MEMBERS.items():
            scope = Scope.LOCAL if aggregate & 1 else Scope.GLOBAL
            self.record(
                CreateAggregates(aggregate >> 24, (AggregateDraft(aggregate, scope, bytes(32)),)),
                aggregate >> 24,
            )
            pod_ids = tuple(self.pods[number].pod_id for number in numbers)
            self.record(JoinAggregate(aggregate >> 24, aggregate, pod_ids), aggregate >> 24)

    def _bind_devices(self) -> None:
        for number in (0, 4):
            self.devices[number] = ec.generate_private_key(ec.SECP256R1())
            start, end = unix(self.clock.now()), unix(DAY.plus(365).starts_at)
            binding = Binding(self.pods[number].pod_id, *point(self.devices[number]), start, end)
            self.record(BindDevices(DSO, (binding,)), DSO)


COSE = {"Content-Type": "application/cose"}
SEQUENCE = {"Content-Type": "application/cbor-seq"}


def application(pod: SandboxPod) -> PodApplication:
    """The registration of a POD."""
    return PodApplication(
        pod.code,
        pod.dso,
        PodCategory.MIXED,
        VoltageLevel.MEDIUM,
        UP_KW,
        DOWN_KW,
        300,
        "41.902782,12.496366",
        ("photovoltaic",),
    )


def pod_body(code: str, **changes: object) -> dict[str, object]:
    """A POD as the API takes it."""
    body: dict[str, object] = {
        "pod_code": code,
        "dso": DSO,
        "category": "mixed",
        "voltage": "low",
        "up_kw": UP_KW,
        "down_kw": DOWN_KW,
        "activation_time_s": 300,
        "position": "41.902782,12.496366",
        "technologies": ["photovoltaic", "storage"],
    }
    return {**body, **changes}


def product(number: int, **changes: Any) -> Product:
    """A product that all aggregates of the sandbox can have."""
    fields: dict[str, Any] = {
        "product": number,
        "supersedes": 0,
        "service": bytes32_text("ACTIVE-POWER"),
        "test_infrastructure": bytes32_text("PGUI"),
        "months": 0xFFF,
        "weekdays": 0x7F,
        "from_minute": 0,
        "until_minute": 1440,
        "min_up_kw": 5,
        "min_down_kw": 10,
        "activation_time_s": 900,
        "recovery_time_s": 0,
        "duration_s": 3600,
        "method": SettlementMethod.METERED,
        "tolerance_ppm": 100_000,
        "penalty_numerator": 11,
        "penalty_denominator": 7,
        "qualification_days": 365,
        "payload_hash": bytes(32),
    }
    return Product(**{**fields, **changes})


def point(key: ec.EllipticCurvePrivateKey) -> tuple[bytes, bytes]:
    """The coordinates of a public key."""
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")


def signed_kw(hour: int, kw: int) -> tuple[int, ...]:
    """A selection of one hour."""
    return tuple(kw if number == hour else 0 for number in range(DAY.hours))


def sequence(*items: object) -> bytes:
    """A CBOR sequence of any items."""
    return b"".join(map(cbor2.dumps, items))
