"""Every example is built, and runs: under a real Docker daemon, under `slipway run`, and for a user without privileges."""

from __future__ import annotations

import json
import platform
import shutil
import socket
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import need
from tests.e2e.kit import EXAMPLES, Done, Home, example, run, warm_copy

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAMES = sorted(p.parent.name for p in EXAMPLES.glob("*/image.yaml"))

# What the default command of an example prints. The others have their own tests.
SAYS = {
    "hello": "Hello from an image that no daemon built",
    "netops": "/usr/bin/ping",
    "self-tested": '"escapes": true',
    "two-platforms": "VERSION_CODENAME=trixie",
}

pytestmark = [pytest.mark.net, pytest.mark.slow]


@pytest.mark.parametrize("name", NAMES)
def test_it_builds(built: Callable[[str], dict[str, Any]], home: Home, name: str) -> None:
    result = built(name)
    assert result["changed"]
    assert result["tag"] == f"{name}:latest"
    assert 1 <= len({layer["name"] for layer in result["layers"]}) < 20
    assert home.blob(result["image"]["digest"]).is_file()


def test_every_example_is_tried() -> None:
    assert {*SAYS, "files-only", "notebook", "scan-policy"} == set(NAMES)


@pytest.mark.parametrize("name", SAYS)
def test_its_command_runs(built: Callable[[str], dict[str, Any]], home: Home, name: str) -> None:
    built(name)
    done = home.slipway("run", name)
    assert SAYS[name] in done.out


def test_data_alone_has_no_command(built: Callable[[str], dict[str, Any]], home: Home) -> None:
    built("files-only")
    error = home.slipway("run", "files-only", status=None)
    assert error.status == 2
    assert "names no command" in error.err


def test_the_notebook_answers(built: Callable[[str], dict[str, Any]], home: Home) -> None:
    built("notebook")
    port = free_port()
    argv = ["run", "--network", "notebook", "--", f"--port={port}", "--port-retries=0"]
    with serving(home.start(*argv), port) as answer:
        assert "version" in answer


# -- Docker ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded(home: Home, docker_host: str) -> Callable[[str], dict[str, Any]]:
    """Builds an example with `--load` and returns the result."""
    done: dict[str, dict[str, Any]] = {}

    def load(name: str) -> dict[str, Any]:
        if name not in done:
            done[name] = home.with_(SLIPWAY_DOCKER_HOST=docker_host).build(
                example(name), "--load", timeout=300
            )
        return done[name]

    return load


@pytest.fixture
def docker(docker_host: str) -> Callable[..., Done]:
    need("docker")
    return lambda *argv, **how: run(["docker", "--host", docker_host, *argv], **how)


@pytest.mark.docker
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "hello" else pytest.mark.thorough) for n in NAMES]
)
def test_docker_loads_it(
    loaded: Callable[[str], dict[str, Any]], docker: Callable[..., Done], name: str
) -> None:
    result = loaded(name)
    assert result["outputs"] == [f"docker-daemon:{name}:latest"]
    (seen,) = json.loads(docker("image", "inspect", f"{name}:latest").out)
    if "index" not in result["image"]["mediaType"]:
        assert seen["Id"] == result["id"]
        assert len(seen["RootFS"]["Layers"]) == len(result["layers"])
    assert seen["Architecture"] == {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


@pytest.mark.docker
@pytest.mark.parametrize("name", SAYS)
def test_its_command_runs_in_docker(
    loaded: Callable[[str], dict[str, Any]], docker: Callable[..., Done], home: Home, name: str
) -> None:
    loaded(name)
    inside = docker("run", "--rm", "--network", "host", name)
    assert SAYS[name] in inside.out
    assert inside.out == home.slipway("run", name).out


@pytest.mark.docker
def test_data_alone_can_be_copied_out_of_docker(
    loaded: Callable[[str], dict[str, Any]], docker: Callable[..., Done], tmp_path: Path
) -> None:
    loaded("files-only")
    container = docker("create", "files-only", "no-command").out.strip()
    docker("cp", f"{container}:/data/readings.csv", str(tmp_path))
    docker("rm", container)
    assert (tmp_path / "readings.csv").read_bytes() == (EXAMPLES / "files-only/readings.csv").read_bytes()


@pytest.mark.docker
def test_the_notebook_answers_in_docker(
    loaded: Callable[[str], dict[str, Any]], docker: Callable[..., Done]
) -> None:
    loaded("notebook")
    port = free_port()
    argv = ("run", "-d", "--network", "host", "notebook", f"--port={port}", "--port-retries=0")
    container = docker(*argv).out.strip()
    try:
        assert "version" in answer_of(port, lambda: docker("logs", container).err)
        user = docker("exec", container, "id", "-u").out.strip()
        assert user == "1000"
    finally:
        docker("rm", "-f", container)


@pytest.mark.docker
def test_docker_sees_the_same_packages(
    loaded: Callable[[str], dict[str, Any]], docker: Callable[..., Done]
) -> None:
    loaded("hello")
    inside = ("run", "--rm", "--network", "host", "hello")
    assert docker(*inside, "dpkg", "--audit").out == ""
    assert "No broken requirements" in docker(*inside, "pip", "check").out
    assert docker(*inside, "python", "-c", "import ssl, sqlite3; print('both')").out == "both\n"


# -- without privileges --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain(plain_home: Home, home: Home, built: Callable[[str], dict[str, Any]]) -> Home:
    """The unprivileged user has the cache, and puts everything together anew (`test_reproducible` starts from nothing)."""
    for name in NAMES:
        built(name)
    copied = warm_copy(home, plain_home.root / "copied", fragments=True)
    shutil.rmtree(plain_home.cache, ignore_errors=True)  # of other tests
    copied.cache.rename(plain_home.cache)
    if owner := plain_home.identity.get("user"):
        run(["chown", "-R", f"{owner}:{owner}", plain_home.cache])
    return plain_home


@pytest.mark.parametrize("name", NAMES)
def test_without_privileges_the_same_image(
    plain: Home, built: Callable[[str], dict[str, Any]], name: str
) -> None:
    result = plain.build(example(name), cwd=plain.root, timeout=300)
    assert result["image"]["digest"] == built(name)["image"]["digest"]
    plain.check_clean()


@pytest.mark.parametrize("name", SAYS)
def test_without_privileges_its_command_runs(plain: Home, name: str) -> None:
    plain.build(example(name), cwd=plain.root, timeout=300)
    assert SAYS[name] in plain.slipway("run", name, cwd=plain.root).out


def test_without_privileges_the_notebook_answers(plain: Home) -> None:
    plain.build(example("notebook"), cwd=plain.root, timeout=300)
    port = free_port()
    argv = ["run", "--network", "notebook", "--", f"--port={port}", "--port-retries=0"]
    with serving(plain.start(*argv, cwd=plain.root), port) as answer:
        assert "version" in answer


# -- a server in an image ------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answer_of(port: int, log: Callable[[], str], alive: Callable[[], bool] = lambda: True) -> str:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and alive():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5) as reply:
                return str(reply.read().decode())
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"nothing answered on port {port}: {log()}")


@contextmanager
def serving(process: subprocess.Popen[str], port: int) -> Iterator[str]:
    """The answer of a server that was started; afterwards it is told to stop, and has to."""
    with process:
        try:
            yield answer_of(port, lambda: "see its output", lambda: process.poll() is None)
        except AssertionError:
            process.kill()
            raise AssertionError("\n".join(process.communicate())) from None
        process.terminate()
        try:
            process.communicate(timeout=15)
        except TimeoutError:
            process.kill()
            raise
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), 1):
        pass
