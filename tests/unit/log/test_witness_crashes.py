"""Whatever a log sends in whatever order, and whenever the power fails: of any two checkpoints that a witness
cosigned, one continues the other (LOG-2).
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.domain.errors import RuleViolation
from registry.log import witness as witness_module
from registry.log.witness import Witness
from tests.unit.log.log_house import SetClock
from tests.unit.log.signed_logs import NOTE_KEY, ORIGIN, SignedLog, ed25519

SIZE = 9
TRUNK = [f"entry {n}" for n in range(SIZE)]
BRANCHES = [
    SignedLog.of(TRUNK[:fork] + [f"branch {fork}, {n}" for n in range(fork, SIZE)])
    for fork in (SIZE, 6, 3, 0)
]
ROOTS = [[branch.root(size) for size in range(SIZE + 1)] for branch in BRANCHES]
REQUESTS = {
    (branch, old, size): BRANCHES[branch].request(old, size)
    for branch, old, size in itertools.product(range(len(BRANCHES)), range(SIZE + 1), range(SIZE + 1))
}
Moment = Literal["before the write", "in the write", "before the sync", "after the sync"]
End = Literal["none", "kill", "power cut"]


class Stopped(BaseException):
    """The process is gone."""


@dataclass
class Disk:
    """A disk that may forget, when the power fails, each new name that was not synced."""

    stop_at: Moment | None = None
    unsynced: dict[Path, bytes | None] = field(default_factory=dict)

    def write_durably(self, path: Path, data: bytes) -> None:
        self.stop("before the write")
        if self.stop_at == "in the write":
            path.with_name(path.name + ".new").write_bytes(data[: len(data) // 2])
            raise Stopped
        self.unsynced.setdefault(path, path.read_bytes() if path.exists() else None)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)

    def sync_folders(self, folders: object, root: Path) -> None:
        self.stop("before the sync")
        self.unsynced.clear()
        self.stop("after the sync")

    def stop(self, moment: Moment) -> None:
        if self.stop_at == moment:
            raise Stopped

    def power_cut(self) -> None:
        for path, before in self.unsynced.items():
            if before is None:
                path.unlink()
            else:
                path.write_bytes(before)
        self.unsynced.clear()


@dataclass(frozen=True)
class Step:
    """One request, from the size the witness has or another, and what happens to its process."""

    branch: int
    old: int | None
    size: int
    stop_at: Moment | None
    end: End


STEPS = st.lists(
    st.builds(
        Step,
        st.integers(0, len(BRANCHES) - 1),
        st.none() | st.integers(0, SIZE),
        st.integers(0, SIZE),
        st.sampled_from(
            [None, None, "before the write", "in the write", "before the sync", "after the sync"]
        ),
        st.sampled_from(["none", "none", "kill", "power cut"]),
    ),
    max_size=25,
)


def cosigned(folder: Path, disk: Disk, steps: list[Step]) -> Iterator[tuple[int, int]]:
    """Branch and size of each checkpoint that the witness gave its signature to."""
    witness = None
    for step in steps:
        witness = witness or Witness(folder, "w.example", ed25519("witness"), [NOTE_KEY], SetClock())
        old = witness.last(ORIGIN).size if step.old is None else step.old
        disk.stop_at = step.stop_at
        try:
            witness.add_checkpoint(REQUESTS[step.branch, old, step.size])
            yield step.branch, step.size
        except RuleViolation:
            pass
        except Stopped:
            witness = None
        disk.stop_at = None
        if step.end != "none":
            witness = None
        if step.end == "power cut":
            disk.power_cut()


@pytest.mark.rule("LOG-2")
@settings(max_examples=300, deadline=None)
@given(STEPS)
@example(  # the second request finds what the first one wrote, but nobody synced that yet
    [
        Step(0, None, 5, "before the sync", "none"),
        Step(0, None, 5, None, "power cut"),
        Step(3, None, 5, None, "none"),
    ]
)
def test_no_two_checkpoints_it_cosigned_contradict_each_other(steps: list[Step]) -> None:
    disk = Disk()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for name in ("write_durably", "sync_folders"):
            stack.enter_context(patch.object(witness_module, name, getattr(disk, name)))
        signed = list(cosigned(Path(folder) / "w", disk, steps))
    sizes = [size for _, size in signed]
    assert sizes == sorted(sizes), "a witness never goes back"
    for (branch, size), (later, _) in itertools.combinations(signed, 2):
        assert ROOTS[branch][size] == ROOTS[later][size], f"{signed}"
