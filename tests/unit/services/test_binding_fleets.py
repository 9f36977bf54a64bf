"""A DSO binds the keys of a fleet from its file: row by row, resumable (DEV-1, PGU-2)."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from registry.domain.calendar import unix
from registry.domain.errors import InputInvalid
from registry.evidence.es256 import public_key_bytes
from registry.services.bind_fleet import FleetBound, bind_fleet
from tests.unit.api.sandbox import DSO, OTHER_DSO, Sandbox


def point(seed: str) -> bytes:
    secret = int.from_bytes(sha256(seed.encode()).digest()) >> 8
    return public_key_bytes(ec.derive_private_key(secret, ec.SECP256R1()).public_key())[1:]


def item(pod_id: bytes, key: bytes) -> bytes:
    return b"\x82\x58\x20" + pod_id + b"\x58\x40" + key


def bind(sandbox: Sandbox, file: Path, dso: int = DSO) -> FleetBound:
    node = sandbox.node
    now = unix(node.clock.now())
    return bind_fleet(node.recorder, dso, node.signers[dso], file, now, now + 86_400)


@pytest.mark.rule("DEV-1", "PGU-2")
def test_keys_are_bound_once_and_what_is_wrong_is_named(founded: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "keys.cbor"
    ours = [pod for pod in founded.pods if pod.dso == DSO]
    foreign = next(pod for pod in founded.pods if pod.dso != DSO)
    good = [item(pod.pod_id, point(pod.code)) for pod in ours]
    bad = [
        item(bytes(32), point("nowhere")),
        item(foreign.pod_id, point("foreign")),
        item(ours[0].pod_id, bytes(64)),
        b"\x83" + good[0][1:],
        item(ours[1].pod_id, point(ours[0].code)),  # a key that another POD has
    ]
    file.write_bytes(b"".join([good[0], *bad[:2], *good[1:], *bad[2:]]))
    first = bind(founded, file)
    assert first.bound == len(good)
    assert [(number, violation.field) for number, violation in first.refused[:4]] == [
        (1, "pod_id"),
        (2, "pod_id"),
        (len(good) + 2, "public_key"),
        (len(good) + 3, "item"),
    ]
    for pod, data in zip(ours, good, strict=True):
        device = founded.node.mirror.device_of_key(sha256(b"\x04" + data[37:]).digest())
        assert device is not None and device.pod_id == pod.pod_id
    # the same call again changes nothing
    again = bind(founded, file)
    assert again.bound == 0 and again.known >= len(good)


@pytest.mark.rule("DEV-1")
def test_an_item_at_fault_holds_up_nobody_in_its_batch(founded: Sandbox, tmp_path: Path) -> None:
    """The ledger refuses a whole batch; the halves find the one to blame."""
    file = tmp_path / "keys.cbor"
    theirs = [pod for pod in founded.pods if pod.dso == OTHER_DSO]
    shared = point("shared")
    file.write_bytes(item(theirs[0].pod_id, shared) + item(theirs[1].pod_id, shared))
    found = bind(founded, file, OTHER_DSO)
    assert (found.bound, [number for number, _ in found.refused]) == (1, [1])
    assert found.refused[0][1].rule == "DEV-1"


@pytest.mark.rule("DEV-1")
def test_a_file_that_is_cut_off_binds_nothing(founded: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "keys.cbor"
    pod = next(pod for pod in founded.pods if pod.dso == DSO)
    file.write_bytes(item(pod.pod_id, point("cut"))[:-1])
    with pytest.raises(InputInvalid, match="items of 101 bytes"):
        bind(founded, file)
