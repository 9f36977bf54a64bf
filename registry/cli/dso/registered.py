"""What the register says of a DSO's grid files: which PODs may move how much, what is planned, what is bid
(POD-2, DTL-3, SES-5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from registry.bootstrap import Node
from registry.cli.dso.inputs import Files
from registry.domain.calendar import DeliveryDay
from registry.domain.errors import InputInvalid
from registry.domain.quantities import Direction
from registry.grid.bids import Bid, BidsByCell, Cell
from registry.grid.curves import W_PER_KW
from registry.grid.results import LocalActivation
from registry.services.grid_register import KnownPod, known_pods, local_plan_kw, perimeter_numbers
from registry.services.merit import local_offers


@dataclass(frozen=True)
class Registered:
    """A DSO's files as the register sees them on a day.

    Attributes:
        files: with the power that is granted to each POD.
        known: the register's PODs by their keys in the files.
        numbers: the register's number of each perimeter with PODs.
    """

    files: Files
    known: Mapping[str, KnownPod]
    numbers: Mapping[str, int]


def registered(node: Node, dso: int, files: Files, day: DeliveryDay) -> Registered:
    """What the register grants on a day.

    Raises:
        RuleViolation: POD-1, POD-2 or DTL-1 where files and register disagree.
    """
    known = known_pods(node.mirror, node.vault, dso, day, [pod.key for pod in files.pods])
    granted = tuple(
        replace(pod, up_kw=known[pod.key].granted_up_kw, down_kw=known[pod.key].granted_down_kw)
        for pod in files.pods
    )
    return Registered(replace(files, pods=granted), known, perimeter_numbers(files.perimeters, known))


def planned(node: Node, dso: int, day: DeliveryDay, numbers: Mapping[str, int]) -> list[LocalActivation]:
    """The local selections of a day by the perimeters' names.

    Raises:
        InputInvalid: DTL-3, some are planned where the files have no PODs.
    """
    names = {number: name for name, number in numbers.items()}
    found = []
    for (number, hour), kw in local_plan_kw(node.mirror, dso, day).items():
        if number not in names:
            raise InputInvalid(
                rule="DTL-3",
                field="perimeters",
                found=f"no PODs of perimeter {number}, where local activations are planned",
                allowed="perimeters that cover the DSO's local plan",
            )
        way = Direction.UP if kw > 0 else Direction.DOWN
        found.append(LocalActivation(names[number], hour, way, abs(kw)))
    return found


def registered_bids(
    node: Node, product: int, day: DeliveryDay, session: int, numbers: Mapping[str, int]
) -> BidsByCell:
    """The bids for a DSO's product that stand in a session, as far as this node can open them.

    Raises:
        InputInvalid: PRD-1, the register has no such product.
    """
    if node.mirror.product(product) is None:
        raise InputInvalid(rule="PRD-1", field="product", found=product, allowed="a published product")
    cells: dict[Cell, list[Bid]] = {}
    for name, number in numbers.items():
        for offer in local_offers(node.recorder, day, session, number, product):
            bid = Bid(
                f"aggregate {offer.aggregate}",
                offer.hour,
                offer.direction,
                offer.kw * W_PER_KW,
                offer.price_milli_eur_per_mwh,
            )
            cells.setdefault((name, offer.direction, offer.hour), []).append(bid)
    return cells
