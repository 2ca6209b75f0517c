from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import InputError
from slipway.oci import compress
from slipway.oci.digest import of_file
from slipway.oci.entry import Entry
from slipway.oci.fragment import Component, Fragment, FragmentCache
from slipway.oci.fragmentwriter import FragmentWriter

SOMETHING = Component("file", "something", "1")


@pytest.fixture(params=["gzip", "zstd"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> FragmentCache:
    return FragmentCache(tmp_path, compress.get(request.param))


def small(cache: FragmentCache, **files: bytes) -> Fragment:
    def fill(writer: FragmentWriter) -> dict[str, Any]:
        writer.directory("usr/bin", mode=0o750)
        for name, content in files.items():
            writer.file(f"usr/bin/{name}", content)
        writer.symlink("usr/bin/link", "a")
        return {"told": 1}

    return cache.make(cache.key(sorted(files)), SOMETHING, fill)


def test_a_fragment_is_found_again_as_it_was_made(cache: FragmentCache) -> None:
    made = small(cache, a=b"alpha", b=b"beta" * 1000)
    found = cache.get(made.key)
    assert found == made
    assert found.extra == {"told": 1}
    assert [e.path for e in found.entries] == ["usr/bin/a", "usr/bin/b", "usr/bin/link"]
    assert found.entries[0].sha256 == hashlib.sha256(b"alpha").hexdigest()
    assert found.dirs == (Entry("usr/bin", "dir", 0o750),)
    assert of_file(found.blob) == found.digest
    assert sum(map(len, compress.decompress(found.chunks()))) == found.raw_size


def test_contents_can_be_read_back(cache: FragmentCache) -> None:
    made = small(cache, a=b"alpha", b=b"beta" * 1000)
    assert made.read("usr/bin/b", "nope") == {"usr/bin/b": b"beta" * 1000}
    assert [data for _, data in made.members()] == [b"alpha", b"beta" * 1000, b""]


def test_bytes_do_not_depend_on_how_the_content_comes_in(cache: FragmentCache) -> None:
    content = bytes(random.Random(3).choices(b"abcdefgh", k=5 * compress.CHUNK // 2))
    entry = Entry("big", "file", 0o644, size=len(content))
    made = set()
    for piece in (len(content), compress.CHUNK, 289, 65537):
        pieces = [content[at : at + piece] for at in range(0, len(content), piece)]
        with (cache.root / "blob").open("wb") as file:
            writer = FragmentWriter(file, cache.compression, "pieces")
            writer.add(entry, pieces)
            made.add(writer.finish())
    assert len(made) == 1


def test_made_once(cache: FragmentCache) -> None:
    made = small(cache, a=b"alpha")

    def fail(_: FragmentWriter) -> None:
        raise AssertionError

    assert cache.make(made.key, SOMETHING, fail) == made


def test_fresh_makes_anew_but_only_once(cache: FragmentCache) -> None:
    small(cache, a=b"alpha")
    fresh = FragmentCache(cache.root, cache.compression, fresh=True)
    key = cache.key(["a"])
    assert fresh.get(key) is None
    assert not fresh.has(key)
    small(fresh, a=b"alpha")
    assert fresh.has(key)


def test_an_error_while_filling_leaves_nothing(cache: FragmentCache) -> None:
    def fill(writer: FragmentWriter) -> None:
        writer.file("a", b"x")
        raise InputError("broken package")

    with pytest.raises(InputError, match="broken package"):
        cache.make(cache.key("broken"), SOMETHING, fill)
    assert cache.get(cache.key("broken")) is None
    assert [p for p in cache.root.rglob("*") if p.is_file()] == []


def test_a_lost_blob_or_a_damaged_index_is_a_miss(cache: FragmentCache) -> None:
    made = small(cache, a=b"alpha")
    index = made.blob.parent / f"{made.key}.json"
    index.write_bytes(index.read_bytes()[:-5])
    assert cache.get(made.key) is None
    index.unlink()
    assert small(cache, a=b"alpha") == made
    made.blob.unlink()
    assert cache.get(made.key) is None


def test_sizes_must_be_as_announced(cache: FragmentCache) -> None:
    def fill(writer: FragmentWriter) -> None:
        writer.add(Entry("a", size=10), b"short")

    with pytest.raises(InputError, match="5 bytes where 10"):
        cache.make(cache.key("lie"), SOMETHING, fill)


def test_a_path_comes_once(cache: FragmentCache) -> None:
    def fill(writer: FragmentWriter) -> None:
        writer.file("a", b"")
        writer.file("a", b"")

    with pytest.raises(InputError, match="twice"):
        cache.make(cache.key("twice"), SOMETHING, fill)


def test_without_leaves_out_what_another_provides(cache: FragmentCache) -> None:
    made = small(cache, a=b"alpha", b=b"beta")
    less = cache.without(made, ["usr/bin/a", "elsewhere"])
    assert less.paths == ["usr/bin/b", "usr/bin/link"]
    assert less.read("usr/bin/b") == {"usr/bin/b": b"beta"}
    assert less.dirs == made.dirs
    assert cache.without(made, ["elsewhere"]) is made


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (FragmentCache(tmp_path / n, compress.get("gzip")) for n in "12")
    assert small(one, a=b"alpha" * 300_000).digest == small(two, a=b"alpha" * 300_000).digest
