from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.build.resolve import Inputs
from slipway.errors import LockError
from slipway.inputs.pinned import PinnedFile
from slipway.lock.kept import FIELD, kept, lock_of
from slipway.recipe.model import Platform
from slipway.recipe.plain import from_data
from tests.lock.making import DEBIAN, TARGET, deb, debian, dist, lock, resolution


def inputs(**more) -> Inputs:
    made = lock()
    (one,) = made.platforms
    recipe = from_data(made.recipe, Path("/team"))
    files = tuple(
        PinnedFile(f.dest, f.source, f.kind, f.sha256, f.size, Path("/here"), f.mode) for f in one.files
    )
    found = Inputs(recipe, Platform("amd64"), one.debian, None, one.python, TARGET, files)
    return replace(found, **more)


def test_the_lock_of_an_image():
    config = {FIELD: kept(inputs(), "isal-1-1", 1_600_000_000)}
    found = lock_of(config)
    assert found is not None
    assert found.recipe == lock().recipe
    (mine,), (one,) = found.platforms, lock().platforms
    assert (mine.python, mine.target, mine.files) == (one.python, one.target, one.files)
    assert mine.debian is not None
    assert [(d.name, d.version, d.url, d.sha256) for d in mine.debian.debs] == [
        (d.name, d.version, d.url, d.sha256) for d in DEBIAN.debs
    ]
    assert lock_of({}) is None
    with pytest.raises(LockError):
        lock_of({FIELD: {"format": 1}})


def test_nothing_that_may_be_otherwise_while_the_image_stays():
    first = kept(inputs(), "isal-1-1", 1_600_000_000)
    bash = deb("bash", priority="extra", installed_size=99)
    later = debian(bash, *DEBIAN.base[1:], apt=DEBIAN.apt)
    later = replace(later, date=1_800_000_000, version="13.3")
    assert kept(inputs(debian=later), "isal-1-1", 1_600_000_000) == first
    # the date counts where SOURCE_DATE_EPOCH cuts the times of packages
    assert kept(inputs(debian=replace(later, date=1)), "isal-1-1", 1_600_000_000) != first
    assert kept(inputs(debian=replace(later, date=1)), "x", None) == kept(inputs(), "x", None)
    assert kept(inputs(debian=debian(deb("bash", "2.0"))), "isal-1-1", 1_600_000_000) != first


def test_addresses_without_secrets_and_local_paths():
    dists = (
        dist("demo", url="https://x.example.org/demo-1.0-py3-none-any.whl?token=canary&x=1"),
        dist("pip", url="file:///home/somebody/pip-1.0-py3-none-any.whl"),
    )
    data = kept(inputs(python=resolution(*dists)), "x", None)
    demo, pip = data["platforms"][0]["python"]["dists"]
    assert demo["url"] == "https://x.example.org/demo-1.0-py3-none-any.whl?token=***&x=1"
    assert (pip["url"], pip["filename"]) == ("", "pip-1.0-py3-none-any.whl")
    assert lock_of({FIELD: data}) is not None
