"""What conda is to install: environment files, explicit lists, and conda-lock's files (conda's documentation: Managing environments)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.recipe.nodes import Map, Scalar, Seq
from slipway.recipe.source import Source
from slipway.recipe.yamlnodes import parse
from slipway.scan.source.pins import requirements
from slipway.scan.source.pins.model import Loose, Pin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.errors import Problem
    from slipway.recipe.nodes import Node
    from slipway.scan.source.pins.requirements import Entry

_SPEC = pattern(r"(?:[\w./-]+::)?(?P<name>[\w.-]+)\s*(?:(?P<sign>==?)\s*(?P<version>[\w.!+]+)(?:=[\w.*]+)?)?")
_NAME = pattern(r"(?:[\w./-]+::)?([\w.-]+)")
_ARCHIVE = pattern(r"([^/]+)-([^/-]+)-([^/-]+)\.(?:conda|tar\.bz2)")


def environment(text: str) -> Iterator[Entry]:
    """`dependencies` with specifications of conda, and in them a list `pip` of requirements. `InputError` if it has none."""
    source = Source("", text)
    problems: list[Problem] = []
    root = parse(source, problems, {})
    if root is None or not isinstance(root, Map):
        raise InputError(problems[0].message if problems else "it is not a mapping")
    top = {key.value: node for key, node in root.entries}
    if isinstance(locked := top.get("package"), Seq):
        yield from _locked(locked, source)
    elif isinstance(wanted := top.get("dependencies"), Seq):
        for node in wanted.items:
            yield from _dependency(node, source)
    elif "dependencies" not in top:
        raise InputError("it has no dependencies")


def explicit(text: str) -> Iterator[Entry]:
    """Addresses of archives behind `@EXPLICIT`: their names tell name, version and build."""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith(("#", "@")):
            continue
        found = _ARCHIVE.fullmatch(unquote(line.partition("#")[0].rpartition("/")[2]))
        if found:
            yield Pin("conda", found[1], found[2], number)
        else:
            yield Loose("unread", "this is no archive of conda", number)


def _dependency(node: Node, source: Source) -> Iterator[Entry]:
    line = source.where(node.at).line
    if isinstance(node, Map):
        for key, value in node.entries:
            if key.value == "pip" and isinstance(value, Seq):
                yield from _pip(value, source)
        return
    text = node.value.strip() if isinstance(node, Scalar) else ""
    if found := _SPEC.fullmatch(text):
        # one sign means "begins with": what is written then is a whole version, where an environment was exported
        if found["version"]:
            yield Pin("conda", found["name"].lower(), found["version"], line)
        else:
            yield Loose("unpinned", f"{found['name']} has no exact version", line)
    elif name := _NAME.match(text):
        yield Loose("unpinned", f"{name[1]} has no exact version", line)
    else:
        yield Loose("unread", "this is no package", line)


def _pip(items: Seq, source: Source) -> Iterator[Entry]:
    for item in items.items:
        line = source.where(item.at).line
        for entry in requirements.read(item.value if isinstance(item, Scalar) else "-"):
            yield replace(entry, line=line)


def _locked(packages: Seq, source: Source) -> Iterator[Entry]:
    """The one format of conda-lock: a list of packages with `name`, `version` and `manager`."""
    seen = set()
    for node in packages.items:
        row = (
            {k.value: v.value for k, v in node.entries if isinstance(v, Scalar)}
            if isinstance(node, Map)
            else {}
        )
        line = source.where(node.at).line
        if not row.get("name") or not row.get("version"):
            yield Loose("unread", "this is no package", line)
            continue
        pip = row.get("manager") == "pip"
        key = pip, row["name"], row["version"]  # once for each platform
        if key in seen:
            continue
        seen.add(key)
        if pip:
            wanted = requirements.read(f"{row['name']}=={row['version']}")
            yield from (replace(entry, line=line) for entry in wanted)
        else:
            yield Pin("conda", row["name"], row["version"], line)
