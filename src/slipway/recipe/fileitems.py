"""Items of `files`: what is brought into the workspace, from where, under which name and how."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from slipway.recipe import checks
from slipway.recipe.destinations import destination
from slipway.recipe.kinds import FLAG, Field, Kind, Refused, convert, text
from slipway.recipe.model import FileItem
from slipway.recipe.nodes import Map, Node, Scalar, describe
from slipway.recipe.records import record
from slipway.recipe.shapes import listing
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from slipway.recipe.kinds import Report

SCHEMES = ("http", "https", "ftp", "ftps", "scp", "sftp", "s3", "file")

_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*)://.*"
_LABEL = "a path or URL"
_ARCHIVE = r"(.+?)(\.tar(\.[a-z0-9]{1,4})?|\.t[gxb]z2?|\.zip|\.whl)"


def source(value: str) -> str:
    """A local path or a URL, checked as far as the text goes; whether it is there is not looked at."""
    if not value or checks.has_control(value):
        raise Refused(f"{quote(value)} is not {_LABEL}")
    if scheme := _scheme(value):
        if scheme not in SCHEMES:
            git = "git repositories have a key of their own: `repositories`" if "git" in scheme else ""
            raise Refused(f"unknown scheme {quote(scheme)}", git or f"known: {', '.join(SCHEMES)}")
        _check_url(value, scheme)
    return value


def _scheme(value: str) -> str:
    found = re.fullmatch(_SCHEME, value)
    return found[1].lower() if found else ""


def _check_url(value: str, scheme: str) -> None:
    hint = "for example https://example.org/data.json"
    if "://[" in value and "@]" in value:  # as examples show that the user may be left out
        hint = "brackets are for IPv6 addresses: write USER@HOST"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Refused(f"{quote(value)} is not a URL", hint) from None
    if scheme == "file":
        if host not in (None, "localhost") or not parts.path.startswith("/"):
            raise Refused(f"{quote(value)} is not a URL of a file here", "write file:///DIR/NAME")
    elif not host or host.startswith("-") or " " in (value if scheme in ("http", "https") else parts.netloc):
        raise Refused(f"{quote(value)} is not a URL", hint)
    elif scheme in ("scp", "sftp") and parts.password is not None:
        raise Refused(f"{scheme} takes no password", "let it log in with a key")
    elif scheme == "s3" and not parts.path.strip("/"):
        raise Refused(f"{quote(value)} names no object", "write s3://BUCKET/KEY")


def _basename(where: str, *, extract: bool = False) -> str:
    scheme = _scheme(where)
    path = urlsplit(where).path if scheme else where
    name = path.rstrip("/").rpartition("/")[2]
    if name in ("", ".", "..") or (not scheme and name == path.rstrip("/") and name.startswith("~")):
        name_it = f"write `NAME: {quote(where).strip('`')}`"
        raise Refused(f"{quote(where)} gives no name for the destination", name_it)
    if extract and (found := re.fullmatch(_ARCHIVE, name, re.IGNORECASE)):
        name = found[1]
    return destination(name)


def octal(value: str) -> int:
    """`0755`: permissions as chmod takes them."""
    hint = 'octal, as for chmod: "0755"'
    return int(checks.match("(0o?)?[0-7]{3,4}", value, "a mode", hint).removeprefix("0o"), 8)


def _mode(value: str, node: Node, _report: Report) -> int:
    """Without a zero before it, YAML readers would disagree on what the number is."""
    found = octal(value)
    if isinstance(node, Scalar) and node.kind == "int" and not value.startswith("0"):
        raise Refused(f"{quote(value)} could be octal or decimal", f'write it in quotes: "0{value}"')
    return found


def owner(value: str) -> str:
    """`UID[:GID]`, numbers."""
    checks.match(
        checks.OWNER, value, "an owner", "numbers, UID or UID:GID: names are known inside the image only"
    )
    numbers = [int(number) for number in value.split(":")]
    if max(numbers) > checks.MAX_ID:
        raise Refused(f"{quote(value)} is not an owner", f"numbers go to {checks.MAX_ID}")
    return ":".join(map(str, numbers))


def sha256(value: str) -> str:
    hint = "64 hexadecimal digits, as sha256sum shows"
    return checks.match(checks.SHA256, value, "a SHA-256", hint).removeprefix("sha256:").lower()


_SOURCE = text(_LABEL, source, limit=4096, schema={"minLength": 1})
_DESTINATION = text("a destination", destination, loose=True, limit=4096)

_FIELDS = (
    Field("dest", _DESTINATION, "Name in the workspace.", "data/users.json", "the source's name"),
    Field("url", _SOURCE, "Where it comes from.", "https://example.org/users.json"),
    Field("source", _SOURCE, "Where it comes from; another name for `url`.", "testbed.yaml"),
    Field(
        "sha256",
        text("a SHA-256", sha256, pattern=checks.SHA256),
        "Hash that the file must have.",
        "0" * 64,
        "any",
    ),
    Field(
        "mode",
        convert(text("a mode", str, schema={"type": ["integer", "string"]}, loose=True), _mode),
        'Permissions, octal as for chmod: "0755".',
        "0755",
        "those of the source",
    ),
    Field(
        "owner",
        text(
            "an owner",
            owner,
            loose=True,
            schema={"type": ["integer", "string"], "pattern": f"^{checks.OWNER}$"},
        ),
        "Owner, as numbers: UID or UID:GID.",
        "1000:1000",
        "root",
    ),
    Field(
        "extract",
        FLAG,
        "Whether the source is an archive (tar, zip) whose content is put at `dest`, not itself.",
        True,
        "false",
    ),
)
_RECORD = record("a mapping with the key `url`", _FIELDS, exclusive=(("url", "source", "what to bring in"),))
_NAMES = {field.name for field in _FIELDS}


def _from_text(node: Node, report: Report) -> FileItem:
    value = _SOURCE.read(node, report)
    return FileItem(_basename(value), value, report.where(node))


def _from_pair(node: Map, report: Report) -> FileItem:
    if len(node.entries) != 1:
        raise Refused(
            f"must be one `DESTINATION: SOURCE`, not {len(node.entries)} of them",
            "start each with `- ` of its own",
        )
    key, value = node.entries[0]
    if key.value in ("dest", "url", "source"):
        raise Refused(
            f"a lone {quote(key.value)} may be a key or a destination",
            "write the URL alone, or with `dest: NAME`",
        )
    with report.complete():
        dest = report.attempt(_DESTINATION, key)
        what = report.attempt(_SOURCE, value, key)
    return FileItem(str(dest), str(what), report.where(value))


def _from_map(node: Node, report: Report) -> FileItem:
    values: dict[str, Any] = _RECORD.read(node, report)
    where = values.pop("url", None) or values.pop("source", None)
    if where is None:
        raise Refused("`url` is missing", "for example: url: https://example.org/users.json")
    dest = values.pop("dest", None) or _basename(where, extract=values.get("extract", False))
    return FileItem(dest, where, report.where(node), **values)


def _read(node: Node, report: Report) -> FileItem:
    if isinstance(node, Scalar):
        return _from_text(node, report)
    if not isinstance(node, Map):
        raise Refused(f"must be {_LABEL}, or one `DESTINATION: SOURCE`, not {describe(node)}")
    if len(node.entries) > 1 and any(key.value in _NAMES for key, _ in node.entries):
        return _from_map(node, report)
    return _from_pair(node, report)


def _schema() -> dict[str, Any]:
    pair = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": _SOURCE.schema,
    }
    return {"anyOf": [_SOURCE.schema, pair, _RECORD.schema]}


_ITEM: Kind[FileItem] = Kind(f"{_LABEL} or one DESTINATION: SOURCE", _schema, _read, _FIELDS)

FILES = listing(_ITEM, "a list of files", unique=lambda item: item.dest, what="destination")
