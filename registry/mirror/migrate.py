"""Brings a database to the newest form of its tables, by the steps in ``migrations/``."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import inspect, select, table
from sqlalchemy.sql import column

from registry.mirror import tables, vault_tables
from registry.mirror.database import Database
from registry.ports import DatabaseCorrupted

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x464C44


def migrate_mirror(database: Database) -> None:
    """Create or upgrade the tables of the mirror. Raises :class:`DatabaseCorrupted` for a database of a later
    release.
    """
    _migrate(database, "mirror", tables.METADATA)


def migrate_vault(database: Database) -> None:
    """Create or upgrade the tables of the vault. Raises as :func:`migrate_mirror`."""
    _migrate(database, "vault", vault_tables.METADATA)


def configuration(branch: str) -> Config:
    """Alembic's configuration for the migrations of ``mirror`` or ``vault``; each keeps its own place in
    ``<branch>_version``.
    """
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("version_locations", str(_FOLDER / branch))
    config.set_main_option("path_separator", "os")
    config.attributes["version_table"] = f"{branch}_version"
    return config


def _migrate(database: Database, branch: str, metadata: object) -> None:
    config = configuration(branch)
    newest = ScriptDirectory.from_config(config).get_current_head()
    with database.reading() as connection:
        versions = table(config.attributes["version_table"], column("version_num"))
        known = inspect(connection).has_table(versions.name)
        if known and connection.execute(select(versions)).scalar() == newest:
            return
    with database.writing(_LOCK) as connection:
        config.attributes["connection"] = connection
        config.attributes["metadata"] = metadata
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise DatabaseCorrupted(
                found=f"tables of an unknown form in {database.place} ({error})",
                expected=f"{branch} tables of this release or an earlier one",
                remedy="run the release that wrote them, or a newer one",
            ) from error
