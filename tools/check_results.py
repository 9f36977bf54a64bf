"""What a check came to: run it with its output shown, count what forge and pytest report, sum up."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

_FORGE_TOTAL = re.compile(r"(\d+) tests? passed, (\d+) failed, (\d+) skipped \(\d+ total tests?\)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one step: how many checks or tests passed and failed, or why it was not run."""

    name: str
    passed: int = 0
    failed: int = 0
    not_run: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def with_seconds(self, seconds: float) -> Outcome:
        """The same outcome with its duration."""
        return replace(self, seconds=seconds)

    def as_failure(self) -> Outcome:
        """A step that was not run, where none may be skipped."""
        return replace(
            self, failed=1, not_run="", notes=(*self.notes, f"not run: {self.not_run}, and CI=true")
        )


def run_shown(words: Sequence[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command, its output shown as it comes; returns status and output (127: no such program)."""
    print(f"\n$ {' '.join(words)}", flush=True)
    try:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        print(f"{words[0]}: {error.strerror}", flush=True)
        return 127, ""
    output = []
    with process:
        for line in process.stdout or ():
            output.append(line)
            sys.stdout.write(line)
            sys.stdout.flush()
    return process.returncode, "".join(output)


def count_forge(name: str, status: int, output: str) -> Outcome:
    """Totals from forge's last line; a run that ends badly or finds no test has one failure at least."""
    totals = _FORGE_TOTAL.findall(output)
    passed, failed, skipped = (int(number) for number in totals[-1]) if totals else (0, 0, 0)
    notes = (f"{skipped} Solidity test(s) skipped",) if skipped else ()
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1
        notes = (*notes, f"forge ended with status {status} after {passed} test(s)")
    return Outcome(name, passed, failed, notes=notes)


def count_junit(name: str, status: int, report: Path, skips_fail: bool) -> Outcome:
    """Totals from a JUnit file, skipped tests listed with their reasons.

    Args:
        status: pytest's exit status; anything but 0 and 1 (crash, usage, no tests) counts as a failure.
        skips_fail: count skipped tests as failed.
    """
    if not report.exists():
        return Outcome(name, failed=1, notes=(f"pytest ended with status {status} and wrote no report",))
    passed = failed = 0
    skipped: list[str] = []
    for case in ElementTree.parse(report).iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skip is not None and skip.get("type") != "pytest.xfail":
            skipped.append(f"{case.get('classname')}.{case.get('name')}: {skip.get('message', '')}")
        else:
            passed += 1
    notes = [f"not run: {each}" for each in skipped]
    if skips_fail:
        failed += len(skipped)
    if failed == 0 and status != 0:
        failed = 1
        notes.append(f"pytest ended with status {status}")
    return Outcome(name, passed, failed, notes=tuple(notes))


def summarise(outcomes: Sequence[Outcome]) -> list[str]:
    """One line per step, its notes below it, and the closing line that counts everything."""
    width = max(len(outcome.name) for outcome in outcomes)
    lines = ["", "summary"]
    for outcome in outcomes:
        if outcome.not_run:
            verdict = f"not run: {outcome.not_run}"
        elif outcome.failed:
            verdict = f"FAILED ({outcome.passed} passed, {outcome.failed} failed)"
        else:
            verdict = f"ok ({outcome.passed})"
        lines.append(f"  {outcome.name:<{width}}  {outcome.seconds:6.1f} s  {verdict}")
        lines += [f"    {note}" for note in outcome.notes]
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    missing = sum(bool(outcome.not_run) for outcome in outcomes)
    tail = f", {missing} step(s) not run" if missing else ""
    lines += ["", f"{passed} passed, {failed} failed{tail} in {seconds:.0f} s"]
    return lines
