"""The public keys of a fleet as its maker hands them over: ``keys.cbor`` (``docs/pgui.md``, "keys.cbor: the
public keys, for binding"; DEV-1, PGU-2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from registry.domain.errors import InputInvalid

ITEM_BYTES: Final = 101
_POD_HEAD, _KEY_HEAD = b"\x82\x58\x20", b"\x58\x40"


@dataclass(frozen=True, slots=True)
class FleetKey:
    """A POD and the coordinates of its device's key, 32 bytes each; whether they are of a point on P-256 is
    not known yet.
    """

    pod_id: bytes
    x: bytes
    y: bytes

    @property
    def point(self) -> bytes:
        """The key uncompressed, 65 bytes."""
        return b"\x04" + self.x + self.y


def count_items(file: Path) -> int:
    """How many items the file has. Raises :class:`InputInvalid` (DEV-1, field ``keys``) if one is not
    whole.
    """
    size = file.stat().st_size
    if size % ITEM_BYTES:
        raise InputInvalid(
            rule="DEV-1", field="keys", found=f"{size} bytes", allowed=f"items of {ITEM_BYTES} bytes each"
        )
    return size // ITEM_BYTES


def read_items(file: Path) -> Iterator[bytes]:
    """The items of the file, in order, as they stand there."""
    with file.open("rb") as opened:
        while item := opened.read(ITEM_BYTES):
            yield item


def read_item(item: bytes) -> FleetKey:
    """What an item says. Raises :class:`InputInvalid` (DEV-1, field ``item``) for bytes that are none."""
    if len(item) != ITEM_BYTES or item[:3] != _POD_HEAD or item[35:37] != _KEY_HEAD:
        raise InputInvalid(
            rule="DEV-1",
            field="item",
            found=item[:3] + item[35:37],
            allowed="82 5820 <32 bytes> 5840 <64 bytes>",
        )
    return FleetKey(item[3:35], item[37:69], item[69:])
