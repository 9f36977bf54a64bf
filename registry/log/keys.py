"""What the intake remembers of device keys, in bounded memory, and never beyond a change of their bindings
(DEV-1).

A key id is the hash of its public key, so a parsed key stays true for ever; a binding may end or be replaced
at any block, so it is remembered only while the directory is at one version.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from registry.evidence.es256 import PublicKey, load_public_key
from registry.ports import DeviceDirectory, DeviceKey

Binding = Callable[[bytes], DeviceKey | None]
"""The key of an id, as the directory had it when the question was opened, or later."""

DirectoryVersion = Callable[[], Hashable]
"""Something that differs as soon as any device's binding does, and that is cheap to ask."""


class Bindings:
    """Keys of the directory, remembered as long as it is at the same version."""

    def __init__(self, directory: DeviceDirectory, version: DirectoryVersion | None, kept: int) -> None:
        """``version`` tells when what is remembered must go; without one nothing is remembered and the
        directory is asked with every statement. At most ``kept`` keys, of some 0.4 kB each.
        """
        self._directory = directory
        self._version = version
        self._kept = kept
        self._state: tuple[Hashable, dict[bytes, DeviceKey]] = (None, {})

    def current(self) -> Binding:
        """The keys as they are now. Ask once per batch: what is answered later is as new as this call."""
        if self._version is None:
            return self._directory.device
        # The version is read before any key: a change between the two gives a newer key, never an older one.
        version = self._version()
        state = self._state
        if state[0] != version:
            # A new dict, not a cleared one: who still fills the old one does not reach this version.
            state = self._state = (version, {})
        known = state[1]

        def binding(kid: bytes) -> DeviceKey | None:
            key = known.get(kid)
            if key is None:
                key = self._directory.device(kid)
                if key is not None and len(known) < self._kept:
                    known[kid] = key
            return key

        return binding


class PublicKeys:
    """Parsed public keys, at most ``kept`` of some 2.3 kB each.

    When it is full the newest gives way: fleets report in nearly the same order every quarter-hour, and what
    drops the oldest would then drop each key just before it comes again.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._keys: dict[bytes, PublicKey] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, point: bytes) -> PublicKey:
        """The key of 65 bytes ``04 || x || y``. Raises RuleViolation (MEA-1) for what is no point on
        P-256.
        """
        key = self._keys.get(point)
        if key is None:
            key = load_public_key(point)
            if len(self._keys) >= self._kept:
                self._keys.popitem()
            self._keys[point] = key
        return key
