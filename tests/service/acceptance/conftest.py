"""One service for all tests of this folder: over rclone, and over Ceph where slow tests run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.inputs import s3d as rclone
from tests.service import ceph as gateway
from tests.service.acceptance.site import Site, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", params=["rclone", pytest.param("ceph", marks=pytest.mark.slow)])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    if request.param == "ceph":
        found = request.getfixturevalue("ceph")
        with serving(home, found.url, gateway.KEY, gateway.SECRET) as site:
            yield site
        return
    with (
        rclone.s3d(home) as server,
        serving(home, server.url, rclone.KEY, rclone.SECRET) as site,
    ):
        yield site
