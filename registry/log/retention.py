"""Detaching what nobody needs at hand any more: the entries of old delivery days leave the log's database and
folder for an archive, and what they proved stays provable (LOG-1).

The folder follows C2SP tlog-tiles, "Pruning": the log keeps a *minimum index*, and only hash tiles of level 0
and entry bundles that end at or below it go. Tiles above level 0 stay, so roots and consistency between the
sizes at their borders can be proved for ever. The archive has the same layout: copied back, or read beside
the folder, it is the whole log again.

All of it goes on beside the intake, which waits for one short transaction of it at the most. What was asked
for is remembered in the database until it is done, so that a killed node takes it up again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from time import perf_counter, sleep
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
_ASKED: Final = "detaching_until"
"""First delivery day that stays in what was asked for, "0" once it is done."""
_REMOVED: Final = "removed_index"
"""Lowest index whose bundle may still be in the folder."""
_SYNC_EVERY: Final = 512
"""Bundles (34 MB) that the archive's disk may have to write at once: the log's own commits wait behind them
if it is the same disk.
"""


class Stage(Enum):
    """What a detachment is at."""

    COPYING = "copying"
    """Entry bundles and tiles into the archive."""
    DROPPING = "dropping"
    """Delivery days out of the database."""
    REMOVING = "removing"
    """The copied files out of the log's folder."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a detachment is: ``done`` of ``total``, in bundles, while dropping in days."""

    stage: Stage
    done: int
    total: int


Progress = Callable[[Step], None]
"""Told of every step, of a day that is being dropped many times; what it raises ends the call."""


class DetachmentUnderWay(RuleViolation):
    """Another detachment was asked for and is not done yet."""


@dataclass(frozen=True, slots=True)
class Held:
    """What of the log is held.

    Attributes:
        since: the first delivery day that is held, None if nothing was ever detached.
        minimum_index: the lowest index whose entry bundle is surely in the folder.
        detaching_until: the first delivery day that stays when the detachment under way is done, None if
            there is none.
    """

    since: DeliveryDay | None
    minimum_index: int
    detaching_until: DeliveryDay | None


@dataclass(frozen=True, slots=True)
class Detached:
    """What left the log.

    Attributes:
        until: the first delivery day that is still held.
        minimum_index: the lowest index whose entry bundle is still in the folder.
        bundles: how many bundles, with their level 0 tiles, left the folder.
    """

    until: DeliveryDay
    minimum_index: int
    bundles: int


def held(store: Store) -> Held:
    """What of the log is held."""
    return Held(_day(store, DETACHED_UNTIL), _number(store, _MINIMUM), _day(store, _ASKED))


def ask(store: Store, rules: AcceptanceRules, until: DeliveryDay, now: datetime) -> None:
    """Remember that the delivery days before ``until`` are to be detached. The same again changes nothing.

    Raises:
        DetachmentUnderWay: LOG-1.
        RuleViolation: MEA-2, a statement for such a day can still be accepted; LOG-1, the newest entry is of
            such a day, and stays.
    """
    asked = _day(store, _ASKED)
    if asked == until:
        return
    if asked is not None:
        raise DetachmentUnderWay(
            rule="LOG-1",
            field="until",
            found=until.date,
            allowed=f"one detachment at a time: that of the days before {asked.date} is not done",
        )
    _check_age(until, now, rules)
    newest = store.chunk(store.head()[0] - 1)
    if newest is None or newest.day < until.number:
        raise RuleViolation(
            rule="LOG-1",
            field="until",
            found=until.date,
            allowed="a day on or before that of the newest entry, which stays",
        )
    store.remember(_ASKED, str(until.number))


def detach(
    store: Store,
    folder: TileFolder,
    sequencer: Sequencer,
    until: DeliveryDay,
    archive: Path,
    progress: Progress,
) -> Detached:
    """Move the entries of all delivery days before ``until``, which was asked for, into the folder
    ``archive``.

    1. From here on no statement for such a day is accepted, whatever the clock says.
    2. Copy the bundles that end below every entry that stays, their tiles and the checkpoint; durable.
    3. Say that they may be missing.
    4. Take the entries out of the database, in short transactions.
    5. Take the files out of the folder.

    It may be interrupted anywhere and called again. Raises RuleViolation (LOG-1) for an archive that is the
    log's own folder, :class:`~registry.ports.OperationalError` and OSError.
    """
    _check_archive(folder, archive)
    # 1. no way back
    sequencer.close_days(max(until, _day(store, DETACHED_UNTIL) or until))
    days = list(store.days())
    minimum = max(
        _number(store, _MINIMUM),
        min(first for day, first in days if day >= until.number) // TILE_WIDTH * TILE_WIDTH,
    )
    # 2. the archive
    bundles = range(_number(store, _REMOVED) // TILE_WIDTH, minimum // TILE_WIDTH)
    _copy(folder, TileFolder(archive), bundles, sequencer.publish().note, progress)
    # 3. the minimum
    store.remember(_MINIMUM, str(minimum))
    with disk_failures(folder.root):
        folder.publish_minimum(minimum)
        folder.sync()
    # 4. the database
    _drop(store, [DeliveryDay.from_number(day) for day, _ in days if day < until.number], progress)
    # 5. the folder
    removed = 0
    for done, index in enumerate(bundles, 1):
        removed += folder.remove_bundle(TileName(0, index))
        progress(Step(Stage.REMOVING, done, len(bundles)))
    with store.writing() as writing:
        writing.meta(_REMOVED, str(minimum))
        writing.meta(_ASKED, "0")
    return Detached(until, minimum, removed)


def _copy(folder: TileFolder, archive: TileFolder, bundles: range, note: bytes, progress: Progress) -> None:
    with disk_failures(archive.root):
        archive.publish(note)
        for done, index in enumerate(bundles, 1):
            folder.copy_bundle(TileName(0, index), archive)
            if done % _SYNC_EVERY == 0:
                archive.sync()
            progress(Step(Stage.COPYING, done, len(bundles)))
        archive.sync()


def _drop(store: Store, days: list[DeliveryDay], progress: Progress) -> None:
    for done, day in enumerate(days):
        start, end = day.starts_at, DeliveryDay.from_number(day.number + 1).starts_at
        began = perf_counter()
        for _ in store.drop_day(day.number, int(start.timestamp()), int(end.timestamp())):
            progress(Step(Stage.DROPPING, done, len(days)))
            # The database is the intake's for as long as it was not.
            sleep(perf_counter() - began)
            began = perf_counter()


def _check_age(until: DeliveryDay, now: datetime, rules: AcceptanceRules) -> None:
    latest = DeliveryDay.of(datetime.fromtimestamp(now.timestamp() - rules.window_s, now.tzinfo))
    if until > latest:
        raise RuleViolation(
            rule="MEA-2",
            field="until",
            found=until.date,
            allowed=f"{latest.date} at most: statements are accepted for {rules.window_s // 86_400} days",
        )


def _check_archive(folder: TileFolder, archive: Path) -> None:
    """What is copied onto itself would be removed for good."""
    if archive.exists() and archive.samefile(folder.root):
        raise RuleViolation(
            rule="LOG-1", field="archive", found=archive, allowed="another folder than that of the log"
        )


def _number(store: Store, name: str) -> int:
    return int(store.meta(name) or 0)


def _day(store: Store, name: str) -> DeliveryDay | None:
    number = _number(store, name)
    return DeliveryDay.from_number(number) if number else None
