"""Commands and events cross the chain's encoding unchanged, for every contract of the committed artifacts."""

from __future__ import annotations

import dataclasses
import re
from enum import IntEnum
from typing import Any, get_args, get_type_hints

import pytest
from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.commands import COMMANDS, Command
from registry.domain.events import EVENTS, Event
from registry.evidence.abi import EventDecoder, abi_types, signature_hash
from registry.evidence.blocks import Log
from registry.ledger.artifacts import load_artifacts
from registry.ledger.codec import encode_command

ARTIFACTS = load_artifacts()
PLACES = {name: index.to_bytes(20, "big") for index, name in enumerate(ARTIFACTS.by_name, 1)}
DECODER = EventDecoder({name: artifact.abi for name, artifact in ARTIFACTS.by_name.items()}, PLACES)
EVENT_ITEMS = {
    (name, item["name"]): item
    for name, artifact in ARTIFACTS.by_name.items()
    for item in artifact.abi
    if item["type"] == "event"
}
ADDRESSES = st.binary(min_size=20, max_size=20).map(to_checksum_address)


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def values_of(parameter: dict[str, Any], hint: Any) -> st.SearchStrategy[Any]:
    """Values that a parameter of this ABI type and Python type can take."""
    kind = parameter["type"]
    if kind.endswith("]"):
        item = values_of({**parameter, "type": kind.rpartition("[")[0]}, get_args(hint)[0])
        size = kind.rpartition("[")[2][:-1]
        bounds = {"min_size": int(size), "max_size": int(size)} if size else {"max_size": 3}
        return st.lists(item, **bounds).map(tuple)
    if kind == "tuple":
        return fields_of(parameter["components"], hint)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return st.sampled_from(list(hint))
    if kind == "address":
        return ADDRESSES
    if kind.startswith("bytes") and kind != "bytes":
        return st.binary(min_size=int(kind[5:]), max_size=int(kind[5:]))
    simple = {"bytes": st.binary(max_size=40), "bool": st.booleans(), "string": st.text(max_size=20)}
    return simple[kind] if kind in simple else st.integers(0, 2 ** int(kind[4:]) - 1)


def fields_of(
    parameters: list[dict[str, Any]], cls: type[Any], *, named: bool = True
) -> st.SearchStrategy[Any]:
    """Instances of ``cls`` for parameters of the same order and, if ``named``, the same names."""
    hints = get_type_hints(cls)
    fields = dataclasses.fields(cls)
    names = [snake(parameter["name"]).rstrip("_") for parameter in parameters]
    assert not named or names == [field.name.rstrip("_") for field in fields]
    parts = [
        values_of(parameter, hints[field.name]) for parameter, field in zip(parameters, fields, strict=True)
    ]
    return st.tuples(*parts).map(lambda values: cls(*values))


def plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return tuple(plain(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, str) and value.startswith("0x"):
        return value.lower()
    return tuple(plain(item) for item in value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("command_class", COMMANDS.values(), ids=COMMANDS)
@settings(max_examples=20)
@given(data=st.data())
def test_a_command_is_the_call_of_its_function(command_class: type[Command], data: st.DataObject) -> None:
    artifact = ARTIFACTS.by_name[command_class.contract]
    entry = artifact.functions[command_class.function]
    command = data.draw(fields_of(entry["inputs"], command_class, named=False))
    encoded = encode_command(command, artifact)
    assert encoded[:4] == signature_hash(entry)[:4]
    decoded = decode(abi_types(entry["inputs"]), encoded[4:])
    assert plain(command) == plain(tuple(decoded))


@pytest.mark.parametrize("event_class", EVENTS.values(), ids=EVENTS)
@settings(max_examples=20)
@given(data=st.data())
def test_an_event_comes_back_from_its_log(event_class: type[Event], data: st.DataObject) -> None:
    entry = EVENT_ITEMS[event_class.contract, event_class.__name__]
    event = data.draw(fields_of(entry["inputs"], event_class))
    pairs = list(zip(entry["inputs"], plain(event), strict=True))
    topics = [signature_hash(entry)] + [encode(abi_types([p]), [value]) for p, value in pairs if p["indexed"]]
    loose = [(p, value) for p, value in pairs if not p["indexed"]]
    body = encode(abi_types([p for p, _ in loose]), [value for _, value in loose])
    decoded = DECODER.decode(Log(PLACES[event_class.contract], tuple(topics), body, 0, 0))
    assert decoded == event
    assert types_of(decoded) == types_of(event)


def types_of(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return type(value), [types_of(getattr(value, field.name)) for field in dataclasses.fields(value)]
    return [types_of(item) for item in value] if isinstance(value, tuple) else type(value)


def test_every_event_of_the_contracts_is_known_but_those_of_roles() -> None:
    told = {name for _, name in EVENT_ITEMS}
    assert told - EVENTS.keys() == {"Initialized", "RoleAdminChanged", "RoleGranted", "RoleRevoked"}


def test_a_log_without_meaning_is_left_out() -> None:
    role = signature_hash(EVENT_ITEMS["Participants", "RoleGranted"])
    for topics in ((role, bytes(32), bytes(32), bytes(32)), (bytes(32),), ()):
        assert DECODER.decode(Log(PLACES["Participants"], topics, b"", 0, 0)) is None
