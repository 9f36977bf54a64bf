"""The example payloads that the other vectors vary."""

from __future__ import annotations

from typing import Any

from tests.vectors.making.commitments import POD
from tests.vectors.making.signing import PLATFORM, sha256, statement

START = 1_793_181_600  # 2026-10-28T10:00:00Z


READING: dict[int, Any] = {
    1: 1,
    2: POD,
    3: START,
    4: 900,
    5: 1,
    6: 412,
    7: 0,
    8: 37,
    9: 0,
    10: 0,
    11: 1,
}
SETPOINT: dict[int, Any] = {1: 3, 2: POD, 3: START + 900, 4: 900, 5: 1, 6: -5000, 7: START + 900}
GOOD_SETPOINT = statement(SETPOINT, PLATFORM)
EXECUTION: dict[int, Any] = {
    1: 2,
    2: POD,
    3: START + 900,
    4: 900,
    5: 2,
    6: sha256(GOOD_SETPOINT),
    7: 1,
    8: -4800,
}
NAMES = {
    1: [
        "pod_id",
        "period_start",
        "period_length",
        "counter",
        "import_wh",
        "export_wh",
        "reactive_import_varh",
        "reactive_export_varh",
        "quality",
        "clock",
    ],
    2: ["pod_id", "period_start", "period_length", "counter", "setpoint_id", "outcome", "achieved_power_w"],
    3: ["pod_id", "period_start", "period_length", "sequence", "power_w", "expires_at"],
}
TYPES = {1: "reading", 2: "execution", 3: "setpoint"}
