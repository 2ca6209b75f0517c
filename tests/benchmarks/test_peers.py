"""The parts of the comparison that can go wrong unseen: what is changed, where packages come from, what is measured."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from benchmarks.peers import dockerfile
from benchmarks.peers.base import Base
from benchmarks.peers.meter import Group
from benchmarks.peers.model import ADDED, RECIPES, Command, Content
from benchmarks.peers.rounds import Bench, Failed, changed
from benchmarks.peers.sources import Indexes
from benchmarks.peers.web import serving

from benchmarks import bench_peers


def test_every_run_of_a_case_has_a_change_of_its_own():
    recipe = RECIPES["small"]
    first = content = Content(recipe.packages, "note\n", ())
    assert changed(content, recipe, "cold", 0) == changed(content, recipe, "nothing", 2) == first
    notes, packages = set(), set()
    for again in range(3):
        content = changed(content, recipe, "file", again)
        notes.add(content.note)
    for again in range(3):
        content = changed(content, recipe, "package", again)
        packages.add(content.packages)
        assert len(content.packages) == len(recipe.packages) + 1
    assert len(notes) == len(packages) == 3
    assert not set(ADDED) & {p for r in RECIPES.values() for p in r.packages}


def test_directories_of_the_machine_become_addresses(tmp_path):
    environ = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "https://index.example/simple",
        "PIP_EXTRA_INDEX_URL": f"file://{tmp_path}/pypi/simple",
        "PIP_FIND_LINKS": f"{tmp_path}/wheels",
    }
    indexes = Indexes.of_machine("http://127.0.0.1:9", environ)
    assert indexes.served == {"index0": tmp_path / "pypi", "index1": tmp_path}
    assert "extra-index-url = http://127.0.0.1:9/index0/simple/\n" in indexes.pip_conf()
    assert "index-url = https://index.example/simple\n" in indexes.pip_conf()
    assert 'find-links = ["http://127.0.0.1:9/index1/wheels/"]\n' in indexes.uv_toml()
    assert 'index-url = "https://index.example/simple"\n' in indexes.uv_toml()


def test_the_dockerfile_has_what_changes_last(tmp_path):
    content = Content(("requests",), "note\n", ("http://127.0.0.1:9/a.json",))
    base = Base("127.0.0.1:5/python@sha256:1", "127.0.0.1:5/uv@sha256:2")
    for buildkit in (True, False):
        dockerfile.write(tmp_path, content, base, buildkit=buildkit)
        lines = (tmp_path / "Dockerfile").read_text().splitlines()
        assert lines[0] == "FROM 127.0.0.1:5/python@sha256:1"
        assert lines[-1].endswith("note.txt /pyats/")
        assert ("--link" in lines[-1]) is buildkit
    before = (tmp_path / "requirements.txt").stat().st_mtime_ns
    dockerfile.write(tmp_path, Content(("requests",), "other\n", content.urls), base, buildkit=True)
    assert (tmp_path / "requirements.txt").stat().st_mtime_ns == before
    assert (tmp_path / "note.txt").read_text() == "other\n"


def test_the_server_knows_ranges_and_directories(tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    with serving(tmp_path) as address:

        def get(path, asked=""):
            headers = {"Range": asked} if asked else {}
            with urlopen(Request(f"{address}/{path}", headers=headers), timeout=10) as answer:
                return answer.status, answer.read()

        assert get("file") == (200, b"0123456789")
        assert get("file", "bytes=2-4") == (206, b"234")
        assert get("file", "bytes=-3") == (206, b"789")
        assert get("file", "bytes=8-") == (206, b"89")
        assert b">file<" in get("")[1]


def test_a_run_is_measured_with_what_it_started(tmp_path):
    group = Group("test")
    try:
        script = "(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done); exit 3"
        status, cost = group.run(
            Command(["/bin/sh", "-c", script], tmp_path, os.environ), tmp_path / "log", 60
        )
        assert status == 3
        assert cost.wall > 0
        if cost.cpu is None:
            pytest.skip(group.measures)
        assert 0.01 < cost.cpu < cost.wall * 1.5
        assert cost.memory
    finally:
        group.close()
    assert not list(Path("/sys/fs/cgroup").glob(f"*/slipway-bench-{os.getpid()}"))


def test_a_run_that_does_not_end_is_ended(tmp_path):
    group = Group("late")
    try:
        status, cost = group.run(Command(["sleep", "60"], tmp_path, os.environ), tmp_path / "log", 0.3)
    finally:
        group.close()
    assert status < 0
    assert cost.wall < 30


@pytest.mark.parametrize("argv", [["--peers", "podman"], ["--recipes", "huge"], ["--cases", "warm"]])
def test_unknown_names_are_refused(argv, capsys):
    with pytest.raises(SystemExit) as ended:
        bench_peers.check(argv)
    assert ended.value.code == 2
    assert f"unknown: {argv[1]}" in capsys.readouterr().err


def test_who_fails_is_out_and_the_others_go_on(monkeypatch, tmp_path):
    class One:
        def __init__(self, name):
            self.name = name

    good: Any = One("good")
    bad: Any = One("bad")
    turns = []

    def all_cases(_bench, _recipe, contender, number):
        turns.append((number, contender.name))
        yield contender.name
        if contender is bad:
            raise Failed("bad: no")

    monkeypatch.setattr(Bench, "_all_cases", all_cases)
    nothing: Any = None
    bench = Bench(nothing, "", tmp_path, {}, ())
    samples: list[Any] = list(bench.rounds(RECIPES["small"], [good, bad], 3))
    assert samples == ["good", "bad", "good", "good"]
    assert turns == [(0, "good"), (0, "bad"), (1, "good"), (2, "good")]
    assert bench.failures == ["bad: no"]
