"""Whether files of data can be read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from slipway.scan.source import syntax
from slipway.scan.source.model import Gap
from tests.scan.source.kit import content, gaps, look, rows, write

if TYPE_CHECKING:
    from pathlib import Path


def found(name: str, text: str | bytes) -> list[tuple[str, int]]:
    return [(each.rule, each.line) for each in syntax.check(content(name, text))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1\n---\na: 1\n---\n",
        "Resources: !Sub {Ref: !GetAtt [a, b], x: !If [a, !Ref AWS::NoValue, c]}\n",
        "a: &x {b: 1}\nc: {<<: *x, d: 2}\ne: *x\n",
        "on: push\njobs: {a: {steps: [{run: 'echo ${{ matrix.x }}'}]}}\n",
        "a: 2024-02-29\nb: 2024-02-29T10:00:00Z\nc: '2024-13-45'\nd: 2024-13-45-nightly\n",
        "- {1: a, '1': b}\n",  # a number and a text
        "? [a, b]\n: c\n",
        "\ufeffa: ü\n",
        "%YAML 1.2\n---\na: |\n  {{ x }}\n",
    ],
)
def test_well_formed_yaml(text: str) -> None:
    assert found("x.yaml", text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: b: c\n", [("yaml-invalid", 1)]),
        ("a: 1\n---\nb: [1\n", [("yaml-invalid", 4)]),
        ("a: 1\n\tb: 2\n", [("yaml-invalid", 2)]),
        ("a: 1\nb: {a: 1, c: 2, a: 3}\na: 2\n'a': 3\n", [("yaml-duplicate-key", n) for n in (2, 3, 4)]),
        ("a: *x\nb: &x 1\n---\nc: *x\n", [("yaml-invalid", 1), ("yaml-invalid", 4)]),
        ("a: 2024-13-45\n", [("yaml-value", 1)]),
        ("a: !!python/object/apply:os.system [x]\n", [("yaml-python-tag", 1)]),
        ("a: \x07\n", [("yaml-invalid", 0)]),
        ("- &a [*a]\n- 1: 2\n  1: 3\n", [("yaml-duplicate-key", 3)]),
    ],
)
def test_wrong_yaml(text: str, expected: list[tuple[str, int]]) -> None:
    assert found("x.yml", text) == expected


def test_encodings() -> None:
    assert found("x.yml", "a: é".encode("latin-1")) == [("not-utf-8", 0)]
    assert found("x.yml", b"a: \0") == [("not-utf-8", 0)]
    assert found("x.json", b'"\xe9"') == [("not-utf-8", 0)]


def test_bombs_are_cheap() -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
    start = time.monotonic()
    assert found("x.yml", "a0: &a0 x\n" + levels) == []
    assert found("x.yml", "[" * 200_000)[0][0] == "yaml-invalid"
    assert found("x.yml", "".join(f"{' ' * n}a:\n" for n in range(190))) == []
    assert found("x.json", "[" * 200_000)[0][0] == "json-invalid"
    assert found("x.toml", "a = " + "[" * 200_000)[0][0] == "toml-invalid"
    assert found("x.toml", "[a" + ".a" * 100_000 + "]")[0][0] == "toml-invalid"
    assert time.monotonic() - start < 5


def test_templates_are_told_where_they_are_no_yaml() -> None:
    """The original left out every file with braces in it, and said nothing."""
    (gap,) = syntax.check(content("t.yaml", "a: 1\n{{- if .x }}\nb: 2\n{{- end }}\n"))
    assert isinstance(gap, Gap)
    assert (gap.rule, gap.path) == ("template", "t.yaml")
    assert "skipped: a template" in gap.message
    # with braces, but YAML: it is checked like any other
    assert found("x.yml", "a: '{{ x }}'\nb: 1\nb: 2\n") == [("yaml-duplicate-key", 3)]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.json", '{"a": 1}\n', []),
        ("a.json", '{"a": 1,}\n', [("json-invalid", 1)]),
        ("a.json", '{"a": NaN}', [("json-invalid", 0)]),
        ("a.json", '[{"a": 1, "a": 2}]', [("json-duplicate-key", 0)]),
        ("a.json", "", [("json-invalid", 1)]),
        ("tsconfig.base.json", "// x\n{}", []),
        (".vscode/settings.json", "// x\n{}", []),
        ("a.toml", "a = 1\n", []),
        ("a.toml", "a = 1\na = 2\n", [("toml-invalid", 2)]),
        ("a.toml", 'a = 1\nb = "x', [("toml-invalid", 2)]),
    ],
)
def test_json_and_toml(name: str, text: str, expected: list[tuple[str, int]]) -> None:
    assert [row for row in found(name, text) if syntax.kind(name)] == expected


def test_all_files_are_checked_whatever_the_first_ones_are(tmp_path: Path) -> None:
    root = write(
        tmp_path / "x",
        {"a.yml": "{", "b.yaml": "[", "c.yaml": "a: 1", "d/.hidden.yml": "a: b: c", "e.json": "{"},
    )
    result = look(root, "syntax")
    assert [path for _, path, _ in rows(result)] == ["a.yml", "b.yaml", "d/.hidden.yml", "e.json"]
    assert result.checks[0].files == 5
    assert not gaps(result)
