"""The devices of a benchmark, as the access node's directory and clock know them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from registry.ports import DeviceKey


class BenchDirectory:
    """Devices that never change, and a clock that stands. Implements :class:`registry.ports.DeviceDirectory`,
    :class:`registry.ports.Clock` and :class:`registry.log.PlatformDirectory`.
    """

    def __init__(self, keys: Iterable[DeviceKey], now: int, listed: int | None = None) -> None:
        """``now``: Unix seconds; ``listed``: how many keys :meth:`all` gives, so how many can be learned
        before their devices sign anything. By default all.
        """
        self.by_id = {key.key_id: key for key in keys}
        self._listed = listed
        self._now = datetime.fromtimestamp(now, UTC)

    def device(self, key_id: bytes) -> DeviceKey | None:
        """The key of a device."""
        return self.by_id.get(key_id)

    def devices(self, key_ids: Sequence[bytes]) -> list[DeviceKey | None]:
        """Keys of devices."""
        return [self.by_id.get(key_id) for key_id in key_ids]

    def all(self) -> Iterator[DeviceKey]:
        """The keys that are listed."""
        return islice(self.by_id.values(), self._listed)

    def version(self) -> Hashable:
        """Always the same: nothing changes here."""
        return 0

    def changed_since(self, version: Hashable) -> Collection[bytes] | None:
        """None did."""
        return ()

    def active_device(self, pod_id: bytes, at: int) -> DeviceKey | None:
        """None: nobody sends setpoints here."""
        return None

    def platform_key(self, key_id: bytes, pod_id: bytes) -> bytes | None:
        """None: nobody sends setpoints here."""
        return None

    def now(self) -> datetime:
        """The moment at which the clock stands."""
        return self._now
