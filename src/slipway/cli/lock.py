"""`slipway lock`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.face import Face, says
from slipway.cli.lazy import Command
from slipway.errors import LockError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.cli.text import Paint
    from slipway.events import Reporter
    from slipway.lock.diff import Change
    from slipway.lock.model import Lock

EXAMPLES = """
slipway lock image.yaml                  pin what the recipe means now, in image.lock.yaml
slipway lock image.yaml --upgrade        take newer versions of everything
slipway lock image.yaml --check          does the lock fit the recipe and its files?
slipway build image.yaml --locked        build from the lock
"""


@says()
@click.command(cls=Command, examples=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--upgrade", is_flag=True, help="Resolve everything anew instead of keeping what is locked.")
@click.option("--check", is_flag=True, help="Write nothing; fail with status 9 unless the lock fits.")
@click.pass_obj
def lock(face: Face, *, file: Path, upgrade: bool, check: bool) -> None:
    """Write down every input of an image, with its hash.

    The lock stands beside the recipe: image.lock.yaml and, with Python packages, pylock.image.toml. What is
    locked already stays as it is, apart from what the recipe changed; local files are taken as they are. Standard
    output tells what differs.
    """
    if upgrade and check:
        raise UsageError("--upgrade writes and --check does not", hint="use one of them")
    from slipway.lock.diff import counts, differences
    from slipway.lock.files import lock_path, write_lock
    from slipway.recipe import load as load_recipe
    from slipway.settings import source_date_epoch

    recipe = load_recipe(file)
    settings = face.settings()
    path = lock_path(file)
    with face.reporter() as reporter:
        if check:
            from slipway.lock.files import read_lock
            from slipway.lock.update import check as check_lock

            check_lock(recipe, read_lock(file), settings, reporter)
            face.result({"lock": str(path), "fits": True}, lambda: f"{path} fits {file}")
            return
        from slipway.lock.update import updated

        old = _existing(file, path, reporter)
        new = updated(recipe, old, settings, reporter, upgrade=upgrade, epoch=source_date_epoch())
    changes = differences(old, new)
    written = write_lock(file, new)
    data: dict[str, Any] = {
        "lock": str(path),
        "files": [str(p) for p in written],
        "new": old is None,
        "changed": bool(changes),
        "changes": [c.as_dict() for c in changes],
        "holds": counts(new),
    }

    def text() -> str:
        from slipway.cli.text import Paint

        return _render(path, new, changes, Paint(sys.stdout), first=old is None)

    face.result(data, text)


def _existing(file: Path, path: Path, reporter: Reporter) -> Lock | None:
    """The lock as it is, None when there is none or it is of no use."""
    from slipway.lock.files import read_lock

    try:
        return read_lock(file) if path.exists() else None
    except LockError as error:
        reporter.warn(f"{error}; the lock is written anew")
        return None


def _render(path: Path, new: Lock, changes: Sequence[Change], paint: Paint, *, first: bool) -> str:
    from slipway.cli.text import columns, plural
    from slipway.lock.diff import counts

    held = counts(new)
    nouns = {
        "debs": ("Debian package",),
        "wheels": ("Python package",),
        "files": ("file",),
        "repositories": ("repository", "repositories"),
    }
    content = ", ".join(plural(held[key], *noun) for key, noun in nouns.items() if held[key])
    content = f"{content or 'nothing to pin'} for {', '.join(held['platforms'])}"
    if first:
        return f"{paint(str(path), 'bold')}: {content}"
    if not changes:
        return f"{paint(str(path), 'bold')}: unchanged, {content}"
    several = len(held["platforms"]) > 1
    rows = [((c.platform,) if several else ()) + (c.kind, *_change(c, paint)) for c in changes]
    head = f"{paint(str(path), 'bold')}: {plural(len(changes), 'change')}, now {content}"
    return "\n".join([head, *(f"  {line}" for line in columns(rows))])


def _change(change: Change, paint: Paint) -> tuple[str, str]:
    from slipway.cli.text import printable

    name, before, after = (printable(t) for t in (change.name, change.before, change.after))
    if change.kind == "recipe":
        word = "changed" if before and after else "new" if after else "gone"
        return name, paint(word, "yellow")
    if not before:
        return paint(f"+ {name}", "green"), after
    if not after:
        return paint(f"- {name}", "red"), before
    return name, f"{before} {paint.sign('→', '->')} {after}"
