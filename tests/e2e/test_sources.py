"""Sources of every scheme in one recipe: built, locked, and built again from the lock alone."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.kit import Home, layer_files, manifest_of, temporary, write_recipe
from tests.e2e.test_killed import children_of, end
from tests.inputs.ftpd import Ftpd, ftpd
from tests.inputs.s3d import KEY, SECRET, S3d, s3d
from tests.inputs.server import Server, hang
from tests.inputs.sshd import Sshd, sshd
from tests.inputs.test_extract import tar, zipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

pytestmark = pytest.mark.slow

PASSWORD = "canary-hunter2"


class Sources:
    """A server of each kind, and a recipe that takes something from all of them."""

    def __init__(self, web: Server, ftp: Ftpd, ssh: Sshd, s3: S3d, root: Path) -> None:
        self.web, self.ftp, self.ssh, self.s3, self.root = web, ftp, ssh, s3, root
        self.archive = gzip.compress(tar(("t/run", b"run"), ("t/link", "run")), mtime=0)
        web.add("/file", b"from the web")
        web.add("/a.tgz", self.archive)
        (ftp.root / "file").write_bytes(b"from ftp")
        (root / "tree").mkdir()
        (root / "tree" / "script.sh").write_bytes(b"#!/bin/sh\n")
        (root / "tree" / "script.sh").chmod(0o755)
        (root / "tree" / "link").symlink_to("script.sh")
        s3.put("bucket", "one", b"from s3")
        s3.put("bucket", "many/a", b"a")
        s3.put("bucket", "many/b/c", b"c")

    def recipe(self, directory: Path) -> Path:
        local = directory / "local.zip"
        directory.mkdir(parents=True, exist_ok=True)
        local.write_bytes(zipped(("z/x", b"zip", 0o100755)))
        web = self.web.url("").replace("://", f"://me:{PASSWORD}@")
        sha256 = hashlib.sha256(b"from the web").hexdigest()
        return write_recipe(
            directory,
            f"""tag: sources
base: scratch
files:
  - dest: web
    url: {web}/file
    sha256: {sha256}
    mode: "0600"
    owner: "1000:50"
  - dest: unpacked
    url: {web}/a.tgz
    extract: true
    owner: "7"
  - ftp: {self.ftp.url("file", "me:p%40ss%20word")}
  - ssh: {self.ssh.url(self.root / "tree", "scp")}
  - script: {self.ssh.url(self.root / "tree" / "script.sh", "sftp")}
  - one: s3://bucket/one
  - many: s3://bucket/many/
  - dest: zip
    url: local.zip
    extract: true
""",
        )

    def home(self, root: Path) -> Home:
        client = self.ssh.client(self.root / "client")
        return Home(root).with_(
            PATH=f"{client}:{os.environ['PATH']}",
            AWS_ENDPOINT_URL=self.s3.url,
            AWS_ACCESS_KEY_ID=KEY,
            AWS_SECRET_ACCESS_KEY=SECRET,
            AWS_DEFAULT_REGION="us-east-1",
            AWS_CONFIG_FILE="/dev/null",
            AWS_SHARED_CREDENTIALS_FILE="/dev/null",
        )


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    web = Server()
    try:
        with (
            ftpd(tmp_path / "ftpd") as ftp,
            sshd(tmp_path / "sshd") as ssh,
            s3d(tmp_path / "s3") as s3,
        ):
            yield Sources(web, ftp, ssh, s3, tmp_path)
    finally:
        web.stop()


@pytest.fixture(autouse=True)
def _s3_directory(tmp_path: Path) -> None:
    (tmp_path / "s3").mkdir()


def entries(home: Home, result: Mapping[str, Any]) -> dict[str, tarfile.TarInfo]:
    found: dict[str, tarfile.TarInfo] = {}
    for row in manifest_of(home, result)["layers"]:
        with tarfile.open(home.blob(row["digest"])) as archive:
            found |= {m.name: m for m in archive if m.name.startswith("pyats/")}
    return found


def test_built_locked_and_built_again(sources: Sources, tmp_path: Path) -> None:
    home = sources.home(tmp_path / "home")
    recipe = sources.recipe(tmp_path / "project")
    built = home.build(recipe)
    expected = {
        "web": b"from the web",
        "ftp": b"from ftp",
        "script": b"#!/bin/sh\n",
        "ssh/script.sh": b"#!/bin/sh\n",
        "one": b"from s3",
        "many/a": b"a",
        "many/b/c": b"c",
        "unpacked/t/run": b"run",
        "zip/z/x": b"zip",
    }
    for path, content in expected.items():
        assert list(layer_files(home, built, f"pyats/{path}")) == [content], path
    found = entries(home, built)
    attributes = {name: (m.mode, m.uid, m.gid) for name, m in found.items()}
    assert attributes["pyats/web"] == (0o600, 1000, 50)
    assert attributes["pyats/unpacked"] == attributes["pyats/unpacked/t"] == (0o755, 7, 7)
    assert attributes["pyats/unpacked/t/run"] == (0o644, 7, 7)
    assert attributes["pyats/script"] == attributes["pyats/ssh/script.sh"] == (0o755, 0, 0)
    assert found["pyats/ssh/link"].linkname == "script.sh"

    home.slipway("lock", recipe)
    lock = recipe.with_name("image.lock.yaml").read_text()
    assert hashlib.sha256(sources.archive).hexdigest() in lock
    for number in range(2):  # everything from its source, then everything from the cache
        again = sources.home(tmp_path / f"again{number}").with_(SLIPWAY_CACHE=str(tmp_path / "fresh"))
        assert again.build(recipe, "--locked")["image"] == built["image"]
    offline = again.with_(SLIPWAY_STORE=str(tmp_path / "store"), SLIPWAY_OFFLINE="1")
    assert offline.build(recipe, "--locked")["image"] == built["image"]
    home.slipway("lock", recipe, "--check")

    shown = home.slipway("build", recipe, "--dry-run", "--json", "-v").out
    kept = [p for h in (home, again) for place in (h.store, h.cache) for p in place.rglob("*") if p.is_file()]
    for secret in (PASSWORD, SECRET, "p@ss word", "p%40ss%20word"):
        assert secret not in lock + shown
        for file in kept:
            data = file.read_bytes()
            if data[:2] == b"\x1f\x8b":
                data = gzip.decompress(data)
            assert secret.encode() not in data, file


@pytest.mark.parametrize("changed", ["ftp", "ssh", "s3", "web"])
def test_a_source_that_changed_is_not_what_was_locked(sources: Sources, tmp_path: Path, changed: str) -> None:
    home = sources.home(tmp_path / "home")
    recipe = sources.recipe(tmp_path / "project")
    home.slipway("lock", recipe)
    if changed == "ftp":
        (sources.ftp.root / "file").write_bytes(b"another")
    elif changed == "ssh":
        (sources.root / "tree" / "more").write_bytes(b"another")
    elif changed == "s3":
        sources.s3.put("bucket", "many/b/c", b"another")
    else:
        sources.web.add("/a.tgz", gzip.compress(tar(("t/run", b"another"))))
    other = sources.home(tmp_path / "other")
    error = other.refuse(4, "build", recipe, "--locked")
    assert error["code"] == "verify"
    assert error["where"]["file"].endswith("image.yaml")
    assert "slipway lock --upgrade" in error["hint"]
    assert PASSWORD not in repr(error)


def test_interrupted(sources: Sources, tmp_path: Path) -> None:
    """Ctrl-C while servers of all kinds keep one waiting: it ends at once, with nothing but resumable parts."""
    sources.web.add("/slow", bytes(1_000_000), faults=[hang(300_000)] * 9)
    with sshd(tmp_path / "silent", settings=("ForceCommand sleep 600",)) as silent:
        recipe = write_recipe(
            tmp_path / "project",
            f"base: scratch\nfiles: ['{sources.web.url('/slow')}', '{silent.url('/etc/hostname', 'scp')}']\n",
        )
        home = sources.home(tmp_path / "home").with_(
            PATH=f"{silent.client(tmp_path / 'c')}:{os.environ['PATH']}"
        )
        process = home.start("build", recipe)
        parts = home.cache / "downloads" / "parts"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if (
                parts.exists()
                and any(p.stat().st_size for p in parts.glob("*.part"))
                and len(children_of(process))
            ):
                break
            time.sleep(0.05)
        children = children_of(process)
        assert children
        started = time.monotonic()
        status, _, err = end(process, signal.SIGINT)
        assert (status, time.monotonic() - started < 20) == (130, True), err
        time.sleep(0.2)
        assert not any(Path(f"/proc/{child}").exists() for child in children)
        assert temporary(home.store, home.cache) == []
        left = [p for p in (home.cache / "downloads").rglob("*") if p.is_file()]
        assert {p.suffix for p in left} <= {".part", ".json"}
        sources.web.resources["/slow"].faults.clear()
