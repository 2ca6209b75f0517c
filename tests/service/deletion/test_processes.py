"""Processes that are killed, and several at once."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from slipway.service.artifacts.local import LocalArtifacts
from slipway.service.model import Image, Link, Recipe
from slipway.service.records.store import Records
from tests.service.deletion import program
from tests.service.deletion.conftest import make_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def process(database: str, place: Path, verb: str, delay: float = 0) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", "-m", program.__name__, database, str(place), verb, str(delay)]
    running = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def line(running: subprocess.Popen[str]) -> str:
    assert running.stdout
    assert running.stderr
    return running.stdout.readline().strip() or running.stderr.read()


def end(running: subprocess.Popen[str]) -> None:
    """Let it end in peace: it has nothing to say to a console."""
    out, error = running.communicate("\n", timeout=30)
    assert (running.returncode, out, error) == (0, "", "")


pytestmark = pytest.mark.slow


def content(place: Path) -> dict[str, bytes]:
    storage = LocalArtifacts(place)
    found = {
        f"s3://{bucket}/{stat.key}": storage.read(bucket, stat.key, 1 << 20)
        for bucket in ("boot-images", "ims")
        for stat in storage.walk(bucket)
    }
    storage.close()
    return found


def fill(database: str, place: Path, images: int) -> list[Any]:
    storage = LocalArtifacts(place)
    with Records.open(database) as records:
        made: list[Any] = [
            make_image(records, storage, f"00000000-0000-4000-8000-{number:012}") for number in range(images)
        ]
        stat = storage.put("ims", "recipes/r/recipe.tgz", [b"recipe"])
        recipe = Recipe(
            id="r",
            created=1,
            name="r",
            recipe_type="packer",
            linux_distribution="sles12",
            link=Link("s3://ims/recipes/r/recipe.tgz", stat.etag),
        )
        made.append(records.write(lambda tx: tx.add(recipe)))
    storage.close()
    return made


def carried_out(database: str, place: Path, made: list[Any], before: dict[str, bytes], verb: str) -> None:
    with Records.open(database) as records:
        live = [*records.all(Image), *records.all(Recipe)]
        gone = [*records.all(Image, gone=True), *records.all(Recipe, gone=True)]
    found = content(place)
    if verb == "undelete":
        assert [replace(each, version=1) for each in live] == made
        assert (gone, found) == ([], before)
    elif verb == "purge":
        assert (live, gone, found) == ([], [], {})
    else:
        assert live == []
        assert {each.state for each in gone} == {"deleted"}
        away = {
            path.replace("s3://boot-images/", "s3://boot-images/deleted/"): data
            for path, data in before.items()
        }
        away = {path.replace("s3://ims/", "s3://ims/deleted/"): data for path, data in away.items()}
        assert {path: data for path, data in found.items() if "deleted_manifest" not in path} == away
        assert len(found) == len(away) + len(made) - 1


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.thorough)], indirect=True
)
def test_killed_again_and_again(database: str, tmp_path: Path) -> None:
    """SIGKILL after ever longer, until one process lives to see the end; for each verb."""
    place = tmp_path / "artifacts"
    made = fill(database, place, 3)
    before = content(place)
    for verb in ("delete", "undelete", "delete", "purge"):
        asked, kills = verb, 0
        while True:
            with process(database, place, asked, 0.01) as running:
                assert line(running) == "begun"
                asked = "none"
                time.sleep(0.15 * (kills + 1))
                if kills < 3:
                    running.kill()
                    kills += 1
                    continue
                assert line(running) == "done"
                end(running)
            break
        carried_out(database, place, made, before, verb)


def test_two_processes_share_the_work(new_postgres: str, tmp_path: Path) -> None:
    """Each object is copied once, by one of them; when one dies, the other takes over what it had begun."""
    place = tmp_path / "artifacts"
    made = fill(new_postgres, place, 8)
    before = content(place)
    with process(new_postgres, place, "none", 0.05) as one, process(new_postgres, place, "none", 0.05) as two:
        assert [line(each) for each in (one, two, one, two)] == ["begun", "begun", "done", "done"]
        with process(new_postgres, place, "delete", 0.05) as three:
            assert [line(three), line(three)] == ["begun", "done"]
            end(three)
        end(one)
        end(two)
    carried_out(new_postgres, place, made, before, "delete")
    copies = (place / "copies").read_text().splitlines()
    assert len(copies) == len(set(copies)) == len(before)


def test_what_a_dead_process_left_is_taken_over(new_postgres: str, tmp_path: Path) -> None:
    place = tmp_path / "artifacts"
    made = fill(new_postgres, place, 3)
    before = content(place)
    with process(new_postgres, place, "none") as lives:
        assert [line(lives), line(lives)] == ["begun", "done"]
        with process(new_postgres, place, "delete", 5) as dies:
            assert line(dies) == "begun"
            time.sleep(1)
        with process(new_postgres, place, "none", 0.01) as comes:
            assert [line(comes), line(comes)] == ["begun", "done"]
            end(comes)
        end(lives)
    carried_out(new_postgres, place, made, before, "delete")


@pytest.mark.parametrize("verb", ["delete", "undelete", "purge"])
def test_lost_tasks_are_made_anew(tmp_path: Path, verb: str) -> None:
    """The records decide: also without the file of the tasks, or with one that is older."""
    database, place = f"sqlite:///{tmp_path}/db/service.db", tmp_path / "artifacts"
    made = fill(database, place, 2)
    before = content(place)
    if verb != "delete":
        with process(database, place, "delete") as running:
            assert [line(running), line(running)] == ["begun", "done"]
            end(running)
    with process(database, place, verb, 1) as running:
        assert line(running) == "begun"
    for path in (tmp_path / "db").glob("*.tasks*"):
        path.unlink()
    with process(database, place, "none") as running:
        assert [line(running), line(running)] == ["begun", "done"]
        end(running)
    carried_out(database, place, made, before, verb)
