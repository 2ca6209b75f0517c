"""Installed Python distributions (PyPA specifications: core metadata, recording installed projects, direct URL).

Old ones are `.egg-info` files and directories (setuptools: The Internal Structure of Python Eggs).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.inventory.model import FileFacts, Package
from slipway.scan.inventory.words import json_object, licences, public_url, word

_RUNS = pattern(r"[-_.]+")
_STEM = pattern(r"(?:.*/)?([^/]+?)-([^/-]+)(?:-py\d[^/-]*)?(?:-[^/]*)?\.(?:dist|egg)-info(?:/[^/]+)?")


def metadata(path: str, data: bytes) -> FileFacts:
    """`METADATA` or `PKG-INFO`; what it leaves out is taken from the name of its directory, as tools do."""
    fields = _headers(data)
    stem = _STEM.fullmatch(path)
    name = _one(fields, "name") or (stem[1] if stem else "")
    version = _one(fields, "version") or (stem[2] if stem else "")
    row = distribution(word(name, "name"), word(version, "version"), licence(fields))
    return FileFacts((row,))


def distribution(name: str, version: str, licenses: tuple[str, ...] = ()) -> Package:
    """Name and version in their normal form (PyPA: name normalization, version specifiers), in which feeds have them."""
    from packaging.version import InvalidVersion, Version

    with suppress(InvalidVersion):  # legacy versions stay as they are
        version = str(Version(version))
    return Package("pypi", _RUNS.sub("-", name).lower(), version, licenses=licenses)


def licence(fields: dict[str, list[str]]) -> tuple[str, ...]:
    """The expression, or else the free text, or else the classifiers."""
    stated = licences(_one(fields, "license-expression")) or licences(_one(fields, "license"))
    kinds = (c for c in fields.get("classifier", ()) if c.startswith("License :: "))
    return stated or licences(*(c.rpartition(" :: ")[2] for c in kinds))


def installer(data: bytes) -> FileFacts:
    return FileFacts(text=data[:100].decode(errors="replace").strip())


def direct_url(data: bytes) -> FileFacts:
    """Where it was installed from: `git+URL@COMMIT` for version control, without credentials."""
    value = json_object(data)
    url = public_url(value.get("url"))
    if not url:
        raise InputError("it has no address")
    control = value.get("vcs_info")
    if isinstance(control, dict):
        return FileFacts(text=_revision(url, control))
    return FileFacts(text=url)


def _revision(url: str, control: dict[str, Any]) -> str:
    system, commit = word(control.get("vcs"), "vcs"), word(control.get("commit_id"), "commit")
    return f"{system}+{url}@{commit}"


def _one(fields: dict[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[0]


def _headers(data: bytes) -> dict[str, list[str]]:
    """The fields before the first empty line, by name in lower case; of most only the first is of interest."""
    fields: dict[str, list[str]] = {}
    last = ""
    for raw in data.decode(errors="replace").splitlines():
        if not raw:
            break
        if raw[0] in " \t" and last:
            fields[last][-1] += " " + raw.strip()
            continue
        name, colon, value = raw.partition(":")
        last = name.lower() if colon else ""
        if last:
            fields.setdefault(last, []).append(value.strip())
    return fields
