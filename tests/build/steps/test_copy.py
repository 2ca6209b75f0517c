from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from slipway.build.steps.copy import copy_fragment
from slipway.build.steps.model import Copy
from slipway.errors import UsageError, Where
from slipway.oci import compress
from slipway.oci.entry import Entry
from slipway.oci.fragment import Component, Fragment, FragmentCache
from slipway.oci.fragmentwriter import FragmentWriter

if TYPE_CHECKING:
    from pathlib import Path

WHERE = Where("image.yaml", 9, 1)
PASSWD = b"root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n"
GROUP = b"root:x:0:\nstaff:x:50:\n"
FILES = {
    "pyats/a.txt": b"a",
    "pyats/b.txt": b"b",
    "pyats/dir/one": b"1",
    "pyats/dir/in/two": b"2",
    "pyats/tar": bytes(257) + b"ustar\x0000" + bytes(100),
    "workspace": b"",
}
BELOW = {
    e.path: e
    for e in (
        Entry("opt", "dir", 0o755),
        Entry("opt/there", "dir", 0o700),
        Entry("bin", "symlink", target="usr/bin"),
        Entry("workspace", "symlink", target="/pyats"),
        Entry("etc/conf", "symlink", target="/opt/there/conf"),
        Entry("etc", "dir", 0o755),
    )
}


@pytest.fixture
def cache(tmp_path: Path) -> FragmentCache:
    return FragmentCache(tmp_path / "fragments", compress.get("gzip"))


def copied(cache: FragmentCache, *sources: str, dest: str, **more: Any) -> Fragment:
    def fill(writer: FragmentWriter) -> None:
        for path in ("pyats", "pyats/dir", "pyats/dir/in", "pyats/empty"):
            writer.directory(path)
        for path, content in FILES.items():
            writer.file(path, content, mode=0o755 if content == b"1" else 0o644)
        writer.symlink("pyats/dir/link", "one")

    workspace = [cache.make("workspace", Component("generated", "workspace"), fill)]
    text = more.pop("text", "COPY")
    copy = Copy("post 1", sources, dest, text, WHERE, **more)
    key = cache.key(sources, dest, str(more))
    return copy_fragment(cache, key, copy, workspace, "pyats", BELOW, lambda: (PASSWD, GROUP))


@pytest.mark.parametrize(
    ("sources", "dest", "paths"),
    [
        (("a.txt",), "/etc/x.conf", ["etc/x.conf"]),
        (("a.txt",), "/new/", ["new/a.txt"]),
        (("a.txt",), "/opt/there", ["opt/there/a.txt"]),
        (("a.txt",), "/opt/other", ["opt/other"]),
        (("*.txt",), "/opt/x/", ["opt/x/a.txt", "opt/x/b.txt"]),
        (("?.txt", "dir"), "/x/", ["x/a.txt", "x/b.txt", "x/one", "x/link", "x/in/two"]),
        (("[^a].txt",), "/x/", ["x/b.txt"]),
        (("dir/*",), "/x/", ["x/link", "x/one", "x/two"]),
        (("dir",), "/bin", ["usr/bin/in/two", "usr/bin/link", "usr/bin/one"]),
        (("a.txt",), "/bin/tool", ["usr/bin/tool"]),
        (("a.txt",), "/workspace/copy", ["pyats/copy"]),
        (("a.txt",), "/etc/conf", ["etc/conf"]),
        (("a.txt", "b.txt", "a.txt"), "/", ["a.txt", "b.txt"]),
        ((".",), "/w", ["w/a.txt", "w/b.txt", "w/dir/in/two", "w/dir/link", "w/dir/one", "w/tar"]),
    ],
)
def test_what_goes_where(cache: FragmentCache, sources: tuple[str, ...], dest: str, paths: list[str]) -> None:
    assert sorted(copied(cache, *sources, dest=dest).paths) == sorted(paths)


def test_content_modes_owners_and_directories(cache: FragmentCache) -> None:
    made = copied(cache, "dir", dest="/x/", owner="app", mode=None)
    entries = {e.path: (e, content) for e, content in made.members()}
    assert entries["x/one"][1] == b"1"
    assert entries["x/one"][0].mode == 0o755
    assert entries["x/link"][0].target == "one"
    assert {(e.uid, e.gid) for e, _ in entries.values()} == {(1000, 1001)}
    assert {(e.path, e.uid, e.mode) for e in made.dirs} == {("x", 1000, 0o755), ("x/in", 1000, 0o755)}
    made = copied(cache, "dir", dest="/x/", owner="7", mode=0o640)
    assert {(e.uid, e.gid, e.mode) for e in made.entries if e.kind == "file"} == {(7, 7, 0o640)}
    assert copied(cache, "a.txt", dest="/x", owner="7:staff").entries[0].gid == 50
    assert copied(cache, "a.txt", dest="/x", owner="app:0").entries[0].gid == 0


def test_directories_of_workdir_are_made(cache: FragmentCache) -> None:
    made = copied(cache, dest="/a/b/", directories=("/a", "/bin/b"))
    assert [e.path for e in made.dirs] == ["a", "usr/bin/b"]
    assert made.paths == []


def test_refusals_know_their_place(cache: FragmentCache) -> None:
    with pytest.raises(UsageError, match="no 'none' in the workspace") as caught:
        copied(cache, "none", dest="/x")
    assert caught.value.where == WHERE
    with pytest.raises(UsageError, match="no user 'nobody'") as caught:
        copied(cache, "a.txt", dest="/x", owner="nobody")
    assert caught.value.where == WHERE
    with pytest.raises(UsageError, match="ADD would unpack 'tar'"):
        copied(cache, "tar", dest="/x", text="ADD tar /x")
    assert copied(cache, "tar", dest="/y").paths == ["y"]
