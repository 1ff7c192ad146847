"""Alembic runs this; `pointsman.storage.migrate` hands it the connection."""

from alembic import context

from pointsman.storage import schema_tenants  # noqa: F401 - its tables
from pointsman.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
