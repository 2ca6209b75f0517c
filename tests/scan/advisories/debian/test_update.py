"""Bringing suites from a mirror in a directory, or from what pretends to be one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from slipway.errors import FetchError, UsageError, VerifyError
from slipway.events import Log, Note, Reporter
from slipway.scan.advisories import plug
from slipway.scan.advisories.debian import changelogs
from slipway.scan.advisories.store import AdvisoryStore
from tests.distro.repository import key
from tests.scan.advisories.debian.kit import (
    DAY,
    FEED,
    NOW,
    Mirror,
    Package,
    bring,
    deb,
    entry,
    look,
    settings_in,
)

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.settings import Settings

OLD, NEW = "3.0-1", "3.0-1+deb12u1"
CHANGES = entry("openssl", NEW, "CVE-2026-1000, CVE-2026-1001") + entry("openssl", OLD)


def packages(version: str = NEW, text: str = CHANGES) -> list[Package]:
    return [
        Package("libssl3", version, "openssl", changelog=text),
        Package("openssl", version, link="libssl3"),
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    """A release with one update, which is for security."""
    made = Mirror(tmp_path / "mirror")
    made.publish("bookworm", *packages(OLD, entry("openssl", OLD)), Package("bash", "5.2-1"))
    made.publish("bookworm-updates")
    made.publish("bookworm-security", *packages(), valid_until=NOW + DAY)
    return made


def ids(settings: Settings, version: str = OLD) -> list[str]:
    return [f.id for f in look(settings, deb("libssl3", version, "openssl")).findings]


def test_what_is_in_the_suites(settings: Settings, mirror: Mirror) -> None:
    change = bring(settings, mirror)
    assert (change.feed.name, change.feed.version, change.feed.date) == (
        FEED,
        "12.15",
        "2026-11-20T08:00:00Z",
    )
    assert (change.total, change.added) == (2, 2)
    scan = look(settings, deb("libssl3", OLD, "openssl"), deb("bash", "5.2-1"))
    assert [
        (o.component.name, o.available, o.suite, o.security, o.ids, o.completeness) for o in scan.outdated
    ] == [("libssl3", NEW, "bookworm-security", True, ("CVE-2026-1000", "CVE-2026-1001"), "full")]
    assert [(f.id, f.fixed, f.fix_state, f.provenance) for f in scan.findings] == [
        (name, (NEW,), "fixed", (f"{FEED} 2026-11-20",)) for name in ("CVE-2026-1000", "CVE-2026-1001")
    ]
    assert scan.complete
    assert not scan.uncovered
    assert [feed.name for feed in scan.feeds] == [FEED]
    assert not look(settings, deb("libssl3", NEW, "openssl")).findings


def test_it_can_be_shown_but_covers_no_ecosystem(settings: Settings, mirror: Mirror) -> None:
    """Other tools ask by ecosystem, and would take what is not in a changelog for well."""
    bring(settings, mirror)
    with AdvisoryStore.of(settings) as store:
        assert [a.affected[0].ecosystem for a in store.by_id("CVE-2026-1000")] == ["Debian:12"]
        assert store.kept()[0].ecosystems == ()
        assert not store.covers()


def test_an_update_brings_only_what_is_new(settings: Settings, mirror: Mirror) -> None:
    bring(settings, mirror)
    shutil.rmtree(mirror.security / "pool")
    (mirror.archive / "dists/bookworm/main/binary-amd64/Packages.gz").unlink()
    change = bring(settings, mirror)
    assert (change.total, change.added, change.changed, change.removed) == (2, 0, 0, 0)
    newer = "3.0-1+deb12u2"
    text = entry("openssl", newer, "CVE-2026-1002") + CHANGES
    mirror.publish("bookworm-security", *packages(newer, text))
    assert bring(settings, mirror).added == 1
    assert ids(settings) == ["CVE-2026-1000", "CVE-2026-1001", "CVE-2026-1002"]
    assert ids(settings, NEW) == ["CVE-2026-1002"]


def test_another_architecture(settings: Settings, mirror: Mirror) -> None:
    bring(settings, mirror)
    arm = deb("libssl3", OLD, "openssl", arch="arm64")
    scan = look(settings, arm)
    assert [u.component for u in scan.uncovered] == [arm]
    assert not scan.complete
    for suite in ("bookworm", "bookworm-updates"):
        mirror.publish(suite, arch="arm64")
    made = Package("libssl3", NEW, "openssl", "arm64", CHANGES)
    mirror.publish("bookworm-security", made, arch="arm64")
    shutil.rmtree(mirror.security / "pool")  # a changelog is that of all architectures
    bring(settings, mirror, f"{FEED}/arm64")
    scan = look(settings, arm)
    assert [o.available for o in scan.outdated] == [NEW]
    assert len(scan.findings) == 2
    assert scan.complete


def test_a_changelog_that_is_gone(settings: Settings, mirror: Mirror) -> None:
    """What is outdated is known all the same, and the next update tries again."""
    pool = mirror.security / "pool"
    pool.rename(pool.with_name("away"))
    said: list[str] = []

    def sink(event: object) -> None:
        if isinstance(event, (Note, Log)):
            said.append(event.text)

    bring(settings, mirror, reporter=Reporter(sink))
    assert any("1 changelogs could not be fetched" in text for text in said)
    scan = look(settings, deb("libssl3", OLD, "openssl"))
    assert [(o.ids, o.completeness) for o in scan.outdated] == [((), "none")]
    assert not scan.findings
    pool.with_name("away").rename(pool)
    bring(settings, mirror)
    assert len(ids(settings)) == 2


def test_a_changed_package_is_not_read(settings: Settings, mirror: Mirror) -> None:
    for path in (mirror.security / "pool").glob("*.deb"):
        path.write_bytes(path.read_bytes() + b"x")
    bring(settings, mirror)
    assert not ids(settings)


def test_large_packages_are_left_out(
    settings: Settings, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changelogs, "LARGEST", 100)
    shutil.rmtree(mirror.security / "pool")
    bring(settings, mirror)
    assert [o.completeness for o in look(settings, deb("libssl3", OLD, "openssl")).outdated] == ["none"]


def test_a_network_that_is_gone_is_an_error(settings: Settings, mirror: Mirror) -> None:
    many = [Package(f"p{n}", "1-1+deb12u1", changelog=entry(f"p{n}", "1-1+deb12u1")) for n in range(22)]
    mirror.publish("bookworm-security", *many)
    shutil.rmtree(mirror.security / "pool")
    with pytest.raises(FetchError, match="there is no file"):
        bring(settings, mirror)


# -- what must not be believed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", ["bookworm", "bookworm-updates", "bookworm-security"])
def test_a_wrong_signature(settings: Settings, mirror: Mirror, suite: str) -> None:
    bring(settings, mirror)
    mirror.publish(suite, *packages(), signer="stranger")
    with pytest.raises(VerifyError, match=r"the signature of .*InRelease cannot be trusted"):
        bring(settings, mirror)
    assert len(ids(settings)) == 2  # what was there stays
    bring(settings.with_(keyring=str(_both(mirror))), mirror)


def _both(mirror: Mirror) -> Path:
    both = mirror.archive.parent / "both.gpg"
    both.write_bytes(key("archive").keyring.read_bytes() + key("stranger").keyring.read_bytes())
    return both


def test_a_changed_release_file(settings: Settings, mirror: Mirror) -> None:
    path = mirror.security / "dists/bookworm-security/InRelease"
    path.write_bytes(path.read_bytes().replace(b"Version: 12.15", b"Version: 12.16"))
    with pytest.raises(VerifyError, match="cannot be trusted"):
        bring(settings, mirror)


def test_an_expired_release_file(settings: Settings, mirror: Mirror) -> None:
    mirror.publish("bookworm-security", *packages(), valid_until=NOW - 2 * DAY)
    with pytest.raises(VerifyError, match=r"expired 2\.0 days ago"):
        bring(settings, mirror)


def test_the_release_file_of_another_suite(settings: Settings, mirror: Mirror) -> None:
    mirror.publish("trixie-security", codename="trixie")
    dists = mirror.security / "dists"
    shutil.copy(dists / "trixie-security/InRelease", dists / "bookworm-security/InRelease")
    with pytest.raises(VerifyError, match="not for bookworm-security"):
        bring(settings, mirror)


@pytest.mark.parametrize("damage", [lambda d: d[:-10], lambda d: d[:20] + b"x" + d[21:], lambda _: b""])
def test_a_damaged_index(settings: Settings, mirror: Mirror, damage: object) -> None:
    index = mirror.security / "dists/bookworm-security/main/binary-amd64/Packages.gz"
    index.write_bytes(damage(index.read_bytes()))  # type: ignore[operator]
    with pytest.raises(VerifyError, match="not what the Release file promises"):
        bring(settings, mirror)
    with AdvisoryStore.of(settings) as store:
        assert not store.feeds()


# -- where it is -------------------------------------------------------------------------------------------------------


def test_no_security_suite(settings: Settings, mirror: Mirror) -> None:
    shutil.rmtree(mirror.security)
    with pytest.raises(FetchError, match="there is no bookworm-security in ") as caught:
        bring(settings, mirror)
    assert "--from" in caught.value.hint


def test_all_suites_in_one_archive(settings: Settings, mirror: Mirror) -> None:
    shutil.copytree(mirror.security / "dists", mirror.archive / "dists", dirs_exist_ok=True)
    shutil.copytree(mirror.security / "pool", mirror.archive / "pool", dirs_exist_ok=True)
    shutil.rmtree(mirror.security)
    bring(settings, mirror)
    assert len(ids(settings)) == 2


def test_two_archives(settings: Settings, mirror: Mirror) -> None:
    mirror.security.rename(elsewhere := mirror.security.with_name("elsewhere"))
    bring(settings, mirror, source=f"{mirror.archive.as_uri()} {elsewhere.as_uri()}")
    assert len(ids(settings)) == 2


def test_the_mirror_of_the_settings(settings: Settings, mirror: Mirror) -> None:
    from slipway.scan.advisories.update import update

    set_so = settings.with_(mirror=mirror.archive.as_uri(), keyring=str(mirror.keyring))
    assert update([FEED], set_so, Reporter(), now=NOW)[0].total == 2


def test_no_network(settings: Settings) -> None:
    offline = settings.with_(mirror="http://mirror.test/debian", offline=True)
    with pytest.raises(FetchError, match="no network is to be used"):
        plug.kind(FEED).update(
            AdvisoryStore.of(settings, write=True), plug.Ask(FEED, now=NOW), offline, Reporter()
        )


@pytest.mark.parametrize("label", ["", "../etc", "sid", "book worm", "bookworm/../x", "bookworm/AMD64"])
def test_names_that_are_none(settings: Settings, mirror: Mirror, label: str) -> None:
    with pytest.raises(UsageError):
        bring(settings, mirror, f"suites:{label}")


def test_a_name_that_moves(settings: Settings, mirror: Mirror) -> None:
    for suite in ("bookworm", "bookworm-updates"):
        shutil.copytree(
            mirror.archive / "dists" / suite, mirror.archive / "dists" / suite.replace("bookworm", "stable")
        )
    mirror.publish("bookworm")
    text = (mirror.archive / "dists/bookworm/InRelease").read_bytes().split(b"\n\n", 1)[1]
    plain = text.split(b"-----BEGIN PGP SIGNATURE")[0].replace(b"Suite: bookworm", b"Suite: stable").decode()
    (mirror.archive / "dists/stable/InRelease").write_bytes(key("archive").clear_sign(plain))
    with pytest.raises(UsageError, match="stable now is bookworm") as caught:
        bring(settings.with_(keyring=str(mirror.keyring)), mirror, "suites:stable")
    assert FEED in caught.value.hint
