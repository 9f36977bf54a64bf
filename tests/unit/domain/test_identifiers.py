"""EIC, POD codes, numbers that carry their owner, commitments (ACT-2, POD-1, PRIV-1, PRIV-3)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain import identifiers as ids
from registry.domain.errors import InputInvalid

VECTORS = Path(__file__).parents[2] / "vectors" / "commitments.json"
SALT = bytes(range(32))
# In public use: Terna, two Italian market areas, APG, RTE, 50Hertz, Swissgrid, Elia, TenneT.
ISSUED_EICS = [
    "10X1001A1001A345",
    "10X1001A1001A39W",
    "10YIT-GRTN-----B",
    "10XAT-APG------Z",
    "10YAT-APG------L",
    "10XFR-RTE------Q",
    "10YDE-VE-------2",
    "10YCH-SWISSGRIDZ",
    "10YBE----------2",
    "10YNL----------L",
]
bodies = st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-", min_size=15, max_size=15)
serials = st.integers(1, (1 << 24) - 1)
parties = st.integers(1, (1 << 16) - 1)


@pytest.mark.rule("ACT-2")
@pytest.mark.parametrize("eic", ISSUED_EICS)
def test_issued_codes_are_valid_and_no_typing_error_is(eic: str) -> None:
    assert ids.validate_eic(eic) == eic
    for place in range(15):
        wrong = "0" if eic[place] != "0" else "1"
        with pytest.raises(InputInvalid, match="ACT-2"):
            ids.validate_eic(eic[:place] + wrong + eic[place + 1 :])


@pytest.mark.rule("ACT-2")
@given(bodies)
def test_exactly_one_check_character_fits(body: str) -> None:
    total = sum("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-".index(c) * (16 - i) for i, c in enumerate(body))
    check = ids.eic_check_character(body)
    assert (total + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-".index(check)) % 37 == 0
    if check == "-":
        with pytest.raises(InputInvalid, match="hyphen"):
            ids.validate_eic(body + check)
    else:
        assert ids.validate_eic(body + check) == body + check


@pytest.mark.rule("ACT-2")
@pytest.mark.parametrize(
    "eic", ["", "10X1001A1001A34", "10X1001A1001A3455", "10x1001A1001A345", "10X1001A1001A34é"]
)
def test_malformed_codes_are_refused(eic: str) -> None:
    with pytest.raises(InputInvalid, match="ACT-2: eic"):
        ids.validate_eic(eic)


@pytest.mark.rule("POD-1")
@pytest.mark.parametrize(
    "code", ["IT001E12345678", "IT002E12345678A", "IT001EABCDEFGH", "061414112345678902"]
)
def test_codes_of_points_of_delivery(code: str) -> None:
    assert ids.validate_pod_code(code) == code


@pytest.mark.rule("POD-1")
@pytest.mark.parametrize(
    "code",
    [
        "",
        "IT001E1234567",
        "IT001E1234567890",
        "it001E12345678",
        "IT01E12345678",
        "IT001A12345678",
        "IT001E12345678\n",
    ]
    + [f"06141411234567890{digit}" for digit in "013456789"],
)
def test_other_texts_are_no_code(code: str) -> None:
    with pytest.raises(InputInvalid, match="POD-1: pod_code"):
        ids.validate_pod_code(code)


@pytest.mark.rule("DTL-1", "AGG-1", "PRD-1")
@given(parties, serials)
def test_numbers_carry_their_owner(party: int, serial: int) -> None:
    assert ids.owner_of_perimeter(ids.perimeter_id(party, serial)) == party
    assert ids.owner_of_aggregate(ids.aggregate_id(party, serial)) == party
    assert ids.serial_of(ids.aggregate_id(party, serial)) == serial
    assert ids.owner_of_product(ids.product_id(party, serial & 0xFFFF or 1)) == party


@pytest.mark.parametrize(("party", "serial"), [(0, 1), (1 << 16, 1), (1, 0), (1, 1 << 24)])
def test_numbers_out_of_range_are_refused(party: int, serial: int) -> None:
    for make in (ids.perimeter_id, ids.aggregate_id, ids.product_id):
        with pytest.raises(InputInvalid):
            make(party, serial)


@pytest.mark.rule("PRIV-1")
def test_a_pod_id_is_a_salted_commitment() -> None:
    code = "IT001E12345678"
    assert ids.pod_id(SALT, code) == hashlib.sha256(b"flexledger/pod/1" + SALT + code.encode()).digest()
    assert ids.pod_id(bytes(32), code) != ids.pod_id(SALT, code)
    with pytest.raises(InputInvalid, match="PRIV-1: salt"):
        ids.commitment(b"short", b"")


@pytest.mark.rule("PRIV-3")
def test_commitments_are_those_of_the_vectors() -> None:
    for vector in json.loads(VECTORS.read_text())["commitments"]:
        payload = ids.canonical_json(vector["payload"])
        assert payload.hex() == vector["canonical"]
        assert ids.commitment(bytes.fromhex(vector["salt"]), payload).hex() == vector["commitment"]


@pytest.mark.rule("PRIV-3")
@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.none(), st.lists(st.integers()))))
def test_one_object_has_one_text(payload: dict[str, object]) -> None:
    shuffled = dict(reversed(list(payload.items())))
    assert ids.canonical_json(payload) == ids.canonical_json(shuffled)
    assert json.loads(ids.canonical_json(payload)) == payload


@pytest.mark.rule("PRIV-3")
@pytest.mark.parametrize("payload", [1.5, [float("nan")], {"a": {1: 2}}, {"a": b"bytes"}, object()])
def test_what_has_no_one_text_is_refused(payload: object) -> None:
    with pytest.raises(InputInvalid, match="PRIV-3: payload"):
        ids.canonical_json(payload)


def test_words_of_32_bytes() -> None:
    assert ids.bytes32_text("mFRR") == b"mFRR" + bytes(28)
    assert ids.text_of_bytes32(ids.bytes32_text("x" * 32)) == "x" * 32
    for text in ("", "x" * 33, "è", "a\n"):
        with pytest.raises(InputInvalid, match="word"):
            ids.bytes32_text(text)
