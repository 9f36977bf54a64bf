"""Detaching what nobody needs at hand any more: the entries of old delivery days leave the log's database and
folder for an archive, and what they proved stays provable (LOG-1).

The folder follows C2SP tlog-tiles, "Pruning": the log keeps a *minimum index*, and only hash tiles of level 0
and entry bundles that end at or below it go. Tiles above level 0 stay, so roots and consistency between the
sizes at their borders can be proved for ever. The archive has the same layout: copied back, or read beside
the folder, it is the whole log again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import RuleViolation
from registry.evidence.acceptance import AcceptanceRules
from registry.evidence.tiles import TILE_WIDTH, TileName
from registry.log.failures import disk_failures
from registry.log.occupancy import DETACHED_UNTIL
from registry.log.sequencer import Sequencer
from registry.log.store import Store
from registry.log.tile_folder import TileFolder

_MINIMUM: Final = "minimum_index"

Progress = Callable[[int, int], None]
"""Told of bundles moved and bundles in all."""


@dataclass(frozen=True, slots=True)
class Detached:
    """What left the log.

    Attributes:
        until: the first delivery day that is still held.
        entries: how many entries left the database.
        minimum_index: the lowest index whose entry bundle is still in the folder.
        bundles: how many bundles, with their level 0 tiles, went into the archive.
    """

    until: DeliveryDay
    entries: int
    minimum_index: int
    bundles: int


def detach(
    store: Store,
    folder: TileFolder,
    sequencer: Sequencer,
    rules: AcceptanceRules,
    until: DeliveryDay,
    now: datetime,
    archive: Path,
    progress: Progress,
) -> Detached:
    """Move the entries of all delivery days before ``until`` into the folder ``archive``.

    1. No statement for such a day can be accepted any more, and the newest entry stays.
    2. Copy the bundles that end below every entry that stays, their tiles and the checkpoint; durable.
    3. From here on no statement for such a day is accepted, whatever the clock says.
    4. Take the entries out of the database, a day at a time, so that the intake goes on in between.
    5. Take the files out of the folder.

    It may be interrupted anywhere and called again. Raises RuleViolation (MEA-2) where 1 does not hold,
    :class:`~registry.ports.DiskFull` and what the database raises.
    """
    # 1. old enough
    _check_age(until, now, rules)
    held = store.days()
    staying = [first for day, _, first in held if day >= until.number]
    if not staying:
        raise RuleViolation(
            rule="LOG-1",
            field="until",
            found=until.date,
            allowed="a day on or before that of the newest entry, which stays",
        )
    # 2. the archive
    minimum = max(minimum_index(store), min(staying) // TILE_WIDTH * TILE_WIDTH)
    names = list(_bundles(0, minimum))
    kept, head = TileFolder(archive), sequencer.publish()
    with disk_failures(archive):
        for number, name in enumerate(names):
            folder.copy_bundle(name, kept)
            progress(number + 1, len(names))
        kept.publish(head.note)
        kept.sync()
    # 3. no way back
    with sequencer.paused():
        with store.writing() as writing:
            writing.meta(DETACHED_UNTIL, str(until.number))
            writing.meta(_MINIMUM, str(minimum))
        folder.publish_minimum(minimum)
        folder.sync()
    # 4. the database
    gone = [(day, count) for day, count, _ in held if day < until.number]
    for day, _ in gone:
        with sequencer.paused(), store.writing() as writing:
            writing.drop_days(day, day + 1)
    # 5. the folder
    bundles = sum(folder.remove_bundle(name) for name in names)
    return Detached(until, sum(count for _, count in gone), minimum, bundles)


def minimum_index(store: Store) -> int:
    """The lowest index whose entry bundle is in the folder, whatever else was detached."""
    return int(store.meta(_MINIMUM) or 0)


def _check_age(until: DeliveryDay, now: datetime, rules: AcceptanceRules) -> None:
    latest = DeliveryDay.of(datetime.fromtimestamp(now.timestamp() - rules.window_s, now.tzinfo))
    if until > latest:
        raise RuleViolation(
            rule="MEA-2",
            field="until",
            found=until.date,
            allowed=f"{latest.date} at most: statements are accepted for {rules.window_s // 86_400} days",
        )


def _bundles(first: int, end: int) -> Iterator[TileName]:
    for index in range(first // TILE_WIDTH, end // TILE_WIDTH):
        yield TileName(0, index)
