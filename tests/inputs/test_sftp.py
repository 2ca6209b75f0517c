"""scp and sftp sources, against a real OpenSSH server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import InputError, SlipwayError, UsageError, VerifyError, Where
from slipway.events import Reporter, StepEnded, StepMoved
from slipway.inputs import sftpwire
from slipway.inputs.files import pin
from slipway.net import Client
from slipway.net_errors import TransientError
from slipway.recipe.model import FileItem
from tests.inputs.sshd import Sshd, sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.events import Event
    from slipway.inputs.pinned import PinnedFile
    from slipway.settings import Settings

DAY = 86400
NOW = 2_000_000_000.0  # long after the files of these tests


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as made:
        yield made


@pytest.fixture(autouse=True)
def _client(server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(server.client(tmp_path / "client"), monkeypatch)
    monkeypatch.setattr(Client, "pause", lambda *_: None)


def use(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{client}:{os.defpath}")


def item(source: str, **more: Any) -> FileItem:
    return FileItem("x", source, Where("r.yaml", 7, 5), **more)


def fetch(
    source: str,
    settings: Settings,
    *,
    now: float = NOW,
    refresh: bool = False,
    events: list[Event] | None = None,
    **more: Any,
) -> PinnedFile:
    reporter = Reporter(events.append if events is not None else None)
    (found,) = pin(
        [item(source, **more)], settings.cache, settings, reporter, refresh=refresh, clock=lambda: now
    )
    return found


@pytest.mark.parametrize("scheme", ["scp", "sftp"])
def test_a_file(server: Sshd, settings: Settings, tmp_path: Path, scheme: str) -> None:
    file = tmp_path / 'run it\'s "now" #1?.sh'
    data = os.urandom(3_000_000)
    file.write_bytes(data)
    file.chmod(0o750)
    for written in (file, str(file).replace(" ", "%20").replace("#", "%23")):
        found = fetch(server.url(written, scheme), settings)
        assert (found.kind, found.size, found.mode) == ("file", len(data), 0o755)
        assert found.path.read_bytes() == data
    file.chmod(0o640)
    assert fetch(server.url(file, scheme), settings, refresh=True).mode == 0o644


def test_an_empty_file(server: Sshd, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert fetch(server.url(tmp_path / "empty", "scp"), settings).size == 0


def test_a_directory(server: Sshd, settings: Settings, tmp_path: Path) -> None:
    top = tmp_path / "top dir"
    (top / "in ner" / "deep").mkdir(parents=True)
    (top / "empty").mkdir()
    (top / "-n $(x) `y` ;z\n").write_bytes(b"odd")
    (top / "in ner" / "run.sh").write_bytes(b"#!/bin/sh\n")
    (top / "in ner" / "run.sh").chmod(0o700)
    (top / "in ner" / "deep" / "Ä").write_bytes(b"a" * 100_000)
    (top / "link").symlink_to("in ner/run.sh")
    found = fetch(server.url(top, "scp"), settings)
    assert found.kind == "tree"
    assert [(e.path, e.kind, e.mode, e.size, e.target) for e in found.listing] == [
        ("-n $(x) `y` ;z\n", "file", 0o644, 3, ""),
        ("empty", "dir", 0o755, 0, ""),
        ("in ner", "dir", 0o755, 0, ""),
        ("in ner/deep", "dir", 0o755, 0, ""),
        ("in ner/deep/Ä", "file", 0o644, 100_000, ""),
        ("in ner/run.sh", "file", 0o755, 10, ""),
        ("link", "symlink", 0o777, 0, "in ner/run.sh"),
    ]
    local = fetch(str(top), settings)
    assert (local.sha256, local.listing) == (found.sha256, found.listing)
    for entry in found.listing:
        if entry.kind == "file":
            assert found.place(entry).read_bytes() == (top / entry.path).read_bytes()
    assert fetch(server.url(f"{top}/", "scp"), settings).sha256 == found.sha256


def test_a_symlink_as_the_source_is_followed(server: Sshd, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"real")
    (tmp_path / "link").symlink_to("real")
    assert fetch(server.url(tmp_path / "link", "sftp"), settings).path.read_bytes() == b"real"


def test_home(server: Sshd, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's own notion of home: the account's, whatever HOME says here."""
    name = f".slipway-test-{os.getpid()}"
    file = Path(f"~{server.user}", name).expanduser()
    try:
        file.write_bytes(b"mine")
        for path in (f"/~/{name}", f"/~{server.user}/{name}"):
            assert fetch(server.url(path, "scp"), settings, refresh=True).path.read_bytes() == b"mine"
    finally:
        file.unlink()


def test_asked_again_when_old_and_transferred_when_changed(
    server: Sshd, settings: Settings, tmp_path: Path
) -> None:
    top = tmp_path / "top"
    top.mkdir()
    for name in ("a", "b"):
        (top / name).write_bytes(name.encode() * 1000)
        os.utime(top / name, (1_000_000_000, 1_000_000_000))
    url = server.url(top, "sftp")
    events: list[Event] = []

    def moved() -> int:
        ended = [e for e in events if isinstance(e, StepMoved)]
        return ended[-1].done if ended else 0

    first = fetch(url, settings)
    (top / "a").write_bytes(b"changed")
    assert fetch(url, settings, now=NOW + DAY - 1, events=events) == first
    assert events == []  # nobody was asked
    second = fetch(url, settings, now=NOW + DAY, events=events)
    assert [e.size for e in second.listing] == [7, 1000]
    assert moved() == 7
    events.clear()
    assert fetch(url, settings, now=NOW + 2 * DAY, events=events).sha256 == second.sha256
    assert [e.detail for e in events if isinstance(e, StepEnded)] == ["unchanged"]
    events.clear()
    fetch(url, settings, now=NOW + 2 * DAY, refresh=True, events=events)
    assert moved() == 1007  # times are not believed when everything is to be asked again


def test_what_may_still_change_is_not_remembered(server: Sshd, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "f"
    for content in (b"one", b"two"):
        file.write_bytes(content)
        os.utime(file, (NOW, NOW))
        found = fetch(server.url(file, "scp"), settings.with_(max_age=0))
        assert found.path.read_bytes() == content


def test_resumed(server: Sshd, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f"
    data = os.urandom(2_000_000)
    file.write_bytes(data)
    os.utime(file, (1_000_000_000, 1_000_000_000))
    read = sftpwire.Sftp.read
    starts = []

    def cut(self: sftpwire.Sftp, handle: bytes, start: int, end: int) -> Iterator[bytes]:
        starts.append(start)
        for number, piece in enumerate(read(self, handle, start, end)):
            if len(starts) < 3 and number == 10:
                raise EOFError
            yield piece

    monkeypatch.setattr(sftpwire.Sftp, "read", cut)
    assert fetch(server.url(file, "scp"), settings).path.read_bytes() == data
    assert starts == [0, 10 * 32768, 20 * 32768]
    assert list((settings.cache / "downloads" / "parts").iterdir()) == []


def test_sha256(server: Sshd, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"content")
    good = fetch(str(file), settings).sha256
    with pytest.raises(VerifyError, match="hash is wrong") as caught:
        fetch(server.url(file, "sftp"), settings, sha256="0" * 64)
    assert str(caught.value.where) == "r.yaml:7:5"
    assert [p for p in (settings.cache / "downloads").rglob("*") if p.is_file()] == []
    found = fetch(server.url(file, "sftp"), settings, sha256=good)
    file.unlink()
    offline = settings.with_(offline=True)
    assert fetch(server.url(file, "sftp"), offline, sha256=good, now=NOW + 9 * DAY) == found
    assert fetch("sftp://nowhere/else", offline, sha256=good, mode=0o600).mode == 0o600
    with pytest.raises(VerifyError, match="directory"):
        fetch(server.url(tmp_path, "sftp"), settings, sha256=good)


def failing(source: str, settings: Settings) -> SlipwayError:
    with pytest.raises(SlipwayError) as caught:
        fetch(source, settings)
    assert str(caught.value.where) == "r.yaml:7:5"
    return caught.value


def test_no_such_file(server: Sshd, settings: Settings, tmp_path: Path) -> None:
    url = server.url(tmp_path / "none", "scp")
    assert failing(url, settings).brief == f"cannot download {url}: there is no such file"


def test_special_files_are_refused(server: Sshd, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "d" / "pipe")
    error = failing(server.url(tmp_path / "d", "scp"), settings)
    assert isinstance(error, InputError)
    assert "pipe is a named pipe" in error.brief
    assert "is a named pipe" in failing(server.url(tmp_path / "d" / "pipe", "scp"), settings).brief


def test_names_that_are_not_utf8(server: Sshd, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "\udcff").touch()
    assert "not UTF-8" in failing(server.url(tmp_path / "d", "scp"), settings).brief


def test_no_key(server: Sshd, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(server.client(tmp_path / "other", key=False), monkeypatch)
    error = failing(server.url("/etc/hostname", "scp"), settings)
    assert "does not let us in" in error.brief
    assert "Permission denied" in error.details
    assert not isinstance(error, TransientError)


def test_unknown_host(
    server: Sshd, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = tmp_path / "known"
    known.touch()
    use(server.client(tmp_path / "other", known_hosts=known), monkeypatch)
    file = tmp_path / "f"
    file.write_bytes(b"x")
    url = server.url(file, "scp")
    error = failing(url, settings)
    assert "host key is not known" in error.brief
    assert "accept-new" in error.hint
    assert fetch(url, settings.with_(ssh_host_keys="accept-new")).size == 1
    assert known.read_text().startswith(f"[{server.host}]")
    assert fetch(url, settings, refresh=True).size == 1


@pytest.mark.parametrize("choice", ["strict", "accept-new"])
def test_host_key_mismatch(
    server: Sshd, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    known = tmp_path / "known"
    kind, key, *_ = (server.root / "id.pub").read_text().split()
    known.write_text(f"[{server.host}]:{server.port} {kind} {key}\n")
    use(server.client(tmp_path / "other", known_hosts=known), monkeypatch)
    (tmp_path / "f").write_bytes(b"x")
    url = server.url(tmp_path / "f", "scp")
    error = failing(url, settings.with_(ssh_host_keys=choice))
    assert "not the one in known_hosts" in error.brief
    assert not isinstance(error, TransientError)
    assert fetch(url, settings.with_(ssh_host_keys="off")).size == 1
    assert known.read_text().count("\n") == 1


def test_no_server(settings: Settings, server: Sshd) -> None:
    error = failing("scp://127.0.0.1:1/f", settings)
    assert isinstance(error, TransientError)
    assert "Connection refused" in error.brief


def test_no_machine(settings: Settings, server: Sshd) -> None:
    assert "nowhere.invalid" in failing("scp://nowhere.invalid/f", settings).brief


def test_no_sftp(settings: Settings, tmp_path: Path) -> None:
    with sshd(tmp_path / "bare", settings=("Subsystem other /bin/false",)) as bare:
        os.environ["PATH"] = f"{bare.client(tmp_path / 'c')}:{os.defpath}"  # undone by the fixture
        assert "offers no SFTP" in failing(bare.url("/f", "scp"), settings).brief


def test_a_login_shell_that_talks(settings: Settings, tmp_path: Path) -> None:
    with sshd(tmp_path / "talks", settings=("ForceCommand echo hello there",)) as talks:
        os.environ["PATH"] = f"{talks.client(tmp_path / 'c')}:{os.defpath}"
        assert "login shell print" in failing(talks.url("/f", "scp"), settings).hint


def test_a_silent_server(settings: Settings, tmp_path: Path) -> None:
    with sshd(tmp_path / "silent", settings=("ForceCommand sleep 60",)) as silent:
        os.environ["PATH"] = f"{silent.client(tmp_path / 'c')}:{os.defpath}"
        error = failing(silent.url("/f", "scp"), settings.with_(timeout=0.5))
        assert "went silent" in error.brief


def test_no_ssh(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "ssh is not installed" in failing("scp://h/f", settings).brief


@pytest.mark.parametrize(
    "source",
    ["scp://-oProxyCommand=x/f", "scp://-l@h/f", "scp://h;id/f", "scp://a$(id)@h/f", "scp://h:0x1/f"],
)
def test_hostile_addresses(settings: Settings, source: str) -> None:
    assert isinstance(failing(source, settings), UsageError)


def test_passwords_are_refused_and_not_shown(settings: Settings, tmp_path: Path) -> None:
    error = failing("sftp://me:hunter2@h/f", settings)
    assert "password" in error.brief
    assert "hunter2" not in repr((error, error.as_dict()))
    kept = [
        p
        for p in settings.cache.rglob("*")
        if "hunter2" in p.name or (p.is_file() and b"hunter2" in p.read_bytes())
    ]
    assert kept == []


def test_offline(server: Sshd, settings: Settings) -> None:
    assert "no network" in failing(server.url("/f", "scp"), settings.with_(offline=True)).brief
