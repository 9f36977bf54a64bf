"""Well-formed statements that an access node MUST refuse for what it knows: keys, time, its log (MEA-2)."""

from __future__ import annotations

from typing import Any

from tests.vectors.making.bad_keys import bad_keys
from tests.vectors.making.bad_sequences import sequences
from tests.vectors.making.commitments import POD
from tests.vectors.making.payloads import EXECUTION, READING, SETPOINT, START
from tests.vectors.making.signing import (
    DEVICE,
    PLATFORM,
    Key,
    header_for,
    private_key,
    protected_header,
    public_point,
    sha256,
    statement,
)

DAY_S = 86_400
WINDOW_S = 35 * DAY_S
OTHER_POD = sha256(b"flexledger/vectors/pod/2")
OFF_CURVE_POD = sha256(b"flexledger/vectors/pod/3")
OTHER_DEVICE = private_key("flexledger/vectors/device/2")
STRANGER = private_key("flexledger/vectors/device/3")
OFF_CURVE = bytes.fromhex(bad_keys()[0]["public_key"])
VALID = (START - 40 * DAY_S, START + DAY_S)
AFTERWARDS = START + 1800
DETACHED_UNTIL = "2026-09-23"
"""The days before it are out of the window AFTERWARDS; the first of VALID is one of them."""
Step = dict[str, Any]


def refusals() -> dict[str, Any]:
    """What the node knows at the start, and from there on each vector by itself."""
    return {
        "acceptance_window_s": WINDOW_S,
        "bindings": [
            _binding(public_point(DEVICE), POD),
            _binding(public_point(OTHER_DEVICE), OTHER_POD),
            _binding(OFF_CURVE, OFF_CURVE_POD),
        ],
        "platform": public_point(PLATFORM).hex(),
        "refused": [
            *_of_keys(),
            *_of_time(),
            *_of_the_log(),
            *_of_detached_days(),
            *_of_executions(),
            *_of_setpoints(),
        ],
        "taken": _taken(),
        "sequences": sequences(),
    }


def _binding(point: bytes, pod_id: bytes) -> dict[str, Any]:
    return {
        "public_key": point.hex(),
        "kid": sha256(point).hex(),
        "pod_id": pod_id.hex(),
        "valid_from": VALID[0],
        "valid_until": VALID[1],
    }


def _reading(key: Key = DEVICE, **fields: Any) -> bytes:
    keys = {"pod_id": 2, "start": 3, "length": 4, "counter": 5, "import_wh": 6}
    return statement({**READING, **{keys[name]: value for name, value in fields.items()}}, key)


def _setpoint(**fields: Any) -> bytes:
    keys = {"pod_id": 2, "start": 3, "length": 4, "sequence": 5, "power_w": 6, "expires_at": 7}
    return statement({**SETPOINT, **{keys[name]: value for name, value in fields.items()}}, PLATFORM)


def _step(data: bytes, now: int = AFTERWARDS, door: str = "statements") -> Step:
    return {"door": door, "now": now, "statement": data.hex()}


def _refused(
    name: str, rule: str, field: str, step: Step, before: list[Step] | None = None, conflict: bool = False
) -> Step:
    return {"name": name, "rule": rule, "field": field, "before": before or [], **step, "conflict": conflict}


def _of_keys() -> list[Step]:
    off_curve = statement({**READING, 2: OFF_CURVE_POD}, STRANGER, header_for(sha256(OFF_CURVE)))
    first, last = VALID[0] - VALID[0] % 900, VALID[1] - VALID[1] % 900
    now = VALID[1] + DAY_S
    return [
        _refused("unknown key", "MEA-2", "kid", _step(_reading(STRANGER))),
        _refused("key bound as a point off the curve", "MEA-2", "kid", _step(off_curve)),
        _refused("wrong POD", "DEV-1", "pod_id", _step(_reading(pod_id=OTHER_POD))),
        _refused("key not valid yet", "DEV-1", "period_start", _step(_reading(start=first - 900))),
        _refused("key not valid any more", "DEV-1", "period_start", _step(_reading(start=last), now)),
        _refused("signature by another key that is bound", "MEA-2", "signature",
                 _step(statement(READING, OTHER_DEVICE, protected_header(DEVICE)))),
        _refused("a setpoint by the door of devices", "MEA-2", "type", _step(_setpoint())),
    ]  # fmt: skip


def _of_time() -> list[Step]:
    return [
        _refused("misaligned", "MEA-2", "period_start", _step(_reading(start=START + 420))),
        _refused("misaligned by a second", "MEA-2", "period_start", _step(_reading(start=START + 1))),
        _refused("another period length", "MEA-2", "period_length",
                 _step(_reading(length=1800), START + 3600)),
        _refused("future", "MEA-2", "period_start", _step(_reading(), START)),
        _refused("over in 61 seconds", "MEA-2", "period_start", _step(_reading(), START + 900 - 61)),
        _refused("too old", "MEA-2", "period_start", _step(_reading(), START + 900 + WINDOW_S + 1)),
    ]  # fmt: skip


def _of_the_log() -> list[Step]:
    first, third = _step(_reading()), _step(_reading(start=START - 1800, counter=3))
    return [
        _refused("duplicate with other bytes", "MEA-2", "period_start",
                 _step(_reading(counter=2, import_wh=413)), [first], conflict=True),
        _refused("duplicate with another counter alone", "MEA-2", "period_start",
                 _step(_reading(counter=2)), [first], conflict=True),
        _refused("reused counter", "MEA-2", "counter",
                 _step(_reading(start=START + 900)), [first], conflict=True),
        _refused("reused counter below the highest", "MEA-2", "counter",
                 _step(_reading(start=START + 900)), [first, third], conflict=True),
    ]  # fmt: skip


def _of_detached_days() -> list[Step]:
    first = VALID[0] + -VALID[0] % 900
    oldest, newest = _step(_reading(start=first), first + 900), _step(_reading(counter=2))
    before = [oldest, newest, {"detach_until": DETACHED_UNTIL, "now": AFTERWARDS}]
    return [
        _refused("dated before the days that are held, by a clock that went back", "MEA-2", "period_start",
                 _step(_reading(start=first + 900, counter=3), first + 1800), before),
        _refused("the same bytes again, of a day that was detached", "MEA-2", "period_start", oldest, before),
        _refused("counter used in a day that was detached", "MEA-2", "counter",
                 _step(_reading(start=START + 900)), before),
    ]  # fmt: skip


def _of_executions() -> list[Step]:
    begun, over = START + 800, START + 1800
    order = _step(_setpoint(), begun, "setpoints")
    for_other = _step(_setpoint(pod_id=OTHER_POD), begun, "setpoints")

    def answer(**fields: Any) -> bytes:
        keys = {"pod_id": 2, "start": 3, "counter": 5, "setpoint_id": 6, "outcome": 7, "power_w": 8}
        return statement({**EXECUTION, 5: 1, **{keys[name]: value for name, value in fields.items()}})

    other_id = sha256(bytes.fromhex(for_other["statement"]))
    return [
        _refused("an answer to no setpoint of this log", "SET-1", "setpoint_id",
                 _step(answer(setpoint_id=bytes(32)), over), [order]),
        _refused("an answer to the setpoint of another POD", "SET-1", "pod_id",
                 _step(answer(setpoint_id=other_id), over), [for_other]),
        _refused("an answer for another period", "SET-1", "period_start",
                 _step(answer(start=START), over), [order]),
        _refused("executed before the period is over", "MEA-2", "period_start",
                 _step(answer(), START + 1000), [order]),
        _refused("a second answer to one setpoint", "MEA-2", "setpoint_id",
                 _step(answer(counter=2, power_w=0), over), [order, _step(answer(), over)], conflict=True),
    ]  # fmt: skip


def _of_setpoints() -> list[Step]:
    now = START + 800

    def asked(data: bytes, at: int = now) -> Step:
        return _step(data, at, "setpoints")

    other, far = sha256(b"flexledger/vectors/pod/4"), VALID[1] + DAY_S
    forged = _setpoint()[:-1] + bytes([_setpoint()[-1] ^ 1])
    late = {"start": far - far % 900, "expires_at": far - far % 900}
    return [
        _refused("a reading by the door of platforms", "SET-1", "type", asked(_reading())),
        _refused("a setpoint by an unknown platform", "SET-1", "kid", asked(statement(SETPOINT, STRANGER))),
        _refused("a setpoint for a POD that the platform may not command", "SET-1", "kid",
                 asked(_setpoint(pod_id=other))),
        _refused("a forged setpoint", "SET-1", "signature", asked(forged)),
        _refused("a setpoint for half an hour", "SET-1", "period_length", asked(_setpoint(length=1800))),
        _refused("a misaligned setpoint", "SET-1", "period_start", asked(_setpoint(start=START + 1000))),
        _refused("a setpoint that has expired", "SET-1", "expires_at", asked(_setpoint(), START + 900)),
        _refused("a setpoint for a POD whose key is not valid then", "SET-1", "pod_id",
                 asked(_setpoint(**late))),
        _refused("a setpoint that passes over a sequence", "SET-1", "sequence", asked(_setpoint(sequence=2))),
        _refused("a setpoint with a sequence in other bytes", "SET-1", "sequence",
                 asked(_setpoint(power_w=-4000)), [asked(_setpoint())], conflict=True),
        _refused("a setpoint with the sequence of another period", "SET-1", "sequence",
                 asked(_setpoint(start=START + 1800)), [asked(_setpoint())], conflict=True),
    ]  # fmt: skip


def _taken() -> list[Step]:
    """What the next bound would refuse: here it MUST be accepted."""
    first = VALID[0] + -VALID[0] % 900
    return [
        {"name": name, "before": before, **step}
        for name, before, step in (
            ("the first period of the key", [], _step(_reading(start=first), first + 900)),
            ("over in 60 seconds", [], _step(_reading(), START + 900 - 60)),
            ("as old as the window", [], _step(_reading(), START + 900 + WINDOW_S)),
            ("a counter passed over", [], _step(_reading(counter=7))),
            (
                "a counter that was missing",
                [_step(_reading(start=START - 900, counter=7))],
                _step(_reading()),
            ),
            ("the same bytes again", [_step(_reading())], _step(_reading(), START + 100 * DAY_S)),
        )
    ]
