"""The device directory of the measurement log, from the mirror's devices (DEV-1)."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import Protocol, cast

from registry.ports import DeviceKey
from registry.views import DeviceView


class _Devices(Protocol):
    def device_keys(self, key_ids: Sequence[bytes] | None = None) -> Iterator[DeviceKey]: ...

    def last_block(self) -> tuple[int, bytes] | None: ...

    def device_keys_since(self, block: tuple[int, bytes] | None) -> Collection[bytes] | None: ...

    def devices(self, *, pod_id: bytes | None = None) -> list[DeviceView]: ...


class MirrorDevices:
    """Implements :class:`registry.ports.DeviceDirectory`."""

    def __init__(self, mirror: _Devices) -> None:
        self._mirror = mirror

    def device(self, key_id: bytes) -> DeviceKey | None:
        """The key, valid or not."""
        return self.devices([key_id])[0]

    def devices(self, key_ids: Sequence[bytes]) -> list[DeviceKey | None]:
        """The keys, valid or not, in the order of the ids."""
        found = {key.key_id: key for key in self._mirror.device_keys(key_ids)}
        return [found.get(key_id) for key_id in key_ids]

    def all(self) -> Iterator[DeviceKey]:
        """Every key that was ever bound."""
        return self._mirror.device_keys()

    def version(self) -> Hashable:
        """The last block with facts: a binding changes with one, or with one that the chain gave up."""
        return self._mirror.last_block()

    def changed_since(self, version: Hashable) -> Collection[bytes] | None:
        """Keys bound or ended since that block; ``None`` if the chain gave it up."""
        return self._mirror.device_keys_since(cast("tuple[int, bytes] | None", version))

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
