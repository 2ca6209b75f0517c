"""s3 sources, against rclone's server."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from slipway.errors import FetchError, InputError, SlipwayError, ToolError, UsageError, VerifyError, Where
from slipway.events import Reporter, StepEnded, StepMoved
from slipway.inputs import s3
from slipway.inputs.address import parse
from slipway.inputs.files import pin
from slipway.inputs.network import Network
from slipway.net import Client
from slipway.net_errors import TransientError
from slipway.recipe.model import FileItem
from tests.inputs.s3d import KEY, SECRET, S3d, s3d

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.events import Event
    from slipway.inputs.pinned import PinnedFile
    from slipway.inputs.place import Seen
    from slipway.settings import Settings

DAY = 86400
NOW = 2_000_000_000.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3d]:
    with s3d(tmp_path_factory.mktemp("s3")) as made:
        yield made


@pytest.fixture(autouse=True)
def _environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Client, "pause", lambda *_: None)
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    if "server" in request.fixturenames:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("server").url)


def fetch(
    source: str,
    settings: Settings,
    *,
    now: float = NOW,
    refresh: bool = False,
    sha256: str = "",
    events: list[Event] | None = None,
) -> PinnedFile:
    item = FileItem("x", source, Where("r.yaml", 7, 5), sha256)
    reporter = Reporter(events.append if events is not None else None)
    (found,) = pin([item], settings.cache, settings, reporter, refresh=refresh, clock=lambda: now)
    return found


def failing(source: str, settings: Settings, sha256: str = "") -> SlipwayError:
    with pytest.raises(SlipwayError) as caught:
        fetch(source, settings, sha256=sha256)
    assert str(caught.value.where) == "r.yaml:7:5"
    assert SECRET not in repr(caught.value.as_dict())
    return caught.value


def test_an_object(server: S3d, settings: Settings) -> None:
    data = os.urandom(3_000_000)
    server.put("one", "dir/a b%20+#é.bin", data)
    found = fetch("s3://one/dir/a b%20+#é.bin", settings)
    assert (found.kind, found.mode, found.path.read_bytes()) == ("file", 0o644, data)
    server.put("one", "empty", b"")
    assert fetch("s3://one/empty", settings).size == 0


def test_a_prefix(server: S3d, settings: Settings, tmp_path: Path) -> None:
    files = {"a.txt": b"a", "dir/b b.txt": b"b" * 70_000, "dir/deep/c": b"c"}
    for name, data in files.items():
        server.put("two", f"pre/fix/{name}", data)
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).write_bytes(data)
    server.put("two", "pre/fixed", b"not this one")
    found = fetch("s3://two/pre/fix/", settings)
    assert [e.path for e in found.listing] == ["a.txt", "dir", "dir/b b.txt", "dir/deep", "dir/deep/c"]
    assert found.sha256 == fetch(str(tmp_path / "t"), settings).sha256
    assert {e.path: found.place(e).read_bytes() for e in found.listing if e.kind == "file"} == files


def test_more_objects_than_come_in_one_answer(server: S3d, settings: Settings) -> None:
    for number in range(1050):
        server.put("many", f"d/{number}", b"x")
    with Network(settings) as network, s3.connect(parse("s3://many/d/"), network) as place:
        assert len(place.look()) == 1050


def test_unchanged_by_etag(server: S3d, settings: Settings) -> None:
    for name in ("a", "b"):
        server.put("etag", f"d/{name}", name.encode() * 1000)
    first = fetch("s3://etag/d/", settings)
    server.put("etag", "d/b", b"new")
    assert fetch("s3://etag/d/", settings, now=NOW + DAY - 1) == first
    events: list[Event] = []
    second = fetch("s3://etag/d/", settings, now=NOW + DAY, events=events)
    assert [e.size for e in second.listing] == [1000, 3]
    assert [e for e in events if isinstance(e, StepMoved)][-1].done == 3
    events.clear()
    assert fetch("s3://etag/d/", settings, refresh=True, events=events) == second
    assert [e.detail for e in events if isinstance(e, StepEnded)] == ["unchanged"]


def test_resumed(server: S3d, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(2_000_000)
    server.put("res", "f", data)
    read = s3._S3Place.read
    starts = []

    def cut(self: s3._S3Place, seen: Seen, start: int) -> Iterator[bytes]:
        starts.append(start)
        pieces = read(self, seen, start)
        yield next(pieces)
        if len(starts) == 1:
            pieces.close()  # type: ignore[attr-defined]
            raise TransientError("cut")
        yield from pieces

    monkeypatch.setattr(s3._S3Place, "read", cut)
    assert fetch("s3://res/f", settings).path.read_bytes() == data
    assert starts[0] == 0 < starts[1]


def test_sha256(server: S3d, settings: Settings) -> None:
    server.put("sha", "f", b"content")
    assert isinstance(failing("s3://sha/f", settings, sha256="0" * 64), VerifyError)
    good = fetch("s3://sha/f", settings).sha256
    assert fetch("s3://other/f", settings.with_(offline=True), sha256=good).size == 7


@pytest.mark.parametrize("source", ["s3://none/f", "s3://one/none", "s3://one/none/"])
def test_nothing_there(server: S3d, settings: Settings, source: str) -> None:
    server.put("one", "x", b"x")
    error = failing(source, settings)
    assert not isinstance(error, TransientError)
    assert "no such object" in error.brief or "nothing with this prefix" in error.brief


def test_wrong_keys(server: S3d, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    server.put("one", "x", b"x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    error = failing("s3://one/x", settings)
    assert "does not permit it" in error.brief
    assert not isinstance(error, TransientError)


def test_no_keys(server: S3d, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "AWS_ACCESS_KEY_ID" in failing("s3://one/x", settings).hint


def test_no_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    error = failing("s3://one/x", settings)
    assert isinstance(error, TransientError)
    assert "no connection" in error.brief


def test_no_boto3(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    error = failing("s3://one/x", settings)
    assert isinstance(error, ToolError)
    assert "slipway[s3]" in error.hint


@pytest.mark.parametrize(
    "source", ["s3://bucket", "s3://bucket/", "s3://AK:secret@bucket/x", "s3://b:9000/x"]
)
def test_what_is_no_object(settings: Settings, source: str) -> None:
    error = failing(source, settings)
    assert isinstance(error, UsageError)
    assert "secret" not in str(error)


@pytest.mark.parametrize("names", [("../x",), ("a//b",), ("/x",), ("a/../../b",), ("a", "a/b")])
def test_keys_that_are_no_paths(names: tuple[str, ...], settings: Settings) -> None:
    place = s3._S3Place(_Listing(names), parse("s3://b/p/"), None)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        place.look()


class _Listing:
    """What a server may answer that rclone's directories cannot hold."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def get_paginator(self, name: str) -> _Listing:
        return self

    def paginate(self, **asked: str) -> list[dict[str, object]]:
        return [{"Contents": [{"Key": f"p/{name}", "Size": 1, "ETag": "1"} for name in self._names]}]


def test_secrets_are_kept_nowhere(server: S3d, settings: Settings) -> None:
    server.put("sec", "d/f", b"content")
    events: list[Event] = []
    found = fetch("s3://sec/d/", settings, events=events)
    assert SECRET not in repr((events, found))
    assert not any(SECRET.encode() in p.read_bytes() for p in settings.cache.rglob("*") if p.is_file())


def test_offline(settings: Settings) -> None:
    assert isinstance(failing("s3://b/x", settings.with_(offline=True)), FetchError)
