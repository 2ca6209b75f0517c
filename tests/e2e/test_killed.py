"""Builds that are killed, interrupted or run beside others leave a store that is valid, and the next build works."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.archive import recipe_for, toy
from tests.e2e.kit import Home, example, temporary, warm_copy, write_recipe
from tests.inputs import server as faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.archive import Archive

ROUNDS = 15


def children_of(process: subprocess.Popen[str]) -> list[int]:
    """All processes below one, as the kernel knows them now."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [process.pid]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def end(process: subprocess.Popen[str], how: signal.Signals) -> tuple[int, str, str]:
    """Send a signal and wait; status, standard output and standard error."""
    process.send_signal(how)
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def check_usable(home: Home) -> None:
    home.slipway("store", "check")
    home.slipway("image", "ls")
    home.slipway("store", "df")


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.thorough
def test_killed_at_any_moment(home: Home, built: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    """`kill -9` in the middle of the work, again and again: every time a valid store, and at the end the same image."""
    wanted = built("hello")["image"]["digest"]
    victim = warm_copy(home, tmp_path / "victim", fragments=False)
    moments = random.Random(20)
    killed = 0
    for _ in range(ROUNDS):
        process = victim.start("build", example("hello"))
        time.sleep(moments.uniform(0.15, 1.8))
        status, _, err = end(process, signal.SIGKILL)
        assert status in (0, -signal.SIGKILL), err
        killed += status != 0
        victim.slipway("store", "check")
        if status == 0:  # all is made: begin again, half the time with nothing downloaded
            for made in (victim.store, victim.cache / "fragments", victim.cache / "downloads")[
                : moments.choice((2, 3))
            ]:
                shutil.rmtree(made)
    assert killed >= ROUNDS // 2, "the build is too fast to be killed in the middle"
    result = victim.build(example("hello"))
    assert result["image"]["digest"] == wanted
    for left in temporary(victim.store, victim.cache):
        os.utime(left, (0, 0))  # younger ones could belong to somebody who is at work
    victim.slipway("store", "gc", "--older-than", "0")
    victim.slipway("store", "check")
    assert temporary(victim.store, victim.cache) == []
    assert "Hello" in victim.slipway("run", "hello").out
    again = victim.build(example("hello"))
    assert again["image"]["digest"] == wanted


@pytest.mark.net
@pytest.mark.slow
def test_killed_while_unpacking_to_run(
    home: Home, built: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    built("hello")
    other = home.with_(SLIPWAY_CACHE=str(tmp_path / "cache"))
    for delay in (0.35, 0.6, 0.9, 1.2):
        process = other.start("run", "hello")
        time.sleep(delay)
        end(process, signal.SIGKILL)
    assert "Hello" in other.slipway("run", "hello").out
    assert other.inside("hello", "dpkg", "--verify").out == ""


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "delay"), [(signal.SIGINT, 0.4), (signal.SIGINT, 1.0), (signal.SIGTERM, 0.7)]
)
def test_interrupted(
    home: Home, built: Callable[[str], dict[str, Any]], tmp_path: Path, how: signal.Signals, delay: float
) -> None:
    built("hello")
    victim = warm_copy(home, tmp_path / "victim", fragments=False)
    process = victim.start("build", example("hello"), start_new_session=True)
    time.sleep(delay)
    below = children_of(process)
    status, out, err = end(process, how)
    assert out == ""
    assert not [pid for pid in below if Path(f"/proc/{pid}").exists()]
    if how is signal.SIGINT:
        assert status == 130, err
        assert err.splitlines()[-1] == "interrupted"
        assert "Traceback" not in err
        victim.check_clean()
    else:
        assert status in (130, 143, -signal.SIGTERM), err
        check_usable(victim)
    victim.build(example("hello"))


def test_interrupted_in_a_download(archive: Archive, own: Home, tmp_path: Path) -> None:
    """Ctrl-C is heard at once, also when the mirror says nothing."""
    at = archive.used_by(own)
    path = toy(archive, "ball", b"x" * 5_000_000)
    archive.publish()
    archive.server.resources[path].faults += [faults.hang(1000)] * 3
    recipe = write_recipe(tmp_path, recipe_for("ball"))
    process = at.start("build", recipe)
    for _ in range(200):
        if archive.server.asked(path):
            break
        time.sleep(0.05)
    time.sleep(0.2)
    began = time.monotonic()
    status, _, err = end(process, signal.SIGINT)
    assert status == 130, err
    assert time.monotonic() - began < 10
    at.check_clean()
    archive.server.resources[path].faults.clear()
    archive.server.released.set()
    at.build(recipe)


@pytest.mark.net
@pytest.mark.slow
def test_interrupted_while_running(home: Home, built: Callable[[str], dict[str, Any]]) -> None:
    """Signals reach the command in the image; when Slipway dies, the command does."""
    built("hello")
    code = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); time.sleep(30)"
    process = home.start("run", "hello", "--", "python", "-c", code)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    assert end(process, signal.SIGTERM)[0] == 7
    process = home.start("run", "hello", "--", "python", "-c", code)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    below = children_of(process)
    assert below
    end(process, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while (left := [p for p in below if Path(f"/proc/{p}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


# -- several at once --------------------------------------------------------------------------------------------------


@pytest.mark.net
@pytest.mark.slow
def test_two_builds_share_a_store(home: Home, built: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    """Twice the same recipe and once another, at the same time, from the same downloads."""
    wanted = {name: built(name)["image"]["digest"] for name in ("hello", "two-platforms")}
    shared = warm_copy(home, tmp_path / "shared", fragments=False)
    names = ("hello", "hello", "two-platforms")
    processes = [shared.start("build", example(name), "--json") for name in names]
    said = [process.communicate(timeout=180) for process in processes]
    for name, process, (out, err) in zip(names, processes, said, strict=True):
        assert process.returncode == 0, err
        assert wanted[name] in out.splitlines()[-1]
    shared.check_clean()
    images = shared.slipway("image", "ls", "--json").last["images"]
    assert [i["name"] for i in images] == ["hello:latest", "two-platforms:latest"]


def test_many_builds_name_many_images(own: Home, tmp_path: Path) -> None:
    """Every name is there afterwards: no update of the list of images is lost."""
    recipe = write_recipe(tmp_path, "base: scratch\nfiles: [image.yaml]\n")
    processes = [own.start("build", recipe, "--tag", f"image-{n}") for n in range(8)]
    said = [process.communicate(timeout=60) for process in processes]
    for process, (_, err) in zip(processes, said, strict=True):
        assert process.returncode == 0, err
    images = own.slipway("image", "ls", "--json").last["images"]
    assert sorted(i["name"] for i in images) == [f"image-{n}:latest" for n in range(8)]
    own.check_clean()


def test_no_garbage_is_collected_during_a_build(archive: Archive, own: Home, tmp_path: Path) -> None:
    at = archive.used_by(own)
    path = toy(archive, "ball")
    archive.publish()
    archive.server.resources[path].faults.append(faults.hang())
    recipe = write_recipe(tmp_path, recipe_for("ball"))
    process = at.start("build", recipe)
    while not archive.server.asked(path):
        assert process.poll() is None
        time.sleep(0.02)
    error = at.slipway("store", "gc", "--json", status=6).last
    assert error["brief"] == "the store is in use by a build"
    assert error["hint"]
    archive.server.released.set()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out == "toy:latest\n"
    at.slipway("store", "gc", "--older-than", "0")
    at.check_clean()
    at.slipway("run", "toy", "--", "/none", status=127)


def test_building_while_images_are_removed(own: Home, tmp_path: Path) -> None:
    """Names come and go beside builds and collections; whoever is refused is told so, and nothing breaks."""
    recipe = write_recipe(tmp_path, "tag: x\nbase: scratch\nfiles: [image.yaml]\n")
    own.build(recipe)
    stop = threading.Event()
    statuses: list[tuple[str, int]] = []

    def again(*argv: str) -> None:
        while not stop.is_set():
            done = own.slipway(*argv, status=None)
            statuses.append((argv[1], done.status))
            assert "Traceback" not in done.err

    others = [threading.Thread(target=again, args=argv) for argv in (("store", "gc"), ("image", "rm", "x"))]
    for thread in others:
        thread.start()
    for n in range(6):
        recipe.write_text(recipe.read_text() + f"# {n}\n")
        own.build(recipe)
    stop.set()
    for thread in others:
        thread.join()
    assert {status for what, status in statuses if what == "gc"} <= {0, 6}
    assert {status for what, status in statuses if what == "rm"} <= {0, 2}
    own.build(recipe)
    own.check_clean()
