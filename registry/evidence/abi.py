"""Logs of the contracts as domain events, by the contracts' ABI: for register and auditor alike (AUD-1).

The events of :mod:`registry.domain.events` have the names of the Solidity events and their fields in
``snake_case``; so one generic decoder serves all of them. Source: Solidity documentation, "Contract ABI
Specification", sections "Events" and "Encoding of indexed event parameters". Addresses become text with
the checksum of ERC-55.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, get_args, get_origin, get_type_hints

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from registry.domain.errors import RuleViolation
from registry.domain.events import EVENTS
from registry.evidence.blocks import Log

AbiItem = Mapping[str, Any]
WordReader = Callable[[bytes], Any]
_WORD = 32
_NO_BYTES = bytes(12)


def abi_types(parameters: Sequence[AbiItem]) -> tuple[str, ...]:
    """The types of parameters as signatures spell them: a struct becomes the list of its fields' types."""
    return tuple(_canonical_type(parameter) for parameter in parameters)


def _canonical_type(parameter: AbiItem) -> str:
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(abi_types(parameter['components']))}){kind.removeprefix('tuple')}"


def signature_hash(item: AbiItem) -> bytes:
    """Keccak-256 of an ABI item's signature: an event's first topic; its first four bytes are a function's
    or an error's selector.
    """
    return bytes(keccak(f"{item['name']}({','.join(abi_types(item['inputs']))})".encode()))


class EventDecoder:
    """Turns logs of known contracts into domain events.

    ``abis`` maps contract names to their ABIs, ``addresses`` contract names to their 20-byte addresses.
    Events without a domain class (those of libraries, such as role changes) are not decoded.
    """

    def __init__(self, abis: Mapping[str, Sequence[AbiItem]], addresses: Mapping[str, bytes]) -> None:
        self._contracts = {address: name for name, address in addresses.items()}
        self._events = {
            (addresses[name], signature_hash(item)): _EventShape(item, EVENTS[item["name"]])
            for name in addresses
            for item in abis[name]
            if item["type"] == "event" and item["name"] in EVENTS
        }

    def contract_of(self, log: Log) -> str | None:
        """The name of the contract that logged, or ``None`` for a stranger."""
        return self._contracts.get(log.address)

    def decode(self, log: Log) -> Any | None:
        """The domain event of a log, or ``None`` for a log of a stranger or without a domain class.

        Raises :class:`RuleViolation` (AUD-1, field ``log``) if topics or data do not fit the event's ABI.
        """
        shape = self._events.get((log.address, log.topics[0])) if log.topics else None
        return shape.read(log) if shape else None


class _EventShape:
    """How the logs of one event are read: as words, by what was worked out beforehand, where all its values
    are of one word and well-formed; else by the general decoder.
    """

    def __init__(self, item: AbiItem, cls: type) -> None:
        self._name = str(item["name"])
        self._cls = cls
        self._inputs = item["inputs"]
        self._indexed = [parameter for parameter in self._inputs if parameter["indexed"]]
        self._plain = [parameter for parameter in self._inputs if not parameter["indexed"]]
        hints = get_type_hints(cls)
        self._fields = {
            parameter["name"]: (field, _converter(hints[field], parameter))
            for parameter in self._inputs
            for field in [_field_name(parameter["name"], hints)]
        }
        self._word_readers = self._readers_of_words(hints)

    def read(self, log: Log) -> Any:
        if len(log.topics) != len(self._indexed) + 1:
            raise self._violation(f"{len(log.topics)} topics", f"{len(self._indexed) + 1} topics")
        values = self._words(log)
        try:
            return self._cls(**values) if values is not None else self._general(log)
        except DecodingError as error:
            raise self._violation(str(error), "values of its ABI") from None
        except ValueError as error:
            raise self._violation(str(error), "values of the domain") from None

    def _readers_of_words(self, hints: Mapping[str, Any]) -> list[tuple[str, WordReader]] | None:
        """Field and reader of each word, those of the topics first; None if some value is no word."""
        readers = []
        for parameter in (*self._indexed, *self._plain):
            field, _ = self._fields[parameter["name"]]
            read = field_reader(parameter, hints[field])
            if read is None:
                return None
            readers.append((field, read))
        return readers

    def _words(self, log: Log) -> dict[str, Any] | None:
        """Values by field; None where the general decoder has to look."""
        if self._word_readers is None or len(log.data) != _WORD * len(self._plain):
            return None
        words = [
            *log.topics[1:],
            *(log.data[at : at + _WORD] for at in range(0, len(log.data), _WORD)),
        ]
        values = {field: read(word) for (field, read), word in zip(self._word_readers, words, strict=True)}
        return None if None in values.values() else values

    def _general(self, log: Log) -> Any:
        named = {
            parameter["name"]: decode(abi_types([parameter]), topic)[0]
            for parameter, topic in zip(self._indexed, log.topics[1:], strict=True)
        }
        values = decode(abi_types(self._plain), log.data)
        named |= {parameter["name"]: value for parameter, value in zip(self._plain, values, strict=True)}
        return self._cls(**{field: convert(named[name]) for name, (field, convert) in self._fields.items()})

    def _violation(self, found: str, allowed: str) -> RuleViolation:
        return RuleViolation(rule="AUD-1", field="log", found=f"{self._name}: {found}", allowed=allowed)


def word_reader(kind: str) -> WordReader | None:
    """Reads a type that takes one word, as :func:`eth_abi.abi.decode` does; its result is None for what is
    not one word of this type. None for other types.
    """
    if kind == "bytes32":
        return lambda word: word if len(word) == _WORD else None
    if kind == "address":
        return lambda word: "0x" + word[12:].hex() if word[:12] == _NO_BYTES and len(word) == _WORD else None
    if kind == "bool":
        return {bytes(31) + b"\x00": False, bytes(31) + b"\x01": True}.get
    if kind.startswith("uint") and kind[4:].isdigit():
        limit = 1 << int(kind[4:])
        return lambda word: value if len(word) == _WORD and (value := int.from_bytes(word)) < limit else None
    return None


def field_reader(parameter: AbiItem, hint: Any) -> WordReader | None:
    """As :func:`word_reader` for a parameter whose value becomes the field type ``hint``."""
    (kind,) = abi_types([parameter])
    read = word_reader(kind)
    if read is None or kind == "bytes32" or kind == "bool":
        return read
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {int(member.value).to_bytes(_WORD): member for member in hint}.get
    if kind == "address":
        return lambda word: None if (address := read(word)) is None else _checksummed(address)
    return read


def _field_name(name: str, hints: Mapping[str, Any]) -> str:
    """``validFrom`` as ``valid_from``, and ``from`` as ``from_``, because Python reserves the word."""
    field = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    return field if field in hints else f"{field}_"


def _converter(hint: Any, parameter: AbiItem) -> Callable[[Any], Any]:
    """How a decoded ABI value becomes the field type ``hint``: struct, list, enum, address or itself."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        struct, hints = hint, get_type_hints(hint)
        parts = [
            (field, _converter(hints[field], component))
            for component in parameter["components"]
            for field in [_field_name(component["name"], hints)]
        ]
        return lambda value: struct(
            **{name: convert(part) for (name, convert), part in zip(parts, value, strict=True)}
        )
    if get_origin(hint) is tuple:
        element = _converter(
            get_args(hint)[0], {**parameter, "type": re.sub(r"\[\d*\]$", "", parameter["type"])}
        )
        return lambda value: tuple(element(part) for part in value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return _checksummed if parameter["type"] == "address" else lambda value: value


@lru_cache(maxsize=1_024)
def _checksummed(address: str) -> str:
    return to_checksum_address(address)
