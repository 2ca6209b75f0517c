"""Whole requests: remembered answers, errors, and the real mirror against mmdebstrap."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from slipway.distro.mirror import find_mirror, further_suites
from slipway.distro.model import DebianRequest, DebianResolution, glibc_of, python_of
from slipway.distro.resolve import resolve_debian
from slipway.errors import FetchError, ResolveError, UsageError, VerifyError
from slipway.events import Reporter
from slipway.settings import Settings
from tests.distro.repository import ARCHIVE, NOW, SECURITY, Repository, key, package

if TYPE_CHECKING:
    from pathlib import Path

BASE = [
    package("base-files", essential="yes", pre_depends="awk"),
    package("mawk", provides="awk", priority="required"),
    package("gawk", "1:5", provides="awk"),
    package("libc6", "2.41-12", "amd64"),
    package("tzdata", priority="required"),
    package("apt", "3.0", depends="libc6 (>= 2)"),
    package("python3", "3.13.5-1", depends="python3-minimal (= 3.13.5-1), python3.13"),
    package("python3-minimal", "3.13.5-1", depends="python3.13-minimal"),
    package("python3.13", "3.13.5-2+deb13u2", depends="python3.13-minimal"),
    package("python3.13-minimal", "3.13.5-2+deb13u2", depends="libc6"),
    package("python3.12-minimal", "3.12.1-1"),
    package("curl", "8.14.1-2", depends="libc6"),
]


@pytest.fixture
def repository() -> Repository:
    made = Repository()
    made.add("trixie", BASE, suite="stable")
    made.add("trixie", BASE, suite="stable", name="stable")
    made.add("trixie-updates", [package("tzdata", "1.1", priority="required")], suite="stable-updates")
    fixed = package("curl", "8.14.1-2+deb13u1", depends="libc6")
    made.add("trixie-security", [fixed], archive=SECURITY, suite="stable-security")
    made.add("sid", [*BASE, package("libc6", "2.43-1", "amd64")], suite="unstable", valid_until=NOW - 9)
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        store=tmp_path / "store",
        cache=tmp_path / "cache",
        mirror=f"{ARCHIVE} {SECURITY}",
        keyring=str(key().keyring),
        max_age=1000,
    )


def _request(
    suite: str = "trixie", variant: str = "minbase", packages: tuple[str, ...] = (), apt: tuple[str, ...] = ()
) -> DebianRequest:
    return DebianRequest(suite, "amd64", variant, packages, apt)


def _names(resolution: DebianResolution) -> list[str]:
    return [f"{d.name} {d.version}" for d in resolution.base]


def _resolve(
    request: DebianRequest, settings: Settings, repository: Repository, now: float = NOW
) -> DebianResolution:
    return resolve_debian(request, settings, Reporter(), now=now, fetch=repository.fetch)


def test_variants(settings: Settings, repository: Repository):
    essential = ["base-files 1.0", "mawk 1.0"]
    found = {
        v: _names(_resolve(_request(variant=v), settings, repository))
        for v in ("essential", "apt", "minbase")
    }
    assert found["essential"] == essential
    assert found["apt"] == ["apt 3.0", *essential[:1], "libc6 2.41-12", *essential[1:]]
    assert found["minbase"] == [*found["apt"], "tzdata 1.1"]
    with pytest.raises(UsageError, match="variant"):
        _resolve(_request(variant="huge"), settings, repository)


def test_extra_packages_come_on_top_with_fixes_from_security(settings: Settings, repository: Repository):
    resolution = _resolve(
        _request("stable", packages=("python3",), apt=("curl", "gawk")), settings, repository
    )
    assert (resolution.suite, resolution.codename, resolution.version) == ("stable", "trixie", "13.2")
    assert (resolution.sources, resolution.components, resolution.date) == (
        ((ARCHIVE, ("trixie", "trixie-updates")), (SECURITY, ("trixie-security",))),
        ("main",),
        int(NOW) - 1000,
    )
    assert [f"{d.name} {d.version}" for d in resolution.apt] == ["curl 8.14.1-2+deb13u1", "gawk 1:5"]
    assert resolution.apt[0].url.startswith(SECURITY + "/pool/")
    assert resolution.manual == ("apt", "base-files", "curl", "gawk", "mawk", "python3", "tzdata")
    assert python_of(resolution) == ("3.13.5", "/usr/bin/python3.13")
    assert glibc_of(resolution) == "2.41"
    assert resolution.debs == resolution.base + resolution.apt


def test_unstable_reads_one_suite_and_may_be_expired(settings: Settings, repository: Repository):
    resolution = _resolve(_request("sid"), settings, repository)
    assert glibc_of(resolution) == "2.43"
    assert python_of(resolution) is None
    assert len(repository.asked) == 2


def test_a_pinned_version(settings: Settings, repository: Repository):
    resolution = _resolve(_request(packages=("curl=8.14.1-2",)), settings, repository)
    assert "curl 8.14.1-2" in _names(resolution)
    assert "curl" in resolution.manual
    with pytest.raises(ResolveError, match="two versions"):
        _resolve(_request(packages=("curl=8.14.1-2",), apt=("curl=9",)), settings, repository)


def test_json_round_trip(settings: Settings, repository: Repository):
    resolution = _resolve(_request(apt=("curl",)), settings, repository)
    assert DebianResolution.from_dict(resolution.as_dict()) == resolution


def test_an_answer_is_remembered_for_its_time(settings: Settings, repository: Repository):
    first = _resolve(_request(), settings, repository)
    asked = len(repository.asked)
    assert _resolve(_request(), settings, repository, NOW + 999) == first
    assert len(repository.asked) == asked
    repository.add("trixie-updates", [package("tzdata", "1.2", priority="required")], suite="stable-updates")
    assert "tzdata 1.2" in _names(_resolve(_request(), settings, repository, NOW + 1000))
    repository.add("trixie-updates", [package("tzdata", "1.3", priority="required")], suite="stable-updates")
    fresh = resolve_debian(
        _request(), settings, Reporter(), refresh=True, now=NOW + 1001, fetch=repository.fetch
    )
    assert "tzdata 1.3" in _names(fresh)


def test_another_mirror_is_another_question(settings: Settings, repository: Repository):
    _resolve(_request(), settings, repository)
    asked = len(repository.asked)
    _resolve(_request(), settings.with_(mirror=ARCHIVE), repository)
    assert len(repository.asked) == asked  # the same Release files, but solved without security
    assert (
        _names(_resolve(_request(packages=("curl",)), settings.with_(mirror=ARCHIVE), repository))[2]
        == "curl 8.14.1-2"
    )


def test_an_unreachable_mirror(settings: Settings, repository: Repository):
    repository.down = True
    with pytest.raises(FetchError) as caught:
        _resolve(_request(), settings, repository)
    assert "SLIPWAY_MIRROR" in caught.value.hint
    repository.down = False
    _resolve(_request(), settings, repository)
    repository.down = True
    with pytest.raises(FetchError) as caught:
        _resolve(_request(), settings, repository, NOW + 3 * 86400)
    assert "3.0 days ago" in caught.value.hint
    wanted = re.search(r"SLIPWAY_MAX_AGE=(\d+)", caught.value.hint)
    assert wanted is not None
    assert _resolve(_request(), settings.with_(max_age=int(wanted[1])), repository, NOW + 3 * 86400).base


def test_nothing_is_remembered_of_a_failure(settings: Settings, repository: Repository):
    with pytest.raises(ResolveError, match="there is no package curll") as caught:
        _resolve(_request(apt=("curll",)), settings, repository)
    assert "curl" in caught.value.hint
    assert "trixie-security" in caught.value.details
    assert not list((settings.cache / "resolved").glob("*"))


def test_a_mirror_that_serves_another_suite(settings: Settings, repository: Repository):
    repository.add("bookworm", BASE, name="trixie")
    with pytest.raises(VerifyError, match="not for trixie"):
        _resolve(_request(), settings, repository)


def _simulated(suite: str, include: tuple[str, ...], tmp_path: Path) -> set[str]:
    """name=version of everything that mmdebstrap would have APT install, from the same suites."""
    mirror = find_mirror(Settings(store=tmp_path, cache=tmp_path))
    options = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    places = [(mirror.archive, suite), *((p.archive, p.name) for p in further_suites(mirror, suite))]
    argv = ["mmdebstrap", "--verbose", "--simulate", "--mode=root", "--variant=minbase"]
    argv += ["--aptopt=Acquire::Check-Valid-Until false"]
    argv += [f"--include={','.join(include)}"] if include else []
    argv += [suite, "/dev/null", *(f"deb {options} {uri} {name} main" for uri, name in places)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"})
    return {f"{m[1]}={m[2]}" for m in re.finditer(r"^Inst (\S+) \((\S+)", done.stderr, re.MULTILINE)}


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("mmdebstrap") is None or os.geteuid() != 0, reason="needs mmdebstrap as root"
)
@pytest.mark.parametrize(
    "suite",
    [
        pytest.param("bookworm", marks=pytest.mark.thorough),
        "trixie",
        pytest.param("sid", marks=pytest.mark.thorough),
    ],
)
@pytest.mark.parametrize(
    "include", [(), ("python3", "ca-certificates"), ("git", "openssh-client", "default-jre-headless")]
)
def test_the_same_packages_as_mmdebstrap(
    suite: str, include: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
):
    cache = tmp_path_factory.getbasetemp() / "debian-cache"  # the indexes are read once for all
    settings = Settings(store=tmp_path / "store", cache=cache)
    resolution = resolve_debian(DebianRequest(suite, "amd64", "minbase", include), settings, Reporter())
    assert {f"{d.name}={d.version}" for d in resolution.base} == _simulated(suite, include, tmp_path)


@pytest.mark.net
@pytest.mark.slow
def test_arm64_and_a_layer_on_top(tmp_path: Path):
    settings = Settings(store=tmp_path / "store", cache=tmp_path / "cache")
    request = DebianRequest("stable", "arm64", "minbase", ("python3",), ("curl", "python3-yaml"))
    resolution = resolve_debian(request, settings, Reporter())
    assert {d.arch for d in resolution.debs} == {"arm64", "all"}
    assert {"curl", "python3-yaml"} <= {d.name for d in resolution.apt}
    assert not {d.name for d in resolution.apt} & {d.name for d in resolution.base}
    python = python_of(resolution)
    assert python is not None
    assert re.match(r"/usr/bin/python3\.\d+$", python[1])
    assert re.match(r"2\.\d+$", glibc_of(resolution))
    start = time.perf_counter()
    assert resolve_debian(request, settings, Reporter()) == resolution
    assert time.perf_counter() - start < 5  # it is an answer that was kept
