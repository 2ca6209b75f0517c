"""The version of the tables in a database, and bringing an older one up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from slipway.errors import NotYetError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

# The newest of `migrations/versions`. A number, so that a service can look without loading Alembic.
HEAD: Final = "0001"
# Two services that start at once: one makes the tables, the other waits (PostgreSQL; SQLite locks the file).
_LOCK: Final = 0x51195A7


def migrate(writer: Engine) -> None:
    """Make the tables or bring them up to `HEAD`; `NotYetError` when they are of a newer release."""
    found = revision(writer)
    if found == HEAD:
        return
    if found and not (_versions() / f"{found}.py").is_file():
        raise NotYetError(
            f"the database is of a newer release (its tables are {found}, this release knows {HEAD})",
            hint="run that release, or restore a backup from before",
        )
    _upgrade(writer)


def revision(engine: Engine) -> str:
    """The version of the tables, or empty for a database without."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return ""
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() or ""


def _upgrade(writer: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_versions().parent))
    with writer.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)


def _versions() -> Path:
    return Path(__file__).with_name("migrations") / "versions"
