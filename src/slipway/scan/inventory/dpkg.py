"""dpkg's database: `status`, the files of `status.d`, and the lists of files (dpkg(1), deb-control(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.distro.deb822 import read_fields
from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.inventory.interest import owned
from slipway.scan.inventory.model import FileFacts, Package
from slipway.scan.inventory.words import optional, word

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOURCE = pattern(r"(\S+)(?:\s+\((\S+)\))?")
_GONE = ("config-files", "not-installed")


def status(data: bytes) -> FileFacts:
    """The packages whose files are there, be they configured or not. `status.d` (images without dpkg) has no Status field."""
    packages = []
    problems = []
    for stanza in data.decode(errors="replace").split("\n\n"):
        if not stanza.strip():
            continue
        fields = read_fields(stanza)
        if fields.get("status", "").rpartition(" ")[2] in _GONE:
            continue
        try:
            packages.append(of_fields(fields))
        except InputError as error:
            problems.append(f"the package {fields.get('package', '?')[:60]!r}: {error.brief}")
    return FileFacts(tuple(packages), problems=tuple(problems))


def of_fields(fields: Mapping[str, str]) -> Package:
    """From the fields of a control file, names in lower case. `InputError` when they make no sense."""
    name = word(fields.get("package"), "name")
    version = word(fields.get("version"), "version")
    # a binary built again (+b1), or with a version of its own, tells its source's in parentheses
    source = _SOURCE.fullmatch(fields.get("source", ""))
    return Package(
        "deb",
        name,
        version,
        optional(fields.get("architecture"), "architecture"),
        word(source[1], "source") if source else name,
        word(source[2], "source version") if source and source[2] else version,
    )


def listed(data: bytes) -> FileFacts:
    """`info/NAME.list`: a path a line. Kept is what may be of another packaging."""
    return FileFacts(paths=owned(data.decode(errors="replace").splitlines()))


def summed(data: bytes) -> FileFacts:
    """`status.d/NAME.md5sums`: a hash and a path a line."""
    lines = data.decode(errors="replace").splitlines()
    return FileFacts(paths=owned(line[32:].strip() for line in lines))
