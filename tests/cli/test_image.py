"""The verbs on images and the store, on real images made of small layers."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from slipway.oci import digest as dg
from slipway.oci.store import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, Descriptor, Store

if TYPE_CHECKING:
    from pathlib import Path


def layer(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def make(store: Store, name: str, files: dict[str, bytes], **config: object) -> Descriptor:
    data = layer(files)
    blob = store.put(data, LAYER_TYPE)
    settings = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-02T03:04:05Z",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [dg.of_bytes(data)]},
    }
    held = store.put(json.dumps(settings).encode(), CONFIG_TYPE)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": held.as_json(),
        "layers": [blob.as_json()],
    }
    image = store.put(json.dumps(manifest).encode(), MANIFEST_TYPE)
    digest = hashlib.sha256(data).hexdigest()
    store.put_build_record(
        image.digest,
        {
            "layers": [
                {
                    "name": "python",
                    "key": "k",
                    "digest": f"sha256:{digest}",
                    "raw_size": 10_240,
                    "parts": [["pypi", "requests", config.get("Labels", {}).get("v", "1")]],  # type: ignore[attr-defined]
                }
            ]
        },
    )
    store.tag(name, image)
    return image


@pytest.fixture
def store(home: Path) -> Store:
    store = Store(home / ".local/share/slipway/store")
    make(store, "hello:1", {"a": b"1", "gone": b"x"}, Cmd=["sh"], Env=["PATH=/bin"], Labels={"v": "2.32.3"})
    make(store, "hello:2", {"a": b"2!", "new": b"yy"}, Cmd=["sh"], Env=["PATH=/x"], Labels={"v": "2.32.4"})
    return store


def test_no_images_yet(call):
    assert "slipway build" in call("image", "ls").out
    assert call("image", "ls", "--json").lines == [{"type": "result", "images": []}]


def test_ls(call, store):
    lines = call("image", "ls").out.splitlines()
    assert lines[0].split() == ["NAME", "DIGEST", "PLATFORM", "LAYERS", "SIZE", "CREATED"]
    digest = store.find("hello:1").digest
    assert lines[1].split()[:4] == ["hello:1", digest[7:19], "linux/amd64", "1"]
    assert lines[1].endswith("2026-01-02")
    assert [i["name"] for i in call("image", "ls", "--json").lines[-1]["images"]] == ["hello:1", "hello:2"]


def test_inspect(call, store):
    out = call("image", "inspect", "hello:1").out
    assert out.startswith("hello:1\n")
    for line in (
        '  command   ["sh"]',
        "  variable  PATH=/bin",
        "  label     v=2.32.3",
        "  holds     1 Python package",
    ):
        assert f"{line}\n" in out
    assert "requests" not in out
    assert "    pypi  requests  2.32.3" in call("image", "inspect", "-v", "hello:1").out
    assert call("image", "inspect", "hello:1", "--json").lines[-1]["image"]["RepoTags"] == ["hello:1"]


def test_tag_and_rm(call, store):
    assert call("image", "tag", "hello:1", "other").out == "other:latest\n"
    assert call("image", "rm", "other").out == "removed other:latest\n"
    done = call("image", "rm", "hello:1", "hello:2")
    assert done.out.splitlines() == [
        "removed hello:1",
        "removed hello:2",
        "`slipway store gc` frees the space",
    ]
    assert call("image", "rm", "hello:1").status == 2
    assert call("image", "rm").status == 2


def test_diff(call, store):
    assert call("image", "diff", "hello:1", "hello:2").out.splitlines() == [
        "settings",
        "  ~  Env.PATH  /bin → /x",
        "  ~  Labels.v  2.32.3 → 2.32.4",
        "paths (1 added, 1 removed, 1 changed)",
        "  ~  a     1 B → 2 B  content",
        "  -  gone  1 B",
        "  +  new   2 B",
    ]
    assert call("image", "diff", "hello:1", "hello:1").out == "no differences\n"
    assert call("image", "diff", "hello:1", "hello:2", "--json").lines[-1]["settings"][0]["after"] == "/x"


def test_diff_of_packages(call, store):
    for version in ("2.32.3", "2.32.4"):
        metadata = f"Metadata-Version: 2.1\nName: requests\nVersion: {version}\n".encode()
        make(store, f"python:{version}", {f"lib/requests-{version}.dist-info/METADATA": metadata})
    lines = call("image", "diff", "python:2.32.3", "python:2.32.4").out.splitlines()
    assert lines[:2] == ["packages", "  ~  pypi  requests  2.32.3 → 2.32.4"]


def test_a_long_diff_is_cut(call, store):
    make(store, "big", {f"f{i:02}": b"" for i in range(30)})
    assert "and 12 more (--verbose shows them)" in call("image", "diff", "hello:1", "big").out
    assert "f29" in call("image", "diff", "hello:1", "big", "-v").out


def test_names_of_strangers_do_not_steer_the_terminal(call, store):
    make(store, "odd", {"x": b""}, Labels={"v": "1", "evil": "\x1b]0;t\x07"})
    assert "\x1b" not in call("image", "inspect", "odd").out


def test_df(call, store):
    lines = call("store", "df").out.splitlines()
    assert lines[0].split() == ["IMAGE", "SIZE", "SHARED", "OWN"]
    assert lines[1].startswith("hello:1")
    assert lines[-1].startswith("total ")
    assert call("store", "df", "--json").lines[-1]["reclaimable"] == 0


def test_gc(call, store):
    call("image", "rm", "hello:1")
    planned = call("store", "gc", "--dry-run")
    assert planned.out.splitlines()[0].split()[:2] == ["blobs", "3"]
    assert planned.out.splitlines()[-1].startswith("would free ")
    assert call("store", "gc").out.splitlines()[-1].startswith("freed ")
    assert call("store", "gc").out == "nothing to remove\n"


def test_gc_while_a_build_runs(call, store):
    with store.shared():
        done = call("store", "gc")
    assert done.status == 6
    assert "in use" in done.err


def test_check(call, store):
    assert call("store", "check").out.startswith("2 images, 6 blobs, ")
    image = store.find("hello:1")
    blob = dg.parse(store.read_json(image.digest)["layers"][0]["digest"])
    store.path(blob).write_bytes(b"damaged")
    done = call("store", "check")
    assert done.status == 6
    assert "error: 1 problem in the store" in done.err
    assert f"  hello:1: the blob {blob} is damaged" in done.err
