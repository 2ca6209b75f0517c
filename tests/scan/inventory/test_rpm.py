"""RPM's database: a real one that rpm itself writes, its other forms, and damaged ones."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from slipway.errors import InputError
from slipway.events import Reporter
from slipway.scan.inventory import take
from slipway.scan.inventory.rpm import Described, described, package
from tests.images.making import Maker, member
from tests.scan.inventory.kit import rows, scanned, wheel

if TYPE_CHECKING:
    from pathlib import Path

DB = "var/lib/rpm/rpmdb.sqlite"
SITE = "usr/lib/python3.12/site-packages"
SPEC = f"""\
Name: slip-hello
Epoch: 2
Version: 1.5~rc1
Release: 3.fc39
Summary: x
License: MIT AND GPL-2.0
BuildArch: noarch
%description
x
%package -n python3-slip-hello
Summary: x
%description -n python3-slip-hello
x
%install
mkdir -p %{{buildroot}}/{SITE}/hello-1.5.dist-info
printf 'Name: hello\\nVersion: 1.5\\n' > %{{buildroot}}/{SITE}/hello-1.5.dist-info/METADATA
%files
%files -n python3-slip-hello
/{SITE}
"""


def install(*packages: str) -> None:
    if os.geteuid() == 0:
        done = subprocess.run(
            ["apt-get", "-qq", "install", "-y", *packages], capture_output=True, check=False
        )
        if done.returncode == 0:
            return
    pytest.skip(f"{packages[0]} cannot be installed")


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database directory in which rpm has put two packages that rpmbuild made."""
    if not shutil.which("rpmbuild"):
        install("rpm")
    root = tmp_path_factory.mktemp("rpm")
    (root / "hello.spec").write_text(SPEC)
    how = ["--define", f"_topdir {root}/top", "--define", "_db_backend sqlite"]
    subprocess.run(["rpmbuild", "-bb", *how, root / "hello.spec"], check=True, capture_output=True)
    db = root / "db"
    subprocess.run(["rpm", *how, "--initdb", "--dbpath", db], check=True, capture_output=True)
    rpms = sorted((root / "top/RPMS").rglob("*.rpm"))
    argv: list[str | Path] = ["rpm", *how, "--dbpath", db, "--install", "--justdb", "--nodeps", *rpms]
    subprocess.run(argv, check=True, capture_output=True)
    return db


def test_a_database_that_rpm_wrote(maker: Maker, database: Path) -> None:
    layer = maker.layer(
        member("etc/os-release", b"ID=fedora\nVERSION_ID=39\n"),
        member(DB, (database / "rpmdb.sqlite").read_bytes()),
        wheel("hello", "1.5", SITE),
        wheel("other", "1", SITE),
    )
    found = scanned(maker, layer)
    assert found.unread == ()
    assert rows(found) == [
        "pypi hello 1.5",
        "pypi other 1",
        "rpm python3-slip-hello 2:1.5~rc1-3.fc39",
        "rpm slip-hello 2:1.5~rc1-3.fc39",
    ]
    by_name = {c.name: c for c in found.components}
    python = by_name["python3-slip-hello"]
    assert (python.source_name, python.source_version) == ("slip-hello", "1.5~rc1-3.fc39")
    assert (python.arch, python.licenses) == ("noarch", ("MIT AND GPL-2.0",))
    assert python.purl == (
        "pkg:rpm/fedora/python3-slip-hello@1.5~rc1-3.fc39"
        "?arch=noarch&distro=fedora-39&epoch=2&upstream=slip-hello%401.5~rc1-3.fc39"
    )
    assert (by_name["hello"].owner, by_name["other"].owner) == (python.purl, "")


def test_what_is_only_in_the_log_counts(maker: Maker, database: Path, tmp_path: Path) -> None:
    """As a database is left by a program that was killed, or whose image was taken while it ran."""
    shutil.copy(database / "rpmdb.sqlite", tmp_path / "db")
    with closing(sqlite3.connect(tmp_path / "db")) as held:
        held.execute("PRAGMA journal_mode=WAL")
        held.execute("PRAGMA wal_autocheckpoint=0")
        held.execute("DELETE FROM Packages WHERE hnum = (SELECT min(hnum) FROM Packages)")
        held.commit()
        main, log = (tmp_path / "db").read_bytes(), (tmp_path / "db-wal").read_bytes()
    assert log
    assert len(rows(scanned(maker, maker.layer(member(DB, main))))) == 2
    together = scanned(maker, maker.layer(member(f"{DB}-wal", log), member(DB, main)))
    assert (len(rows(together)), together.unread) == (1, ())
    apart = scanned(maker, maker.layer(member(DB, main)), maker.layer(member(f"{DB}-wal", log)))
    assert apart.unread == (f"{DB}-wal: it changes a database that is in another layer",)


def test_damaged_databases_are_told(maker: Maker, database: Path) -> None:
    whole = (database / "rpmdb.sqlite").read_bytes()
    scrambled = bytearray(whole)
    scrambled[4096 : len(whole) // 2] = os.urandom(len(whole) // 2 - 4096)
    for damage in (b"", b"no database", whole[: len(whole) // 3], bytes(scrambled)):
        found = scanned(maker, maker.layer(member(DB, damage)))
        assert [line.partition(":")[0] for line in found.unread] == [DB]


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE TABLE Other (x)",
        "CREATE VIEW Packages AS WITH RECURSIVE c(blob, hnum) AS (SELECT x'00', 1 UNION ALL SELECT blob, hnum FROM c) SELECT * FROM c",
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob)",
    ],
)
def test_databases_that_mean_harm(maker: Maker, tmp_path: Path, schema: str) -> None:
    with closing(sqlite3.connect(tmp_path / "db")) as made:
        made.execute(schema)
        if "TABLE Packages" in schema:
            made.execute("INSERT INTO Packages VALUES (1, 'text')")
        made.commit()
    found = scanned(maker, maker.layer(member(DB, (tmp_path / "db").read_bytes())))
    assert len(found.unread) == 1


def berkeley(database: Path, target: Path) -> None:
    """The same headers in the form that RPM had before: a hash of number to header."""
    if not shutil.which("db5.3_load"):
        install("db5.3-util")
    with closing(sqlite3.connect(f"file:{database}/rpmdb.sqlite?mode=ro&immutable=1", uri=True)) as source:
        headers = source.execute("SELECT hnum, blob FROM Packages").fetchall()
    lines = ["VERSION=3", "format=bytevalue", "type=hash", "HEADER=END"]
    for number, blob in [(0, struct.pack("<I", len(headers))), *headers]:
        lines += [f" {struct.pack('<I', number).hex()}", f" {blob.hex()}"]
    text = "\n".join([*lines, "DATA=END", ""])
    subprocess.run(["db5.3_load", target], input=text.encode(), check=True, capture_output=True)


def test_berkeley_db_through_the_program(
    maker: Maker, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    berkeley(database, tmp_path / "Packages")
    layer = maker.layer(
        member("var/lib/rpm/Packages", (tmp_path / "Packages").read_bytes()), wheel("hello", "1.5", SITE)
    )
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path))
        found = scanned(maker, layer)
        assert rows(found) == ["pypi hello 1.5"]
        assert found.unread == (
            "var/lib/rpm/Packages: a database that is not SQLite needs the program rpm, which is not installed",
        )
    sqlite = maker.layer(member(DB, (database / "rpmdb.sqlite").read_bytes()), wheel("hello", "1.5", SITE))
    assert [(c.name, c.version, c.source_name, c.owner) for c in scanned(maker, layer).components] == [
        (c.name, c.version, c.source_name, c.owner) for c in scanned(maker, sqlite).components
    ]
    both = scanned(maker, layer, sqlite)
    assert (len(both.components), both.unread) == (3, ())


def test_a_database_that_the_program_cannot_read(maker: Maker, database: Path) -> None:
    """It says so in a warning only, and finds nothing: that is not an image without packages."""
    del database  # rpm is installed
    layer = maker.layer(member("usr/lib/sysimage/rpm/Packages.db", b"RpmP" + bytes(4096)))
    found = scanned(maker, layer)
    (line,) = found.unread
    assert line.startswith("usr/lib/sysimage/rpm/Packages.db: ")
    assert line.endswith("the program rpm on this machine finds nothing in it")
    assert take("x:1", maker.settings, Reporter()).unread == found.unread


# -- headers -------------------------------------------------------------------------------------------------


def header(*rows: tuple[int, int, bytes, int]) -> bytes:
    """(tag, type, data, count) as a header."""
    index = data = b""
    for tag, kind, content, count in rows:
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += content
    return struct.pack(">II", len(rows), len(data)) + index + data


NEVRA = [(1000, 6, b"a\0", 1), (1001, 6, b"1\0", 1), (1002, 6, b"2\0", 1)]


def test_a_header() -> None:
    files = [
        (1116, 4, struct.pack(">II", 1, 0), 2),
        (1117, 8, b"one\0two\0", 2),
        (1118, 8, b"/a/\0/b/\0", 2),
    ]
    found = described(header(*NEVRA, (1003, 4, struct.pack(">I", 0), 1), *files))
    assert found == Described("a", "0", "1", "2", "", "", "", ("/b/one", "/a/two"))
    made = package(found)
    assert made is not None
    assert made.version == "1-2"


def test_keys_are_no_packages() -> None:
    assert package(Described("gpg-pubkey", "", "1", "2", "", "", "")) is None


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\0" * 7,
        struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF),
        struct.pack(">II", 3, 0) + b"\0" * 16,
        header((1000, 6, b"never ends", 1)),
        header((1117, 8, b"x\0", 0xFFFFFFFF)),
        header((1116, 4, b"\0\0\0\1", 0xFFFFFFFF)),
        header((1116, 4, struct.pack(">I", 9), 1), (1117, 8, b"x\0", 1), (1118, 8, b"/\0", 1)),
        header((1117, 8, b"x\0", 1)),
        header(*NEVRA, (1000, 6, b"b\0", 1)),
        header((1000, 6, b"a\0", 1)),
        header((1000, 6, b"a b\0", 1), *NEVRA[1:]),
    ],
)
def test_hostile_headers(blob: bytes) -> None:
    with pytest.raises(InputError):
        package(described(blob))
