"""What every act of the demo works with: the node, the screen, the clock, and the account that becomes the
report.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from registry.bootstrap import Node, SettableClock
from registry.cli.outcome import DemoFailed
from registry.domain.errors import RuleViolation


@dataclass
class Stage:
    """The demo at work.

    Attributes:
        folder: everything it leaves.
        report: grows into ``report.json``.
        facts: what acts hand on to later ones.
    """

    folder: Path
    console: Console
    clock: SettableClock
    node: Node
    report: dict[str, Any] = field(default_factory=lambda: {"refusals": [], "seconds": {}})
    facts: dict[str, Any] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """One line of the account."""
        self.console.print("  " + text, highlight=False)

    def at(self, instant: datetime) -> None:
        """Move the simulated time forward."""
        self.clock.set(instant)

    @contextmanager
    def act(self, number: int, title: str) -> Iterator[None]:
        """One step of the demo: a headline, and its seconds in the report."""
        self.console.rule(f"[bold]{number}. {title}", align="left")
        started = time.perf_counter()
        try:
            yield
        finally:
            seconds = self.report["seconds"]
            name = f"{number} {title}"
            seconds[name] = round(seconds.get(name, 0.0) + time.perf_counter() - started, 2)

    @contextmanager
    def progress(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """A progress bar; yields what advances it."""
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as bars:
            task = bars.add_task(text, total=total)
            yield lambda done: bars.advance(task, done)

    def refused(self, rule: str, attempt: str, act: Callable[[], object]) -> None:
        """Try what must fail, and note why it did.

        Raises:
            DemoFailed: it was accepted, or refused by another rule.
        """
        try:
            act()
        except RuleViolation as violation:
            if violation.rule != rule:
                raise DemoFailed(f"{attempt}: refused by {violation}, expected {rule}") from violation
            self.note_refusal(attempt, violation)
            return
        raise DemoFailed(f"{attempt}: accepted, expected a refusal by {rule}")

    def note_refusal(self, attempt: str, violation: RuleViolation) -> None:
        """A refusal, on the screen and in the report."""
        self.add_refusal(attempt, violation.rule, str(violation))

    def add_refusal(self, attempt: str, rule: str, reason: str) -> None:
        """As `note_refusal`, from text."""
        self.report["refusals"].append({"rule": rule, "attempt": attempt, "reason": reason})
        self.console.print(f"  [red]refused[/] {attempt}", highlight=False)
        self.console.print(f"          [dim]{reason}[/]", highlight=False)

    def signer(self, party: int) -> Any:
        """The ledger key of a party."""
        return self.node.signers[party]


def counted(values: Mapping[str, int]) -> str:
    """Counts as words: ``88 confirmed, 20 modulated``."""
    return ", ".join(f"{count} {name}" for name, count in values.items() if count)
