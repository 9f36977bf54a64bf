"""The set-up: which interpreter it takes, when it works at all, and that an interrupted run starts over."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import setup_env
from tools.setup_env import SetupError, covered, ensure, pick_interpreter, stamp_of, version_of


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A project of two locks and no installation; commands are written down instead of run."""
    for name, text in (
        ("requirements.lock", "a==1"),
        ("requirements-dev.lock", "a==1\nb==2"),
        ("pyproject.toml", ""),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    done: list[list[str]] = []

    def record(command: list[str], what: str) -> None:
        done.append(command)
        if command[1:3] == ["-m", "venv"]:
            for stamp in Path(command[-1]).glob(".installed-*"):
                stamp.unlink()
            Path(command[-1]).mkdir(exist_ok=True)

    monkeypatch.setattr(setup_env, "ROOT", tmp_path)
    monkeypatch.setattr(setup_env, "run", record)
    return done


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("version", "verdict"),
    [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False), ((4, 0), False), (None, False)],
)
def test_versions_the_locks_cover(version: tuple[int, int] | None, verdict: bool) -> None:
    assert covered(version) is verdict


def test_an_old_interpreter_gives_way_to_a_covered_one(tmp_path: Path) -> None:
    old = script(tmp_path / "old", "echo 3 9")
    new = script(tmp_path / "new", "echo 3 12")
    assert pick_interpreter(old, (str(tmp_path / "absent"), new)) == new


def test_without_a_covered_interpreter_all_that_were_found_are_named(tmp_path: Path) -> None:
    old = script(tmp_path / "old", "echo 3 9")
    broken = script(tmp_path / "broken", "exit 3")
    with pytest.raises(SetupError) as caught:
        pick_interpreter(old, (broken,))
    message = str(caught.value)
    assert "3.11 to 3.13 is needed" in message
    assert f"{old} (3.9)" in message
    assert f"{broken} (does not run)" in message


def test_version_of_a_real_and_of_no_interpreter(tmp_path: Path) -> None:
    assert version_of(sys.executable) == sys.version_info[:2]
    assert version_of(str(tmp_path / "none")) is None


def test_first_set_up_installs_by_hash_then_the_project_offline(
    commands: list[list[str]], tmp_path: Path
) -> None:
    assert ensure("runtime", tmp_path / ".venv")
    made, locked, project = commands
    assert made[1:4] == ["-m", "venv", "--clear"]
    assert locked[-2:] == ["-r", "requirements.lock"]
    assert "--require-hashes" in locked
    assert {"--no-index", "--no-deps", "--no-build-isolation"} <= set(project)


def test_nothing_is_done_twice(commands: list[list[str]], tmp_path: Path) -> None:
    ensure("dev", tmp_path / ".venv")
    commands.clear()
    assert not ensure("dev", tmp_path / ".venv")
    assert not ensure("runtime", tmp_path / ".venv"), "the dev lock holds all of the runtime lock"
    assert commands == []


def test_dev_is_added_to_runtime_without_starting_over(commands: list[list[str]], tmp_path: Path) -> None:
    ensure("runtime", tmp_path / ".venv")
    commands.clear()
    assert ensure("dev", tmp_path / ".venv")
    assert [command[2] for command in commands] == ["pip", "pip"]


def test_a_changed_lock_starts_over(commands: list[list[str]], tmp_path: Path) -> None:
    ensure("runtime", tmp_path / ".venv")
    (tmp_path / "requirements.lock").write_text("a==2", encoding="utf-8")
    commands.clear()
    assert ensure("runtime", tmp_path / ".venv")
    assert commands[0][1:3] == ["-m", "venv"]


def test_an_interrupted_run_leaves_no_stamp(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = setup_env.run

    def fail(command: list[str], what: str) -> None:
        record(command, what)
        if "--require-hashes" in command:
            raise SetupError("installing failed with status 1")

    monkeypatch.setattr(setup_env, "run", fail)
    with pytest.raises(SetupError):
        ensure("runtime", tmp_path / ".venv")
    monkeypatch.setattr(setup_env, "run", record)
    commands.clear()
    assert ensure("runtime", tmp_path / ".venv")
    assert len(commands) == 3


def test_the_stamp_depends_on_lock_project_and_interpreter(commands: list[list[str]], tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    stamps = [stamp_of(lock, sys.executable), stamp_of(lock, "/bin/sh")]
    lock.write_text("a==3", encoding="utf-8")
    stamps.append(stamp_of(lock, sys.executable))
    (tmp_path / "pyproject.toml").write_text("[project]", encoding="utf-8")
    stamps.append(stamp_of(lock, sys.executable))
    assert len(set(stamps)) == 4
