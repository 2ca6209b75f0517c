"""The same inputs give the same bytes: for whoever builds, wherever, whenever, however fast."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.e2e.kit import EXAMPLES, Home, adopt_pip_configuration, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.net, pytest.mark.slow]

ODD = {
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "C",
    "PYTHONHASHSEED": "4711",
    "SLIPWAY_WORKERS": "8",
    "COLUMNS": "40",
    "USER": "somebody",
}
EVEN = {"TZ": "America/Los_Angeles", "PYTHONHASHSEED": "1", "SLIPWAY_WORKERS": "1", "PYTHONUTF8": "1"}


def test_two_builds_from_nothing(plain_home: Home, tmp_path: Path) -> None:
    """The first as whoever runs the tests, the second without privileges, in another directory, with another umask."""
    first = Home(tmp_path / "first", EVEN | {"HOME": str(tmp_path)})
    adopt_pip_configuration(tmp_path)
    here = tmp_path / "project"
    shutil.copytree(EXAMPLES / "hello", here)
    one = first.build(here / "image.yaml", cwd=here, timeout=300)

    place = plain_home.root / "elsewhere"
    there = place / "a b" / "ö"
    shutil.copytree(EXAMPLES / "hello", there)
    for path in there.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (1, 1))
    places = {"SLIPWAY_STORE": str(place / "store"), "SLIPWAY_CACHE": str(place / "cache")}
    second = plain_home.with_(**ODD, **places)
    if owner := plain_home.identity.get("user"):
        run(["chown", "-R", f"{owner}:{owner}", place])
    two = second.slipway("build", "image.yaml", "--json", cwd=there, umask=0o077, timeout=300).last

    assert [item["digest"] for item in two["layers"]] == [item["digest"] for item in one["layers"]]
    assert two["image"] == one["image"]
    assert two["id"] == one["id"]
    second.check_clean()


def test_the_date_is_given(home: Home, tmp_path: Path) -> None:
    """SOURCE_DATE_EPOCH (reproducible-builds.org) is the date of the image; no time in it is later."""
    recipe = EXAMPLES / "files-only" / "image.yaml"
    dated = [
        home.with_(SOURCE_DATE_EPOCH=epoch).build(recipe, "--tag", f"dated-{epoch}")
        for epoch in ("1600000000", "1700000000")
    ]
    assert dated[0]["image"] != dated[1]["image"]
    inspected = home.slipway("image", "inspect", "dated-1600000000", "--json").last["image"]
    assert inspected["Created"] == "2020-09-13T12:26:40Z"
