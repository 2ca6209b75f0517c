from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import InputError
from slipway.oci import compress
from slipway.oci.archive import docker_archive
from slipway.oci.digest import Digest
from slipway.oci.layerindex import plain
from slipway.oci.reader import read_image
from slipway.oci.store import LAYER_TYPE, Descriptor, Store
from slipway.oci.unarchive import Imported, import_archive
from tests.images.making import Maker, folder, hardlink, member, symlink, tar

if TYPE_CHECKING:
    from pathlib import Path

LAYER = tar([folder("d"), member("d/f", b"content")])
SECOND = tar([member("g", b"x" * 3_000_000)])


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "target")


def take(
    store: Store, data: bytes, known: dict[str, Descriptor] | None = None, kind: str = "gzip"
) -> Imported:
    pieces = (data[at : at + 70_001] for at in range(0, len(data), 70_001))
    return import_archive(store, pieces, compress.get(kind), known or {})


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive(*layers: bytes, extra: tuple[Any, ...] = (), **changes: Any) -> bytes:
    """As Docker 20.10 writes it: a directory for each layer, and the listing last."""
    config = json.dumps(
        {"rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha(layer)}" for layer in layers]}}
    ).encode()
    names = [f"{n:064x}/layer.tar" for n in range(len(layers))]
    members = [m for name, layer in zip(names, layers, strict=True) for m in _layer(name, layer)]
    listing = {"Config": f"{sha(config)}.json", "RepoTags": None, "Layers": names} | changes
    members += [member(f"{sha(config)}.json", config), *extra]
    return tar([*members, member("manifest.json", json.dumps([listing]).encode())])


def _layer(name: str, layer: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    place = name.partition("/")[0]
    return [
        folder(place),
        member(f"{place}/VERSION", b"1.0"),
        member(f"{place}/json", b'{"id": "x"}'),
        member(name, layer),
    ]


def contents(store: Store, imported: Imported) -> list[bytes]:
    return [b"".join(plain(store, blob)) for blob in read_image(store, imported.manifest).blobs]


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_what_docker_writes(store: Store, kind: str) -> None:
    done = take(store, archive(LAYER, SECOND), kind=kind)
    image = read_image(store, done.manifest)
    assert contents(store, done) == [LAYER, SECOND]
    assert [layer.diff_id for layer in image.layers] == [f"sha256:{sha(LAYER)}", f"sha256:{sha(SECOND)}"]
    assert {layer.blob.media_type for layer in image.layers} == {f"{LAYER_TYPE}+{kind}"}
    assert [done.raw_sizes[layer.blob.digest] for layer in image.layers] == [len(LAYER), len(SECOND)]


def test_what_we_write_comes_back_the_same(maker: Maker, store: Store) -> None:
    image = maker.image(maker.raw(LAYER), maker.raw(SECOND), Cmd=["x"])
    done = take(store, b"".join(docker_archive(maker.store, image, ["x:1"])))
    assert contents(store, done) == [LAYER, SECOND]
    assert read_image(store, done.manifest).config_blob == read_image(maker.store, image).config_blob


def test_the_same_archive_gives_the_same_image(store: Store, tmp_path: Path) -> None:
    data = archive(LAYER, SECOND)
    assert take(store, data) == take(Store(tmp_path / "other"), data)


def test_known_layers_are_named_and_not_made(store: Store) -> None:
    blob = Descriptor(f"{LAYER_TYPE}+gzip", Digest(f"sha256:{sha(b'elsewhere')}"), 7)
    done = take(store, archive(LAYER, SECOND), {f"sha256:{sha(LAYER)}": blob})
    first, second = read_image(store, done.manifest).blobs
    assert first == blob
    assert store.has(second.digest)


def test_layers_by_digest_and_compressed_as_newer_writers_have_them(store: Store) -> None:
    name = f"blobs/sha256/{sha(LAYER)}"
    data = archive(LAYER, Layers=[name], extra=(member(name, gzip.compress(LAYER)),))
    assert contents(store, take(store, data)) == [LAYER]


def test_a_layer_that_is_there_twice_is_a_link(store: Store) -> None:
    names = [f"{0:064x}/layer.tar", "again/layer.tar", "hard/layer.tar"]
    data = archive(LAYER, LAYER, LAYER, Layers=names)
    links = (folder("again"), symlink(names[1], f"../{names[0]}"), hardlink(names[2], names[0]))
    whole = tar([*entries(data), *links])
    assert contents(store, take(store, whole)) == [LAYER] * 3


def entries(data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    found = []
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        for info in opened:
            file = opened.extractfile(info)
            found.append((info, file.read() if file else b""))
    return found


def test_a_small_layer_that_looks_like_a_text(store: Store) -> None:
    odd = tar([member("{odd", b"1")])
    assert contents(store, take(store, archive(odd))) == [odd]


def test_an_empty_layer(store: Store) -> None:
    empty = b"\0" * 1024
    assert contents(store, take(store, archive(empty))) == [empty]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no sound manifest.json"),
        (tar([member("manifest.json", b"[]")]), "no sound manifest.json"),
        (tar([member("manifest.json", b"[" * 100_000)]), "no sound manifest.json"),
        (tar([member("manifest.json", b"[1]")]), "no sound manifest.json"),
        (archive(LAYER, Layers=[3]), "something else"),
        (archive(LAYER, Config="missing.json"), "lacks the image's configuration"),
        (archive(LAYER, Config="manifest.json"), "malformed configuration"),
        (archive(LAYER, Layers=["missing.tar"]), "lacks the layer"),
        (archive(LAYER, SECOND, Layers=[f"{0:064x}/layer.tar"]), "1 layers, its configuration 2"),
        (archive(LAYER, SECOND, Layers=[f"{1:064x}/layer.tar", f"{0:064x}/layer.tar"]), "another layer"),
        (archive(LAYER, SECOND)[:20_000], "ends early"),
    ],
)
def test_what_is_no_image(store: Store, data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        take(store, data)
    assert store.images() == []
    assert not [p for p in store.root.rglob("*") if p.name.startswith(".tmp")]
