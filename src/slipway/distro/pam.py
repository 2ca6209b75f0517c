"""The common PAM configuration, as pam-auth-update(8) writes it on a fresh system.

Profiles (`/usr/share/pam-configs/NAME`) that are on by default are merged into the templates of libpam-runtime,
highest priority first; `/var/lib/pam` remembers what was merged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.distro.native import NativeFile
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.distro.world import World

_TYPES: Final = ("auth", "account", "password", "session", "session-noninteractive")
_PROFILES: Final = "usr/share/pam-configs"
_TEMPLATES: Final = "usr/share/pam"
_FIELD: Final = pattern(r"(\S+):(?:\s+(.*?))?\s*\Z")
_LINE: Final = pattern(r"((?:\[[^\]]+\]|\w+)\s+\S+)\s*(.*)")
_PRIMARY: Final = '# here are the per-package modules (the "Primary" block)'
_FALLBACK: Final = "# here's the fallback if no module succeeds"
_ADDITIONAL: Final = '# and here are more per-package modules (the "Additional" block)'
_END: Final = "# end of pam-auth-update config"

Profile = dict[str, str]


def common_files(world: World) -> list[NativeFile]:
    """`/etc/pam.d/common-*` and `/var/lib/pam/*`; nothing without the templates."""
    profiles = {
        path.rpartition("/")[2]: _parse(world.text(path))
        for path in world.below(_PROFILES)
        if not path.endswith("~")
    }
    order = sorted(sorted(profiles, reverse=True), key=lambda n: -_priority(profiles[n]))
    enabled = [name for name in order if profiles[name].get("Default") == "yes"]
    for name in list(enabled):  # of two that conflict, the one of lower priority goes
        if name in enabled:
            rivals = profiles[name].get("Conflicts", "").split(", ")
            enabled = [other for other in enabled if other not in rivals]
    files = []
    for kind in _TYPES:
        if template := world.text(f"{_TEMPLATES}/common-{kind}"):
            chosen = [profiles[name] for name in enabled]
            text = "".join(f"{line}\n" for line in _merged(template, kind, chosen))
            files.append(NativeFile(f"etc/pam.d/common-{kind}", text.encode()))
            memory = _memory(kind, {name: profiles[name] for name in enabled})
            files.append(NativeFile(f"var/lib/pam/{kind}", memory.encode()))
    if files:
        files.append(NativeFile("var/lib/pam/seen", "".join(f"{name}\n" for name in order).encode()))
    return files


def _parse(text: str) -> Profile:
    profile: Profile = {}
    field = ""
    for line in text.splitlines():
        if match := _FIELD.match(line):
            field = match[1].removesuffix("-Final")
            profile[field] = match[2] or ""
        elif field and line.strip():
            profile[field] = (profile[field] + "\n" + line.strip()).lstrip()
    if "Session-Interactive-Only" not in profile:
        for suffix in ("-Type", "", "-Initial"):
            if "Session" + suffix in profile:
                profile["Session-noninteractive" + suffix] = profile["Session" + suffix]
    return profile


def _priority(profile: Profile) -> int:
    text = profile.get("Priority", "0")
    return int(text) if text.isdigit() else 0


def _lines(kind: str, block: str, profiles: list[Profile]) -> Iterator[list[str]]:
    """The module lines of each profile in one block of one stack; the first of a stack may have its own."""
    field = kind.capitalize()
    first = True
    for profile in profiles:
        if profile.get(f"{field}-Type") == block:
            text = profile.get(f"{field}-Initial", "") if first else ""
            first = False
            yield (text or profile.get(field, "")).split("\n")


def _merged(template: str, kind: str, profiles: list[Profile]) -> Iterator[str]:
    stack = kind.partition("-")[0]
    skipping = ""
    for line in template.splitlines():
        if skipping and not line.startswith(skipping):
            continue
        skipping = ""
        yield line
        block = {_PRIMARY: "Primary", _ADDITIONAL: "Additional"}.get(line)
        if block is None:
            continue
        skipping = _FALLBACK if block == "Primary" else _END
        modules = [m for lines in _lines(kind, block, profiles) for m in lines]
        if block == "Primary" and not modules:
            yield f"{stack}\t[default=1]\t\t\tpam_permit.so"
        # "end" stands for the number of lines to jump over
        left = len(modules) - (block == "Additional")
        for module in modules:
            match = _LINE.match(module)
            head, options = (match[1], match[2]) if match else (module, "")
            yield f"{stack}\t{head.replace('end', str(left))} {' '.join(options.split())}"
            left -= 1


def _memory(kind: str, profiles: dict[str, Profile]) -> str:
    out: list[str] = []
    for block in ("Primary", "Additional"):
        of_block = {n: p for n, p in profiles.items() if p.get(f"{kind.capitalize()}-Type") == block}
        texts = ["\n".join(lines) for lines in _lines(kind, block, list(of_block.values()))]
        out.extend(f"Module: {name}\n{text}\n" for name, text in zip(of_block, texts, strict=True) if text)
        if block == "Primary" and not of_block:
            out.append("Module: null\n[default=1]\t\t\tpam_permit.so\n")
    return "".join(out)
