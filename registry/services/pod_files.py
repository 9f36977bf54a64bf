"""Files of PODs to register: CSV with a header, or JSON lines; every fault of every row, none of them twice
(POD-4, D4.1 Table 6).

    pod_code,dso,category,voltage,up_kw,down_kw,activation_time_s,position,technologies
    IT001E00000001,11,mixed,low,40,60,300,"41.902782,12.496366",photovoltaic;storage

    {"pod_code": "IT001E00000001", "dso": 11, "category": "mixed", "voltage": "low", "up_kw": 40, …,
     "technologies": ["photovoltaic", "storage"]}
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from registry.domain.enums import PodCategory, VoltageLevel
from registry.domain.errors import InputInvalid, RuleViolation
from registry.domain.identifiers import validate_pod_code
from registry.domain.json_text import flaw_of
from registry.domain.quantities import MAX_KW
from registry.services.register_pods import (
    ACTIVATION_TIME_MAX_S,
    POSITION,
    TECHNOLOGIES_MAX,
    TECHNOLOGY_LENGTH_MAX,
    PodApplication,
    RowError,
)

COLUMNS: Final = (
    "pod_code",
    "dso",
    "category",
    "voltage",
    "up_kw",
    "down_kw",
    "activation_time_s",
    "position",
    "technologies",
)
LINE_MAX: Final = 65_536
"""Characters of a line: a file without line ends is refused before it fills the memory."""
SHOWN_MAX: Final = 60
"""Characters of a value that a fault shows."""
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_PARTY_MAX = 65_535
_RULE = "POD-4"


@dataclass(frozen=True, slots=True)
class PodRow:
    """A row of a file. ``number`` is its first line, as an editor counts; ``application`` is None if the row
    has faults.
    """

    number: int
    application: PodApplication | None
    faults: tuple[RowError, ...]


def read_pods(path: Path) -> Iterator[PodRow]:
    """The rows of a file, one at a time.

    Raises :class:`InputInvalid` (POD-4) for a file that has no rows that could be told apart: no text, no
    header, lines without end.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        start = file.read(1)
        file.seek(0)
        if not start:
            raise _no_rows("an empty file", "a header and rows, or JSON lines")
        rows = _json_rows(file) if start == "{" else _csv_rows(file)
        number = 0
        for number, cells, faults in rows:
            yield _row(number, cells, faults)
        if number == 0:
            raise _no_rows("no rows", "rows below the header, or JSON lines")


_Cells = Mapping[str, Any]
_Raw = tuple[int, _Cells, list[RuleViolation]]


def _csv_rows(file: IO[str]) -> Iterator[_Raw]:
    reader = csv.reader(_lines(file), strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise _no_rows(f"a header that is no CSV ({error})", f"the columns {','.join(COLUMNS)}") from error
    missing, unknown = set(COLUMNS) - set(header), set(header) - set(COLUMNS)
    if missing or unknown or len(header) != len(COLUMNS):
        raise _no_rows(f"the header {_shown(','.join(header))}", f"the columns {','.join(COLUMNS)}")
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield number, {}, [_fault("row", str(error), "a row of CSV")]
            continue
        if cells is None:
            return
        if not cells:
            continue  # a blank line
        if len(cells) != len(header):
            yield (
                number,
                {},
                [_fault("row", f"{len(cells)} cells", f"{len(header)} cells, as the header has")],
            )
        else:
            named: dict[str, Any] = dict(zip(header, cells, strict=True))
            named["technologies"] = named["technologies"].split(";")
            yield number, named, []


def _json_rows(file: IO[str]) -> Iterator[_Raw]:
    for number, line in enumerate(_lines(file), 1):
        if not line.strip():
            continue
        flaw = flaw_of(line.encode(errors="surrogateescape"))
        if flaw is not None:
            yield number, {}, [_fault("row", flaw.found, flaw.allowed)]
            continue
        try:
            cells = json.loads(line)
        except ValueError:
            cells = None
        if not isinstance(cells, dict):
            yield number, {}, [_fault("row", _shown(line.strip()), "a JSON object on one line")]
            continue
        faults = [_fault(name, "nothing", "a value") for name in COLUMNS if name not in cells]
        faults += [
            _fault(_shown(name), "a value", f"one of {', '.join(COLUMNS)}")
            for name in cells
            if name not in COLUMNS
        ]
        yield number, cells, faults


def _lines(file: IO[str]) -> Iterator[str]:
    while line := file.readline(LINE_MAX + 1):
        if len(line) > LINE_MAX:
            raise _no_rows(f"a line of more than {LINE_MAX} characters", f"lines of at most {LINE_MAX}")
        yield line


def _row(number: int, cells: _Cells, faults: list[RuleViolation]) -> PodRow:
    """Read every cell; all that is wrong is told."""
    read: dict[str, Any] = {}
    for name, reader in _READERS.items():
        if name in cells:
            try:
                read[name] = reader(cells[name])
            except RuleViolation as fault:
                faults.append(fault)
    if read.get("up_kw") == 0 and read.get("down_kw") == 0:
        faults.append(_fault("up_kw", "0 kW up and down", "power in at least one direction", "POD-1"))
    if faults:
        return PodRow(number, None, tuple(RowError(number, fault) for fault in faults))
    return PodRow(number, PodApplication(**read), ())


def _whole(name: str, least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        text = value if isinstance(value, str) else str(value)
        is_number = isinstance(value, str | int) and not isinstance(value, bool)
        if not is_number or not _WHOLE_NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise _fault(name, _shown(value), f"a whole number from {least} to {most}")
        return int(text)

    return read


def _word(name: str, kinds: type[PodCategory] | type[VoltageLevel]) -> Callable[[Any], Any]:
    words = {kind.name.lower(): kind for kind in kinds}

    def read(value: Any) -> Any:
        found = words.get(value) if isinstance(value, str) else None
        if found is None:
            raise _fault(name, _shown(value), f"one of {', '.join(words)}")
        return found

    return read


def _code(value: Any) -> str:
    return validate_pod_code(_shown(value) if not isinstance(value, str) or len(value) > SHOWN_MAX else value)


def _position(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(POSITION, value):
        raise _fault("position", _shown(value), "latitude,longitude in degrees with 1 to 6 decimals")
    return value


def _technologies(value: Any) -> tuple[str, ...]:
    if (
        isinstance(value, list)
        and 1 <= len(value) <= TECHNOLOGIES_MAX
        and all(
            isinstance(one, str) and 1 <= len(one) <= TECHNOLOGY_LENGTH_MAX and one.isprintable()
            for one in value
        )
    ):
        return tuple(value)
    raise _fault(
        "technologies",
        _shown(";".join(map(str, value)) if isinstance(value, list) else value),
        f"1 to {TECHNOLOGIES_MAX} names of 1 to {TECHNOLOGY_LENGTH_MAX} printable characters",
    )


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "pod_code": _code,
    "dso": _whole("dso", 1, _PARTY_MAX),
    "category": _word("category", PodCategory),
    "voltage": _word("voltage", VoltageLevel),
    "up_kw": _whole("up_kw", 0, MAX_KW),
    "down_kw": _whole("down_kw", 0, MAX_KW),
    "activation_time_s": _whole("activation_time_s", 0, ACTIVATION_TIME_MAX_S),
    "position": _position,
    "technologies": _technologies,
}


def _fault(column: str, found: str, allowed: str, rule: str = _RULE) -> RuleViolation:
    return RuleViolation(rule=rule, field=column, found=found or "an empty cell", allowed=allowed)


def _no_rows(found: str, allowed: str) -> InputInvalid:
    return InputInvalid(rule=_RULE, field="file", found=found, allowed=allowed)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    printable = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return printable if len(printable) <= SHOWN_MAX else printable[:SHOWN_MAX] + "…"
