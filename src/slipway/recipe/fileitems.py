"""Items of `files`: what is brought into the workspace, from where and under which name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from slipway.recipe import checks
from slipway.recipe.kinds import Kind, Refused, by_shape, convert, text
from slipway.recipe.model import FileItem
from slipway.recipe.nodes import Map, Node, describe
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from slipway.recipe.kinds import Report

_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*):.*"
_LATER_SCHEMES = ("ftp", "ftps", "scp", "sftp", "git", "s3")
_LABEL = "a path or URL"


def _source(value: str) -> str:
    """A local path or an http(s) URL, checked as far as the text goes; whether it is there is not looked at."""
    if not value or checks.has_control(value):
        raise Refused(f"{quote(value)} is not {_LABEL}")
    if not (found := re.fullmatch(_SCHEME, value)):
        return value
    scheme = found[1].lower()
    if scheme in ("http", "https"):
        _check_url(value)
    elif scheme in _LATER_SCHEMES or scheme.startswith("git+"):
        raise Refused(f"sources of scheme `{scheme}` are not supported by this release yet")
    else:
        raise Refused(
            f"unknown scheme {quote(found[1])}", f"if it is a local file, write {quote('./' + value)}"
        )
    return value


def _check_url(value: str) -> None:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    else:
        if parts.username is not None:
            raise Refused("a URL must not hold a user or password", "put them into ~/.netrc")
    if not host or " " in value:
        raise Refused(f"{quote(value)} is not a URL", "for example https://example.org/data.json")


def _destination(value: str) -> str:
    """A path inside the workspace, normalised."""
    path = PurePosixPath(value)
    if path.is_absolute():
        hint = "a destination is relative to the workspace" + (f": {value.lstrip('/')}" if path.name else "")
        raise Refused(f"destination {quote(value)} is absolute", hint)
    if ".." in path.parts:
        raise Refused(f"destination {quote(value)} goes out of the workspace", "write it without `..`")
    if not path.parts or checks.has_control(value):
        raise Refused(f"destination {quote(value)} is not the name of a file or directory")
    return str(path)


def _basename(source: str) -> str:
    is_url = re.fullmatch(r"(?i)https?:.*", source)
    name = (urlsplit(source).path if is_url else source).rstrip("/").rpartition("/")[2]
    if name in ("", ".", "..") or (not is_url and name == source.rstrip("/") and name.startswith("~")):
        name_it = f"write `NAME: {quote(source).strip('`')}`"
        raise Refused(f"{quote(source)} gives no name for the destination", name_it)
    return name


_SOURCE = text(_LABEL, _source, limit=4096, schema={"minLength": 1})
_DESTINATION = text("a destination", _destination, loose=True, limit=4096)


def _from_text(source: str, node: Node, report: Report) -> FileItem:
    return FileItem(_basename(source), source, report.where(node))


def _from_pair(node: Node, report: Report) -> FileItem:
    if not isinstance(node, Map):
        raise Refused(f"must be {_LABEL}, or one `DESTINATION: SOURCE`, not {describe(node)}")
    if len(node.entries) != 1:
        raise Refused(
            f"must be one `DESTINATION: SOURCE`, not {len(node.entries)} of them",
            "start each with `- ` of its own",
        )
    key, value = node.entries[0]
    with report.complete():
        destination = report.attempt(_DESTINATION, key)
        source = report.attempt(_SOURCE, value, key)
    return FileItem(str(destination), str(source), report.where(value))


_PAIR_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": _SOURCE.schema,
}

FILE_ITEM: Kind[FileItem] = by_shape(
    convert(_SOURCE, _from_text),
    Kind("one DESTINATION: SOURCE", _PAIR_SCHEMA, _from_pair),
)
