"""Checking a whole log folder without its database: every entry against every hash against the signed head
(LOG-1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from registry.domain.errors import RuleViolation
from registry.evidence.checkpoints import Checkpoint, NoteKey, open_checkpoint, read_checkpoint
from registry.evidence.merkle import Frontier, leaf_hash
from registry.evidence.tiles import TILE_WIDTH, TileName, split_tile, tiles_for_growth
from registry.log.tile_folder import CHECKPOINT, TileFolder, TileMissing


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
) -> LogReport:
    """Re-derive the tree of a log folder from its entries and compare (LOG-1).

    1. The checkpoint, and its signature if ``note_key`` is given.
    2. Each entry has the hash that stands in its place at level 0; one that has not is named by its index.
    3. Each hash above level 0 is the root of the tile below it.
    4. The root that the entries lead to is that of the checkpoint.

    ``progress`` is told entries done and entries in all. Raises RuleViolation (LOG-1) if there is no readable
    checkpoint, or if the key did not sign it.
    """
    folder = TileFolder(tree_folder)
    # 1. the checkpoint
    note = folder.checkpoint()
    if note is None:
        raise RuleViolation(
            rule="LOG-1", field=CHECKPOINT, found=f"no file in {tree_folder}", allowed="a signed checkpoint"
        )
    checkpoint = open_checkpoint(note, note_key) if note_key else read_checkpoint(note)
    findings: list[RuleViolation] = []
    frontier: Frontier | None = Frontier()
    for name in tiles_for_growth(0, checkpoint.size):
        try:
            if name.level == 0:
                # 2. entries
                leaves = [leaf_hash(entry) for entry in folder.entries(name)]
                if frontier:
                    frontier.extend(leaves)
                    progress(frontier.size, checkpoint.size)
                findings += _differences(name, leaves, split_tile(folder.tile(name)))
            else:
                # 3. the hashes above
                findings += _differences(name, _roots_below(folder, name), split_tile(folder.tile(name)))
        except (TileMissing, RuleViolation) as error:
            findings.append(
                RuleViolation(rule="LOG-1", field=name.path, found=str(error), allowed="a file of the log")
            )
            frontier = None if name.level == 0 else frontier
    # 4. the root; without all entries there is none to compare
    if frontier and frontier.root() != checkpoint.root:
        findings.append(
            RuleViolation(
                rule="LOG-1", field="root", found=frontier.root().hex(), allowed=checkpoint.root.hex()
            )
        )
    return LogReport(checkpoint, note_key is not None, tuple(findings))


def _roots_below(folder: TileFolder, name: TileName) -> Iterator[bytes]:
    for index in range(name.index * TILE_WIDTH, name.index * TILE_WIDTH + name.width):
        below = Frontier()
        below.extend(split_tile(folder.tile(TileName(name.level - 1, index))))
        yield below.root()


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
