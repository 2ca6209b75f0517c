"""What a step changed, as a fragment and directories that make a layer.

Of the times, those before the step came from somewhere (a package, an archive, the layer below) and stay; the others only tell
when the step ran, and become one constant, so that the same command gives the same bytes. With SOURCE_DATE_EPOCH none is
later than that. Contents are taken as they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.oci.entry import NO_TIME, Entry
from slipway.oci.layerindex import OPAQUE, WHITEOUT
from slipway.oci.tarread import read_tar
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from slipway.oci.fragmentwriter import FragmentWriter


@value
class OneUser:
    """For sandboxes with one user: what is below by path, and whose new files are.

    What such a step could not have changed is as it was below.
    """

    below: Mapping[str, Entry]
    uid: int
    gid: int

    def corrected(self, entry: Entry) -> Entry:
        before = self.below.get(entry.path)
        if before is None or before.kind != entry.kind:
            return replace(entry, uid=self.uid, gid=self.gid)
        # special bits and capabilities were left out when it was unpacked
        bits = 0o1777 if entry.kind == "dir" else 0o777
        mode = before.mode if entry.mode == before.mode & bits else entry.mode
        same = entry.kind == "file" and (entry.size, entry.mtime) == (before.size, before.mtime)
        xattrs = before.xattrs if same and not entry.xattrs else entry.xattrs
        return replace(entry, uid=before.uid, gid=before.gid, mode=mode, xattrs=xattrs)


@value
class Rules:
    """How to make a layer of what is in an overlay's upper directory.

    `made` are paths (relative) that the sandbox made to mount on; `started` is when the step began and `epoch` SOURCE_DATE_EPOCH, in Unix
    seconds; `below` knows the directories of the layers below.
    """

    made: frozenset[str]
    started: int
    epoch: int | None
    below: Callable[[str], Entry | None]
    one_user: OneUser | None = None

    def time(self, mtime: int) -> int:
        if mtime >= self.started:
            return NO_TIME if self.epoch is None else self.epoch
        return mtime if self.epoch is None else min(mtime, self.epoch)


def capture(chunks: Iterable[bytes], rules: Rules, writer: FragmentWriter) -> dict[str, Entry]:
    """Write what `slipway.sandbox.upper.archive` gave, but for directories; these, by path, sorted.

    Directories that are as they are below are only there if something in them is.
    """
    directories: dict[str, Entry] = {}
    new: set[str] = set()  # directories that have nothing to do with what is below
    needed: set[str] = set()
    for entry, content in read_tar(chunks, what="what the step changed"):
        parent, _, name = entry.path.rpartition("/")
        if entry.kind == "dir":
            if parent in new:
                new.add(entry.path)
            directories[entry.path] = entry
            continue
        if name == OPAQUE:
            if parent not in new and rules.below(parent) is not None:
                writer.add(Entry(entry.path))
            new.add(parent)
            needed.add(parent)
        elif entry.path not in rules.made:
            writer.add(_written(entry, rules, whiteout=name.startswith(WHITEOUT)), content)
            needed.add(parent)
    return _directories(directories, new, needed, rules)


def _written(entry: Entry, rules: Rules, *, whiteout: bool) -> Entry:
    if whiteout:
        return entry
    if rules.one_user and entry.kind != "link":
        entry = rules.one_user.corrected(entry)
    return replace(entry, mtime=rules.time(entry.mtime))


def _directories(
    found: Mapping[str, Entry], new: set[str], needed: set[str], rules: Rules
) -> dict[str, Entry]:
    kept: dict[str, Entry] = {}
    for path in sorted(found, reverse=True):  # what is in a directory before itself
        entry = _written(found[path], rules, whiteout=False)
        before = None if path in new else rules.below(path)
        unchanged = before is not None and _same(before, entry)
        if path not in needed and (unchanged or path in rules.made):
            continue
        kept[path] = before if before is not None and unchanged else entry
        needed.add(path.rpartition("/")[0])
    return {path: kept[path] for path in sorted(kept)}


def _same(before: Entry, after: Entry) -> bool:
    return (before.mode, before.uid, before.gid, before.xattrs) == (
        after.mode,
        after.uid,
        after.gid,
        after.xattrs,
    )
