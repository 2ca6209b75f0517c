"""From the bytes of a file to what it says of packages, whatever its format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.scan.inventory import apk, conda, dpkg, npm, python
from slipway.scan.inventory.model import FileFacts

if TYPE_CHECKING:
    from slipway.scan.inventory.interest import Format

LARGEST: Final = (
    32 << 20
)  # bytes; the largest of these files, lists of what is installed, reach a few million


def read(kind: Format, path: str, data: bytes) -> FileFacts:
    """What the file at `path` says; what cannot be understood is a problem of the file, never an error."""
    try:
        return _read(kind, path, data)
    except InputError as error:
        return FileFacts(problems=(error.brief,))


def _read(kind: Format, path: str, data: bytes) -> FileFacts:
    match kind:
        case "dpkg-status":
            return dpkg.status(data)
        case "dpkg-list":
            return dpkg.listed(data)
        case "dpkg-sums":
            return dpkg.summed(data)
        case "apk":
            return apk.installed(data)
        case "metadata":
            return python.metadata(path, data)
        case "installer":
            return python.installer(data)
        case "direct-url":
            return python.direct_url(data)
        case "conda":
            return conda.package(path, data)
        case "npm":
            return npm.package(data)
        case "npm-lock":
            return npm.locked(data)
        case "os-release":
            return FileFacts(text=data[: 1 << 16].decode(errors="replace"))
    raise ValueError(f"files of the format {kind!r} are not read by themselves")
