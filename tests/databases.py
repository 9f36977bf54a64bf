"""Databases of a test's own on the session's PostgreSQL server."""

from __future__ import annotations

from itertools import count

import psycopg

_numbers = count()


def fresh_database(url: str) -> str:
    """A new, empty database on the session's server."""
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    name = f"log_{next(_numbers)}"
    with psycopg.connect(plain, autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name}".encode())
    return plain.rpartition("/")[0] + f"/{name}"
