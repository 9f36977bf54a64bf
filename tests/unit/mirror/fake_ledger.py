"""A ledger of made-up blocks that can change its mind, and a teller of stories to put into them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from registry.domain import events as facts
from registry.domain.enums import (
    Market,
    PartyKind,
    PodCategory,
    QualificationState,
    Right,
    Scope,
    SettlementMethod,
    StaticLight,
    VoltageLevel,
)
from registry.domain.events import Event, Recorded
from registry.domain.identifiers import aggregate_id, perimeter_id, product_id
from registry.domain.products import Product
from registry.domain.quantities import pack_cells, pack_selection
from registry.ports import BlockRef, RecordedBlock

GENESIS_TIME = 1_780_000_000
BLOCK_S = 60
ADMIN = "0x" + "Ad" * 20


def address_of(party: int) -> str:
    return f"0x{party:040x}"


class FakeLedger:
    """Implements what a mirror reads of :class:`registry.ports.Ledger`."""

    first_block = 1

    def __init__(self) -> None:
        self._blocks: list[RecordedBlock] = [RecordedBlock(BlockRef(0, bytes(32), GENESIS_TIME), ())]

    def mine(self, *events: tuple[str, Event]) -> BlockRef:
        """A block with these events, each with its sender; none makes an empty block."""
        return self.mine_at(self.head().time + BLOCK_S, events)

    def mine_at(self, time: int, events: Iterable[tuple[str, Event]], salt: bytes = b"") -> BlockRef:
        number, events = len(self._blocks), tuple(events)
        parent = self._blocks[-1].ref.hash
        ref = BlockRef(number, sha256(parent + repr(events).encode() + salt).digest(), time)
        recorded = tuple(
            Recorded(
                event,
                event.contract,
                number,
                ref.hash,
                time,
                sha256(ref.hash + i.to_bytes(4, "big")).digest(),
                2 * i,
                who,
            )
            for i, (who, event) in enumerate(events)
        )
        self._blocks.append(RecordedBlock(ref, recorded))
        return ref

    def give_up(self, from_block: int) -> None:
        """The chain forgets these blocks: the next ones replace them."""
        del self._blocks[from_block:]

    def head(self) -> BlockRef:
        return self._blocks[-1].ref

    def block(self, number: int) -> BlockRef:
        if not 0 <= number < len(self._blocks):
            raise LookupError(number)
        return self._blocks[number].ref

    def recorded(self, from_block: int, to_block: int) -> list[RecordedBlock]:
        return [block for block in self._blocks[from_block : to_block + 1] if block.events]


TSO, DSO, BSP, OTHER_BSP, NODE, AUDITOR = 1, 2, 3, 4, 5, 6
PERIMETERS = (perimeter_id(DSO, 1), perimeter_id(DSO, 2))
AGGREGATES = {
    aggregate_id(BSP, 1): Scope.LOCAL,
    aggregate_id(BSP, 2): Scope.GLOBAL,
    aggregate_id(OTHER_BSP, 1): Scope.GLOBAL,
}
PRODUCTS = (product_id(TSO, 1), product_id(DSO, 1))
FIRST_DAY = 20_500
"""Long over at the time of the blocks, so that changes take effect after the last day that was scheduled."""


State = dict[object, Any]


def word(text: str) -> bytes:
    return sha256(text.encode()).digest()


def opening() -> list[tuple[str, Event]]:
    """Parties, days, perimeters, products and aggregates that every story needs."""
    kinds = (
        PartyKind.TSO,
        PartyKind.DSO,
        PartyKind.BSP,
        PartyKind.BSP,
        PartyKind.ACCESS_NODE,
        PartyKind.AUDITOR,
    )
    told: list[tuple[str, Event]] = [
        (
            ADMIN,
            facts.PartyAdmitted(number, kind, b"10X%012dZ" % number, f"Party {number}", address_of(number)),
        )
        for number, kind in enumerate(kinds, 1)
    ]
    told += [(address_of(TSO), scheduled(FIRST_DAY + offset)) for offset in range(3)]
    told += [
        (address_of(DSO), facts.PerimeterDeclared(area, DSO, FIRST_DAY, (), word("area")))
        for area in PERIMETERS
    ]
    told += [
        (address_of(product >> 16), facts.ProductPublished(product, product >> 16, terms(product)))
        for product in PRODUCTS
    ]
    told += [
        (address_of(number >> 24), facts.AggregateCreated(number, number >> 24, scope, word("pool")))
        for number, scope in AGGREGATES.items()
    ]
    return told


def scheduled(day: int) -> facts.DayScheduled:
    start = day * 86_400 - 3_600
    gates = tuple(start + 14_400 * k - 20_000 for k in range(6))
    return facts.DayScheduled(
        day,
        TSO,
        start,
        96,
        start - 43_200,
        start - 40_000,
        gates,
        tuple(g + 900 for g in gates),
        start + 80_000,
    )


def terms(product: int, supersedes: int = 0) -> Product:
    return Product(
        product, supersedes, word("service"), word("test"), 4095, 127, 0, 1440, 1, 0, 900, 0, 3600,
        SettlementMethod.METERED, 100_000, 11, 7, 365, word("terms"),
    )  # fmt: skip


class Storyteller:
    """Makes up events that could follow each other on the ledger."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._pods: dict[bytes, State] = {}
        self._logs = 0
        self._statements: list[bytes] = []
        self._day = FIRST_DAY + 3

    def tell(self, count: int) -> list[tuple[str, Event]]:
        """The next so many turns of the story, each of one or more events."""
        turns = (
            self._register, self._register, self._register, self._light, self._light, self._move, self._join,
            self._join,
            self._leave, self._change, self._withdraw, self._switch, self._trade, self._declare,
            self._measure, self._settle, self._qualify, self._rotate, self._schedule,
        )  # fmt: skip
        told: list[tuple[str, Event]] = []
        for _ in range(count):
            told += self._random.choice(turns)()
        return told

    def _schedule(self) -> list[tuple[str, Event]]:
        self._day += 1
        return [(address_of(TSO), scheduled(self._day - 1))]

    def _pick(self, *states: str) -> bytes | None:
        fitting = [pod for pod, state in self._pods.items() if state["is"] in states]
        return self._random.choice(fitting) if fitting else None

    def _register(self) -> list[tuple[str, Event]]:
        gone = self._pick("gone")
        pod = gone if gone is not None and self._random.random() < 0.5 else word(f"pod {len(self._pods)}")
        bsp = self._random.choice((BSP, OTHER_BSP))
        self._pods[pod] = {"is": "requested", "bsp": bsp, Scope.LOCAL: None, Scope.GLOBAL: None}
        kw = self._random.randrange(1, 500)
        event = facts.PodRegistered(
            pod, bsp, DSO, PodCategory.MIXED, VoltageLevel.MEDIUM, kw, kw, 60, word("payload")
        )
        return [(address_of(bsp), event)]

    def _light(self) -> list[tuple[str, Event]]:
        pod = self._pick("requested", "granted")
        if pod is None:
            return []
        self._pods[pod]["is"] = "granted"
        kw, area = self._random.randrange(500), self._random.choice(PERIMETERS)
        event = facts.StaticLightGiven(pod, DSO, self._day, StaticLight.MODULATED, kw, kw, area, word("why"))
        return [(address_of(DSO), event)]

    def _move(self) -> list[tuple[str, Event]]:
        pod = self._pick("requested", "granted")
        if pod is None:
            return []
        return [(address_of(DSO), facts.PodMoved(pod, PERIMETERS[1], PERIMETERS[0], DSO, self._day))]

    def _join(self) -> list[tuple[str, Event]]:
        pod = self._pick("granted")
        if pod is None:
            return []
        state = self._pods[pod]
        own = {number: scope for number, scope in AGGREGATES.items() if number >> 24 == state["bsp"]}
        free = [number for number, scope in own.items() if state[scope] is None]
        if not free:
            return []
        aggregate = self._random.choice(free)
        state[AGGREGATES[aggregate]] = aggregate
        return [(address_of(aggregate >> 24), facts.PodJoined(aggregate, pod, self._day))]

    def _leave(self) -> list[tuple[str, Event]]:
        pod = self._pick("granted", "requested")
        return [] if pod is None else self._exits(pod)[:1]

    def _exits(self, pod: bytes) -> list[tuple[str, Event]]:
        state = self._pods[pod]
        told: list[tuple[str, Event]] = []
        for scope in (Scope.LOCAL, Scope.GLOBAL):
            aggregate = state[scope]
            if isinstance(aggregate, int) and not told:
                state[scope] = None
                told.append((address_of(aggregate >> 24), facts.PodLeft(aggregate, pod, self._day)))
        return told

    def _change(self) -> list[tuple[str, Event]]:
        pod = self._pick("granted")
        if pod is None:
            return []
        self._pods[pod]["is"] = "requested"
        bsp = int(str(self._pods[pod]["bsp"]))
        event = facts.PodChanged(
            pod, bsp, self._day, PodCategory.STORAGE, VoltageLevel.LOW, 9, 9, 30, word("changed")
        )
        return [(address_of(bsp), event)]

    def _withdraw(self) -> list[tuple[str, Event]]:
        pod = self._pick("granted", "requested")
        if pod is None:
            return []
        bsp = int(str(self._pods[pod]["bsp"]))
        told = self._exits(pod) + self._exits(pod)
        self._pods[pod]["is"] = "gone"
        return [*told, (address_of(bsp), facts.PodWithdrawn(pod, bsp, self._day))]

    def _switch(self) -> list[tuple[str, Event]]:
        """Both BSPs' claims never stand at once here; one of them is dropped or granted."""
        pod = self._pick("granted", "requested")
        if pod is None:
            return []
        before = int(str(self._pods[pod]["bsp"]))
        after = OTHER_BSP if before == BSP else BSP
        claimed = (address_of(after), facts.PodClaimed(pod, after, before, word("mandate")))
        if self._random.random() < 0.3:
            return [claimed, (address_of(after), facts.PodClaimDropped(pod, after))]
        if self._random.random() < 0.3:
            return [claimed]
        told = self._exits(pod) + self._exits(pod)
        self._pods[pod]["bsp"] = after
        over = facts.PodHandedOver(pod, after, before, DSO, self._day)
        return [claimed, *told, (address_of(DSO), over)]

    def _trade(self) -> list[tuple[str, Event]]:
        session, area = self._random.randrange(1, 7), self._random.choice(PERIMETERS)
        aggregate = self._random.choice(list(AGGREGATES))
        market = Market.LFP if AGGREGATES[aggregate] is Scope.LOCAL else Market.MSD
        operator, product = (DSO, PRODUCTS[1]) if market is Market.LFP else (TSO, PRODUCTS[0])
        cells = pack_selection([self._random.randrange(-50, 50) for _ in range(24)])
        limits = pack_cells([self._random.randrange(1000) for _ in range(24)])
        return [
            (address_of(DSO), facts.LightsPublished(area, FIRST_DAY, session, limits, limits, word("study"))),
            (
                address_of(operator),
                facts.SelectionRecorded(
                    aggregate, area, FIRST_DAY, market, session, operator, product, aggregate, (product,),
                    cells, word("price"),
                ),
            ),
            *self._procured(aggregate, area, market, session),
        ]  # fmt: skip

    def _procured(self, aggregate: int, area: int, market: Market, session: int) -> list[tuple[str, Event]]:
        bsp, deal = aggregate >> 24, word(f"agreement of {aggregate}")
        offered = facts.OfferRecorded(word(f"bid {session}"), aggregate, FIRST_DAY, area, market, session)
        return [
            (address_of(bsp), facts.AgreementProposed(deal, DSO, aggregate, bsp)),
            (address_of(DSO), facts.AgreementAccepted(deal, DSO)),
            (address_of(bsp), offered),
        ]

    def _declare(self) -> list[tuple[str, Event]]:
        pod = self._pick("granted")
        if pod is None:
            return []
        aggregate, area = next(iter(AGGREGATES)), PERIMETERS[0]
        quarters = self._random.getrandbits(96)
        kind = self._random.choice((facts.PodDeclared, facts.PodReleased))
        shortfall = pack_selection([self._random.randrange(0, 3) for _ in range(24)])
        return [
            (address_of(BSP), kind(pod, aggregate, FIRST_DAY, area, Market.LFP, quarters)),
            (address_of(BSP), facts.BaselineFiled(pod, BSP, FIRST_DAY, word(str(quarters)))),
            (
                address_of(BSP),
                facts.DeclarationCompleted(
                    aggregate, area, FIRST_DAY, Market.LFP, self._random.randrange(1, 7), shortfall
                ),
            ),
        ]

    def _measure(self) -> list[tuple[str, Event]]:
        pod = self._pick("granted", "requested")
        self._logs += self._random.randrange(1, 100)
        told: list[tuple[str, Event]] = [
            (
                address_of(NODE),
                facts.CheckpointAnchored(
                    word("log"), NODE, self._logs, word(str(self._logs)), self._random.randrange(4)
                ),
            )
        ]
        if pod is not None:
            key = word(f"key {self._logs}")
            bound = facts.DeviceBound(pod, key, DSO, word("x"), word("y"), GENESIS_TIME, 2 * GENESIS_TIME)
            told.append((address_of(DSO), bound))
            if self._random.random() < 0.3:
                ended = facts.DeviceEnded(pod, key, DSO, GENESIS_TIME + 9, word("lost"))
                told.append((address_of(DSO), ended))
        return told

    def _settle(self) -> list[tuple[str, Event]]:
        aggregate, product = next(iter(AGGREGATES)), PRODUCTS[1]
        statement = word(f"statement {len(self._statements)}")
        before = self._statements[-1] if self._statements and self._random.random() < 0.5 else bytes(32)
        self._statements.append(statement)
        return [
            (
                address_of(DSO),
                facts.StatementRecorded(
                    statement, DSO, aggregate, product, FIRST_DAY, word("sum"), before, 2 * GENESIS_TIME
                ),
            ),
            (address_of(BSP), facts.StatementDisputed(statement, BSP, word("because"))),
            (address_of(AUDITOR), facts.StatementAttested(statement, AUDITOR, True, word("bundle"))),
        ]

    def _qualify(self) -> list[tuple[str, Event]]:
        aggregate, product = self._random.choice(list(AGGREGATES)), self._random.choice(PRODUCTS)
        state = self._random.choice(list(QualificationState)[1:])
        moved = facts.QualificationMoved(aggregate, product, state, TSO, 2 * GENESIS_TIME, 950, word("proof"))
        from_, to = PRODUCTS
        return [
            (address_of(TSO), moved),
            (address_of(TSO), facts.EquivalenceProposed(from_, to, TSO)),
            (address_of(DSO), facts.EquivalenceAccepted(from_, to, DSO, False)),
            (address_of(TSO), facts.EquivalenceAccepted(from_, to, TSO, True)),
            *(
                [(address_of(DSO), facts.EquivalenceRevoked(from_, to, DSO))]
                if self._random.random() < 0.3
                else []
            ),
        ]

    def _rotate(self) -> list[tuple[str, Event]]:
        suspended = self._random.random() < 0.5
        told: list[tuple[str, Event]] = [
            (ADMIN, facts.SignerRotated(AUDITOR, address_of(AUDITOR), address_of(AUDITOR)))
        ]
        told.append(
            (
                ADMIN,
                facts.PartySuspended(AUDITOR, word("late")) if suspended else facts.PartyReinstated(AUDITOR),
            )
        )
        told.append((ADMIN, facts.Paused(ADMIN) if suspended else facts.Unpaused(ADMIN)))
        seats = (ADMIN, address_of(DSO))
        delegated = facts.RightDelegated(BSP, OTHER_BSP, Right.FILE_BASELINES, 2 * GENESIS_TIME)
        told += [
            (ADMIN, facts.ConsentGiven(ADMIN, 1, 1)),
            (ADMIN, facts.AdminOffered(seats, 2)),
            (ADMIN, facts.AdminAccepted(ADMIN)),
            (address_of(BSP), delegated),
        ]
        if suspended:
            told += [
                (address_of(DSO), facts.AdminAccepted(address_of(DSO))),
                (address_of(DSO), facts.AdminHandedOver(seats, 2)),
                (address_of(BSP), facts.DelegationEnded(BSP, OTHER_BSP, Right.FILE_BASELINES)),
            ]
        return told


def in_blocks(told: Sequence[tuple[str, Event]], size: int) -> list[list[tuple[str, Event]]]:
    return [list(told[start : start + size]) for start in range(0, len(told), size)]
