"""One store and one cache for all end-to-end tests, so that mirror and index are read once; and who may run what."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import slipway
from tests import shared
from tests.distro.debkit import folder, member
from tests.e2e.archive import Archive
from tests.e2e.engines import Engine, buildah_engine, docker_engine
from tests.e2e.kit import Home, adopt_pip_configuration, example
from tests.inputs.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("e2e"))


@pytest.fixture
def own(tmp_path: Path) -> Home:
    """A home for one test, empty."""
    return Home(tmp_path / "own")


@pytest.fixture(scope="session")
def built(home: Home) -> Callable[[str], dict[str, Any]]:
    """Builds an example in the shared home when first asked for; the result of that build."""
    return cache(lambda name: home.build(example(name), timeout=300))


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def need_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can do this")


@pytest.fixture(scope="session")
def plain_home() -> Iterator[Home]:
    """A home of somebody without privileges: `nobody` when root runs the tests, otherwise who runs them."""
    with tempfile.TemporaryDirectory(prefix="slipway-plain-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        root.chmod(0o755)
        adopt_pip_configuration(root)
        yield plain(root, NOBODY) if os.geteuid() == 0 else Home(root, {"HOME": name})
        shared.remove(root)


@pytest.fixture(scope="session")
def buildah() -> Iterator[Engine]:
    need_root()
    with buildah_engine() as engine:
        yield engine


@pytest.fixture(
    params=[
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("buildah", marks=pytest.mark.thorough),
    ]
)
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "docker":
        return docker_engine(request.getfixturevalue("docker_host"))
    found = request.getfixturevalue("buildah")
    assert isinstance(found, Engine)
    return found


def plain(root: Path, uid: int) -> Home:
    """A home of the user `uid`, for root to start programs in."""
    paths = [
        str(Path(slipway.__file__).parents[1]),
        *(p for p in sys.path if p.endswith("site-packages")),
    ]
    identity: dict[str, Any] = {"user": uid, "group": uid, "extra_groups": []}
    extra = {"HOME": str(root), "PYTHONPATH": ":".join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    command = (_interpreter(extra, identity), "-c", "from slipway.cli.main import main; main()")
    (root / "tmp").mkdir(mode=0o700)
    for path in (root, root / "tmp"):
        os.chown(path, uid, uid)
    return Home(root, extra, command, identity)


def _interpreter(extra: dict[str, str], identity: dict[str, Any]) -> str:
    """A Python that `nobody` may run and that can load what is installed for ours (root's may be out of reach)."""
    code = f"import sys, slipway.cli.main, yaml; assert sys.version_info[:2] == {sys.version_info[:2]}"
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            tried = subprocess.run(
                [python, "-c", code],
                env={"PATH": os.defpath, **extra},
                cwd="/",
                capture_output=True,
                check=False,
                **identity,
            )
        except OSError:
            continue
        if tried.returncode == 0:
            return python
    pytest.skip(
        "an unprivileged user can reach neither our Python nor one of its version, or not our sources"
    )


@pytest.fixture
def archive() -> Iterator[Archive]:
    """A Debian archive on loopback, with one essential package."""
    need("gpg", "gpgv")
    server = Server()
    made = Archive(server)
    made.add("rock", members=[folder("./etc"), member("./etc/rock", b"solid\n")], essential="yes")
    yield made
    server.stop()
