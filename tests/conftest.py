"""Fixtures for every suite: a PostgreSQL server and an anvil chain of the session's own, on loopback.

Where a program is not installed, tests that ask for it are skipped with "not run: …"; with CI=true they fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from bench.servers import Anvil, MissingProgram, PostgresServer

# Machines differ: a property is judged by what it finds, never by how long an example took. In CI the
# examples are the same in every run, so that a red run can be repeated.
settings.register_profile("anywhere", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in {"true", "1"} else "anywhere")

ROOT = Path(__file__).resolve().parent.parent


def not_run(reason: str) -> NoReturn:
    """Skip a test that needs what this machine lacks; fail it where nothing may be skipped (CI=true)."""
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(f"not run: {reason}, and CI=true", pytrace=False)
    pytest.skip(f"not run: {reason}")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """SQLAlchemy URL (psycopg) of an empty database on a server that ends with the session."""
    try:
        server = PostgresServer.start(durable=False)
    except MissingProgram as error:
        not_run(str(error))
    with server:
        yield server.url


@pytest.fixture(scope="session")
def anvil_url() -> Iterator[str]:
    """HTTP URL of a fresh anvil chain: chain id 31337, ten funded accounts, a block per transaction."""
    try:
        chain = Anvil.start(ROOT)
    except MissingProgram as error:
        not_run(str(error))
    with chain:
        yield chain.url
