"""The migrations make exactly the tables that the program uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from registry.mirror import tables, vault_tables
from registry.mirror.database import Database
from registry.mirror.migrate import configuration, migrate_mirror, migrate_vault

BRANCHES = {
    "mirror": (migrate_mirror, tables.METADATA),
    "vault": (migrate_vault, vault_tables.METADATA),
}


@pytest.mark.parametrize("branch", BRANCHES)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_nothing_is_left_to_change(
    branch: str, engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/x.sqlite" if engine == "sqlite" else request.getfixturevalue("postgres_url")
    migrate, metadata = BRANCHES[branch]
    database = Database(url)
    migrate(database)
    migrate(database)
    with database.writing() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": f"{branch}_version",
                "include_object": lambda _, name, kind, *__: kind != "table" or name in metadata.tables,
            },
        )
        assert compare_metadata(context, metadata) == []
        # and back again
        config = configuration(branch)
        config.attributes.update(connection=connection, metadata=metadata)
        command.downgrade(config, "base")
        known = set(connection.dialect.get_table_names(connection))
        assert not known & set(metadata.tables)
    database.close()
