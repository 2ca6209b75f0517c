"""A Packages index (Debian repository format, "Packages Indices") as a small database, made once per index.

The stanzas stay as they are, found by name; only the few that a request touches are ever parsed. The file is
named by the index's SHA-256, so a database that exists is the right one.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING

from slipway.distro.candidate import Candidate, read_candidate
from slipway.errors import InputError, StoreError
from slipway.files import disk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORMAT = 1  # of the database; part of its name

_PIECE = 4 << 20  # bytes of text worked on at a time
_NAME = re.compile(rb"^Package:[ \t]*(\S+)", re.MULTILINE)
_PROVIDES = re.compile(rb"^Provides:[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_PROVIDED = re.compile(rb"(?:^|,)\s*([^\s,(:]+)")
_TABLES = (
    "PRAGMA journal_mode=OFF",
    "PRAGMA synchronous=OFF",
    "CREATE TABLE package(name TEXT NOT NULL, essential INTEGER NOT NULL, required INTEGER NOT NULL, stanza BLOB NOT NULL)",
    "CREATE TABLE provides(name TEXT NOT NULL, provider TEXT NOT NULL)",
    "BEGIN",
)
_INDEXES = (
    "CREATE INDEX package_name ON package(name)",
    "CREATE INDEX package_essential ON package(name) WHERE essential",
    "CREATE INDEX package_required ON package(name) WHERE required",
    "CREATE INDEX provides_name ON provides(name, provider)",
    "COMMIT",
)


class Index:
    """The packages of one suite and architecture; `archive` is the URI their file names are below."""

    def __init__(self, path: Path, archive: str) -> None:
        """Open a database made by `build_index`; `sqlite3.Error` when there is none."""
        self._db = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        self._db.execute("SELECT count(*) FROM provides WHERE name = ''")
        self._archive = archive

    def find(self, name: str) -> list[Candidate]:
        """Every version of the package in this index, in file order."""
        rows = self._db.execute("SELECT stanza FROM package WHERE name = ? ORDER BY rowid", (name,))
        return [self._read(stanza) for (stanza,) in rows]

    def providers(self, name: str) -> list[str]:
        """Names of the packages that have a version that provides `name`, sorted."""
        rows = self._db.execute(
            "SELECT DISTINCT provider FROM provides WHERE name = ? ORDER BY provider", (name,)
        )
        return [provider for (provider,) in rows]

    def essential(self) -> list[str]:
        return [
            name for (name,) in self._db.execute("SELECT name FROM package WHERE essential ORDER BY name")
        ]

    def required(self) -> list[str]:
        return [name for (name,) in self._db.execute("SELECT name FROM package WHERE required ORDER BY name")]

    def names(self) -> list[str]:
        """All real and virtual names."""
        rows = self._db.execute("SELECT name FROM package UNION SELECT name FROM provides ORDER BY name")
        return [name for (name,) in rows]

    def close(self) -> None:
        self._db.close()

    def _read(self, stanza: bytes) -> Candidate:
        return read_candidate(stanza.decode(errors="replace"), self._archive)


def build_index(text: IO[bytes], path: Path) -> None:
    """Make the database at `path` from the plain text of a Packages file; it appears whole or not at all."""
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent, prefix=".tmp-") as temporary:
            unfinished = Path(temporary) / "index"
            db = sqlite3.connect(unfinished, isolation_level=None)
            try:
                for statement in _TABLES:
                    db.execute(statement)
                for stanzas in map(_split, _wholes(text)):
                    db.executemany("INSERT INTO package VALUES (?, ?, ?, ?)", _package_rows(stanzas))
                    db.executemany("INSERT INTO provides VALUES (?, ?)", _provides_rows(stanzas))
                for statement in _INDEXES:
                    db.execute(statement)
            except sqlite3.OperationalError as error:
                raise StoreError(f"cannot write the package index {path}: {error}") from error
            finally:
                db.close()
            unfinished.replace(path)


def stanzas_of(text: IO[bytes], name: str) -> Iterator[bytes]:
    """The entries of one package in the plain text of a Packages file."""
    wanted = f"Package: {name}".encode()
    for whole in _wholes(text):
        if wanted in whole:
            yield from (s for s in _split(whole) if wanted in s and _name(s) == name)


def all_stanzas(text: IO[bytes]) -> Iterator[bytes]:
    """The entries in the plain text of a Packages file, in their order."""
    for whole in _wholes(text):
        yield from _split(whole)


def drop_others(path: Path, pattern: str) -> None:
    """Remove the databases beside `path` that match `pattern`: older states of the same index."""
    for old in path.parent.glob(pattern):
        if old != path:
            with suppress(FileNotFoundError):
                old.unlink()


def _wholes(text: IO[bytes]) -> Iterator[bytes]:
    """The text in pieces of whole stanzas; never all of it at once."""
    carry = b""
    while piece := text.read(_PIECE):
        whole, blank, rest = (carry + piece).rpartition(b"\n\n")
        if blank:
            yield whole
        carry = rest
    if carry.strip():
        yield carry


def _split(whole: bytes) -> list[bytes]:
    """Its stanzas, each ending in a newline."""
    return [stanza.rstrip(b"\n") + b"\n" for stanza in whole.split(b"\n\n") if stanza.strip()]


def _package_rows(stanzas: Sequence[bytes]) -> Iterator[tuple[str, bool, bool, bytes]]:
    for stanza in stanzas:
        yield (
            _name(stanza),
            b"\nEssential: yes\n" in stanza,
            b"\nPriority: required\n" in stanza,
            stanza,
        )


def _provides_rows(stanzas: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    for stanza in stanzas:
        if b"\nProvides:" in stanza and (match := _PROVIDES.search(stanza)):
            name = _name(stanza)
            for provided in _PROVIDED.findall(match[1]):
                yield provided.decode(errors="replace"), name


def _name(stanza: bytes) -> str:
    match = _NAME.search(stanza)
    if match is None:
        raise InputError("package index: an entry has no name")
    return match[1].decode(errors="replace")
