"""Whether files of data can be read at all: YAML, JSON and TOML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from slipway.patterns import pattern
from slipway.scan.source import yamlcheck
from slipway.scan.source.model import Gap, Result, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.scan.source.content import Content

JSON: Final = Rule("json-invalid", "JSON that cannot be read", "error")
JSON_DUPLICATE: Final = Rule("json-duplicate-key", "A key that is in an object twice", "warning")
TOML: Final = Rule("toml-invalid", "TOML that cannot be read", "error")
ENCODING: Final = Rule("not-utf-8", "A file of data that is not UTF-8", "error")
RULES: Final = (
    *(yamlcheck.INVALID, yamlcheck.DUPLICATE, yamlcheck.VALUE, yamlcheck.CODE),
    *(JSON, JSON_DUPLICATE, TOML, ENCODING),
)
KINDS: Final = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".ipynb": "json", ".toml": "toml"}
_MOST_DOTS: Final = 200
_MARKS: Final = ("{{", "{%")
# These may have comments and commas at the end, whatever their names say.
_COMMENTED = pattern(
    r"(?:.*/)?(?:[tj]sconfig[^/]*|devcontainer[^/]*|\.eslintrc|\.babelrc|\.jshintrc|api-extractor|\.swcrc)\.json"
    r"|(?:.*/)?\.vscode/[^/]*\.json|(?:.*/)?\.devcontainer/[^/]*\.json"
)


def kind(path: str) -> str:
    """What a file of this name holds: `yaml`, `json`, `toml`, or nothing that is looked at here."""
    stem, dot, ending = path.rpartition(".")
    found = KINDS.get(f".{ending.lower()}", "") if dot and "/" not in ending and stem else ""
    return "" if found == "json" and _COMMENTED.fullmatch(path) else found


def check(content: Content) -> Iterator[Result | Gap]:
    """What is wrong with a file that is of a `kind`."""
    form = kind(content.path)
    text = content.text
    if text is None or not content.encoded:
        yield _result(content, ENCODING, "this is not UTF-8", 0)
        return
    try:
        if form == "yaml":
            yield from _yaml(content, text)
        elif form == "json":
            yield from _json(content, text)
        else:
            yield from _toml(content, text)
    except RecursionError:
        rule = {"json": JSON, "toml": TOML}.get(form, yamlcheck.INVALID)
        yield _result(content, rule, "it is nested too deeply", 0)


def _result(content: Content, rule: Rule, message: str, line: int, column: int = 0) -> Result:
    text = content.line(line)
    return Result("syntax", rule.id, rule.level, content.path, message, line, column, text=text)


def _yaml(content: Content, text: str) -> Iterator[Result | Gap]:
    """A template is no YAML before it is filled in; where it is read as YAML all the same, it is checked as such."""
    if any(mark in text for mark in _MARKS) and (at := yamlcheck.broken(text)):
        why = f"skipped: a template, whose text is no YAML before it is filled in ({at.why})"
        yield Gap("syntax", "template", why, content.path, at.line)
        return
    yield from yamlcheck.check(content)


def _json(content: Content, text: str) -> Iterator[Result]:
    twice: list[str] = []

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(pairs)
        if len(made) < len(pairs):
            seen: set[str] = set()
            twice.extend(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return made

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except json.JSONDecodeError as error:
        yield _result(content, JSON, f"this is not valid JSON: {error.msg}", error.lineno, error.colno)
    except ValueError as error:
        yield _result(content, JSON, f"this is not valid JSON: {str(error)[:60]} is no number of JSON", 0)
    for key in dict.fromkeys(twice):
        yield _result(content, JSON_DUPLICATE, f"the key {key[:60]!r} is in one object twice", 0)


def _toml(content: Content, text: str) -> Iterator[Result]:
    import re
    import tomllib

    # the standard library's reader takes time that grows with the square of a key's parts
    if any(line.count(".") > _MOST_DOTS and not {"'", '"'} & set(line) for line in content.lines):
        yield _result(content, TOML, "it is nested too deeply", 0)
        return
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said, _, place = str(error).rpartition(" (at ")
        numbers = [int(number) for number in re.findall(r"\d+", place)] or [len(content.lines), 0]
        yield _result(content, TOML, f"this is not valid TOML: {said}", *numbers)
