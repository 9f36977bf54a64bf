"""Runs the checks and tests in order, goes on after a failure, ends with one line that counts everything.

`lint`          style (ruff), types (mypy), rooms (import-linter), rules (tools.check_rules)
`node-modules`  the contract tool chain, by `npm ci` from package-lock.json
`all`           lint, node-modules, Solidity tests (forge), artifacts rebuilt bit for bit, then pytest with
                the chain suite on anvil and the mirror suite on PostgreSQL where those are installed

What a machine lacks is reported as "not run" with its reason; with CI=true it is a failure instead.

Usage: python -m tools.run_checks {lint,node-modules,all}
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tools.check_results import Outcome, count_forge, count_junit, run_shown, summarise

ROOT = Path(__file__).resolve().parent.parent
NODE_BIN = ROOT / "node_modules" / ".bin"
NODE_STAMP = ROOT / "node_modules" / ".installed"
JUNIT = ROOT / "var" / "test" / "junit.xml"
PYTHON = sys.executable
BIN = Path(sys.prefix) / "bin"

Step = Callable[[], Outcome]


def native_tools_fit() -> bool:
    """Whether the native programs in package-lock.json run on this machine."""
    return (platform.system(), platform.machine()) == ("Linux", "x86_64")


def environment() -> dict[str, str]:
    """The caller's environment, with the programs of .venv and node_modules first on the path."""
    folders = [BIN, NODE_BIN] if native_tools_fit() else [BIN]
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "NO_COLOR": "1", "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1"}


def in_ci() -> bool:
    """Whether nothing may be skipped."""
    return os.environ.get("CI", "").lower() in {"true", "1"}


def which(program: str) -> str | None:
    """Full path of ``program`` on the path of ``environment()``, None if there is none."""
    for folder in environment()["PATH"].split(os.pathsep):
        candidate = Path(folder) / program
        if folder and candidate.is_file() and os.access(candidate, os.X_OK):
            return str(candidate)
    return None


def command(name: str, *words: str) -> Step:
    """A step that is one command: passed when its status is 0."""

    def step() -> Outcome:
        status, _ = run_shown(list(words), ROOT, environment())
        return Outcome(name, passed=int(status == 0), failed=int(status != 0))

    return step


def npm_ci() -> list[str]:
    """The command that installs package-lock.json, with a cache inside the project.

    The lock holds forge and anvil as native programs for Linux on x86-64. Elsewhere ``--force`` makes npm
    install the rest all the same (integrity is checked in any case); forge and anvil then come from the path.
    """
    force = [] if native_tools_fit() else ["--force"]
    return ["npm", "ci", *force, "--cache", str(ROOT / ".cache" / "npm")]


def node_modules() -> Outcome:
    """Install node_modules by the lock, unless that lock is installed already."""
    name = "contract tool chain (npm ci)"
    if which("node") is None or which("npm") is None:
        return Outcome(name, not_run="no node" if which("node") is None else "no npm")
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    if NODE_STAMP.exists() and NODE_STAMP.read_text(encoding="utf-8") == lock:
        return Outcome(name, passed=1)
    status, _ = run_shown(npm_ci(), ROOT, environment())
    if status == 0:
        NODE_STAMP.write_text(lock, encoding="utf-8")
    return Outcome(name, passed=int(status == 0), failed=int(status != 0))


def solidity_tests() -> Outcome:
    """forge over contracts/, offline, with the compiler wrapper."""
    name = "Solidity tests (forge)"
    forge = which("forge")
    if which("node") is None:
        return Outcome(name, not_run="no node")
    if forge is None:
        return Outcome(name, not_run="no forge for this platform in node_modules nor on the path")
    compiler = str(ROOT / "tools" / "solc")
    words = [forge, "test", "--root", str(ROOT / "contracts"), "--offline", "--use", compiler]
    status, output = run_shown(words, ROOT, environment())
    return count_forge(name, status, output)


def artifacts() -> Outcome:
    """contracts/artifacts equals what the compiler makes of contracts/src now."""
    name = "artifacts rebuilt bit for bit"
    if which("node") is None:
        return Outcome(name, not_run="no node")
    return command(name, PYTHON, "-m", "contracts.compile", "--check")()


def pytest() -> Outcome:
    """All Python tests on two processes; with CI=true a skipped test is a failed one."""
    name = "Python tests (pytest)"
    JUNIT.parent.mkdir(parents=True, exist_ok=True)
    JUNIT.unlink(missing_ok=True)
    words = [PYTHON, "-m", "pytest", "-n", "2", "--dist", "loadfile", f"--junitxml={JUNIT}"]
    status, _ = run_shown(words, ROOT, environment())
    return count_junit(name, status, JUNIT, skips_fail=in_ci())


LINT: tuple[Step, ...] = (
    command("style (ruff)", PYTHON, "-m", "ruff", "check", "--no-fix", "."),
    command("types (mypy)", PYTHON, "-m", "mypy"),
    command("rooms (import-linter)", str(BIN / "lint-imports"), "--no-logo", "--cache-dir", ".cache/imports"),
    command("rules (check_rules)", PYTHON, "-m", "tools.check_rules", "--check"),
)
GROUPS: dict[str, tuple[Step, ...]] = {
    "lint": LINT,
    "node-modules": (node_modules,),
    "all": (*LINT, node_modules, solidity_tests, artifacts, pytest),
}


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status (0 when nothing failed)."""
    parser = argparse.ArgumentParser(description="Run the checks and tests.")
    parser.add_argument("group", choices=sorted(GROUPS))
    options = parser.parse_args(arguments)

    outcomes = []
    for step in GROUPS[options.group]:
        started = time.monotonic()
        outcome = step().with_seconds(time.monotonic() - started)
        outcomes.append(outcome.as_failure() if in_ci() and outcome.not_run else outcome)
    print("\n".join(summarise(outcomes)), flush=True)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
