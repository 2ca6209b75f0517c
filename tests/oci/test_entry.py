from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import InputError
from slipway.oci.entry import END_OF_ARCHIVE, Entry, clean_path, padding

names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=90
).filter(lambda s: s not in (".", ".."))
paths = st.lists(names, min_size=1, max_size=5).map("/".join)


def read(*entries: Entry, content: bytes = b"") -> list[tarfile.TarInfo]:
    data = b"".join(e.header() + (content + padding(e.size) if e.kind == "file" else b"") for e in entries)
    with tarfile.open(fileobj=io.BytesIO(data + END_OF_ARCHIVE)) as tar:
        return list(tar)


@given(
    path=paths,
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 2**31),
    gid=st.integers(0, 2**31),
    mtime=st.integers(-(2**33), 2**36),
    content=st.binary(max_size=1200),
)
def test_file_headers_read_back_by_another_implementation(
    path: str, mode: int, uid: int, gid: int, mtime: int, content: bytes
) -> None:
    entry = Entry(path, "file", mode, uid, gid, len(content), mtime)
    (got,) = read(entry, content=content)
    assert (got.name, got.mode, got.uid, got.gid, got.size, got.mtime) == (
        path,
        mode,
        uid,
        gid,
        len(content),
        mtime,
    )
    assert got.isreg()


@given(path=paths, target=paths)
def test_symlinks_and_hard_links_keep_long_targets(path: str, target: str) -> None:
    symlink, link = read(Entry(path, "symlink", 0o777, target=target), Entry(path, "link", target=target))
    assert (symlink.linkname, symlink.issym()) == (target, True)
    assert (link.linkname, link.islnk()) == (target, True)


def test_directories_and_devices() -> None:
    directory, device = read(Entry("tmp", "dir", 0o1777), Entry("dev/null", "char", 0o666, dev=(1, 3)))
    assert (directory.isdir(), directory.mode) == (True, 0o1777)
    assert (device.ischr(), device.devmajor, device.devminor) == (True, 1, 3)


def test_extended_attributes_are_pax_records() -> None:
    (got,) = read(Entry("bin/ping", xattrs=(("security.capability", "0100000200200000"),)))
    assert got.pax_headers["SCHILY.xattr.security.capability"].encode(
        "utf-8", "surrogateescape"
    ) == bytes.fromhex("0100000200200000")


def test_sizes_beyond_the_octal_field() -> None:
    header = Entry("big", size=9 << 30).header()
    with tarfile.open(fileobj=io.BytesIO(header), mode="r:") as tar:
        first = tar.next()
    assert first is not None
    assert first.size == 9 << 30


@given(
    st.builds(
        Entry,
        paths,
        st.sampled_from(["file", "symlink", "link", "char"]),
        st.integers(0, 0o7777),
        st.integers(0, 70000),
        st.integers(0, 70000),
        st.integers(0, 10**12),
        st.integers(0, 10**10),
        st.just("") | paths,
        st.just("") | st.just("ab" * 32),
        st.tuples(st.integers(0, 9), st.integers(0, 9)),
        st.just(()) | st.just((("user.x", "00ff"),)),
    )
)
def test_the_packed_form_loses_nothing(entry: Entry) -> None:
    assert Entry.unpack(entry.pack()) == entry


@pytest.mark.parametrize(
    ("raw", "clean"), [("./usr//bin/x", "usr/bin/x"), ("/etc/passwd", "etc/passwd"), ("a/./b/", "a/b")]
)
def test_paths_are_normalised(raw: str, clean: str) -> None:
    assert clean_path(raw) == clean


@pytest.mark.parametrize("raw", ["../x", "a/../../x", "a/..", "x\0y", "a" * 5000])
def test_paths_that_leave_the_root_are_refused(raw: str) -> None:
    with pytest.raises(InputError):
        clean_path(raw)
