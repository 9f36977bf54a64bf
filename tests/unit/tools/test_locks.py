"""Locks: versions are hashed, no address is recorded, dev holds runtime, npm's lock has integrity."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))


def pins(name: str) -> dict[str, set[str]]:
    """Hashes by requirement line, such as ``numpy==2.4.6 ; python_full_version < '3.12'``."""
    found: dict[str, set[str]] = {}
    current = ""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        text = line.rstrip(" \\")
        if not text or text.startswith("#"):
            continue
        if not line.startswith(" "):
            current = text
            found[current] = set()
        else:
            found[current].add(text.strip())
    return found


def names(pinned: dict[str, set[str]]) -> set[str]:
    return {re.split(r"[=\[ ]", line, maxsplit=1)[0] for line in pinned}


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_is_exact_and_hashed(name: str) -> None:
    pinned = pins(name)
    assert pinned
    for line, hashes in pinned.items():
        assert re.match(r"[a-z0-9][a-z0-9.-]*==[\w.!+]+( ;.*)?$", line), line
        assert hashes, line
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), line


@pytest.mark.parametrize("name", [*LOCKS, "package-lock.json", "package.json", ".npmrc"])
def test_no_registry_address_is_recorded(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"--(extra-)?index-url|--find-links|@ ?https?:|\bregistry ?=|\"resolved\"", text)


def test_the_dev_lock_holds_the_runtime_lock() -> None:
    runtime, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert runtime.items() <= dev.items()


@pytest.mark.parametrize(
    ("source", "lock"),
    [("requirements.in", "requirements.lock"), ("requirements-dev.in", "requirements-dev.lock")],
)
def test_everything_asked_for_is_locked(source: str, lock: str) -> None:
    locked = names(pins(lock))
    for line in (ROOT / source).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "-")):
            assert re.split(r"[\[<>=~!;, ]", line, maxsplit=1)[0].lower().replace("_", "-") in locked, line


def test_the_build_backend_is_locked() -> None:
    assert "setuptools" in names(pins("requirements.lock"))


def test_npm_pins_exactly_and_records_integrity() -> None:
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    lock: dict[str, Any] = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, version in package["devDependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert lock[f"node_modules/{name}"]["version"] == version
    for path, entry in lock.items():
        if path:
            assert entry["integrity"].startswith("sha512-"), path
