"""Scans as GitHub's Markdown, for a comment on a change: what to do first, and no more than a comment may hold.

Names of packages and texts of advisories come from anybody: whatever Markdown could take for markup is a character reference,
and what could mention somebody is code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.patterns import pattern
from slipway.scan.history.tally import numbers
from slipway.scan.reports import view

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Sequence

    from slipway.scan.model import Finding, Scan
    from slipway.scan.policy.model import Judged
    from slipway.scan.reports.view import Package

LIMIT: Final = 60_000  # characters; a comment on GitHub holds 65,536
_IDS: Final = 4  # of each package that are shown
_PLAIN = pattern(r"[^A-Za-z0-9 ,;+~/().-]|www\.|\bhttp|\s+")
_LINK = pattern(r"https?://[A-Za-z0-9./_~?=&%#:+,-]+")
_SIGNS: Final = {"pass": "✅ pass", "fail": "❌ fail", "unknown": "❔ could not tell"}


def render(judged: Sequence[Judged]) -> str:
    share = LIMIT // max(1, len(judged))
    return "\n".join(_image(each, share) for each in judged)


def _image(judged: Judged, room: int) -> str:
    scan = judged.scan
    image = scan.inventory
    facts = [image.system.name or image.system.distro, image.platform]
    facts += [f"`{image.digest[:19]}`"] if image.digest.startswith("sha256:") else []
    lines = [f"## {code(image.name)}", ""]
    if any(facts):
        lines += [" · ".join(fact if fact.startswith("`") else plain(fact) for fact in facts if fact), ""]
    lines += [*_verdict(judged), *_counts(scan), ""]
    tail = _tail(scan)
    room -= sum(len(line) + 1 for line in (*lines, *tail))
    return "\n".join([*lines, *_packages(view.packages(scan), room), *tail])


def _verdict(judged: Judged) -> list[str]:
    verdict = judged.verdict
    lines = [f"**{_SIGNS[verdict.outcome]}**", ""] if verdict else []
    lines += _items(reason.text for reason in verdict.reasons) if verdict else []
    missing = view.incomplete(judged.scan)
    if missing:
        lines += ["**The scan is not complete:**", "", *_items(missing)]
    return lines


def _counts(scan: Scan) -> list[str]:
    told = numbers(scan)
    levels = [f"{told.open[level]} {level}" for level in view.WORST_FIRST if told.open[level]]
    rest = [f"{told.fixable} of them can be repaired"] if told.fixable else []
    rest += [f"{sum(told.excused)} excused"] if sum(told.excused) else []
    rest += [f"{told.outdated} packages outdated"] if told.outdated else []
    rest += [f"{told.uncovered} packages of which nothing is known"] if told.uncovered else []
    return [f"**{', '.join(levels) or view.nothing(scan)}**" + "".join(f" · {text}" for text in rest)]


def _packages(found: Sequence[Package], room: int) -> list[str]:
    found = [package for package in found if package.open]
    if not found:
        return []
    lines = ["| Severity | Package | Installed | Fixed in | Known as |", "| --- | --- | --- | --- | --- |"]
    room -= 200 + sum(map(len, lines))
    for number, package in enumerate(found):
        line = _row(package)
        room -= len(line) + 1
        if room < 0:
            return [*lines, "", f"… and {len(found) - number} more packages", ""]
        lines.append(line)
    return [*lines, ""]


def _row(package: Package) -> str:
    shown = package.open[:_IDS]
    ids = ", ".join(_id(finding) for finding in shown)
    if len(package.open) > _IDS:
        ids += f", {len(package.open) - _IDS} more"
    ids += " and maybe others" if package.lower_bound else ""
    component = package.component
    cells = (
        str(package.level),
        code(component.name),
        plain(component.version),
        plain(view.package_fix(package)),
    )
    return f"| {' | '.join(cells)} | {ids} |"


def _id(finding: Finding) -> str:
    url = view.address(finding)
    return f"[{plain(finding.id)}]({url})" if _LINK.fullmatch(url) else plain(finding.id)


def _tail(scan: Scan) -> list[str]:
    lines = []
    if outdated := view.nameless(scan):
        names = ", ".join(code(f"{o.component.name} {o.available}") for o in outdated[:20])
        more = f", {len(outdated) - 20} more" if len(outdated) > 20 else ""
        lines += [f"Outdated, without a known weakness: {names}{more}", ""]
    for why, components in view.uncovered(scan).items():
        names = ", ".join(code(component.name) for component in components[:10])
        more = f", {len(components) - 10} more" if len(components) > 10 else ""
        lines += [f"Nothing is known of {len(components)} ({plain(why)}): {names}{more}", ""]
    headers = numbers(scan).headers
    if headers:
        lines += [f"Apart from that, {headers} in packages that only hold headers.", ""]
    feeds = ", ".join(f"{plain(name)} ({plain(date)})" for name, date in view.ages(scan))
    return [*lines, f"Advisories: {feeds or 'none'}", ""]


def _items(texts: Iterable[str]) -> list[str]:
    some = list(texts)
    more = [f"- … and {len(some) - 20} more"] if len(some) > 20 else []
    return [*(f"- {plain(text)}" for text in some[:20]), *more, ""]


def plain(text: str) -> str:
    """Text that stays text, on one line; `@` and `#` are followed by an invisible space, so as to name nobody and nothing."""
    return _PLAIN.sub(_reference, text).replace("&#64;", "&#64;&#8203;").replace("&#35;", "&#35;&#8203;")


def code(text: str) -> str:
    """Such text as code, where nothing is looked for."""
    return f"<code>{_PLAIN.sub(_reference, text)}</code>"


def _reference(found: re.Match[str]) -> str:
    text = found[0]
    if text.isspace():
        return " "
    return f"&#{ord(text[0])};{text[1:]}" if text.isprintable() else "�"
