"""One package by itself: which one, how much is read for it, and what is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.distro.single import find_deb
from slipway.errors import FetchError, ResolveError, ToolError, UsageError, VerifyError
from slipway.events import Reporter
from slipway.settings import Settings
from tests.distro.repository import ARCHIVE, NOW, Repository, key, package

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.distro.model import Deb

OTHERS = [package(f"a{n}", description="x" * 1000) for n in range(50)]


@pytest.fixture
def repository() -> Repository:
    made = Repository()
    stanzas = [
        *OTHERS,
        package("tini", "1:0.9"),
        package("tini", "1:0.19"),
        package("tini-not"),
        package("z"),
    ]
    made.add("trixie", stanzas, suite="stable", name="stable")
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        store=tmp_path / "store",
        cache=tmp_path / "cache",
        mirror=ARCHIVE,
        keyring=str(key().keyring),
        max_age=1000,
    )


def find(
    settings: Settings, repository: Repository, *, refresh: bool = False, now: float = NOW, **of: str
) -> Deb:
    name, arch = of.get("name", "tini"), of.get("arch", "amd64")
    return find_deb(
        name, "stable", arch, settings, Reporter(), refresh=refresh, now=now, fetch=repository.fetch
    )


def test_the_highest_version_and_no_database(settings: Settings, repository: Repository) -> None:
    deb = find(settings, repository)
    assert (deb.name, deb.version) == ("tini", "1:0.19")
    assert deb.url == f"{ARCHIVE}/{deb.filename}"
    assert not list((settings.cache / "debian").glob("*.sqlite"))


def test_a_database_that_is_there_is_used(settings: Settings, repository: Repository) -> None:
    from slipway.distro.mirror import SuitePlace
    from slipway.distro.suites import SuiteReader

    reader = SuiteReader(repository.fetch, key().keyring, settings.cache, 0.0, NOW, Reporter())
    place = SuitePlace(ARCHIVE, "stable")
    reader.index(place, reader.release(place), "main", "amd64").close()
    asked = len(repository.asked)
    assert find(settings, repository).version == "1:0.19"
    assert repository.asked[asked:] == [f"{ARCHIVE}/dists/stable/InRelease"]


def test_what_is_remembered(settings: Settings, repository: Repository) -> None:
    deb = find(settings, repository)
    asked = len(repository.asked)
    assert find(settings, repository, now=NOW + 999) == deb
    assert len(repository.asked) == asked
    # as long as the index stays the same, only the Release file is asked for
    assert find(settings, repository, now=NOW + 1001) == deb
    assert find(settings, repository, refresh=True) == deb
    assert repository.asked[asked:] == [f"{ARCHIVE}/dists/stable/InRelease"] * 2
    repository.add("trixie", [package("tini", "2")], suite="stable", name="stable")
    assert find(settings, repository) == deb
    assert find(settings, repository, refresh=True).version == "2"


def test_a_mirror_that_is_gone(settings: Settings, repository: Repository) -> None:
    deb = find(settings, repository)
    repository.down = True
    assert find(settings, repository, now=NOW + 1001) == deb
    with pytest.raises(FetchError):
        find(settings, repository, refresh=True)
    with pytest.raises(FetchError):
        find(settings, repository, name="z")


def test_what_is_not_there(settings: Settings, repository: Repository) -> None:
    with pytest.raises(ResolveError, match="no package other for amd64"):
        find(settings, repository, name="other")
    repository.add("trixie", [], suite="stable", name="stable", arch="arm64")
    with pytest.raises(ResolveError, match="no package tini for arm64"):
        find(settings, repository, arch="arm64")
    with pytest.raises(ResolveError, match="no packages for riscv64"):
        find(settings, repository, arch="riscv64")


def test_nothing_is_taken_on_trust(settings: Settings, repository: Repository) -> None:
    (index,) = (url for url in repository.files if "by-hash" in url)
    repository.files[index] += b"x"
    with pytest.raises(VerifyError):
        find(settings, repository)
    repository.add("trixie", [package("tini")], suite="stable", name="stable", data=b"no xz")
    with pytest.raises(VerifyError, match="damaged"):
        find(settings, repository)
    repository.files[f"{ARCHIVE}/dists/stable/InRelease"] = b"unsigned"
    with pytest.raises(VerifyError):
        find(settings, repository)


def test_machines_that_cannot_ask(
    settings: Settings, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="keyring"):
        find(settings.with_(keyring=str(tmp_path / "none")), repository)
    monkeypatch.setattr("slipway.distro.keyring.KEYRINGS", ())
    with pytest.raises(ToolError, match="keyring"):
        find(settings.with_(keyring=""), repository)
