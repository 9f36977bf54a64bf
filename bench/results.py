"""The form in which every benchmark says what it found: one JSON object per line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

REPEATED: Final = 5
"""How often a rate is measured whose median is told: the machine's own drifts by half, at times between a
round and the raw verifications around it.
"""
Say = Callable[[str], None]
"""Told what goes on while a benchmark runs."""
_TIMES = ("s", "µs")
_LESS_IS_BETTER = (*_TIMES, "blocks", "MB")
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Result:
    """One figure and what it is held against, measured in the same run.

    Attributes:
        name: which benchmark, for instance ``intake.batch.sqlite``.
        value: the figure, in ``unit``.
        reference: what ``reference_value``, in the same unit, is.
        sizes: how much of what was measured; also the machine's load, where others worked on it.
        seconds: how long the measured part took.
    """

    name: str
    value: float
    unit: str
    reference: str
    reference_value: float
    sizes: dict[str, int | float]
    seconds: float
    commit: str = field(default_factory=lambda: commit())

    @property
    def ratio(self) -> float:
        """How the value compares with the reference; 1 is as good as it. Of rates the value over the
        reference, of what should be little (seconds, blocks, memory) the reference over the value, so that
        more is better in any case; a value of nothing counts as 1.
        """
        if self.unit in _LESS_IS_BETTER:
            return self.reference_value / self.value if self.value else 1.0
        return self.value / self.reference_value

    def line(self) -> str:
        """One line of JSON, numbers rounded to what they are worth."""
        fields = {**asdict(self), "ratio": round(self.ratio, 3)}
        for name in ("value", "reference_value"):
            fields[name] = round(fields[name], 3 if self.unit in _TIMES else 1)
        fields["seconds"] = round(self.seconds, 3)
        return json.dumps(fields, sort_keys=True)


def median(results: Sequence[Result]) -> Result:
    """Of several results of one name the one with the median ratio, which says the least and the greatest,
    too.
    """
    in_order = sorted(results, key=lambda result: result.ratio)
    spread = {
        "ratio_least": round(in_order[0].ratio, 3),
        "ratio_most": round(in_order[-1].ratio, 3),
    }
    found = in_order[len(in_order) // 2]
    return replace(found, sizes={**found.sizes, **spread})


def commit() -> str:
    """The commit of the working tree, with ``+`` behind it if files differ; ``unknown`` outside of one."""
    try:
        words = ["git", "-C", str(_ROOT), "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"]
        return subprocess.run(words, capture_output=True, check=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
