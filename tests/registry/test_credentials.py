from __future__ import annotations

import json
import stat
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import FetchError
from slipway.events import Note, Reporter
from slipway.registry.credentials import Login, find_login

if TYPE_CHECKING:
    from pathlib import Path

QUIET = Reporter()


def coded(user: str, password: str) -> str:
    return b64encode(f"{user}:{password}".encode()).decode()


def write(path: Path, config: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))


def helper(directory: Path, name: str, script: str) -> None:
    directory.mkdir(exist_ok=True)
    path = directory / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    return tmp_path / "docker/config.json"


def test_nothing_anywhere() -> None:
    assert find_login("r.example", "a/b", QUIET) is None


@pytest.mark.parametrize(
    ("entry", "login"),
    [
        ({"auth": coded("me", "p:w")}, Login("me", "p:w")),
        ({"username": "me", "password": "pw"}, Login("me", "pw")),
        ({"auth": coded("me", ""), "identitytoken": "long"}, Login("", identity_token="long")),
        ({"auth": b64encode(b"me:pw\0\0").decode()}, Login("me", "pw")),
        ({}, None),
        ({"auth": "%%%"}, None),
        ({"auth": ""}, None),
        ("nonsense", None),
    ],
)
def test_docker_entries(docker: Path, entry: Any, login: Login | None) -> None:
    write(docker, {"auths": {"r.example": entry}})
    assert find_login("r.example", "a/b", QUIET) == login
    assert find_login("other.example", "a/b", QUIET) is None


def test_docker_hub_has_another_name(docker: Path) -> None:
    write(docker, {"auths": {"https://index.docker.io/v1/": {"auth": coded("me", "pw")}}})
    assert find_login("docker.io", "library/python", QUIET) == Login("me", "pw")
    assert find_login("index.example", "library/python", QUIET) is None


def test_old_names(docker: Path) -> None:
    write(docker, {"auths": {"https://r.example/v1/": {"auth": coded("me", "pw")}}})
    assert find_login("r.example", "a", QUIET) == Login("me", "pw")


def test_containers_files(tmp_path: Path, docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path / "nobody/.config/containers/auth.json",
        {"auths": {"r.example": {"auth": coded("home", "1")}}},
    )
    assert find_login("r.example", "a/b", QUIET) == Login("home", "1")

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    auths = {
        "r.example": {"auth": coded("all", "2")},
        "r.example/a": {"auth": coded("team", "2")},
        "r.example/a/b": {"auth": coded("one", "2")},
    }
    write(tmp_path / "run/containers/auth.json", {"auths": auths})
    assert find_login("r.example", "a/b", QUIET) == Login("one", "2")
    assert find_login("r.example", "a/c", QUIET) == Login("team", "2")
    assert find_login("r.example", "ab", QUIET) == Login("all", "2")

    write(docker, {"auths": {"r.example": {"auth": coded("docker", "3")}}})
    assert find_login("r.example", "a/b", QUIET) == Login("docker", "3")
    docker.unlink()

    write(tmp_path / "mine.json", {"auths": {"docker.io": {"auth": coded("hub", "4")}}})
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "mine.json"))
    assert find_login("r.example", "a/b", QUIET) is None
    assert find_login("docker.io", "library/x", QUIET) == Login("hub", "4")


def test_helpers(tmp_path: Path, docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    helper(tmp_path / "bin", "one", 'read host; printf \'{"Username":"one","Secret":"for %s"}\' "$host"')
    helper(tmp_path / "bin", "all", 'printf \'{"Username":"<token>","Secret":"long"}\'')
    write(docker, {"credsStore": "all", "credHelpers": {"r.example": "one"}, "auths": {"r.example": {}}})
    assert find_login("r.example", "a", QUIET) == Login("one", "for r.example")
    assert find_login("other.example", "a", QUIET) == Login("", identity_token="long")
    write(docker, {"credHelpers": {"https://index.docker.io/v1/": "one"}})
    assert find_login("docker.io", "a", QUIET) == Login("one", "for https://index.docker.io/v1/")


def test_a_helper_that_knows_nothing(tmp_path: Path, docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    helper(tmp_path / "bin", "one", "echo credentials not found in native keychain; exit 1")
    write(docker, {"credsStore": "one", "auths": {"r.example": {"auth": coded("file", "1")}}})
    assert find_login("r.example", "a", QUIET) == Login("file", "1")
    assert find_login("other.example", "a", QUIET) is None


@pytest.mark.parametrize("script", ["echo broken; exit 3", "echo no json", "exit 0", None])
def test_a_helper_that_fails_is_a_warning(
    tmp_path: Path, docker: Path, monkeypatch: pytest.MonkeyPatch, script: str | None
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    if script:
        helper(tmp_path / "bin", "bad", script)
    write(docker, {"credsStore": "bad"})
    events: list[object] = []
    assert find_login("r.example", "a", Reporter(events.append)) is None
    (note,) = events
    assert isinstance(note, Note)
    assert note.level == "warning"
    assert "docker-credential-bad" in note.text


def test_a_helper_is_a_name_not_a_path(tmp_path: Path, docker: Path) -> None:
    helper(tmp_path / "bin", "x", f"touch {tmp_path}/ran")
    write(docker, {"credsStore": f"x/../../{tmp_path}/bin/docker-credential-x"})
    assert find_login("r.example", "a", QUIET) is None
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_damaged_files(docker: Path, text: str) -> None:
    docker.parent.mkdir()
    docker.write_bytes(text.encode("latin-1"))
    with pytest.raises(FetchError, match=r"config\.json"):
        find_login("r.example", "a", QUIET)


def test_empty_file(docker: Path) -> None:
    docker.parent.mkdir()
    docker.touch()
    assert find_login("r.example", "a", QUIET) is None


def test_secrets_are_not_shown() -> None:
    assert "pw" not in repr(Login("me", "pw", "pw"))
