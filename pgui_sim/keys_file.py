"""The public keys of a large fleet, for binding: a CBOR sequence (RFC 8742) of fixed-size items (PGU-2,
DEV-1).

Item n, 101 bytes, belongs to the device of index n: ``82 5820 <pod_id, 32 bytes> 5840 <x || y, 64 bytes>``,
an array of the POD's commitment and the coordinates of its device's P-256 key. The key id is SHA-256 of
``04 || x || y``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pgui_sim.state import ShardState

KEYS_FILE: Final = "keys.cbor"


def write_keys(path: Path, shards: Iterable[Path]) -> None:
    """Write the public keys of all devices of these shards, in order. All or nothing."""
    unfinished = path.with_suffix(".new")
    with unfinished.open("wb") as file:
        for shard in shards:
            state = ShardState(shard)
            file.writelines(
                b"\x82\x58\x20" + pod_id + b"\x58\x40" + point[1:] for pod_id, point in state.public_keys()
            )
            state.close()
    unfinished.replace(path)
