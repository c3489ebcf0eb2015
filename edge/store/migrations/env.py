"""Alembic's entry: the caller (edge.store.migrate) brings the connection and its transaction."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
