"""What a broken device sends on demand is refused as the vectors say (PGU-1, MEA-2)."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from pgui_sim.faults import Fault, forge
from pgui_sim.keystore import DeviceKey
from pgui_sim.statement import Reading, certify
from registry.ports import Accepted, Refused
from registry.ports import DeviceKey as BoundKey
from tests.unit.log.log_house import PERIOD_S, START, House

FOLDER = Path(__file__).parents[2] / "vectors"
REFUSALS = {
    vector["name"]: (vector["rule"], vector["field"])
    for file, part in (("statements.json", "bad"), ("refusals.json", "refused"))
    for vector in json.loads((FOLDER / file).read_text(encoding="utf-8"))[part]
}
VECTOR_OF = {
    Fault.BAD_CLOCK: "misaligned",
    Fault.FAST_CLOCK: "future",
    Fault.REPLAY: "duplicate with another counter alone",
    Fault.REUSED_COUNTER: "reused counter",
    Fault.WRONG_KEY: "unknown key",
    Fault.TAMPERED: "energy changed after signing",
    Fault.WRONG_POD: "wrong POD",
}
KEY = DeviceKey(sha256(b"a device with faults").digest())
POD_ID = sha256(b"its pod").digest()


def reading(slot: int) -> Reading:
    return Reading(POD_ID, START + slot * PERIOD_S, slot + 1, 400 + slot, 0, 1)


@pytest.mark.rule("PGU-1", "MEA-2")
@pytest.mark.parametrize("fault", Fault)
def test_a_fault_is_refused_as_its_vector(tmp_path: Path, fault: Fault) -> None:
    house = House(tmp_path / "log")
    house.directory.keys[KEY.kid] = BoundKey(KEY.kid, POD_ID, KEY.point, 0, 2**40)
    house.clock.seconds = START + 2 * PERIOD_S
    first, genuine = (certify(reading(slot), KEY) for slot in (0, 1))
    forged = forge(fault, reading(1), genuine, KEY)
    with house.open() as node:
        sent = [first, forged, genuine] if fault.comes_first else [first, genuine, forged]
        answers = dict(zip(sent, node.submit(sent), strict=False))
        assert all(isinstance(answers[statement], Accepted) for statement in (first, genuine))
        answer = answers[forged]
        if fault is Fault.DUPLICATE:
            assert isinstance(answer, Accepted) and answer.duplicate
        else:
            assert isinstance(answer, Refused)
            found = (answer.violation.rule, answer.violation.field)
            assert found == REFUSALS[VECTOR_OF[fault]]
        assert node.checkpoint().size == 2
