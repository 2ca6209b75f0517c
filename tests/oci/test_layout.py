from __future__ import annotations

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import InputError, StoreError, UsageError
from slipway.oci.layout import export_layout, import_layout
from slipway.oci.store import MANIFEST_TYPE, Descriptor, Store
from tests.images.making import Maker, member

needs_skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(tmp_path / "other")


def skopeo(*words: str) -> Any:
    done = subprocess.run(["skopeo", *words], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if words[0] == "inspect" else None


def index_of(layout: Path) -> list[dict[str, Any]]:
    rows = json.loads((layout / "index.json").read_bytes())["manifests"]
    assert isinstance(rows, list)
    return rows


def big(maker: Maker, salt: bytes = b"") -> Descriptor:
    """An image with a layer larger than what is read in one go."""
    plain = salt.ljust(8, b"\0") * (1 << 20)
    return maker.image(maker.raw(plain, plain, suffix=""))


def test_out_and_in_again(maker: Maker, other: Store, tmp_path: Path) -> None:
    image = big(maker)
    export_layout(maker.store, image, tmp_path / "out", "hello:1")
    back = import_layout(tmp_path / "out", "hello:1", "linux/amd64", other)
    assert (back.digest, back.size, back.media_type) == (image.digest, image.size, image.media_type)
    for blob in (maker.store.root / "blobs/sha256").iterdir():
        assert (other.root / "blobs/sha256" / blob.name).read_bytes() == blob.read_bytes()


@needs_skopeo
def test_skopeo_reads_what_is_written(maker: Maker, tmp_path: Path) -> None:
    image = maker.image(maker.layer(member("a", b"x")), Cmd=["/a"], Labels={"k": "v"})
    export_layout(maker.store, image, tmp_path / "out", "hello:1")
    told = skopeo("inspect", f"oci:{tmp_path}/out:hello:1")
    assert told["Digest"] == image.digest
    assert told["Labels"] == {"k": "v"}
    skopeo("copy", "--quiet", f"oci:{tmp_path}/out:hello:1", f"dir:{tmp_path}/copy")
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == maker.store.read(image.digest)


@needs_skopeo
def test_what_skopeo_writes_is_read(maker: Maker, other: Store, tmp_path: Path) -> None:
    export_layout(maker.store, maker.image(maker.layer(member("a", b"x"))), tmp_path / "out", "one")
    source = f"oci:{tmp_path}/out:one"
    skopeo("copy", "--quiet", "--format", "oci", source, f"oci:{tmp_path}/theirs:two")
    assert other.has(import_layout(tmp_path / "theirs", "two", "linux/amd64", other).digest)
    assert other.has(import_layout(tmp_path / "theirs", "", "linux/amd64", other).digest)


@needs_skopeo
def test_an_index_is_written_with_all_platforms(maker: Maker, other: Store, tmp_path: Path) -> None:
    layer = maker.layer(member("a", b"x"))
    amd = maker.image(layer, platform="linux/amd64")
    arm = maker.image(layer, maker.layer(member("b", b"y")), platform="linux/arm64")
    index = maker.index([("linux/amd64", amd), ("linux/arm64", arm)])
    export_layout(maker.store, index, tmp_path / "out", "multi")
    told = skopeo("inspect", f"oci:{tmp_path}/out:multi", "--override-arch", "arm64")
    assert (told["Architecture"], len(told["Layers"])) == ("arm64", 2)
    assert import_layout(tmp_path / "out", "multi", "linux/arm64", other).digest == arm.digest
    assert import_layout(tmp_path / "out", "multi", "linux/amd64", other).digest == amd.digest
    with pytest.raises(UsageError, match="not there for linux/s390x") as caught:
        import_layout(tmp_path / "out", "multi", "linux/s390x", other)
    assert "linux/amd64, linux/arm64" in caught.value.hint


def test_other_names_in_a_layout_stay(maker: Maker, tmp_path: Path) -> None:
    one, two = big(maker, b"1"), big(maker, b"2")
    out = tmp_path / "out"
    export_layout(maker.store, one, out, "one")
    data = json.loads((out / "index.json").read_bytes())
    data["annotations"] = {"theirs": "kept"}
    (out / "index.json").write_text(json.dumps(data))
    export_layout(maker.store, two, out, "two")
    export_layout(maker.store, two, out, "one")
    rows = {r["annotations"]["org.opencontainers.image.ref.name"]: r["digest"] for r in index_of(out)}
    assert rows == {"one": two.digest, "two": two.digest}
    assert json.loads((out / "index.json").read_bytes())["annotations"] == {"theirs": "kept"}


def test_writers_of_one_layout_take_turns(maker: Maker, tmp_path: Path) -> None:
    image = big(maker)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: export_layout(maker.store, image, tmp_path / "out", f"n{n}"), range(12)))
    assert len(index_of(tmp_path / "out")) == 12
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"blobs", "index.json", "oci-layout"}
    assert not list((tmp_path / "out").rglob(".tmp-*"))


def test_a_directory_with_other_things_is_left_alone(maker: Maker, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(UsageError, match="no OCI layout"):
        export_layout(maker.store, big(maker), tmp_path / "out", "x")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_an_incomplete_store_writes_no_name(maker: Maker, tmp_path: Path) -> None:
    layer = maker.layer(member("a", b"x"))
    image = maker.image(layer)
    maker.store.path(layer.blob.digest).unlink()
    with pytest.raises(StoreError, match="lacks"):
        export_layout(maker.store, image, tmp_path / "out", "x")
    assert not (tmp_path / "out" / "index.json").exists()


@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
@pytest.mark.parametrize("which", ["layer", "config", "manifest"])
def test_damage_is_found_and_nothing_stays(
    maker: Maker, other: Store, tmp_path: Path, harm: str, which: str
) -> None:
    image = big(maker)
    out = tmp_path / "out"
    export_layout(maker.store, image, out, "x")
    manifest = maker.store.read_json(image.digest)
    digest = {"layer": manifest["layers"][0]["digest"], "config": manifest["config"]["digest"]}.get(
        which, image.digest
    )
    victim = out / "blobs/sha256" / digest.removeprefix("sha256:")
    data = victim.read_bytes()
    victim.unlink()  # it may be a hard link of the store's
    if harm != "gone":
        victim.write_bytes(data[:-1] if harm == "cut" else data[:-1] + b"~")
    with pytest.raises(InputError, match="lacks" if harm == "gone" else "damaged"):
        import_layout(out, "x", "linux/amd64", other)
    assert not other.has(image.digest)
    assert not other.has(digest)
    assert not list(other.root.rglob(".tmp-*"))


def rewritten(out: Path, maker: Maker, old: Descriptor, changes: dict[str, Any]) -> None:
    """Let the layout's index point to a changed copy of a manifest."""
    data = maker.store.read_json(old.digest) | changes
    new = maker.store.put(json.dumps(data).encode(), old.media_type)
    shutil.copy(maker.store.path(new.digest), out / "blobs/sha256")
    index = {"schemaVersion": 2, "manifests": [new.as_json()]}
    (out / "index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": None},
        {"layers": {}},
        {"layers": ["x"]},
        {"layers": [{"digest": "sha256:../../../../etc/passwd", "size": 1, "mediaType": "x"}]},
        {"layers": [{"digest": "md5:1", "size": 1, "mediaType": "x"}]},
        {"config": "x"},
        {"config": None},
    ],
)
def test_malformed_manifests(maker: Maker, other: Store, tmp_path: Path, changes: dict[str, Any]) -> None:
    image = big(maker)
    export_layout(maker.store, image, tmp_path / "out", "x")
    rewritten(tmp_path / "out", maker, image, changes)
    with pytest.raises(InputError):
        import_layout(tmp_path / "out", "", "linux/amd64", other)


def test_documents_that_are_nested_too_deeply(maker: Maker, other: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_layout(maker.store, big(maker), out, "x")
    deep = maker.store.put(b"[" * 100_000, MANIFEST_TYPE)
    shutil.copy(maker.store.path(deep.digest), out / "blobs/sha256")
    for index in (json.dumps({"schemaVersion": 2, "manifests": [deep.as_json()]}), "[" * 100_000):
        (out / "index.json").write_text(index)
        with pytest.raises(InputError):
            import_layout(out, "", "linux/amd64", other)


def test_docker_media_types_and_nested_indexes(maker: Maker, other: Store, tmp_path: Path) -> None:
    docker = maker.image(maker.layer(member("a", b"x")), manifest_type=DOCKER)
    inner = maker.index([("linux/amd64", docker)])
    attestation = maker.image(maker.layer(member("att", b"x")))
    outer = maker.index([("", inner), ("unknown/unknown", attestation)])
    export_layout(maker.store, outer, tmp_path / "out", "x")
    assert import_layout(tmp_path / "out", "x", "linux/amd64", other).digest == docker.digest
    assert not other.has(attestation.digest)


@pytest.mark.parametrize(
    ("asked", "there", "chosen"),
    [
        ("linux/arm64", ["linux/arm64/v8"], 0),
        ("linux/arm64/v8", ["linux/arm64"], 0),
        ("linux/arm/v6", ["linux/arm/v7", "linux/arm/v6"], 1),
        ("linux/arm", ["linux/arm/v6", "linux/arm/v7"], 1),
        ("linux/arm/v6", ["linux/arm/v7"], None),
        ("linux/amd64", ["linux/arm64"], None),
    ],
)
def test_choice_of_a_variant(
    maker: Maker, other: Store, tmp_path: Path, asked: str, there: list[str], chosen: int | None
) -> None:
    images = [maker.image(maker.layer(member(p, b"x")), platform=p) for p in there]
    export_layout(maker.store, maker.index(list(zip(there, images, strict=True))), tmp_path / "out", "x")
    if chosen is None:
        with pytest.raises(UsageError):
            import_layout(tmp_path / "out", "x", asked, other)
    else:
        assert import_layout(tmp_path / "out", "x", asked, other).digest == images[chosen].digest


def test_names_that_are_not_there(maker: Maker, other: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    one, two = big(maker, b"1"), big(maker, b"2")
    export_layout(maker.store, one, out, "one")
    export_layout(maker.store, two, out, "two")
    with pytest.raises(UsageError, match="several") as caught:
        import_layout(out, "", "linux/amd64", other)
    assert "one, two" in caught.value.hint
    with pytest.raises(UsageError, match="no image 'three'"):
        import_layout(out, "three", "linux/amd64", other)
    assert import_layout(out, two.digest, "linux/amd64", other).digest == two.digest
    for place in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UsageError, match="not an OCI image layout"):
            import_layout(place, "", "linux/amd64", other)
