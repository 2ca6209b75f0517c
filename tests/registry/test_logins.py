from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import FetchError, ToolError
from slipway.events import Reporter
from slipway.registry.credentials import Login, find_login
from slipway.registry.logins import check_login, forget_login, save_login
from slipway.registry.reference import parse
from slipway.registry.session import open_session

if TYPE_CHECKING:
    from slipway.settings import Settings
    from tests.registry.faults import FaultRegistry
    from tests.registry.real import RealRegistry

QUIET = Reporter()
# keeps one login per registry in a file beside itself
HELPER = r"""#!/bin/sh
here=$(dirname "$0"); input=$(cat)
case "$1" in
store) key=$(echo "$input" | sed 's/.*"ServerURL": *"\([^"]*\)".*/\1/'); echo "$input" > "$here/$(echo "$key" | tr / _)" ;;
get) cat "$here/$(echo "$input" | tr / _)" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
erase) rm "$here/$(echo "$input" | tr / _)" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
esac
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "docker/config.json"


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a helper `pass`."""
    directory = tmp_path / "bin"
    directory.mkdir()
    program = directory / "docker-credential-pass"
    program.write_text(HELPER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory), prepend=":")
    return directory


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_kept_in_dockers_file(config: Path) -> None:
    assert save_login("r.example:5000", "crew", "s3cret") == str(config)
    assert read(config) == {"auths": {"r.example:5000": {"auth": "Y3JldzpzM2NyZXQ="}}}
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    assert find_login("r.example:5000", "a", QUIET) == Login("crew", "s3cret")
    assert forget_login("r.example:5000")
    assert read(config) == {"auths": {}}
    assert not forget_login("r.example:5000")


def test_the_rest_of_the_file_stays(config: Path) -> None:
    config.parent.mkdir()
    before = {"psFormat": "x", "auths": {"a.example": {"auth": "eDp5"}}, "proxies": {"default": {}}}
    config.write_text(json.dumps(before))
    save_login("docker.io", "crew", "ü")
    assert read(config)["auths"].keys() == {"a.example", "https://index.docker.io/v1/"}
    assert {k: v for k, v in read(config).items() if k != "auths"} == {
        "psFormat": "x",
        "proxies": {"default": {}},
    }
    assert find_login("docker.io", "library/x", QUIET) == Login("crew", "ü")
    assert forget_login("docker.io")
    assert read(config) == before


def test_a_link_stays_a_link(config: Path, tmp_path: Path) -> None:
    config.parent.mkdir()
    config.symlink_to(tmp_path / "dotfiles.json")
    save_login("r.example", "crew", "s3cret")
    assert config.is_symlink()
    assert "r.example" in (tmp_path / "dotfiles.json").read_text()


def test_a_damaged_file_is_left_alone(config: Path) -> None:
    config.parent.mkdir()
    config.write_text("{")
    for action in (lambda: save_login("r.example", "a", "b"), lambda: forget_login("r.example")):
        with pytest.raises(FetchError, match="not valid JSON"):
            action()
    assert config.read_text() == "{"


def test_kept_by_a_helper(config: Path, helper: Path) -> None:
    config.parent.mkdir()
    config.write_text(json.dumps({"credsStore": "pass"}))
    assert save_login("r.example", "crew", "s3cret") == "docker-credential-pass"
    assert read(config) == {"credsStore": "pass"}
    assert read(helper / "r.example") == {"ServerURL": "r.example", "Username": "crew", "Secret": "s3cret"}
    assert find_login("r.example", "a", QUIET) == Login("crew", "s3cret")
    assert forget_login("r.example")
    assert find_login("r.example", "a", QUIET) is None
    assert not forget_login("r.example")


def test_a_helper_that_is_missing(config: Path) -> None:
    config.parent.mkdir()
    config.write_text(json.dumps({"credHelpers": {"r.example": "gone"}}))
    with pytest.raises(ToolError, match="docker-credential-gone is not installed"):
        save_login("r.example", "crew", "s3cret")


def test_a_helper_that_fails_shows_no_secret(config: Path, helper: Path) -> None:
    (helper / "docker-credential-pass").write_text("#!/bin/sh\necho locked; exit 3\n")
    config.parent.mkdir()
    config.write_text(json.dumps({"credsStore": "pass"}))
    with pytest.raises(ToolError, match="status 3") as caught:
        save_login("r.example", "crew", "s3cret")
    assert caught.value.details == "locked"


def test_checked_by_real_registries(
    registry: RealRegistry,
    login_registry: RealRegistry,
    tls_registry: RealRegistry,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not check_login(registry.host, "crew", "s3cret", settings)
    assert check_login(login_registry.host, "crew", "s3cret", settings)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_registry.ca))
    assert check_login(tls_registry.host, "crew", "s3cret", settings)
    for one in (login_registry, tls_registry):
        with pytest.raises(FetchError, match="refuses this user or password") as caught:
            check_login(one.host, "crew", "wr0ng", settings)
        assert "wr0ng" not in json.dumps(caught.value.as_dict())


def test_checked_with_a_token(faulty: FaultRegistry, settings: Settings) -> None:
    faulty.auth = "bearer"
    assert check_login(faulty.host, "crew", "s3cret", settings)
    with pytest.raises(FetchError, match="refuses this user or password"):
        check_login(faulty.host, "crew", "wrong", settings)


def test_no_registry_there(settings: Settings, naps: list[float]) -> None:
    with pytest.raises(FetchError, match="cannot download http"):
        check_login("127.0.0.1:1", "crew", "s3cret", settings)


def test_docker_knows_what_is_kept_and_the_other_way_round(
    login_registry: RealRegistry, settings: Settings
) -> None:
    """skopeo reads and writes Docker's file as Docker does."""
    import shutil
    import subprocess

    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")

    def skopeo(*argv: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["skopeo", *argv], input=text, capture_output=True, text=True, check=False, env=dict(os.environ)
        )

    host = login_registry.host
    save_login(host, "crew", "s3cret")
    listed = skopeo("list-tags", "--tls-verify=false", f"docker://{host}/none")
    assert "authentication" not in listed.stderr.lower()
    assert "404" in listed.stderr
    forget_login(host)

    file = os.environ["DOCKER_CONFIG"] + "/auth.json"
    done = skopeo(
        "login",
        "--tls-verify=false",
        "--authfile",
        file,
        "-u",
        "crew",
        "--password-stdin",
        host,
        text="s3cret",
    )
    assert done.returncode == 0, done.stderr
    Path(file).rename(os.environ["DOCKER_CONFIG"] + "/config.json")
    with open_session(parse(f"{host}/none:1"), settings, QUIET) as session:
        assert session.head("1") is None
