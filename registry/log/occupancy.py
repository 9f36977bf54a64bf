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
_DIRTY_MAX: Final = 8_192
_CHUNKS_READ: Final = 64

_POSITION, _COUNTER = "Q", "I"
_INDEXED: Final = "indexed"


class Occupancy:
    """Numbers PODs and keys, and knows what they have used. One thread changes it, any may ask."""

    def __init__(self, store: Store) -> None:
        """Read it from the store, and what was committed since it was written from the entries."""
        self._store = store
        self._pods = {pod_id: no for no, pod_id in store.pods()}
        self._keys = {key_id: no for no, key_id in store.keys()}
        self._written = (len(self._pods), len(self._keys))
        self._highest = array(_COUNTER, bytes(4 * len(self._keys)))
        for page, data in store.counter_pages():
            values = _unpack(_COUNTER, data)
            at = page * _KEYS_PER_PAGE
            self._highest[at : at + len(values)] = values
        self._pages: dict[PageId, array[int]] = {}
        self._dirty: set[PageId] = set()
        self._written_last: set[PageId] = set()
        self._dirty_counters: set[int] = set()
        self._newest = int(store.meta("newest") or 0)
        self._indexed = int(store.meta(_INDEXED) or 0)
        self._size = self._indexed
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
        # Pages that are being written count as changed until the next ones are: their commit may be under way.
        for page in (*self._written_last, *self._dirty):
            if page.number == number and start <= page.start < end and (kept := self._pages.get(page)):
                found[page.start] = kept
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

    def take(self, key: int, pod: int, start: int, counter: int, index: int) -> bool:
        """Note a reading as entry ``index`` if its period is free and its counter the key's next one; else
        change nothing.
        """
        if counter != self._highest[key] + 1:
            return False
        page = PageId(pod // PODS_PER_PAGE, start)
        values = self._pages.get(page)
        if values is None:
            values = self._load(page)
        position = pod % PODS_PER_PAGE
        if values[position]:
            return False
        values[position] = index + 1
        self._dirty.add(page)
        self.use(key, counter)
        return True

    def place(self, pod: int, start: int, index: int) -> None:
        """Note where a reading stands."""
        page = PageId(pod // PODS_PER_PAGE, start)
        values = self._pages.get(page) or self._load(page)
        values[pod % PODS_PER_PAGE] = index + 1
        self._dirty.add(page)

    def use(self, key: int, counter: int) -> None:
        """Note that a key has used a counter."""
        if counter > self._highest[key]:
            self._highest[key] = counter
            self._dirty_counters.add(key // _KEYS_PER_PAGE)

    def write(self, writing: Writing, size: int) -> None:
        """Write what a commit that leads to ``size`` entries has changed: new numbers at once, pages now and
        then.
        """
        self.write_numbers(writing)
        if size - self._indexed >= _WRITE_EVERY or len(self._dirty) >= _DIRTY_MAX:
            self.write_pages(writing, size)

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
        pages = sorted(self._dirty, key=lambda page: page.place)
        writing.position_pages(
            (page, day_number(page.start), _pack(self._trimmed(page))) for page in pages
        )
        writing.counter_pages(
            (page, _pack(self._highest[page * _KEYS_PER_PAGE : (page + 1) * _KEYS_PER_PAGE]))
            for page in sorted(self._dirty_counters)
        )
        writing.meta("newest", str(self._newest))
        writing.meta(_INDEXED, str(size))
        self._written_last, self._dirty = self._dirty, set()
        self._dirty_counters.clear()
        self._indexed = size
        while len(self._pages) > _PAGES_KEPT:
            self._pages.pop(next(iter(self._pages)))

    @property
    def behind(self) -> bool:
        """Whether there is something that :meth:`write_pages` would write."""
        return bool(self._dirty or self._dirty_counters)

    def _load(self, page: PageId) -> array[int]:
        # No page of a later period can be in the database yet.
        data = None if page.start > self._newest else self._store.position_page(page)
        values = _unpack(_POSITION, data or b"")
        values.extend([0] * (PODS_PER_PAGE - len(values)))
        self._newest = max(self._newest, page.start)
        self._pages[page] = values
        return values

    def _trimmed(self, page: PageId) -> array[int]:
        used = len(self._pods) - page.number * PODS_PER_PAGE
        return self._pages[page][:used]

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
