"""Our order of versions is that of the tools: asked themselves where they are here, else by the tables of their specifications."""

from __future__ import annotations

import itertools
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from slipway.scan.versions import IncomparableError, compare

QUICK = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
TEXT = st.text("0129.+~^-:abrcz", min_size=1, max_size=12)


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


def near(texts: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str]]:
    """Pairs of which most have something in common."""
    return st.one_of(
        st.tuples(texts, texts), st.tuples(texts, texts, texts).map(lambda t: (t[0] + t[1], t[0] + t[2]))
    )


DPKG = st.from_regex(r"\A([0-2]:)?[0-9][0-9a-c.+~]{0,8}(-[0-9a-c.+~]{1,4})?\Z")


@QUICK
@given(st.lists(near(DPKG), min_size=20, max_size=20))
def test_dpkg(pairs: list[tuple[str, str]]) -> None:
    if not shutil.which("dpkg"):
        pytest.skip("dpkg is not here")
    # what is put together may have two epochs, which dpkg refuses
    pairs = [(a, b) for a, b in pairs if a.count(":") < 2 and b.count(":") < 2 and ":" not in a[2:] + b[2:]]
    script = "\n".join(
        f"dpkg --compare-versions '{a}' lt '{b}' && echo -1 || {{ dpkg --compare-versions '{a}' gt '{b}' && echo 1 || echo 0; }}"
        for a, b in pairs
    )
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False).stdout.split()
    assert [str(sign(compare("dpkg", a, b))) for a, b in pairs] == said


@pytest.fixture(scope="module")
def rpm() -> None:
    if not shutil.which("rpm") and (
        not shutil.which("apt-get")
        or subprocess.run(
            ["apt-get", "install", "-y", "-qq", "rpm"], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("rpm is not here and cannot be installed")


def ask_rpm(pairs: list[tuple[str, str]]) -> list[int]:
    found: list[int] = []
    for start in range(0, len(pairs), 50):
        calls = " .. ' ' .. ".join(f"rpm.vercmp('{a}', '{b}')" for a, b in pairs[start : start + 50])
        asked = ["rpm", "--eval", f"%{{lua:print({calls})}}"]
        found += map(int, subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split())
    return found


RPM = st.from_regex(r"\A([0-2]:)?[0-9a-c][0-9a-cAB._+~^]{0,8}(-[0-9a-c._~^]{1,4})?\Z")


@QUICK
@given(st.lists(near(RPM), min_size=20, max_size=20))
def test_rpm(rpm: None, pairs: list[tuple[str, str]]) -> None:
    pairs = [(a, b) for a, b in pairs if ":" not in a[2:] + b[2:] and a.count("-") < 2 and b.count("-") < 2]
    if pairs:
        assert [sign(compare("rpm", a, b)) for a, b in pairs] == ask_rpm(pairs)


def test_rpm_by_hand(rpm: None) -> None:
    """What the property rarely meets: releases on one side, epochs, long numbers, what is around `~` and `^`."""
    words = [
        "1.0",
        "1.0-1",
        "1.0-1.el9",
        "0:1.0",
        "1:0.9",
        "1.0~rc1",
        "1.0^git1",
        "1.0.1",
        "1.0a",
        "1.0~",
        "1.0^",
        "1.0.^",
    ]
    words += [
        "1." + "9" * 40,
        "1.010",
        "1.10",
        "1..0",
        "x:1",
        "1.el8_6.2",
        "1.el8",
        "2.02.12-1",
        "1.0-1~x",
        "1.0-1^x",
    ]
    pairs = list(itertools.product(words, words))
    assert [sign(compare("rpm", a, b)) for a, b in pairs] == ask_rpm(pairs)


PYTHON = st.from_regex(
    r"\A(v|1!)?[0-2]{1,2}(\.[0-9]{1,2}){0,3}([.-]?(a|b|rc|alpha|c|pre)[0-9]?)?(\.post[0-9]|-[0-9])?(\.dev[0-9])?(\+[a-c0-9]{1,3})?\Z"
)


@settings(max_examples=300, deadline=None, database=None)
@given(near(PYTHON))
def test_pep440(pair: tuple[str, str]) -> None:
    a, b = pair
    try:
        one, other = Version(a), Version(b)
    except InvalidVersion:
        with pytest.raises(IncomparableError):
            compare("pep440", a, b)
    else:
        assert compare("pep440", a, b) == (one > other) - (one < other)


def ascending(scheme: str, *words: str) -> None:
    for (i, a), (j, b) in itertools.product(enumerate(words), enumerate(words)):
        assert sign(compare(scheme, a, b)) == sign(i - j), (a, b)


def test_semver() -> None:
    """Section 11 of the specification, and spellings that are in use."""
    ascending("semver", "1.0.0", "2.0.0", "2.1.0", "2.1.1", "10.0.0")
    ascending(
        "semver", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
        "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
    )  # fmt: skip
    for a, b in [("1.0.0+b1", "1.0.0+b2"), ("v1.2.0", "1.2"), ("1.0.0-rc.1+5", "1.0.0-rc.1")]:
        assert compare("semver", a, b) == 0


def test_apk() -> None:
    """The grammar's parts one by one (apk-package(5)), and pairs of versions that Alpine has had."""
    ascending(
        "apk",
        "1_alpha",
        "1_alpha2",
        "1_beta",
        "1_pre",
        "1_rc",
        "1",
        "1-r0",
        "1-r1",
        "1-r10",
        "1_cvs",
        "1_svn",
    )
    ascending(
        "apk",
        "1_svn",
        "1_git",
        "1_hg",
        "1_p",
        "1_p1",
        "1_p2-r1",
        "1a",
        "1b",
        "1.0",
        "1.01",
        "1.1",
        "1.2",
        "1.10",
    )
    ascending("apk", "1.0_alpha_pre2", "1.0_alpha", "1.0", "1.0~0f", "1.0~1a-r1")
    ascending("apk", "8.2.0015", "8.2.002", "8.2.1", "013", "014-r1", "20191002", "20191002.1")
    ascending(
        "apk", "1.00_beta2", "1.02", "1.02.10-r1", "1.1.3", "1.1.20-r4", "2.86-r5", "3.1.4-r5", "3.1.4-r10"
    )
    ascending("apk", "0.9.8c-r1", "0.9.8d", "1.6.8_p9-r2", "1.6.8_p12-r1", "3.9_pre20060124", "3.9")
    assert compare("apk", "1.0.0", "1.0.0") == 0


@pytest.mark.parametrize(
    ("scheme", "version"),
    [
        ("pep440", "2004d"), ("apk", "1.0bc"), ("apk", "4_foo"), ("apk", "1.2.0-1"), ("semver", "latest"), ("semver", ""),
        ("pep440", "1." * 200 + "1"), ("dpkg", "1" * 5000), ("rpm", ""), ("", "1"), ("maven", "1"),
    ],
)  # fmt: skip
def test_what_has_no_place_in_the_order(scheme: str, version: str) -> None:
    with pytest.raises(IncomparableError):
        compare(scheme, version, "1.0")
    with pytest.raises(IncomparableError):
        compare(scheme, "1.0", version)


@pytest.mark.parametrize("scheme", ["dpkg", "rpm", "apk", "pep440", "semver"])
@settings(QUICK, max_examples=200)
@given(TEXT, TEXT, TEXT)
def test_it_is_an_order(scheme: str, a: str, b: str, c: str) -> None:
    try:
        assert compare(scheme, a, a) == 0
        assert compare(scheme, a, b) == -compare(scheme, b, a)
        if compare(scheme, a, b) <= 0 and compare(scheme, b, c) <= 0:
            assert compare(scheme, a, c) <= 0
    except IncomparableError:
        pass
