"""Where packages come from: the setting, or what APT is configured to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.distro import mirror as module
from slipway.distro.aptsources import Source
from slipway.distro.mirror import check_suite, find_mirror, further_suites
from slipway.errors import UsageError
from slipway.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

ONE_LINE = """\
# deb http://old.test/debian bookworm main
deb [arch=amd64] https://apt.test/cloud cloud-sdk main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://a.test/debian/ bookworm main contrib # x
deb-src http://src.test/debian bookworm main
deb http://a.test/debian-security bookworm-security main
"""
DEB822 = """\
Types: deb
URIs: https://third.test/debian-like
Suites: stable
Components: main

Types: deb deb-src
# a comment
URIs: http://b.test/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp

Enabled: no
Types: deb
URIs: http://off.test/debian-security
Suites: trixie-security
Components: main
"""


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "ask_apt", lambda: iter(()))
    (tmp_path / "apt/sources.list.d").mkdir(parents=True)
    return tmp_path / "apt"


def _settings(tmp_path: Path, mirror: str = "") -> Settings:
    return Settings(store=tmp_path / "store", cache=tmp_path / "cache", mirror=mirror)


def test_one_line_sources(tmp_path: Path, etc: Path):
    (etc / "sources.list").write_text(ONE_LINE)
    found = find_mirror(_settings(tmp_path), etc)
    assert (found.archive, found.security) == ("http://a.test/debian", "http://a.test/debian-security")


def test_deb822_sources_and_disabled_ones(tmp_path: Path, etc: Path):
    (etc / "sources.list.d/debian.sources").write_text(DEB822)
    found = find_mirror(_settings(tmp_path), etc)
    assert (found.archive, found.security) == ("http://b.test/debian", "")


def test_a_proxy_of_the_archive_is_known_by_its_keyring(tmp_path: Path, etc: Path):
    (etc / "sources.list").write_text(
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://corp.test/apt/remote trixie main\n"
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://corp.test/apt/sec trixie-security main\n"
    )
    found = find_mirror(_settings(tmp_path), etc)
    assert (found.archive, found.security) == ("http://corp.test/apt/remote", "http://corp.test/apt/sec")


def test_a_list_of_mirrors(tmp_path: Path, etc: Path):
    (tmp_path / "debian.list").write_text("# mirrors\nhttp://m.test/debian\thttps://n.test/debian\n")
    (etc / "sources.list").write_text(f"deb mirror+file:{tmp_path}/debian.list bookworm main\n")
    assert find_mirror(_settings(tmp_path), etc).archive == "http://m.test/debian"


def test_apt_is_asked_when_the_files_do_not_tell(tmp_path: Path, etc: Path, monkeypatch: pytest.MonkeyPatch):
    (etc / "sources.list").write_text(
        "deb http://corp.test/one trixie main\ndeb http://corp.test/two ts main\n"
    )
    told = [
        Source("http://ppa.test/debian", "trixie", "main", origin="Someone", label="Debian"),
        Source("http://corp.test/one/", "trixie", "main", origin="Debian", label="Debian"),
        Source("http://corp.test/two/", "ts", "main", origin="Debian", label="Debian-Security"),
    ]
    monkeypatch.setattr(module, "ask_apt", lambda: iter(told))
    found = find_mirror(_settings(tmp_path), etc)
    assert (found.archive, found.security) == ("http://corp.test/one", "http://corp.test/two")


def test_no_mirror(tmp_path: Path, etc: Path):
    (etc / "sources.list").write_text("deb http://third.test/packages stable main\n")
    with pytest.raises(UsageError, match="no Debian mirror") as caught:
        find_mirror(_settings(tmp_path), etc)
    assert "SLIPWAY_MIRROR" in caught.value.hint


def test_the_setting_wins_and_keeps_credentials_apart(tmp_path: Path, etc: Path):
    (etc / "sources.list").write_text(ONE_LINE)
    found = find_mirror(_settings(tmp_path, "https://me:secret@c.test/debian/ https://c.test/security"), etc)
    assert (found.archive, found.security) == ("https://c.test/debian", "https://c.test/security")
    assert "secret" not in repr(found)
    assert found.address("https://c.test/debian/dists/x") == "https://me:secret@c.test/debian/dists/x"
    assert found.address("https://c.test/security/dists/x") == "https://c.test/security/dists/x"
    assert found.address("https://c.test/debian-evil/x") == "https://c.test/debian-evil/x"


@pytest.mark.parametrize(
    "value", ["ftp://c.test/debian", "c.test/debian", "https://", "http://a http://b http://c"]
)
def test_settings_that_are_no_mirror(tmp_path: Path, value: str):
    with pytest.raises(UsageError):
        find_mirror(_settings(tmp_path, value))


def test_suites_that_are_read(tmp_path: Path):
    both = find_mirror(_settings(tmp_path, "http://a.test/debian http://a.test/security"))
    alone = find_mirror(_settings(tmp_path, "http://a.test/debian"))
    assert [(p.archive, p.name) for p in further_suites(both, "trixie")] == [
        ("http://a.test/debian", "trixie-updates"),
        ("http://a.test/security", "trixie-security"),
    ]
    assert [p.name for p in further_suites(alone, "trixie")] == ["trixie-updates"]
    assert further_suites(both, "sid") == ()


@pytest.mark.parametrize("suite", ["../etc", "Bookworm", "", "a/b", "a..b", "a b"])
def test_names_that_are_no_suite(suite: str):
    with pytest.raises(UsageError):
        check_suite(suite)
