"""Whether a file of PODs can be registered as a whole: every row alone, against the others and against the
register (POD-4, POD-1).
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

from registry.domain.enums import PartyKind
from registry.domain.errors import RuleViolation
from registry.ports import PodSecret
from registry.services.pod_files import read_pods
from registry.services.recorder import Recorder
from registry.services.register_pods import RowError, registered_already
from registry.views import PodView

READ: Final = 1_900
"""Rows that are looked up together."""
_ALPHABET = 36

Fault = Callable[[RowError], None]
Progress = Callable[[str, int, int], None]
"""Told what is done (``checked`` or ``registered``), how many rows of it, and how many lines there are."""


@dataclass(frozen=True, slots=True)
class PodFile:
    """A file, the SHA-256 of its bytes, and how many lines it has."""

    path: Path
    digest: str
    lines: int


class FileInvalid(RuleViolation):
    """Rows of a file are at fault; none was registered. ``faults``: how many."""

    def __init__(self, faults: int, rows: int) -> None:
        self.faults = faults
        super().__init__(
            rule="POD-4",
            field="file",
            found=f"{faults} faults in {rows} rows",
            allowed="rows without fault",
            hint="none was registered",
        )


def measured(path: Path) -> PodFile:
    """Read a file once, for its digest."""
    digest, lines = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            lines += block.count(b"\n")
    return PodFile(path, digest.hexdigest(), lines)


def check(recorder: Recorder, file: PodFile, fault: Fault, progress: Progress) -> None:
    """Tell every fault of a file.

    Raises:
        InputInvalid: POD-4, no rows can be told apart.
        FileInvalid: POD-4, after all faults were told.
    """
    rows, faults, doubles, dsos = read_pods(file.path), 0, _Doubles(), dict[int, bool]()
    done = 0

    def tell(error: RowError) -> None:
        nonlocal faults
        faults += 1
        fault(error)

    while part := list(islice(rows, READ)):
        good = [(row.number, row.application) for row in part if row.application is not None]
        kept, registered = known_of(recorder, [application.pod_code for _, application in good])
        for row in part:
            for error in row.faults:
                tell(error)
        for number, application in good:
            doubles.add(application.pod_code)
            if application.dso not in dsos:
                dsos[application.dso] = _is_dso(recorder, application.dso)
            if not dsos[application.dso]:
                tell(RowError(number, _no_dso(application.dso)))
            secret = kept.get(application.pod_code)
            view = None if secret is None else registered.get(secret.pod_id)
            if view is not None and not view.withdrawn:
                tell(RowError(number, registered_already(application.pod_code)))
        done += len(part)
        progress("checked", done, file.lines)
    for error in doubles.faults(file.path):
        tell(error)
    if faults:
        raise FileInvalid(faults, done)


def known_of(
    recorder: Recorder, pod_codes: Sequence[str]
) -> tuple[dict[str, PodSecret], dict[bytes, PodView]]:
    """What vault and mirror know of these PODs: by code, and by id."""
    kept = recorder.vault.pods_of(pod_codes)
    return kept, recorder.mirror.latest_pods([secret.pod_id for secret in kept.values()])


def _is_dso(recorder: Recorder, dso: int) -> bool:
    party = recorder.mirror.party(dso)
    return party is not None and party.kind is PartyKind.DSO


def _no_dso(dso: int) -> RuleViolation:
    return RuleViolation(rule="POD-1", field="dso", found=dso, allowed="the number of an admitted DSO")


class _Doubles:
    """POD codes that come more than once, in 8 bytes a row: a code is a number of base 36 below 2^64."""

    def __init__(self) -> None:
        self._numbers = [array("Q") for _ in range(256)]

    def add(self, pod_code: str) -> None:
        """Remember a valid code."""
        number = _number(pod_code)
        self._numbers[number & 0xFF].append(number)

    def faults(self, path: Path) -> Iterator[RowError]:
        """Every row whose code an earlier row has; reads the file again if there is one."""
        twice: set[int] = set()
        for numbers in self._numbers:
            ordered = sorted(numbers)
            twice.update(one for one, other in pairwise(ordered) if one == other)
        if not twice:
            return
        first: dict[int, int] = {}
        for row in read_pods(path):
            number = -1 if row.application is None else _number(row.application.pod_code)
            if number in twice and row.application is not None:
                if number in first:
                    yield RowError(row.number, _double(row.application.pod_code, first[number]))
                first.setdefault(number, row.number)


def _number(pod_code: str) -> int:
    """A GSRN is its number; an Italian code its distributor and tail, above all GSRN."""
    if pod_code.isdigit():
        return int(pod_code)
    tail = pod_code[6:].rjust(9, " ")
    return 10**18 + (int(pod_code[2:5]) * 2 + (tail[0] == " ")) * _ALPHABET**9 + int(tail, _ALPHABET)


def _double(pod_code: str, first: int) -> RuleViolation:
    return RuleViolation(
        rule="POD-1",
        field="pod_code",
        found=f"{pod_code}, also in row {first}",
        allowed="each POD once in a file",
    )
