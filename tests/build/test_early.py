"""Python packages are asked for before the base image is read: what it says of itself is a guess, its layers decide."""

from __future__ import annotations

import gzip
import os
import threading
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from slipway.build.api import build
from slipway.build.base import BaseImage
from slipway.build.early import likely_target, meanwhile
from slipway.build.model import Options
from slipway.errors import FetchError, InputError, NotYetError, ResolveError, SlipwayError, VerifyError
from slipway.events import Event, Reporter, StepBegan
from slipway.lock.kept import FIELD
from slipway.oci.reader import manifests, read_image
from slipway.oci.store import Store
from slipway.recipe import load
from slipway.settings import Settings
from tests.images.making import Maker, Member, member, symlink, tar
from tests.inputs.server import Server
from tests.python.conftest import WheelMaker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.build.model import Result

LIKELY = {
    "official": ("docker.io/library/python:3.12-slim", ("PYTHON_VERSION=3.12.7",), "3.12.7"),
    "made of the official one": ("registry.example/team/app:1", ("PYTHON_VERSION=3.12.7",), "3.12.7"),
    "tag": ("docker.io/library/python:3.12-slim", (), "3.12"),
    "whole tag": ("docker.io/library/python:3.12.7-slim-bookworm@sha256:00", (), "3.12.7"),
    "another registry": ("registry.example/mirror/python:3.9", (), "3.9"),
    "uv": ("ghcr.io/astral-sh/uv-python:python3.13-bookworm", (), "3.13"),
    "newest": ("docker.io/library/python:latest", (), ""),
    "old": ("docker.io/library/python:2.7", (), ""),
    "beta": ("registry.example/app:3.1", ("PYTHON_VERSION=3.14.0b1",), ""),
    "no Python": ("docker.io/library/debian:12", (), ""),
    "nothing": ("oci:base", (), ""),
}


@pytest.mark.parametrize("what", LIKELY)
def test_what_a_base_most_likely_has(what: str) -> None:
    name, env, version = LIKELY[what]
    image = SimpleNamespace(name=name, config={"config": {"Env": list(env)}})
    target = likely_target(cast("BaseImage", image), "arm64")
    assert (target.version if target else "") == version
    assert target is None or target.arch == "arm64"


@pytest.mark.parametrize("config", [{}, {"config": None}, {"config": {"Env": None}}])
def test_a_base_without_settings(config: dict[str, Any]) -> None:
    assert likely_target(cast("BaseImage", SimpleNamespace(name="oci:base", config=config)), "amd64") is None


def test_both_are_done_at_once() -> None:
    met = threading.Barrier(2, timeout=5)

    def do() -> str:
        met.wait()
        return "done"

    assert meanwhile(met.wait, do) == "done"


def test_a_guess_that_fails_is_no_answer() -> None:
    seen = []

    def do() -> str:
        raise ResolveError("no such version")

    assert meanwhile(lambda: seen.append(1), do) is None
    assert seen == [1]


def test_the_error_of_the_layers_counts() -> None:
    def look() -> None:
        time.sleep(0.05)
        raise InputError("no image")

    def do() -> str:
        raise FetchError("no index")

    with pytest.raises(InputError, match="no image"):
        meanwhile(look, do)


def test_an_interrupt_does_not_wait_for_the_layers() -> None:
    release = threading.Event()

    def do() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        meanwhile(lambda: release.wait(10), do)
    release.set()


# -- whole builds ----------------------------------------------------------------------------------------------

GLIBC = b"Package: libc6\nVersion: 2.36-9\n"


def python(version: str) -> list[Member]:
    return [
        member(f"usr/local/bin/python{version}", mode=0o755),
        symlink("usr/local/bin/python3", f"python{version}"),
        member("var/lib/dpkg/status", GLIBC),
        member("bin/sh"),
    ]


class Bench:
    """A directory of wheels, and bases that say one thing and hold another."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.maker = Maker(root / "made")
        self.settings = Settings(store=root / "store", cache=root / "cache")
        self.events: list[Event] = []
        wheels = root / "wheels"
        wheels.mkdir(parents=True)
        WheelMaker(wheels, "pip", "1.0").write()
        for tag in ("cp311-cp311-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_17_x86_64"):
            WheelMaker(wheels, "app", "1.0", tag, {"app.py": tag.encode()}).write()
        WheelMaker(wheels, "new", "1.0", metadata="Requires-Python: >=3.12\n").write()
        self.wheels = wheels
        self.pip = f"no-index = true\n  find-links = {wheels}"

    def base(self, *members: Member, env: tuple[str, ...]) -> None:
        self.maker.image(self.maker.layer(*members), tag="base:1", Env=list(env), Entrypoint=["/bin/sh"])

    def build(self, package: str = "app", options: Options | None = None) -> Result:
        text = (
            f"tag: early\nbase: oci:{self.maker.store.root}:base:1\npackages: [{package}]\n"
            f"pip-config: |\n  [global]\n  {self.pip}\n"
        )
        recipe = load(self.root / "image.yaml", text)
        self.events.clear()
        return build(recipe, self.settings, Reporter(self.events.append), options)

    def asked(self) -> int:
        return sum(isinstance(e, StepBegan) and e.name == "resolve Python packages" for e in self.events)

    def lock(self, done: Result) -> str:
        """What the image says that it is made of."""
        store = Store(self.settings.store)
        (manifest,) = manifests(store, done.image)
        return str(read_image(store, manifest).config[FIELD])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_base_that_says_what_it_holds(bench: Bench) -> None:
    bench.base(*python("3.12"), env=("PYTHON_VERSION=3.12.7",))
    first = bench.build()
    assert "cp312" in bench.lock(first)
    assert bench.build().image == first.image
    assert bench.asked() == 0


@pytest.mark.parametrize("env", ["PYTHON_VERSION=3.11.9", "PYTHON_VERSION=3.13.0"])
def test_a_base_that_says_another_version_than_it_holds(bench: Bench, tmp_path: Path, env: str) -> None:
    bench.base(*python("3.12"), env=(env,))
    done = bench.build()
    assert bench.asked() == 2
    assert "cp312" in bench.lock(done)
    assert "cp311" not in bench.lock(done)
    silent = Bench(tmp_path / "silent")
    silent.base(*python("3.12"), env=())
    same = silent.build()
    assert silent.asked() == 1
    assert [x.digest for x in same.layers if x.name == "python"] == [
        x.digest for x in done.layers if x.name == "python"
    ]


def test_a_guess_for_which_there_are_no_packages(bench: Bench) -> None:
    bench.base(*python("3.12"), env=("PYTHON_VERSION=3.11.9",))
    assert bench.build("new").layers


def test_packages_for_what_the_base_says_and_not_for_what_it_holds(bench: Bench) -> None:
    bench.base(*python("3.11"), env=("PYTHON_VERSION=3.12.7",))
    with pytest.raises(ResolveError, match=r"Python 3\.11"):
        bench.build("new")


def test_a_base_without_the_python_that_it_speaks_of(bench: Bench) -> None:
    bench.base(
        member("usr/local/bin/pypy3.10"),
        symlink("usr/local/bin/python3", "pypy3.10"),
        env=("PYTHON_VERSION=3.12.7",),
    )
    with pytest.raises(NotYetError, match="PyPy"):
        bench.build()


def test_layers_that_are_not_those_of_the_configuration(bench: Bench) -> None:
    one, two = bench.maker.layer(*python("3.12")), bench.maker.layer(*python("3.11"))
    bench.maker.image(
        replace(one, diff_id=two.diff_id), tag="base:1", Env=["PYTHON_VERSION=3.12.7"], Entrypoint=["/bin/sh"]
    )
    with pytest.raises(InputError, match="other layers than its configuration says"):
        bench.build()


# -- with an index on a server ---------------------------------------------------------------------------------

BACKEND = """
import os, zipfile
def prepare_metadata_for_build_wheel(directory, config_settings=None):
    os.mkdir(os.path.join(directory, "{name}-1.0.dist-info"))
    with open(os.path.join(directory, "{name}-1.0.dist-info", "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
    return "{name}-1.0.dist-info"
def build_wheel(directory, config_settings=None, metadata_directory=None):
    {build}
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
DEMO = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
GOOD = """
    info = "{name}-1.0.dist-info/"
    files = {{
        "{name}.py": "", info + "METADATA": "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nTag: py3-none-any\\n",
    }}
    import base64, hashlib
    rows = [f"{{path}},sha256={{base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()}},"
            for path, text in files.items()]
    files[info + "RECORD"] = "\\n".join([*rows, info + "RECORD,,"])
    with zipfile.ZipFile(os.path.join(directory, "{name}-1.0-py3-none-any.whl"), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return "{name}-1.0-py3-none-any.whl"
"""


def sdist(name: str, build_wheel: str) -> bytes:
    backend = BACKEND.format(name=name, build=build_wheel.strip().format(name=name))
    return gzip.compress(
        tar(
            [
                member(f"{name}-1.0/backend.py", backend.encode()),
                member(f"{name}-1.0/pyproject.toml", PROJECT.encode()),
            ]
        ),
        mtime=0,
    )


def publish(server: Server, filename: str, data: bytes, metadata: str = "") -> None:
    """A file in a simple index (PEP 503), with its metadata beside it (PEP 658)."""
    name = filename.partition("-")[0]
    link = f'<a href="/f/{filename}#sha256={sha256(data).hexdigest()}"'
    if metadata:
        server.add(f"/f/{filename}.metadata", metadata.encode())
        link += ' data-core-metadata="true"'
    server.add(f"/f/{filename}", data)
    page = server.resources.get(f"/simple/{name}/")
    server.add(
        f"/simple/{name}/",
        (page.data if page else b"") + f"{link}>{filename}</a>".encode(),
        headers={"Content-Type": "text/html"},
    )


@pytest.fixture
def index(bench: Bench) -> Iterator[Server]:
    server = Server()
    for path in bench.wheels.glob("*.whl"):
        name = path.name.partition("-")[0]
        publish(server, path.name, path.read_bytes(), f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    yield server
    server.stop()


@pytest.fixture
def over_http(bench: Bench, index: Server, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    bench.pip = f"index-url = {index.url('/simple')}"
    return bench


def test_source_distributions_are_built_while_uv_chooses(over_http: Bench, index: Server) -> None:
    publish(index, "demo-1.0.tar.gz", sdist("demo", GOOD))
    over_http.base(*python("3.12"), env=("PYTHON_VERSION=3.12.7",))
    done = over_http.build("demo, app")
    assert [layer.name for layer in done.layers if layer.name.startswith("python")] == ["python"]
    names = [e.name for e in over_http.events if isinstance(e, StepBegan)]
    assert "wheels to fragments" not in names, "something was left to do"
    assert names.count("build wheel") == 1
    assert len(index.asked("/f/app-1.0-cp312-cp312-manylinux_2_17_x86_64.whl")) == 1


def test_a_source_distribution_that_cannot_be_built(over_http: Bench, index: Server) -> None:
    """It takes the same way as if nothing had been tried before; others are not held up, and not made again."""
    publish(index, "demo-1.0.tar.gz", sdist("demo", 'raise SystemExit("not on this machine")'))
    over_http.base(*python("3.12"), env=("PYTHON_VERSION=3.12.7",))
    with pytest.raises(SlipwayError):
        over_http.build("demo, app")
    assert len(index.asked("/f/app-1.0-cp312-cp312-manylinux_2_17_x86_64.whl")) == 1
    publish(
        index, "demo-1.0-py3-none-any.whl", WheelMaker(over_http.root, "demo").write()[0].read_bytes(), DEMO
    )
    assert over_http.build("demo, app", Options(refresh=True)).layers
    assert len(index.asked("/f/app-1.0-cp312-cp312-manylinux_2_17_x86_64.whl")) == 1


def test_a_wheel_that_is_broken_is_told(over_http: Bench, index: Server) -> None:
    publish(
        index,
        "broken-1.0-py3-none-any.whl",
        b"no wheel",
        "Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n",
    )
    over_http.base(*python("3.12"), env=("PYTHON_VERSION=3.12.7",))
    with pytest.raises(InputError, match=r"broken-1\.0"):
        over_http.build("broken, app")


def test_a_file_that_is_not_what_the_index_promised(over_http: Bench, index: Server) -> None:
    name = "app-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"
    index.resources[f"/f/{name}"].data = (over_http.wheels / name).read_bytes() + b"more"
    over_http.base(*python("3.12"), env=("PYTHON_VERSION=3.12.7",))
    with pytest.raises(VerifyError, match="not what was promised"):
        over_http.build()
