"""What differs between two scans, as text and as data."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from slipway.cli.text import columns, plural, printable, short
from slipway.scan.fingerprint import fingerprint
from slipway.scan.history.model import HEADERS
from slipway.scan.model import Level
from slipway.scan.reports.view import fix_words, incomplete

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.cli.text import Paint
    from slipway.scan.history.changes import Changes, PackageChange
    from slipway.scan.model import Finding, Scan
    from slipway.scan.policy.model import Outcome

COLOURS = {Level.CRITICAL: "red", Level.HIGH: "red", Level.MEDIUM: "yellow"}
UNSURE = {"new": "may not be new", "gone": "may still be there"}
VERDICTS: dict[Outcome | None, str] = {
    "fail": "failed: there are new findings of that level",
    "unknown": "it cannot be told whether there are new findings of that level",
    "pass": "passed: no new findings of that level",
    None: "",
}
Row = tuple["Finding", str]


def table(changes: Changes, outcome: Outcome | None, paint: Paint) -> str:
    lines = [f"{_title(changes.old)}  →  {_title(changes.new)}"]
    for name, rows in _sections(changes):
        lines += ["", paint(f"{len(rows)} {name}", "bold")]
        cells = [
            (
                paint(str(finding.severity.level).upper(), COLOURS.get(finding.severity.level, "dim")),
                printable(finding.id),
                printable(_package(finding)),
                printable(_fix(finding)) if name != "gone" else "",
                printable(why),
            )
            for finding, why in rows
        ]
        lines += [f"  {line}" for line in columns(cells)]
    lines += ["", f"{plural(len(changes.same), 'finding')} as before; {_packages(changes.packages)}"]
    lines += [f"  {line}" for line in columns([[printable(c) for c in _cells(p)] for p in changes.packages])]
    warning = paint("warning:", "yellow", "bold")
    lines += [f"{warning} {printable(text)}" for text in warnings(changes)]
    colour = {"fail": "red", "unknown": "yellow"}.get(outcome or "", "green")
    return "\n".join([*lines, *([paint(VERDICTS[outcome], colour, "bold")] if outcome else [])])


def markdown(changes: Changes, outcome: Outcome | None) -> str:
    from slipway.scan.reports.markdown import plain

    lines = [f"## {plain(_title(changes.old))} → {plain(_title(changes.new))}"]
    lines += ["", f"**{VERDICTS[outcome]}**"] if outcome else []
    lines += ["", *(f"- **Warning:** {plain(text)}" for text in told)] if (told := warnings(changes)) else []
    for name, rows in _sections(changes):
        lines += ["", f"### {len(rows)} {name}"]
        if rows:
            lines += ["", "| Severity | Id | Package | Fix | Why |", "| --- | --- | --- | --- | --- |"]
        for finding, why in rows:
            cells = (str(finding.severity.level), finding.id, _package(finding), _fix(finding), why)
            lines.append(f"| {' | '.join(plain(cell) for cell in cells)} |")
    lines += ["", f"{plural(len(changes.same), 'finding')} as before; {_packages(changes.packages)}", ""]
    if changes.packages:
        lines += ["| Kind | Package | Before | After |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {' | '.join(plain(c) for c in (p.kind, p.name, p.before, p.after))} |"
            for p in changes.packages
        ]
    return "\n".join(lines).rstrip()


def data(changes: Changes, outcome: Outcome | None) -> dict[str, Any]:
    image = changes.new.inventory.name
    found: dict[str, Any] = {
        "format": 1,
        "old": _side(changes.old),
        "new": _side(changes.new),
        "added": [{**_data(image, t.finding), "why": t.why, "sure": t.sure} for t in changes.added],
        "gone": [{**_data(image, t.finding), "why": t.why, "sure": t.sure} for t in changes.gone],
        "changed": [{**_data(image, a.after), "what": list(a.what)} for a in changes.altered],
        "same": [_data(image, finding) for finding in changes.same],
        "packages": [
            {"kind": p.kind, "name": p.name, "before": p.before, "after": p.after, "way": p.way}
            for p in changes.packages
        ],
        "complete": changes.complete,
    }
    return found | ({"outcome": outcome} if outcome else {})


def warnings(changes: Changes) -> list[str]:
    """Why what is shown may not be all."""
    sides = (("old", changes.old), ("new", changes.new))
    found = [f"the {which} scan is incomplete: {text}" for which, scan in sides for text in incomplete(scan)]
    platforms = [scan.inventory.platform for _, scan in sides]
    if all(platforms) and platforms[0] != platforms[1]:
        found.append(f"the platforms differ: {platforms[0]} and {platforms[1]}")
    return found


def _sections(changes: Changes) -> list[tuple[str, list[Row]]]:
    """What is new and gone, also when nothing is; what changed only when something did."""
    found: list[tuple[str, list[Row]]] = [
        ("new", [(t.finding, _why("new", t.why, sure=t.sure)) for t in changes.added]),
        ("gone", [(t.finding, _why("gone", t.why, sure=t.sure)) for t in changes.gone]),
    ]
    altered: list[Row] = [(a.after, ", ".join(a.what)) for a in changes.altered]
    return [*found, ("changed", altered)] if altered else found


def _why(section: str, why: str, *, sure: bool) -> str:
    return why if sure else f"{why} ({UNSURE[section]})"


def _title(scan: Scan) -> str:
    inventory = scan.inventory
    facts = (short(inventory.digest), scan.time[:16].replace("T", " "))
    return printable(f"{inventory.name} ({', '.join(fact for fact in facts if fact)})")


def _package(finding: Finding) -> str:
    component = finding.component
    apart = " (headers only)" if finding.class_ == HEADERS else ""
    return f"{component.name} {component.version}{apart}"


def _fix(finding: Finding) -> str:
    return f"fixed in {fix_words(finding)}" if finding.fixed else fix_words(finding)


def _packages(found: Sequence[PackageChange]) -> str:
    counts = Counter(change.way for change in found)
    words = ", ".join(f"{count} {way}" for way, count in sorted(counts.items()))
    return f"packages: {words or 'the same'}"


def _cells(change: PackageChange) -> Iterable[str]:
    if change.way in ("added", "removed"):
        return change.kind, change.name, change.before or change.after, change.way
    return change.kind, change.name, f"{change.before} → {change.after}", change.way


def _side(scan: Scan) -> dict[str, Any]:
    inventory = scan.inventory
    return {
        "image": inventory.name,
        "digest": inventory.digest,
        "platform": inventory.platform,
        "time": scan.time,
        "complete": scan.complete,
        "problems": list(incomplete(scan)),
    }


def _data(image: str, finding: Finding) -> dict[str, Any]:
    component = finding.component
    return {
        "id": finding.id,
        "kind": component.kind,
        "package": component.name,
        "version": component.version,
        "purl": component.purl,
        "severity": str(finding.severity.level),
        "fixed": list(finding.fixed),
        "fixable": finding.fixable,
        "class": finding.class_,
        "title": finding.title,
        "fingerprint": fingerprint(image, finding),
    }
