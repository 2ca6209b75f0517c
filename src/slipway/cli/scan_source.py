"""`slipway scan source`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.exits import FAILED, UNKNOWN
from slipway.cli.face import says
from slipway.cli.lazy import Command
from slipway.cli.text import Paint, printable, table

if TYPE_CHECKING:
    from slipway.cli.face import Face
    from slipway.scan.source.model import Asked, Level, Result, SourceResult

EXAMPLES = """
slipway scan source                                  the files below this directory
slipway scan source --format sarif -o source.sarif   for a forge that shows SARIF
slipway scan source --baseline known.json            only what is new counts
slipway scan source --skip bandit="too slow here"    this check is not missed
slipway scan source --only secrets --only syntax .
"""
FORMATS = ("table", "json", "sarif", "markdown")
CHECK_NAMES = ("syntax", "bandit", "ruff", "dependencies", "secrets", "shellcheck")
LEVELS = ("error", "warning", "note", "never")
_STATUS = {"pass": 0, "fail": FAILED, "unknown": UNKNOWN}
_COLOURS = {"error": ("red", "bold"), "warning": ("yellow",), "note": ("dim",)}
_FILE = click.Path(path_type=Path, dir_okay=False)


@says(prints=False)
@click.command(cls=Command, examples=EXAMPLES)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="What to print."
)
@click.option("-o", "--output", type=_FILE, help="Write it to this file.")
@click.option("--baseline", type=_FILE, help="What is in this file was known before and does not count.")
@click.option("--update-baseline", is_flag=True, help="Write what is found now to the baseline's file.")
@click.option("--suppressions", type=_FILE, help="What this file excuses does not count, until it ends.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(CHECK_NAMES),
    help="Run this check; several with several options.",
)
@click.option(
    "--skip",
    multiple=True,
    metavar="CHECK[=REASON]",
    help="Leave this check out; without a reason it is missed.",
)
@click.option(
    "--fail-on",
    type=click.Choice(LEVELS),
    default="warning",
    show_default=True,
    help="Exit with 10 for results of this level or above.",
)
@click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Leave these files out: patterns as in .gitignore."
)
@click.pass_obj
def source(
    face: Face,
    *,
    paths: tuple[Path, ...],
    form: str,
    output: Path | None,
    baseline: Path | None,
    update_baseline: bool,
    suppressions: Path | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    fail_on: str,
    exclude: tuple[str, ...],
) -> int:
    """Scan the files of a project.

    Looked for are YAML, JSON and TOML that cannot be read, weak code in Python (bandit, and ruff's S rules) and shell
    (shellcheck, where it is installed), known weaknesses of the packages that requirement and lock files pin, and secrets.
    In a git work tree the files are those that git tracks or would.

    The exit status is 10 if something was found that counts, 11 if anything was not looked at, and 0 only if neither is so.
    """
    import time

    from slipway.scan.source.api import scan

    asked = _asked(baseline, suppressions, only, skip, exclude, update=update_baseline)
    level: Level | None = None if fail_on == "never" else fail_on  # type: ignore[assignment]
    with face.reporter() as reporter:
        result, tree = scan(paths or (Path(),), face.settings(), reporter, asked, now=time.time())
        if baseline is not None and update_baseline:
            from slipway.files import atomic
            from slipway.scan.source.baseline import written

            with atomic(baseline) as file:
                file.write(written(result, asked.known or (), tree.scopes))
            reporter.note(f"{baseline} says now what is known")
    _write(_rendered(result, form, level, face, Paint(sys.stdout) if output is None else None), output)
    return _STATUS[result.outcome(level)]


def _asked(
    baseline: Path | None,
    suppressions: Path | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    exclude: tuple[str, ...],
    *,
    update: bool,
) -> Asked:
    from slipway.scan.source import baseline as kept
    from slipway.scan.source import suppressions as excused
    from slipway.scan.source.model import Asked

    if update and baseline is None:
        raise click.UsageError("--update-baseline needs --baseline")
    pairs = [(name, reason.strip()) for name, _, reason in (each.partition("=") for each in skip)]
    known = None
    if baseline is not None:
        data = None if update and not baseline.exists() else _bytes(baseline)
        known = () if data is None else kept.read(data, str(baseline))
    entries = () if suppressions is None else excused.read(str(suppressions), _text(suppressions))
    return Asked(only, tuple(pairs), exclude, entries, known)


def _bytes(path: Path) -> bytes:
    from slipway.errors import UsageError

    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"there is no {path}") from error


def _text(path: Path) -> str:
    from slipway.errors import InputError

    try:
        return _bytes(path).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8") from error


def _rendered(result: SourceResult, form: str, level: Level | None, face: Face, paint: Paint | None) -> str:
    from slipway.scan.source import sarif, words

    if form == "sarif":
        return sarif.render(result)
    if form == "json":
        return words.document(result, level)
    if form == "markdown":
        return words.markdown(result, level)
    return _table(result, level, face, paint or _plain())


def _plain() -> Paint:
    import io

    return Paint(io.StringIO())


def _table(result: SourceResult, level: Level | None, face: Face, paint: Paint) -> str:
    from slipway.scan.source import words

    notes = face.verbose or level == "note"
    parts = []
    if rows := words.shown(result, notes=notes):
        parts.append(table(("LEVEL", "PLACE", "RULE", "WHAT"), [_cells(r, paint) for r in rows], paint))
    if gaps := words.open_gaps(result):
        cells = [(gap.check, printable(words.place(gap)), printable(gap.message)) for gap in gaps]
        parts.append(table(("NOT LOOKED AT", "PLACE", "WHY"), cells, paint))
    lines = words.summary(result, level)
    if not notes and any(r.open and r.level == "note" for r in result.results):
        lines.append("notes are listed with --verbose")
    return "\n\n".join([*parts, printable("\n".join(lines))]) + "\n"


def _cells(result: Result, paint: Paint) -> tuple[str, ...]:
    from slipway.scan.source import words

    level = paint(result.level, *_COLOURS[result.level])
    return level, printable(words.place(result)), words.rule(result), printable(result.message)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    from slipway.files import atomic

    with atomic(output) as file:
        file.write(text.encode(errors="backslashreplace"))
