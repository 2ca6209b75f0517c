"""Choosing packages, on small made-up worlds."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from slipway.distro.candidate import Candidate, read_candidate
from slipway.distro.relation import parse_groups
from slipway.distro.solve import solve
from slipway.distro.universe import Universe
from slipway.errors import InputError, ResolveError
from tests.distro.repository import ARCHIVE, package


@dataclass
class Memory:
    """An index in memory."""

    packages: list[Candidate]

    def find(self, name: str) -> list[Candidate]:
        return [c for c in self.packages if c.name == name]

    def providers(self, name: str) -> list[str]:
        return sorted({c.name for c in self.packages if any(p.name == name for p in c.provides)})

    def essential(self) -> list[str]:
        return [c.name for c in self.packages if c.deb.essential]

    def required(self) -> list[str]:
        return [c.name for c in self.packages if c.deb.priority == "required"]

    def names(self) -> list[str]:
        return sorted({c.name for c in self.packages} | {p.name for c in self.packages for p in c.provides})


def world(*suites: list[str], pins: dict[str, str] | None = None, arch: str = "amd64") -> Universe:
    return Universe([Memory([read_candidate(s, ARCHIVE) for s in suite]) for suite in suites], arch, pins)


def chosen(universe: Universe, *wanted: str, installed: dict[str, Candidate] | None = None) -> list[str]:
    return sorted(f"{n} {c.version}" for n, c in solve(universe, wanted, installed).items())


def test_everything_that_is_needed_comes_along():
    universe = world(
        [
            package("a", depends="b (>= 1), c"),
            package("b", pre_depends="d"),
            package("c"),
            package("d", depends="a"),
            package("unrelated"),
        ]
    )
    assert chosen(universe, "a") == ["a 1.0", "b 1.0", "c 1.0", "d 1.0"]


def test_recommended_packages_do_not():
    assert chosen(world([package("a", recommends="b"), package("b")]), "a") == ["a 1.0"]


def test_the_highest_version_of_all_suites_wins():
    universe = world([package("a", "1.9")], [package("a", "1.10~rc1")], [package("a", "1.9-1")])
    assert chosen(universe, "a") == ["a 1.10~rc1"]


def test_a_pin_wins_over_the_highest():
    suites = [package("a", "2", depends="b (= 2)"), package("b", "2")], [package("a", "1", depends="b")]
    assert chosen(world(*suites, pins={"a": "1"}), "a") == ["a 1", "b 2"]
    with pytest.raises(ResolveError, match="version that is pinned") as caught:
        chosen(world(*suites, pins={"a": "3"}), "a")
    assert caught.value.hint == "available: 2, 1"


def test_the_first_alternative_unless_another_is_there_already():
    stanzas = [package("a", depends="x | y"), package("b", depends="y"), package("x"), package("y")]
    assert chosen(world(stanzas), "a") == ["a 1.0", "x 1.0"]
    assert chosen(world(stanzas), "a", "y") == ["a 1.0", "y 1.0"]
    assert chosen(world(stanzas), "b", "a") == ["a 1.0", "b 1.0", "y 1.0"]


def test_an_alternative_that_cannot_be_installed_is_passed_over():
    universe = world(
        [
            package("a", depends="x | y | z"),
            package("x", depends="missing"),
            package("y", depends="x"),
            package("z"),
        ]
    )
    assert chosen(universe, "a") == ["a 1.0", "z 1.0"]


def test_versions_decide_between_alternatives():
    universe = world([package("a", depends="x (>= 2) | y (<< 2)"), package("x"), package("y")])
    assert chosen(universe, "a") == ["a 1.0", "y 1.0"]


def test_virtual_packages():
    universe = world(
        [
            package("a", depends="awk"),
            package("gawk", provides="awk"),
            package("mawk", provides="awk", priority="required"),
            package("zawk", provides="awk"),
            package("b", depends="real"),
            package("real"),
            package("fake", provides="real", priority="required"),
        ]
    )
    assert chosen(universe, "a") == ["a 1.0", "mawk 1.0"]  # by priority
    assert chosen(universe, "a", "gawk") == ["a 1.0", "gawk 1.0"]
    assert chosen(universe, "b") == ["b 1.0", "real 1.0"]  # the real one first


def test_provided_versions():
    universe = world(
        [
            package("a", depends="api (>= 2)"),
            package("none", provides="api"),
            package("old", provides="api (= 1)"),
            package("new", "0.1", provides="api (= 2.1)"),
        ]
    )
    assert chosen(universe, "a") == ["a 1.0", "new 0.1"]


def test_a_virtual_name_as_a_request():
    stanzas = [
        package("one", provides="single"),
        package("x", provides="many"),
        package("y", provides="many"),
    ]
    assert chosen(world(stanzas), "single") == ["one 1.0"]
    with pytest.raises(ResolveError, match="many is a virtual package") as caught:
        chosen(world(stanzas), "many")
    assert caught.value.hint == "provided by: x, y"


@pytest.mark.parametrize("kind", ["conflicts", "breaks"])
@pytest.mark.parametrize("holder", ["x", "b"])
def test_a_conflict_leads_to_the_next_alternative(kind: str, holder: str):
    other = {"x": "b", "b": "x"}[holder]
    fields = {"x": {}, "b": {}, holder: {kind: f"{other} (<< 2)"}}
    universe = world(
        [
            package("a", depends="x | y, b"),
            package("x", **fields["x"]),
            package("y"),
            package("b", **fields["b"]),
        ]
    )
    assert chosen(universe, "a") == ["a 1.0", "b 1.0", "y 1.0"]


def test_a_conflict_deep_below_takes_back_a_choice():
    universe = world(
        [
            package("a", depends="x | y, p | q"),
            package("x", depends="x1"),
            package("x1"),
            package("y"),
            package("p", depends="p1 | p2"),
            package("p1", conflicts="x1"),
            package("p2", conflicts="x1"),
            package("q", conflicts="x1"),
        ]
    )
    assert chosen(universe, "a") == ["a 1.0", "p 1.0", "p1 1.0", "y 1.0"]


def test_a_package_does_not_exclude_itself():
    universe = world(
        [package("a", provides="mta", conflicts="mta"), package("b", provides="mta", conflicts="mta")]
    )
    assert chosen(universe, "a") == ["a 1.0"]
    with pytest.raises(ResolveError, match="conflict"):
        chosen(universe, "a", "b")


def test_a_versioned_conflict_spares_other_versions_and_unversioned_provides():
    universe = world([package("a", conflicts="b (<< 1), v (<< 9)"), package("b"), package("c", provides="v")])
    assert chosen(universe, "a", "b", "c") == ["a 1.0", "b 1.0", "c 1.0"]


def test_qualifiers():
    universe = world(
        [
            package("a", depends="py:any, tool:native, lib:amd64"),
            package("py", multi_arch="allowed"),
            package("tool"),
            package("lib", arch="amd64"),
            package("b", depends="tool:any"),
            package("c", depends="lib:arm64"),
            package("foreign", arch="arm64"),
        ]
    )
    assert chosen(universe, "a") == ["a 1.0", "lib 1.0", "py 1.0", "tool 1.0"]
    for wrong in ("b", "c", "foreign"):
        with pytest.raises(ResolveError):
            chosen(universe, wrong)


def test_what_is_installed_stays():
    stanzas = [
        package("a", depends="lib | other"),
        package("lib", "2"),
        package("other"),
        package("b", depends="lib (>= 2)"),
    ]
    old = read_candidate(package("lib", "1", conflicts="evil"), ARCHIVE)
    universe = world([*stanzas, package("evil")])
    assert chosen(universe, "a", installed={"lib": old}) == ["a 1.0"]
    assert chosen(universe, "lib", installed={"lib": old}) == []
    with pytest.raises(ResolveError, match="lib 1 is already in the base"):
        chosen(universe, "b", installed={"lib": old})
    with pytest.raises(ResolveError, match=r"evil 1\.0 and lib 1 conflict"):
        chosen(universe, "evil", installed={"lib": old})


def test_the_chain_of_an_impossible_dependency():
    universe = world(
        [package("a", depends="b (>= 1)"), package("b", depends="c (>= 2) | d"), package("c", "1.5")]
    )
    with pytest.raises(ResolveError) as caught:
        chosen(universe, "a")
    assert caught.value.brief == (
        "a cannot be installed: b 1.0 depends on c (>= 2) | d, but c is 1.5; there is no d"
    )
    assert caught.value.details.splitlines()[0] == "a 1.0 depends on b (>= 1)"


def test_the_chain_of_a_conflict():
    universe = world(
        [
            package("a", depends="x"),
            package("b", depends="y"),
            package("x", "2", conflicts="y"),
            package("y", "3"),
        ]
    )
    with pytest.raises(ResolveError) as caught:
        chosen(universe, "a", "b")
    assert caught.value.brief == "no set of packages fits: x 2 and y 3 conflict"
    assert caught.value.details.splitlines() == [
        "a is asked for",
        "a 1.0 depends on x",
        "b is asked for",
        "b 1.0 depends on y",
        "x 2 and y 3 conflict",
    ]


def test_an_unknown_package_has_suggestions():
    universe = world([package("python3-venv"), package("python3-yaml"), package("curl")])
    with pytest.raises(ResolveError, match="there is no package python3-vnev") as caught:
        chosen(universe, "python3-vnev")
    assert "python3-venv" in caught.value.hint
    with pytest.raises(ResolveError) as caught:
        chosen(universe, "qqqqqq")
    assert caught.value.hint == ""


def test_a_search_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("slipway.distro.solve.ATTEMPTS", 50)
    names = [f"n{i}" for i in range(12)]
    stanzas = [package("root", depends=", ".join(f"{n}a | {n}b" for n in names) + ", end1 | end2")]
    stanzas += [package(n + v) for n in names for v in "ab"]
    stanzas += [package(f"end{i}", depends=f"bad{i}") for i in (1, 2)]
    stanzas += [package(f"bad{i}", conflicts="root") for i in (1, 2)]
    with pytest.raises(ResolveError, match=r"bad1 1\.0 and root 1\.0 conflict"):
        chosen(world(stanzas), "root")


def test_the_answer_does_not_depend_on_the_order_of_the_index():
    stanzas = [package("a", depends="v"), *(package(f"p{i}", provides="v") for i in range(5))]
    assert chosen(world(stanzas), "a") == chosen(world(stanzas[::-1]), "a")


@pytest.mark.parametrize("text", ["a b", "a (>= )", "a (1)", "a (>= 1", "|", "a | ", "-a"])
def test_malformed_relationships(text: str):
    with pytest.raises(InputError, match="not a package relationship"):
        parse_groups(text)


def test_relationships_as_written():
    (first, second) = parse_groups("a(>=1:2~x) | b:any,c ( << 3 ),")
    assert [str(r) for r in first] == ["a (>= 1:2~x)", "b:any"]
    assert [str(r) for r in second] == ["c (<< 3)"]
    assert parse_groups("") == ()


def test_known_versions_stay_while_they_are_there():
    suites = [
        [package("a", "1", depends="b"), package("b", "1")],
        [package("a", "2", depends="b"), package("b", "2"), package("c", "2")],
    ]
    indexes = [Memory([read_candidate(s, ARCHIVE) for s in suite]) for suite in suites]
    universe = Universe(indexes, "amd64", prefer={"a": "1", "b": "0.9", "unknown": "1"})
    assert chosen(universe, "a", "c") == ["a 1", "b 2", "c 2"]
    pinned = Universe(indexes, "amd64", {"a": "2"}, {"a": "1"})
    assert chosen(pinned, "a") == ["a 2", "b 2"]
