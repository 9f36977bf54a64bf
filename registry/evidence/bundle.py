"""The evidence bundle of one settlement: what is in it, and how it is written and read (AUD-1).

Reading checks form only: the container, the manifest's hashes, that each member is what its name says, in its
one canonical encoding. What the members prove is asked by :mod:`registry.evidence.verify`. Byte format:
``docs/formats/bundle.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import cbor2
import rlp

from registry.domain.errors import RuleViolation
from registry.domain.identifiers import canonical_json
from registry.domain.json_text import flaw_of
from registry.evidence import container
from registry.evidence.blocks import BlockEvidence
from registry.evidence.cbor import decode_item
from registry.evidence.merkle import SIZE_MAX
from registry.evidence.rlp_items import decode_rlp

FORMAT: Final = "flexledger-bundle/1"
SUFFIX: Final = ".flexbundle"

MANIFEST: Final = "manifest.json"
STATEMENT: Final = "statement.json"
OPENINGS: Final = "openings.json"
HEADERS: Final = "ledger/headers.rlp"
RECEIPTS: Final = "ledger/receipts.rlp"
CHECKPOINT: Final = "log/checkpoint.txt"
STATEMENTS: Final = "log/statements.cbor"
CONFLICTS: Final = "log/conflicts.cbor"
CONSISTENCY: Final = "log/consistency.cbor"
_MEMBERS: Final = frozenset(
    {STATEMENT, OPENINGS, HEADERS, RECEIPTS, CHECKPOINT, STATEMENTS, CONFLICTS, CONSISTENCY}
)
_MANIFEST_KEYS: Final = frozenset(
    {"format", "chain_id", "contracts", "statement_id", "statement_salt", "origin", "note_key", "members"}
)


@dataclass(frozen=True, slots=True)
class OpenedCommitment:
    """A salted commitment with what opens it: 32-byte ``salt`` and the ``payload`` it hides."""

    commitment: bytes
    salt: bytes
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry of the measurement log with its inclusion proof in the tree of the bundle's checkpoint."""

    index: int
    statement: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that an outsider needs to re-derive one settlement statement.

    ``contracts`` maps contract names to 20-byte addresses. ``blocks`` is one run of consecutive blocks, from
    the deployment of the contracts to the block that records the statement or later; ``receipts`` of a block
    may be left empty where the header's Bloom filter excludes all contracts. ``checkpoint`` is a signed note,
    with the cosignatures under it that its anchor counted; ``note_key`` its key as note tools write it.
    ``conflicts`` are signed statements the access node refused because they contradict another.
    ``consistency`` are consistency proofs, one between each two anchored sizes of the log that follow each
    other.
    """

    chain_id: int
    contracts: Mapping[str, bytes]
    statement_id: bytes
    statement_salt: bytes
    statement: bytes
    openings: tuple[OpenedCommitment, ...]
    blocks: tuple[BlockEvidence, ...]
    origin: str
    note_key: str
    checkpoint: bytes
    entries: tuple[LoggedEntry, ...]
    conflicts: tuple[bytes, ...] = ()
    consistency: tuple[tuple[bytes, ...], ...] = ()


def write_bundle(bundle: Bundle) -> bytes:
    """The bytes of the ``.flexbundle`` file. Equal bundles give equal bytes; order of openings, entries and
    conflicts is not kept.

    Raises :class:`RuleViolation` (AUD-1) if the statement is no canonical JSON, or the file would exceed 4
    GiB.
    """
    read_canonical_json(bundle.statement, STATEMENT)
    members = {
        STATEMENT: bundle.statement,
        OPENINGS: canonical_json(
            [_opening_json(o) for o in sorted(bundle.openings, key=lambda o: o.commitment)]
        ),
        HEADERS: rlp.encode([block.header_rlp for block in bundle.blocks]),
        RECEIPTS: rlp.encode([list(block.receipts) for block in bundle.blocks]),
        CHECKPOINT: bundle.checkpoint,
        STATEMENTS: cbor2.dumps(
            [
                [entry.index, entry.statement, list(entry.path)]
                for entry in sorted(bundle.entries, key=lambda e: e.index)
            ]
        ),
        CONFLICTS: cbor2.dumps(sorted(bundle.conflicts)),
        CONSISTENCY: cbor2.dumps([list(path) for path in bundle.consistency]),
    }
    manifest = {
        "format": FORMAT,
        "chain_id": bundle.chain_id,
        "contracts": {name: address.hex() for name, address in bundle.contracts.items()},
        "statement_id": bundle.statement_id.hex(),
        "statement_salt": bundle.statement_salt.hex(),
        "origin": bundle.origin,
        "note_key": bundle.note_key,
        "members": {name: sha256(data).hexdigest() for name, data in members.items()},
    }
    return container.pack({MANIFEST: canonical_json(manifest), **members})


def read_bundle(data: bytes) -> Bundle:
    """Read a bundle file; whatever :func:`write_bundle` would not have written is refused.

    1. the container is the one its members determine;
    2. the manifest is canonical, of this format, with exactly its keys;
    3. the members are the ones of the format, each with the hash the manifest states;
    4. each member decodes, and writing it again gives the same bytes.

    Raises :class:`RuleViolation` (AUD-1) naming the container, member or field found wrong.
    """
    # 1. container
    members = container.unpack(data)
    # 2. manifest
    manifest = read_canonical_json(_member(members, MANIFEST), MANIFEST)
    if not isinstance(manifest, dict) or manifest.keys() != _MANIFEST_KEYS:
        raise _violation(MANIFEST, "other keys", ", ".join(sorted(_MANIFEST_KEYS)))
    if manifest["format"] != FORMAT:
        raise _violation("format", manifest["format"], FORMAT)
    # 3. members and their hashes
    stated = _typed(manifest, "members", dict)
    if members.keys() != _MEMBERS | {MANIFEST} or stated.keys() != _MEMBERS:
        raise _violation("members", ", ".join(sorted(members)), ", ".join(sorted(_MEMBERS | {MANIFEST})))
    for name in sorted(_MEMBERS):
        digest = sha256(members[name]).hexdigest()
        if digest != stated[name]:
            raise _violation(name, f"SHA-256 {digest}", f"{stated[name]} of the manifest")
    # 4. contents
    headers, receipts = _rlp_lists(members)
    bundle = Bundle(
        chain_id=_typed(manifest, "chain_id", int),
        contracts={
            name: _hex(text, 20, "contracts") for name, text in _typed(manifest, "contracts", dict).items()
        },
        statement_id=_hex(manifest["statement_id"], 32, "statement_id"),
        statement_salt=_hex(manifest["statement_salt"], 32, "statement_salt"),
        statement=members[STATEMENT],
        openings=tuple(
            _opening(item) for item in _array(read_canonical_json(members[OPENINGS], OPENINGS), OPENINGS)
        ),
        blocks=tuple(
            BlockEvidence(header, tuple(body)) for header, body in zip(headers, receipts, strict=True)
        ),
        origin=_typed(manifest, "origin", str),
        note_key=_typed(manifest, "note_key", str),
        checkpoint=members[CHECKPOINT],
        entries=tuple(_entry(item) for item in _cbor_array(members, STATEMENTS)),
        conflicts=tuple(_bytes(item, CONFLICTS) for item in _cbor_array(members, CONFLICTS)),
        consistency=tuple(
            tuple(_bytes(node, CONSISTENCY) for node in _array(path, CONSISTENCY))
            for path in _cbor_array(members, CONSISTENCY)
        ),
    )
    if write_bundle(bundle) != data:
        raise _violation("bundle", "members in another order or encoding", "the one this format gives them")
    return bundle


def read_canonical_json(data: bytes, field: str) -> Any:
    """The value of a canonical JSON text (``docs/formats/commitment.md``).

    Raises :class:`RuleViolation` (AUD-1) with the given field if it is no JSON, or not in canonical form.
    """
    if (flaw := flaw_of(data)) is not None:
        raise _violation(field, flaw.found, flaw.allowed)
    try:
        value = json.loads(data)
        canonical = canonical_json(value)
    except (ValueError, RecursionError, RuleViolation) as error:
        raise _violation(field, f"no canonical JSON ({error})", "canonical JSON") from None
    if canonical != data:
        raise _violation(
            field, "another encoding", "canonical JSON: sorted keys, no spaces, UTF-8, whole numbers"
        )
    return value


def _opening_json(opening: OpenedCommitment) -> dict[str, object]:
    return {
        "commitment": opening.commitment.hex(),
        "salt": opening.salt.hex(),
        "payload": dict(opening.payload),
    }


def _opening(item: Any) -> OpenedCommitment:
    match item:
        case {"commitment": commitment, "salt": salt, "payload": dict(payload), **rest} if not rest:
            return OpenedCommitment(_hex(commitment, 32, OPENINGS), _hex(salt, 32, OPENINGS), payload)
    raise _violation(OPENINGS, repr(item), "objects with commitment, salt and payload")


def _entry(item: Any) -> LoggedEntry:
    match item:
        case [int(index), bytes(statement), [*path]] if (
            type(index) is int and 0 <= index <= SIZE_MAX and all(isinstance(node, bytes) for node in path)
        ):
            return LoggedEntry(index, statement, tuple(path))
    raise _violation(STATEMENTS, type(item).__name__, "[index, statement, path]")


def _rlp_lists(members: Mapping[str, bytes]) -> tuple[Sequence[bytes], Sequence[Sequence[bytes]]]:
    headers, receipts = (decode_rlp(members[name], "ledger") for name in (HEADERS, RECEIPTS))
    for header in _array(headers, HEADERS):
        _bytes(header, HEADERS)
    for body in _array(receipts, RECEIPTS):
        for receipt in _array(body, RECEIPTS):
            _bytes(receipt, RECEIPTS)
    if not headers or len(headers) != len(receipts):
        raise _violation(RECEIPTS, f"{len(receipts)} blocks", f"one per header, {len(headers)}")
    return headers, receipts


def _cbor_array(members: Mapping[str, bytes], name: str) -> list[Any]:
    return _array(decode_item(members[name], rule="AUD-1", field=name), name)


def _member(members: Mapping[str, bytes], name: str) -> bytes:
    if name not in members:
        raise _violation("members", ", ".join(sorted(members)) or "none", f"{name} among them")
    return members[name]


def _typed(manifest: Mapping[str, Any], key: str, kind: type) -> Any:
    if type(manifest[key]) is not kind:
        raise _violation(key, type(manifest[key]).__name__, kind.__name__)
    return manifest[key]


def _array(value: Any, field: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _violation(field, type(value).__name__, "a list")
    return list(value)


def _bytes(value: Any, field: str) -> bytes:
    if not isinstance(value, bytes):
        raise _violation(field, type(value).__name__, "bytes")
    return value


def _hex(text: Any, length: int, field: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except (TypeError, ValueError):
        data = b""
    if len(data) != length or data.hex() != text:
        raise _violation(field, text, f"{length} bytes in lower-case hexadecimal")
    return data


def _violation(field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule="AUD-1", field=field, found=found, allowed=allowed)
