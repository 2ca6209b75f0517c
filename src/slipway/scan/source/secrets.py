"""Secrets in files. What is found is never told, not even to the fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.scan.source import secretfiles, secretrules
from slipway.scan.source.model import Result
from slipway.scan.source.secretvalues import shown, trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.scan.source.content import Content
    from slipway.scan.source.model import Rule
    from slipway.scan.source.secretrules import SecretRule

RULES: Final = (*(each.rule for each in secretrules.RULES), *secretfiles.RULES)
# Hashes of what is to be installed, and names of things: long, random, and no secrets.
_HASHED: Final = (".lock", "-lock.json", "lock.yaml", "lock.yml", "shrinkwrap.json", ".sum", ".svg", ".map")
_LONGEST: Final = (
    2000  # characters of a line that a person may have written; beyond, only known prefixes are believed
)


def check(content: Content) -> Iterator[Result]:
    """Each secret once: where several rules find it, by the first."""
    text = content.text
    if text is None:
        return
    taken: list[tuple[int, int]] = []
    folded = text.casefold() if text.isascii() else text.lower()
    spots: list[tuple[int, str, Rule, bool]] = []
    for each in secretrules.RULES:
        if each is secretrules.ASSIGNED and content.name.endswith(_HASHED):
            continue
        if any(word in (folded if each.folded else text) for word in each.words):
            spots += _search(each, text, taken)
    lines = [(text.count("\n", 0, at) + 1, value, rule, known) for at, value, rule, known in spots]
    seen = {(line, value) for line, value, _, _ in lines}
    lines += [
        (line, value, rule, False)
        for rule, line, value in secretfiles.search(content)
        if (line, value) not in seen
    ]
    # a line is shown to the fingerprint without any of the secrets that are in it
    values = sorted({value for _, value, _, _ in lines}, key=len, reverse=True)
    for line, value, rule, known in lines:
        yield _result(content, line, value, rule, values, known=known)


def _search(
    each: SecretRule, text: str, taken: list[tuple[int, int]]
) -> Iterator[tuple[int, str, Rule, bool]]:
    for match in each.pattern.finditer(text):
        groups = match.groupdict()
        name = next((key for key in ("s", "q") if groups.get(key)), 0)
        start, stop = match.span(name)
        value = match[name]
        if any(start < end and begin < stop for begin, end in taken) or not each.real(value):
            continue
        if each is secretrules.ASSIGNED and _is_long(text, start):
            continue
        taken.append((start, stop))
        # of a key the place is that of its first line
        yield (match.start() if each is secretrules.PRIVATE_KEY else start), value, each.rule, each.known


def _is_long(text: str, at: int) -> bool:
    start = text.rfind("\n", 0, at)
    return text.find("\n", at, start + _LONGEST) < 0 and len(text) - start > _LONGEST


def _result(content: Content, line: int, value: str, rule: Rule, values: list[str], *, known: bool) -> Result:
    text = content.line(line)
    for each in values:
        text = text.replace(each, "…")
    message = f"{rule.title[0].lower()}{rule.title[1:]} is in the file ({shown(value, known=known)})"
    place = content.path
    return Result("secrets", rule.id, rule.level, place, message, line, text=f"{text} {trace(value)}")
