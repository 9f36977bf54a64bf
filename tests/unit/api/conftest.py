"""Sandboxes of the API's tests: one that is only read, one per module and one per test to write to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.api.sandbox import Sandbox


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A played day; tests only read it."""
    sandbox = Sandbox.played(tmp_path_factory.mktemp("played"))
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A day before its first session; tests may write, each to objects of its own."""
    sandbox = Sandbox.founded(tmp_path_factory.mktemp("founded"))
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="session")
def foundation(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A closed day before its first session, to be copied."""
    sandbox = Sandbox.founded(tmp_path_factory.mktemp("foundation"))
    sandbox.close()
    return sandbox


@pytest.fixture
def fresh(foundation: Sandbox, tmp_path: Path) -> Iterator[Sandbox]:
    """A day before its first session, of the test's own."""
    shutil.copytree(foundation.folder, tmp_path / "fresh")
    sandbox = Sandbox.open(tmp_path / "fresh", foundation.clock.now())
    sandbox.pods, sandbox.devices = list(foundation.pods), dict(foundation.devices)
    yield sandbox
    sandbox.close()
