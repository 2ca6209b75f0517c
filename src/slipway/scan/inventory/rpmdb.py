"""RPM's database in its three forms: SQLite, which is read here, and Berkeley DB and ndb, which the `rpm` program reads.

A database is a file that needs the whole of it, so it is copied to a temporary directory first. SQLite's
write-ahead log counts: what is in it is in the database (sqlite.org: Write-Ahead Logging).
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Self

from slipway.errors import InputError, SlipwayError, ToolError
from slipway.files import disk
from slipway.proc import find, run
from slipway.scan.inventory.interest import format_of
from slipway.scan.inventory.model import FileFacts, Package
from slipway.scan.inventory.rpm import Described, described, package

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

LARGEST: Final = 2 << 30  # bytes of a database file
_LARGEST_HEADER: Final = 256 << 20  # RPM's own limit (lib/header.c)
_TIME: Final = 120.0  # seconds for the program
_QUERY: Final = (
    r"P\t%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\t%{LICENSE}\n[F\t%{FILENAMES}\n]"
)


class Databases:
    """The database files of one layer, kept until all of them are there; use as a context manager."""

    def __init__(self) -> None:
        self._root: TemporaryDirectory[str] | None = None
        self._places: dict[str, Path] = {}
        self.lasting = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._root is not None:
            self._root.cleanup()

    def add(self, path: str, pieces: Iterable[bytes]) -> None:
        """Keep a database file (`rpm-…` of `slipway.scan.inventory.interest`)."""
        if self._root is None:
            self._root = TemporaryDirectory(prefix="slipway-rpm-")
        directory, _, name = path.rpartition("/")
        place = Path(self._root.name, directory.replace("/", "-"), name)
        with disk(place):
            place.parent.mkdir(exist_ok=True)
            with place.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
        self._places[path] = place

    def facts(self) -> dict[str, FileFacts]:
        """By path; of a write-ahead log only whether there is something in it."""
        # before a database is opened: SQLite removes its log when it closes it
        logs = {path: place.stat().st_size for path, place in self._places.items() if path.endswith("-wal")}
        found = {path: FileFacts(text="log" if size else "") for path, size in logs.items()}
        for path, place in self._places.items():
            if path in logs:
                continue
            kind = format_of(path)
            try:
                rows = list(_sqlite(place) if kind == "rpm-sqlite" else self._told(place))
                found[path] = FileFacts(tuple(rows))
            except SlipwayError as error:
                found[path] = FileFacts(problems=(f"{error.brief}{error.details and ': '}{error.details}",))
        return found

    def _told(self, place: Path) -> Iterator[Package]:
        what = "a database that is not SQLite"
        try:
            program = find("rpm", purpose=what)
        except ToolError as error:
            self.lasting = False
            raise InputError(f"{what} needs the program rpm, which is not installed") from error
        argv = [program, "--dbpath", str(place.parent), "--query", "--all", "--queryformat", _QUERY]
        env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(place.parent)}
        rows = list(_rows(run(argv, env=env, timeout=_TIME).stdout))
        if not rows:
            # a program without support for this form says so in a warning, and finds nothing
            self.lasting = False
            raise InputError(f"{what}: the program rpm on this machine finds nothing in it")
        yield from rows


def _rows(output: bytes) -> Iterator[Package]:
    head: list[str] = []
    files: list[str] = []
    for line in [*output.decode(errors="replace").splitlines(), "P"]:
        if line.startswith("F\t"):
            files.append(line[2:])
            continue
        fields = line.split("\t")
        if fields[0] != "P" or len(fields) not in (1, 8):
            raise InputError("the program rpm tells of a package in a way that is not understood")
        if head:
            name, epoch, version, release, arch, source, license_ = head
            said = Described(name, epoch, version, release, arch, source, license_, tuple(files))
            if row := package(said):
                yield row
        head, files = fields[1:], []


def _sqlite(place: Path) -> Iterator[Package]:
    import sqlite3

    if not place.stat().st_size:
        raise InputError("it is empty")
    try:
        with closing(sqlite3.connect(place)) as database:
            _tame(database)
            for (blob,) in database.execute("SELECT blob FROM Packages ORDER BY hnum"):
                if not isinstance(blob, bytes):
                    raise InputError("the database of RPM holds something else than headers")
                if row := package(described(blob)):
                    yield row
    except sqlite3.Error as error:
        raise InputError(f"the database of RPM is damaged: {error}") from error


def _tame(database: sqlite3.Connection) -> None:
    """The file is from an image: its schema must not make us run anything."""
    import sqlite3

    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_HEADER)
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    row = database.execute(
        "SELECT count(*) FROM sqlite_master WHERE name = 'Packages' AND type = 'table' AND rootpage > 0"
    ).fetchone()
    if row != (1,):
        raise InputError("the database of RPM has no table of packages")
