"""Device keys and anchored checkpoints (DEV-1, LOG-2)."""

from __future__ import annotations

from registry.domain.events import CheckpointAnchored, DeviceBound, DeviceEnded
from registry.mirror.changes import Changes, Projection
from registry.mirror.keys import key, size_part
from registry.mirror.tables import Checkpoint, Device

_UNCOMPRESSED = b"\x04"


def _bound(changes: Changes, event: DeviceBound, _time: int) -> None:
    row = {
        "key_id": event.key_id,
        "pod_id": event.pod_id,
        "dso": event.dso,
        "public_key": _UNCOMPRESSED + event.key_x + event.key_y,
        "valid_from": event.valid_from,
        "valid_until": event.valid_until,
        "end_reason": None,
    }
    changes.put(Device, event.key_id.hex(), row)


def _ended(changes: Changes, event: DeviceEnded, _time: int) -> None:
    changes.amend(Device, event.key_id.hex(), valid_until=event.valid_until, end_reason=event.reason)


def _anchored(changes: Changes, event: CheckpointAnchored, _time: int) -> None:
    row = {
        "log_id": event.log_id,
        "node": event.node,
        "size": event.size,
        "root": event.root,
        "witnesses": event.witnesses,
    }
    changes.put(Checkpoint, key(event.log_id.hex(), size_part(event.size)), row)


PROJECTIONS: dict[str, Projection] = {
    "DeviceBound": _bound,
    "DeviceEnded": _ended,
    "CheckpointAnchored": _anchored,
}
