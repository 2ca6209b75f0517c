"""The symlinks and records of update-alternatives(1), computed from the calls that packages make.

Record, `/var/lib/dpkg/alternatives/NAME` (dpkg's `utils/update-alternatives.c`): the mode (`auto`), the link, then
name and link of each slave in order of name, an empty line, then for each choice in order of path its path, its
priority and one line per slave (empty when the choice has none), and an empty line at the end.

The choice is the one of highest priority; among equals the one that was installed first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.distro import shellcalls
from slipway.distro.native import NativeFile
from slipway.oci.entry import clean_path
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Call = list[str]
"""The words of one call, with or without the name of the program at the front."""

PROGRAM = "update-alternatives"

_NAME = pattern(r"[^/\s]+")
_PRIORITY = pattern(r"-?\d{1,9}")
_MERGED = pattern(r"(?:bin|sbin|lib(?:32|64|x32|o32)?)/")


@dataclass(frozen=True, slots=True)
class _Choice:
    path: str
    priority: int
    slaves: dict[str, str]  # name -> target


@dataclass(slots=True)
class _Group:
    link: str = ""
    slave_links: dict[str, str] = field(default_factory=dict)
    choices: dict[str, _Choice] = field(default_factory=dict)


def calls_in(script: str) -> list[Call]:
    """The `--install` calls of a maintainer script whose words are constant, in order."""
    return [call for call in shellcalls.find(script, (PROGRAM,)).calls if "--install" in call]


def unclear_in(script: str) -> list[str]:
    """The text of the `--install` calls that cannot be understood without running the script."""
    return [text for text in shellcalls.find(script, (PROGRAM,)).unclear if "--install" in text.split()]


def apply(calls: Sequence[Call], present: Collection[str]) -> list[NativeFile]:
    """What these calls leave: links, choices in `/etc/alternatives`, and records.

    `present` are the paths of the image (relative; with merged /usr, `bin/x` is looked for as `usr/bin/x`). A
    choice whose path is not there is refused, a slave whose target is not there gets no link, and a link whose
    place a package's file has taken is not made, as by the program. Calls that the program would reject are
    passed over.
    """
    there = present if isinstance(present, (set, frozenset, dict)) else frozenset(present)
    groups: dict[str, _Group] = {}
    for call in calls:
        _install(groups, call, there)
    files = []
    for name, group in groups.items():
        # max() keeps the first of equals, and a dict remembers who came first.
        best = max(group.choices.values(), key=lambda choice: choice.priority)
        files.append(NativeFile(f"var/lib/dpkg/alternatives/{name}", _record(group)))
        links = [(name, group.link, best.path)]
        links += [
            (slave, group.slave_links[slave], target)
            for slave, target in sorted(best.slaves.items())
            if _in_image(target) in there
        ]
        for alternative, link, target in links:
            files.append(NativeFile(f"etc/alternatives/{alternative}", target=target))
            if _in_image(link) not in there:
                files.append(NativeFile(_in_image(link), target=f"/etc/alternatives/{alternative}"))
    return sorted(files, key=lambda file: file.path)


def _install(groups: dict[str, _Group], call: Call, there: Collection[str]) -> None:
    if "--install" not in call:
        return
    link, name, path, priority, *rest = [*call[call.index("--install") + 1 :], "", "", "", ""]
    if not _valid(link, name, path) or not _PRIORITY.fullmatch(priority) or _in_image(path) not in there:
        return
    slaves: dict[str, str] = {}
    slave_links: dict[str, str] = {}
    words = iter(rest)
    for word in words:
        if word == "--slave":
            slave_link, slave, target = next(words), next(words), next(words)
            if not _valid(slave_link, slave, target):
                return
            slaves[slave] = target
            slave_links[slave] = slave_link
    group = groups.setdefault(name, _Group())
    group.link = link
    group.slave_links.update(slave_links)
    group.choices[path] = _Choice(path, int(priority), slaves)


def _valid(link: str, name: str, path: str) -> bool:
    return (
        link.startswith("/")
        and path.startswith("/")
        and "\n" not in link + path
        and bool(_NAME.fullmatch(name))
    )


def _record(group: _Group) -> bytes:
    slaves = sorted(group.slave_links)
    lines = ["auto", group.link]
    for slave in slaves:
        lines += [slave, group.slave_links[slave]]
    lines.append("")
    for path, choice in sorted(group.choices.items()):
        lines += [path, str(choice.priority), *(choice.slaves.get(slave, "") for slave in slaves)]
    lines.append("")
    return "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")


def _in_image(path: str) -> str:
    relative = clean_path(path, what="a call of update-alternatives")
    return f"usr/{relative}" if _MERGED.match(relative) else relative
