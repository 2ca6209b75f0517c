"""`kill -9` at many random moments: no store is ever broken by it, and the next command does its work."""

from __future__ import annotations

import os
import random
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from slipway.oci.gc import check
from slipway.oci.store import Store
from tests.e2e.kit import temporary
from tests.e2e.nursery import Nursery
from tests.e2e.toys import toy_project
from tests.registry.conftest import registry  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.archive import Archive
    from tests.e2e.kit import Home
    from tests.registry.real import RealRegistry

pytestmark = pytest.mark.slow
THOROUGH = bool(os.environ.get("SLIPWAY_THOROUGH"))
KILLS = 100 if THOROUGH else 40
SERIES = 4  # kills in a row before somebody looks whether the next command works
FEW = 12 if THOROUGH else 6  # of commands that take long


@pytest.fixture
def project(archive: Archive, own: Home, tmp_path: Path) -> tuple[Home, Path]:
    return toy_project(archive, own, tmp_path)


@pytest.fixture
def nursery(project: tuple[Home, Path]) -> Iterator[Nursery]:
    with Nursery(project[0]) as started:
        yield started


def check_sound(home: Home) -> None:
    """What is referred to is there and is what it should be."""
    store = Store(home.store)
    assert not check(store).problems
    for image in store.images():
        assert store.has(image.digest)


def tidy(home: Home, nursery: Nursery) -> None:
    """Collecting garbage leaves nothing half-made, and breaks nothing."""
    for left in temporary(home.store, home.cache):
        os.utime(left, (0, 0))  # younger ones could belong to somebody who is at work
    assert nursery.run("store", "gc") == 0, nursery.said
    assert temporary(home.store, home.cache) == []
    assert nursery.run("store", "check") == 0, nursery.said


def digest_of(home: Home, name: str = "toy") -> str:
    return Store(home.store).find(name).digest


def test_builds(project: tuple[Home, Path], nursery: Nursery) -> None:
    home, recipe = project
    moments = random.Random(1)
    assert nursery.run("build", recipe) == 0, nursery.said
    wanted = digest_of(home)
    made = (home.store, home.cache / "fragments", home.cache / "downloads", home.cache / "resolved")

    def forget(count: int) -> None:
        for directory in made[:count]:
            shutil.rmtree(directory, ignore_errors=True)

    spans = {}
    for count in (1, 2, 3, 4):
        forget(count)
        spans[count] = nursery.seconds("build", recipe)
    killed = 0
    while killed < KILLS:
        # from fragments, from downloads, and, as that takes long, seldom from nothing at all
        (count,) = moments.choices((1, 2, 3, 4), (4, 4, 4, 1))
        forget(count)
        for _ in range(SERIES):
            status = nursery.run("build", recipe, kill_after=moments.uniform(0, spans[count]))
            assert status in (0, -signal.SIGKILL), nursery.said
            killed += status != 0
            check_sound(home)
        assert nursery.run("build", recipe) == 0, nursery.said
        assert digest_of(home) == wanted
    tidy(home, nursery)
    assert digest_of(home) == wanted
    assert nursery.run("build", recipe, "--no-cache") == 0, nursery.said
    assert digest_of(home) == wanted


def test_locks(project: tuple[Home, Path], nursery: Nursery) -> None:
    """A lock is there whole, or not at all; and with it, the image."""
    home, recipe = project
    moments = random.Random(2)
    span = nursery.seconds("lock", recipe)
    lock = recipe.with_name("image.lock.yaml")
    wanted = lock.read_bytes()
    killed = 0
    while killed < FEW:
        lock.unlink()
        shutil.rmtree(home.cache / "resolved", ignore_errors=True)
        status = nursery.run("lock", recipe, kill_after=moments.uniform(0, span))
        assert status in (0, -signal.SIGKILL), nursery.said
        killed += status != 0
        assert not lock.exists() or lock.read_bytes() == wanted
        assert nursery.run("lock", recipe) == 0, nursery.said
        assert lock.read_bytes() == wanted
    assert nursery.run("build", recipe, "--locked") == 0, nursery.said
    tidy(home, nursery)


def test_pushes_and_pulls(
    project: tuple[Home, Path],
    nursery: Nursery,
    registry: RealRegistry,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    """The registry never names what it does not have; a pull leaves an image or nothing."""
    home, recipe = project
    nursery.seconds("build", recipe)
    wanted = digest_of(home)
    name = f"{registry.host}/killed/toy"
    moments = random.Random(3)
    other = home.with_(SLIPWAY_STORE=str(tmp_path / "other"))
    with Nursery(other) as pulling:
        assert nursery.run("image", "tag", "toy", f"{name}:0") == 0, nursery.said
        push = nursery.seconds("image", "push", f"{name}:0")
        pull = pulling.seconds("image", "pull", f"{name}:0")
        killed = 0
        for number in range(1, 1000):
            repository = f"{name}-{number}"  # a new one has none of the blobs
            assert nursery.run("image", "tag", "toy", repository) == 0, nursery.said
            # what was pushed before would be mounted, or not be sent at all
            shutil.rmtree(home.store / "origins", ignore_errors=True)
            status = nursery.run("image", "push", repository, kill_after=moments.uniform(0, push))
            assert status in (0, -signal.SIGKILL), nursery.said
            killed += status != 0
            check_sound(home)
            assert nursery.run("image", "push", repository) == 0, nursery.said
            shutil.rmtree(other.store)
            status = pulling.run("image", "pull", repository, kill_after=moments.uniform(0, pull))
            assert status in (0, -signal.SIGKILL), pulling.said
            killed += status != 0
            check_sound(other)
            assert pulling.run("image", "pull", repository) == 0, pulling.said
            assert digest_of(other, repository) == wanted
            assert nursery.run("image", "rm", repository) == 0, nursery.said
            if killed >= FEW:
                break
        tidy(other, pulling)
    tidy(home, nursery)
