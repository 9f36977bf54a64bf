"""Run by Alembic within the transaction that :mod:`registry.mirror.migrate` opened."""

from alembic import context

_attributes = context.config.attributes
context.configure(
    connection=_attributes["connection"],
    target_metadata=_attributes["metadata"],
    version_table=_attributes["version_table"],
)
context.run_migrations()
