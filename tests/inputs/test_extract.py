from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import stat
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from slipway.errors import InputError, VerifyError, Where
from slipway.events import Reporter
from slipway.inputs import archives, extract
from slipway.inputs.files import file_fragment, pin
from slipway.inputs.kept import path_of
from slipway.oci import compress
from slipway.oci.fragment import FragmentCache
from slipway.recipe.model import FileItem
from tests.inputs.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slipway.inputs.pinned import PinnedFile
    from slipway.settings import Settings

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.xz": lzma.compress,
    "tar.bz2": bz2.compress,
    "tar.zst": lambda data: compress.get("zstd").compress(data),
}


def tar(*members: tuple[str, Any], **attributes: Any) -> bytes:
    """Bytes are a file's, None makes a directory, a text a symlink, and a function changes the header."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            for key, value in attributes.items():
                setattr(info, key, value)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
                continue
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                content(info)
            archive.addfile(info)
    return out.getvalue()


def zipped(*members: tuple[str, bytes, int]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return out.getvalue()


def hard(target: str) -> Callable[[tarfile.TarInfo], None]:
    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname = tarfile.LNKTYPE, target

    return change


def special(kind: bytes) -> Callable[[tarfile.TarInfo], None]:
    return lambda info: setattr(info, "type", kind)


def take(data: bytes, settings: Settings, tmp_path: Path, **more: Any) -> PinnedFile:
    (tmp_path / "archive").write_bytes(data)
    item = FileItem("x", "archive", Where("r.yaml", 7, 5), extract=True, **more)
    (found,) = pin([item], tmp_path, settings, Reporter())
    return found


def rows(pinned: PinnedFile) -> list[tuple[str, str, int, bytes | str]]:
    return [
        (e.path, e.kind, e.mode, pinned.place(e).read_bytes() if e.kind == "file" else e.target)
        for e in pinned.listing
    ]


GOOD = [
    ("./", None),
    ("top/run.sh", b"#!/bin/sh\n"),
    ("top/big", b"0123456789" * 200_000),
    ("top/link", "run.sh"),
    ("top/up", "../top/deep/../run.sh"),
    ("top/hard", hard("top/run.sh")),
    ("empty/", None),
]


@pytest.mark.parametrize("packer", PACKERS)
def test_tar(settings: Settings, tmp_path: Path, packer: str) -> None:
    data = PACKERS[packer](tar(*GOOD, mode=0o4750, uid=1000, gid=7, mtime=5))
    found = take(data, settings, tmp_path)
    assert (found.kind, found.archive) == ("tree", hashlib.sha256(data).hexdigest())
    assert rows(found) == [
        ("empty", "dir", 0o755, ""),
        ("top", "dir", 0o755, ""),
        ("top/big", "file", 0o755, b"0123456789" * 200_000),
        ("top/hard", "file", 0o755, b"#!/bin/sh\n"),
        ("top/link", "symlink", 0o777, "run.sh"),
        ("top/run.sh", "file", 0o755, b"#!/bin/sh\n"),
        ("top/up", "symlink", 0o777, "../top/deep/../run.sh"),
    ]
    assert {(e.uid, e.gid) for e in found.listing} == {(0, 0)}


def test_zip(settings: Settings, tmp_path: Path) -> None:
    data = zipped(
        ("dir/", b"", stat.S_IFDIR | 0o700),
        ("dir/run", b"run" * 700_000, stat.S_IFREG | 0o755),
        ("plain", b"plain", 0),
        ("link", b"dir/run", stat.S_IFLNK | 0o777),
    )
    assert rows(take(data, settings, tmp_path)) == [
        ("dir", "dir", 0o755, ""),
        ("dir/run", "file", 0o755, b"run" * 700_000),
        ("link", "symlink", 0o777, "dir/run"),
        ("plain", "file", 0o644, b"plain"),
    ]


def test_the_same_tree_from_any_archive_and_from_a_directory(settings: Settings, tmp_path: Path) -> None:
    members = [("d/a", b"a"), ("d/b", b"b")]
    found = {take(packer(tar(*members)), settings, tmp_path).sha256 for packer in PACKERS.values()}
    found.add(take(zipped(*((n, c, 0o100644) for n, c in members)), settings, tmp_path).sha256)
    (tmp_path / "t" / "d").mkdir(parents=True)
    for name, content in members:
        (tmp_path / "t" / name).write_bytes(content)
    (local,) = pin([FileItem("x", "t", Where("r"))], tmp_path, settings, Reporter())
    assert found == {local.sha256}


def test_a_later_member_takes_the_place(settings: Settings, tmp_path: Path) -> None:
    assert rows(take(tar(("a", b"1"), ("a", b"22")), settings, tmp_path)) == [("a", "file", 0o644, b"22")]


def test_unpacked_once(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tar(*GOOD)
    first = take(data, settings, tmp_path)
    monkeypatch.delattr(extract, "members")
    assert take(data, settings, tmp_path) == first


def test_lost_files_are_unpacked_again(settings: Settings, tmp_path: Path) -> None:
    first = take(tar(*GOOD), settings, tmp_path)
    first.place(next(e for e in first.listing if e.path == "top/big")).unlink()
    assert take(tar(*GOOD), settings, tmp_path) == first
    assert rows(first)
    first.path.write_bytes(b"[]")  # the listing itself
    assert take(tar(*GOOD), settings, tmp_path) == first


HOSTILE = {
    "upward": tar(("../x", b"x")),
    "upward inside": tar(("a/../../x", b"x")),
    "absolute": tar(("/x", b"x")),
    "absolute link": tar(("x", "/etc/passwd")),
    "link out": tar(("a/x", "../../y")),
    "link out through a link": tar(("a/b", ".."), ("c", "a/b/../x")),
    "hard link out": tar(("x", hard("../../etc/passwd"))),
    "hard link to nothing": tar(("x", hard("y"))),
    "hard link to a symlink": tar(("y", "z"), ("x", hard("y"))),
    "through a symlink": tar(("a", "."), ("a/x", b"x")),
    "below a file": tar(("a", b"a"), ("a/x", b"x")),
    "a file that is a directory": tar(("a/x", b"x"), ("a", b"a")),
    "a directory that is a file": tar(("a", b"a"), ("a", None)),
    "device": tar(("x", special(tarfile.CHRTYPE))),
    "block": tar(("x", special(tarfile.BLKTYPE))),
    "pipe": tar(("x", special(tarfile.FIFOTYPE))),
    "deep": tar(("d/" * 300 + "x", b"x")),
    "not an archive": b"hello\n" * 1000,
    "short text": b"hello",
    "nothing": b"",
    "gzip of text": gzip.compress(b"hello" * 1000),
    "cut": gzip.compress(tar(*GOOD))[:-100],
    "cut xz": lzma.compress(tar(*GOOD))[:-30],
    "damaged bz2": bz2.compress(tar(*GOOD))[:-9] + b"123456789",
    "zip upward": zipped(("../x", b"x", 0)),
    "zip absolute": zipped(("/x", b"x", 0)),
    "zip with a backslash": zipped(("a\\x", b"x", 0)),
    "zip link out": zipped(("x", b"../y", stat.S_IFLNK | 0o777)),
    "zip device": zipped(("x", b"", stat.S_IFCHR | 0o600)),
    "zip cut": zipped(("x", b"x" * 1000, 0))[:-30],
    "empty zip": zipped(),
    "empty tar": tar(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(settings: Settings, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="archive") as caught:
        take(HOSTILE[name], settings, tmp_path)
    assert str(caught.value.where) == "r.yaml:7:5"
    assert kept(settings) == []


def kept(settings: Settings) -> list[Path]:
    return [p for p in settings.cache.rglob("*") if p.is_file() and "stat" not in p.parts]


@pytest.mark.parametrize("packer", [gzip.compress, lzma.compress, lambda data: zipped(("x", data, 0))])
def test_bombs(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packer: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(archives, "_SLACK", 1 << 20)
    monkeypatch.setattr("slipway.python.wheelzip.MIN_BOMB", 1 << 20)
    zeros = bytes(30 << 20)
    data = packer(zeros if packer(b"x")[:2] == b"PK" else tar(("x", zeros)))
    with pytest.raises(InputError):
        take(data, settings, tmp_path)
    assert kept(settings) == []


@pytest.mark.parametrize(
    "data", [tar(*((f"{n}", b"") for n in range(6))), zipped(*((f"{n}", b"", 0) for n in range(6)))]
)
def test_too_many(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(archives, "_MOST_ENTRIES", 5)
    with pytest.raises(InputError, match=r"more than 5|cannot be extracted"):
        take(data, settings, tmp_path)


def test_from_a_server_with_a_hash(settings: Settings, server: Server, tmp_path: Path) -> None:
    data = gzip.compress(tar(*GOOD))
    resource = server.add("/a.tgz", data)
    item = FileItem("x", server.url("/a.tgz"), Where("r"), resource.sha256, owner="1000", extract=True)
    (found,) = pin([item], tmp_path, settings, Reporter())
    assert (found.archive, found.owner, len(found.listing)) == (resource.sha256, "1000", 7)
    (again,) = pin([item], tmp_path, settings.with_(offline=True), Reporter())
    assert again == found
    wrong = FileItem("x", server.url("/a.tgz"), Where("r"), "0" * 64, extract=True)
    with pytest.raises(VerifyError):
        pin([wrong], tmp_path, settings, Reporter())


def test_a_directory_cannot_be_extracted(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    item = FileItem("x", "d", Where("r"), extract=True)
    with pytest.raises(InputError, match="directory"):
        pin([item], tmp_path, settings, Reporter())


def test_in_the_image(settings: Settings, tmp_path: Path) -> None:
    cache = FragmentCache(tmp_path / "fragments", compress.get("gzip"))
    found = take(tar(*GOOD), settings, tmp_path, owner="1000:7")
    fragment = file_fragment(cache, found, "pyats")
    assert {(e.uid, e.gid) for e in fragment.entries} == {(1000, 7)}
    owners = {d.path: (d.uid, d.gid) for d in fragment.dirs}
    assert owners == {
        "pyats": (0, 0),
        "pyats/x": (1000, 7),
        "pyats/x/empty": (1000, 7),
        "pyats/x/top": (1000, 7),
    }
    assert fragment.read("pyats/x/top/run.sh") == {"pyats/x/top/run.sh": b"#!/bin/sh\n"}
    root = take(tar(*GOOD), settings, tmp_path)
    assert file_fragment(cache, root, "pyats").key != fragment.key


def test_mode_and_owner_of_a_file(settings: Settings, tmp_path: Path) -> None:
    cache = FragmentCache(tmp_path / "fragments", compress.get("gzip"))
    (tmp_path / "f").write_bytes(b"x")
    keys = set()
    for mode, owner in ((None, ""), (0o600, ""), (0o600, "5"), (0o600, "5:6")):
        item = FileItem("f", "f", Where("r"), mode=mode, owner=owner)
        (found,) = pin([item], tmp_path, settings, Reporter())
        fragment = file_fragment(cache, found, "pyats")
        keys.add(fragment.key)
    (entry,) = fragment.entries
    assert (entry.mode, entry.uid, entry.gid) == (0o600, 5, 6)
    assert len(keys) == 4


def test_a_mode_is_for_a_single_file(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="single file"):
        take(tar(*GOOD), settings, tmp_path, mode=0o600)


def test_a_tree_that_the_cache_lost_is_not_an_empty_one(settings: Settings, tmp_path: Path) -> None:
    from dataclasses import replace

    from slipway.errors import StoreError

    cache = FragmentCache(tmp_path / "fragments", compress.get("gzip"))
    found = take(tar(*GOOD), settings, tmp_path)
    with pytest.raises(StoreError, match="lost"):
        file_fragment(cache, replace(found, listing=()), "pyats")


def test_no_name_of_an_archive_is_a_path_here(settings: Settings, tmp_path: Path) -> None:
    take(tar(*GOOD), settings, tmp_path)
    names = {part for p in settings.cache.rglob("*") for part in p.relative_to(settings.cache).parts}
    assert not {"top", "run.sh", "big"} & names
    assert path_of(hashlib.sha256(b"#!/bin/sh\n").hexdigest(), settings).exists()
    assert list((settings.cache / "downloads" / "parts").iterdir()) == []
