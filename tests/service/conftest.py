"""Databases and S3 servers for the tests of the service: each test that asks for `database` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from slipway.service.artifacts.s3 import S3Artifacts
from slipway.service.artifacts.s3clients import clients
from slipway.service.settings import ServiceSettings
from tests.inputs.s3d import KEY, SECRET, s3d
from tests.service import ceph as gateway
from tests.service.postgres import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.ceph import Ceph

_COUNT = itertools.count()
BUCKETS = ("boot-images", "ims-other", "ims")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with running() as address:
        yield address


@pytest.fixture(scope="session")
def ceph() -> Iterator[Ceph]:
    with gateway.running() as server:
        yield server


@pytest.fixture
def rclone_settings(tmp_path: Path) -> Iterator[ServiceSettings]:
    """Of a server with the buckets."""
    with s3d(tmp_path) as server:
        for bucket in BUCKETS:
            (server.root / bucket).mkdir()
        yield ServiceSettings(s3_endpoint=server.url, s3_access_key=KEY, s3_secret_key=SECRET)


@pytest.fixture
def ceph_settings(ceph: Ceph) -> ServiceSettings:
    """Of a server with the buckets, empty."""
    settings = ServiceSettings(
        s3_endpoint=ceph.url, s3_access_key=gateway.KEY, s3_secret_key=gateway.SECRET, s3_ca=str(ceph.ca)
    )
    client, probe = clients(settings)
    for bucket in BUCKETS:
        client.create_bucket(Bucket=bucket)
        for found in client.list_objects_v2(Bucket=bucket).get("Contents", ()):
            client.delete_object(Bucket=bucket, Key=found["Key"])
        for begun in client.list_multipart_uploads(Bucket=bucket).get("Uploads", ()):
            client.abort_multipart_upload(Bucket=bucket, Key=begun["Key"], UploadId=begun["UploadId"])
    client.close()
    probe.close()
    return settings


@pytest.fixture
def rclone(rclone_settings: ServiceSettings) -> Iterator[S3Artifacts]:
    storage = S3Artifacts.connect(rclone_settings)
    yield storage
    storage.close()


@pytest.fixture
def rgw(ceph_settings: ServiceSettings) -> Iterator[S3Artifacts]:
    storage = S3Artifacts.connect(ceph_settings)
    yield storage
    storage.close()


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
