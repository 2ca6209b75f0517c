"""Read a tar stream entry by entry, in one pass, trusting nothing in it.

Understands ustar and pax (POSIX.1-2001, pax, sections Extended Header and ustar Interchange Format), the long names,
long links and base-256 numbers of GNU tar (its manual, Basic Tar Format), and the older v7 headers. It takes
half the time of the standard library's reader and stops at limits, which that one does not have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.oci.entry import BLOCK, Entry, Kind, clean_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SMALL: Final = 1 << 20  # contents up to this size are given as bytes, larger ones piecewise
_META: Final = 1 << 20  # a long name or a set of pax records is never larger
_LARGEST_ID: Final = (1 << 32) - 2

_KINDS: Final[dict[bytes, Kind]] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"1": "link",
    b"2": "symlink",
    b"3": "char",
    b"4": "block",
    b"5": "dir",
    b"6": "fifo",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold at most: `entries` by number, `size` in bytes of the whole tar stream."""

    entries: int = 2_000_000
    size: int = 64 << 30


def read_tar(
    chunks: Iterable[bytes],
    *,
    limits: Limits | None = None,
    what: str = "archive",
    absolute: bool = True,
    text: bool = True,
) -> Iterator[tuple[Entry, bytes | Iterator[bytes]]]:
    """Every entry in order with its content: bytes up to `SMALL`, an iterator of pieces above.

    Directories come too; that of the root has the path "". What the caller leaves of an iterator is skipped.
    Names must be UTF-8, unless `text` is false: then what is none is replaced in them. Owner names are ignored, numbers count. Bytes after the end of the archive are read to the end
    (so that a decompressor underneath can check its sums) and dropped; an archive may end without its
    two zero blocks, as other readers allow. `InputError`, which names `what`, for damage, paths that leave the
    root, GNU sparse files and unknown types, and as soon as a limit is passed; unless `absolute`, also for paths that
    begin with `/`, which is dropped otherwise.
    """
    limits = limits or Limits()
    source = _Source(chunks, limits.size, what)
    general: dict[str, bytes] = {}
    special: dict[str, bytes] = {}
    count = 0
    while (head := source.block()) is not None:
        if not any(head):
            source.drain()
            return
        _check_sum(head, what)
        flag = head[156:157]
        if flag in (b"L", b"K", b"x", b"g"):
            size = _number(head[124:136], what)
            if not 0 <= size <= _META:
                raise InputError(f"{what} holds an absurdly long header")
            data = source.take(size)
            source.skip(-size % BLOCK)
            if flag == b"L":
                special["path"] = data.rstrip(b"\0")
            elif flag == b"K":
                special["linkpath"] = data.rstrip(b"\0")
            else:
                (special if flag == b"x" else general).update(_records(data, what))
            continue
        count += 1
        if count > limits.entries:
            raise InputError(f"{what} holds more than {limits.entries} entries")
        pax = {**general, **special} if general else special
        entry = _entry(head, pax, what, absolute=absolute, text=text)
        special = {}
        if entry.size > limits.size:
            raise InputError(
                f"{what}: {entry.path} claims {entry.size} bytes; at most {limits.size} are allowed"
            )
        if entry.size <= SMALL:
            yield entry, source.take(entry.size)
        else:
            pieces = source.pieces(entry.size)
            yield entry, pieces
            for _ in pieces:
                pass
        source.skip(-entry.size % BLOCK)
    if special:
        raise InputError(f"{what} ends early")


def _entry(head: bytes, pax: dict[str, bytes], what: str, *, absolute: bool, text: bool) -> Entry:
    flag = head[156:157]
    kind = _KINDS.get(flag)
    if flag == b"S" or any(key.startswith("GNU.sparse.") for key in pax):
        raise InputError(f"{what} holds a sparse file, which is not supported")
    if kind is None:
        raise InputError(f"{what} holds an entry of unknown type {flag!r}")
    name = head[:100].partition(b"\0")[0]
    # GNU headers have other things where ustar has its prefix
    if head[257:263] == b"ustar\0" and head[345]:
        name = head[345:500].partition(b"\0")[0] + b"/" + name
    link = head[157:257].partition(b"\0")[0]
    mode = _number(head[100:108], what) & 0o7777
    uid, gid = _number(head[108:116], what), _number(head[116:124], what)
    size = _number(head[124:136], what)
    mtime = _number(head[136:148], what)
    xattrs: list[tuple[str, str]] = []
    if pax:
        name, link = pax.get("path", name), pax.get("linkpath", link)
        size = _decimal(pax["size"], what) if "size" in pax else size
        uid = _decimal(pax["uid"], what) if "uid" in pax else uid
        gid = _decimal(pax["gid"], what) if "gid" in pax else gid
        mtime = _decimal(pax["mtime"], what) if "mtime" in pax else mtime
        xattrs = sorted((k[13:], v.hex()) for k, v in pax.items() if k.startswith("SCHILY.xattr."))
    if kind == "file" and name.endswith(b"/"):
        kind = "dir"  # how v7 tar wrote directories
    if name.startswith(b"/") and not absolute:
        raise InputError(f"{what} holds an absolute path: {_text(name, what)}")
    path = clean_path(_text(name, what, strict=text), what=what)
    if not path and kind != "dir":
        raise InputError(f"{what} holds an entry without a name")
    if size < 0 or not 0 <= uid <= _LARGEST_ID or not 0 <= gid <= _LARGEST_ID:
        raise InputError(f"{what}: {path} has an impossible size or owner")
    target = ""
    if kind in ("link", "symlink"):
        target = _text(link, what, strict=text)
        if kind == "link":
            target = clean_path(target, what=what)
        if not target or "\0" in target:
            raise InputError(f"{what}: {path} links to nothing")
    dev = (0, 0)
    if kind in ("char", "block"):
        dev = (_number(head[329:337], what), _number(head[337:345], what))
    # only files have content: other readers, too, ignore the size that some writers give to links
    return Entry(
        path,
        kind,
        mode,
        uid,
        gid,
        size if kind == "file" else 0,
        mtime,
        target,
        "",
        dev,
        tuple(xattrs),
    )


def _check_sum(head: bytes, what: str) -> None:
    stated = _number(head[148:156], what)
    found = sum(head) - sum(head[148:156]) + 8 * 32
    if stated != found:
        # some old writers added the bytes up as signed numbers
        high = sum(1 for byte in head[:148] + head[156:] if byte > 127)
        if stated != found - 256 * high:
            raise InputError(f"{what} is damaged: a tar header has a wrong checksum")


def _number(field: bytes, what: str) -> int:
    if field[0] & 0x80:
        value = int.from_bytes(field, "big", signed=True)
        return value if field[0] & 0x40 else value + (1 << (8 * len(field) - 1))
    digits = field.partition(b"\0")[0].strip(b" ")
    if not digits:
        return 0
    try:
        if digits.isdigit():
            return int(digits, 8)
    except ValueError:
        pass
    raise InputError(f"{what} is damaged: a tar header holds {field!r} where a number belongs")


def _decimal(value: bytes, what: str) -> int:
    """A pax number; of a time only the whole seconds."""
    whole = value.partition(b".")[0]
    if not whole.removeprefix(b"-").isdigit() or len(whole) > 20:
        raise InputError(f"{what} is damaged: a pax record holds {value[:40]!r} where a number belongs")
    return int(whole)


def _text(raw: bytes, what: str, *, strict: bool = True) -> str:
    try:
        return raw.decode(errors="strict" if strict else "replace")
    except UnicodeDecodeError as error:
        raise InputError(f"{what} holds a name that is not UTF-8: {raw[:80]!r}") from error


def _records(data: bytes, what: str) -> Iterator[tuple[str, bytes]]:
    r"""`<length> key=value\n`, where the length counts the whole record."""
    at = 0
    while at < len(data) and data[at]:
        stated, space, _ = data[at : at + 12].partition(b" ")
        end = at + int(stated) if stated.isdigit() and space else 0
        key, equals, value = data[at + len(stated) + 1 : end].partition(b"=")
        if not at < end <= len(data) or not equals or data[end - 1 : end] != b"\n":
            raise InputError(f"{what} is damaged: a pax record makes no sense")
        yield _text(key, what), value[:-1]
        at = end


class _Source:
    """Exact numbers of bytes from a stream of chunks; counts them against the limit."""

    def __init__(self, chunks: Iterable[bytes], limit: int, what: str) -> None:
        self._chunks = iter(chunks)
        self._left = limit
        self._limit = limit
        self._what = what
        self._buffer = b""
        self._at = 0

    def _more(self) -> bool:
        self._at = 0
        self._buffer = b""
        for chunk in self._chunks:
            if chunk:
                self._left -= len(chunk)
                if self._left < 0:
                    raise InputError(f"{self._what} unpacks to more than {self._limit} bytes")
                self._buffer = chunk
                return True
        return False

    def block(self) -> bytes | None:
        """The next header block; None at the end of the stream."""
        if self._at == len(self._buffer) and not self._more():
            return None
        return self.take(BLOCK)

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end <= len(self._buffer):
            data = self._buffer[self._at : end]
            self._at = end
            return data
        return b"".join(self.pieces(size))

    def skip(self, size: int) -> None:
        for _ in self.pieces(size):
            pass

    def pieces(self, size: int) -> Iterator[bytes]:
        while size:
            if self._at == len(self._buffer) and not self._more():
                raise InputError(f"{self._what} ends early")
            piece = self._buffer[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def drain(self) -> None:
        while self._more():
            pass
