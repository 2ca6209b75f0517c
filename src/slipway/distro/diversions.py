"""Diversions that packages register on installation (dpkg-divert(1)), as far as they move nothing.

Debian 13 guards the files that move below /usr by diversions to names that no package has; Debian 12's dash diverts
/bin/sh. These are only recorded. A diversion that would rename another package's file is none of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.distro import shellcalls
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.distro.world import World

_GUARD: Final = ".usr-is-merged"
_LOOP: Final = pattern(
    r"\bfor (\w+) in ([\w./+ -]+)\s*(?:;|\n)\s*do\b[^\n]*\n(?:\s*#[^\n]*\n)*([^\n]*dpkg-divert[^\n]*)\n\s*done"
)
_DASH: Final = (
    ("/usr/share/man/man1/sh.1.gz", "/usr/share/man/man1/sh.distrib.1.gz", "dash"),
    ("/bin/sh", "/bin/sh.distrib", "dash"),
)


def registered(world: World) -> list[tuple[str, str, str]]:
    """(path, diverted to, package), sorted; absolute paths as the packages write them."""
    found = {row for package, script in world.scripts("preinst") for row in _guards(package.name, script)}
    if "dash" in world.packages and "--divert $distrib --add" in world.text(
        "var/lib/dpkg/info/dash.postinst"
    ):
        found.update(_DASH)
    return sorted(found)


def _guards(package: str, script: str) -> Iterator[tuple[str, str, str]]:
    for loop in _LOOP.finditer(script):
        name, values, body = loop.groups()
        script += "".join(
            "\n" + body.replace(f"${name}", v).replace(f"${{{name}}}", v) for v in values.split()
        )
    for call in shellcalls.find(script, ("dpkg-divert",)).calls:
        words = call[1:]
        if "--add" not in words or "--divert" not in words[:-1]:
            continue
        owner = words[words.index("--package") + 1] if "--package" in words[:-1] else package
        target = words[words.index("--divert") + 1]
        if owner == package and target.endswith(_GUARD):
            yield words[-1], target, package
