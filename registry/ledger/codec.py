"""Commands to calldata and answers back, by the ABI and the order of fields, so that no command is spelled
twice. The logs' side is :mod:`registry.evidence.abi`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, cast

from eth_abi.abi import decode, encode
from eth_abi.exceptions import EncodingError

from registry.domain.commands import Command
from registry.domain.errors import InputInvalid
from registry.evidence.abi import abi_types, signature_hash
from registry.ledger.artifacts import Artifact

_RULES = {
    "Consortium": "CON-1",
    "Participants": "ACT-1",
    "MarketSessions": "SES-1",
    "TrafficLights": "DTL-2",
    "Pods": "POD-1",
    "Prequalification": "PRD-1",
    "Market": "SES-4",
    "Procurement": "SES-5",
    "Measurements": "LOG-2",
    "Settlement": "STT-4",
}


def encode_command(command: Command, artifact: Artifact) -> bytes:
    """The calldata that records a command.

    Raises:
        InputInvalid: a field does not fit its type on the chain (a number out of range, bytes too long, no
        address).
    """
    fields: Any = dataclasses.fields(cast(Any, command))
    values = {field.name: getattr(command, field.name) for field in fields}
    return encode_call(artifact, command.function, values)


def encode_call(artifact: Artifact, function: str, values: dict[str, Any]) -> bytes:
    """The calldata of a function; ``values`` by field name, in the order of the function's parameters. Raises
    like :func:`encode_command`.
    """
    entry = artifact.functions[function]
    plain = {name: _plain(value) for name, value in values.items()}
    try:
        data = encode(abi_types(entry["inputs"]), list(plain.values()))
    except EncodingError:
        pairs = zip(entry["inputs"], plain.items(), strict=True)
        misfit = _first(_misfit(name, value, parameter) for parameter, (name, value) in pairs)
        if misfit is None:
            raise
        path, found, kind = misfit
        raise InputInvalid(
            rule=_RULES[artifact.name], field=path, found=found, allowed=f"a value of type {kind}"
        ) from None
    return signature_hash(entry)[:4] + data


def _misfit(path: str, value: Any, parameter: dict[str, Any]) -> tuple[str, Any, str] | None:
    """Path, value and wanted type of the first leaf that does not fit; None if all fit."""
    kind = abi_types([parameter])[0]
    try:
        encode([kind], [value])
    except EncodingError:
        pass
    else:
        return None
    found = None
    if parameter["type"].endswith("]") and isinstance(value, list):
        item = {**parameter, "type": parameter["type"].rpartition("[")[0]}
        found = _first(_misfit(f"{path}[{index}]", one, item) for index, one in enumerate(value))
    elif parameter["type"] == "tuple" and isinstance(value, tuple):
        parts = zip(parameter["components"], value, strict=False)
        found = _first(_misfit(f"{path}.{part['name']}", one, part) for part, one in parts)
    return found or (path, value, kind)


def _first(misfits: Iterable[tuple[str, Any, str] | None]) -> tuple[str, Any, str] | None:
    return next((misfit for misfit in misfits if misfit is not None), None)


def decode_result(artifact: Artifact, function: str, data: bytes) -> tuple[Any, ...]:
    """What a function returned, as plain numbers, bytes, text and tuples."""
    return tuple(decode(abi_types(artifact.functions[function]["outputs"]), data))


def _plain(value: Any) -> Any:
    """Dataclasses as tuples of their fields, all the way down."""
    if isinstance(value, int | bytes | str):
        return int(value) if isinstance(value, IntEnum) else value
    if dataclasses.is_dataclass(value):
        return tuple(_plain(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
