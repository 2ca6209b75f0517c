"""Each storage: a local directory, rclone's S3 server, and Ceph's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.service.artifacts.local import LocalArtifacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.service.artifacts.model import Artifacts
    from slipway.service.settings import ServiceSettings


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalArtifacts]:
    storage = LocalArtifacts(tmp_path / "artifacts", "http://127.0.0.1:1/artifacts")
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
