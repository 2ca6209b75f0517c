from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from slipway.errors import StoreError, UsageError
from slipway.events import Event, Reporter, StepMoved
from slipway.images.names import full_name
from slipway.images.outputs import check_output, write_output
from slipway.oci.reader import this_machine
from tests.images.making import Maker, member

needs_skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")


def inspect(place: str) -> dict[str, object]:
    done = subprocess.run(["skopeo", "inspect", place], capture_output=True, check=True)
    told = json.loads(done.stdout)
    assert isinstance(told, dict)
    return told


@needs_skopeo
def test_a_layout_takes_the_name_of_the_image_or_its_own(maker: Maker) -> None:
    image = maker.image(maker.layer(member("a", b"x")), tag="hello:1")
    out = maker.root / "out"
    for spec, tag, name in (
        (f"oci:{out}", "hello", "hello:latest"),
        (f"oci:{out}", "host.example:5000/team/hello:2.0", "host.example:5000/team/hello:2.0"),
        (f"oci:{out}:mine", "hello:1", "mine"),
        (f"oci:{out}:other", "", "other"),
    ):
        written = write_output(maker.store, image, spec, tag, maker.settings, Reporter())
        assert written == f"oci:{out}:{name}"
        assert inspect(written)["Digest"] == image.digest
    with pytest.raises(UsageError, match="no name"):
        write_output(maker.store, image, f"oci:{out}", "", maker.settings, Reporter())


@needs_skopeo
def test_an_archive_is_a_whole_file(maker: Maker) -> None:
    image = maker.image(maker.layer(member("a", os.urandom(3 << 20))))
    file = maker.root / "sub" / "image.tar"
    events: list[Event] = []
    spec = f"docker-archive:{file}"
    assert write_output(maker.store, image, spec, "hello", maker.settings, Reporter(events.append)) == spec
    assert inspect(f"docker-archive:{file}:hello:latest")["Architecture"] == "amd64"
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask
    assert max(e.done for e in events if isinstance(e, StepMoved)) == file.stat().st_size


def test_an_archive_that_fails_leaves_the_old_one(maker: Maker) -> None:
    layer = maker.layer(member("a", b"x"))
    image = maker.image(layer)
    maker.store.path(layer.blob.digest).unlink()
    file = maker.root / "image.tar"
    file.write_bytes(b"old")
    with pytest.raises(StoreError):
        write_output(maker.store, image, f"docker-archive:{file}", "x", maker.settings, Reporter())
    assert file.read_bytes() == b"old"
    assert not list(maker.root.glob(".tmp-*"))


def test_an_archive_of_an_index_is_of_this_machine(maker: Maker) -> None:
    mine = maker.image(maker.layer(member("a", b"mine")), platform=this_machine())
    other = maker.image(maker.layer(member("a", b"other")), platform="linux/s390x")
    index = maker.index([("linux/s390x", other), (this_machine(), mine)])
    files = [maker.root / name for name in ("index.tar", "mine.tar")]
    for file, image in zip(files, (index, mine), strict=True):
        write_output(maker.store, image, f"docker-archive:{file}", "x", maker.settings, Reporter())
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    "spec", ["", "oci", "oci:", "oci::x", "tar:x", "docker-archive:", "docker-archive:dir/"]
)
def test_outputs_that_cannot_be_meant(spec: str) -> None:
    with pytest.raises(UsageError):
        check_output(spec)


def test_an_output_that_is_a_directory(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory"):
        check_output(f"docker-archive:{tmp_path}")


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("hello", "hello:latest"),
        ("hello:1.0", "hello:1.0"),
        ("a/b-c/d__e", "a/b-c/d__e:latest"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        ("[::1]:5000/x:V", "[::1]:5000/x:V"),
        ("Host.example/x", "Host.example/x:latest"),
    ],
)
def test_names(text: str, full: str) -> None:
    assert full_name(text) == full


@pytest.mark.parametrize(
    "text", ["", "Hello", "a b", "x:", ":x", "x:-y", "/x", "x/", "a//b", "x:" + "y" * 129, "x\n"]
)
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        full_name(text)
