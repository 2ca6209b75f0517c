"""What is begun while uv still chooses: which files, and that nothing of it decides anything."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from slipway.errors import InputError
from slipway.events import Event, Reporter, StepBegan, StepEnded
from slipway.inputs.kept import path_of
from slipway.python.ahead import Ahead, Wish, named
from slipway.python.index import Index
from slipway.python.model import Dist, PythonTarget
from slipway.settings import Settings
from tests.inputs.server import Server, hang, status

APP = "app-1.0-py3-none-any.whl"
OLD = "app-0.9-py3-none-any.whl"
LIB = "lib-2.0.tar.gz"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


class Bench:
    """Remembers what was converted."""

    def __init__(self, settings: Settings, server: Server, target: PythonTarget) -> None:
        self.events: list[Event] = []
        self.converted: list[tuple[Dist, bytes, Wish]] = []
        self.server = server
        self.target = target
        self.ahead = Ahead(self.convert, settings, Reporter(self.events.append))

    def convert(self, dist: Dist, path: Path, wish: Wish) -> None:
        self.converted.append((dist, path.read_bytes(), wish))
        if dist.name == "bad":
            raise InputError("no wheel at all")

    def hear(self, *filenames: str, verb: str = "GET", suffix: str = "") -> None:
        listener = self.ahead.listener(Index(), self.target, ["app"])
        assert listener
        for filename in filenames:
            listener(f"DEBUG Sending fresh {verb} request for: {self.server.url(f'/f/{filename}')}{suffix}")

    def dist(self, filename: str) -> Dist:
        found = named(self.server.url(f"/f/{filename}"))
        assert found
        return found


@pytest.fixture
def bench(settings: Settings, server: Server, target: PythonTarget) -> Iterator[Bench]:
    bench = Bench(settings, server, target)
    with bench.ahead:
        yield bench


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (f"https://x/a/{APP}", ("app", "1.0", APP, False)),
        (
            "https://x/a/Foo.Bar-1.0.0-py3-none-any.whl",
            ("foo-bar", "1.0.0", "Foo.Bar-1.0.0-py3-none-any.whl", False),
        ),
        (f"https://x/a/{LIB}", ("lib", "2.0", LIB, True)),
        ("https://x/a/b%2Bc-1%2Bl.1.zip", ("b+c", "1+l.1", "b+c-1+l.1.zip", True)),
        ("https://x/simple/app/", None),
        ("https://x/a/app.whl", None),
        ("https://x/a/app-1.0.exe", None),
    ],
)
def test_what_the_name_of_a_file_tells(url: str, found: tuple[str, str, str, bool] | None) -> None:
    dist = named(url)
    assert (dist and (dist.name, dist.version, dist.filename, dist.sdist)) == found


@pytest.mark.parametrize(
    ("verb", "suffix"), [("HEAD", ""), ("GET", ".metadata"), ("GET", "#sha256=00"), ("GET", "?a=1")]
)
def test_what_is_looked_at_is_fetched_and_converted(
    bench: Bench, settings: Settings, verb: str, suffix: str
) -> None:
    bench.server.add(f"/f/{APP}", b"the wheel")
    bench.hear(APP, verb=verb, suffix=suffix)
    bench.ahead.fetched([bench.dist(APP)])
    assert bench.ahead.under_way(bench.dist(APP))
    bench.ahead.converted()
    hash_ = sha256(b"the wheel").hexdigest()
    ((dist, data, wish),) = bench.converted
    assert dist == replace(bench.dist(APP), sha256=hash_, size=9)
    assert (data, wish) == (b"the wheel", Wish(Index(), bench.target, frozenset(["app"])))
    assert path_of(hash_, settings).read_bytes() == b"the wheel"
    assert [type(e) for e in bench.events if isinstance(e, StepBegan | StepEnded)] == [StepBegan, StepEnded]


def test_other_lines_mean_nothing(bench: Bench) -> None:
    listener = bench.ahead.listener(Index(), bench.target, [])
    assert listener
    for line in (
        f"DEBUG No cache entry for: {bench.server.url(f'/f/{APP}')}",
        f"DEBUG Found fresh response for: {bench.server.url(f'/f/{APP}')}",
        f"DEBUG Sending fresh GET request for: file:///f/{APP}",
        f"warning: Sending fresh GET request for: {bench.server.url(f'/f/{APP}')}",
        f"DEBUG Sending fresh GET request for: {bench.server.url('/simple/app/')}",
    ):
        listener(line)
    bench.ahead.fetched([bench.dist(APP)])
    assert not bench.server.requests
    assert not bench.events


def test_only_the_first_of_a_project_is_fetched(bench: Bench) -> None:
    for filename in (APP, OLD):
        bench.server.add(f"/f/{filename}", filename.encode())
    bench.hear(APP, OLD)
    bench.ahead.fetched([bench.dist(OLD)])
    bench.ahead.converted()
    assert not bench.server.asked(f"/f/{OLD}")
    assert not bench.ahead.under_way(bench.dist(OLD))


def test_what_fails_is_left_to_those_who_need_it(bench: Bench) -> None:
    gone, bad, good = "gone-1-py3-none-any.whl", "bad-1-py3-none-any.whl", APP
    bench.server.add(f"/f/{gone}", b"x", faults=[status(404)])
    bench.server.add(f"/f/{bad}", b"bad")
    bench.server.add(f"/f/{good}", b"good")
    bench.hear(gone, bad, good)
    bench.ahead.fetched([bench.dist(name) for name in (gone, bad, good)])
    bench.ahead.converted()
    assert not bench.ahead.under_way(bench.dist(gone))
    assert {data for _, data, _ in bench.converted} == {b"bad", b"good"}


def test_nobody_waits_for_what_is_not_chosen(
    settings: Settings, server: Server, target: PythonTarget
) -> None:
    server.add(f"/f/{OLD}", b"x" * 99, faults=[hang(after=9)])
    server.add(f"/f/{LIB}", b"lib")
    bench = Bench(settings, server, target)
    began = time.monotonic()
    with bench.ahead:
        bench.hear(OLD, LIB)
        bench.ahead.fetched([bench.dist(LIB)])
        bench.ahead.converted()
    assert [dist.name for dist, _, _ in bench.converted] == ["lib"]
    assert time.monotonic() - began < 5
    deadline = time.monotonic() + 5
    while any(t.name.startswith("ThreadPool") for t in threading.enumerate()):
        assert time.monotonic() < deadline, "a download that nobody wants goes on"
        time.sleep(0.01)


def test_conversions_let_uv_go_first(settings: Settings, server: Server, target: PythonTarget) -> None:
    ranks: list[int] = []

    def convert(*_: object) -> None:
        ranks.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    bench = Bench(settings, server, target)
    bench.ahead = Ahead(convert, settings, Reporter())
    own = os.getpriority(os.PRIO_PROCESS, 0)
    server.add(f"/f/{APP}", b"the wheel")
    with bench.ahead:
        bench.hear(APP)
        bench.ahead.fetched([bench.dist(APP)])
        bench.ahead.converted()
    assert ranks == [min(own + 5, 19)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == own


def test_nothing_is_fetched_offline(settings: Settings, target: PythonTarget) -> None:
    with Ahead(lambda *_: None, settings.with_(offline=True), Reporter()) as ahead:
        assert ahead.listener(Index(), target, []) is None
        ahead.fetched([])
        ahead.converted()
