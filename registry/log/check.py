"""Checking a whole log folder without its database: every entry against every hash against the signed head
(LOG-1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from registry.domain.errors import RuleViolation
from registry.evidence.checkpoints import Checkpoint, NoteKey, open_checkpoint, read_checkpoint
from registry.evidence.merkle import Frontier, leaf_hash
from registry.evidence.tiles import TILE_WIDTH, TileName, split_tile, tiles_for_growth
from registry.log.tile_folder import CHECKPOINT, TileFolder, TileMissing
from registry.log.tile_reader import TileReader


@dataclass(frozen=True, slots=True)
class LogReport:
    """What a check of a log folder found.

    Attributes:
        checkpoint: the head that the folder publishes.
        signed: whether a note key was given, and so the signature checked.
        findings: everything that does not fit, in the order of the log; empty for a sound log.
    """

    checkpoint: Checkpoint
    signed: bool
    findings: tuple[RuleViolation, ...]

    @property
    def sound(self) -> bool:
        """Whether entries, tiles and checkpoint agree."""
        return not self.findings


def check_folder(
    tree_folder: Path,
    note_key: NoteKey | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    archives: Sequence[Path] = (),
) -> LogReport:
    """Re-derive the tree of a log folder from its entries and compare (LOG-1).

    1. The checkpoint, and its signature if ``note_key`` is given.
    2. Each entry has the hash that stands in its place at level 0; one that has not is named by its index.
    3. Each hash above level 0 is the root of the tile below it.
    4. The root that the entries lead to is that of the checkpoint.

    Of a log whose first entries were detached, what is below its minimum index is not looked for, and in 4
    the hashes above level 0 stand for it; with ``archives`` beside the folder they are checked as well.

    ``progress`` is told entries done and entries in all. Raises RuleViolation (LOG-1) if there is no readable
    checkpoint, or if the key did not sign it.
    """
    folder = TileFolder(tree_folder, archives)
    # 1. the checkpoint
    note = folder.checkpoint()
    if note is None:
        raise RuleViolation(
            rule="LOG-1", field=CHECKPOINT, found=f"no file in {tree_folder}", allowed="a signed checkpoint"
        )
    checkpoint = open_checkpoint(note, note_key) if note_key else read_checkpoint(note)
    findings: list[RuleViolation] = []
    whole = True
    minimum = folder.minimum()
    frontier = Frontier()
    for name in tiles_for_growth(0, checkpoint.size):
        if _detached(folder, name, minimum):
            whole = False
            continue
        try:
            if name.level == 0:
                # 2. entries
                leaves = [leaf_hash(entry) for entry in folder.entries(name)]
                frontier.extend(leaves)
                progress(min((name.index + 1) * TILE_WIDTH, checkpoint.size), checkpoint.size)
                findings += _differences(name, leaves, split_tile(folder.tile(name)))
            else:
                # 3. the hashes above
                stored = split_tile(folder.tile(name))
                findings += _differences(name, _roots_below(folder, name, minimum, stored), stored)
        except (TileMissing, RuleViolation) as error:
            findings.append(
                RuleViolation(rule="LOG-1", field=name.path, found=str(error), allowed="a file of the log")
            )
            whole = False
    # 4. the root; from the entries where they are all there, else from the hashes that were checked above
    root = frontier.root() if whole else None
    if root is None and not findings:
        root = TileReader(folder, checkpoint.size).root()
    if root is not None and root != checkpoint.root:
        findings.append(
            RuleViolation(rule="LOG-1", field="root", found=root.hex(), allowed=checkpoint.root.hex())
        )
    return LogReport(checkpoint, note_key is not None, tuple(findings))


def _detached(folder: TileFolder, name: TileName, minimum: int) -> bool:
    """Whether a level 0 tile went with its entries, as the minimum index allows."""
    return name.level == 0 and (name.index + 1) * TILE_WIDTH <= minimum and not folder.holds(name)


def _roots_below(folder: TileFolder, name: TileName, minimum: int, stored: list[bytes]) -> Iterator[bytes]:
    first = name.index * TILE_WIDTH
    for index in range(first, first + name.width):
        below = TileName(name.level - 1, index)
        if _detached(folder, below, minimum):
            yield stored[index - first]
            continue
        tree = Frontier()
        tree.extend(split_tile(folder.tile(below)))
        yield tree.root()


def _differences(name: TileName, derived: Iterable[bytes], stored: list[bytes]) -> Iterator[RuleViolation]:
    for offset, (found, allowed) in enumerate(zip_longest(derived, stored, fillvalue=b"")):
        if found != allowed:
            field = (
                f"entry {name.index * TILE_WIDTH + offset}"
                if name.level == 0
                else f"{name.path}, hash {offset}"
            )
            what = "leaf hash" if name.level == 0 else "root of the tile below"
            yield RuleViolation(
                rule="LOG-1",
                field=field,
                found=f"{what} {found.hex()}",
                allowed=f"{allowed.hex()}, as {name.path} has it",
            )
