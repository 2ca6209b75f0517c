"""systemd units that packages enable, as deb-systemd-helper(1) leaves them: links, and its record of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.distro import shellcalls
from slipway.distro.native import NativeFile
from slipway.oci.entry import clean_path
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.distro.world import World

_HELPER: Final = "deb-systemd-helper"
_UNIT: Final = pattern(r"[A-Za-z0-9:_.@\\-]+\.[a-z]+\Z")
_LINE: Final = pattern(r"\s*(WantedBy|RequiredBy|Also|Alias|DefaultInstance)=(.+)\Z", re.IGNORECASE)


def enabled(world: World) -> list[NativeFile]:
    """Files for every unit that a postinst enables; nothing where the helper itself is missing, as there."""
    if not world.has(f"usr/bin/{_HELPER}"):
        return []
    files: dict[str, NativeFile] = {}
    for _, script in world.scripts("postinst"):
        for call in shellcalls.find(script, (_HELPER,)).calls:
            words = [w for w in call[1:] if not w.startswith("-")]
            instance = "user" if "--user" in call else "system"
            if words[:1] == ["enable"]:
                for unit in words[1:]:
                    files.update((f.path, f) for f in _enable(world, unit, instance))
    return [files[path] for path in sorted(files)]


def _enable(world: World, unit: str, instance: str) -> Iterator[NativeFile]:
    helper = "deb-systemd-helper-enabled" if instance == "system" else "deb-systemd-user-helper-enabled"
    state = f"var/lib/systemd/{helper}"
    links = list(_links(world, unit, instance, {unit}))
    if links:
        record = "".join(f"/{path}\n" for path, _ in links)
        yield NativeFile(f"{state}/{unit}.dsh-also", record.encode())
    for path, target in links:
        yield NativeFile(path, target=target)
        yield NativeFile(f"{state}/{path.removeprefix(f'etc/systemd/{instance}/')}", b"")


def _links(world: World, unit: str, instance: str, visited: set[str]) -> Iterator[tuple[str, str]]:
    """(path, target) of the links that the [Install] section of a unit asks for, those of its `Also=` first."""
    path = f"usr/lib/systemd/{instance}/{unit}"
    if not _UNIT.match(unit) or not world.read(path):
        return
    target = f"/{path.removeprefix('usr/')}"
    name = unit
    wants: list[str] = []
    for line in world.text(path).splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        key, values = match[1].lower(), [v.strip("\"'") for v in match[2].split()]
        values = [v for v in values if _UNIT.match(v) or key == "defaultinstance"]
        if key in ("wantedby", "requiredby"):
            wants.extend(f"{v}.{'wants' if key == 'wantedby' else 'requires'}" for v in values)
        elif key == "alias":
            yield from ((f"etc/systemd/{instance}/{v}", target) for v in values if v != unit)
        elif key == "also":
            for other in values:
                if other not in visited:
                    visited.add(other)
                    yield from _links(world, other, instance, visited)
        elif values and "@." in unit:
            name = clean_path(unit.replace("@.", f"@{values[0]}.")).replace("/", "-")
    yield from ((f"etc/systemd/{instance}/{directory}/{name}", target) for directory in wants)
