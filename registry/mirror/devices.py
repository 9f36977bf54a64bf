"""The device directory of the measurement log, from the mirror's devices (DEV-1)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from registry.ports import DeviceKey
from registry.views import DeviceView


class _Devices(Protocol):
    def device_of_key(self, key_id: bytes, *, as_of: datetime | None = None) -> DeviceView | None: ...

    def devices(self, *, pod_id: bytes | None = None) -> list[DeviceView]: ...


class MirrorDevices:
    """Implements :class:`registry.ports.DeviceDirectory`."""

    def __init__(self, mirror: _Devices) -> None:
        self._mirror = mirror

    def device(self, key_id: bytes) -> DeviceKey | None:
        """The key, valid or not."""
        view = self._mirror.device_of_key(key_id)
        return None if view is None else _key(view)

    def active_device(self, pod_id: bytes, at: int) -> DeviceKey | None:
        """The one key that is valid for the POD at ``at`` (Unix seconds)."""
        keys = map(_key, self._mirror.devices(pod_id=pod_id))
        valid = [key for key in keys if key.valid_from <= at < key.valid_until]
        return max(valid, key=lambda key: key.valid_from, default=None)


def _key(view: DeviceView) -> DeviceKey:
    return DeviceKey(
        view.key_id,
        view.pod_id,
        view.public_key,
        int(view.valid_from.timestamp()),
        int(view.valid_until.timestamp()),
    )
