"""The session against real registries, and manifests against one that misbehaves."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from slipway import net_trust
from slipway.errors import FetchError, VerifyError
from slipway.events import Reporter, StepBegan, StepEnded, StepMoved
from slipway.net import TransientError
from slipway.oci.store import CONFIG_TYPE, INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE, Descriptor, Store
from slipway.registry import upload
from slipway.registry.reference import parse
from slipway.registry.session import open_session
from tests.registry.faults import cut, sha256, silence, status, wrong

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.settings import Settings
    from tests.registry.faults import FaultRegistry
    from tests.registry.real import RealRegistry

QUIET = Reporter()
LIST_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings.store)


@pytest.fixture
def image(store: Store) -> tuple[Descriptor, Descriptor, bytes]:
    """A configuration and a layer in the store, and a manifest of them."""
    config = store.put(b'{"os":"linux"}', CONFIG_TYPE)
    layer = store.put(os.urandom(300_000), LAYER_TYPE)
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config.as_json(),
        "layers": [layer.as_json()],
    }
    return config, layer, json.dumps(document).encode()


def round_trip(
    host: str,
    image: tuple[Descriptor, Descriptor, bytes],
    settings: Settings,
    login: tuple[str, str] | None = None,
) -> None:
    config, layer, manifest = image
    store = Store(settings.store)
    reference = parse(f"{host}/team/app:1")
    with open_session(reference, settings, QUIET, push=True, login=login) as session:
        assert session.head("none") is None
        assert not session.has_blob(layer.digest)
        for blob in (config, layer):
            session.upload(blob, store)
        assert session.has_blob(layer.digest)
        session.put_manifest("1", manifest, MANIFEST_TYPE)
        described = Descriptor(MANIFEST_TYPE, session.manifest("1")[0].digest, len(manifest))
        assert session.manifest("1") == (described, manifest)
        assert session.manifest(described.digest) == (described, manifest)
        assert session.head("1") == session.head(described.digest) == described
        other = Store(settings.cache / "other")
        session.read_blob(layer, other)
        assert other.read(layer.digest) == store.read(layer.digest)
        with pytest.raises(FetchError, match=rf"no image {host}/team/app:none in the registry") as caught:
            session.manifest("none")
        assert caught.value.status == 404
    with open_session(parse(f"{host}/team/second:1"), settings, QUIET, push=True, login=login) as session:
        assert session.mount(layer, "team/app")
        assert session.has_blob(layer.digest)
        assert not session.mount(config, "team/nothing")
        session.upload(config, store)  # goes on with the upload that was offered instead
        assert session.has_blob(config.digest)


def test_anonymous(
    registry: RealRegistry, image: tuple[Descriptor, Descriptor, bytes], settings: Settings
) -> None:
    round_trip(registry.host, image, settings)


def test_password(
    login_registry: RealRegistry,
    image: tuple[Descriptor, Descriptor, bytes],
    settings: Settings,
    tmp_path: Path,
) -> None:
    with pytest.raises(FetchError, match="wants a login") as caught:
        round_trip(login_registry.host, image, settings)
    assert caught.value.hint == f"slipway login {login_registry.host}"
    with pytest.raises(FetchError, match="refuses the login") as caught:
        round_trip(login_registry.host, image, settings, login=("crew", "wrong"))
    assert "wrong" not in json.dumps(caught.value.as_dict())
    login_registry.docker_config(tmp_path / "docker")
    round_trip(login_registry.host, image, settings)


def test_tls_with_an_authority_in_the_environment(
    tls_registry: RealRegistry,
    image: tuple[Descriptor, Descriptor, bytes],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    login = (tls_registry.user, tls_registry.password)
    with pytest.raises(FetchError, match="not trusted"):
        round_trip(tls_registry.host, image, settings, login)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_registry.ca))
    round_trip(tls_registry.host, image, settings, login)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_tls_with_an_authority_in_dockers_place(
    tls_registry: RealRegistry,
    image: tuple[Descriptor, Descriptor, bytes],
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
) -> None:
    name = tls_registry.host.replace("127.0.0.1", host)
    monkeypatch.setattr(
        net_trust, "REGISTRY_CERTIFICATES", (str(tmp_path / "docker"), str(tmp_path / "podman"))
    )
    place = tmp_path / "podman" / name
    place.mkdir(parents=True)
    shutil.copy(str(tls_registry.ca), place / "ca.crt")
    round_trip(name, image, settings, (tls_registry.user, tls_registry.password))

    (place / "second.crt").write_text("no certificate")
    with pytest.raises(FetchError, match="certificate authorities") as caught:
        round_trip(name, image, settings)
    assert str(place) in caught.value.details


def test_in_pieces(
    registry: RealRegistry, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "CHUNK", 100_000)
    blobs = [store.put(os.urandom(size), LAYER_TYPE) for size in (0, 1, 99_999, 100_000, 100_001, 450_000)]
    with open_session(parse(f"{registry.host}/pieces:1"), settings, QUIET, push=True) as session:
        for blob in blobs:
            session.upload(blob, store)
            assert session.has_blob(blob.digest)
            assert registry.blob_path(blob.digest).stat().st_size == blob.size
        other = Store(settings.cache / "other")
        for blob in blobs:
            session.read_blob(blob, other)
            assert other.read(blob.digest) == store.read(blob.digest)


def test_many_threads(login_registry: RealRegistry, settings: Settings, store: Store) -> None:
    blobs = [store.put(os.urandom(10_000), LAYER_TYPE) for _ in range(32)]
    other = Store(settings.cache / "other")
    login = (login_registry.user, login_registry.password)
    reference = parse(f"{login_registry.host}/threads:1")
    with (
        open_session(reference, settings, QUIET, push=True, login=login) as session,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda blob: session.upload(blob, store), blobs))
        assert all(pool.map(lambda blob: session.has_blob(blob.digest), blobs))
        list(pool.map(lambda blob: session.read_blob(blob, other), blobs))
    assert all(other.has(blob.digest) for blob in blobs)


def test_progress(registry: RealRegistry, settings: Settings, store: Store) -> None:
    blob = store.put(os.urandom(3_000_000), LAYER_TYPE)
    events: list[object] = []
    reporter = Reporter(events.append)
    with open_session(parse(f"{registry.host}/progress:1"), settings, reporter, push=True) as session:
        session.upload(blob, store)
        session.read_blob(blob, Store(settings.cache / "other"))
    begun = [e for e in events if isinstance(e, StepBegan)]
    assert [(e.name, e.total, e.unit) for e in begun] == [
        ("push", blob.size, "bytes"),
        ("pull", blob.size, "bytes"),
    ]
    for step in begun:
        assert [e for e in events if isinstance(e, StepMoved) and e.id == step.id][-1].done == blob.size
        assert [e for e in events if isinstance(e, StepEnded) and e.id == step.id][-1].ok


def test_connections_are_kept(faulty: FaultRegistry, settings: Settings) -> None:
    digest = faulty.add_blob("a", b"x")
    ports: set[int] = set()
    accept = faulty.get_request

    def counted():
        connection, address = accept()
        ports.add(address[1])
        return connection, address

    faulty.get_request = counted  # type: ignore[method-assign]
    faulty.auth = "basic"
    with open_session(parse(f"{faulty.host}/a:1"), settings, QUIET, login=("crew", "s3cret")) as session:
        for _ in range(5):
            assert session.has_blob(Descriptor("", digest, 1).digest)  # type: ignore[arg-type]
            assert session.head("none") is None
    assert len(ports) == 2  # one to find out about TLS


def test_offline(faulty: FaultRegistry, settings: Settings) -> None:
    settings = settings.with_(offline=True)
    with (
        open_session(parse(f"{faulty.host}/a:1"), settings, QUIET) as session,
        pytest.raises(FetchError, match="no network") as caught,
    ):
        session.manifest("1")
    assert f"{faulty.host}/v2/a/manifests/1" in caught.value.brief
    assert faulty.seen == []


# -- manifests from a registry that misbehaves -----------------------------------------------------------------


def body(kind: str = MANIFEST_TYPE, **more: object) -> bytes:
    fields: dict[str, object] = (
        {"manifests": []} if kind in (INDEX_TYPE, LIST_TYPE) else {"config": {}, "layers": []}
    )
    return json.dumps({"schemaVersion": 2, "mediaType": kind, **fields, **more}).encode()


def test_what_passes_is_tried_again(faulty: FaultRegistry, settings: Settings, naps: list[float]) -> None:
    faulty.add_manifest("a", "1", body(), MANIFEST_TYPE)
    faulty.fault("GET", "manifests/", status(429, Retry_After="7"), status(503), status(500), cut(5))
    with open_session(parse(f"{faulty.host}/a:1"), settings, QUIET) as session:
        with pytest.raises(TransientError):
            session.manifest("1")
        assert len(naps) == 3
        assert naps[0] == 7
        assert session.manifest("1")[1] == body()


def test_silence_is_a_cut(faulty: FaultRegistry, settings: Settings, naps: list[float]) -> None:
    faulty.add_manifest("a", "1", body(), MANIFEST_TYPE)
    faulty.fault("GET", "manifests/", silence)
    with open_session(parse(f"{faulty.host}/a:1"), settings.with_(timeout=0.2), QUIET) as session:
        assert session.manifest("1")[1] == body()
    assert len(naps) == 1


@pytest.mark.parametrize("code", [400, 404, 405, 418])
def test_what_does_not_pass_is_not(
    faulty: FaultRegistry, settings: Settings, naps: list[float], code: int
) -> None:
    faulty.fault("GET", "manifests", status(code))
    with (
        open_session(parse(f"{faulty.host}/a:1"), settings, QUIET) as session,
        pytest.raises(FetchError) as caught,
    ):
        session.manifest("1")
    assert caught.value.status == code
    assert code == 404 or "UNAVAILABLE: not now" in caught.value.details
    assert naps == []
    assert len(faulty.asked("/manifests/")) == 1


def test_refused(faulty: FaultRegistry, settings: Settings) -> None:
    faulty.fault("GET", "manifests", status(403))
    with (
        open_session(parse(f"{faulty.host}/a:1"), settings, QUIET) as session,
        pytest.raises(FetchError, match="does not allow this in a") as caught,
    ):
        session.manifest("1")
    assert caught.value.hint == f"slipway login {faulty.host}"


def test_wrong_bytes(faulty: FaultRegistry, settings: Settings) -> None:
    digest = faulty.add_manifest("a", "1", body(), MANIFEST_TYPE)
    with open_session(parse(f"{faulty.host}/a:1"), settings, QUIET) as session:
        for target in ("1", digest):
            faulty.fault("GET", "manifests/", wrong(body(more=1)))
            with pytest.raises(VerifyError, match="digest"):
                session.manifest(target)
        faulty.tells_digests = False
        faulty.fault("GET", "manifests/", wrong(body(more=1)))
        with pytest.raises(VerifyError, match="digest"):
            session.manifest(digest)
        assert session.manifest("1")[0].digest == digest
        assert (
            session.head("1") == session.manifest("1")[0]
        )  # asks for the bytes where the registry does not tell


def test_too_large(faulty: FaultRegistry, settings: Settings) -> None:
    faulty.add_manifest("a", "1", body(more="x" * (4 << 20)), MANIFEST_TYPE)
    with (
        open_session(parse(f"{faulty.host}/a:1"), settings, QUIET) as session,
        pytest.raises(FetchError, match="more than the 4194304 bytes"),
    ):
        session.manifest("1")


@pytest.mark.parametrize("kind", [MANIFEST_TYPE, INDEX_TYPE, LIST_TYPE])
@pytest.mark.parametrize("told", ["", "application/json", "text/plain; charset=utf-8"])
def test_the_media_type_is_in_the_bytes(
    faulty: FaultRegistry, settings: Settings, kind: str, told: str
) -> None:
    faulty.add_manifest("a", "1", body(kind), told or f"{kind}; charset=utf-8")
    with open_session(parse(f"{faulty.host}/a:1"), settings, QUIET) as session:
        assert session.manifest("1")[0].media_type == kind
        head = session.head("1")
        assert head
        assert head.media_type == kind
    assert faulty.asked("/manifests/")[0]["Accept"].count(",") == 3


@pytest.mark.parametrize(
    ("data", "told", "message"),
    [
        (
            b'{"schemaVersion":1,"fsLayers":[]}',
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "schema 1",
        ),
        (b'{"schemaVersion":1}', MANIFEST_TYPE, "schema 1"),
        (b"<html>", "text/html", "no JSON object"),
        (b"[]", MANIFEST_TYPE, "no JSON object"),
        (b"{}", "application/json", "not an image"),
        (body("application/vnd.example"), MANIFEST_TYPE, "not an image"),
        (body(manifests=[]), MANIFEST_TYPE, "malformed"),
        (body(INDEX_TYPE, layers=[]), INDEX_TYPE, "malformed"),
        (b'{"schemaVersion":2,"layers":[]}', INDEX_TYPE, "malformed"),
    ],
)
def test_what_is_no_image(
    faulty: FaultRegistry, settings: Settings, data: bytes, told: str, message: str
) -> None:
    faulty.add_manifest("a", "1", data, told)
    with (
        open_session(parse(f"{faulty.host}/a:1"), settings, QUIET) as session,
        pytest.raises(FetchError, match=message),
    ):
        session.manifest("1")


def test_put_manifest_checks_what_the_registry_says(faulty: FaultRegistry, settings: Settings) -> None:
    with open_session(parse(f"{faulty.host}/a:1"), settings, QUIET, push=True) as session:
        session.put_manifest("1", body(), MANIFEST_TYPE)
        assert faulty.manifests["a", "1"] == (body(), MANIFEST_TYPE)
        faulty.fault("PUT", "", status(201, Docker_Content_Digest=sha256(b"else")))
        with pytest.raises(VerifyError):
            session.put_manifest("1", body(), MANIFEST_TYPE)


# -- mounts ----------------------------------------------------------------------------------------------------


def test_no_mounts(faulty: FaultRegistry, settings: Settings, store: Store) -> None:
    faulty.mounts = False
    blob = store.put(b"layer", LAYER_TYPE)
    faulty.add_blob("base", b"layer")
    with open_session(parse(f"{faulty.host}/a:1"), settings, QUIET, push=True) as session:
        assert not session.mount(blob, "base")
        session.upload(blob, store)
        assert session.has_blob(blob.digest)
    assert faulty.methods("/uploads/") == ["POST", "PUT"]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405])
def test_refused_mounts(faulty: FaultRegistry, settings: Settings, store: Store, code: int) -> None:
    faulty.fault("POST", "mount=", status(code))
    blob = store.put(b"layer", LAYER_TYPE)
    with open_session(parse(f"{faulty.host}/a:1"), settings, QUIET, push=True) as session:
        assert not session.mount(blob, "base")
        session.upload(blob, store)
