"""Ranges of VEX documents: which versions are within, and which nobody can tell."""

from __future__ import annotations

from functools import cmp_to_key, partial
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.scan.versions import compare
from slipway.scan.versions.vers import UnclearRangeError, within

if TYPE_CHECKING:
    from slipway.scan.model import Kind

SAMPLES: dict[str, tuple[Kind, str, tuple[str, ...]]] = {
    "deb": ("deb", "dpkg", ("0~rc1", "0", "1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1.10-1", "1:0.1-1", "2:0")),
    "rpm": ("rpm", "rpm", ("1.0~rc1-1", "1.0-1.el9", "1.0^git1-1", "1.10-1", "1:0.1-1")),
    "apk": ("apk", "apk", ("1.0_rc1", "1.0", "1.0-r1", "1.0a", "1.10", "2")),
    "pypi": ("pypi", "pep440", ("1.0.dev1", "1.0rc1", "1.0", "1.0.post1", "1.10", "1!0.1")),
    "npm": ("npm", "semver", ("1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0", "2.0.0")),
}


@pytest.mark.parametrize(
    ("text", "kind", "inside", "outside"),
    [
        ("vers:npm/1.2.3|>=2.0.0|<5.0.0", "npm", ("1.2.3", "2.0.0", "4.9.9"), ("1.2.4", "5.0.0", "1.9.9")),
        ("vers:pypi/0.0.1|1.0|2.0pre1", "pypi", ("0.0.1", "1", "1.0.0", "2.0rc1"), ("0.0.2", "2.0")),
        ("vers:deb/>=1.2|<2.0", "deb", ("1.2", "1.2-0", "1.10-1", "2.0~rc1"), ("1.2~rc1", "2.0", "1:1.3")),
        ("vers:deb/<2.0", "deb", ("1", "2.0~"), ("2.0", "2.0-1")),
        ("vers:deb/>2.0", "deb", ("2.0-1", "1:0"), ("2.0", "1.9")),
        ("vers:deb/<1|>=2|<3|>4", "deb", ("0", "2", "2.5", "5"), ("1", "1.5", "3", "3.5", "4")),
        ("vers:deb/>4|<3|>=2|<1", "deb", ("0", "2", "2.5", "5"), ("1", "1.5", "3", "3.5", "4")),
        ("vers:pypi/>=2.2.0|!= 2.2.1|<2.3.0", "pypi", ("2.2", "2.2.2"), ("2.2.1", "2.2.1.0", "2.3")),
        (" vers:pypi/ > = 1 || <\t2 | ", "pypi", ("1.5",), ("2",)),
        ("vers:pypi/1%212.0", "pypi", ("1!2",), ("2.0",)),
        ("vers:pypi/=1.0", "pypi", ("1",), ("2.0",)),
        ("vers:rpm/<1:1.1.1k-12.el8", "rpm", ("1:1.1.1k-9.el8", "3.0-1"), ("1:1.1.1k-12.el8",)),
        ("vers:alpine/>=1.36.1-r29", "apk", ("1.36.1-r30", "1.37"), ("1.36.1-r5",)),
        ("vers:apk/>=1.36.1-r29", "apk", ("1.36.1-r30",), ("1.36.1-r5",)),
        ("vers:semver/>=1.0.0-rc.1", "npm", ("1.0.0",), ("1.0.0-beta",)),
        ("vers:golang/>=1.2.0|<v2", "golang", ("v1.2.0", "v1.10.0+incompatible"), ("v1.2.0-pre", "v2.0.0")),
        ("vers:cargo/9.0.14", "cargo", ("9.0.14",), ("9.0.15",)),
        ("vers:semver/9.0.14", "cargo", ("9.0.14",), ("9.0.15",)),
        ("vers:deb/*", "deb", ("1", "anything"), ()),
        ("vers:all/*", "conda", ("1",), ()),
        ("vers:none/*", "deb", (), ("1",)),
    ],
)  # fmt: skip
def test_within(text: str, kind: Kind, inside: tuple[str, ...], outside: tuple[str, ...]) -> None:
    assert [version for version in inside if not within(text, kind, version)] == []
    assert [version for version in outside if within(text, kind, version)] == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("vers:generic/>=1", "order of versions of 'generic' is not known"),
        ("vers:maven/>=1|<=2", "'maven'"),
        ("vers:deb/>=1", "does not order packages of the kind pypi"),
        ("vers:all/>1", "'all'"),
        ("vers:none/1", "'none'"),
        ("VERS:pypi/1", "not written"),
        ("vers:PyPI/1", "'PyPI'"),
        (">=1", "not written"),
        ("vers:pypi", "not written"),
        ("vers:pypi/", "not written"),
        ("vers:pypi/|", "names only versions that are not in it"),
        ("vers:pypi/!=1", "names only versions that are not in it"),
        ("vers:pypi/>=", "not written"),
        ("vers:pypi/>=>1", "not written"),
        ("vers:pypi/~=1", "not written"),
        ("vers:pypi/*|1", "not written"),
        ("vers:pypi/1.*", "not written"),
        ("vers:pypi/%00", "not written"),
        ("vers:pypi/%ff", "not written"),
        ("vers:pypi/banana", "'banana' is not a version"),
        ("vers:pypi/>=1|<banana", "'banana' is not a version"),
        ("vers:pypi/1|1.0.0", "twice"),
        ("vers:pypi/>=1|<1.0", "twice"),
        ("vers:pypi/>=1|>=2", "contradict"),
        ("vers:pypi/<1|<=2", "contradict"),
        ("vers:pypi/1|<2", "contradict"),
        ("vers:pypi/" + "|".join(map(str, range(2000))), "not written"),
        ("vers:pypi/" + "1" * 300, "is not a version"),
    ],
)
def test_what_nobody_can_tell(text: str, why: str) -> None:
    with pytest.raises(UnclearRangeError, match=why) as caught:
        within(text, "pypi", "1.0")
    assert len(caught.value.brief) < 300


def test_a_version_without_a_place() -> None:
    with pytest.raises(UnclearRangeError, match="'2004d' is not a version"):
        within("vers:pypi/>=1", "pypi", "2004d")
    assert within("vers:pypi/*", "pypi", "2004d")


@given(st.data())
def test_a_range_is_the_sum_of_its_intervals(data: st.DataObject) -> None:
    """Built from intervals that do not touch, in any order of writing; checked with nothing but the order itself."""
    scheme = data.draw(st.sampled_from(sorted(SAMPLES)))
    kind, order, versions = SAMPLES[scheme]
    key = cmp_to_key(partial(compare, order))
    points = sorted(data.draw(st.sets(st.sampled_from(versions), min_size=1)), key=key)
    tested = data.draw(st.sampled_from(versions))
    opens = data.draw(st.booleans())  # whether the first bound is an upper one
    constraints, inside, inner = [], False, opens
    last: str | None = None
    for point in points:
        # from `last` to here it is inside as `inner` says
        if inner and (last is None or key(tested) > key(last)) and key(tested) < key(point):
            inside = True
        closed = data.draw(st.booleans())
        constraints.append(f"{'<' if inner else '>'}{'=' if closed else ''}{quote(point)}")
        if closed and key(tested) == key(point):
            inside = True
        inner, last = not inner, point
    if inner and last is not None and key(tested) > key(last):
        inside = True
    text = f"vers:{scheme}/{'|'.join(data.draw(st.permutations(constraints)))}"
    assert within(text, kind, tested) is inside


@given(st.text(max_size=30), st.sampled_from(["deb", "pypi", "npm", "rpm", "apk"]), st.text(max_size=10))
def test_any_text(rest: str, scheme: str, version: str) -> None:
    """It is told, or not; never anything else."""
    kind: Kind = SAMPLES[scheme][0]
    for text in (rest, f"vers:{scheme}/{rest}"):
        try:
            assert within(text, kind, version) in (True, False)
        except UnclearRangeError:
            continue
