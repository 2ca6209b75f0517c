"""Pins against the advisories that are here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slipway.lock.document import as_dict
from slipway.lock.text import render
from tests.lock.making import deb, debian, lock
from tests.scan.advisories.kit import (
    JINJA,
    JINJA_PYSEC,
    LODASH,
    NOW,
    OPENSSL_DSA,
    archive,
    bring,
    settings_in,
)
from tests.scan.source.kit import gaps, look, rows, write
from tests.scan.source.test_pins import NODE

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = settings_in(tmp_path / "home")
    for feed, items in {"osv:PyPI": [JINJA, JINJA_PYSEC], "osv:npm": [LODASH]}.items():
        bring(found, feed, archive(tmp_path / "all.zip", items))
    return found


def test_all_specifications_are_scanned_though_the_first_fails(tmp_path: Path, settings: Settings) -> None:
    """The original stopped at the first one in which it found something."""
    names = [f"env-frozen/{kernel}/requirements.txt" for kernel in ("a", "b", "c")]
    root = write(
        tmp_path / "x", {**dict.fromkeys(names, "# frozen\njinja2==3.1.3\n"), "package-lock.json": NODE}
    )
    result = look(root, "dependencies", settings=settings)
    assert rows(result) == [
        *[("CVE-2024-34064", name, 2) for name in names],
        ("CVE-2021-23337", "package-lock.json", 7),
    ]
    assert result.complete
    first, last = result.results[0], result.results[-1]
    assert (first.level, last.level) == ("warning", "error")
    assert "fixed in 3.1.4" in first.message
    assert "GHSA-h75v-3vvj-5mfj" in first.also
    assert result.outcome("error") == "fail"
    (ran,) = result.checks
    assert (ran.files, [rule.id for rule in ran.rules]) == (4, ["CVE-2021-23337", "CVE-2024-34064"])


def test_well_is_only_what_is_known(tmp_path: Path, settings: Settings) -> None:
    """What pip-audit leaves out it counts as without known vulnerabilities."""
    root = write(tmp_path / "x", {"requirements.txt": "jinja2==3.1.4\n"})
    assert look(root, "dependencies", settings=settings).outcome("note") == "pass"
    write(root, {"requirements.txt": "jinja2==3.1.4\nother\n"})
    result = look(root, "dependencies", settings=settings)
    assert gaps(result) == [("dependencies", "unpinned", "requirements.txt")]
    assert result.outcome("note") == "unknown"
    write(
        root,
        {
            "requirements.txt": "jinja2==3.1.4\n",
            "x.explicit": "@EXPLICIT\n" + "".join(f"https://h/a{n}-1-0.conda\n" for n in range(9)),
        },
    )
    result = look(root, "dependencies", settings=settings)
    assert gaps(result) == [("dependencies", "uncovered", "x.explicit")]
    assert "9 conda packages: no feed knows" in result.gaps[0].message


def test_without_advisories_nothing_is_well(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {"requirements.txt": "jinja2==3.1.4\n"})
    result = look(root, "dependencies")
    assert gaps(result) == [
        ("dependencies", "no-advisories", ""),
        ("dependencies", "uncovered", "requirements.txt"),
    ]
    assert result.outcome("error") == "unknown"


def test_old_advisories_are_told(tmp_path: Path, settings: Settings) -> None:
    root = write(tmp_path / "x", {"requirements.txt": "jinja2==3.1.4\n"})
    settings = settings.with_(advisories_max_age=5)
    assert gaps(look(root, "dependencies", settings=settings, now=NOW + 30 * 86400)) == [
        ("dependencies", "no-advisories", "")
    ]


def test_a_pin_that_is_not_mended_keeps_its_name(tmp_path: Path, settings: Settings) -> None:
    prints = set()
    for text in ("jinja2==3.1.3\n", "x==1\n\nJinja2 == 3.1.2  # later\n"):
        result = look(write(tmp_path / "x", {"requirements.txt": text}), "dependencies", settings=settings)
        prints.add(result.results[0].fingerprint)
    assert len(prints) == 1


def test_packages_of_our_own_locks_are_asked_for_in_their_release(tmp_path: Path, settings: Settings) -> None:
    bring(settings, "osv:Debian", archive(tmp_path / "debian.zip", [OPENSSL_DSA]))
    old = replace(debian(deb("openssl", "3.0.8-1"), deb("bash")), codename="bookworm", version="12.1")
    new = replace(debian(deb("openssl", "3.0.8-1")), codename="trixie")
    root = write(
        tmp_path / "x",
        {
            "old.lock.yaml": render(as_dict(lock(debian=old))),
            "new.lock.yaml": render(as_dict(lock(debian=new))),
            "requirements.txt": "jinja2==3.1.3\n",
        },
    )
    result = look(root, "dependencies", settings=settings)
    assert [(rule, path) for rule, path, _ in rows(result)] == [
        ("CVE-2023-0464", "old.lock.yaml"),
        ("CVE-2023-0465", "old.lock.yaml"),
        ("CVE-2024-34064", "requirements.txt"),
    ]
