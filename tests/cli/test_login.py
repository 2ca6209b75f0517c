from __future__ import annotations

import io
import json
import os
import sys

import pytest

from tests.cli.conftest import command
from tests.registry.conftest import login_registry, registry

__all__ = ["login_registry", "registry"]


@pytest.fixture(autouse=True)
def _plain(home, monkeypatch):
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def typed(monkeypatch):
    """What is on standard input, which is no terminal."""

    def set_to(text):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return set_to


def test_login_and_logout(call, home, login_registry, typed):
    host = login_registry.host
    typed("s3cret\n")
    done = call("login", host, "-u", "crew", "--password-stdin")
    assert (done.status, done.out) == (0, f"logged in to {host} as crew\n")
    assert f"unencrypted in {home}/.docker/config.json" in done.err
    assert list(json.loads((home / ".docker/config.json").read_text())["auths"]) == [host]
    done = call("logout", host)
    assert (done.status, done.out) == (0, f"logged out of {host}\n")
    assert call("logout", host).out == f"there was no login for {host}\n"


def test_json(call, home, login_registry, typed):
    typed("s3cret")
    done = call("login", login_registry.host, "-u", "crew", "--password-stdin", "--json")
    assert done.lines[-1] == {
        "type": "result",
        "registry": login_registry.host,
        "user": "crew",
        "kept": f"{home}/.docker/config.json",
    }
    assert "s3cret" not in done.out + done.err
    done = call("logout", login_registry.host, "--json")
    assert done.lines == [{"type": "result", "registry": login_registry.host, "forgotten": True}]


def test_a_wrong_password_is_not_kept(call, home, login_registry, typed):
    typed("wr0ng\n")
    done = call("login", login_registry.host, "-u", "crew", "--password-stdin")
    assert done.status == 4
    assert "refuses this user or password" in done.err
    assert "wr0ng" not in done.err
    assert not (home / ".docker").exists()


def test_a_registry_that_does_not_ask(call, home, registry, typed):
    typed("s3cret\n")
    done = call("login", registry.host, "-u", "crew", "--password-stdin")
    assert done.status == 0
    assert "were not tried" in done.err


@pytest.mark.parametrize(
    ("argv", "text", "message"),
    [
        (["-u", "crew"], "", "no terminal"),
        (["--password-stdin"], "x", "needs --username"),
        (["-u", "crew", "--password-stdin"], "", "one line, and not empty"),
        (["-u", "crew", "--password-stdin"], "a\nb\n", "one line, and not empty"),
        (["-u", "a:b", "--password-stdin"], "x", "not a user name"),
        (["-u", "crew", "--password", "x"], "", "--password"),
    ],
)
def test_refused(call, typed, argv, text, message):
    typed(text)
    done = call("login", "127.0.0.1:1", *argv)
    assert done.status == 2
    assert message in done.err


def test_a_name_that_is_no_registry(call):
    done = call("login", "https://r.example", "-u", "crew", "--password-stdin")
    assert done.status == 2
    assert "HOST:PORT" in done.err
    assert call("logout", "nothing").status == 2


def test_on_a_terminal(home, login_registry):
    """User and password are asked for, the password without an echo."""
    import pty
    import select
    import time

    child, terminal = pty.fork()
    if child == 0:
        argv = command("login", login_registry.host)
        os.execvp(argv[0], argv)
    written, answers, end = b"", [(b"User: ", b"crew\n"), (b"Password: ", b"s3cret\n")], time.monotonic() + 20
    while time.monotonic() < end and select.select([terminal], [], [], end - time.monotonic())[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        written += piece
        if answers and answers[0][0] in written:
            os.write(terminal, answers.pop(0)[1])
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, written
    assert b"logged in to" in written
    assert b"s3cret" not in written
    assert (home / ".docker/config.json").exists()
