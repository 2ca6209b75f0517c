"""npm's files (npm's documentation: package.json, package-lock.json): what is asked for, and what it came to.

Lock files, `package-lock.json` and `npm-shrinkwrap.json`, are of lockfileVersion 1 to 3.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.inventory import npm
from slipway.scan.inventory.words import word
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.model import Loose, Pin
from slipway.scan.source.pins.strict import json_object, table
from slipway.scan.source.pins.wanted import remark

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLES: Final = ("dependencies", "devDependencies", "optionalDependencies")
_EXACT = pattern(r"(?:npm:(@?[^@]+)@)?[=v]*([0-9]+\.[0-9]+\.[0-9]+(?:[-+][\w.+-]+)?)")
_OWN: Final = ("file:", "link:", "portal:", "workspace:")  # a directory that is looked at by itself


def read(text: str) -> Iterator[Pin | Loose]:
    """A lock file. `InputError` if it is not JSON, or of another shape."""
    lines = Lines(text)
    for package in npm.of_lock(json_object(text)):
        line = lines.of(f'node_modules/{package.name}": {{') or lines.of(f"{json.dumps(package.name)}: {{")
        if package.direct_url.startswith("file:"):
            yield Loose("unpinned", f"{package.name} is not from an index", line)
        else:
            yield Pin("npm", package.name, package.version, line, package.direct_url)


def asked(text: str) -> Iterator[Pin | Loose]:
    """`package.json`. `InputError` if it is not JSON, or of another shape."""
    top = json_object(text)
    lines = Lines(text)
    loose = []
    for name, wanted in [each for section in _TABLES for each in table(top, section).items()]:
        if not isinstance(wanted, str):
            raise InputError("its dependencies are no texts")
        line = lines.of(f"{json.dumps(name, ensure_ascii=False)}:")
        if found := _EXACT.fullmatch(wanted):
            yield Pin("npm", word(found[1] or name, "name"), found[2], line)
        elif not wanted.startswith(_OWN) or wanted.endswith((".tgz", ".tar.gz")):
            loose.append((name, line))
    yield from remark(loose)
