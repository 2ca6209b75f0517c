"""The database: one state for readers, all or nothing for writers, clear words for what cannot be used."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import slipway
from slipway.errors import StoreError
from slipway.scan.advisories import osv
from slipway.scan.advisories.store import AdvisoryStore
from slipway.scan.model import Advisory, Affected, Feed, Level, Range, Severity
from tests.scan.advisories.kit import JINJA, JINJA_PYSEC, LODASH, OPENSSL, OPENSSL_DSA

if TYPE_CHECKING:
    from collections.abc import Iterator

FEED = Feed("osv:PyPI", "abc", "2026-11-20T12:00:00Z")
ALL = [osv.read(item, FEED.name) for item in (JINJA, JINJA_PYSEC, LODASH)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "advisories" / "advisories.db"


@pytest.fixture
def writer(path: Path) -> Iterator[AdvisoryStore]:
    with AdvisoryStore(path, write=True) as store:
        yield store


def names(path: Path) -> list[str]:
    with AdvisoryStore(path) as store:
        return sorted(store.modified(FEED.name))


def test_what_goes_in_comes_out(writer: AdvisoryStore, path: Path) -> None:
    full = Advisory(
        "CVE-2026-1",
        FEED.name,
        ("GHSA-1",),
        "summary",
        "details\nof two lines ü",
        (
            Affected(
                "Debian:12",
                "x",
                (Range("1", "2"), Range("3", last_affected="4")),
                ("0.9", "1.0"),
                Severity(Level.LOW, 0.0, "", "debian", "low"),
                "wont-fix",
                "open",
            ),
            Affected("Debian:12", "x"),
        ),
        Severity(Level.HIGH, 7.5, "CVSS:3.1/…", "nvd", "High"),
        ("https://example.org",),
        "2026-01-01T00:00:00Z",
        "2026-01-02T00:00:00Z",
        "",
        ("CVE-2025-1",),
    )
    writer.put(FEED, [full])
    with AdvisoryStore(path) as store:
        assert store.by_id("CVE-2026-1") == store.by_id("GHSA-1") == store.by_id("CVE-2025-1") == (full,)
        assert list(store.about("Debian:12", ["x", "y"])) == [full]
        assert list(store.about("Debian:11", ["x"])) == []
        assert store.feeds() == (FEED,)
        assert store.covers() == {"Debian:12": (FEED.name,)}


def test_only_what_is_different_is_written(writer: AdvisoryStore, path: Path) -> None:
    first = writer.put(FEED, ALL, source="/x", updated="2026-11-21T00:00:00Z")
    assert (first.total, first.added, first.changed, first.removed) == (3, 3, 0, 0)
    again = writer.put(FEED, ALL)
    assert (again.total, again.added, again.changed, again.removed) == (3, 0, 0, 0)
    newer = osv.read({**JINJA, "modified": "2026-11-21T00:00:00Z"}, FEED.name)
    third = writer.put(
        FEED, [newer, ALL[0], ALL[2]]
    )  # of two with one id the newer one counts, in whatever order
    assert (third.total, third.added, third.changed, third.removed) == (2, 0, 1, 1)
    kept = writer.put(FEED, [], keep={newer.id})
    assert (kept.total, kept.removed) == (1, 1)
    assert names(path) == [newer.id]
    assert list(writer.modified(FEED.name).values()) == [newer.modified]
    rows = writer.connection.execute("SELECT (SELECT count(*) FROM name), (SELECT count(*) FROM affected)")
    assert rows.fetchone() == (2, 1)  # nothing is left of what went


def test_a_feed_is_as_new_as_its_newest_advisory(writer: AdvisoryStore) -> None:
    assert writer.put(Feed("osv"), ALL).feed.date == "2026-11-20T12:00:00Z"


def test_a_feed_of_one_ecosystem_does_not_cover_others(writer: AdvisoryStore) -> None:
    writer.put(FEED, ALL)
    assert writer.covers() == {"PyPI": ("osv:PyPI",)}  # though it has one of npm
    writer.put(Feed("osv:mine"), ALL)
    assert writer.covers() == {"PyPI": ("osv:PyPI", "osv:mine"), "npm": ("osv:mine",)}
    debian = [osv.read(item, "osv:Debian") for item in (OPENSSL, OPENSSL_DSA)]
    writer.put(Feed("osv:Debian"), debian)
    assert {"Debian:12", "Debian:13"} <= writer.covers().keys()


def test_an_error_while_reading_leaves_what_was_there(writer: AdvisoryStore, path: Path) -> None:
    writer.put(FEED, ALL)

    def broken() -> Iterator[Advisory]:
        yield osv.read({**JINJA, "id": "NEW-1"}, FEED.name)
        raise StoreError("the source ended")

    with pytest.raises(StoreError, match="the source ended"):
        writer.put(FEED, broken())
    assert names(path) == sorted(a.id for a in ALL)
    assert writer.put(FEED, ALL).added == 0  # and the store can still be written


def test_a_full_disk_is_told_as_such(writer: AdvisoryStore, path: Path) -> None:
    writer.put(FEED, ALL)
    (pages,) = writer.connection.execute("PRAGMA page_count").fetchone()
    writer.connection.execute(f"PRAGMA max_page_count = {pages + 20}")
    many = (
        Advisory(f"X-{n}", FEED.name, details=os.urandom(2000).hex(), affected=(Affected("PyPI", f"p{n}"),))
        for n in range(1000)
    )
    with pytest.raises(StoreError, match="no space left on the disk"):
        writer.put(FEED, many)
    assert names(path) == sorted(a.id for a in ALL)


KILLED = """
import os, signal, sys
from pathlib import Path
from slipway.scan.advisories.store import AdvisoryStore
from slipway.scan.model import Advisory, Affected, Feed

def many():
    for number in range(5000):
        yield Advisory(f"X-{number}", "osv:PyPI", details="x" * 500, affected=(Affected("PyPI", f"p{number}"),))
    os.kill(os.getpid(), signal.SIGKILL)

AdvisoryStore(Path(sys.argv[1]), write=True).put(Feed("osv:PyPI"), many())
"""


def test_killed_while_writing(writer: AdvisoryStore, path: Path) -> None:
    writer.put(FEED, ALL)
    writer.close()
    env = {**os.environ, "PYTHONPATH": str(Path(slipway.__file__).parents[1])}
    assert subprocess.run([sys.executable, "-c", KILLED, path], env=env, check=False).returncode == -9
    assert names(path) == sorted(a.id for a in ALL)
    with AdvisoryStore(path, write=True) as again:
        assert again.put(FEED, ALL[:1]).removed == 2


def test_readers_see_one_state(writer: AdvisoryStore, path: Path) -> None:
    writer.put(FEED, ALL)
    with AdvisoryStore(path) as reader:
        assert len(reader.modified(FEED.name)) == 3
        writer.put(FEED, ALL[:1])
        assert len(reader.modified(FEED.name)) == 3
    assert len(names(path)) == 1


def test_two_writers(path: Path) -> None:
    errors: list[BaseException] = []

    def write(feed: str) -> None:
        try:
            with AdvisoryStore(path, write=True) as store:
                for _ in range(5):
                    store.put(Feed(feed), [osv.read(JINJA, feed)])
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(f"osv:{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    with AdvisoryStore(path) as store:
        assert [feed.name for feed in store.feeds()] == [f"osv:{n}" for n in range(4)]


def test_nothing_is_there_yet(path: Path) -> None:
    with AdvisoryStore(path) as store:
        assert store.feeds() == ()
        assert store.by_id("CVE-2024-34064") == ()
    assert not path.exists()


def test_of_another_release(writer: AdvisoryStore, path: Path) -> None:
    writer.connection.execute("PRAGMA user_version = 99")
    writer.close()
    for write in (False, True):
        with pytest.raises(StoreError, match="a newer release") as caught:
            AdvisoryStore(path, write=write)
        assert "slipway advisories update" in caught.value.hint


@pytest.mark.parametrize("write", [False, True])
def test_what_is_no_database_of_advisories(path: Path, write: bool) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database, but long enough to look at it " * 100)
    with pytest.raises(StoreError, match="damaged"):
        AdvisoryStore(path, write=write)
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StoreError, match="is not a database of advisories"):
        AdvisoryStore(path, write=write)


def test_a_damaged_page(writer: AdvisoryStore, path: Path) -> None:
    many = [Advisory(f"X-{n}", FEED.name, affected=(Affected("PyPI", f"p{n}"),)) for n in range(500)]
    writer.put(FEED, many)
    writer.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(StoreError, match="damaged"), AdvisoryStore(path) as store:
        store.feeds()
        list(store.about("PyPI", ["p1"]))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_where_one_may_only_read() -> None:
    """A database on a medium without write access, where SQLite can make no files beside it."""
    folder = Path(tempfile.mkdtemp())
    try:
        with AdvisoryStore(folder / "a.db", write=True) as store:
            store.put(FEED, ALL)
        folder.chmod(0o555)
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            try:
                with AdvisoryStore(folder / "a.db") as store:
                    os._exit(0 if len(store.modified(FEED.name)) == 3 else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)
