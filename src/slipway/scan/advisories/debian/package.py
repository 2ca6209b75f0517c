"""Files out of a .deb, without unpacking it. What is in there is bounded, whoever has signed it."""

from __future__ import annotations

import posixpath
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

from slipway.distro.ar import deb_parts, plain
from slipway.errors import InputError
from slipway.oci.compress import decompress
from slipway.oci.tarread import Limits, read_tar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_LIMITS: Final = Limits(200_000, 2 << 30)
_LARGEST: Final = 32 << 20  # bytes of a file, unpacked; the longest changelog (linux) has a fifth of that
_DOC: Final = "usr/share/doc"


class Link(NamedTuple):
    """The changelog is in another package."""

    package: str


def changelog_in(data: bytes, package: str, *, native: bool) -> str | Link | None:
    """The text of the Debian changelog in the .deb `data`; None when it holds none.

    Looked for is the one place where policy has it (Debian policy 12.7): packages also hold changelogs to test with.
    """
    home = f"{_DOC}/{package}"
    stems = ("changelog.Debian", "changelog") if native else ("changelog.Debian",)
    names = {f"{home}/{stem}{end}" for stem in stems for end in (".gz", "")}
    for path, target, content in _entries(data, package, lambda path: path == home or path in names):
        if target:
            other = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), target))[1:].split("/")
            if other[:3] == _DOC.split("/") and len(other) > 3:
                return Link(other[3])
        elif path in names:
            return content.decode(errors="replace")
    return None


def files_in(data: bytes, package: str, folder: str) -> dict[str, str]:
    """The files right below `folder` by name, as text."""
    found = _entries(data, package, lambda path: posixpath.dirname(path) == folder)
    return {
        posixpath.basename(path): content.decode(errors="replace")
        for path, target, content in found
        if not target
    }


def _entries(data: bytes, package: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, str, bytes]]:
    """Path, target of the symlink (else empty) and content of the files that are wanted; gzip is undone."""
    what = f"package {package}"
    with BytesIO(data) as file:
        shell = deb_parts(file, what)
        for entry, content in read_tar(plain(file, shell.data, what), limits=_LIMITS, what=what):
            if not wanted(entry.path) or entry.kind not in ("file", "symlink"):
                continue
            if entry.kind == "symlink":
                yield entry.path, entry.target, b""
                continue
            pieces: Iterable[bytes] = (content,) if isinstance(content, bytes) else content
            yield entry.path, "", _bounded(decompress(pieces) if entry.path.endswith(".gz") else pieces, what)


def _bounded(pieces: Iterable[bytes], what: str) -> bytes:
    out = bytearray()
    for piece in pieces:
        out += piece
        if len(out) > _LARGEST:
            raise InputError(f"{what} holds a changelog of more than {_LARGEST} bytes")
    return bytes(out)
