"""What a real overlay has in its upper directory, as a layer."""

from __future__ import annotations

import io
import itertools
import os
import stat
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from slipway.build.steps.capture import OneUser, Rules, capture
from slipway.errors import InputError
from slipway.oci import compress
from slipway.oci.entry import NO_TIME, Entry
from slipway.oci.fragment import Component, FragmentCache
from slipway.sandbox.upper import archive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

START = 1_700_000_000
OLD = 1_500_000_000
_NUMBERS = itertools.count()
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount an overlay here")


def taken(tmp_path: Path, chunks: Iterable[bytes], **rules: Any) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """What is in the fragment, and the directories, by path."""
    below: Mapping[str, Entry] = rules.pop("dirs", {})
    given: dict[str, Any] = {"made": frozenset(), "started": START, "epoch": None, **rules}
    dirs: dict[str, Entry] = {}
    cache = FragmentCache(tmp_path / "fragments", compress.get("gzip"))
    fragment = cache.make(
        f"key {next(_NUMBERS)}",
        Component("generated", "x"),
        lambda w: dirs.update(capture(chunks, Rules(below=below.get, **given), w)),
    )
    return {e.path: e for e in fragment.entries}, dirs


def tree(root: Path, *paths: str) -> None:
    for path in paths:
        target = root / path
        if path.endswith("/"):
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path)
        os.utime(target, (OLD, OLD))


def overlay(tmp_path: Path, script: str, *lower: str) -> Path:
    """The upper directory after `script` was run in an overlay over a tree with these paths."""
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    tree(tmp_path / "lower", *lower)
    mount = f"mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=off,metacopy=off,index=off merged && cd merged && {script}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", mount], cwd=tmp_path, capture_output=True, check=False
    )
    if b"mount:" in done.stderr:
        pytest.skip(done.stderr.decode())
    assert done.returncode == 0, done.stderr
    return tmp_path / "upper"


def directories(*paths: str) -> dict[str, Entry]:
    return {path: Entry(path, "dir", 0o755, mtime=OLD) for path in paths}


def test_what_is_removed_and_replaced(tmp_path: Path) -> None:
    upper = overlay(
        tmp_path,
        "rm a; rm -r d; mkdir d; echo new >d/z; rm -r e; ln -s a e; rm f; mkdir f; echo x >f/g; rm k/x; mkdir new",
        "a",
        "d/x",
        "e/x",
        "f",
        "k/x",
        "k/y",
    )
    files, dirs = taken(tmp_path, archive(str(upper)), dirs=directories("d", "e", "k"))
    assert set(files) == {".wh.a", "d/.wh..wh..opq", "d/z", "e", "f/g", "k/.wh.x"}
    assert list(dirs) == ["d", "f", "k", "new"]
    assert (files["e"].kind, files["e"].target) == ("symlink", "a")
    assert all(files[p].size == 0 and files[p].mtime == NO_TIME for p in (".wh.a", "d/.wh..wh..opq"))
    assert dirs["k"].mtime == OLD, "only what is in it changed"


def test_everything_that_a_layer_keeps(tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    tree(upper, "d/", "d/one", "s/")
    os.link(upper / "d/one", upper / "d/two")
    os.link(upper / "d/one", upper / "a")
    os.chown(upper / "d/one", 7, 70000)
    (upper / "d/one").chmod(0o4750)
    os.utime(upper / "d/one", (OLD, OLD))
    os.setxattr(upper / "d/one", "security.capability", CAPABILITY)
    os.setxattr(upper / "d/one", "user.note", b"\0x")
    os.setxattr(upper / "d/one", "trusted.other", b"x")
    (upper / "l").symlink_to("/nowhere")
    os.mkfifo(upper / "p")
    os.mknod(upper / "c", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    (upper / "sticky").mkdir()
    (upper / "sticky").chmod(0o1777)
    listener = "import socket; socket.socket(socket.AF_UNIX).bind('socket')"
    subprocess.run([sys.executable, "-c", listener], cwd=upper / "s", check=True)
    files, dirs = taken(tmp_path, archive(str(upper)))
    assert set(files) == {"a", "d/one", "d/two", "l", "p", "c"}
    assert (files["a"].kind, files["a"].size) == ("file", 5)
    assert [(files[p].kind, files[p].target) for p in ("d/one", "d/two")] == [("link", "a")] * 2
    assert (files["a"].mode, files["a"].uid, files["a"].gid) == (0o4750, 7, 70000)
    assert files["a"].xattrs == (("security.capability", CAPABILITY.hex()), ("user.note", "0078"))
    assert files["a"].mtime == OLD
    assert (files["p"].kind, files["c"].kind, files["c"].dev) == ("fifo", "char", (1, 5))
    assert dirs["sticky"].mode == 0o1777
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive(str(upper))))) as plain:
        assert sorted(plain.getnames()) == sorted([*files, *dirs])


def test_directories_that_only_changed_their_time_are_left_out(tmp_path: Path) -> None:
    upper = overlay(tmp_path, "touch d/t; rm d/t; chmod 700 e; touch -d @5 f/x", "d/x", "e/x", "f/x", "g/x")
    files, dirs = taken(tmp_path, archive(str(upper)), dirs=directories("d", "e", "f", "g"))
    assert list(dirs) == ["e", "f"]
    assert dirs["e"].mode == 0o700
    assert files["f/x"].mtime == 5


def test_a_directory_that_is_made_anew_stays_even_if_it_is_as_it_was(tmp_path: Path) -> None:
    upper = overlay(tmp_path, "rm -r d; mkdir -p d/e", "d/e/x")
    files, dirs = taken(tmp_path, archive(str(upper)), dirs=directories("d", "d/e"))
    assert set(files) == {"d/.wh..wh..opq"}
    assert list(dirs) == ["d", "d/e"]


def test_what_was_made_to_mount_on_is_left_out(tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    tree(upper, "etc/resolv.conf", "etc/own", "run/secrets/token", "var/cache/x/", "var/own", "proc/")
    made = {
        "etc/resolv.conf",
        "run",
        "run/secrets",
        "run/secrets/token",
        "var",
        "var/cache",
        "var/cache/x",
        "proc",
    }
    files, dirs = taken(tmp_path, archive(str(upper)), made=frozenset(made), dirs=directories("etc"))
    assert set(files) == {"etc/own", "var/own"}
    assert list(dirs) == ["etc", "var"]


def test_times_are_those_of_the_content_or_one_constant(tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    tree(upper, "old", "now", "later")
    os.utime(upper / "now", (START, START))
    os.utime(upper / "later", (START + 10**6, START + 10**6))

    def times(epoch: int | None) -> list[int]:
        files, _ = taken(tmp_path, archive(str(upper)), epoch=epoch)
        return [files[p].mtime for p in ("old", "now", "later")]

    assert times(None) == [OLD, NO_TIME, NO_TIME]
    assert times(OLD + 5) == [OLD, OLD + 5, OLD + 5]
    assert times(OLD - 5) == [OLD - 5, OLD - 5, OLD - 5]


def test_the_same_changes_give_the_same_bytes_whatever_their_order(tmp_path: Path) -> None:
    for name, paths in (("one", ["a", "b/c", "b/d"]), ("two", ["b/d", "b/c", "a"])):
        tree(tmp_path / name, *paths)
    assert b"".join(archive(str(tmp_path / "one"))) == b"".join(archive(str(tmp_path / "two")))


def test_with_one_user_what_a_step_could_not_change_is_as_it_was(tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    tree(upper, "shadow", "mine", "su", "spool/", "opened")
    (upper / "shadow").chmod(0o640)
    (upper / "su").chmod(0o755)
    (upper / "opened").chmod(0o666)
    known = {
        "shadow": Entry("shadow", "file", 0o640, 0, 42),
        "su": Entry("su", "file", 0o4755, 0, 0, size=2, mtime=OLD, xattrs=(("security.capability", "00"),)),
        "spool": Entry("spool", "dir", 0o2755, 0, 8),
        "opened": Entry("opened", "file", 0o644, 5, 5),
    }
    files, dirs = taken(
        tmp_path, archive(str(upper)), one_user=OneUser(known, 1000, 1001), dirs={"spool": known["spool"]}
    )
    assert (files["shadow"].uid, files["shadow"].gid) == (0, 42)
    assert (files["mine"].uid, files["mine"].gid) == (1000, 1001)
    assert (files["su"].mode, files["su"].xattrs) == (0o4755, known["su"].xattrs)
    assert (files["opened"].mode, files["opened"].uid) == (0o666, 5)
    assert dirs == {}


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    upper.mkdir()
    (upper / os.fsdecode(b"\xff")).touch()
    with pytest.raises(InputError, match="not UTF-8"):
        b"".join(archive(str(upper)))
