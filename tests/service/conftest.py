"""Databases for the tests of the service: each test that asks for `database` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.service import ceph as gateway
from tests.service.postgres import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.ceph import Ceph

_COUNT = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with running() as address:
        yield address


@pytest.fixture(scope="session")
def ceph() -> Iterator[Ceph]:
    with gateway.running() as server:
        yield server


@pytest.fixture
def new_postgres(postgres: str) -> Iterator[str]:
    """The address of an empty database."""
    name = f"t{next(_COUNT)}"
    engine = sa.create_engine(f"{postgres}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        yield f"{postgres}/{name}"
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/db/service.db"
    return str(request.getfixturevalue("new_postgres"))
