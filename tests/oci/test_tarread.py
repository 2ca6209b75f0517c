from __future__ import annotations

import contextlib
import io
import random
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import InputError
from slipway.oci.entry import BLOCK, END_OF_ARCHIVE, Entry, padding
from slipway.oci.tarread import SMALL, Limits, read_tar

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def archive(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def info(name: str, **attributes: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in attributes.items():
        setattr(made, key, value)
    return made


def read(data: bytes, *, step: int = 1 << 16, limits: Limits | None = None) -> list[tuple[Entry, bytes]]:
    chunks = (data[n : n + step] for n in range(0, len(data), step))
    found = read_tar(chunks, limits=limits)
    return [(e, c if isinstance(c, bytes) else b"".join(c)) for e, c in found]


def one(data: bytes) -> Entry:
    ((entry, _),) = read(data)
    return entry


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("step", [1, 511, 512, 1000, 1 << 20])
def test_what_the_standard_library_writes(form, step):
    members = [
        (info("./", type=tarfile.DIRTYPE, mode=0o755), b""),
        (info("./usr/", type=tarfile.DIRTYPE, mode=0o1777, uid=7), b""),
        (
            info("usr/" + "n" * 90 + "/" + "m" * 90, mode=0o4755, uid=1000, gid=1001, mtime=1234567890),
            b"x" * 1300,
        ),
        (info("usr/ü", mode=0o600), b""),
        (info("usr/link", type=tarfile.SYMTYPE, linkname="../" + "t" * 90), b""),
        (info("usr/hard", type=tarfile.LNKTYPE, linkname="./usr/ü"), b""),
        (info("dev/sda", type=tarfile.BLKTYPE, devmajor=8, devminor=1), b""),
        (info("run/fifo", type=tarfile.FIFOTYPE), b""),
    ]
    found = read(archive(*members, form=form), step=step)
    assert [e.path for e, _ in found][:3] == ["", "usr", "usr/" + "n" * 90 + "/" + "m" * 90]
    assert found[1][0] == Entry("usr", "dir", 0o1777, 7, 0, 0, 0)
    big = found[2]
    assert (big[0].mode, big[0].uid, big[0].gid, big[0].size, big[0].mtime) == (
        0o4755,
        1000,
        1001,
        1300,
        1234567890,
    )
    assert big[1] == b"x" * 1300
    assert (found[4][0].kind, found[4][0].target) == ("symlink", "../" + "t" * 90)
    assert (found[5][0].kind, found[5][0].target) == ("link", "usr/ü")
    assert (found[6][0].kind, found[6][0].dev) == ("block", (8, 1))
    assert found[7][0].kind == "fifo"


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_large_numbers(form):
    made = info("d/" * 120 + "f", uid=3_000_000, gid=4_000_000_000, mtime=-5)
    entry = one(archive((made, b"x"), form=form))
    assert (entry.path, entry.uid, entry.gid, entry.mtime) == ("d/" * 120 + "f", 3_000_000, 4_000_000_000, -5)
    made = info("l", type=tarfile.SYMTYPE, linkname="t/" * 200)
    assert one(archive((made, b""), form=form)).target == "t/" * 200


def test_pax_attributes():
    made = info("f", mtime=12.75)
    made.pax_headers = {
        "SCHILY.xattr.security.capability": "\x01\x02",
        "SCHILY.xattr.user.a": "b",
        "comment": "c",
    }
    entry = one(archive((made, b""), form=tarfile.PAX_FORMAT))
    assert entry.xattrs == (("security.capability", "0102"), ("user.a", "62"))
    assert entry.mtime == 12


def test_global_records_hold_for_all():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"uid": "77"}) as tar:
        tar.addfile(info("a"))
        tar.addfile(info("b"))
    assert [e.uid for e, _ in read(out.getvalue())] == [77, 77]


_names = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60).filter(
        lambda s: s not in (".", "..")
    ),
    min_size=1,
    max_size=5,
).map("/".join)


@given(
    path=_names,
    content=st.binary(max_size=2000),
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 2**32 - 2),
    mtime=st.integers(-(2**40), 2**40),
    xattrs=st.dictionaries(st.sampled_from(["user.a", "security.capability"]), st.binary(max_size=30)),
)
def test_reads_what_entries_write(path, content, mode, uid, mtime, xattrs):
    pairs = tuple(sorted((k, v.hex()) for k, v in xattrs.items()))
    entry = Entry(path, "file", mode, uid, 5, len(content), mtime, xattrs=pairs)
    assert read(entry.header() + content + padding(len(content)) + END_OF_ARCHIVE) == [(entry, content)]


def test_large_contents_come_in_pieces_and_may_be_left():
    big = random.Random(1).randbytes(SMALL * 3 + 77)
    data = archive((info("big"), big), (info("next"), b"n"))
    chunks = [data[n : n + 100_000] for n in range(0, len(data), 100_000)]
    assert [e.path for e, _ in read_tar(chunks)] == ["big", "next"]
    entry, pieces = next(read_tar(chunks))
    assert not isinstance(pieces, bytes)
    assert (entry.size, b"".join(pieces)) == (len(big), big)
    found = read_tar(chunks)
    _, pieces = next(found)
    next(iter(pieces))
    assert next(found)[1] == b"n"


def test_the_end():
    data = archive((info("a"), b"a"))
    assert len(read(data[: 2 * BLOCK])) == 1  # no end marks
    assert len(read(data + b"trailing" * 100)) == 1
    assert read(b"") == []
    drained = iter([data, b"more", b"and more"])
    assert len(list(read_tar(drained))) == 1
    assert next(drained, None) is None


def _patched(offset: int, value: bytes) -> bytes:
    data = bytearray(archive((info("file"), b"abc")))
    data[offset : offset + len(value)] = value
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (archive((info("a"), b"a" * 600))[:700], "ends early"),
        (archive((info("a"), b"a"))[:100], "ends early"),
        (archive((info("n" * 300), b""))[:1024], "ends early"),
        (b"x" * 512, "damaged"),
        (_patched(100, b"9999999\0"), "number"),
        (_patched(100, b"1_0\0"), "number"),
        (_patched(124, b"\xff" * 12), "impossible size"),
        (_patched(156, b"S"), "sparse"),
        (_patched(156, b"Z"), "unknown type"),
        (_patched(156, b"V"), "unknown type"),
        (_patched(156, b"2"), "links to nothing"),
        (_patched(0, b"\0" * 10), "without a name"),
        (_patched(0, b"../x\0"), "leaves its root"),
        (_patched(0, b"\xff\xfe\0"), "not UTF-8"),
        (_patched(156, b"x"), "pax record"),
        (archive((info("l", type=tarfile.LNKTYPE, linkname="../../etc/passwd"), b"")), "leaves its root"),
    ],
)
def test_damage_is_refused(data, message):
    with pytest.raises(InputError, match=message):
        read(data)


def test_sparse_files_of_pax_are_refused():
    made = info("f")
    made.pax_headers = {"GNU.sparse.major": "1"}
    with pytest.raises(InputError, match="sparse"):
        read(archive((made, b""), form=tarfile.PAX_FORMAT))


def test_limits():
    data = archive(*[(info(f"f{n}"), b"x" * 1000) for n in range(10)])
    assert len(read(data, limits=Limits(10, len(data)))) == 10
    with pytest.raises(InputError, match="more than 9 entries"):
        read(data, limits=Limits(9, len(data)))
    with pytest.raises(InputError, match="unpacks to more"):
        read(data, limits=Limits(10, 5000))
    claims = Entry("f", "file", size=1 << 50).header()
    with pytest.raises(InputError, match="claims"):
        read(claims, limits=Limits(10, 1 << 30))
    endless = Entry("f", "file", size=1 << 29).header()[:-512] + b"x"
    with pytest.raises(InputError):
        read(endless)


def test_an_absurd_header():
    head = bytearray(Entry("f", "file", size=1 << 30).header())
    head[156:157] = b"L"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    with pytest.raises(InputError, match="absurdly long"):
        read(bytes(head))


@given(st.binary(max_size=1500))
def test_noise_is_an_error_or_nothing(data):
    with contextlib.suppress(InputError):
        read(data)


def test_flipped_bytes_never_crash():
    good = archive((info("a/b", uid=3_000_000), b"x" * 700), (info("n" * 200), b"y"), form=tarfile.PAX_FORMAT)
    rng = random.Random(5)
    for _ in range(400):
        bad = bytearray(good)
        for _ in range(3):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        try:
            read(bytes(bad))
        except InputError:
            continue
