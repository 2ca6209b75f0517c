"""Where a packaged path really stands: Debian's /bin, /sbin and /lib* are symlinks into /usr (file-hierarchy(7)).

dpkg unpacks through those symlinks; a layer has to name the real place. The same goes for /var/run and /var/lock,
which base-files turns into symlinks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from slipway.oci.entry import Kind

# path of the symlink -> (where it leads, its text)
MERGED: Final = {
    "bin": "usr/bin",
    "sbin": "usr/sbin",
    "lib": "usr/lib",
    "lib32": "usr/lib32",
    "lib64": "usr/lib64",
    "libo32": "usr/libo32",
    "libx32": "usr/libx32",
}
_VAR: Final = {"run": "run", "lock": "run/lock"}
ALIASES: Final = frozenset((*MERGED, "var/run", "var/lock"))


def place(path: str, kind: Kind) -> str:
    """The real place of a packaged path; the merging symlinks themselves stay where they are."""
    head, slash, rest = path.partition("/")
    if head == "var" and rest:
        second, slash, rest = rest.partition("/")
        if second in _VAR and (slash or kind == "dir"):
            return _VAR[second] + slash + rest
    elif head in MERGED and (slash or kind == "dir"):
        return MERGED[head] + slash + rest
    return path


def goes_to(path: str, target: str) -> str:
    """The real place that a symlink at `path` (a real place) points to, as far as its text tells."""
    parts = [] if target.startswith("/") else path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return place("/".join(parts), "file")
