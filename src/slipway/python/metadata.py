"""What a wheel says about itself: WHEEL and METADATA (PyPA specifications: binary distribution format, core metadata)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import Message

    from slipway.python.model import Dist, PythonTarget
    from slipway.python.wheelzip import WheelZip

LIMIT = 8 << 20  # bytes of a metadata file; long descriptions reach a few hundred thousand


def info_directory(files: Iterable[str], dist: Dist) -> str:
    """The one `NAME-VERSION.dist-info` at the root; `InputError` when there is none, more than one, or another's."""
    from packaging.utils import canonicalize_name

    roots = {path.partition("/")[0] for path in files if "/" in path}
    found = sorted(root for root in roots if root.lower().endswith(".dist-info"))
    if len(found) != 1:
        raise InputError(f"{dist.filename} has {len(found)} .dist-info directories where one belongs")
    name = found[0].removesuffix(".dist-info").partition("-")[0]
    if not found[0].endswith(".dist-info") or canonicalize_name(name) != dist.name:
        raise InputError(f"{dist.filename} is said to be {dist.name}, but holds {found[0]}")
    return found[0]


def check_wheel(archive: WheelZip, info: str, dist: Dist, target: PythonTarget) -> None:
    """`InputError` unless the archive's format is known and its tags fit the target."""
    from packaging.tags import parse_tag
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    from slipway.python import tags

    wheel = _headers(archive.read(f"{info}/WHEEL", LIMIT), f"{dist.filename}: WHEEL")
    version = str(wheel.get("Wheel-Version", "")).strip()
    if version.partition(".")[0] != "1":
        raise InputError(f"{dist.filename} has the wheel format {version or 'nothing'!r}; 1.x is known")
    ranks = tags.of_target(target)
    try:
        if dist.sdist:
            fitting = {t for text in wheel.get_all("Tag", ()) for t in parse_tag(str(text).strip())}
        else:
            fitting = set(parse_wheel_filename(dist.filename)[3])
    except (InvalidWheelFilename, ValueError) as error:
        raise InputError(f"{dist.filename}: {error}") from error
    if fitting.isdisjoint(ranks):
        raise InputError(f"{dist.filename} is not for Python {target.short} on {target.arch}")


def check_metadata(archive: WheelZip, info: str, dist: Dist) -> dict[str, Any]:
    """The facts that are kept beside a fragment; `InputError` unless METADATA is of this name and version.

    Keys: `name` as spelt, `requires` (list), `requires_python`, `license`, `summary`.
    """
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

    meta = _headers(archive.read(f"{info}/METADATA", LIMIT), f"{dist.filename}: METADATA")
    name, version = str(meta.get("Name", "")).strip(), str(meta.get("Version", "")).strip()
    try:
        same = canonicalize_name(name) == dist.name and Version(version) == Version(dist.version)
    except InvalidVersion:
        same = False
    if not same:
        raise InputError(
            f"{dist.filename} is said to be {dist.name} {dist.version}, but holds {name} {version}"
        )
    return {
        "name": name,
        "requires": [_line(r) for r in meta.get_all("Requires-Dist", ())],
        "requires_python": _line(meta.get("Requires-Python", "")),
        "license": _license(meta),
        "summary": _line(meta.get("Summary", "")),
    }


def _headers(data: bytes, what: str) -> Message:
    from email.parser import HeaderParser

    # the description after the empty line is long and nobody here reads it
    head = data.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    try:
        return HeaderParser().parsestr(head.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{what} is not UTF-8") from error


def _license(meta: Message) -> str:
    if text := _line(meta.get("License-Expression") or meta.get("License") or ""):
        return text[:200]  # some put the whole text of the licence there
    classifiers = [_line(c) for c in meta.get_all("Classifier", ())]
    return "; ".join(c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License :: "))


def _line(value: object) -> str:
    return " ".join(str(value).split())
