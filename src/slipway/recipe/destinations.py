"""Where things come to lie in the workspace: names that are allowed, and two things that want one place.

The workspace is a virtual environment too, and so are the images of the pyATS Image Builder: what comes into `bin`, `lib`
and `include` lies beside the environment's own files, as it does there. Only what would replace these directories, or a
file on which the environment depends, is refused, and `installation`, where an image keeps how it was made.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from slipway.recipe import checks
from slipway.recipe.kinds import Refused
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.errors import Where
    from slipway.recipe.model import FileItem, Repository

SHARED = ("bin", "include", "lib")
"""Directories of the virtual environment: a directory may be merged into them, a file may not take their place."""

_TAKEN = {
    "installation": "an image keeps there how it was made",
    "lib64": "it is a link of the virtual environment",
    "pyvenv.cfg": "it is a file of the virtual environment",
}
_SINGLE = ("http", "https", "ftp", "ftps")  # sources that are one file


class Clash(NamedTuple):
    """Two things for one place: where the later one is written, and what is wrong."""

    where: Where
    message: str
    hint: str


def destination(value: str) -> str:
    """A path inside the workspace, normalised."""
    path = PurePosixPath(value)
    if path.is_absolute():
        hint = "a destination is relative to the workspace" + (f": {value.lstrip('/')}" if path.name else "")
        raise Refused(f"destination {quote(value)} is absolute", hint)
    if ".." in path.parts:
        raise Refused(f"destination {quote(value)} goes out of the workspace", "write it without `..`")
    if not path.parts or checks.has_control(value):
        raise Refused(f"destination {quote(value)} is not the name of a file or directory")
    if why := _TAKEN.get(path.parts[0]):
        raise Refused(f"destination {quote(value)} is taken: {why}", "choose another name")
    return str(path)


def is_single(item: FileItem) -> bool:
    """Whether an item of `files` is certainly one file; what a local path or a directory elsewhere is, only a look tells."""
    scheme, colon, _ = item.source.partition("://")
    return bool(colon) and scheme.lower() in _SINGLE and not item.extract


def clashes(
    files: Sequence[FileItem], repositories: Sequence[Repository], *, pip_config: bool
) -> Iterator[Clash]:
    """Everything that cannot lie where it is to; that two files have the same place is told elsewhere."""
    first: dict[str, tuple[str, Where]] = {}
    if pip_config:
        yield from (
            Clash(item.where, "`pip-config` and `files` both give pip.conf", "keep one of them")
            for item in files
            if item.dest == "pip.conf"
        )
    for item in files:
        if item.dest in SHARED and is_single(item):
            hint = f"to put it there, write {item.dest}/NAME"
            message = f"destination {quote(item.dest)} is a directory of the virtual environment"
            yield Clash(item.where, message, hint)
        first[item.dest] = ("files", item.where)
    for tree in repositories:
        if (known := first.setdefault(tree.dest, ("repositories", tree.where)))[1] is not tree.where:
            message = f"destination {quote(tree.dest)} comes twice, first in `{known[0]}` {_line(known[1], tree.where)}"
            yield Clash(tree.where, message, "give each a name of its own")
    singles = {item.dest: item.where for item in files if is_single(item)}
    for dest, (_, where) in first.items():
        for parent in PurePosixPath(dest).parents:
            if (outer := singles.get(str(parent))) is not None:
                message = f"destination {quote(dest)} lies in {quote(str(parent))}, which is a file"
                yield Clash(where, message, f"that is written {_line(outer, where)}")


def _line(there: Where, here: Where) -> str:
    return f"on line {there.line}" + (f" of {there.file}" if there.file != here.file else "")
