"""`slipway scan IMAGE...`: from options to documents and an exit status."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING

from slipway.cli.exits import FAILED, UNKNOWN
from slipway.cli.render_scan import Table
from slipway.cli.text import Paint, is_terminal, say
from slipway.errors import UsageError
from slipway.files import atomic
from slipway.scan import reports
from slipway.scan.images import Wanted, advice, scan_images
from slipway.scan.model import Level
from slipway.scan.policy.api import overall
from slipway.scan.policy.model import Policy
from slipway.scan.reports.json import data

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from slipway.cli.face import Face
    from slipway.events import Reporter
    from slipway.scan.adapters.tools import Tool
    from slipway.scan.policy.model import Judged
    from slipway.settings import Settings

Scans = Callable[["Wanted", "Settings", "Reporter", float], "Iterable[Judged]"]
_STATUS = {"pass": 0, "fail": FAILED, "unknown": UNKNOWN}
_WIDE = 120  # columns where there is no terminal


@dataclass(frozen=True)
class Asked:
    """The options, as they were given."""

    form: str | None
    outputs: tuple[Path, ...]
    everything: bool
    least: str | None
    policy: Path | None
    level: str | None
    ignore_unfixed: bool
    vex: tuple[Path, ...]
    approved: str
    imports: tuple[Path, ...]
    tool: Tool | None
    update: bool
    platform: str
    no_history: bool

    @property
    def least_level(self) -> Level:
        return Level[(self.least or "unknown").upper()]


def run(face: Face, images: Sequence[str], asked: Asked) -> int:
    """Scan, write, and say what came of it; what is wrong with the options is told before anything is done."""
    return deliver(
        face,
        asked,
        len(images),
        lambda wanted, settings, reporter, now: scan_images(images, wanted, settings, reporter, now=now),
    )


def deliver(face: Face, asked: Asked, count: int, scans: Scans) -> int:
    """The same for `count` scans from wherever they are."""
    places = _places(count, asked, json=face.json)
    settings = face.settings()
    now = time.time()
    judged: list[Judged] = []
    with face.reporter() as reporter:
        wanted = _wanted(asked, settings, reporter, now)
        if wanted.policy is None and "stsci" in places.values():
            # it tells a verdict, and the exit status shall tell the same
            wanted = replace(wanted, policy=Policy())
        for each in scans(wanted, settings, reporter, now):
            judged.append(each)
            _advise(each, reporter)
        trends = _trends(judged, settings, reporter) if "html" in places.values() else {}
    for path, form in places.items():
        table = _table(path, everything=asked.everything)
        text = _document(form, judged, trends, table, asked.least_level)
        if path is None and form == "table":
            say(text.rstrip(), sys.stdout)
        elif path is None:
            _print(text)
        else:
            with atomic(path) as file:
                file.write(_bytes(text))
    if face.json:
        face.result(data(judged), str)
    elif None not in places and not face.quiet:
        table = Table(Paint(sys.stderr), _WIDE)
        for each in judged:
            say(table.line(each))
    return _STATUS[overall(judged)]


def _places(count: int, asked: Asked, *, json: bool) -> dict[Path | None, str]:
    """Where to write (None: standard output), with the format of each."""
    form, outputs = asked.form, asked.outputs
    if form and len(outputs) > 1:
        raise UsageError("--format is for one --output", hint="of several, each has the format of its ending")
    places: dict[Path | None, str] = {path: form or reports.by_ending(path) for path in outputs}
    if not outputs and not json:
        places[None] = form or "table"
    if json and form not in (None, "json") and not outputs:
        raise UsageError(f"--json and --format {form} both want standard output", hint="add --output FILE")
    if count > 1 and "cyclonedx" in places.values():
        raise UsageError("a CycloneDX document is about one image", hint="scan each by itself")
    if count > 1 and asked.imports:
        raise UsageError("a report of another scanner is about one image", hint="scan each by itself")
    if asked.least and "stsci" not in places.values():
        raise UsageError("--min-level is for --format stsci", hint="other formats list all")
    if asked.level and asked.policy:
        raise UsageError("--policy and --fail-on cannot both be meant")
    if asked.ignore_unfixed and not asked.level:
        raise UsageError("--ignore-unfixed is for --fail-on", hint="a policy has `only-fixable` for it")
    if asked.approved and not (asked.policy or asked.level):
        raise UsageError("--approved is for --policy or --fail-on", hint="`slipway scan diff` compares")
    return places


def _wanted(asked: Asked, settings: Settings, reporter: Reporter, now: float) -> Wanted:
    from slipway.scan.policy.vex import read

    statements = tuple(statement for path in asked.vex for statement in read(path))
    approved = None
    if asked.approved:
        from slipway.scan.history.resolve import resolve

        approved, _ = resolve(asked.approved, settings, reporter, now=now, platform=asked.platform)
    return Wanted(
        _policy(asked),
        statements,
        approved,
        asked.imports,
        asked.tool,
        asked.platform,
        asked.update,
        not asked.no_history,
    )


def _policy(asked: Asked) -> Policy | None:
    from slipway.scan.policy.api import load, simple

    if asked.policy:
        return load(asked.policy)
    if asked.level:
        policy = simple(Level[asked.level.upper()], fixable_only=asked.ignore_unfixed)
        return replace(policy, only_new=bool(asked.approved))
    return None


def _advise(judged: Judged, reporter: Reporter) -> None:
    """The command that would make the scan complete."""
    scan = judged.scan
    if scan.problems and (feeds := advice(scan)):
        reporter.note(
            f"{scan.inventory.name}: to know more, run `slipway advisories update {' '.join(feeds)}`"
        )


def _trends(judged: Sequence[Judged], settings: Settings, reporter: Reporter) -> dict[str, str]:
    """Pictures of the past, of images that have one."""
    from slipway.scan.history.files import entries
    from slipway.scan.history.trend import svg

    found = {}
    for each in judged:
        image = each.scan.inventory
        history = entries(image.name, settings, reporter, platform=image.platform)
        if len(history) > 1:
            found[image.name] = svg(history)
    return found


def _document(form: str, judged: Sequence[Judged], trends: dict[str, str], table: Table, least: Level) -> str:
    if form == "table":
        return table.render(judged) + "\n"
    return reports.render(form, judged, trends=trends, least=least)


def _table(path: Path | None, *, everything: bool) -> Table:
    """For a terminal as wide as it is; files are of no colour, and in UTF-8."""
    stream = sys.stdout if path is None else TextIOWrapper(BytesIO(), "utf-8")
    width = shutil.get_terminal_size().columns if is_terminal(stream) else _WIDE
    return Table(Paint(stream), width, everything=everything)


def _print(text: str) -> None:
    """In UTF-8 whatever the locale is, as what is written into files: other programs read it."""
    sys.stdout.flush()
    sys.stdout.buffer.write(_bytes(text))
    sys.stdout.flush()


def _bytes(text: str) -> bytes:
    """Names of files in images need not be text; what is none has no place in a document."""
    return text.encode("utf-8", "replace")
