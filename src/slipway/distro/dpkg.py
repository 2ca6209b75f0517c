"""dpkg's database as dpkg itself leaves it after a fresh install (dpkg 1.21, database format 1).

The package fragments bring each package's own files; this module makes those that speak of all packages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.distro.native import NativeFile
from slipway.distro.relation import parse_groups
from slipway.distro.usrmerge import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.distro.relation import Relation
    from slipway.distro.world import Package

ADMIN: Final = "var/lib/dpkg"
DIRECTORIES: Final = tuple(f"{ADMIN}/{n}" for n in ("alternatives", "info", "parts", "triggers", "updates"))

# The order in which dpkg writes the fields it knows (its lib/dpkg/parse.c); others follow in their own order.
_RELATIONS: Final = (
    "Replaces",
    "Provides",
    "Depends",
    "Pre-Depends",
    "Recommends",
    "Suggests",
    "Breaks",
    "Conflicts",
    "Enhances",
)
_ORDER: Final = (
    "Package",
    "Essential",
    "Protected",
    "Status",
    "Priority",
    "Section",
    "Installed-Size",
    "Origin",
    "Maintainer",
    "Bugs",
    "Architecture",
    "Multi-Arch",
    "Source",
    "Version",
    *_RELATIONS,
    "Conffiles",
    "Description",
)
_ON_OFF: Final = frozenset(("Essential", "Protected"))
# dpkg knows these but keeps them out of the status file
_DROPPED: Final = frozenset(("Filename", "Size", "MD5sum", "MSDOS-Filename", "Config-Version"))
_OPERATORS: Final = {"<": "<=", ">": ">="}


def database(
    packages: Sequence[Package],
    arch: str,
    diversions: Iterable[tuple[str, str, str]] = (),
    *,
    notes_native: bool = False,
) -> list[NativeFile]:
    """The database's common files; `diversions` are (path, where it goes, package) with absolute paths.

    `notes_native` adds the file in which dpkg 1.22.12 and later note their own architecture.
    """
    triggers: dict[str, list[str]] = {}
    paths: list[str] = []
    for package in packages:
        for directive, trigger in package.extra["triggers"]:
            kind, _, manner = directive.partition("-")
            if kind != "interest":
                continue
            name = package.info + ("/noawait" if manner == "noawait" else "")
            if trigger.startswith("/"):
                paths.append(f"{trigger} {name}\n")
            else:
                triggers.setdefault(trigger, []).append(f"{name}\n")
    stanzas = sorted(packages, key=lambda p: (p.name, p.arch))
    files = {
        "status": "".join(stanza(p) + "\n" for p in stanzas),
        "available": "",
        "arch": f"{arch}\n",
        "info/format": "1\n",
        "diversions": "".join(f"{a}\n{b}\n{c}\n" for a, b, c in diversions),
        "statoverride": "",
        "triggers/File": "".join(sorted(paths)),
        "triggers/Unincorp": "",
        **({"arch-native": f"{arch}\n"} if notes_native else {}),
        **{f"triggers/{name}": "".join(sorted(who)) for name, who in triggers.items()},
    }
    return [NativeFile(f"{ADMIN}/{name}", text.encode()) for name, text in sorted(files.items())]


def stanza(package: Package) -> str:
    """One package of the status file, ending in a newline."""
    fields = {name.lower(): (name, value) for name, value in package.fields.items()}
    lines = []
    for name in _ORDER:
        if name == "Status":
            lines.append("Status: install ok installed\n")
        elif name == "Conffiles":
            if rows := package.extra["conffiles"]:
                lines.append("Conffiles:\n" + "".join(f" {path} {md5}\n" for path, md5 in rows))
        elif name.lower() in fields and (value := _value(name, fields[name.lower()][1])):
            lines.append(f"{name}: {value}\n")
    known = {n.lower() for n in (*_ORDER, *_DROPPED)}
    lines.extend(f"{name}: {value}\n" for key, (name, value) in fields.items() if key not in known)
    return "".join(lines)


def _value(name: str, value: str) -> str:
    if name in _RELATIONS:
        groups = parse_groups(" ".join(value.split()))
        return ", ".join(" | ".join(_relation(r) for r in group) for group in groups)
    if name in _ON_OFF:
        return value if value == "yes" else ""
    if name == "Multi-Arch" and value == "no":
        return ""
    return value


def _relation(relation: Relation) -> str:
    name = f"{relation.name}:{relation.qualifier}" if relation.qualifier else relation.name
    if not relation.operator:
        return name
    version = relation.version.removeprefix("0:")
    return f"{name} ({_OPERATORS.get(relation.operator, relation.operator)} {version})"


def without(listing: str, lost: set[str]) -> str:
    """A package's list of paths less those (real places) that another package has taken over."""
    return "".join(f"{line}\n" for line in listing.splitlines() if place(line.strip("/"), "file") not in lost)
