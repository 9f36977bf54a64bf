"""The bundle file: any unzip tool reads it, and only the one canonical file of its members is accepted."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.errors import RuleViolation
from registry.domain.identifiers import canonical_json
from registry.evidence.bundle import MANIFEST, Bundle, read_bundle, write_bundle
from registry.evidence.container import pack, unpack
from tests.unit.evidence.paper_day import PaperDay

pytestmark = pytest.mark.rule("AUD-1")

NAMES = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,8}(/[a-z0-9][a-z0-9_.-]{0,8}){0,2}", fullmatch=True)
MEMBERS = st.dictionaries(NAMES, st.binary(max_size=200), max_size=6)


@given(MEMBERS)
def test_a_foreign_reader_finds_the_members(members: dict[str, bytes]) -> None:
    data = pack(members)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == members
        assert archive.namelist() == sorted(members)
    assert unpack(data) == members


@given(MEMBERS, st.data())
def test_no_other_file_is_taken(members: dict[str, bytes], data: st.DataObject) -> None:
    packed = pack(members)
    place = data.draw(st.integers(0, len(packed) - 1))
    changed = bytearray(packed)
    changed[place] ^= data.draw(st.integers(1, 255))
    for other in (bytes(changed), packed[:place], packed + b"\0"):
        with pytest.raises(RuleViolation) as refused:
            unpack(other)
        assert refused.value.rule == "AUD-1"


def test_the_same_members_zipped_by_another_tool_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", b"{}")
    with pytest.raises(RuleViolation, match="differs"):
        unpack(buffer.getvalue())


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../up", "a//b", "A", "a b", ".hidden", "a/"])
def test_names_that_could_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(RuleViolation, match="member name"):
        pack({name: b""})


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return PaperDay().bundle()


def test_a_bundle_comes_back_as_it_was_written(bundle: Bundle) -> None:
    data = write_bundle(bundle)
    found = read_bundle(data)
    assert write_bundle(found) == data
    assert replace(found, openings=()) == replace(bundle, openings=())
    assert {o.commitment for o in found.openings} == {o.commitment for o in bundle.openings}


def test_the_order_in_which_parts_were_gathered_does_not_show(bundle: Bundle) -> None:
    turned = replace(bundle, openings=bundle.openings[::-1], entries=bundle.entries[::-1])
    assert write_bundle(turned) == write_bundle(bundle)


def rewritten(bundle: Bundle, changes: dict[str, bytes | None], **manifest: Any) -> bytes:
    """The bundle with members replaced (or taken out) and the manifest brought in line, as a forger would."""
    members = {**unpack(write_bundle(bundle)), **changes}
    kept = {name: data for name, data in members.items() if data is not None}
    stated = json.loads(kept.pop(MANIFEST))
    stated["members"] = {name: sha256(data).hexdigest() for name, data in kept.items()}
    return pack({MANIFEST: canonical_json({**stated, **manifest}), **kept})


@pytest.mark.parametrize(
    ("changes", "manifest", "field"),
    [
        ({"notes.txt": b"x"}, {}, "members"),
        ({"openings.json": None}, {}, "members"),
        ({}, {"members": {}}, "members"),
        ({}, {"members": []}, "members"),
        ({}, {"note": "x"}, "manifest.json"),
        ({}, {"format": "flexledger-bundle/2"}, "format"),
        ({}, {"chain_id": "1337"}, "chain_id"),
        ({}, {"statement_id": "AB" * 32}, "statement_id"),
        ({}, {"statement_id": 5}, "statement_id"),
        ({}, {"contracts": {"Market": "00"}}, "contracts"),
        ({"statement.json": b"{ }"}, {}, "statement.json"),
        ({"statement.json": b"\xff"}, {}, "statement.json"),
        ({"openings.json": b"{}"}, {}, "openings.json"),
        ({"openings.json": b'[{"salt":"00"}]'}, {}, "openings.json"),
        ({"ledger/headers.rlp": b"\xc0", "ledger/receipts.rlp": b"\xc0"}, {}, "ledger/receipts.rlp"),
        ({"ledger/headers.rlp": b"\xc1\xc0"}, {}, "ledger/headers.rlp"),
        ({"ledger/headers.rlp": b"\x80"}, {}, "ledger/headers.rlp"),
        ({"ledger/receipts.rlp": b"\xc0"}, {}, "ledger/receipts.rlp"),
        ({"ledger/receipts.rlp": b"\xff"}, {}, "ledger"),
        ({"log/statements.cbor": b"\xff"}, {}, "log/statements.cbor"),
        ({"log/statements.cbor": b"\x81\x00"}, {}, "log/statements.cbor"),
        ({"log/statements.cbor": b"\x9f\xff"}, {}, "bundle"),
        ({"log/statements.cbor": b"\x80\x00"}, {}, "bundle"),
        ({"log/conflicts.cbor": b"\x81\x00"}, {}, "log/conflicts.cbor"),
        ({"log/conflicts.cbor": b"\x82\x41\x02\x41\x01"}, {}, "bundle"),
    ],
)
def test_a_bundle_of_another_form_is_refused(
    bundle: Bundle, changes: dict[str, bytes | None], manifest: dict[str, Any], field: str
) -> None:
    with pytest.raises(RuleViolation) as refused:
        read_bundle(rewritten(bundle, changes, **manifest))
    assert (refused.value.rule, refused.value.field) == ("AUD-1", field)


def test_a_member_that_the_manifest_does_not_state_is_refused(bundle: Bundle) -> None:
    members = unpack(write_bundle(bundle))
    with pytest.raises(RuleViolation, match=r"log/checkpoint\.txt: found SHA-256"):
        read_bundle(pack({**members, "log/checkpoint.txt": b"other"}))
    with pytest.raises(RuleViolation, match="members"):
        read_bundle(pack({name: data for name, data in members.items() if name != MANIFEST}))
