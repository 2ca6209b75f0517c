"""Results from one scan to the next: fingerprints, baselines, suppressions, and what all that comes to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slipway.errors import InputError, RecipeError, UsageError
from slipway.scan.source import baseline, suppressions
from slipway.scan.source.model import Gap, Result, SourceResult
from tests.scan.source.kit import gaps, look, write

if TYPE_CHECKING:
    from pathlib import Path

BAD = "a: 1\na: 2\n"
WAIVED = """\
suppressions:
  - {rule: S307, path: "old/**", reason: is on its way out, owner: team, expires: 2026-11-21}
  - {rule: template, reason: charts, owner: team, expires: 2027-01-01}
  - {rule: B101, reason: none here, owner: team, expires: 2027-01-01}
  - {rule: B102, reason: long ago, owner: team, expires: 2026-11-20}
"""


def prints(result: SourceResult) -> list[str]:
    return [each.fingerprint for each in result.results]


def test_fingerprints_stay(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {"a.yml": BAD})
    first = prints(look(root))
    write(root, {"a.yml": "# new\n\nz: 1\n" + BAD.replace("a: 2", "a:    2")})
    assert prints(look(root)) == first
    assert prints(look(root / "a.yml", paths=(root / "a.yml",))) == first
    write(root, {"a.yml": BAD.replace("2", "3")})
    assert prints(look(root)) != first
    write(root, {"a.yml": "a: 1\na: 1\na: 1\n"})
    assert len(set(prints(look(root)))) == 2


def test_a_baseline(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {"a.yml": BAD, "b.yml": "{", "sub/c.yml": "{"})
    first = look(root)
    data = baseline.written(first, (), ("",))
    known = baseline.read(data, "known.json")
    assert baseline.written(look(root, known=known), known, ("",)) == data  # the same, byte for byte
    again = look(root, known=known)
    assert [each.state for each in again.results] == ["unchanged"] * 3
    assert again.outcome("note") == "pass"
    write(root, {"b.yml": "a: 1", "n.yml": "["})
    third = look(root, known=known)
    told = [(each.path, each.state) for each in third.results]
    assert told == [("a.yml", "unchanged"), ("b.yml", "absent"), ("n.yml", "new"), ("sub/c.yml", "unchanged")]
    assert third.outcome("note") == "fail"
    assert [r.path for r in baseline.read(baseline.written(third, known, ("",)), "")] == [
        "a.yml",
        "n.yml",
        "sub/c.yml",
    ]


def test_what_was_not_looked_at_is_not_gone(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {"a.py": "eval(x)\n", "sub/c.yml": "{", "b.yml": "{"})
    known = baseline.read(baseline.written(look(root, "syntax", "ruff"), (), ("",)), "")
    assert len(known) == 3
    part = look(root, "syntax", known=known)
    assert [each.state for each in part.results] == ["unchanged"] * 2
    # nor is it dropped
    assert baseline.read(baseline.written(part, known, ("",)), "") == known
    (root / "b.yml").unlink()
    (root / "sub/c.yml").write_text("")
    assert len(baseline.read(baseline.written(look(root, "syntax", known=known), known, ("sub",)), "")) == 2


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 2, "results": []}', '{"format": 1, "results": [{}]}', "[" * 9999]
)
def test_no_baseline(text: str) -> None:
    with pytest.raises(InputError):
        baseline.read(text.encode(), "x.json")


def test_suppressions(tmp_path: Path) -> None:
    entries = suppressions.read("waived.yml", WAIVED)
    assert entries[0].where == "waived.yml:2"
    files = {"old/a.py": "eval(x)\n", "new/a.py": "eval(x)\nexec(x)\n", "t.yml": "{{- x }}\na: [\n"}
    root = write(tmp_path / "x", files)
    result = look(root, "bandit", "ruff", "syntax", suppressions=entries)
    told = [(each.path, each.rule, each.excuse and each.excuse.reason) for each in result.results]
    assert told == [
        ("new/a.py", "B307", None),
        ("new/a.py", "B102", None),
        ("old/a.py", "B307", "is on its way out (team, until 2026-11-21)"),
    ]
    assert result.complete  # the template is accepted
    assert [gap.excuse and gap.excuse.kind for gap in result.gaps] == ["external"]
    assert result.notes == (
        "waived.yml:5: this suppression ended on 2026-11-20",
        "waived.yml:4: this suppression excuses nothing",
    )
    # the day after, it counts again
    later = look(root, "bandit", "ruff", suppressions=entries, now=1_795_248_000.0 + 86400)
    assert all(each.excuse is None for each in later.results)


def test_by_fingerprint(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {"a.yml": BAD, "b.yml": BAD})
    one = prints(look(root))[0]
    entry = suppressions.read(
        "x", f"suppressions: [{{fingerprint: {one}, reason: r, owner: o, expires: 2027-01-01}}]"
    )
    assert [each.open for each in look(root, suppressions=entry).results] == [False, True]


def test_wrong_suppressions_are_all_told() -> None:
    text = """\
suppressions:
  - {rule: B101, reason: x, owner: y}
  - {rule: B101, reason: x, owner: y, expires: soon}
  - {reason: x, owner: y, expires: 2027-01-01}
  - {rule: B101, reason: "", owner: y, expires: 2027-01-01, until: x}
  - B101
other: 1
"""
    with pytest.raises(RecipeError) as caught:
        suppressions.read("w.yml", text)
    assert sorted(problem.where.line for problem in caught.value.problems) == [2, 3, 4, 5, 5, 6, 7]
    for wrong in ("[]", "a: 1", "suppressions: 1", "x: ["):
        with pytest.raises(RecipeError):
            suppressions.read("w.yml", wrong)
    assert suppressions.read("w.yml", "") == ()


def test_what_it_all_comes_to() -> None:
    result = Result("syntax", "r", "warning", "a", "m")
    gap = Gap("bandit", "missing-tool", "m")
    assert SourceResult().outcome("note") == "pass"
    assert SourceResult(gaps=(gap,)).outcome("note") == "unknown"
    assert SourceResult(results=(result,), gaps=(gap,)).outcome("warning") == "fail"
    assert SourceResult(results=(result,), gaps=(gap,)).outcome("error") == "unknown"
    assert SourceResult(results=(result,)).outcome("error") == "pass"
    assert SourceResult(results=(result,)).outcome(None) == "pass"
    assert SourceResult(results=(replace(result, state="absent"),)).outcome("note") == "pass"


def test_checks_that_are_left_out(tmp_path: Path) -> None:
    root = write(tmp_path / "x", {"a.yml": "a: 1"})
    result = look(root, "syntax", "bandit", skip=(("bandit", ""),))
    assert gaps(result) == [("bandit", "skipped", "")]
    assert result.outcome("error") == "unknown"
    result = look(root, "syntax", "bandit", skip=(("bandit", "too slow"),))
    assert result.outcome("error") == "pass"
    with pytest.raises(UsageError, match="no check"):
        look(root, "synax")


def test_the_same_files_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        f"d{n}/{name}": text for n in range(3) for name, text in {"a.yml": BAD, "b.py": "eval(x)\n"}.items()
    }
    first = look(write(tmp_path / "x", files), "syntax", "bandit", "ruff")
    monkeypatch.chdir(tmp_path / "x/d1")
    monkeypatch.setenv("LC_ALL", "C")
    other = look(write(tmp_path / "y", dict(reversed(files.items()))), "syntax", "bandit", "ruff")
    assert first == other
    assert json.loads(baseline.written(first, (), ("",)))["results"][0]["path"] == "d0/a.yml"
