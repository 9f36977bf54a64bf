"""What is taken already: quarter-hours of PODs and counters of keys (MEA-2).

The newest periods are held in memory and answer without the database; an older one is read, a page of 500
PODs at a time, when it is asked for. Memory so depends on the number of devices, not on the age of the log.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from registry.domain.calendar import DeliveryDay
from registry.evidence.payloads import Reading, Setpoint
from registry.evidence.statements import parse
from registry.log.store import PageId, Store, Writing

PODS_PER_PAGE: Final = 500
"""4,000 bytes: a page and its key fit a database page."""
_KEYS_PER_PAGE: Final = 1000
_PAGES_KEPT: Final = 16_384
_WRITE_EVERY: Final = 65_536
"""Entries after which pages are written; as many may have to be read again after a crash (half a second)."""
_PERIODS_MAX: Final = 1_024
"""Changed periods after which pages are written earlier: late readings touch a page each."""
_CHUNKS_READ: Final = 64

_POSITION, _COUNTER = "Q", "I"
_INDEXED: Final = "indexed"
DETACHED_UNTIL: Final = "detached_until"
"""The word under which the store remembers the first delivery day (days since 1970-01-01) that is held."""


class Occupancy:
    """Numbers PODs and keys, and knows what they have used. One thread changes it, any may ask.

    Attributes:
        floor: start (Unix seconds) of the first delivery day that was not detached: before it nothing is
        known.
    """

    def __init__(self, store: Store) -> None:
        """Read it from the store, and what was committed since it was written from the entries."""
        self._store = store
        self._pods = {pod_id: no for no, pod_id in store.pods()}
        self._keys = {key_id: no for no, key_id in store.device_keys()}
        self._written = (len(self._pods), len(self._keys))
        self._highest = array(_COUNTER, bytes(4 * len(self._keys)))
        for page, data in store.counter_pages():
            values = _unpack(_COUNTER, data)
            at = page * _KEYS_PER_PAGE
            self._highest[at : at + len(values)] = values
        self._pages: dict[PageId, array[int]] = {}
        self._changed: dict[int, dict[int, array[int]]] = {}
        self._changed_before: dict[int, dict[int, array[int]]] = {}
        self._changed_counters: set[int] = set()
        self._newest = int(store.meta("newest") or 0)
        self.floor = _floor(store)
        self._indexed = int(store.meta(_INDEXED) or 0)
        self._catch_up()

    # ------------------------------------------------------------------------------------------------- asked

    def pod(self, pod_id: bytes) -> int | None:
        """The number of a POD."""
        return self._pods.get(pod_id)

    def key(self, key_id: bytes) -> int | None:
        """The number of a key."""
        return self._keys.get(key_id)

    def highest(self, key: int) -> int:
        """The highest counter that a key has used, 0 if none."""
        return self._highest[key]

    def find(self, pod: int, start: int) -> int | None:
        """The entry with a POD's reading of the period that starts at ``start``; it may not be committed
        yet.
        """
        page = PageId(pod // PODS_PER_PAGE, start)
        values = self._pages.get(page)
        if values is None:
            data = self._store.position_page(page)
            if data is None:
                return None
            values = _unpack(_POSITION, data)
        position = pod % PODS_PER_PAGE
        return values[position] - 1 if position < len(values) and values[position] else None

    def between(self, pod: int, start: int, end: int) -> Iterator[tuple[int, int]]:
        """(start, index) of a POD's readings of periods in [start, end), rising."""
        number, position = divmod(pod, PODS_PER_PAGE)
        found = {
            page.start: values
            for page, data in self._store.position_pages(number, start, end)
            if len(values := _unpack(_POSITION, data)) > position
        }
        # Pages that are being written count as changed until the next ones are: their commit may be under
        # way.
        for changed in (self._changed_before, self._changed):
            for period, pages in tuple(changed.items()):
                if start <= period < end and number in pages:
                    found[period] = pages[number]
        for period in sorted(found):
            if index := found[period][position]:
                yield period, index - 1

    # ----------------------------------------------------------------------------------------------- changed

    def number_pod(self, pod_id: bytes) -> int:
        """The number of a POD, a new one if it has none."""
        return self._pods.setdefault(pod_id, len(self._pods))

    def number_key(self, key_id: bytes) -> int:
        """The number of a key, a new one if it has none."""
        number = self._keys.setdefault(key_id, len(self._keys))
        if number == len(self._highest):
            self._highest.append(0)
        return number

    def take(self, kid: bytes, pod_id: bytes, start: int, counter: int, index: int) -> bool:
        """Note a reading as entry ``index`` if its period is free and its counter the key's next one; else
        change nothing but give numbers to a POD and a key that have none.
        """
        # Every reading comes this way: written out, where a call for each step would cost as much as the
        # step.
        key = self._keys.get(kid)
        if key is None:
            key = self.number_key(kid)
        if counter != self._highest[key] + 1 or start < self.floor:
            return False
        pod = self._pods.get(pod_id)
        if pod is None:
            pod = self.number_pod(pod_id)
        number = pod // PODS_PER_PAGE
        changed = self._changed.get(start)
        if changed is None or number not in changed:
            values = self._changing(PageId(number, start))
        else:
            values = changed[number]
        position = pod - number * PODS_PER_PAGE
        if values[position]:
            return False
        values[position] = index + 1
        self._highest[key] = counter
        self._changed_counters.add(key // _KEYS_PER_PAGE)
        return True

    def place(self, pod: int, start: int, index: int) -> None:
        """Note where a reading stands."""
        number, position = divmod(pod, PODS_PER_PAGE)
        self._changing(PageId(number, start))[position] = index + 1

    def use(self, key: int, counter: int) -> None:
        """Note that a key has used a counter."""
        if counter > self._highest[key]:
            self._highest[key] = counter
            self._changed_counters.add(key // _KEYS_PER_PAGE)

    def write(self, writing: Writing, size: int) -> None:
        """Write what a commit that leads to ``size`` entries has changed: new numbers at once, pages now and
        then.
        """
        self.write_numbers(writing)
        if size - self._indexed >= _WRITE_EVERY or len(self._changed) >= _PERIODS_MAX:
            self.write_pages(writing, size)

    def close_days(self, writing: Writing, until: DeliveryDay, size: int) -> None:
        """Know nothing any more of the delivery days before ``until``, and write every page that has changed
        by ``size`` entries: none of them need be read again.
        """
        writing.meta(DETACHED_UNTIL, str(until.number))
        if self.behind:
            self.write_pages(writing, size)
        self.floor = int(until.starts_at.timestamp())

    def write_numbers(self, writing: Writing) -> None:
        """Write numbers that are new."""
        pods, keys = self._written
        if len(self._pods) > pods:
            writing.pods(_from(self._pods, pods))
        if len(self._keys) > keys:
            writing.keys(_from(self._keys, keys))
        self._written = len(self._pods), len(self._keys)

    def write_pages(self, writing: Writing, size: int) -> None:
        """Write every page that has changed."""
        used = len(self._pods)
        writing.position_pages(
            (PageId(number, start), day_number(start), _pack(pages[number][: used - number * PODS_PER_PAGE]))
            for start, pages in sorted(self._changed.items())
            for number in sorted(pages)
        )
        writing.counter_pages(
            (page, _pack(self._highest[page * _KEYS_PER_PAGE : (page + 1) * _KEYS_PER_PAGE]))
            for page in sorted(self._changed_counters)
        )
        writing.meta("newest", str(self._newest))
        writing.meta(_INDEXED, str(size))
        self._changed_before, self._changed = self._changed, {}
        self._changed_counters.clear()
        self._indexed = size
        while len(self._pages) > _PAGES_KEPT:
            self._pages.pop(next(iter(self._pages)))

    @property
    def behind(self) -> bool:
        """Whether there is something that :meth:`write_pages` would write."""
        return bool(self._changed or self._changed_counters)

    def _changing(self, page: PageId) -> array[int]:
        """A page to be changed, from memory or the store."""
        values = self._pages.get(page)
        if values is None:
            # No page of a later period can be in the database yet.
            data = None if page.start > self._newest else self._store.position_page(page)
            values = _unpack(_POSITION, data or b"")
            values.extend([0] * (PODS_PER_PAGE - len(values)))
            self._newest = max(self._newest, page.start)
            self._pages[page] = values
        self._changed.setdefault(page.start, {})[page.number] = values
        return values

    def _catch_up(self) -> None:
        at = self._indexed
        while chunks := self._store.chunks(at, _CHUNKS_READ):
            for chunk in chunks:
                for index, data in enumerate(chunk.entries(), chunk.first):
                    self._read(data, index)
                at = chunk.first + chunk.count

    def _read(self, data: bytes, index: int) -> None:
        statement = parse(data)
        payload = statement.payload
        if isinstance(payload, Setpoint):
            return
        if isinstance(payload, Reading):
            self.place(self._pods[payload.pod_id], payload.period_start, index)
        self.use(self._keys[statement.kid], payload.counter)


def _floor(store: Store) -> int:
    day = int(store.meta(DETACHED_UNTIL) or 0)
    return int(DeliveryDay.from_number(day).starts_at.timestamp()) if day else 0


@lru_cache(4096)
def day_number(start: int) -> int:
    """The delivery day (days since 1970-01-01) of a period that starts at ``start`` (Unix seconds)."""
    return DeliveryDay.of(datetime.fromtimestamp(start, UTC)).number


def _from(numbers: dict[bytes, int], first: int) -> list[tuple[int, bytes]]:
    # Numbers are given in the order of the dict, so the new ones are at its end.
    found = []
    for name in reversed(numbers):
        if numbers[name] < first:
            break
        found.append((numbers[name], name))
    return found[::-1]


def _pack(values: array[int]) -> bytes:
    """Little-endian bytes, on every machine."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def _unpack(code: str, data: bytes) -> array[int]:
    values = array(code, data)
    if sys.byteorder == "big":
        values.byteswap()
    return values
