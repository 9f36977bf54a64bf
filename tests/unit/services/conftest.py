"""The sandbox of the services' tests: the same small consortium the API's tests have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.api.sandbox import Sandbox


@pytest.fixture(scope="module")
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
