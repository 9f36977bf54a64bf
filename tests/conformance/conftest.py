"""Fixtures of the conformance suites."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from registry.domain.rulebook import Rulebook
from registry.mirror import SqlMirror
from tests.conformance.mirror_world import Fresh
from tests.conformance.side_by_side import Both, Chain
from tests.unit.domain.change_stream import NOTICE_S
from tests.unit.domain.consortium import ADMIN, DISPUTE_WINDOW_S
from tests.unit.mirror.fake_ledger import FakeLedger, opening


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fresh]:
    """Gives the URL of an empty database each time it is called."""
    if request.param == "sqlite":
        yield lambda: f"sqlite:///{tmp_path / uuid.uuid4().hex}.sqlite"
        return
    server: str = request.getfixturevalue("postgres_url")
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def url() -> str:
        made.append(f"db_{uuid.uuid4().hex}")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {made[-1]}"))
        return server.rpartition("/")[0] + "/" + made[-1]

    yield url
    with admin.connect() as connection:
        for name in made:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def ledger() -> FakeLedger:
    ledger = FakeLedger()
    ledger.mine(*opening())
    return ledger


@pytest.fixture
def mirror(fresh: Fresh, ledger: FakeLedger) -> Iterator[SqlMirror]:
    mirror = SqlMirror(fresh(), ledger)
    mirror.catch_up()
    yield mirror
    mirror.close()


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    """The rulebook beside the contracts on an embedded chain, nothing founded yet."""
    chain = Chain(tmp_path, NOTICE_S)
    yield Both(Rulebook(chain.addresses[ADMIN], DISPUTE_WINDOW_S, NOTICE_S), chain)
    chain.close()
