"""Files out of packages that dpkg-deb made, and out of ones that mean no good."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from slipway.errors import InputError
from slipway.scan.advisories.debian import package
from slipway.scan.advisories.debian.package import Link, changelog_in, files_in
from tests.scan.advisories.debian.kit import Package, entry

if TYPE_CHECKING:
    from pathlib import Path

TEXT = entry("zlib", "1-2", "CVE-2026-1000")


@pytest.mark.parametrize("compressor", ["gzip", "xz", "zstd", "none"])
def test_it_is_found(tmp_path: Path, compressor: str) -> None:
    made = Package("zlib1g", "1-2", changelog=TEXT, compressor=compressor).build(tmp_path)
    assert changelog_in(made.read_bytes(), "zlib1g", native=False) == TEXT


def test_changelogs_to_test_with_are_not_it(tmp_path: Path) -> None:
    """dpkg-dev and the like bring changelogs of others."""
    trap = entry("trap", "9", "CVE-2026-6666")
    files = {
        f"usr/{a}/doc/devscripts/{b}": trap.encode()
        for a in "ab"
        for b in ("changelog", "tests/changelog.Debian")
    }
    files |= {
        "usr/share/doc/devscripts/examples/debian/changelog": trap.encode(),
        "debian/changelog": trap.encode(),
    }
    text = entry("devscripts", "2")
    data = Package("devscripts", "2", changelog=text, files=files).build(tmp_path).read_bytes()
    assert changelog_in(data, "devscripts", native=True) == text
    assert changelog_in(data, "devscripts", native=False) is None


def test_the_changelog_of_upstream_is_not_it(tmp_path: Path) -> None:
    files = {
        "usr/share/doc/zlib1g/changelog": b"zlib (1-2) x;",
        "usr/share/doc/zlib1g/changelog.Debian": TEXT.encode(),
    }
    data = Package("zlib1g", "1-2", files=files).build(tmp_path).read_bytes()
    assert changelog_in(data, "zlib1g", native=False) == TEXT


@pytest.mark.parametrize(
    ("target", "found"),
    [("zlib1g", Link("zlib1g")), ("/usr/share/doc/zlib1g", Link("zlib1g")), ("../../../etc/passwd", None)],
)
def test_a_link_to_another_package(tmp_path: Path, target: str, found: Link | None) -> None:
    data = Package("zlib1g-dev", "1-2", link=target).build(tmp_path).read_bytes()
    assert changelog_in(data, "zlib1g-dev", native=False) == found


def test_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "_LARGEST", 1 << 20)
    bomb = {"usr/share/doc/zlib1g/changelog.Debian.gz": gzip.compress(bytes(4 << 20))}
    data = Package("zlib1g", "1-2", files=bomb).build(tmp_path).read_bytes()
    with pytest.raises(InputError, match="more than 1048576 bytes"):
        changelog_in(data, "zlib1g", native=False)


def test_a_deep_one(tmp_path: Path) -> None:
    deep = "usr/share/doc/zlib1g/" + "d/" * 200 + "changelog.Debian"
    data = Package("zlib1g", "1-2", changelog=TEXT, files={deep: b"x"}).build(tmp_path).read_bytes()
    assert changelog_in(data, "zlib1g", native=False) == TEXT


@pytest.mark.parametrize(
    "data", [b"", b"!<arch>\n", b"PK\x03\x04" * 100, b"!<arch>\n" + b"debian-binary" * 20]
)
def test_what_is_no_package(data: bytes) -> None:
    with pytest.raises(InputError):
        changelog_in(data, "zlib1g", native=False)


def test_a_truncated_package(tmp_path: Path) -> None:
    data = Package("zlib1g", "1-2", changelog=TEXT).build(tmp_path).read_bytes()
    for size in range(0, len(data) - 100, 97):
        with pytest.raises(InputError):
            changelog_in(data[:size], "zlib1g", native=False)


def test_files_of_a_folder(tmp_path: Path) -> None:
    files = {"usr/share/a/one": b"1", "usr/share/a/b/two": b"2", "usr/share/three": b"3"}
    data = Package("a", "1", files=files).build(tmp_path).read_bytes()
    assert files_in(data, "a", "usr/share/a") == {"one": "1"}
