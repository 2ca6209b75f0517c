"""`slipway scan diff`, `slipway scan history` and `slipway scan summarize`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.complete import image_names
from slipway.cli.exits import FAILED, UNKNOWN
from slipway.cli.face import says
from slipway.cli.lazy import Command
from slipway.cli.text import Paint, is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slipway.cli.face import Face
    from slipway.events import Reporter
    from slipway.scan.model import Level, Scan
    from slipway.scan.policy.model import Outcome
    from slipway.settings import Settings

LEVELS = click.Choice(("negligible", "low", "medium", "high", "critical"))
PLATFORM_HELP = "Of an image for several platforms, this one."
DIFF_EXAMPLES = """
slipway scan diff hello~1 hello~0              the last two scans that are kept
slipway scan diff hello@2026-11-01 hello       what has come up since then
slipway scan diff hello:1 hello:2              both scanned now
slipway scan diff release.json hello:2 --fail-on-new high
"""
HISTORY_EXAMPLES = """
slipway scan history hello
slipway scan history hello:2 --since 2026-11-01
slipway scan history hello --plot hello.svg
"""
SUMMARIZE_EXAMPLES = """
slipway scan summarize hello:1 hello:2         the last scan of each
slipway scan summarize reports/*.json          saved by slipway, Trivy or Grype
slipway scan summarize hello reports/*.json --ignore-unfixed --fail-on high
"""


@says()
@click.command(cls=Command, examples=DIFF_EXAMPLES)
@click.argument("old", shell_complete=image_names)
@click.argument("new", shell_complete=image_names)
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json", "markdown")),
    default="table",
    show_default=True,
    help="What to print.",
)
@click.option(
    "--fail-on-new",
    "level",
    type=LEVELS,
    help="Exit with 10 if something this bad is new, with 11 if that cannot be told.",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Excuse what its waivers excuse in images that are scanned now.",
)
@click.option("--platform", default="", metavar="OS/ARCH", help=PLATFORM_HELP)
@click.pass_obj
def diff(
    face: Face, *, old: str, new: str, form: str, level: str | None, policy: Path | None, platform: str
) -> int:
    """Say which findings are new and which are gone, and why.

    OLD and NEW are each an image, which is scanned now; IMAGE~N, of the scans that are kept the one N before the last;
    IMAGE@TIME, the last one up to that day or time; or a report of `slipway scan --format json`. The names of the two
    do not matter. Findings that are excused count as not being there.
    """
    import time

    from slipway.cli import render_changes
    from slipway.scan.history.diff import diff as compare

    now = time.time()
    with face.reporter() as reporter:
        settings = face.settings()
        scans = [
            _resolved(each, policy, settings, reporter, now=now, platform=platform) for each in (old, new)
        ]
    changes = compare(*scans)
    wanted = _level(level)
    outcome = changes.outcome(wanted) if wanted else None
    data = render_changes.data(changes, outcome)
    texts: dict[str, Callable[[], str]] = {
        "table": lambda: render_changes.table(changes, outcome, Paint(sys.stdout)),
        "markdown": lambda: render_changes.markdown(changes, outcome),
    }
    _print(face, form, data, texts)
    return _status(outcome)


def _resolved(
    text: str, policy: Path | None, settings: Settings, reporter: Reporter, *, now: float, platform: str
) -> Scan:
    from slipway.scan.history.resolve import resolve

    scan, fresh = resolve(text, settings, reporter, now=now, platform=platform)
    if fresh and policy:
        from slipway.scan.policy.excuse import excuse
        from slipway.scan.policy.loader import load

        rules = load(policy)
        scan = excuse(scan, rules.waivers, rules.statements, now=now)
    return scan


@says()
@click.command(cls=Command, examples=HISTORY_EXAMPLES)
@click.argument("image", shell_complete=image_names)
@click.option("--since", default="", metavar="TIME", help="Only scans from this day or time on (UTC).")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.svg",
    help="Draw how the findings went.",
)
@click.option("--platform", default="", metavar="OS/ARCH", help=PLATFORM_HELP)
@click.pass_obj
def history(face: Face, *, image: str, since: str, plot: Path | None, platform: str) -> None:
    """Show how the findings of an image went over time.

    Of IMAGE without a tag the scans of all tags are shown. Numbers are of findings that count, each weakness of a
    package once; packages that hold only headers are left out.
    """
    from slipway.cli import render_history
    from slipway.errors import UsageError
    from slipway.scan.history.files import entries
    from slipway.scan.history.reference import since as parsed

    with face.reporter() as reporter:
        found = entries(image, face.settings(), reporter, platform=platform, since=parsed(since))
    if not found:
        raise UsageError(f"no scan of {image!r} is kept", hint=f"run `slipway scan {image}` first")
    if plot:
        if len(platforms := sorted({entry.platform for entry in found})) > 1:
            raise UsageError("a plot is of one platform", hint=f"--platform: {', '.join(platforms)}")
        from slipway.files import atomic
        from slipway.scan.history.trend import svg

        with atomic(plot) as file:
            file.write(svg(found).encode())
    width = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else sys.maxsize
    face.result(render_history.data(found), lambda: render_history.table(found, Paint(sys.stdout), width))


@says()
@click.command(cls=Command, examples=SUMMARIZE_EXAMPLES)
@click.argument("what", metavar="FILE|IMAGE...", nargs=-1, required=True, shell_complete=image_names)
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "markdown", "json", "csv")),
    default="table",
    show_default=True,
    help="What to print.",
)
@click.option("--ignore-unfixed", is_flag=True, help="Count only what a newer version mends.")
@click.option(
    "--fail-on",
    "level",
    type=LEVELS,
    help="Exit with 10 if an image has something this bad, with 11 if that cannot be told.",
)
@click.pass_obj
def summarize(
    face: Face, *, what: tuple[str, ...], form: str, ignore_unfixed: bool, level: str | None
) -> int:
    """Count the findings of several images or reports in one table.

    Reports are JSON of slipway, Trivy and Grype; of an image, the last scan that is kept. The name of an image is taken
    from its report, never from the report's file name; of several reports about one image the last counts. A report is
    stale when the image that has the name in the store is another one.
    """
    import time

    from slipway.cli import render_summary
    from slipway.scan.history.rows import outcome as judged
    from slipway.scan.history.rows import summarize as count
    from slipway.scan.history.saved import load

    with face.reporter() as reporter:
        settings = face.settings()
        saved = [each for text in what for each in load(text, settings, reporter)]
    summary = count(saved, face.store(), fixable_only=ignore_unfixed)
    wanted = _level(level)
    outcome = judged(summary, wanted, fixable_only=ignore_unfixed, now=time.time()) if wanted else None
    data = render_summary.data(summary, outcome)
    texts: dict[str, Callable[[], str]] = {
        "table": lambda: render_summary.table(summary, Paint(sys.stdout)),
        "markdown": lambda: render_summary.markdown(summary),
        "csv": lambda: render_summary.csv(summary),
    }
    _print(face, form, data, texts)
    return _status(outcome)


def _print(face: Face, form: str, data: dict[str, Any], texts: Mapping[str, Callable[[], str]]) -> None:
    """`--json` is for programs that read lines, `--format json` for files."""
    import json

    forms = {**texts, "json": lambda: json.dumps(data, indent=1, ensure_ascii=False)}
    face.result(data, forms[form])


def _level(word: str | None) -> Level | None:
    from slipway.scan.model import Level

    return Level[word.upper()] if word else None


def _status(outcome: Outcome | None) -> int:
    return {"fail": FAILED, "unknown": UNKNOWN}.get(outcome or "pass", 0)
