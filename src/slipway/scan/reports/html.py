"""Scans as one HTML file: it loads nothing, can be read without JavaScript, and filters and sorts with it.

All texts are escaped, addresses that are none of the web are left out, and the page's own policy (Content-Security-Policy) lets only
the one style sheet and the one script run that are in it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from slipway import __version__
from slipway.scan.history.tally import numbers
from slipway.scan.reports import view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.scan.model import Finding, Scan
    from slipway.scan.policy.model import Judged
    from slipway.scan.reports.view import Package

_PAGE: Final = Path(__file__).parent / "page"
_LONGEST: Final = 500  # characters of a description that are shown
# control characters, and those that turn the direction of writing: HTML has no place for the ones, and people are fooled by the others
_HIDDEN: Final = dict.fromkeys(
    (*(set(range(0xA0)) - {*range(0x20, 0x7F), 0x9, 0xA}), *range(0x202A, 0x202F), *range(0x2066, 0x206A)),
    "\ufffd",
)
_OUTCOMES: Final = {"pass": "Pass", "fail": "Fail", "unknown": "Could not tell"}


def render(judged: Sequence[Judged], *, trends: Mapping[str, str]) -> str:
    """`trends` are pictures (SVG) of how an image went, by its name."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    style, script = ((_PAGE / name).read_text("utf-8") for name in ("report.css", "report.js"))
    engine = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    template = engine.from_string((_PAGE / "report.html").read_text("utf-8"))
    images = [_image(each, place, trends) for place, each in enumerate(judged)]
    text = template.render(
        title="Scan of " + (images[0]["name"] if len(images) == 1 else f"{len(images)} images"),
        images=images,
        levels=[str(level) for level in view.WORST_FIRST],
        kinds=sorted({package["kind"] for image in images for package in image["packages"]}),
        policy="; ".join(
            (
                "default-src 'none'",
                f"style-src {_allowed(style)}",
                f"script-src {_allowed(script)}",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        version=__version__,
    )
    return text.rstrip().translate(_HIDDEN) + "\n"


def _allowed(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _image(judged: Judged, place: int, trends: Mapping[str, str]) -> dict[str, Any]:
    scan = judged.scan
    image = scan.inventory
    told = numbers(scan)
    verdict = judged.verdict
    return {
        "id": f"image-{place}",
        "name": image.name,
        "facts": [(name, text) for name, text in _facts(scan) if text],
        "numbers": told,
        "total": sum(told.open),
        "sums": _sums(scan),
        "bars": _bars(told.open),
        "outcome": verdict.outcome if verdict else "",
        "said": _OUTCOMES[verdict.outcome] if verdict else "",
        "reasons": [reason.text for reason in verdict.reasons] if verdict else [],
        "notes": verdict.notes if verdict else (),
        "missing": view.incomplete(scan),
        "packaged": scan.packaged,
        "packages": [_package(package) for package in view.packages(scan)],
        "headers": [_package(package) for package in view.packages(scan, headers=True)],
        "outdated": view.nameless(scan),
        "uncovered": view.uncovered(scan),
        "feeds": view.ages(scan),
        "trend": b64encode(trends[image.name].encode()).decode() if image.name in trends else "",
    }


def _facts(scan: Scan) -> list[tuple[str, str]]:
    image = scan.inventory
    return [
        ("Base", image.system.name or image.system.distro),
        ("Platform", image.platform),
        ("Digest", image.digest),
        ("Packages", str(len(image.components))),
        ("Scanned", scan.time.replace("T", " ").replace("Z", " UTC")),
    ]


def _sums(scan: Scan) -> list[str]:
    told = numbers(scan)
    whole = sum(told.open)
    if not scan.findings and not scan.complete:
        return ["Nothing was found, but not all could be looked at."]
    rows = [
        (whole, f"{told.fixable} of {whole} can be repaired"),
        (sum(told.excused), f"{sum(told.excused)} excused"),
        (told.headers, f"{told.headers} in headers only"),
        (told.outdated, f"{told.outdated} packages outdated"),
        (told.uncovered, f"{told.uncovered} packages of which nothing is known"),
    ]
    return [text for count, text in rows if count]


def _bars(counts: Sequence[int]) -> list[dict[str, Any]]:
    """Every level with its count and, in hundredths of the whole, where it is in the bar."""
    whole = sum(counts) or 1
    rows, start = [], 0.0
    for level in view.WORST_FIRST:
        width = 100 * counts[level] / whole
        rows.append(
            {"level": str(level), "count": counts[level], "x": f"{start:.2f}", "width": f"{width:.2f}"}
        )
        start += width
    return rows


def _package(package: Package) -> dict[str, Any]:
    component = package.component
    rows = [_finding(finding) for finding in package.findings]
    return {
        "kind": component.kind,
        "name": component.name,
        "version": component.version,
        "places": package.places,
        "path": component.path,
        "source": component.source_name if component.source_name != component.name else "",
        "level": str(package.level),
        "fix": view.package_fix(package),
        "fixable": bool(package.fix),
        "open": len(package.open),
        "more": package.lower_bound,
        "rows": rows,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    severity = finding.severity
    text = finding.description.strip()
    return {
        "id": finding.id,
        "url": view.address(finding),
        "aliases": ", ".join(finding.aliases),
        "level": str(severity.level),
        "score": f"{severity.score:.1f}" if severity.score else "",
        "origin": severity.origin,
        "fix": view.fix_words(finding),
        "fixable": finding.fixable,
        "state": "open" if finding.open else "excused",
        "excuse": view.excuse(finding),
        "title": finding.title,
        "text": "" if text == finding.title else text[:_LONGEST] + "…" * (len(text) > _LONGEST),
        "provenance": ", ".join(finding.provenance),
        "seen": finding.first_seen[:10],
    }
