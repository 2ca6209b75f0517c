from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from slipway.errors import FetchError, VerifyError
from slipway.events import Reporter, StepEnded, StepMoved
from slipway.net import TransientError
from slipway.oci.digest import Digest
from slipway.oci.store import LAYER_TYPE, Descriptor, Store
from slipway.registry.reference import parse
from slipway.registry.session import open_session
from tests.registry.faults import cut, fault_registry, short, silence, status, wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.settings import Settings
    from tests.registry.faults import FaultRegistry

DATA = os.urandom(1_000_000)


@pytest.fixture
def blob(faulty: FaultRegistry) -> Descriptor:
    return Descriptor(LAYER_TYPE, Digest(faulty.add_blob("a", DATA)), len(DATA))


@pytest.fixture
def read(faulty: FaultRegistry, settings: Settings) -> Callable[..., list[object]]:
    """Bring a blob into the store; the events."""

    def run(blob: Descriptor, settings: Settings = settings) -> list[object]:
        events: list[object] = []
        login = (faulty.user, faulty.password)
        with open_session(
            parse(f"{faulty.host}/a:1"), settings, Reporter(events.append), login=login
        ) as session:
            session.read_blob(blob, Store(settings.store))
        return events

    return run


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings.store)


def ranges(faulty: FaultRegistry) -> list[str]:
    return [headers.get("Range", "") for headers in faulty.asked("/blobs/")]


def left(store: Store) -> list[str]:
    return sorted(path.name for path in (store.root / "blobs/sha256").iterdir())


def test_cut_and_resumed(faulty, blob, read, store, naps) -> None:
    faulty.fault("GET", "blobs/", cut(300_000), cut(300_000))
    events = read(blob)
    assert store.read(blob.digest) == DATA
    assert ranges(faulty) == ["", "bytes=300000-", "bytes=600000-"]
    assert len(naps) == 2
    assert [e.done for e in events if isinstance(e, StepMoved)][-1] == len(DATA)


def test_progress_is_patience(faulty, blob, read, store, naps) -> None:
    faulty.fault("GET", "blobs/", *[cut(50_000)] * 10)
    read(blob)
    assert store.read(blob.digest) == DATA
    assert len(naps) == 10


def test_a_registry_that_cannot_count(faulty, blob, read, store, naps) -> None:
    faulty.ranges = False
    faulty.fault("GET", "blobs/", cut(300_000))
    events = read(blob)
    assert store.read(blob.digest) == DATA
    assert [e.done for e in events if isinstance(e, StepMoved)][-1] == len(DATA)


def test_silence_in_the_middle(faulty, blob, read, store, settings, naps) -> None:
    def stalls(handler, serve):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        handler.wfile.write(DATA[:1000])
        handler.wfile.flush()
        silence(handler, serve)

    faulty.fault("GET", "blobs/", stalls)
    read(blob, settings.with_(timeout=0.2))
    assert store.read(blob.digest) == DATA
    assert ranges(faulty) == ["", "bytes=1000-"]


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_statuses_that_pass(faulty, blob, read, store, naps, code) -> None:
    faulty.fault("GET", "blobs/", status(code, Retry_After="3"), cut(100), status(code))
    read(blob)
    assert store.read(blob.digest) == DATA
    assert naps[0] == 3
    assert len(naps) == 3


def test_too_many(faulty, blob, read, store, naps) -> None:
    faulty.fault("GET", "blobs/", *[status(503)] * 9)
    with pytest.raises(TransientError, match="503"):
        read(blob)
    assert left(store) == []


def test_missing(faulty, blob, read, store, naps) -> None:
    faulty.repositories.clear()
    with pytest.raises(FetchError, match="lacks the blob") as caught:
        read(blob)
    assert caught.value.status == 404
    assert naps == []
    assert left(store) == []


def test_wrong_bytes_once(faulty, blob, read, store) -> None:
    faulty.fault("GET", "blobs/", wrong(DATA[::-1]))
    events = read(blob)
    assert store.read(blob.digest) == DATA
    assert [e.done for e in events if isinstance(e, StepMoved)][-1] == len(DATA)


@pytest.mark.parametrize("bad", [DATA[::-1], DATA + b"x", DATA[:-1], b""])
def test_wrong_bytes(faulty, blob, read, store, bad) -> None:
    faulty.fault("GET", "blobs/", *[wrong(bad)] * 2)
    with pytest.raises(VerifyError, match="promised"):
        read(blob)
    assert left(store) == []  # nothing half-written, nothing under a wrong name
    assert len(ranges(faulty)) == 2


def test_the_second_half_is_wrong(faulty, blob, read, store, naps) -> None:
    """What was resumed is compared as a whole."""
    faulty.fault("GET", "blobs/", cut(500_000), wrong(DATA[:500_000] + bytes(500_000)))
    read(blob)
    assert store.read(blob.digest) == DATA
    assert ranges(faulty) == ["", "bytes=500000-", ""]


def test_ends_early_without_a_cut(faulty, blob, read, store) -> None:
    faulty.fault("GET", "blobs/", short(10))
    read(blob)
    assert store.read(blob.digest) == DATA


def test_another_range_than_asked_for(faulty, blob, read, store, naps) -> None:
    def shifted(handler, serve):
        handler.answer(206, DATA[5:], {"Content-Range": f"bytes 5-{len(DATA) - 1}/{len(DATA)}"})

    faulty.fault("GET", "blobs/", cut(1000), shifted)
    with pytest.raises(FetchError, match="range"):
        read(blob)
    assert left(store) == []


def test_nothing_is_asked_for_what_is_there(faulty, blob, read, store) -> None:
    store.put(DATA, LAYER_TYPE)
    assert read(blob) == []
    assert faulty.asked("/blobs/") == []


def test_an_empty_blob(faulty, read, store) -> None:
    blob = Descriptor(LAYER_TYPE, Digest(faulty.add_blob("a", b"")), 0)
    read(blob)
    assert store.read(blob.digest) == b""


def test_credentials_stay_with_the_registry(faulty, blob, read, store) -> None:
    """Blobs are often kept elsewhere; that place must not learn the login, however it asks for it."""
    with fault_registry() as storage:
        storage.add_blob("a", DATA)
        faulty.auth, faulty.blobs_at = "basic", storage.url("")
        read(blob)
        assert store.read(blob.digest) == DATA
        assert "Authorization" in faulty.asked("/blobs/")[-1]
        assert "Authorization" not in storage.asked("/blobs/")[-1]

        store.path(blob.digest).unlink()
        storage.auth = "basic"
        with pytest.raises(FetchError):
            read(blob)
        assert all("Authorization" not in headers for headers in storage.asked("/blobs/"))


def test_the_step_fails_with_the_download(faulty, blob, settings) -> None:
    events: list[object] = []
    faulty.repositories.clear()
    with (
        open_session(parse(f"{faulty.host}/a:1"), settings, Reporter(events.append)) as session,
        pytest.raises(FetchError),
    ):
        session.read_blob(blob, Store(settings.store))
    assert [e.ok for e in events if isinstance(e, StepEnded)] == [False]
