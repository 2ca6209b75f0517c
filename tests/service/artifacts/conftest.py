"""Each storage: a local directory, rclone's S3 server, and Ceph's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.service.artifacts.local import LocalArtifacts
from slipway.service.artifacts.s3 import S3Artifacts
from slipway.service.artifacts.s3clients import clients
from slipway.service.settings import ServiceSettings
from tests.inputs.s3d import KEY, SECRET, s3d
from tests.service import ceph as gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.service.artifacts.model import Artifacts
    from tests.service.ceph import Ceph

BUCKETS = ("boot-images", "ims-other", "ims")


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalArtifacts]:
    storage = LocalArtifacts(tmp_path / "artifacts", "http://127.0.0.1:1/artifacts")
    yield storage
    storage.close()


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


@pytest.fixture(params=["local", "rclone", pytest.param("rgw", marks=pytest.mark.slow)])
def storage(request: pytest.FixtureRequest) -> Artifacts:
    found: Artifacts = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["rclone_settings", pytest.param("ceph_settings", marks=pytest.mark.slow)])
def s3_settings(request: pytest.FixtureRequest) -> ServiceSettings:
    found: ServiceSettings = request.getfixturevalue(request.param)
    return found
