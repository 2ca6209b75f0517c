from __future__ import annotations

import datetime as dt
import ipaddress
import shutil
import ssl
import threading
import time
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest

from slipway import net_trust
from slipway.errors import FetchError
from slipway.inputs.download import fetch_bytes
from slipway.net import Body, Client, TransientError, redact
from tests.inputs.conftest import _plain_network, server, settings
from tests.inputs.server import Server, cut, hang, redirect, status
from tests.registry.faults import FaultRegistry, cut_upload, fault_registry
from tests.registry.faults import status as moved
from tests.registry.real import make_certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slipway.settings import Settings

__all__ = ["_plain_network", "server", "settings"]


class Naps(list[float]):
    """A pause that does not wait but remembers how long it should have."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def client(settings: Settings, naps: Naps) -> Iterator[Client]:
    with Client(settings, pause=naps, jitter=lambda: 1.0, clock=lambda: 1_700_000_000.0) as client:
        yield client


def body(client: Client, url: str, **headers: str) -> bytes:
    def attempt() -> bytes:
        with client.get(url, headers) as answer:
            return b"".join(answer.chunks())

    return client.retry(attempt)


def test_get(client: Client, server: Server) -> None:
    server.add("/x", b"hello")
    assert body(client, server.url("/x")) == b"hello"
    (asked,) = server.asked("/x")
    assert asked["User-Agent"].startswith("slipway/")
    assert asked["Accept-Encoding"] == "identity"


def test_connection_is_kept(client: Client, server: Server) -> None:
    server.add("/x", b"hello")
    ports = set()
    for _ in range(3):
        with client.get(server.url("/x")) as answer:
            stream = answer._response.extensions["network_stream"]
            ports.add(stream.get_extra_info("client_addr"))
            list(answer.chunks())
    assert len(ports) == 1


def test_chunks_are_large(client: Client, server: Server) -> None:
    data = bytes(3_000_000)
    server.add("/x", data)
    with client.get(server.url("/x")) as answer:
        sizes = [len(c) for c in answer.chunks()]
    assert sum(sizes) == len(data)
    assert all(size >= 1 << 18 for size in sizes[:-1])


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_statuses_that_pass(client: Client, server: Server, naps: Naps, code: int) -> None:
    server.add("/x", b"hello", faults=[status(code), status(code)])
    assert body(client, server.url("/x")) == b"hello"
    assert naps == [1.0, 2.0]


@pytest.mark.parametrize("code", [400, 403, 404, 410, 501])
def test_statuses_that_do_not_pass(client: Client, server: Server, naps: Naps, code: int) -> None:
    server.add("/x", faults=[status(code)] * 2)
    with pytest.raises(FetchError, match=str(code)) as caught:
        body(client, server.url("/x"))
    assert not isinstance(caught.value, TransientError)
    assert naps == []


def test_tries_are_bounded(client: Client, server: Server, naps: Naps) -> None:
    server.add("/x", faults=[status(500)] * 9)
    with pytest.raises(FetchError, match="500"):
        body(client, server.url("/x"))
    assert naps == [1.0, 2.0, 4.0]


def test_retry_after_seconds(client: Client, server: Server, naps: Naps) -> None:
    server.add("/x", b"hello", faults=[status(429, Retry_After="7")])
    assert body(client, server.url("/x")) == b"hello"
    assert naps == [7.0]


def test_retry_after_date(client: Client, server: Server, naps: Naps) -> None:
    when = "Tue, 14 Nov 2023 22:13:50 GMT"  # 30 s after the test's clock
    server.add("/x", b"hello", faults=[status(503, Retry_After=when)])
    assert body(client, server.url("/x")) == b"hello"
    assert naps == [30.0]


def test_retry_after_too_long(client: Client, server: Server, naps: Naps) -> None:
    server.add("/x", faults=[status(503, Retry_After="3600")])
    with pytest.raises(FetchError) as caught:
        body(client, server.url("/x"))
    assert "3600 s" in caught.value.hint
    assert naps == []


@pytest.mark.parametrize("text", ["soon", "-5", "Tue, 99 Nov"])
def test_retry_after_nonsense(client: Client, server: Server, naps: Naps, text: str) -> None:
    server.add("/x", b"hello", faults=[status(503, Retry_After=text)])
    assert body(client, server.url("/x")) == b"hello"
    assert naps == [1.0]


def test_cut_body(client: Client, server: Server) -> None:
    server.add("/x", bytes(1000), faults=[cut(10)])
    assert body(client, server.url("/x")) == bytes(1000)
    with client.get(server.url("/x")) as answer:
        assert answer.status == 200


def test_refused_connection(client: Client, naps: Naps) -> None:
    with pytest.raises(FetchError) as caught:
        body(client, "http://127.0.0.1:1/x")
    assert "offline" in caught.value.hint
    assert len(naps) == 3


def test_proxy_is_used_and_its_password_hidden(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, naps: Naps
) -> None:
    monkeypatch.setenv("http_proxy", "http://me:pa55@127.0.0.1:1")
    with Client(settings, pause=naps) as client, pytest.raises(FetchError) as caught:
        body(client, "http://mirror.invalid/x")
    assert "http_proxy=http://***@127.0.0.1:1" in caught.value.hint
    assert "pa55" not in repr(caught.value.as_dict())


def test_proxy_receives_the_request(
    settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    server.add("http://mirror.invalid/x", b"by proxy")
    with Client(settings) as client:
        assert body(client, "http://mirror.invalid/x") == b"by proxy"


def test_silent_server(settings: Settings, server: Server, naps: Naps) -> None:
    server.add("/x", b"hello", faults=[hang()])
    with Client(settings.with_(timeout=0.2), pause=naps) as client:
        assert body(client, server.url("/x")) == b"hello"
    assert len(naps) == 1


def test_redirects(client: Client, server: Server) -> None:
    server.add("/a", faults=[redirect("/b", 301)])
    server.add("/b", faults=[redirect(server.url("/c"), 307)])
    server.add("/c", b"there")
    with client.get(server.url("/a")) as answer:
        assert answer.url == server.url("/c")
        assert b"".join(answer.chunks()) == b"there"


def test_redirect_loop(client: Client, server: Server) -> None:
    server.add("/a", faults=[redirect("/a")] * 50)
    with pytest.raises(FetchError, match="more than 10 redirects"):
        body(client, server.url("/a"))
    assert len(server.requests) == 11


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirect_to_another_scheme(client: Client, server: Server, target: str) -> None:
    server.add("/a", faults=[redirect(target)])
    with pytest.raises(FetchError, match="refused to follow"):
        body(client, server.url("/a"))


def test_login_from_the_url_stays_with_its_host(client: Client, server: Server) -> None:
    other = Server()
    try:
        other.add("/b", b"there")
        server.add("/a", faults=[redirect(other.url("/b"))])
        url = server.url("/a").replace("://", "://me:p%40ss@")
        assert body(client, url) == b"there"
        sent = server.asked("/a")[0]["Authorization"].removeprefix("Basic ")
        assert b64decode(sent) == b"me:p@ss"
        assert "Authorization" not in other.asked("/b")[0]
    finally:
        other.stop()


def test_header_of_the_caller_stays_with_its_origin(client: Client, server: Server) -> None:
    other = Server()
    try:
        other.add("/b", b"there")
        server.add("/a", faults=[redirect(other.url("/b"))])
        assert body(client, server.url("/a"), Authorization="Bearer x", Accept="text/plain") == b"there"
        assert server.asked("/a")[0]["Authorization"] == "Bearer x"
        assert "Authorization" not in other.asked("/b")[0]
        assert other.asked("/b")[0]["Accept"] == "text/plain"
    finally:
        other.stop()


def test_login_from_netrc(
    client: Client, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\ndefault login any password none\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.add("/x", b"hello")
    body(client, server.url("/x"))
    body(client, server.url("/x").replace("127.0.0.1", "localhost"))
    first, second = server.asked("/x")
    assert b64decode(first["Authorization"].removeprefix("Basic ")) == b"me:secret"
    assert "Authorization" not in second


def test_damaged_netrc(
    client: Client, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with pytest.raises(FetchError, match="netrc cannot be read"):
        body(client, server.url("/x"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/x", "https://h/x"),
        ("https://me:pw@h:1/x?a=b", "https://***@h:1/x?a=b"),
        ("https://token@h/x", "https://***@h/x"),
        ("https://me:p@w@h/x", "https://***@h/x"),
        ("https://me:p/w@h/x", "https://***@h/x"),
        ("https://h:8080/@scope/x", "https://h:8080/@scope/x"),
        ("https://h/@scope/x", "https://h/@scope/x"),
        (
            "https://h/x?X-Amz-Signature=abc&n=1&access_token=t#sig=x",
            "https://h/x?X-Amz-Signature=***&n=1&access_token=***#sig=***",
        ),
    ],
)
def test_redact(url: str, shown: str) -> None:
    assert redact(url) == shown


@pytest.mark.parametrize(
    "url", ["http://me:se/cret@h/x", "ftp://me:secret@h/x", "http://me:secret@", "http://["]
)
def test_bad_urls(client: Client, url: str) -> None:
    with pytest.raises(FetchError) as caught:
        body(client, url)
    assert "secret" not in repr(caught.value.as_dict())


def test_errors_hide_credentials(client: Client, server: Server) -> None:
    with pytest.raises(FetchError, match="404") as caught:
        body(client, server.url("/none?token=abc").replace("://", "://me:secret@"))
    text = repr(caught.value.as_dict())
    assert "secret" not in text
    assert "abc" not in text


def test_abort_ends_what_other_threads_wait_for(settings: Settings, server: Server) -> None:
    server.add("/head", faults=[hang()])
    server.add("/body", bytes(1000), faults=[hang(after=10)])
    errors: list[FetchError] = []

    def run(path: str) -> None:
        with pytest.raises(FetchError) as caught:
            body(own, server.url(path))
        errors.append(caught.value)

    with Client(settings) as own:
        threads = [threading.Thread(target=run, args=(path,)) for path in ("/head", "/body")]
        for thread in threads:
            thread.start()
        while len(server.requests) < 2:
            time.sleep(0.01)
        start = time.monotonic()
        own.abort()
        for thread in threads:
            thread.join()
        assert time.monotonic() - start < 5
        assert len(errors) == 2
        with pytest.raises(FetchError, match="given up"):
            body(own, server.url("/x"))


def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate of 127.0.0.1 (PEM file) and a server's context with it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "ca.pem"
    pem.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    both = tmp_path / "both.pem"
    both.write_bytes(
        pem.read_bytes()
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return pem, context


def test_tls(settings: Settings, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem, context = certificate(tmp_path)
    secure = Server(context)
    try:
        secure.add("/x", b"hello")
        secure.add("/down", faults=[redirect(server.url("/x"))])
        server.add("/up", faults=[redirect(secure.url("/x"))])
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        monkeypatch.delenv("SSL_CERT_DIR", raising=False)
        with pytest.raises(FetchError, match="not trusted") as caught:
            fetch_bytes(secure.url("/x"), settings, max_size=100)
        assert "SSL_CERT_FILE" in caught.value.hint
        assert not isinstance(caught.value, TransientError)

        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert fetch_bytes(secure.url("/x"), settings, max_size=100) == b"hello"
        assert fetch_bytes(server.url("/up"), settings, max_size=100) == b"hello"
        with pytest.raises(FetchError, match="redirect from https to http"):
            fetch_bytes(secure.url("/down"), settings, max_size=100)

        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        with pytest.raises(FetchError, match="certificate authorities"):
            fetch_bytes(secure.url("/x"), settings, max_size=100)
    finally:
        secure.stop()


@pytest.mark.parametrize(("path", "wrapped"), [("/x.txt", True), ("/x.tar.gz", False)])
def test_content_encoding(
    client: Client, server: Server, path: str, *, wrapped: bool, gzipped: Callable[[bytes], bytes]
) -> None:
    server.add(path, gzipped(b"hello"), headers={"Content-Encoding": "gzip"})
    with client.get(server.url(path)) as answer:
        assert answer.coded is wrapped
        assert b"".join(answer.chunks(decode=True)) == (b"hello" if wrapped else gzipped(b"hello"))


def test_damaged_content_encoding(client: Client, server: Server) -> None:
    server.add("/x", b"not gzip at all", headers={"Content-Encoding": "gzip"})
    with pytest.raises(FetchError, match="damaged"), client.get(server.url("/x")) as answer:
        list(answer.chunks(decode=True))


@pytest.fixture
def gzipped() -> Callable[[bytes], bytes]:
    import gzip

    return lambda data: gzip.compress(data, mtime=0)


def test_small_bodies_that_nobody_reads_do_not_cost_the_connection(client: Client, server: Server) -> None:
    ports = set()
    server.add("/x", b"some words")
    server.add("/moved", faults=[redirect("/x")] * 4)
    for path in ("/x", "/none", "/moved") * 3:
        with client.request("GET", server.url(path), ok=None) as answer:
            ports.add(answer._response.extensions["network_stream"].get_extra_info("client_addr"))
    assert len(ports) == 1


def test_read_has_an_end(client: Client, server: Server) -> None:
    server.add("/x", b"hello")
    with client.get(server.url("/x")) as answer:
        assert answer.read(5) == b"hello"
    with client.get(server.url("/x")) as answer, pytest.raises(FetchError, match="more than the 4 bytes"):
        answer.read(4)


def test_the_status_of_an_error(client: Client, server: Server) -> None:
    server.add("/x", faults=[status(503)])
    for path, code in (("/none", 404), ("/x", 503)):
        with pytest.raises(FetchError) as caught, client.get(server.url(path)):
            pass
        assert caught.value.status == code
    with pytest.raises(FetchError) as caught, client.get("http://127.0.0.1:1/"):
        pass
    assert caught.value.status is None


def test_offline(settings: Settings, server: Server) -> None:
    server.add("/x", b"hello")
    with (
        Client(settings.with_(offline=True)) as client,
        pytest.raises(FetchError, match="no network") as caught,
    ):
        body(client, server.url("/x?token=secret"))
    assert server.url("/x") in caught.value.brief
    assert "secret" not in caught.value.brief
    assert not isinstance(caught.value, TransientError)
    assert server.requests == []


def test_no_proxy_to_this_machine(
    settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add("/x", b"hello")
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Client(settings) as client:
        assert body(client, server.url("/x")) == b"hello"
        assert body(client, server.url("/x").replace("127.0.0.1", "localhost")) == b"hello"


def test_no_netrc(
    settings: Settings, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.add("/x", b"hello")
    with Client(settings, netrc=False) as client:
        body(client, server.url("/x"))
    assert "Authorization" not in server.asked("/x")[0]


def test_a_server_without_tls(client: Client, server: Server, naps: Naps) -> None:
    with pytest.raises(FetchError, match="does not speak TLS") as caught:
        body(client, server.url("/x").replace("http:", "https:"))
    assert "--plain-http" in caught.value.hint
    assert naps == []


# -- sending ---------------------------------------------------------------------------------------------------


@pytest.fixture
def registry() -> Iterator[FaultRegistry]:
    with fault_registry() as registry:
        registry.uploads["1"] = registry.uploads["2"] = b""
        yield registry


UPLOAD = "/v2/a/blobs/uploads/"


def test_a_body_is_sent_with_its_length(client: Client, registry: FaultRegistry) -> None:
    made = Body(lambda: (bytes([n]) for n in range(200)), 200)
    with client.request("PATCH", registry.url(f"{UPLOAD}1"), body=made, ok=(202,)) as answer:
        assert answer.headers["range"] == "0-199"
    (seen,) = registry.seen
    assert seen.headers["Content-Length"] == "200"
    assert "Transfer-Encoding" not in seen.headers
    assert registry.uploads["1"] == bytes(range(200))


@pytest.mark.parametrize("code", [307, 308])
def test_a_body_is_made_again_for_a_redirect(client: Client, registry: FaultRegistry, code: int) -> None:
    registry.fault("PATCH", f"{UPLOAD}1", moved(code, Location=f"{UPLOAD}2"))
    with client.request("PATCH", registry.url(f"{UPLOAD}1"), body=Body.of(b"hello"), ok=(202,)):
        pass
    assert registry.uploads == {"1": b"", "2": b"hello"}


@pytest.mark.parametrize("code", [301, 302, 303])
def test_a_redirect_that_would_lose_the_body_is_refused(
    client: Client, registry: FaultRegistry, code: int
) -> None:
    registry.fault("PATCH", f"{UPLOAD}1", moved(code, Location=f"{UPLOAD}2"))
    with (
        pytest.raises(FetchError, match=f"cannot send to .*{code}"),
        client.request("PATCH", registry.url(f"{UPLOAD}1"), body=Body.of(b"hello"), ok=(202,)),
    ):
        pass
    assert len(registry.seen) == 1


def test_no_redirects_at_all(client: Client, registry: FaultRegistry) -> None:
    registry.fault("POST", UPLOAD, moved(307, Location=UPLOAD))
    with (
        pytest.raises(FetchError, match="more than 0 redirects"),
        client.request("POST", registry.url(UPLOAD), body=Body.of(b"secret"), redirects=0),
    ):
        pass
    assert len(registry.seen) == 1


@pytest.mark.parametrize(("method", "words"), [("HEAD", "look at"), ("PUT", "send to"), ("POST", "send to")])
def test_errors_have_the_right_verb(client: Client, method: str, words: str) -> None:
    with (
        pytest.raises(TransientError, match=f"cannot {words} http://127.0.0.1:1/x"),
        client.request(method, "http://127.0.0.1:1/x"),
    ):
        pass


def test_a_cut_while_sending(client: Client, registry: FaultRegistry, naps: Naps) -> None:
    registry.fault("PATCH", UPLOAD, cut_upload(1000, keep=False))
    url = registry.url(f"{UPLOAD}1")

    def attempt() -> int:
        with client.request("PATCH", url, body=Body.of(bytes(5_000_000)), ok=(202,)) as answer:
            return answer.status

    assert client.retry(attempt) == 202
    assert len(naps) == 1
    assert len(registry.uploads["1"]) == 5_000_000


def test_a_longer_patience(settings: Settings, server: Server) -> None:
    def slow(handler: object, resource: object) -> None:
        time.sleep(0.3)
        handler.serve(resource)  # type: ignore[attr-defined]

    server.add("/x", b"hello", faults=[slow])
    with (
        Client(settings.with_(timeout=0.1)) as client,
        client.request("GET", server.url("/x"), patience=5) as answer,
    ):
        assert answer.read(10) == b"hello"


def test_own_certificates_are_shown(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The layout of Docker's directory, with a server that lets in only whom its authority signed."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setattr(net_trust, "REGISTRY_CERTIFICATES", (str(tmp_path),))
    make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # refuses in the handshake, not after it
    place = tmp_path / "r.example:5000"
    place.mkdir()
    shutil.copy(tmp_path / "ca.pem", place / "ca.crt")
    assert net_trust.registry_certificates("r.example") == net_trust.Certificates()
    trusted = net_trust.registry_certificates("r.example:5000")
    assert trusted == net_trust.Certificates((str(place / "ca.crt"),))
    shutil.copy(tmp_path / "server.pem", place / "client.cert")
    shutil.copy(tmp_path / "server.key", place / "client.key")
    known = net_trust.registry_certificates("r.example:5000")

    secure = Server(context)
    try:
        secure.add("/x", b"hello")
        with Client(settings, certificates=known) as client:
            assert body(client, secure.url("/x")) == b"hello"
        with Client(settings, certificates=trusted) as client, pytest.raises(FetchError):
            client.request("GET", secure.url("/x")).__enter__()
    finally:
        secure.stop()
