"""Fixtures of the conformance suites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.domain.rulebook import Rulebook
from tests.conformance.side_by_side import Both, Chain
from tests.unit.domain.change_stream import NOTICE_S
from tests.unit.domain.consortium import ADMIN, DISPUTE_WINDOW_S


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    """The rulebook beside the contracts on an embedded chain, nothing founded yet."""
    chain = Chain(tmp_path, NOTICE_S)
    yield Both(Rulebook(chain.addresses[ADMIN], DISPUTE_WINDOW_S, NOTICE_S), chain)
    chain.close()
