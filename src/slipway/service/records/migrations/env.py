"""How Alembic gets at the database: by the connection that `schema.migrate` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from slipway.service.records.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
