"""`snapshot`: packages and repositories from a file that `pyats environment snapshot` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from slipway.recipe import checks
from slipway.recipe.keys import PACKAGES
from slipway.recipe.kinds import Field, Kind, Refused, Report, Reported, convert, text
from slipway.recipe.nodes import Node, is_null
from slipway.recipe.records import record
from slipway.recipe.source import Source, quote

if TYPE_CHECKING:
    from slipway.recipe.model import Repository, Requirement

_LIMIT = 8 << 20


class Snapshot(NamedTuple):
    """What the file says, and its text."""

    text: str
    packages: tuple[Requirement, ...] = ()
    repositories: tuple[Repository, ...] = ()


# A snapshot may tell more than an image is made of.
_FILE = record(
    "a mapping with the keys `packages` and `repositories`",
    (
        Field("packages", PACKAGES, "Python packages.", ["pyats==26.9"]),
        Field("repositories", "repositories:REPOSITORIES", "Source trees.", {}),
    ),
    closed=False,
)


def _path(value: str) -> str:
    if not value or checks.has_control(value):
        raise Refused(f"{quote(value)} is not the path of a file")
    return value


def _snapshot(value: str, _node: Node, report: Report) -> Snapshot:
    from slipway.recipe.yamlnodes import parse

    path = _find(value, report.directory)
    source = Source(str(path), _text(path))
    inner = Report(source, path.parent, report.problems, report.environ)
    report.sources[source.name] = source
    with report.complete():
        root = parse(source, report.problems, report.environ)
    if root is None or is_null(root):
        return Snapshot(source.text)
    values: dict[str, Any] | None = inner.attempt(_FILE, root)
    if values is None:
        raise Reported
    return Snapshot(source.text, **values)


def _find(value: str, directory: Path) -> Path:
    """The file beside the recipe, or, as the pyATS Image Builder has it, in the working directory."""
    try:
        written = Path(value).expanduser()
    except RuntimeError:
        raise Refused(f"there is no home directory for {quote(value)}") from None
    for path in (directory / written, Path.cwd() / written):
        if path.is_file():
            return path
        if path.exists():
            raise Refused(f"{quote(value)} is not a file")
    hint = "" if written.is_absolute() else f"it is looked for in {directory} and in the working directory"
    raise Refused(f"there is no file {quote(value)}", hint)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LIMIT).decode().removeprefix("\ufeff")
    except OSError as error:
        raise Refused(f"cannot read {quote(str(path))}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{quote(str(path))} is not UTF-8 text: byte {error.start + 1}") from error


SNAPSHOT: Kind[Snapshot] = convert(text("the path of a file", _path, limit=4096), _snapshot)
