"""Package indexes: verified, kept as a database, found by name."""

from __future__ import annotations

import gzip
import lzma
import os
import sqlite3
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from slipway.distro import index as module
from slipway.distro.candidate import read_candidate
from slipway.distro.index import Index, build_index
from slipway.distro.mirror import SuitePlace
from slipway.distro.suites import SuiteReader
from slipway.errors import FetchError, InputError, ResolveError, VerifyError
from slipway.events import Reporter
from tests.distro.repository import ARCHIVE, NOW, Repository, key, package

if TYPE_CHECKING:
    from pathlib import Path

STANZAS = [
    package(
        "alpha", "2", "amd64", pre_depends="libc", depends="beta (>= 1) | gamma, delta:any", essential="yes"
    ),
    package(
        "beta", "1.0-1", source="src (1.0-2)", provides="mail-agent, api (= 3),\n other", priority="required"
    ),
    package("beta", "1.1-1", source="beta", conflicts="old (<< 2)", breaks="older", multi_arch="foreign"),
    package("gamma", installed_size="12"),
]


def _index(path: Path, stanzas: list[str] = STANZAS) -> Index:
    build_index(BytesIO("\n".join(stanzas).encode()), path)
    return Index(path, ARCHIVE)


def _reader(repository: Repository, cache: Path, now: float = NOW, max_age: float = 100) -> SuiteReader:
    return SuiteReader(repository.fetch, key().keyring, cache, max_age, now, Reporter())


@pytest.mark.parametrize("piece", [1, 7, 100, 1 << 20])
def test_what_was_written_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int):
    monkeypatch.setattr(module, "_PIECE", piece)
    index = _index(tmp_path / "index")
    assert [c.version for c in index.find("beta")] == ["1.0-1", "1.1-1"]
    assert index.find("bet") == []
    assert index.providers("mail-agent") == index.providers("api") == index.providers("other") == ["beta"]
    assert index.essential() == ["alpha"]
    assert index.required() == ["beta"]
    assert index.names() == ["alpha", "api", "beta", "gamma", "mail-agent", "other"]


def test_fields_of_a_package(tmp_path: Path):
    index = _index(tmp_path / "index")
    (alpha,) = index.find("alpha")
    assert [" | ".join(map(str, g)) for g in alpha.depends] == ["libc", "beta (>= 1) | gamma", "delta:any"]
    assert alpha.deb.essential
    old, new = index.find("beta")
    assert (old.deb.source, old.deb.source_version) == ("src", "1.0-2")
    assert (new.deb.source, new.deb.source_version) == ("", "")
    assert [str(r) for r in old.provides] == ["mail-agent", "api (= 3)", "other"]
    assert [str(r) for r in new.conflicts] == ["old (<< 2)", "older"]
    assert new.deb.multi_arch == "foreign"
    assert new.deb.url == f"{ARCHIVE}/pool/beta_1.1-1_all.deb"
    assert (new.deb.size, len(new.deb.sha256)) == (1000, 64)
    assert index.find("gamma")[0].deb.installed_size == 12


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Filename: pool/", "Filename: ../pool/"),
        ("Filename: pool/", "Filename: /pool/"),
        ("Package: gamma", "Package: ../gamma"),
        ("Version: 1.0", "Version: 1/0"),
        ("Size: 1000", "Size: many"),
        ("Size: 1000", "Size: -1"),
        ("SHA256: ", "SHA256: x"),
        ("Architecture: all", "Depends: a b"),
    ],
)
def test_malformed_entries(old: str, new: str):
    with pytest.raises(InputError):
        read_candidate(package("gamma").replace(old, new), ARCHIVE)


def test_no_database_is_left_of_a_broken_text(tmp_path: Path):
    with pytest.raises(InputError):
        build_index(BytesIO(b"Package: a\nVersion: 1\n\nVersion: 2\n"), tmp_path / "index")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(sqlite3.Error):
        Index(tmp_path / "index", ARCHIVE)


@pytest.mark.parametrize("form", [".xz", ".gz", ""])
@pytest.mark.parametrize("by_hash", [True, False])
def test_a_suite_is_read_once(tmp_path: Path, form: str, by_hash: bool):
    repository = Repository()
    url = repository.add("trixie", STANZAS, form=form, by_hash=by_hash)
    place = SuitePlace(ARCHIVE, "trixie")
    for _ in range(2):
        reader = _reader(repository, tmp_path)
        index = reader.index(place, reader.release(place), "main", "amd64")
        assert len(index.find("beta")) == 2
    assert repository.asked == [f"{ARCHIVE}/dists/trixie/InRelease", url]


def test_an_old_release_file_is_asked_for_again_and_old_indexes_go(tmp_path: Path):
    repository = Repository()
    place = SuitePlace(ARCHIVE, "trixie")
    for now, name in ((NOW, "first"), (NOW + 101, "second")):
        repository.add("trixie", [package(name)])
        reader = _reader(repository, tmp_path, now)
        index = reader.index(place, reader.release(place), "main", "amd64")
        assert index.names() == [name]
    assert len(list((tmp_path / "debian").glob("*.sqlite"))) == 1


def test_a_damaged_release_file_in_the_cache_is_asked_for_again(tmp_path: Path):
    repository = Repository()
    repository.add("trixie", STANZAS)
    reader = _reader(repository, tmp_path)
    place = SuitePlace(ARCHIVE, "trixie")
    reader.release(place)
    (kept,) = (tmp_path / "debian").iterdir()
    content = kept.read_bytes()
    kept.write_bytes(content[:500])
    os.utime(kept, (NOW, NOW))
    assert reader.release(place).codename == "trixie"
    assert kept.read_bytes() == content


@pytest.mark.parametrize("damage", ["changed", "short"])
def test_an_index_that_is_not_what_was_promised(tmp_path: Path, damage: str):
    repository = Repository()
    url = repository.add("trixie", STANZAS)
    data = repository.files[url]
    repository.files[url] = data[:-8] if damage == "short" else data[:-8] + b"xxxxxxxx"
    reader = _reader(repository, tmp_path)
    place = SuitePlace(ARCHIVE, "trixie")
    with pytest.raises(VerifyError, match="not what the Release file promises") as caught:
        reader.index(place, reader.release(place), "main", "amd64")
    assert ("bytes" in caught.value.details) == (damage == "short")
    assert not list((tmp_path / "debian").glob("*.sqlite"))


XZ = lzma.compress(b"Package: a\n" * 99)
GZ = gzip.compress(b"Package: a\n" * 99, mtime=0)


@pytest.mark.parametrize(
    ("form", "data"),
    [
        (".xz", XZ[:-20]),
        (".xz", b"no xz at all"),
        (".xz", b""),
        (".gz", GZ[:-6]),
        (".gz", GZ[:-8] + bytes(8)),
        (".gz", GZ[:10] + b"\xff" * 20 + GZ[30:]),
        (".gz", b"no gzip at all"),
    ],
)
def test_an_index_that_was_damaged_before_it_was_signed(tmp_path: Path, form: str, data: bytes):
    repository = Repository()
    repository.add("trixie", [], data=data, form=form)
    reader = _reader(repository, tmp_path)
    place = SuitePlace(ARCHIVE, "trixie")
    with pytest.raises(VerifyError, match="damaged"):
        reader.index(place, reader.release(place), "main", "amd64")
    assert not list((tmp_path / "debian").glob("*.sqlite"))
    with pytest.raises(VerifyError, match="damaged"):
        reader.look_up(place, reader.release(place), "main", "amd64", "a")


def test_what_the_suite_does_not_have(tmp_path: Path):
    repository = Repository()
    repository.add("trixie", STANZAS)
    reader = _reader(repository, tmp_path)
    place = SuitePlace(ARCHIVE, "trixie")
    release = reader.release(place)
    with pytest.raises(ResolveError, match="no packages for s390x") as caught:
        reader.index(place, release, "main", "s390x")
    assert caught.value.hint == "it has amd64, arm64"
    with pytest.raises(VerifyError, match="lists no"):
        reader.index(place, release, "main", "arm64")
    with pytest.raises(FetchError):
        reader.release(SuitePlace(ARCHIVE, "nosuch"))
