"""The check runner: counts are right, what is missing is said, CI skips nothing, all steps run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools import run_checks
from tools.check_results import Outcome, count_forge, count_junit, run_shown, summarise

FORGE = "Ran 3 test suites in 1.2s (1.9s CPU time): {} tests passed, {} failed, {} skipped ({} total tests)\n"
JUNIT = """<testsuites><testsuite>
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="x"/></testcase>
<testcase classname="a" name="broken"><error message="x"/></testcase>
<testcase classname="a" name="absent"><skipped type="pytest.skip" message="not run: no node"/></testcase>
<testcase classname="a" name="expected"><skipped type="pytest.xfail" message="known"/></testcase>
</testsuite></testsuites>"""
GREEN_JUNIT = '<testsuites><testsuite><testcase classname="a" name="good"/></testsuite></testsuites>'


def test_forge_totals_are_read() -> None:
    output = "Suite result: ok. 1 passed\n" + FORGE.format(41, 0, 1, 42)
    outcome = count_forge("forge", 0, output)
    assert (outcome.passed, outcome.failed) == (41, 0)
    assert outcome.notes == ("1 Solidity test(s) skipped",)


@pytest.mark.parametrize(
    ("status", "output", "failed"),
    [
        (1, FORGE.format(3, 2, 0, 5), 2),
        (1, "compiler error", 1),
        (0, FORGE.format(0, 0, 0, 0), 1),
        (1, FORGE.format(3, 0, 0, 3), 1),
    ],
)
def test_forge_failures_and_empty_runs_fail(status: int, output: str, failed: int) -> None:
    assert count_forge("forge", status, output).failed == failed


def test_junit_counts_and_skips(tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    report.write_text(JUNIT, encoding="utf-8")
    outcome = count_junit("pytest", 1, report, skips_fail=False)
    assert (outcome.passed, outcome.failed) == (2, 2)
    assert outcome.notes == ("not run: a.absent: not run: no node",)
    assert count_junit("pytest", 1, report, skips_fail=True).failed == 3


def test_a_bad_end_of_pytest_fails_whatever_the_report_says(tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    assert count_junit("pytest", 4, report, skips_fail=False).failed == 1
    report.write_text(GREEN_JUNIT, encoding="utf-8")
    assert count_junit("pytest", 0, report, skips_fail=False).failed == 0
    assert count_junit("pytest", 3, report, skips_fail=False).failed == 1


def test_the_closing_line_counts_everything() -> None:
    outcomes = [
        Outcome("a", 3, 0, seconds=1),
        Outcome("bb", 1, 2, seconds=2),
        Outcome("c", not_run="no node"),
    ]
    lines = summarise(outcomes)
    assert lines[-1] == "4 passed, 2 failed, 1 step(s) not run in 3 s"
    assert any("bb" in line and "FAILED (1 passed, 2 failed)" in line for line in lines)
    assert any("not run: no node" in line for line in lines)


def test_output_is_shown_and_returned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run_shown(
        [sys.executable, "-c", "print('out'); raise SystemExit(3)"], tmp_path, dict(os.environ)
    )
    assert (status, output) == (3, "out\n")
    assert "out\n" in capsys.readouterr().out


def test_a_missing_program_is_a_failure_and_no_traceback(tmp_path: Path) -> None:
    assert run_shown([str(tmp_path / "none")], tmp_path, {})[0] == 127


def steps(*outcomes: Outcome) -> dict[str, tuple[run_checks.Step, ...]]:
    return {"lint": tuple((lambda outcome=outcome: outcome) for outcome in outcomes)}


def test_all_steps_run_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(run_checks, "GROUPS", steps(Outcome("a", failed=1), Outcome("b", passed=5)))
    assert run_checks.main(["lint"]) == 1
    assert "5 passed, 1 failed in 0 s" in capsys.readouterr().out


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_what_is_missing_fails_only_in_ci(monkeypatch: pytest.MonkeyPatch, ci: str, status: int) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(run_checks, "GROUPS", steps(Outcome("a", passed=1), Outcome("b", not_run="no node")))
    assert run_checks.main(["lint"]) == status


@pytest.mark.parametrize(
    ("machine", "fits"),
    [(("Linux", "x86_64"), True), (("Linux", "aarch64"), False), (("Darwin", "arm64"), False)],
)
def test_native_programs_of_the_lock_are_used_only_where_they_run(
    monkeypatch: pytest.MonkeyPatch, machine: tuple[str, str], fits: bool
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr(run_checks.platform, "system", lambda: machine[0])
    monkeypatch.setattr(run_checks.platform, "machine", lambda: machine[1])
    assert (str(run_checks.NODE_BIN) in run_checks.environment()["PATH"].split(os.pathsep)) is fits
    assert ("--force" in run_checks.npm_ci()) is not fits


@pytest.mark.parametrize("step", [run_checks.node_modules, run_checks.solidity_tests, run_checks.artifacts])
def test_without_node_the_contract_steps_say_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: run_checks.Step
) -> None:
    monkeypatch.setattr(run_checks, "which", lambda program: None)
    assert step().not_run == "no node"
