"""The access node that `tests/vectors/refusals.json` describes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from registry.domain.calendar import DeliveryDay
from registry.evidence.es256 import kid_of
from registry.log import AccessNode
from registry.ports import Accepted, Answer, DeviceKey
from tests.unit.log.log_house import Directory, House, SetClock


class VectorDirectory(Directory):
    """The bindings and the platform of the vectors."""

    def __init__(self, vectors: dict[str, Any]) -> None:
        super().__init__()
        self._platform = bytes.fromhex(vectors["platform"])
        for each in vectors["bindings"]:
            kid, pod_id, point = (bytes.fromhex(each[name]) for name in ("kid", "pod_id", "public_key"))
            self.keys[kid] = DeviceKey(kid, pod_id, point, each["valid_from"], each["valid_until"])

    def platform_key(self, key_id: bytes, pod_id: bytes) -> bytes | None:
        known = any(key.pod_id == pod_id for key in self.keys.values())
        return self._platform if known and key_id == kid_of(self._platform) else None


class VectorHouse(House):
    """A log, its clock and these directories."""

    def __init__(self, folder: Path, vectors: dict[str, Any], verifiers: int = 0) -> None:
        super().__init__(folder, VectorDirectory(vectors), SetClock(), verifiers)

    def prepare(self, node: AccessNode, steps: list[dict[str, Any]]) -> int:
        """Do what comes before a vector; every statement of it is to be accepted. Returns how many there
        were.
        """
        accepted = 0
        for step in steps:
            if "detach_until" in step:
                self.clock.seconds = step["now"]
                until = DeliveryDay(date.fromisoformat(step["detach_until"]))
                node.detach(until, self.folder.with_name("archive"))
            else:
                assert isinstance(self.take(node, step), Accepted)
                accepted += 1
        return accepted

    def take(self, node: AccessNode, step: dict[str, Any]) -> Answer:
        """Bring a statement to the door and at the time of a step."""
        self.clock.seconds = step["now"]
        door = node.log_setpoints if step["door"] == "setpoints" else node.submit
        (answer,) = door([bytes.fromhex(step["statement"])])
        return answer
