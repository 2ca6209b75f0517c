from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import time
from pathlib import Path

import pytest

from slipway.errors import InputError, NotYetError, ToolError
from slipway.events import Reporter
from slipway.oci.fragment import FragmentCache
from slipway.python import sdist
from slipway.python.index import Index
from slipway.python.model import Dist, PythonTarget
from slipway.python.wheel import wheel_fragment
from slipway.settings import Settings

# A build backend inside the archive, so that a build needs no index. It writes down what it can see.
BACKEND = """
import os, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "{wheel}"
    if not name:
        raise SystemExit("cannot be built")
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        archive.writestr("environ.txt", "\\n".join(sorted(os.environ)))
        archive.writestr("epoch.txt", os.environ["SOURCE_DATE_EPOCH"])
    return name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
METADATA = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"


def archive(folder: Path, wheel: str, backend: str = BACKEND) -> tuple[Path, Dist]:
    files = {"pyproject.toml": PROJECT, "backend.py": backend.format(wheel=wheel), "PKG-INFO": METADATA}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"demo-1.0/{name}")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    sha256 = hashlib.sha256(out.getvalue()).hexdigest()
    path = folder / sha256  # as the downloader names it
    path.write_bytes(out.getvalue())
    return path, Dist("demo", "1.0", "demo-1.0.tar.gz", path.as_uri(), sha256, sdist=True)


def test_built_once_without_the_secrets_of_the_environment(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    path, dist = archive(tmp_path, "demo-1.0-py3-none-any.whl")
    wheel = sdist.build_pure_wheel(path, dist, settings, Reporter(), index=Index(no_index=True))
    with zipfile.ZipFile(wheel) as built:
        assert "AWS_SECRET_ACCESS_KEY" not in built.read("environ.txt").decode().split()
        assert built.read("epoch.txt") == b"315532800"
    path.unlink()
    assert sdist.build_pure_wheel(path, dist, settings, Reporter(), index=Index(no_index=True)) == wheel


@pytest.mark.parametrize(
    "tag", ["cp311-cp311-linux_x86_64", "py3-none-manylinux_2_17_x86_64", "py2-none-any"]
)
def test_what_needs_compiling(tmp_path: Path, settings: Settings, tag: str) -> None:
    path, dist = archive(tmp_path, f"demo-1.0-{tag}.whl")
    for _ in range(2):  # the second time, the refusal is remembered
        with pytest.raises(NotYetError, match=r"demo 1\.0 needs compiling for the target"):
            sdist.build_pure_wheel(path, dist, settings, Reporter(), index=Index(no_index=True))
        path.unlink(missing_ok=True)


def test_build_fails(tmp_path: Path, settings: Settings) -> None:
    path, dist = archive(tmp_path, "")
    with pytest.raises(ToolError, match=r"demo-1\.0\.tar\.gz cannot be built") as caught:
        sdist.build_pure_wheel(path, dist, settings, Reporter(), index=Index(no_index=True))
    assert "cannot be built" in caught.value.details
    assert not list((settings.cache / "built").glob("*")) or not (settings.cache / "built").exists()


@pytest.mark.parametrize("name", ["../demo-1.0.tar.gz", "demo-1.0.exe", "/demo.zip", ".tar.gz/x.zip"])
def test_names_of_archives(tmp_path: Path, settings: Settings, name: str) -> None:
    with pytest.raises(InputError, match="not the name of a source distribution"):
        sdist.build_pure_wheel(
            tmp_path / "x", Dist("demo", "1.0", name, "", "0" * 64, sdist=True), settings, Reporter()
        )


def test_is_pure() -> None:
    assert sdist.is_pure("demo-1.0-py2.py3-none-any.whl")
    assert not sdist.is_pure("demo-1.0-cp311-none-any.whl")
    assert not sdist.is_pure("demo.whl")


@pytest.mark.net
@pytest.mark.slow
def test_two_real_builds_give_the_same_fragment(
    tmp_path: Path, settings: Settings, cache: FragmentCache, target: PythonTarget
) -> None:
    """With the build backend that most source distributions have."""
    from dataclasses import replace

    from slipway.oci import compress

    setup = 'from setuptools import setup\nsetup(name="demo", version="1.0", py_modules=["demo"])\n'
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in {"setup.py": setup, "demo.py": "", "PKG-INFO": METADATA}.items():
            info = tarfile.TarInfo(f"demo-1.0/{name}")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    path = tmp_path / "archive"
    path.write_bytes(out.getvalue())
    sha256 = hashlib.sha256(out.getvalue()).hexdigest()
    dist = Dist("demo", "1.0", "demo-1.0.tar.gz", path.as_uri(), sha256, sdist=True)
    digests = set()
    for number in range(2):
        own = replace(settings, cache=tmp_path / f"cache{number}")
        own.cache.mkdir()
        (own.cache / "uv").symlink_to(settings.cache / "uv")
        wheel = sdist.build_pure_wheel(path, dist, own, Reporter())
        fragments = FragmentCache(tmp_path / f"fragments{number}", compress.get("gzip"))
        made = wheel_fragment(fragments, wheel, dist, target, prefix="pyats", requested=True)
        digests.add((made.key, made.digest))
    assert len(digests) == 1


def test_a_build_can_be_stopped(tmp_path: Path, settings: Settings) -> None:
    slow = "import os, time\ndef build_wheel(*a, **k):\n    open('{wheel}', 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
    mark = tmp_path / "begun"
    path, dist = archive(tmp_path, str(mark), slow)
    stop = threading.Event()

    def when_begun() -> None:
        while not (mark.exists() and mark.read_text()):
            time.sleep(0.01)
        stop.set()

    thread = threading.Thread(target=when_begun)
    thread.start()
    with pytest.raises(ToolError, match="stopped"):
        sdist.build_pure_wheel(path, dist, settings, Reporter(), index=Index(no_index=True), stop=stop)
    thread.join()
    deadline = time.monotonic() + 5
    while runs(mark.read_text()):
        assert time.monotonic() < deadline, "the build goes on"
        time.sleep(0.01)


def runs(number: str) -> bool:
    """Whether the process does anything: one that has ended may wait for whoever inherited it."""
    try:
        return Path("/proc", number, "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
