"""A squashfs image, through the program `unsquashfs`: listed, then only what is of interest unpacked."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError, ToolError, UsageError
from slipway.oci.digest import of_file
from slipway.patterns import pattern
from slipway.proc import find, run
from slipway.scan.inventory.interest import format_of
from slipway.scan.inventory.opened import Opened, facts_cache
from slipway.scan.inventory.tree import facts_of

if TYPE_CHECKING:
    from slipway.scan.inventory.model import LayerFacts
    from slipway.settings import Settings

_TIME: Final = 900.0  # seconds
_MOST: Final = 4 << 30  # bytes that may be unpacked
_ROOT: Final = "squashfs-root"  # what unsquashfs calls the root in its lists
# `-rw-r--r-- 0/0                 120 2024-01-01 10:00 squashfs-root/etc/os-release -> ../x`
_LINE = pattern(r"([-ldcbps])\S{9}\S* +\S+ +(\d+)(?:, *\d+)? +\S+ +\S+ +squashfs-root(?:/(.*))?")


def from_squashfs(path: Path, settings: Settings) -> Opened:
    """`UsageError` when there is no such file, `ToolError` without the program, `InputError` for a damaged image."""
    if not path.is_file():
        raise UsageError(f"{path} is not a file")
    digest = of_file(path)
    cache = facts_cache(settings)
    facts = cache.get(digest)
    if facts is None:
        facts = _read(path)
        cache.put(digest, facts)
    return Opened(digest, "", (), ((digest, facts),))


def _read(path: Path) -> LayerFacts:
    program = find("unsquashfs", purpose="squashfs images", hint="install squashfs-tools")
    with TemporaryDirectory(prefix="slipway-squashfs-") as name:
        wanted = _wanted(_run(program, "-lln", path).decode(errors="surrogateescape"), path)
        target = Path(name, "root")
        listing = Path(name, "list")
        listing.write_bytes(b"".join(os.fsencode(p) + b"\n" for p in wanted))
        if wanted:
            options = ("-no-progress", "-no-xattrs", "-no-wildcards", "-ignore-errors")
            _run(program, *options, "-dest", target, "-extract-file", listing, path)
        else:
            target.mkdir()
        return facts_of(target)


def _wanted(listing: str, image: Path) -> list[str]:
    """The paths of files and symlinks of interest; `InputError` when they are more than anybody needs."""
    found: list[str] = []
    size = 0
    for line in listing.split("\n"):
        hit = _LINE.fullmatch(line)
        if hit is None or not hit[3]:
            continue
        path = hit[3].partition(" -> ")[0] if hit[1] == "l" else hit[3]
        if hit[1] in "-l" and format_of(path):
            found.append(path)
            size += int(hit[2])
    if size > _MOST:
        raise InputError(f"{image} holds {size} bytes of package databases; at most {_MOST} are read")
    return found


def _run(program: str, *argv: str | Path) -> bytes:
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    try:
        return run([program, *argv], env=env, timeout=_TIME).stdout
    except ToolError as error:
        raise InputError(f"{argv[-1]} cannot be read", details=error.details or error.brief) from error
