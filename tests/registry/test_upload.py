from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, cast

import pytest

from slipway.errors import FetchError, StoreError, VerifyError
from slipway.events import Reporter, StepMoved
from slipway.net import TransientError
from slipway.oci.digest import Digest
from slipway.oci.store import LAYER_TYPE, Descriptor, Store
from slipway.registry import upload
from slipway.registry.reference import parse
from slipway.registry.session import open_session
from tests.registry.faults import cut_upload, fault_registry, forgotten, status, unanswered, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slipway.settings import Settings
    from tests.registry.faults import FaultRegistry
    from tests.registry.real import RealRegistry

SIZE, CHUNK = 1_000_000, 300_000
DATA = os.urandom(SIZE)


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings.store)


@pytest.fixture
def blob(store: Store) -> Descriptor:
    return store.put(DATA, LAYER_TYPE)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "CHUNK", CHUNK)


@pytest.fixture
def send(faulty: FaultRegistry, settings: Settings, store: Store) -> Callable[[Descriptor], list[int]]:
    """Upload a blob; how the progress went."""

    def run(blob: Descriptor) -> list[int]:
        events: list[object] = []
        login = (faulty.user, faulty.password)
        reference = parse(f"{faulty.host}/a:1")
        with open_session(reference, settings, Reporter(events.append), push=True, login=login) as session:
            session.upload(blob, store)
        return [e.done for e in events if isinstance(e, StepMoved)]

    return run


def sent(faulty: FaultRegistry) -> int:
    return sum(seen.sent for seen in faulty.seen)


def test_in_one_piece(faulty, blob, send) -> None:
    done = send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert faulty.methods("/uploads/") == ["POST", "PUT"]
    assert done[-1] == SIZE
    assert sorted(done) == done


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("relative", [True, False])
def test_in_pieces(faulty, blob, send, relative) -> None:
    faulty.relative = relative
    done = send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert faulty.methods("/uploads/") == ["POST", "PATCH", "PATCH", "PATCH", "PUT"]
    assert [h["Content-Range"] for h in faulty.asked("/uploads/")[1:]] == [
        "0-299999",
        "300000-599999",
        "600000-899999",
        "900000-999999",
    ]
    assert done[-1] == SIZE


def test_empty(faulty, store, send) -> None:
    blob = store.put(b"", LAYER_TYPE)
    send(blob)
    assert faulty.blobs[blob.digest] == b""


def test_cut_and_resumed(faulty, blob, send, naps) -> None:
    faulty.fault("PUT", "uploads/", cut_upload(400_000))
    done = send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert faulty.methods("/uploads/") == ["POST", "PUT", "GET", "PUT"]
    assert faulty.asked("/uploads/")[-1]["Content-Range"] == "400000-999999"
    assert sent(faulty) == SIZE
    assert done[-1] == SIZE
    assert len(naps) == 1


@pytest.mark.usefixtures("pieces")
def test_a_piece_is_cut_and_resumed(faulty, blob, send, naps) -> None:
    faulty.fault("PATCH", "uploads/", lambda h, serve: serve(), cut_upload(100_000), cut_upload(50_000))
    send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert faulty.methods("/uploads/") == ["POST", "PATCH", "PATCH", "GET", "PATCH", "GET", "PATCH", "PUT"]
    assert sent(faulty) == SIZE
    assert len(naps) == 2


@pytest.mark.usefixtures("pieces")
def test_the_cut_brought_nothing(faulty, blob, send, naps) -> None:
    faulty.fault("PATCH", "uploads/", cut_upload(100_000, keep=False))
    send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert sent(faulty) == SIZE + 100_000


@pytest.mark.usefixtures("pieces")
def test_a_registry_that_forgets_the_upload(faulty, blob, send, naps) -> None:
    faulty.fault("PATCH", "uploads/", lambda h, serve: serve(), forgotten)
    done = send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert faulty.methods("/uploads/").count("POST") == 2
    assert done[-1] == SIZE


def test_the_last_answer_is_lost(faulty, blob, send, naps) -> None:
    """The blob is there, only we do not know it: ask before it is sent again."""
    faulty.fault("PUT", "uploads/", unanswered)
    done = send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert sent(faulty) == SIZE
    assert done[-1] == SIZE


@pytest.mark.usefixtures("pieces")
def test_the_answer_to_a_piece_is_lost(faulty, blob, send, naps) -> None:
    faulty.fault("PATCH", "uploads/", unanswered)
    send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert sent(faulty) == SIZE


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
@pytest.mark.parametrize("code", [429, 500, 503])
def test_statuses_that_pass(faulty, blob, send, naps, method, code) -> None:
    faulty.fault(method, "uploads/", status(code, Retry_After="3"), status(code))
    send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert naps[0] == 3
    assert len(naps) == 2


def test_too_many(faulty, blob, send, naps) -> None:
    faulty.fault("PUT", "uploads/", *[status(503)] * 9)
    with pytest.raises(TransientError, match="503"):
        send(blob)
    assert faulty.blobs == {}


@pytest.mark.parametrize("code", [401, 403])
def test_not_allowed(faulty, blob, send, naps, code) -> None:
    faulty.fault("POST", "uploads/", status(code))
    with pytest.raises(FetchError) as caught:
        send(blob)
    assert caught.value.hint == f"slipway login {faulty.host}"
    assert naps == []


@pytest.mark.usefixtures("pieces")
def test_a_registry_that_wants_no_pieces(faulty, blob, send) -> None:
    faulty.chunks = False
    send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert faulty.methods("/uploads/") == ["POST", "PATCH", "POST", "PUT"]


@pytest.mark.usefixtures("pieces")
def test_a_registry_that_takes_no_byte_of_a_piece(faulty, blob, send) -> None:
    def ignores(handler, serve):
        handler.body()
        handler.reply(202, headers={"Range": "0-0"})

    faulty.fault("PATCH", "uploads/", *[ignores] * 5)
    send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert faulty.methods("/uploads/") == ["POST", "PATCH", "POST", "PUT"]


@pytest.mark.usefixtures("pieces")
def test_a_registry_that_wants_larger_pieces(faulty, blob, send) -> None:
    def start(handler, serve):
        handler.server.uploads["7"] = b""
        place = {"Location": "/v2/a/blobs/uploads/7", "OCI-Chunk-Min-Length": "700000"}
        handler.reply(202, headers=place)

    faulty.fault("POST", "uploads/", start)
    send(blob)
    assert [h["Content-Range"] for h in faulty.asked("/uploads/")[1:]] == ["0-699999", "700000-999999"]


@pytest.mark.usefixtures("pieces")
def test_the_upload_that_is_offered_instead_of_a_mount(faulty, blob, store, settings) -> None:
    reference = parse(f"{faulty.host}/a:1")
    with open_session(reference, settings, Reporter(), push=True) as session:
        assert not session.mount(blob, "base")
        session.upload(blob, store)
    assert faulty.blobs[blob.digest] == DATA
    assert faulty.methods("/uploads/") == ["POST", "PATCH", "PATCH", "PATCH", "PUT"]


def test_a_slow_end(faulty, blob, settings, store) -> None:
    """A registry may take its time to put a large blob in its place."""

    def slow(handler, serve):
        time.sleep(0.5)
        serve()

    faulty.fault("PUT", "uploads/", slow)
    settings = settings.with_(timeout=0.3)
    with (
        pytest.MonkeyPatch.context() as patch,
        open_session(parse(f"{faulty.host}/a:1"), settings, Reporter(), push=True) as session,
    ):
        patch.setattr(upload, "_PACE", len(DATA))
        session.upload(blob, store)
    assert faulty.methods("/uploads/") == ["POST", "PUT"]


@pytest.mark.usefixtures("pieces")
def test_bytes_that_got_lost_on_the_way(faulty, blob, send, naps) -> None:
    """The registry says after a cut that it has more than it has: then the digest is wrong, and all starts again."""

    def lies(handler, serve):
        place = f"/v2/a/blobs/uploads/{next(iter(handler.server.uploads))}?x=y"
        handler.reply(204, headers={"Location": place, "Range": "0-299999"})

    faulty.fault("PATCH", "uploads/", cut_upload(100_000))
    faulty.fault("GET", "uploads/", lies)
    send(blob)
    assert faulty.blobs[blob.digest] == DATA
    assert faulty.methods("/uploads/").count("POST") == 2


def test_a_registry_that_always_refuses_the_digest(faulty, blob, send, naps) -> None:
    faulty.fault("PUT", "uploads/", *[status(400)] * 9)
    with pytest.raises(FetchError, match="400") as caught:
        send(blob)
    assert "store check" in caught.value.hint
    assert faulty.methods("/uploads/").count("POST") == 1


def test_wrong_digest_told(faulty, blob, send) -> None:
    faulty.fault("PUT", "uploads/", wrong(b"else"))
    with pytest.raises(VerifyError, match="other bytes"):
        send(blob)


@pytest.mark.parametrize("place", ["", "ftp://x.example/", "file:///etc/passwd", "http://[::1"])
def test_nowhere_to_send_it(faulty, blob, send, place) -> None:
    faulty.fault("POST", "uploads/", lambda h, serve: h.reply(202, headers={"Location": place}))
    with pytest.raises(FetchError):
        send(blob)


def test_another_place_gets_no_credentials(faulty, blob, send) -> None:
    with fault_registry() as storage:
        storage.uploads["7"] = b""
        faulty.auth = "basic"
        place = storage.url("/v2/a/blobs/uploads/7?signed=x")
        faulty.fault("POST", "uploads/", status(401, WWW_Authenticate="Basic realm=x"))
        faulty.fault("POST", "uploads/", lambda h, serve: h.reply(202, headers={"Location": place}))
        send(blob)
        assert storage.blobs[blob.digest] == DATA
        assert "Authorization" in faulty.asked("/uploads/")[-1]
        assert "Authorization" not in storage.asked("/uploads/")[-1]


def test_a_redirected_upload(faulty, blob, send) -> None:
    with fault_registry() as storage:
        storage.uploads["7"] = b""

        def moved(handler, serve):
            handler.close_connection = True
            handler.body()
            place = storage.url(f"/v2/a/blobs/uploads/7?digest={blob.digest}")
            handler.reply(307, headers={"Location": place})

        faulty.fault("PUT", "uploads/", moved)
        send(blob)
        assert storage.blobs[blob.digest] == DATA


def test_what_the_store_lacks(faulty, blob, send, store) -> None:
    with pytest.raises(StoreError, match="lacks"):
        send(Descriptor(LAYER_TYPE, Digest("sha256:" + "0" * 64), 1))
    store.path(blob.digest).write_bytes(b"short")
    with pytest.raises(StoreError, match="damaged"):
        send(blob)
    assert faulty.asked("/uploads/") == []


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize(
    ("method", "number", "size", "resumed"),
    [("PATCH", 1, 100_000, False), ("PATCH", 2, 0, True), ("PATCH", 3, 0, True), ("PUT", 1, 50_000, False)],
)
def test_a_cut_on_the_way_to_a_real_registry(
    registry: RealRegistry,
    blob: Descriptor,
    settings: Settings,
    store: Store,
    naps: list[float],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    number: int,
    size: int,
    resumed: bool,
) -> None:
    """A request ends after `size` bytes of its body. This registry gives up an upload that ends inside a request, and
    goes on with one that ends between two.
    """
    import httpx2

    whole = httpx2.Client.send
    methods: list[str] = []

    def breaks(self: httpx2.Client, request: httpx2.Request, **kw: object) -> httpx2.Response:
        methods.append(request.method)
        if request.method == method and methods.count(method) == number:
            stream = iter(cast("Iterable[bytes]", request.stream))

            def cut():
                if size:
                    yield next(stream)[:size]
                raise httpx2.WriteError("cut")

            request.stream = httpx2.Request(method, request.url, content=cut()).stream
        return whole(self, request, **kw)  # type: ignore[arg-type]

    monkeypatch.setattr(httpx2.Client, "send", breaks)
    with open_session(parse(f"{registry.host}/cut:1"), settings, Reporter(), push=True) as session:
        session.upload(blob, store)
        assert session.has_blob(blob.digest)
    assert (methods.count("POST") == 1) is resumed
    assert registry.blob_path(blob.digest).read_bytes() == DATA
    registry.blob_path(blob.digest).unlink()  # the next of these tests sends the same
