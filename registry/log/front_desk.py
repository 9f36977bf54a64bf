"""The log's end of its fronts (:mod:`registry.log.fronts`): keys go out, judged batches come in (MEA-3)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

from registry.log.fronts import Delivery, FrontSettings, NextKeys, Outdated
from registry.log.judged import Judged
from registry.log.keys import KeyFeed
from registry.log.metrics import Door, Meter, Stages
from registry.log.placing import Outcome
from registry.log.settings import LogSettings
from registry.ports import OperationalError

Place = Callable[[Judged, int], list[Outcome]]


class FrontDesk:
    """Serves any number of fronts, each on a thread of its own."""

    def __init__(self, feed: KeyFeed, settings: LogSettings, place: Place, meter: Meter) -> None:
        """``place`` gives a judged batch its place in the log."""
        self._feed = feed
        self._settings = settings
        self._place = place
        self._meter = meter

    def settings(self) -> FrontSettings:
        """What a front that is opened now needs to know."""
        return FrontSettings(self._feed.edition(), self._settings.acceptance, self._settings.keys_kept)

    def serve(self, pipe: Connection) -> None:
        """Answer one front until it is gone."""
        directory = self._feed.all()
        try:
            while True:
                request: Any = pipe.recv()
                if isinstance(request, Delivery):
                    pipe.send(self._deliver(request))
                elif isinstance(request, NextKeys):
                    pipe.send(list(islice(directory, request.count)))
                else:
                    pipe.send(self._feed.keys(request))
        except (EOFError, OSError):
            pass

    def _deliver(self, delivery: Delivery) -> list[Outcome] | Outdated | OperationalError:
        edition = self._feed.edition()
        if edition != delivery.edition:
            return Outdated(edition, self._feed.changed(delivery.edition, edition))
        judged, began = delivery.judged, perf_counter()
        try:
            outcomes = self._place(judged, delivery.now)
        except OperationalError as error:
            return error
        stages = Stages(delivery.judge_s, perf_counter() - began, 0.0)
        self._meter.taken(Door.STATEMENTS, outcomes, stages)
        return outcomes
