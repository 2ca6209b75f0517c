"""Scans as a table for people who must act: what to update first, to which version, and what is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.cli.render_scan_packages import STYLES, one_line, package_lines, wrapped
from slipway.cli.text import plural, printable, short
from slipway.scan.history.tally import numbers
from slipway.scan.reports import view

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.cli.text import Paint
    from slipway.scan.model import Finding, Scan
    from slipway.scan.policy.model import Judged
    from slipway.scan.reports.view import Package

_OUTCOMES: Final = {
    "pass": ("pass", "green"),
    "fail": ("fail", "red"),
    "unknown": ("could not tell", "yellow"),
}
_REASONS: Final = 5


class Table:
    """`width` is how many columns there are; with `everything` nothing is left out or cut off."""

    def __init__(self, paint: Paint, width: int, *, everything: bool = False) -> None:
        self._paint = paint
        self._width = max(width, 60)
        self._everything = everything
        self._arrow = paint.sign("→", "->")
        self._more = paint.sign("…", "...")

    def render(self, judged: Sequence[Judged]) -> str:
        return "\n\n".join("\n".join(self._image(each)) for each in judged)

    def line(self, judged: Judged) -> str:
        """An image in one line."""
        name = self._paint(printable(judged.scan.inventory.name), "bold")
        facts = ", ".join((self._counts(judged.scan), *self._rest(judged.scan)))
        return "  ".join(filter(None, (name, self._verdict(judged), facts)))

    # -- what is told of an image ----------------------------------------------------------------------------------

    def _image(self, judged: Judged) -> list[str]:
        scan = judged.scan
        found = view.packages(scan)
        return [
            *self._head(judged),
            *self._why(judged),
            *self._packages([package for package in found if package.open]),
            *self._outdated(scan),
            *self._headers(scan),
            *self._excused(scan),
            *self._uncovered(scan),
            *self._notes(judged, found),
        ]

    def _head(self, judged: Judged) -> list[str]:
        scan = judged.scan
        image = scan.inventory
        facts = (image.system.name or image.system.distro, image.platform, short(image.digest))
        size = plural(len(image.components), "package")
        feeds = ", ".join(f"{name} {age}" for name, age in view.ages(scan)) or "no advisories"
        name = one_line(image.name) or "''"
        title = self._wrapped([name, *(one_line(text) for text in facts if text)], "  ", "")
        return [
            self._paint(name, "bold") + title[0].removeprefix(name),
            *title[1:],
            "  ".join(filter(None, (self._verdict(judged), self._counts(scan)))),
            *self._wrapped(self._rest(scan), ", ", ""),
            *self._dim(f"{size}; {feeds}"),
        ]

    @staticmethod
    def _rest(scan: Scan) -> list[str]:
        told = numbers(scan)
        some = [
            (told.fixable, f"{told.fixable} can be repaired"),
            (sum(told.excused), f"{sum(told.excused)} excused"),
            (told.headers, f"{told.headers} in headers only"),
            (told.outdated, f"{plural(told.outdated, 'package')} outdated"),
            (told.uncovered, f"{told.uncovered} uncovered"),
        ]
        return [text for count, text in some if count]

    def _verdict(self, judged: Judged) -> str:
        if judged.verdict:
            word, colour = _OUTCOMES[judged.verdict.outcome]
            return self._paint(word, colour, "bold")
        return "" if judged.scan.complete else self._paint("not complete", "yellow", "bold")

    def _counts(self, scan: Scan) -> str:
        told = numbers(scan).open
        some = [
            self._paint(f"{told[level]} {level}", *STYLES[level]) for level in view.WORST_FIRST if told[level]
        ]
        if some:
            return ", ".join(some)
        if not (scan.complete or scan.inventory.components):
            return "nothing could be looked at"
        return view.nothing(scan)

    def _why(self, judged: Judged) -> list[str]:
        """What keeps it from passing; what makes a scan incomplete is a reason as well, and told once."""
        missing = view.incomplete(judged.scan)
        lines = [self._paint("not complete:", "yellow"), *self._items(missing)] if missing else []
        said = {*missing, *judged.scan.inventory.unread}
        reasons = [r.text for r in judged.verdict.reasons if r.text not in said] if judged.verdict else []
        if reasons:
            shown = reasons if self._everything else reasons[:_REASONS]
            lines += [self._paint("why:", "bold"), *self._items(shown)]
            lines += (
                self._dim(f"  {self._more} and {len(reasons) - len(shown)} more")
                if len(reasons) > len(shown)
                else []
            )
        return lines

    def _packages(self, found: Sequence[Package]) -> list[str]:
        if not found:
            return []
        return ["", *package_lines(found, self._paint, self._width, everything=self._everything)]

    # -- the rest --------------------------------------------------------------------------------------------------

    def _outdated(self, scan: Scan) -> list[str]:
        found = view.nameless(scan)
        texts = [
            f"{o.component.name} {o.component.version} {self._arrow} {o.available} ({o.suite})" for o in found
        ]
        return self._block(f"outdated, without a known weakness: {len(found)}", texts) if found else []

    def _headers(self, scan: Scan) -> list[str]:
        found = [package for package in view.packages(scan, headers=True) if package.open]
        texts = [
            f"{p.component.name} {p.component.version}: {plural(len(p.open), 'finding')}"
            + (f", fixed in {view.package_fix(p)}" if p.fix else "")
            for p in found
        ]
        return self._block("headers only, nothing of it runs:", texts) if found else []

    def _excused(self, scan: Scan) -> list[str]:
        found = [f for f in scan.findings if f.waiver or f.vex]
        if not found:
            return []
        waived = sum(bool(finding.waiver) for finding in found)
        counts = ((waived, "waived"), (len(found) - waived, "by VEX"))
        head = "excused: " + ", ".join(f"{count} {what}" for count, what in counts if count)
        return self._block(head, [_excused(finding) for finding in found])

    def _uncovered(self, scan: Scan) -> list[str]:
        lines = []
        for why, components in view.uncovered(scan).items():
            names = [f"{c.name} {c.version}" for c in components]
            lines += self._block(
                f"nothing is known of {plural(len(names), 'package')}: {why}", names, joined=True
            )
        return lines

    def _notes(self, judged: Judged, found: Sequence[Package]) -> list[str]:
        told = judged.verdict.notes if judged.verdict else judged.notes
        notes = [printable(text) for text in told]
        if some := sum(package.lower_bound for package in found):
            notes.append(
                f"of {plural(some, 'package')} not all that was repaired is known by name: the list is a lower bound"
            )
        return ["", *(line for text in notes for line in self._dim(f"note: {text}"))] if notes else []

    # -- lines -----------------------------------------------------------------------------------------------------

    def _block(self, head: str, texts: Sequence[str], *, joined: bool = False) -> list[str]:
        """A heading, and below it texts: all, or the first few; `joined` in lines that are filled."""
        shown = texts if self._everything else texts[: 8 if joined else _REASONS]
        rest = len(texts) - len(shown)
        more = [f"{self._more} and {rest} more"] if rest else []
        if joined:
            room = None if self._everything else self._width - 4
            lines = self._wrapped([one_line(text)[:room] for text in (*shown, *more)], ", ", "  ")
        else:
            lines = self._items((*shown, *more))
        title = self._wrapped(one_line(head).split(" "), " ", "")
        return ["", *(self._paint(line, "bold") for line in title), *lines]

    def _items(self, texts: Iterable[str]) -> list[str]:
        return [line for text in texts for line in self._wrapped(one_line(text).split(" "), " ", "  ")]

    def _dim(self, text: str) -> list[str]:
        return [self._paint(line, "dim") for line in self._wrapped(one_line(text).split(" "), " ", "")]

    def _wrapped(self, words: Sequence[str], between: str, indent: str) -> list[str]:
        return wrapped(words, between, indent, self._width)


def _excused(finding: Finding) -> str:
    return f"{finding.id} in {finding.component.name}: {view.excuse(finding)}"
