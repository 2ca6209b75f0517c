"""COPY and ADD: files of the workspace at another place of the image, without running anything."""

from __future__ import annotations

import fnmatch
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from slipway.errors import UsageError
from slipway.images.account import find_user
from slipway.oci.follow import real
from slipway.oci.fragment import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from slipway.build.steps.model import Copy
    from slipway.oci.entry import Entry
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.fragmentwriter import FragmentWriter

# what Docker's ADD would unpack: tar archives, plain or compressed, known by their first bytes (file(1), magic)
_PACKED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
_USTAR: Final = 257


def copy_fragment(
    cache: FragmentCache,
    key: str,
    copy: Copy,
    workspace: Sequence[Fragment],
    prefix: str,
    below: Mapping[str, Entry],
    accounts: Callable[[], tuple[bytes, bytes]],
) -> Fragment:
    """The fragment under `key` with what `copy` takes out of the fragments of a workspace at `prefix` (relative).

    `below` are the entries of all layers below by path: symlinks in the destination lead where they lead there. `accounts`
    gives the texts of `etc/passwd` and `etc/group`, for owners with names. `UsageError` with the place of the instruction.
    """

    def fill(writer: FragmentWriter) -> None:
        uid, gid = _owner(copy, accounts)
        for path in copy.directories:
            writer.directory(real(below, path))
        there = _Sources(workspace, prefix)
        files: dict[tuple[int, str], str] = {}
        made: dict[str, None] = {}  # directories that come into being with what is in them
        for source in copy.sources:
            for found, target in _targets(there, source, copy, below):
                made |= dict.fromkeys(_parents(target))
                if found.kind == "dir":
                    mode = found.mode if copy.mode is None else copy.mode
                    writer.directory(target, mode=mode, uid=uid, gid=gid)
                else:
                    files = {item: t for item, t in files.items() if t != target}
                    files[there.held[found.path], found.path] = target
        for path in made if uid or gid else ():  # as builders of today have it: they are the owner's too
            writer.directory(path, uid=uid, gid=gid)
        for number, fragment in enumerate(workspace):
            wanted = {path: target for (at, path), target in files.items() if at == number}
            for entry, content in fragment.members() if wanted else ():
                if entry.path in wanted:
                    target = wanted[entry.path]
                    _refuse_archive(copy, entry, content, prefix)
                    mode = entry.mode if copy.mode is None or entry.kind == "symlink" else copy.mode
                    writer.add(replace(entry, path=target, mode=mode, uid=uid, gid=gid), content)

    return cache.make(key, Component("generated", copy.name), fill)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


class _Sources:
    """What is in the workspace: `entries` by their path in the image, `held` by which of the fragments."""

    def __init__(self, fragments: Sequence[Fragment], prefix: str) -> None:
        self.prefix = prefix
        self.entries: dict[str, Entry] = {}
        self.held: dict[str, int] = {}
        for number, fragment in enumerate(fragments):
            for entry in (*fragment.dirs, *fragment.entries):
                if entry.path.startswith(f"{prefix}/"):
                    self.entries.setdefault(entry.path, entry)
                    self.held[entry.path] = number

    def matching(self, pattern: str) -> list[Entry]:
        """What a source names: wildcards are those of a shell, and match within one name."""
        wanted = pattern.split("/")
        depth = len(wanted) + self.prefix.count("/") + 1
        return [
            entry
            for path, entry in sorted(self.entries.items())
            if path.count("/") + 1 == depth
            and all(
                fnmatch.fnmatchcase(name, word.replace("[^", "[!"))
                for name, word in zip(path.split("/")[-len(wanted) :], wanted, strict=True)
            )
        ]

    def under(self, place: str) -> Iterator[Entry]:
        for path in sorted(self.entries):
            if path.startswith(f"{place}/"):
                yield self.entries[path]


def _targets(
    there: _Sources, source: str, copy: Copy, below: Mapping[str, Entry]
) -> Iterator[tuple[Entry, str]]:
    """What goes where: of a directory its content, as Docker has it."""
    place = real(below, copy.dest)
    if source == ".":
        yield from _content(there, there.prefix, place)
        return
    matched = there.matching(source)
    if not matched:
        raise UsageError(
            f"there is no {source!r} in the workspace",
            hint="what is to be copied must be named in `files` or `repositories`",
            where=copy.where,
        )
    known = below.get(place)
    into = copy.dest.endswith("/") or len(matched) > 1 or (known is not None and known.kind == "dir")
    for entry in matched:
        if entry.kind == "dir":
            yield from _content(there, entry.path, place)
        elif into:
            name = posixpath.basename(entry.path)
            yield entry, f"{place}/{name}".lstrip("/")
        else:
            # only the directories that lead to a file are followed: the file takes the place of a symlink
            parent, name = posixpath.split(copy.dest)
            yield entry, f"{real(below, parent)}/{name}".lstrip("/")


def _content(there: _Sources, source: str, place: str) -> Iterator[tuple[Entry, str]]:
    for entry in there.under(source):
        yield entry, f"{place}/{entry.path.removeprefix(f'{source}/')}".lstrip("/")


def _owner(copy: Copy, accounts: Callable[[], tuple[bytes, bytes]]) -> tuple[int, int]:
    """A number alone is user and group, a name alone brings its group (Docker's reference, COPY --chown)."""
    user, _, group = copy.owner.partition(":")
    if not copy.owner:
        return 0, 0
    if user.isdigit() and (not group or group.isdigit()):
        return int(user), int(group or user)
    try:
        found = find_user(*accounts(), copy.owner)
    except UsageError as error:
        error.where = error.where or copy.where
        raise
    return found.uid, found.gid


def _refuse_archive(copy: Copy, entry: Entry, content: bytes, prefix: str) -> None:
    direct = entry.path.removeprefix(f"{prefix}/") in copy.sources
    packed = content.startswith(_PACKED) or content[_USTAR : _USTAR + 5] == b"ustar"
    if packed and direct and entry.kind == "file" and copy.text.upper().startswith("ADD"):
        raise UsageError(
            f"ADD would unpack {posixpath.basename(entry.path)!r}",
            hint="let `files` bring it in with `extract: true`, or COPY it as it is",
            where=copy.where,
        )
