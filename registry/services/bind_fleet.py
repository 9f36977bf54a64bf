"""A DSO binds the keys of a whole fleet of PGUIs to their PODs (DEV-1, PGU-2).

The fleet's file is ``keys.cbor`` (``docs/pgui.md``, "keys.cbor: the public keys, for binding").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from registry.domain.commands import BindDevices
from registry.domain.devices import Binding
from registry.domain.errors import RuleViolation
from registry.evidence.es256 import load_public_key
from registry.ports import Signer
from registry.services.keys_file import count_items, read_item, read_items
from registry.services.recorder import Recorder

BATCH: Final = 100

Progress = Callable[[int, int], None]
"""Told of items done and items in all."""


@dataclass(slots=True)
class FleetBound:
    """What became of a fleet's keys.

    Attributes:
        bound: bound now.
        known: bound before, by this file or otherwise.
        refused: number of the item (from 0) and why, for each that was not bound.
    """

    bound: int = 0
    known: int = 0
    refused: list[tuple[int, RuleViolation]] = field(default_factory=list)


def bind_fleet(
    recorder: Recorder,
    dso: int,
    signer: Signer,
    file: Path,
    valid_from: int,
    valid_until: int,
    progress: Progress = lambda done, total: None,
) -> FleetBound:
    """Bind each key of ``file`` to its POD for [valid_from, valid_until), Unix seconds, in batches.

    1. An item that is none, or whose POD this DSO does not connect, is refused by itself.
    2. A key that is bound already is passed over: after an interruption the same call goes on.
    3. Where the ledger refuses a batch, its halves are tried, down to the item at fault.

    Raises :class:`InputInvalid` (DEV-1, field ``keys``) for a file that does not consist of whole items; then
    nothing was bound.
    """
    result, total, waiting = FleetBound(), count_items(file), []
    for number, item in enumerate(read_items(file)):
        try:
            # 1. an item, of a POD of this DSO
            binding = _binding(recorder, dso, item, valid_from, valid_until)
        except RuleViolation as violation:
            result.refused.append((number, violation))
        else:
            # 2. bound already
            if recorder.mirror.device_of_key(binding.key_id) is not None:
                result.known += 1
            else:
                waiting.append((number, binding))
        if len(waiting) == BATCH or number + 1 == total:
            # 3. in batches
            _record(recorder, dso, signer, waiting, result)
            waiting = []
            progress(number + 1, total)
    return result


def _binding(recorder: Recorder, dso: int, item: bytes, valid_from: int, valid_until: int) -> Binding:
    key = read_item(item)
    load_public_key(key.point)
    pod = recorder.mirror.pod(key.pod_id)
    if pod is None or pod.dso != dso:
        found = "no registered POD" if pod is None else f"a POD of DSO {pod.dso}"
        raise RuleViolation(rule="DEV-1", field="pod_id", found=found, allowed=f"a POD of DSO {dso}")
    return Binding(key.pod_id, key.x, key.y, valid_from, valid_until)


def _record(
    recorder: Recorder, dso: int, signer: Signer, items: list[tuple[int, Binding]], result: FleetBound
) -> None:
    if not items:
        return
    try:
        recorder.record(BindDevices(dso, tuple(binding for _, binding in items)), signer)
    except RuleViolation as violation:
        if len(items) == 1:
            result.refused.append((items[0][0], violation))
            return
        middle = len(items) // 2
        _record(recorder, dso, signer, items[:middle], result)
        _record(recorder, dso, signer, items[middle:], result)
    else:
        result.bound += len(items)
