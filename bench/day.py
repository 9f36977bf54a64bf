"""What ``bench ledger`` records: registrations, and the commands of a delivery day of a city."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.crypto import keccak

from bench.consortium import eic_of, plain_product
from registry.domain import commands as c
from registry.domain.aggregates import AggregateDraft, Scope
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
from registry.domain.quantities import pack_cells, pack_selection
from registry.domain.sessions import DaySchedule, Market
from registry.ports import Signer

TSO, DSO, BSP = 1, 2, 3
_KINDS = {TSO: PartyKind.TSO, DSO: PartyKind.DSO, BSP: PartyKind.BSP}
_AGGREGATES: Final = {Market.LFP: aggregate_id(BSP, 1), Market.MSD: aggregate_id(BSP, 2)}
_PRODUCTS: Final = {Market.LFP: product_id(DSO, 1), Market.MSD: product_id(TSO, 1)}
_OPERATORS: Final = {Market.LFP: DSO, Market.MSD: TSO}
_SCOPES: Final = {Market.LFP: Scope.LOCAL, Market.MSD: Scope.GLOBAL}
_NOTHING, _PAYLOAD = bytes(32), keccak(text="payload")
_UP_KW, _DOWN_KW = 10, 5
_CAPABILITY_KW = 50_000
_ROWS = 90
"""Rows of a transaction: of kinds that cost 100,000 gas it then takes nine million, three to a block."""
_BLOCK_HOURS = 4


@dataclass(frozen=True, slots=True)
class Phase:
    """What one party sends at a time."""

    party: int
    commands: Iterable[c.Command]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """What parties send side by side, each with its own key; ``opens_at``: Unix seconds before which some of
    it is refused.
    """

    opens_at: int
    phases: tuple[Phase, ...]


def admissions(key: Callable[[int], Signer]) -> tuple[Admission, ...]:
    """The parties, each with its key."""
    return tuple(
        Admission(party, kind, eic_of(party), f"Party {party}", key(party).address)
        for party, kind in _KINDS.items()
    )


def registrations(pods: Sequence[bytes], batch: int) -> Iterator[c.Command]:
    """Every POD, so many to a transaction."""
    for some in _split(pods, batch):
        rows = [
            Registration(pod, DSO, PodCategory.MIXED, VoltageLevel.LOW, _UP_KW, _DOWN_KW, 300, keccak(pod))
            for pod in some
        ]
        yield c.RegisterPods(BSP, tuple(rows))


class Day:
    """A day of six session pairs over perimeters that share the PODs; of each perimeter's half serve the
    local market, half the global one.
    """

    def __init__(self, schedule: DaySchedule, pods: Sequence[bytes], perimeters: int) -> None:
        self._schedule = schedule
        self._perimeters = [perimeter_id(DSO, 1 + number) for number in range(perimeters)]
        self._pods: dict[Market, dict[int, list[bytes]]] = {Market.LFP: {}, Market.MSD: {}}
        for number, pod in enumerate(pods):
            market = Market(number // perimeters % 2)
            perimeter = self._perimeters[number % perimeters]
            self._pods[market].setdefault(perimeter, []).append(pod)

    def ground(self) -> Iterator[Phase]:
        """Perimeters, static lights, aggregates, products, qualifications."""
        drafts = [PerimeterDraft(perimeter, (), _PAYLOAD) for perimeter in self._perimeters]
        yield Phase(DSO, [c.DeclarePerimeters(DSO, some) for some in _split(drafts, _ROWS)], "perimeters")
        decisions = [
            StaticLightDecision(pod, StaticLight.CONFIRMED, _UP_KW, _DOWN_KW, perimeter, _NOTHING)
            for by_perimeter in self._pods.values()
            for perimeter, pods in by_perimeter.items()
            for pod in pods
        ]
        yield Phase(
            DSO, [c.GiveStaticLights(DSO, some) for some in _split(decisions, _ROWS)], "static lights"
        )
        created = [
            AggregateDraft(aggregate, _SCOPES[market], _PAYLOAD) for market, aggregate in _AGGREGATES.items()
        ]
        yield Phase(BSP, [c.CreateAggregates(BSP, tuple(created))], "aggregates")
        joins = [
            c.JoinAggregate(BSP, _AGGREGATES[market], some)
            for market, by_perimeter in self._pods.items()
            for some in _split([pod for pods in by_perimeter.values() for pod in pods], _ROWS)
        ]
        yield Phase(BSP, joins, "members")
        for market, product in _PRODUCTS.items():
            operator, aggregate = _OPERATORS[market], _AGGREGATES[market]
            yield Phase(operator, [c.PublishProducts(operator, (plain_product(product),))], "product")
            asked = c.ApplyForQualification(BSP, (aggregate,), (product,), (_PAYLOAD,))
            yield Phase(BSP, [asked], "application")
            steps = (QualificationState.TESTING, QualificationState.QUALIFIED)
            moves = [
                c.MoveQualification(operator, (aggregate,), (product,), (state,), (950,), (_PAYLOAD,))
                for state in steps
            ]
            yield Phase(operator, moves, "qualification")

    def sessions(self) -> Iterator[Stage]:
        """Six times: lights of every perimeter and the local outcome, then the global outcome. What an
        outcome selected is declared for while the next one is recorded, as the gates allow.
        """
        undeclared: tuple[Phase, ...] = ()
        for session in range(1, len(self._schedule.msd_gates) + 1):
            operators = (
                Phase(DSO, [*self._lights(session), *self._local(session)], f"lights and LFP {session}"),
                Phase(TSO, self._global(session), f"MSD {session}"),
            )
            for market, phase in zip((Market.LFP, Market.MSD), operators, strict=True):
                yield Stage(self._schedule.window(market, session)[0] + 1, (phase, *undeclared))
                declared = self._declarations(market, session)
                undeclared = (Phase(BSP, declared, f"PODs of {market.name} {session}"),)
        yield Stage(0, undeclared)

    def _lights(self, session: int) -> Iterator[c.Command]:
        cells = pack_cells([_CAPABILITY_KW] * 24)
        lights = [
            PerimeterLights(perimeter, cells, cells, _named("lights", perimeter))
            for perimeter in self._perimeters
        ]
        return (c.PublishLights(DSO, self._schedule.day, session, some) for some in _split(lights, _ROWS))

    def _local(self, session: int) -> Iterator[c.Command]:
        day = self._schedule.day
        return (c.SelectLocal(DSO, day, session, some) for some in self._outcome(Market.LFP))

    def _global(self, session: int) -> Iterator[c.Command]:
        day = self._schedule.day
        return (c.SelectGlobal(TSO, day, session, some) for some in self._outcome(Market.MSD))

    def _outcome(self, market: Market) -> list[tuple[Selection, ...]]:
        """All that the aggregate's PODs can do upwards, in every perimeter and hour."""
        product, aggregate = _PRODUCTS[market], _AGGREGATES[market]
        rows = [
            Selection(
                aggregate,
                perimeter,
                aggregate,
                (product,),
                pack_selection([_UP_KW * len(pods)] * 24),
                _named("price", perimeter),
            )
            for perimeter, pods in self._pods[market].items()
        ]
        return _split(rows, _ROWS)

    def _declarations(self, market: Market, session: int) -> Iterator[c.Command]:
        """Who serves in the hours that the session plans definitively."""
        first = _BLOCK_HOURS * (session - 1)
        quarters = quarters_of(range(first, first + _BLOCK_HOURS))
        aggregate, day = _AGGREGATES[market], self._schedule.day
        for perimeter, pods in self._pods[market].items():
            served = tuple(PodQuarters(pod, quarters) for pod in pods)
            yield c.DeclarePods(BSP, aggregate, perimeter, day, served, True)


def _split(items: Sequence[Any], most: int) -> list[tuple[Any, ...]]:
    return [tuple(items[at : at + most]) for at in range(0, len(items), most)]


def _named(word: str, number: int) -> bytes:
    return keccak(text=f"{word} {number}")
