"""Repositories behind real servers and proxies, with logins."""

from __future__ import annotations

import os
import shlex
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from slipway.errors import SlipwayError, ToolError, UsageError, Where
from slipway.events import Reporter
from slipway.inputs import gitrun
from slipway.inputs.git import pin_repositories
from slipway.recipe.model import Repository
from tests.inputs.gitkit import PASSWORD, USER, Repo, WebGit, installed, proxy, sample, web
from tests.inputs.sshd import Sshd, sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.inputs.repository import PinnedRepository
    from slipway.settings import Settings

HERE = Where("image.yaml", 7, 3)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("base")


@pytest.fixture(scope="module")
def repo(base: Path) -> Repo:
    return sample(base / "demo")


@pytest.fixture
def site(base: Path, repo: Repo, tmp_path: Path) -> Iterator[WebGit]:
    """HTTPS with a password."""
    with web(base, login=True, tls=tmp_path / "tls") as made:
        yield made


@pytest.fixture
def trusted(site: WebGit, monkeypatch: pytest.MonkeyPatch) -> WebGit:
    monkeypatch.setenv("SSL_CERT_FILE", str(site.ca))
    return site


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as made:
        yield made


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(gitrun, "_TRIES", 1)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", None)
    ours = [name for name in os.environ if name.startswith("GIT_")]
    for name in ("SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", *ours):
        monkeypatch.delenv(name, raising=False)


def item(url: str, commit: str = "", **more: Any) -> Repository:
    return Repository("demo", url, HERE, commit, **more)


def pin(settings: Settings, wanted: Repository, **how: Any) -> PinnedRepository:
    (found,) = pin_repositories([wanted], settings, how.pop("reporter", Reporter()), now=1000.0, **how)
    return found


def refused(settings: Settings, wanted: Repository, **how: Any) -> SlipwayError:
    with pytest.raises(SlipwayError) as caught:
        pin(settings, wanted, **how)
    assert caught.value.where == HERE
    assert list(Path(os.environ["TMPDIR"]).iterdir()) == []
    assert PASSWORD not in f"{caught.value} {caught.value.details} {caught.value.hint}"
    return caught.value


def with_login(url: str, user: str = USER, password: str = PASSWORD) -> str:
    return url.replace("://", f"://{quote(user, safe='')}:{quote(password, safe='')}@")


# -- https ----------------------------------------------------------------------------------------------------------


def test_https_with_credentials(trusted: WebGit, repo: Repo, settings: Settings) -> None:
    url = trusted.url("demo/.git")
    found = pin(settings, item(url, username=USER, password=PASSWORD))
    assert (found.commit, found.url) == (repo.head, url)
    inside = pin(settings.with_(cache=settings.cache / "2"), item(with_login(url)))
    assert (inside.url, inside.remotes) == (url, (("origin", url),))
    assert inside.tree.listing == found.tree.listing


def test_the_password_stays_where_it_is(
    trusted: WebGit, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the cache, nor in what is reported, nor in an argument, nor with the user's helper."""
    (tmp_path / ".gitconfig").write_text(f"[credential]\n helper = store --file {tmp_path}/kept\n")
    log = tmp_path / "arguments"
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    real = Path("/usr/bin/git")
    (bin_ / "git").write_text(
        f'#!/bin/sh\n{{ printf "%s " "$@"; env; }} >> {shlex.quote(str(log))}\nexec {real} "$@"\n'
    )
    (bin_ / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    events: list[Any] = []
    url = trusted.url("demo/.git")
    for wanted in (item(with_login(url), "v1"), item(url, username=USER, password=PASSWORD)):
        found = pin(settings, wanted, reporter=Reporter(events.append))
        assert PASSWORD not in repr(found)
        assert PASSWORD not in repr(wanted)
    assert not (tmp_path / "kept").exists()
    told = repr(events)
    coded = quote(PASSWORD, safe="")
    for path in [p for p in tmp_path.rglob("*") if p.is_file() and not p.is_symlink()]:
        if path == log:
            continue
        content = path.read_bytes()
        assert PASSWORD.encode() not in content, path
        assert coded.encode() not in content, path
    assert PASSWORD not in told
    assert coded not in told
    arguments = [line for line in log.read_text().splitlines() if not line.startswith("GIT_PASSWORD=")]
    assert PASSWORD not in "\n".join(arguments)
    assert coded not in "\n".join(arguments)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_wrong_and_missing_credentials(trusted: WebGit, settings: Settings) -> None:
    url = trusted.url("demo/.git")
    wrong = refused(settings, item(url, username=USER, password="wr0ng"))
    assert "refuses the login" in wrong.brief
    assert "wr0ng" not in f"{wrong} {wrong.details}"
    none = refused(settings, item(url))
    assert "wants a login" in none.brief
    assert "credentials" in none.hint
    assert "refuses the login" in refused(settings, item(with_login(url, "other"))).brief


def test_the_users_own_helper_and_netrc(
    trusted: WebGit, settings: Settings, tmp_path: Path, repo: Repo
) -> None:
    (tmp_path / "logins").write_text(with_login(trusted.url("")).rstrip("/") + "\n")
    (tmp_path / ".gitconfig").write_text(f"[credential]\n helper = store --file {tmp_path}/logins\n")
    assert pin(settings, item(trusted.url("demo/.git"))).commit == repo.head
    (tmp_path / ".gitconfig").unlink()
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert pin(settings, item(trusted.url("demo/.git"), "v1")).tags == ("v1",)


def test_an_unknown_authority(site: WebGit, settings: Settings, repo: Repo) -> None:
    url = site.url("demo/.git")
    error = refused(settings, item(url, username=USER, password=PASSWORD))
    assert "certificate is not trusted" in error.brief
    assert "GIT_SSL_NO_VERIFY" in error.hint
    found = pin(settings, item(url, username=USER, password=PASSWORD, verify_tls=False))
    assert found.commit == repo.head
    assert "certificate" in refused(settings, item(url, "v1", username=USER, password=PASSWORD)).brief


def test_the_settings_of_the_user_do_not_turn_checks_off(
    site: WebGit, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[http]\n sslVerify = false\n")
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    assert (
        "certificate"
        in refused(settings, item(site.url("demo/.git"), username=USER, password=PASSWORD)).brief
    )


def test_another_server_is_not_told(
    trusted: WebGit, base: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server sends git to another one, which wants a login too."""
    with web(base, login=True) as other:
        trusted.redirect = other.url("").rstrip("/")
        error = refused(settings, item(trusted.url("demo/.git"), username=USER, password=PASSWORD))
        assert other.requests == []  # from https to http
        assert error
    with web(base, login=True, tls=tmp_path / "other") as other:
        both = tmp_path / "both.pem"
        assert trusted.ca
        assert other.ca
        both.write_bytes(trusted.ca.read_bytes() + other.ca.read_bytes())
        monkeypatch.setenv("SSL_CERT_FILE", str(both))
        trusted.redirect = other.url("").rstrip("/")
        refused(settings, item(trusted.url("demo/.git"), username=USER, password=PASSWORD))
        assert other.requests
        assert {said for _, _, said in other.requests} == {""}


@pytest.mark.parametrize(
    ("status", "said"), [(404, "no such repository"), (403, "forbids it"), (503, "broke off")]
)
def test_answers_of_servers(base: Path, settings: Settings, status: int, said: str) -> None:
    with web(base) as plain:
        plain.answer = status
        assert said in refused(settings, item(plain.url("demo/.git"))).brief


def test_a_broken_transfer_is_tried_again(
    base: Path, repo: Repo, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitrun, "_TRIES", 3)
    with web(base) as plain:
        plain.answer = 503
        threading.Timer(0.2, lambda: setattr(plain, "answer", 0)).start()
        assert pin(settings, item(plain.url("demo/.git"))).commit == repo.head


def test_a_server_that_says_nothing(base: Path, settings: Settings) -> None:
    with web(base) as plain:
        plain.hanging = True
        began = time.monotonic()
        error = refused(settings.with_(timeout=0.3), item(plain.url("demo/.git")))
        assert "does not answer in time" in error.brief
        assert time.monotonic() - began < 20


def test_stopped_while_it_waits(base: Path, settings: Settings) -> None:
    stop = threading.Event()
    with web(base) as plain:
        plain.hanging = True
        threading.Timer(0.3, stop.set).start()
        began = time.monotonic()
        with pytest.raises(ToolError, match="stopped"):
            pin(settings, item(plain.url("demo/.git")), stop=stop)
        assert time.monotonic() - began < 20
    assert not _processes(str(plain.port))


def _processes(word: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line and "git" in line and "pytest" not in line:
            found.append(line)
    return found


# -- servers that give out branches and tags only ------------------------------------------------------------------


def test_a_server_that_knows_only_the_oldest_protocol(base: Path, repo: Repo, settings: Settings) -> None:
    """It gives out nothing but the ends of branches and tags: other commits come with whole branches."""
    with web(base) as plain:
        plain.protocol = False
        url = plain.url("demo/.git")
        for asked in ("main", "v1", "old"):
            assert pin(settings, item(url, asked))
        assert not list((settings.cache / "git/repositories").glob("*.all"))
        repo.git("checkout", "-q", "--detach", "v1")
        middle = repo.commit("middle", x="1")
        repo.commit("end", x="2")
        repo.git("branch", "-f", "further")
        repo.git("checkout", "-q", "main")
        found = pin(settings, item(url, middle))
        assert found.commit == middle
        assert pin(settings.with_(cache=settings.cache / "2"), item(url, middle[:9])).commit == middle
        error = refused(settings, item(url, "b" * 40))
        assert f"no commit {'b' * 40}" in error.brief


def test_a_server_without_git(repo: Repo, settings: Settings, base: Path, tmp_path: Path) -> None:
    """Only files (git's "dumb" protocol)."""
    import functools
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has in the base class
            pass

    repo.git("clone", "-q", "--bare", ".", tmp_path / "plain.git")
    Repo(tmp_path / "plain.git").git("update-server-info")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            found = pin(settings, item(f"http://127.0.0.1:{server.server_port}/plain.git", "v1"))
        finally:
            server.shutdown()
            thread.join()
    assert found.tags == ("v1",)


# -- ssh ------------------------------------------------------------------------------------------------------------


def at(shell: Sshd, repo: Repo) -> str:
    return shell.url(repo.path)


def use(monkeypatch: pytest.MonkeyPatch, client: Path) -> None:
    monkeypatch.setenv("PATH", f"{client}:{os.environ['PATH']}")


def test_ssh(
    shell: Sshd, repo: Repo, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, shell.client(tmp_path / "client"))
    found = pin(settings, item(at(shell, repo)))
    assert (found.commit, found.url) == (repo.head, at(shell, repo))
    config = tmp_path / "client" / "ssh_config"
    config.write_text(config.read_text() + f"  Port {shell.port}\n")
    short = f"{shell.user}@{shell.host}:{repo.path}"
    assert pin(settings, item(short, "v1")).url == short


@pytest.mark.parametrize("form", ["whole", "one line", "escaped", "windows"])
def test_ssh_with_a_key_of_the_recipe(
    shell: Sshd, repo: Repo, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    use(monkeypatch, shell.client(tmp_path / "client", key=False))
    assert "refuses the login" in refused(settings, item(at(shell, repo))).brief
    text = shell.key.read_text()
    forms = {
        "whole": text,
        "one line": text.replace("\n", " "),
        "escaped": text.replace("\n", "\\n"),
        "windows": text.replace("\n", "\r\n"),
    }
    before = set(Path("/dev/shm").iterdir())
    wanted = item(at(shell, repo), ssh_key=forms[form])
    assert pin(settings, wanted).commit == repo.head
    assert set(Path("/dev/shm").iterdir()) <= before
    secret = "".join(text.splitlines()[1:-1])[100:160].encode()
    for path in settings.cache.rglob("*"):
        assert not (path.is_file() and secret in path.read_bytes())


def test_ssh_with_bad_keys(
    shell: Sshd, repo: Repo, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, shell.client(tmp_path / "client", key=False))
    error = refused(settings, item(at(shell, repo), ssh_key="nonsense"))
    assert isinstance(error, UsageError)
    stranger = (shell.root / "host").read_text()  # a sound key, and not one of the user's
    assert "refuses the login" in refused(settings, item(at(shell, repo), ssh_key=stranger)).brief


def test_host_keys(
    shell: Sshd, repo: Repo, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = os.environ["PATH"]
    known = tmp_path / "known_hosts"
    monkeypatch.setenv("PATH", f"{shell.client(tmp_path / 'client', known_hosts=known)}:{path}")
    unknown = refused(settings, item(at(shell, repo)))
    assert "SSH key is not in known_hosts" in unknown.brief
    assert "accept-new" in unknown.hint
    assert not known.exists()
    assert pin(settings.with_(ssh_host_keys="accept-new"), item(at(shell, repo)))
    assert known.read_text() == shell.known_hosts.read_text()

    known.write_text(f"[{shell.host}]:{shell.port} " + (shell.root / "id.pub").read_text())
    for how in ("strict", "accept-new"):
        error = refused(settings.with_(ssh_host_keys=how), item(at(shell, repo), "v1"))
        assert "not the one in known_hosts" in error.brief
        assert "ssh-keygen -R" in error.hint
    assert pin(settings.with_(ssh_host_keys="off"), item(at(shell, repo), "v1"))


def test_no_such_thing_over_ssh(
    shell: Sshd, repo: Repo, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, shell.client(tmp_path / "client"))
    assert "no such repository" in refused(settings, item(shell.url("/nothing"))).brief
    assert "cannot be reached" in refused(settings, item("ssh://127.0.0.1:1/x")).brief
    assert "no such host" in refused(settings, item("ssh://nowhere.invalid/x")).brief


# -- proxies --------------------------------------------------------------------------------------------------------


def test_https_through_a_proxy(trusted: WebGit, repo: Repo, settings: Settings) -> None:
    before = dict(os.environ)
    wanted = item(
        trusted.url("demo/.git").replace("127.0.0.1", "localhost"), username=USER, password=PASSWORD
    )
    with proxy(socks=False) as between:
        found = pin(settings, wanted, proxy={"HTTPS_PROXY": f"http://127.0.0.1:{between.port}"})
        assert found.commit == repo.head
        assert set(between.seen) == {f"localhost:{trusted.port}"}
        between.seen.clear()
        spared = {"HTTPS_PROXY": f"http://127.0.0.1:{between.port}", "NO_PROXY": "localhost"}
        assert pin(settings, Repository(**{**_fields(wanted), "commit": "v1"}), proxy=spared)
        assert between.seen == []
    assert dict(os.environ) == before


def test_https_through_socks(trusted: WebGit, settings: Settings, repo: Repo) -> None:
    """Names are looked up by the proxy."""
    url = trusted.url("demo/.git").replace("127.0.0.1", "nowhere.invalid")
    with proxy(socks=True) as between:
        wanted = item(url, username=USER, password=PASSWORD, verify_tls=False)
        found = pin(settings, wanted, proxy={"SOCKS_PROXY": f"127.0.0.1:{between.port}"})
        assert found.commit == repo.head
        assert set(between.seen) == {f"nowhere.invalid:{trusted.port}"}


def test_ssh_through_socks(
    shell: Sshd, repo: Repo, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("nc.openbsd", "netcat-openbsd")
    use(monkeypatch, shell.client(tmp_path / "client"))
    with proxy(socks=True) as between:
        through = settings.with_(proxies=(("SOCKS_PROXY", f"socks5://127.0.0.1:{between.port}"),))
        assert pin(through, item(at(shell, repo))).commit == repo.head
        assert set(between.seen) == {f"127.0.0.1:{shell.port}"}
        between.seen.clear()
        spared = through.with_(proxies=(*through.proxies, ("NO_PROXY", "127.0.0.1")))
        assert pin(spared, item(at(shell, repo), "v1"))
        assert between.seen == []
    error = refused(through, item(at(shell, repo), "old"))
    assert "proxy" in error.brief


def test_ssh_through_socks_needs_a_program(
    shell: Sshd, repo: Repo, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = tmp_path / "only"
    only.mkdir()
    for name in ("git", "sh"):
        (only / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", f"{shell.client(tmp_path / 'client')}:{only}")
    error = refused(settings, item(at(shell, repo)), proxy={"SOCKS_PROXY": "127.0.0.1:1"})
    assert (error.code, error.hint) == ("tool", "apt-get install netcat-openbsd")
    for wrong in ("127.0.0.1", "$(touch x):1", "h:1 -e sh", "user:pw@h:1"):
        assert isinstance(refused(settings, item(at(shell, repo)), proxy={"SOCKS_PROXY": wrong}), UsageError)


def test_without_git(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refused(settings, item("https://127.0.0.1:1/x"))
    assert (error.brief, error.hint) == ("git is not installed", "apt-get install git")


def _fields(item: Repository) -> dict[str, Any]:
    return {name: getattr(item, name) for name in Repository.__shape__.names}  # type: ignore[attr-defined]
