"""The same inputs give the same bytes: for whoever builds, wherever, whenever, however fast."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.e2e.kit import EXAMPLES, Home, adopt_pip_configuration, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

pytestmark = [pytest.mark.net, pytest.mark.slow]

USUAL = ("hello",)
NAMES = [
    pytest.param(name, marks=() if name in USUAL else pytest.mark.thorough)
    for name in sorted(path.parent.name for path in EXAMPLES.glob("*/image.yaml"))
]
ODD = {
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "C",
    "PYTHONHASHSEED": "4711",
    "SLIPWAY_WORKERS": "8",
    "COLUMNS": "40",
    "USER": "somebody",
}
EVEN = {"TZ": "America/Los_Angeles", "PYTHONHASHSEED": "1", "SLIPWAY_WORKERS": "1", "PYTHONUTF8": "1"}


def odd_copy(source: Path, place: Path) -> Path:
    """A copy of a project in a directory of another name, with other modes and times."""
    there = place / "a b" / "ö"
    shutil.copytree(source, there)
    for path in there.rglob("*"):
        path.chmod(0o700 if path.stat().st_mode & 0o100 else 0o600)
        os.utime(path, (1, 1))
    return there


def same_downloads(source: Home, place: Path) -> None:
    """Give the cache at `place` what was downloaded already, without a copy of the bytes."""
    place.mkdir(parents=True)
    if (source.cache / "downloads").exists():
        shutil.copytree(source.cache / "downloads", place / "downloads", copy_function=os.link)


@pytest.mark.parametrize("name", NAMES)
def test_an_example(
    name: str, home: Home, built: Callable[[str], dict[str, Any]], plain_home: Home, tmp_path: Path
) -> None:
    """The lock that was written down, and then: from fragments; from packages, one at a time; by somebody without
    privileges, eight at a time, in another time zone, with another umask, elsewhere.
    """
    wanted = built(name)["image"]
    project = tmp_path / "project"
    shutil.copytree(EXAMPLES / name, project)
    recipe = project / "image.yaml"
    home.slipway("lock", recipe, timeout=300)
    assert home.build(recipe, "--locked")["image"] == wanted

    slow = home.with_(**EVEN, SLIPWAY_STORE=str(tmp_path / "store"), SLIPWAY_CACHE=str(tmp_path / "cache"))
    same_downloads(home, slow.cache)
    assert slow.build(recipe, "--locked", cwd=project, timeout=300)["image"] == wanted

    place = plain_home.root / f"of {name}"
    there = odd_copy(project, place)
    same_downloads(home, place / "cache")
    if owner := plain_home.identity.get("user"):
        for directory, _, files in os.walk(place):
            os.chown(directory, owner, owner)
            if not directory.startswith(str(place / "cache")):
                for file in files:
                    os.chown(os.path.join(directory, file), owner, owner)  # noqa: PTH118
    fast = plain_home.with_(**ODD, SLIPWAY_STORE=str(place / "store"), SLIPWAY_CACHE=str(place / "cache"))
    done = fast.slipway("build", "image.yaml", "--locked", "--json", cwd=there, umask=0o077, timeout=300).last
    assert done["image"] == wanted
    fast.check_clean()
    for used in (place, slow.store, slow.cache):
        shutil.rmtree(used)


@pytest.mark.thorough
def test_two_builds_from_nothing(plain_home: Home, tmp_path: Path) -> None:
    """Without a lock, each asking and downloading for itself."""
    first = Home(tmp_path / "first", EVEN | {"HOME": str(tmp_path)})
    adopt_pip_configuration(tmp_path)
    here = tmp_path / "project"
    shutil.copytree(EXAMPLES / "hello", here)
    one = first.build(here / "image.yaml", cwd=here, timeout=300)

    place = plain_home.root / "elsewhere"
    there = odd_copy(EXAMPLES / "hello", place)
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
