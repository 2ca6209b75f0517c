from __future__ import annotations

import hashlib
import os
import shutil
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from slipway.errors import FetchError, InputError, Where
from slipway.inputs import statcache
from slipway.inputs.local import pin_local
from slipway.oci.entry import NO_TIME
from slipway.recipe.model import FileItem

if TYPE_CHECKING:
    from slipway.inputs.pinned import PinnedFile
    from slipway.settings import Settings

WHERE = Where("image.yaml", 3, 5)
OLD = time.time() - 3600


def pin(
    source: str | Path, settings: Settings, directory: Path = Path("/nonexistent"), **kw: object
) -> PinnedFile:
    return pin_local(FileItem("dest", str(source), WHERE), directory, settings, **kw)  # type: ignore[arg-type]


def make_tree(root: Path) -> None:
    (root / "empty").mkdir(parents=True)
    (root / "a").mkdir()
    (root / "a" / "run.sh").write_bytes(b"#!/bin/sh\n")
    (root / "a" / "run.sh").chmod(0o4775)
    (root / "a-b").write_bytes(b"plain")
    (root / "a-b").chmod(0o640)
    (root / "Ä").write_bytes(b"")
    (root / "abs").symlink_to("/etc/passwd")
    (root / "up").symlink_to("../../outside")
    (root / "loop").symlink_to(".")


def test_tree(tmp_path: Path, settings: Settings) -> None:
    make_tree(tmp_path / "t")
    pinned = pin(tmp_path / "t", settings)
    assert (pinned.kind, pinned.size, pinned.path) == ("tree", 15, tmp_path / "t")
    assert [(e.path, e.kind, oct(e.mode), e.target) for e in pinned.listing] == [
        ("a", "dir", "0o755", ""),
        ("a-b", "file", "0o644", ""),
        ("a/run.sh", "file", "0o755", ""),
        ("abs", "symlink", "0o777", "/etc/passwd"),
        ("empty", "dir", "0o755", ""),
        ("loop", "symlink", "0o777", "."),
        ("up", "symlink", "0o777", "../../outside"),
        ("Ä", "file", "0o644", ""),
    ]
    assert {(e.uid, e.gid, e.mtime) for e in pinned.listing} == {(0, 0, NO_TIME)}
    assert pinned.listing[1].sha256 == hashlib.sha256(b"plain").hexdigest()


def test_file(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "f").write_bytes(b"x")
    (tmp_path / "f").chmod(0o700)
    (tmp_path / "link").symlink_to("f")
    pinned = pin(tmp_path / "link", settings)
    assert (pinned.kind, pinned.size, pinned.mode, pinned.path) == ("file", 1, 0o755, tmp_path / "f")
    assert pinned.sha256 == hashlib.sha256(b"x").hexdigest()


def test_link_to_a_directory_is_followed(tmp_path: Path, settings: Settings) -> None:
    make_tree(tmp_path / "t")
    (tmp_path / "link").symlink_to("t")
    assert pin(tmp_path / "link", settings).sha256 == pin(tmp_path / "t", settings).sha256


def test_where_sources_are_looked_for(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, work, home = (tmp_path / n for n in ("recipe", "work", "home"))
    for place in (recipe, work, home):
        place.mkdir()
        (place / f"in-{place.name}").write_bytes(b"")
        (place / "all").write_bytes(place.name.encode())
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(home))
    assert pin("all", settings, recipe).path == recipe / "all"
    assert pin("./in-work", settings, recipe).path == work / "in-work"
    assert pin("~/all", settings, recipe).path == home / "all"
    assert pin(str(work / "all"), settings, recipe).path == work / "all"
    assert pin((work / "all").as_uri(), settings, recipe).path == work / "all"
    with pytest.raises(FetchError, match="there is no file or directory x/none") as caught:
        pin("x/none", settings, recipe)
    assert caught.value.hint == f"looked at {recipe}/x/none and {work}/x/none"
    with pytest.raises(FetchError) as caught:
        pin("/none", settings, recipe)
    assert caught.value.hint == "looked at /none"
    with pytest.raises(FetchError, match="no file or directory"):
        pin("all/below-a-file", settings, recipe)
    with pytest.raises(FetchError, match="cannot read"):
        pin("a\0b", settings, recipe)


def test_a_loop_of_links(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(FetchError, match="cannot read"):
        pin(tmp_path / "a", settings)


def test_special_files(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "t").mkdir()
    os.mkfifo(tmp_path / "t" / "pipe")
    for source in (tmp_path / "t", tmp_path / "t" / "pipe"):
        with pytest.raises(InputError, match="pipe is a named pipe"):
            pin(source, settings)
    (tmp_path / "t" / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "t" / "sock"))
        with pytest.raises(InputError, match="sock is a socket"):
            pin(tmp_path / "t", settings)
    with pytest.raises(InputError, match="/dev/null is a character device"):
        pin("/dev/null", settings)


def test_names_that_are_not_utf8(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "t").mkdir()
    bad = tmp_path / "t" / os.fsdecode(b"\xff")
    bad.write_bytes(b"")
    with pytest.raises(InputError, match="not UTF-8"):
        pin(tmp_path / "t", settings)
    bad.unlink()
    (tmp_path / "t" / "link").symlink_to(os.fsdecode(b"\xff"))
    with pytest.raises(InputError, match="not UTF-8"):
        pin(tmp_path / "t", settings)


def test_unreadable(tmp_path: Path, settings: Settings) -> None:
    make_tree(tmp_path / "t")
    (tmp_path / "probe").touch(0)
    if os.access(tmp_path / "probe", os.R_OK):
        pytest.skip("this user may read everything")
    for path in (tmp_path / "t" / "a-b", tmp_path / "t" / "empty"):
        mode = path.stat().st_mode
        path.chmod(0)
        with pytest.raises(FetchError, match=path.name):
            pin(tmp_path / "t", settings)
        path.chmod(mode)


def test_a_file_that_vanishes_or_becomes_a_link(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path / "t")
    victim = tmp_path / "t" / "a-b"
    real = statcache.hash_file

    def vanish(path: Path, status: os.stat_result) -> str:
        victim.unlink(missing_ok=True)
        victim.symlink_to("/etc/passwd")
        return real(path, status)

    monkeypatch.setattr(statcache, "hash_file", vanish)
    with pytest.raises(FetchError, match=r"cannot read .*a-b"):
        pin(tmp_path / "t", settings)


def test_a_file_that_grows_while_it_is_hashed(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x")
    status = file.stat()
    file.write_bytes(b"xx")
    with pytest.raises(InputError, match="changed while it was read"):
        statcache.hash_file(file, status)


def test_checkout_and_umask_do_not_matter(tmp_path: Path, settings: Settings) -> None:
    make_tree(tmp_path / "one")
    old = os.umask(0o077)
    try:
        make_tree(tmp_path / "two")
        (tmp_path / "two" / "a-b").chmod(0o600)
        os.utime(tmp_path / "two" / "a-b", (5, 5))
        shutil.copytree(tmp_path / "one", tmp_path / "three", symlinks=True)
    finally:
        os.umask(old)
    pinned = [pin(tmp_path / name, settings) for name in ("one", "two", "three")]
    assert len({p.sha256 for p in pinned}) == 1
    assert len({p.listing for p in pinned}) == 1


NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8
).filter(lambda name: name not in (".", ".."))
LEAVES = st.one_of(
    st.tuples(st.just("file"), st.binary(max_size=20), st.booleans()),
    st.tuples(st.just("link"), NAMES, st.just(value=False)),
)
TREES = st.recursive(
    LEAVES,
    lambda sub: st.dictionaries(NAMES, sub, max_size=4).map(lambda d: ("dir", d, False)),
    max_leaves=12,
)


def build(root: Path, node: tuple[str, object, bool], order: int) -> None:
    kind, value, executable = node
    if kind == "file":
        assert isinstance(value, bytes)
        root.write_bytes(value)
        root.chmod(0o755 if executable else 0o644)
    elif kind == "link":
        assert isinstance(value, str)
        root.symlink_to(value)
    else:
        assert isinstance(value, dict)
        root.mkdir()
        for name in sorted(value, key=lambda n: hashlib.sha256(f"{order}{n}".encode()).digest()):
            build(root / name, value[name], order)


@hypothesis_settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.dictionaries(NAMES, TREES, max_size=5), change=st.data())
def test_listing_depends_on_content_alone(
    tmp_path: Path, settings: Settings, content: dict[str, object], change: st.DataObject
) -> None:
    roots = [tmp_path / "one", tmp_path / "two"]
    try:
        for order, root in enumerate(roots):
            build(root, ("dir", content, False), order)
        one, two = (pin(root, settings) for root in roots)
        assert (one.sha256, one.listing, one.size) == (two.sha256, two.listing, two.size)
        encoded = [e.path.encode() for e in one.listing]
        assert encoded == sorted(encoded)
        files = [e for e in one.listing if e.kind == "file"]
        if files:
            entry = change.draw(st.sampled_from(files))
            with (roots[1] / entry.path).open("ab") as file:
                file.write(b"!")
            assert pin(roots[1], settings).sha256 != one.sha256
    finally:
        for root in roots:
            shutil.rmtree(root, ignore_errors=True)


class Clock:
    """A clock that runs `ahead` of the real one, in seconds."""

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    real = statcache.hash_file

    def spy(path: Path, status: os.stat_result) -> str:
        names.append(path.name)
        return real(path, status)

    monkeypatch.setattr(statcache, "hash_file", spy)
    return names


def test_unchanged_files_are_not_read_again(tmp_path: Path, settings: Settings, reads: list[str]) -> None:
    make_tree(tmp_path / "t")
    first = pin(tmp_path / "t", settings, clock=Clock(10))
    assert sorted(reads) == ["a-b", "run.sh", "Ä"]
    assert pin(tmp_path / "t", settings, clock=Clock(10)) == first
    assert len(reads) == 3
    (tmp_path / "t" / "a-b").write_bytes(b"PLAIN")  # same size
    assert pin(tmp_path / "t", settings, clock=Clock(10)).sha256 != first.sha256
    assert reads[3:] == ["a-b"]
    assert pin(tmp_path / "t", settings, clock=Clock(10), refresh=True).sha256 != first.sha256
    assert len(reads) == 7


def test_a_change_with_the_old_mtime_is_seen(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"one")
    os.utime(file, (OLD, OLD))
    first = pin(file, settings, clock=Clock(10))
    file.write_bytes(b"two")
    os.utime(file, (OLD, OLD))
    assert pin(file, settings, clock=Clock(10)).sha256 != first.sha256


def test_files_changed_just_now_are_not_remembered(
    tmp_path: Path, settings: Settings, reads: list[str]
) -> None:
    (tmp_path / "f").write_bytes(b"one")
    for _ in range(2):
        pin(tmp_path / "f", settings, clock=Clock(0))
    assert reads == ["f", "f"]


@pytest.mark.parametrize("damage", [b"", b"[]", b"nonsense"])
def test_damaged_stat_cache(tmp_path: Path, settings: Settings, damage: bytes) -> None:
    (tmp_path / "f").write_bytes(b"one")
    first = pin(tmp_path / "f", settings, clock=Clock(10))
    for file in (settings.cache / "stat").iterdir():
        file.write_bytes(damage)
    assert pin(tmp_path / "f", settings, clock=Clock(10)) == first
