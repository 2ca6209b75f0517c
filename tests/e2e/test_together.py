"""Several commands at once on one store and one cache: each does its work as if it were alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.e2e.kit import write_recipe
from tests.e2e.toys import toy_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.archive import Archive
    from tests.e2e.kit import Home

pytestmark = pytest.mark.slow


def test_builds_beside_collections(archive: Archive, own: Home, tmp_path: Path) -> None:
    """The same recipe twice and two others, from nothing, while garbage is collected again and again."""
    home, recipe = toy_project(archive, own, tmp_path)
    text = recipe.read_text()
    others = {
        "more-files": text.replace("[app, readme]", "[app, readme, {again: app}]"),
        "no-python": text.replace("packages: [demo]\n", ""),
    }
    recipes = {"toy": recipe}
    for name, other in others.items():
        place = recipe.parent / name
        write_recipe(place, other.replace("tag: toy", f"tag: {name}"), readme="read me\n")
        (place / "app").symlink_to(recipe.parent / "app")
        recipes[name] = place / "image.yaml"
    names = ("toy", "toy", *others)
    alone = elsewhere(home, tmp_path / "alone")
    wanted = {name: alone.build(path)["image"]["digest"] for name, path in recipes.items()}

    stop = threading.Event()
    statuses: set[int] = set()

    def collect() -> None:
        while not stop.is_set():
            done = home.slipway("store", "gc", "--older-than", "0", status=None)
            statuses.add(done.status)
            assert "Traceback" not in done.err

    collector = threading.Thread(target=collect)
    collector.start()
    try:
        for _ in range(2):
            processes = [home.start("build", recipes[name], "--json") for name in names]
            said = [process.communicate(timeout=120) for process in processes]
            for name, process, (out, err) in zip(names, processes, said, strict=True):
                assert process.returncode == 0, out + err
                assert wanted[name] in out.splitlines()[-1]
    finally:
        stop.set()
        collector.join()
    assert statuses <= {0, 6}
    images = home.slipway("image", "ls", "--json").last["images"]
    assert {i["name"]: i["digest"] for i in images} == {f"{n}:latest": d for n, d in wanted.items()}
    home.check_clean()


def elsewhere(home: Home, root: Path) -> Home:
    """The same mirror and index, another store and cache."""
    return home.with_(SLIPWAY_STORE=str(root / "store"), SLIPWAY_CACHE=str(root / "cache"))
