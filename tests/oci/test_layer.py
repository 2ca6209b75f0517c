from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from slipway.errors import InputError
from slipway.oci import compress
from slipway.oci.digest import of_file
from slipway.oci.entry import Entry
from slipway.oci.fragment import Component, Fragment, FragmentCache
from slipway.oci.fragmentwriter import FragmentWriter
from slipway.oci.layer import Layer, assemble, directories
from slipway.oci.store import Store


class Bench:
    def __init__(self, root: Path, kind: str) -> None:
        self.compression = compress.get(kind)
        self.cache = FragmentCache(root / "fragments", self.compression)
        self.store = Store(root / "store")

    def fragment(self, name: str, files: dict[str, bytes], dirs: dict[str, int] | None = None) -> Fragment:
        def fill(writer: FragmentWriter) -> None:
            for path, mode in (dirs or {}).items():
                writer.directory(path, mode=mode)
            for path, content in files.items():
                writer.file(path, content)

        return self.cache.make(self.cache.key(name), Component("file", name), fill)

    def layer(self, *fragments: Fragment, below: dict[str, Entry] | None = None) -> Layer:
        dirs = directories(fragments, (below or {}).get)
        return assemble(self.store, fragments, dirs, self.compression)

    def plain(self, layer: Layer) -> bytes:
        return b"".join(compress.decompress([self.store.path(layer.digest).read_bytes()]))


@pytest.fixture(params=["gzip", "zstd"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return Bench(tmp_path, request.param)


def test_a_layer_is_one_tar_archive_with_directories_first(bench: Bench) -> None:
    a = bench.fragment("a", {"usr/bin/a": b"A" * 2000, "opt/x/y": b""}, {"usr/bin": 0o755, "opt": 0o711})
    b = bench.fragment("b", {"usr/bin/b": b"B"}, {"opt": 0o700})
    layer = bench.layer(a, b)
    plain = bench.plain(layer)
    assert layer.diff_id == f"sha256:{hashlib.sha256(plain).hexdigest()}"
    assert layer.raw_size == len(plain)
    path = bench.store.path(layer.digest)
    assert (of_file(path), path.stat().st_size) == (layer.digest, layer.size)
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        members = list(tar)
        assert [(m.name, m.isdir()) for m in members] == [
            ("opt", True),
            ("opt/x", True),
            ("usr", True),
            ("usr/bin", True),
            ("usr/bin/a", False),
            ("opt/x/y", False),
            ("usr/bin/b", False),
        ]
        # the first package that names a directory decides
        assert members[0].mode == 0o711
        file = tar.extractfile("usr/bin/a")
        assert file is not None
        assert file.read() == b"A" * 2000


def test_directories_of_lower_layers_keep_their_attributes(bench: Bench) -> None:
    a = bench.fragment("a", {"tmp/x": b""}, {"tmp": 0o755})
    layer = bench.layer(a, below={"tmp": Entry("tmp", "dir", 0o1777), "var": Entry("var", "dir")})
    with tarfile.open(fileobj=io.BytesIO(bench.plain(layer))) as tar:
        assert [(m.name, m.mode) for m in tar if m.isdir()] == [("tmp", 0o1777)]


def test_a_path_in_two_fragments_is_refused(bench: Bench) -> None:
    with pytest.raises(InputError, match="'x' comes twice"):
        bench.layer(bench.fragment("a", {"x": b""}), bench.fragment("b", {"x": b""}))
    assert list(bench.store.root.rglob(".tmp-*")) == []


def test_a_file_where_another_has_a_directory_is_refused(bench: Bench) -> None:
    with pytest.raises(InputError, match="'x' is a directory in one package and a file in another"):
        bench.layer(bench.fragment("a", {"x": b""}), bench.fragment("b", {"x/y": b""}))


def test_an_empty_layer_is_an_archive_too(bench: Bench) -> None:
    with tarfile.open(fileobj=io.BytesIO(bench.plain(bench.layer()))) as tar:
        assert list(tar) == []
