"""One entry of a layer: a value, and how it stands in a tar header (POSIX.1-2001 pax, ustar where it fits)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from slipway.errors import InputError

Kind = Literal["file", "link", "symlink", "dir", "char", "block", "fifo"]

_TYPEFLAG: dict[str, bytes] = {
    "file": b"0",
    "link": b"1",
    "symlink": b"2",
    "char": b"3",
    "block": b"4",
    "dir": b"5",
    "fifo": b"6",
}
BLOCK = 512
END_OF_ARCHIVE = b"\0" * (2 * BLOCK)
# The epoch of files that have no time of their own: the first moment that a zip archive can express, because
# tools inside an image that zip such files up fail on anything earlier.
NO_TIME = 315532800


@dataclass(frozen=True, slots=True)
class Entry:
    """A path in a layer.

    `path` is relative, normalised, without a trailing slash (`usr/bin/env`); `mode` holds permission bits only
    (0o7777); `size` is in bytes and 0 for all but files; `target` is the link text of a symlink, or for a hard link the path
    of the entry it links to; `sha256` is the hex digest of a file's content; `dev` is (major, minor); `xattrs`
    are (name, hex value) pairs, sorted.
    """

    path: str
    kind: Kind = "file"
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime: int = NO_TIME
    target: str = ""
    sha256: str = ""
    dev: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, str], ...] = ()

    def header(self) -> bytes:
        """The tar header block(s) of this entry; a file's content and padding follow it."""
        name = self.path.encode() + (b"/" if self.kind == "dir" else b"")
        link = self.target.encode()
        pax: list[tuple[str, bytes]] = []
        prefix = b""
        if len(name) > 100:
            prefix, name = _split(name, pax)
        if len(link) > 100:
            pax.append(("linkpath", link))
            link = link[:100]
        size = self.size
        if size >= 8**11:
            pax.append(("size", b"%d" % size))
            size = 0
        mtime = self.mtime
        if not 0 <= mtime < 8**11:
            pax.append(("mtime", b"%d" % mtime))
            mtime = 0
        uid, gid = self.uid, self.gid
        if uid >= 8**7:
            pax.append(("uid", b"%d" % uid))
            uid = 0
        if gid >= 8**7:
            pax.append(("gid", b"%d" % gid))
            gid = 0
        pax.extend((f"SCHILY.xattr.{k}", bytes.fromhex(v)) for k, v in self.xattrs)
        block = _ustar(name, prefix, _TYPEFLAG[self.kind], self.mode, uid, gid, size, mtime, link, self.dev)
        return _pax(pax) + block if pax else block

    def pack(self, sha256: str = "") -> list[Any]:
        """Compact JSON form; trailing defaults are cut. `sha256` stands in for the entry's own."""
        row: list[Any] = [
            self.path,
            self.kind,
            self.mode,
            self.uid,
            self.gid,
            self.mtime,
            self.size,
            sha256 or self.sha256,
            self.target,
            list(self.dev),
            [list(x) for x in self.xattrs],
        ]
        for default in ([], [0, 0], "", "", 0):
            if row[-1] != default:
                break
            row.pop()
        return row

    @classmethod
    def unpack(cls, row: list[Any]) -> Entry:
        path, kind, mode, uid, gid, mtime, *rest = row
        defaults: list[Any] = [0, "", "", (0, 0), ()]
        size, sha256, target, dev, xattrs = rest + defaults[len(rest) :]
        return cls(
            path,
            kind,
            mode,
            uid,
            gid,
            size,
            mtime,
            target,
            sha256,
            tuple(dev),
            tuple((k, v) for k, v in xattrs),
        )


def padding(size: int) -> bytes:
    """The zero bytes that follow a file's content of this size."""
    return b"\0" * (-size % BLOCK)


def clean_path(raw: str, *, what: str = "archive") -> str:
    """`raw` as a normalised relative path; `InputError` when it is absolute upward, empty or not a path at all.

    A leading `/` or `./` is dropped as tar does; any `..` is refused.
    """
    if "\0" in raw or len(raw) > 4096:
        raise InputError(f"{what} holds an impossible path: {raw[:80]!r}")
    parts = [p for p in raw.split("/") if p not in ("", ".")]
    if ".." in parts:
        raise InputError(f"{what} holds a path that leaves its root: {raw!r}")
    return "/".join(parts)


def _split(name: bytes, pax: list[tuple[str, bytes]]) -> tuple[bytes, bytes]:
    """Put a long name into ustar's prefix and name fields, or into a pax record when it does not fit."""
    if len(name) <= 256:
        cut = name.rfind(b"/", 0, min(156, len(name) - 1))
        if cut > 0 and len(name) - cut - 1 <= 100:
            return name[:cut], name[cut + 1 :]
    pax.append(("path", name))
    return b"", name[:100]


def _ustar(
    name: bytes,
    prefix: bytes,
    flag: bytes,
    mode: int,
    uid: int,
    gid: int,
    size: int,
    mtime: int,
    link: bytes,
    dev: tuple[int, int],
) -> bytes:
    head = name.ljust(100, b"\0") + b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (mode, uid, gid, size, mtime)
    owner = b"\0" * 64  # no user and group names: numbers are what counts in an image
    tail = b"%b%bustar\x0000%b%07o\0%07o\0%b" % (
        flag,
        link.ljust(100, b"\0"),
        owner,
        *dev,
        prefix.ljust(167, b"\0"),
    )
    return head + b"%06o\0 " % (sum(head) + sum(tail) + 8 * 32) + tail


def _pax(records: list[tuple[str, bytes]]) -> bytes:
    body = b"".join(_record(key.encode(), value) for key, value in records)
    block = _ustar(b"././@PaxHeader", b"", b"x", 0, 0, 0, len(body), 0, b"", (0, 0))
    return block + body + padding(len(body))


def _record(key: bytes, value: bytes) -> bytes:
    r"""`<length> key=value\n` where the length counts itself (POSIX.1-2001 pax, section Extended Header)."""
    bare = len(key) + len(value) + 3
    length = bare + len(str(bare))
    length = bare + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)
