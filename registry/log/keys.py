"""What the gate remembers of device keys: in bounded memory, never older than the directory (DEV-1).

The access node follows the directory (:class:`KeyFeed`); each gate, in this process or in a worker, has a
:class:`KeyBook` of its own that it asks first. A change of a binding reaches every book before the next
batch.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from registry.domain.errors import RuleViolation
from registry.evidence.es256 import PublicKey, load_public_key
from registry.ports import DeviceDirectory, DeviceKey

_CHANGES_KEPT: Final = 64
"""Changes of the directory after which a book that missed them begins anew."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A state of the directory. ``number`` rises with every change that was noticed."""

    number: int
    version: Hashable


class KeyFeed:
    """Follows the directory. Safe to use from many threads."""

    def __init__(self, directory: DeviceDirectory) -> None:
        self._directory = directory
        self._lock = Lock()
        self._edition = Edition(0, directory.version())
        self._changes: dict[int, Collection[bytes] | None] = {}

    def edition(self) -> int:
        """The number of the directory's state as it is now; ask once per batch, before its keys."""
        # The version is read before any key: a change between the two gives a newer key, never an older one.
        version = self._directory.version()
        with self._lock:
            known = self._edition
            if version != known.version:
                number = known.number + 1
                self._changes[number] = self._directory.changed_since(known.version)
                self._changes.pop(number - _CHANGES_KEPT, None)
                self._edition = Edition(number, version)
            return self._edition.number

    def changed(self, since: int, until: int) -> Collection[bytes] | None:
        """Ids of keys that may have changed between two editions; ``None`` if that can be any."""
        with self._lock:
            changes = [self._changes.get(number) for number in range(since + 1, until + 1)]
        found: set[bytes] = set()
        for change in changes:
            if change is None:
                return None
            found.update(change)
        return found

    def keys(self, key_ids: Sequence[bytes]) -> list[DeviceKey | None]:
        """The keys of these ids as the directory has them now."""
        return self._directory.devices(key_ids)

    def all(self) -> Iterator[DeviceKey]:
        """Every key of the directory, for who asks for the edition before."""
        return self._directory.all()


Known = tuple[bytes, int, int, PublicKey]
"""pod_id, validity [from, until) in Unix seconds, and the parsed key."""


class KeyBook:
    """Keys as one gate remembers them, at most ``kept`` of some 2.8 kB each.

    When it is full the newest gives way: fleets report in nearly the same order every quarter-hour, and what
    drops the oldest would then drop each key just before it comes again.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._known: dict[bytes, Known] = {}

    def __len__(self) -> int:
        return len(self._known)

    def unknown(self, key_ids: Iterable[bytes]) -> list[bytes]:
        """Those ids that have to be asked for, each once."""
        return [kid for kid in dict.fromkeys(key_ids) if kid not in self._known]

    def forget(self, key_ids: Collection[bytes] | None) -> None:
        """Forget these keys, or all."""
        if key_ids is None:
            self._known.clear()
            return
        for kid in key_ids:
            self._known.pop(kid, None)

    def learn(self, keys: Iterable[DeviceKey | None]) -> dict[bytes, Known]:
        """Remember what the directory answered; returns what there was no room for.

        A key that is no point on the curve verifies nothing and is left out.
        """
        beyond: dict[bytes, Known] = {}
        for key in keys:
            if key is None:
                continue
            try:
                public_key = load_public_key(key.public_key)
            except RuleViolation:
                continue
            room = self._known if len(self._known) < self._kept else beyond
            room[key.key_id] = (key.pod_id, key.valid_from, key.valid_until, public_key)
        return beyond

    def get(self, kid: bytes) -> Known | None:
        """What is remembered of a key."""
        return self._known.get(kid)
