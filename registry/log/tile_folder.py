"""The folder any file server can serve: tiles, entry bundles and the signed checkpoint, laid out as C2SP
tlog-tiles (LOG-1).

Full tiles never change. A partial tile's file goes when the full one has taken its place, as C2SP allows; a
reader of an older size then takes the front of the wider tile, which is the same bytes.

The entry bundles hold statements and so belong to those who may read them; tiles and checkpoint say nothing
about a single POD.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from registry.domain.errors import RuleViolation
from registry.evidence.merkle import HASH_BYTES
from registry.evidence.tiles import TILE_WIDTH, TileName, entry_bundle, split_entry_bundle
from registry.log.files import sync_filesystem, write_whole

CHECKPOINT: Final = "checkpoint"
MINIMUM: Final = "minimum"


class TileMissing(Exception):
    """A tile or entry bundle that the log's size promises is not in the folder, or is too short."""

    def __init__(self, path: Path, found: str, expected: str) -> None:
        self.path = path
        self.found = found
        self.expected = expected
        super().__init__(f"{path}: found {found}, expected {expected}")


class TileFolder:
    """Reads and writes the files of one log below ``root``.

    What is not there is looked for in ``archives``: folders with what was detached from it.
    """

    def __init__(self, root: Path, archives: Sequence[Path] = ()) -> None:
        self.root = root
        self._archives = archives

    # ------------------------------------------------------------------------------------------------ write

    def write(
        self, tiles: Iterable[tuple[TileName, bytes]], bundles: Iterable[tuple[TileName, bytes]]
    ) -> None:
        """Put hash tiles and entry bundles in place. Repeating it is harmless."""
        files = [(self.root / name.path, data) for name, data in tiles]
        files += [(self.root / name.entries_path, data) for name, data in bundles]
        for path, data in files:
            write_whole(path, data)

    def publish(self, note: bytes) -> None:
        """Make ``note`` the current checkpoint; the tiles it speaks of are in place before."""
        write_whole(self.root / CHECKPOINT, note)

    def sync(self) -> None:
        """Make durable what was written."""
        sync_filesystem(self.root)

    def drop_partial(self, full: Iterable[TileName]) -> None:
        """Remove the partial files of tiles that are now full."""
        for name in full:
            shutil.rmtree(_partials(self.root / name.path), ignore_errors=True)
            if name.level == 0:
                shutil.rmtree(_partials(self.root / name.entries_path), ignore_errors=True)

    def copy_bundle(self, name: TileName, archive: TileFolder) -> None:
        """Copy a full level 0 tile and its entry bundle into another folder, unless they went there before.

        What stands there already is compared, for a power cut can leave a file without its content.
        """
        for path in (name.path, name.entries_path):
            source, copy = self.root / path, archive.root / path
            if source.exists():
                data = source.read_bytes()
                if not copy.exists() or copy.read_bytes() != data:
                    write_whole(copy, data)

    def remove_bundle(self, name: TileName) -> bool:
        """Remove a full level 0 tile and its entry bundle; whether there was one."""
        found = (self.root / name.entries_path).exists()
        for path in (name.path, name.entries_path):
            (self.root / path).unlink(missing_ok=True)
        return found

    def publish_minimum(self, index: int) -> None:
        """Say that entries below ``index`` may be missing (C2SP tlog-tiles, "Pruning")."""
        write_whole(self.root / MINIMUM, b"%d\n" % index)

    def clear_tiles(self) -> None:
        """Remove all tiles and bundles, before they are derived anew; the checkpoint stays."""
        shutil.rmtree(self.root / "tile", ignore_errors=True)

    # ------------------------------------------------------------------------------------------------- read

    def checkpoint(self) -> bytes | None:
        """The signed checkpoint, or ``None`` for a log that has none yet."""
        path = self.root / CHECKPOINT
        note = path.read_bytes() if path.exists() else b""
        # A power cut can leave the name without its content.
        return note if note.strip(b"\0") else None

    def minimum(self) -> int:
        """The index below which entries and level 0 tiles may be missing, 0 for a whole log.

        Raises RuleViolation (LOG-1) for a file that says no number.
        """
        path = self.root / MINIMUM
        text = path.read_bytes().strip() if path.exists() else b"0"
        if not text.isdigit():
            raise RuleViolation(rule="LOG-1", field=MINIMUM, found=text, allowed="a number")
        return int(text)

    def tile(self, name: TileName) -> bytes:
        """The bytes of a hash tile. Raises :class:`TileMissing`."""
        try:
            return self._tile(name)
        except FileNotFoundError:
            # A partial tile went between being found and being read: by then the full one is there.
            return self._tile(name)

    def _tile(self, name: TileName) -> bytes:
        wanted = name.width * HASH_BYTES
        for path in self._candidates(name.path, TileName(name.level, name.index).path, name.width):
            data = path.read_bytes()
            if len(data) < wanted:
                raise TileMissing(path, f"{len(data)} bytes", f"at least {wanted}")
            return data[:wanted]
        raise TileMissing(self.root / name.path, "no file", f"{name.width} hashes")

    def bundle(self, name: TileName) -> bytes:
        """The entry bundle of a level-0 tile. Raises as :meth:`entries`."""
        return entry_bundle(self.entries(name))

    def entries(self, name: TileName) -> list[bytes]:
        """The entries below a level-0 tile. Raises :class:`TileMissing`, and RuleViolation (LOG-1) for a
        bundle that cannot be split.
        """
        full = TileName(0, name.index).entries_path
        for path in self._candidates(name.entries_path, full, name.width):
            entries = split_entry_bundle(path.read_bytes())
            if len(entries) < name.width:
                raise TileMissing(path, f"{len(entries)} entries", f"at least {name.width}")
            return entries[: name.width]
        raise TileMissing(self.root / name.entries_path, "no file", f"{name.width} entries")

    def holds(self, name: TileName) -> bool:
        """Whether a full tile is here or in an archive."""
        return any((root / name.path).exists() for root in (self.root, *self._archives))

    def _candidates(self, exact: str, full: str, width: int) -> Iterator[Path]:
        for root in (self.root, *self._archives):
            yield from _candidates(root / exact, root / full, width)


def _partials(full: Path) -> Path:
    return full.with_name(full.name + ".p")


def _candidates(exact: Path, full: Path, width: int) -> Iterator[Path]:
    """The files that hold the first ``width`` items of a tile, the best first."""
    if exact.exists():
        yield exact
    if full.exists():
        yield full
    partials = _partials(full)
    if width < TILE_WIDTH and partials.is_dir():
        wider = [
            int(path.name) for path in partials.iterdir() if path.name.isdecimal() and int(path.name) > width
        ]
        if wider:
            yield partials / str(min(wider))
