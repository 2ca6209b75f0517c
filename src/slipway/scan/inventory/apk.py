"""Alpine's database of what is installed (wiki of Alpine Linux: Apk spec, section "Installed Database V2")."""

from __future__ import annotations

from slipway.errors import InputError
from slipway.scan.inventory.interest import owned
from slipway.scan.inventory.model import FileFacts, Package
from slipway.scan.inventory.words import licences, optional, word


def installed(data: bytes) -> FileFacts:
    """Stanzas of `X:value` lines; `F:` names a directory, and each `R:` after it a file there."""
    packages = []
    problems = []
    for stanza in data.decode(errors="replace").split("\n\n"):
        if not stanza.strip():
            continue
        fields: dict[str, str] = {}
        files = []
        for line in stanza.splitlines():
            key, _, value = line.partition(":")
            if key == "R":
                files.append(f"{fields.get('F', '')}/{value}")
            else:
                fields[key] = value
        try:
            packages.append(_package(fields, files))
        except InputError as error:
            problems.append(f"the package {fields.get('P', '?')[:60]!r}: {error.brief}")
    return FileFacts(tuple(packages), problems=tuple(problems))


def _package(fields: dict[str, str], files: list[str]) -> Package:
    name, version = word(fields.get("P"), "name"), word(fields.get("V"), "version")
    return Package(
        "apk",
        name,
        version,
        optional(fields.get("A"), "architecture"),
        optional(fields.get("o"), "origin") or name,
        version,  # all packages of an origin have its version
        licences(fields.get("L")),
        owns=owned(files),
    )
