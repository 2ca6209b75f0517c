"""A policy file is read whole, or everything that is wrong with it is told, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import PolicyError, UsageError
from slipway.recipe import render_problems
from slipway.scan.model import Level
from slipway.scan.policy.keys import POLICY
from slipway.scan.policy.loader import load
from slipway.scan.policy.model import Policy, Waiver
from tests.scan.policy.kit import write

FILE = Path("/team/policy.yaml")


def problems(text: str, path: Path = FILE) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load(path, text)
    return [f"{p.where.line}:{p.where.column} {p.message}" for p in caught.value.problems]


def test_defaults() -> None:
    assert load(FILE, "severity: high\n") == Policy()


def test_every_key(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        "waivers:\n  - {id: uncovered, package: ours, reason: our own, owner: ann, expires: 2026-12-31}\n"
    )
    write(tmp_path / "v.json", {"bomFormat": "CycloneDX", "specVersion": "1.6"})
    text = """
severity: never
unknown-severity: fail
only-fixable: true
only-new: true
new-severity: low
grace: 14
grace-from: first-seen
outdated: always
uncovered: allow
no-support: fail
headers: true
feeds-age: "3"
waivers:
  - id: CVE-2024-1
    package: jinja2
    image: registry.example.org:5000/team/hello
    reason: |
      nobody can
      reach it
    owner: bob
    since: 2026-10-01
    expires: 2026-12-31
waiver-files: [w.yaml]
vex: [v.json]
"""
    path = tmp_path / "policy.yaml"
    assert load(path, text) == Policy(
        severity=None,
        unknown_severity="fail",
        only_fixable=True,
        only_new=True,
        new_severity=Level.LOW,
        grace=14,
        grace_from="first-seen",
        outdated="always",
        uncovered="allow",
        no_support="fail",
        headers=True,
        feeds_age=3,
        waivers=(
            Waiver(
                "CVE-2024-1",
                "nobody can reach it",
                "bob",
                "2026-12-31",
                "jinja2",
                "registry.example.org:5000/team/hello",
                f"{path}:15",
                "2026-10-01",
            ),
            Waiver("uncovered", "our own", "ann", "2026-12-31", "ours", where=f"{tmp_path}/w.yaml:2"),
        ),
    )


def test_all_problems_at_once() -> None:
    text = """severity: hihg
graze: 3
grace: two weeks
only-new: maybe
waivers:
  - {id: CVE-1, reason: " ", owner: ann, expires: 2026-02-30}
  - {id: outdated, reason: r, owner: o, expires: 31.12.2026}
  - {id: CVE-1, image: "team/hello:1", reason: r, owner: o, expires: 2026-12-31, until: x}
  - {id: uncovered, reason: r, owner: o, expires: 2026-12-31}
  - {id: CVE-2, reason: r, owner: o, since: 2027-01-01, expires: 2026-12-31}
"""
    assert problems(text) == [
        "1:11 severity: `hihg` is not a severity",
        "2:1 unknown key `graze`",
        "3:8 grace: `two weeks` is not a number of days",
        "4:11 only-new: `maybe` is neither true nor false",
        "6:25 waivers.reason: says nothing",
        "6:51 waivers.expires: there is no day `2026-02-30`",
        "7:50 waivers.expires: `31.12.2026` is not a day",
        "8:24 waivers.image: `team/hello:1` has a tag or a digest",
        "8:82 waivers: unknown key `until`",
        "9:5 waivers: a waiver of `uncovered` has to name its `package`",
        "10:5 waivers: it ends on 2026-12-31, before it begins",
    ]


@pytest.mark.parametrize("key", ["reason", "owner", "expires", "id"])
@pytest.mark.parametrize("given", [None, "", '""', '" \\t"', "[]"])
def test_a_waiver_needs_all_three(key: str, given: str | None) -> None:
    values = {"id": "CVE-1", "reason": "r", "owner": "o", "expires": "2026-12-31"}
    lines = [
        f"    {k}: {given if k == key else v}\n" for k, v in values.items() if k != key or given is not None
    ]
    text = "severity: high\nwaivers:\n  -\n" + "".join(lines)
    (problem,) = problems(text)
    assert key in problem


@pytest.mark.parametrize("text", ["", "# nothing\n", "null\n", "grace: 3\n"])
def test_severity_is_needed(text: str) -> None:
    assert problems(text)[0].endswith(("`severity` is missing", "has no value; it takes a mapping of keys"))


def test_problems_in_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("waivers:\n  - {id: CVE-1}\n")
    (tmp_path / "b.yaml").write_bytes(b"waivers: \xff\n")
    (tmp_path / "c.yaml").write_text("waivers: [\n")
    write(tmp_path / "v.json", {"no": "vex"})
    with pytest.raises(PolicyError) as caught:
        load(
            tmp_path / "p.yaml",
            "grace: x\nseverity: high\nwaiver-files: [a.yaml, b.yaml, c.yaml, no.yaml]\nvex: [v.json, no.json]\n",
        )
    told = [(Path(p.where.file).name, p.where.line, p.message) for p in caught.value.problems]
    assert [(name, line) for name, line, _ in told] == [
        ("p.yaml", 1),
        ("p.yaml", 3),
        ("p.yaml", 4),
        ("p.yaml", 4),
        ("a.yaml", 2),
        ("a.yaml", 2),
        ("a.yaml", 2),
        ("b.yaml", 1),
        ("c.yaml", 1),
    ]
    assert "`no.yaml`: cannot read the waivers: No such file" in told[1][2]
    assert "no VEX document that is known here" in told[2][2]
    shown = render_problems(caught.value)
    assert "    - {id: CVE-1}\n" in shown
    assert "^" in shown


def test_longest_waiver() -> None:
    rest = "severity: high\nlongest-waiver: 31\nwaivers:\n  - {id: CVE-1, reason: r, owner: o, expires: 2026-12-31"
    assert load(FILE, rest + ", since: 2026-12-01}\n").waivers
    assert problems(rest + ", since: 2026-11-30}\n") == [
        "4:5 waivers: it holds for 32 days, and the policy allows at most 31"
    ]
    (told,) = problems(rest + "}\n")
    assert "`since` is missing" in told


def test_nothing_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVEL", "never")
    assert problems("severity: '%ENV{LEVEL:-never}'\n") == [
        "1:11 severity: `%ENV{LEVEL:-never}` is not a severity"
    ]


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the policy: No such file"):
        load(tmp_path / "policy.yaml")


def test_two_documents_and_too_much() -> None:
    assert problems("severity: high\n---\na: b\n") == [
        "2:1 a policy is one YAML document, and a second one starts here"
    ]
    assert problems("#" * ((1 << 20) + 1)) == ["1:1 is larger than 1 MiB: this is not a policy"]


def test_examples_of_the_table_are_valid(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text("waivers: []\n")
    write(tmp_path / "hello.vex.json", {"bomFormat": "CycloneDX", "specVersion": "1.6"})
    import yaml

    given = {field.name: field.example for field in POLICY.fields}
    inside = next(f for f in POLICY.fields if f.name == "waivers").kind.fields
    given["waivers"] = [{f.name.removeprefix("*."): f.example for f in inside} | {"since": "2026-10-15"}]
    assert load(tmp_path / "p.yaml", yaml.safe_dump(given)).waivers
