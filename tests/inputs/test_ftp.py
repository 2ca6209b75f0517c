"""ftp and ftps sources, against real servers."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from slipway import net_trust
from slipway.errors import FetchError, SlipwayError, UsageError, VerifyError, Where
from slipway.events import Reporter
from slipway.inputs import ftp
from slipway.inputs.files import pin
from slipway.inputs.place import RangeRefusedError
from slipway.net import Client
from slipway.net_errors import TransientError
from slipway.recipe.model import FileItem
from tests.inputs.ftpd import Ftpd, ftpd, vsftpd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.events import Event
    from slipway.inputs.pinned import PinnedFile
    from slipway.inputs.place import Seen
    from slipway.settings import Settings

DAY = 86400
NOW = 2_000_000_000.0
LOGIN = "me:p%40ss%20word"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ftpd]:
    with ftpd(tmp_path_factory.mktemp("ftpd")) as made:
        yield made


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ftpd]:
    with ftpd(tmp_path_factory.mktemp("ftps"), tls=True) as made:
        yield made


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "pause", lambda *_: None)


def trust(server: Ftpd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.ca))
    net_trust._context.cache_clear()


def _everything_is_here(host: str, port: int, *more: object, **named: object) -> list[object]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def put(server: Ftpd, name: str, data: bytes) -> str:
    path = server.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return name


def fetch(
    source: str, settings: Settings, *, now: float = NOW, refresh: bool = False, sha256: str = ""
) -> PinnedFile:
    item = FileItem("x", source, Where("r.yaml", 7, 5), sha256)
    (found,) = pin([item], settings.cache, settings, Reporter(), refresh=refresh, clock=lambda: now)
    return found


def failing(source: str, settings: Settings, sha256: str = "") -> SlipwayError:
    with pytest.raises(SlipwayError) as caught:
        fetch(source, settings, sha256=sha256)
    assert str(caught.value.where) == "r.yaml:7:5"
    return caught.value


@pytest.mark.parametrize("login", ["", LOGIN])
def test_a_file(plain: Ftpd, settings: Settings, login: str) -> None:
    data = os.urandom(1_500_000)
    put(plain, "dir/a b#?.bin", data)
    before = len(plain.commands())
    for written in ("dir/a b#?.bin", "dir/a%20b%23%3F.bin", "/dir/a b#?.bin", "%2Fdir/a b#?.bin"):
        found = fetch(plain.url(written, login), settings)
        assert (found.kind, found.mode, found.path.read_bytes()) == ("file", 0o644, data)
    said = plain.commands()[before:]
    assert ("USER me" if login else "USER anonymous") in said
    assert any(line.startswith(("PASV", "EPSV")) for line in said)
    assert not any(line.startswith(("PORT", "EPRT")) for line in said)


def test_an_empty_file(plain: Ftpd, settings: Settings) -> None:
    assert fetch(plain.url(put(plain, "empty", b"")), settings).size == 0


def test_netrc(plain: Ftpd, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text('machine 127.0.0.1 login me password "p@ss word"\n')
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    put(plain, "n", b"netrc")
    for login in ("", "me"):
        before = len(plain.commands())
        assert fetch(plain.url("n", login), settings, refresh=True).size == 5
        assert "USER me" in plain.commands()[before:]


def test_wrong_password(plain: Ftpd, settings: Settings) -> None:
    error = failing(plain.url("n", "me:canary-secret"), settings)
    assert "does not let us in" in error.brief
    assert not isinstance(error, TransientError)
    assert "canary" not in repr(error.as_dict())


def test_secrets_are_kept_nowhere(plain: Ftpd, settings: Settings) -> None:
    put(plain, "s", b"content")
    events: list[Event] = []
    item = FileItem("x", plain.url("s", LOGIN), Where("r.yaml", 1))
    (found,) = pin([item], settings.cache, settings, Reporter(events.append), clock=lambda: NOW)
    kept = [p.name.encode() + (p.read_bytes() if p.is_file() else b"") for p in settings.cache.rglob("*")]
    for secret in ("p@ss word", "p%40ss%20word", "ss%20word"):
        assert not any(secret.encode() in one for one in kept)
        assert secret not in repr((events, found))


def test_unchanged_changed_and_refreshed(plain: Ftpd, settings: Settings) -> None:
    put(plain, "c", b"one")
    url = plain.url("c")

    def transfers() -> int:
        return sum(line.startswith("RETR c") for line in plain.commands())

    before = transfers()
    first = fetch(url, settings)
    assert fetch(url, settings, now=NOW + DAY - 1) == first
    assert fetch(url, settings, now=NOW + DAY) == first
    assert transfers() == before + 1
    put(plain, "c", b"three")
    assert fetch(url, settings, now=NOW + DAY + 1) == first  # young enough not to ask
    assert fetch(url, settings, now=NOW + 2 * DAY).path.read_bytes() == b"three"
    assert fetch(url, settings, now=NOW + 2 * DAY, refresh=True).size == 5
    assert transfers() == before + 3


@pytest.mark.parametrize("refused", [False, True])
def test_resumed(plain: Ftpd, settings: Settings, monkeypatch: pytest.MonkeyPatch, *, refused: bool) -> None:
    data = os.urandom(2_000_000)
    put(plain, "r", data)
    read = ftp._FtpPlace.read
    starts = []

    def cut(self: ftp._FtpPlace, seen: Seen, start: int) -> Iterator[bytes]:
        starts.append(start)
        if start and refused:
            raise RangeRefusedError
        pieces = read(self, seen, start)
        yield next(pieces)
        if len(starts) == 1:
            raise TransientError("cut")
        yield from pieces

    monkeypatch.setattr(ftp._FtpPlace, "read", cut)
    before = len(plain.commands())
    assert fetch(plain.url("r"), settings).path.read_bytes() == data
    rests = [line for line in plain.commands()[before:] if line.startswith("REST")]
    assert len(starts) == (3 if refused else 2)
    assert rests == ([] if refused else [f"REST {starts[1]}"])


def test_sha256(plain: Ftpd, settings: Settings) -> None:
    put(plain, "h", b"content")
    good = fetch(plain.url("h"), settings).sha256
    assert isinstance(failing(plain.url("h"), settings, sha256="0" * 64), VerifyError)
    before = len(plain.commands())
    assert fetch("ftp://elsewhere/h", settings.with_(offline=True), sha256=good).size == 7
    assert len(plain.commands()) == before


def test_no_such_file(plain: Ftpd, settings: Settings) -> None:
    error = failing(plain.url("none"), settings)
    assert "there is no such file" in error.brief
    assert not isinstance(error, TransientError)


@pytest.mark.parametrize("path", ["", "dir/", "a%0D%0ADELE b", "%FF"])
def test_what_is_no_file(plain: Ftpd, settings: Settings, path: str) -> None:
    before = len(plain.commands())
    assert isinstance(failing(plain.url(path), settings), UsageError)
    assert len(plain.commands()) == before


def test_a_directory(plain: Ftpd, settings: Settings) -> None:
    put(plain, "dir/x", b"x")
    assert isinstance(failing(plain.url("dir"), settings), FetchError)


def test_no_server(settings: Settings) -> None:
    error = failing("ftp://127.0.0.1:1/x", settings)
    assert isinstance(error, TransientError)
    assert "Connection refused" in error.brief


def test_tls(secured: Ftpd, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(500_000)
    put(secured, "t", data)
    trust(secured, monkeypatch)
    assert fetch(secured.url("t", LOGIN), settings).path.read_bytes() == data
    said = secured.commands()
    assert said.index("AUTH TLS") < said.index("PROT P") < said.index("USER me")


def test_tls_of_somebody_else(
    secured: Ftpd, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    before = len(secured.commands())
    error = failing(secured.url("t", LOGIN), settings)
    assert "certificate is not trusted" in error.brief
    assert "USER me" not in secured.commands()[before:]


def test_a_name_that_the_certificate_is_not_for(
    secured: Ftpd, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(secured, monkeypatch)
    monkeypatch.setattr("socket.getaddrinfo", _everything_is_here)
    error = failing(secured.url("t").replace("127.0.0.1", "ftp.example.org"), settings)
    assert "certificate is not trusted" in error.brief
    assert "ftp.example.org" in error.details


def test_no_tls_where_it_is_asked_for(plain: Ftpd, settings: Settings) -> None:
    before = len(plain.commands())
    error = failing(plain.url("t", LOGIN).replace("ftp:", "ftps:"), settings)
    assert "does not secure its connections" in error.brief
    assert "USER me" not in plain.commands()[before:]


def test_tls_sessions_go_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with vsftpd() as server:
        data = os.urandom(3_000_000)
        put(server, "big", data)
        (server.root / "big").chmod(0o644)
        trust(server, monkeypatch)
        assert fetch(server.url("big"), settings).path.read_bytes() == data
        assert "FTP command" in server.log.read_text()
