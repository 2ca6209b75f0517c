from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway import build
from slipway.errors import InputError, SlipwayError, StoreError, UsageError, Where
from slipway.events import Reporter
from slipway.images.verify import NotReproducedError, Verified, verify
from slipway.images.verify_compare import Comparison
from slipway.images.verify_entries import layer_differences
from slipway.images.verify_files import take_files
from slipway.images.verify_model import Difference
from slipway.inputs import tree
from slipway.inputs.local import pin_local
from slipway.lock.model import LockedFile
from slipway.oci.entry import Entry
from slipway.oci.layerindex import layer_index
from slipway.oci.reader import read_image
from slipway.oci.store import Store
from slipway.recipe.model import FileItem
from slipway.settings import Settings, load
from tests.images.making import Maker, folder, member, symlink
from tests.images.tampering import recompress, tamper

if TYPE_CHECKING:
    from tests.images.making import Member


# -- two layers ------------------------------------------------------------------------------------------------------


def differences(maker: Maker, ours: list[Member], theirs: list[Member]) -> list[Difference]:
    a, b = (layer_index(maker.store, maker.layer(*members).blob) for members in (ours, theirs))
    return list(layer_differences("layer 1", a, b))


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        (member("a", b"1"), member("a", b"2"), "content"),
        (member("a", mode=0o755), member("a"), "mode"),
        (member("a", uid=5), member("a"), "owner"),
        (member("a", mtime=5), member("a"), "time"),
        (symlink("a", "b"), symlink("a", "c"), "link target"),
        (symlink("a", "b"), member("a"), "type"),
        (folder("a", 0o700), folder("a"), "mode"),
        (member("a", type=b"3", devmajor=1), member("a", type=b"3", devmajor=2), "device"),
        (member("a", pax_headers={"SCHILY.xattr.user.x": "1"}), member("a"), "attributes"),
        (member(".wh.a"), member(".wh.a", mode=0o600), "mode"),
    ],
)
def test_what_differs_of_a_path(maker: Maker, ours: Member, theirs: Member, wanted: str) -> None:
    (found,) = differences(maker, [member("Z"), ours], [member("Z"), theirs])
    assert (found.where, found.path, found.what) == ("layer 1", ours[0].name, wanted)
    assert found.image != found.rebuilt
    assert found.path in str(found)


def test_paths_come_in_order_and_the_first_is_the_first(maker: Maker) -> None:
    found = differences(
        maker, [member("c", b"1"), member("x")], [member("b"), member("c", b"2", mode=0o600), member("x")]
    )
    assert [(d.path, d.what) for d in found] == [("b", "missing"), ("c", "mode"), ("c", "content")]
    assert [str(d) for d in found][:2] == [
        "layer 1: b is missing in the image",
        "layer 1: c: mode is 0644, rebuilt 0600",
    ]
    (extra,) = differences(maker, [member("b"), member("c")], [member("c")])
    assert str(extra) == "layer 1: b is extra in the image"


def test_the_same_entries_in_another_order(maker: Maker) -> None:
    (found,) = differences(maker, [member("a"), member("b")], [member("b"), member("a")])
    assert (found.what, str(found)) == (
        "form",
        "layer 1 holds the same entries, but written in another way",
    )


# -- two images ------------------------------------------------------------------------------------------------------


def compared(maker: Maker, ours: str, theirs: str, *names: str) -> Comparison:
    a, b = (read_image(maker.store, maker.store.find(name)) for name in (ours, theirs))
    return Comparison((maker.store, a), (maker.store, b), names, lambda *_: None)


def test_layers_are_named(maker: Maker) -> None:
    base, ours, theirs = (maker.layer(member("a", text)) for text in (b"0", b"1", b"2"))
    maker.image(base, ours, tag="ours:1")
    maker.image(base, theirs, tag="theirs:1")
    (found,) = compared(maker, "ours:1", "theirs:1", "workspace").differences
    assert (found.where, found.path, found.what) == ("layer 2 (workspace)", "a", "content")
    (found,) = compared(maker, "ours:1", "theirs:1").differences
    assert found.where == "layer 2 (base)"


def test_a_layer_too_many_and_one_too_few(maker: Maker) -> None:
    base, more = maker.layer(member("a")), maker.layer(member("b"))
    maker.image(base, tag="one:1")
    maker.image(base, more, tag="two:1")
    (found,) = compared(maker, "one:1", "two:1", "x", "y").differences
    assert str(found) == "layer 2 (y) is missing in the image"
    (found,) = compared(maker, "two:1", "one:1", "x").differences
    assert str(found) == "layer 2 is extra in the image"


def test_the_same_content_compressed_differently(maker: Maker) -> None:
    """Also when the compressor itself once gives other bytes for the same plain ones."""
    maker.image(maker.layer(member("a", b"1" * 5000)), tag="theirs:1")
    maker.store.tag("ours:1", maker.store.find("theirs:1"))
    recompress(maker.store, "ours:1")
    found = compared(maker, "ours:1", "theirs:1", "workspace")
    assert found.packaging == ["layer 1 (workspace) is compressed differently"]
    assert found.differences == []


def test_settings_that_differ(maker: Maker) -> None:
    layer = maker.layer(member("a"))
    maker.image(layer, tag="ours:1", Env=["A=1", "B=2"], Cmd=["x"], Labels={"l.m": "1"})
    maker.image(layer, tag="theirs:1", Env=["A=1", "B=3"], Cmd=["x"], User="me")
    found = compared(maker, "ours:1", "theirs:1").differences
    assert [(d.where, d.path, d.image, d.rebuilt) for d in found] == [
        ("configuration", "config.Env.B", '"2"', '"3"'),
        ("configuration", "config.Labels.l.m", '"1"', ""),
        ("configuration", "config.User", "", '"me"'),
    ]
    assert str(found[1]) == 'configuration: config.Labels.l.m: value is "1", rebuilt nothing'


def test_annotations_differ_but_types_are_packaging(maker: Maker) -> None:
    maker.image(maker.layer(member("a")), tag="theirs:1")
    maker.store.tag("ours:1", maker.store.find("theirs:1"))
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    tamper(maker.store, "ours:1", manifest=lambda m: m.update(mediaType=docker))
    found = compared(maker, "ours:1", "theirs:1")
    assert (found.packaging, found.differences) == ([f"the manifest is of the type {docker}"], [])
    tamper(maker.store, "ours:1", manifest=lambda m: m.update(annotations={"who": "me"}))
    (difference,) = compared(maker, "ours:1", "theirs:1").differences
    assert str(difference) == 'manifest: annotations.who: value is "me", rebuilt nothing'
    tamper(maker.store, "theirs:1", manifest=lambda m: m.update(more=1))
    maker.store.tag("ours:1", maker.image(maker.layer(member("a"))))
    assert compared(maker, "ours:1", "theirs:1").packaging == ["the manifest is written differently"]


# -- files out of an image -------------------------------------------------------------------------------------------


def pinned(maker: Maker, directory: Path, *items: tuple[str, str]) -> list[LockedFile]:
    """What a lock says of these (destination, source)."""
    files = []
    for dest, source in items:
        pin = pin_local(FileItem(dest, source, Where("x")), directory, maker.settings)
        files.append(LockedFile(dest, source, pin.kind, pin.sha256, pin.size, pin.mode))
    return files


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    root = tmp_path / "sources"
    (root / "app/empty").mkdir(parents=True)
    (root / "app/sub").mkdir()
    (root / "app/main.py").write_bytes(b"x = 1\n")
    (root / "app/sub/run").write_bytes(b"#!/bin/sh\n")
    (root / "app/sub/run").chmod(0o755)
    (root / "app/link").symlink_to("/etc/passwd")
    (root / "note").write_bytes(b"note\n")
    return root


APP = [
    folder("w"),
    folder("w/app"),
    folder("w/app/empty"),
    folder("w/app/sub"),
    member("w/app/main.py", b"x = 1\n"),
    member("w/app/sub/run", b"#!/bin/sh\n", mode=0o755),
    symlink("w/app/link", "/etc/passwd"),
    member("w/note", b"note\n", mode=0o600),
    member("w/app2", b"beside"),
]


def test_files_come_out_as_they_went_in(maker: Maker, sources: Path, tmp_path: Path) -> None:
    files = pinned(maker, sources, ("app", "app"), ("note", "note"))
    layer = maker.layer(*APP)
    (tmp_path / "out").mkdir()
    mask = os.umask(0o077)
    try:
        (app, note), wrong = take_files(maker.store, layer.blob, files, "/w", tmp_path / "out")
    finally:
        os.umask(mask)
    assert wrong == []
    again = [pin_local(FileItem("x", str(p), Where("x")), tmp_path, maker.settings) for p in (app, note)]
    assert [(p.kind, p.sha256, p.mode) for p in again] == [(f.kind, f.sha256, f.mode) for f in files]
    assert (app / "link").readlink() == Path("/etc/passwd")
    assert sorted(p.name for p in app.iterdir()) == ["empty", "link", "main.py", "sub"]


@pytest.mark.parametrize(
    ("members", "path", "what"),
    [
        ([m for m in APP if m[0].name != "w/note"], "w/note", "missing"),
        ([*APP[:7], folder("w/note")], "w/note", "type"),
        ([*APP[:7], member("w/note", b"other")], "w/note", "content"),
        ([*APP, member("w/app/more")], "w/app", "content"),
        ([*APP[:5], member("w/app/sub/run", b"#!/bin/sh\n"), *APP[6:]], "w/app", "content"),
        ([APP[0], APP[7]], "w/app", "missing"),
        ([APP[0], APP[7], member("w/app", b"x")], "w/app", "type"),
    ],
)
def test_files_that_are_not_what_was_locked(
    maker: Maker, sources: Path, tmp_path: Path, members: list[Member], path: str, what: str
) -> None:
    files = pinned(maker, sources, ("app", "app"), ("note", "note"))
    _, (found,) = take_files(maker.store, maker.layer(*members).blob, files, "/w", tmp_path / "out")
    assert (found.path, found.what) == (path, what)
    assert not (tmp_path / "out").exists()


def test_items_below_one_another_are_told_apart(maker: Maker, sources: Path, tmp_path: Path) -> None:
    items = [("app", "app"), ("app/note", "note"), ("app/deep/er/note", "note")]
    files = pinned(maker, sources, *items)
    more = [folder("w/app/deep"), folder("w/app/deep/er"), member("w/app/deep/er/note", b"note\n")]
    layer = maker.layer(*APP, *more, member("w/app/note", b"note\n"))
    (tmp_path / "out").mkdir()
    paths, wrong = take_files(maker.store, layer.blob, files, "/w", tmp_path / "out")
    assert wrong == []
    assert not (paths[0] / "note").exists()
    assert paths[2].read_bytes() == b"note\n"
    changed = maker.layer(*APP, *more, member("w/app/note", b"note\n"), member("w/app/x"))
    with pytest.raises(UsageError, match="what belongs to app cannot be told") as caught:
        take_files(maker.store, changed.blob, files, "/w", tmp_path / "out")
    assert "--source" in caught.value.hint


def test_nothing_is_written_through_a_link(maker: Maker, tmp_path: Path) -> None:
    """A layer with a link and a file below it, and a lock that promises just that."""
    (tmp_path / "outside").mkdir()
    members = [folder("w/app"), symlink("w/app/a", str(tmp_path / "outside")), member("w/app/a/evil", b"x")]
    layer = maker.layer(*members)
    entries = [
        Entry("a", "symlink", 0o777, target=str(tmp_path / "outside")),
        Entry("a/evil", "file", 0o644, sha256=hashlib.sha256(b"x").hexdigest()),
    ]
    promise = LockedFile("app", "app", "tree", tree.digest(entries), 1)
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="files below files"):
        take_files(maker.store, layer.blob, [promise], "/w", tmp_path / "out")
    assert list((tmp_path / "outside").iterdir()) == []


# -- whole images ----------------------------------------------------------------------------------------------------


WORKSPACE = 0  # the layer of an image that has nothing below


@pytest.fixture
def settings() -> Settings:
    return load()


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings.store)


@pytest.fixture
def hello(sources: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An image of files, built here; its sources are gone."""
    monkeypatch.chdir(sources)
    config = {"tag": "hello", "base": "scratch", "workspace": "/w", "files": ["app", {"n": "note"}]}
    build(config | {"env": {"A": "1"}})
    monkeypatch.chdir("/")
    return "hello:latest"


def outcome(name: str, settings: Settings, **how: Any) -> Verified:
    (found,) = verify(name, settings, Reporter(), **how)
    assert not list(settings.cache.glob(".tmp*"))
    return found


def test_an_image_that_is_what_its_lock_makes(hello: str, settings: Settings, sources: Path) -> None:
    found = outcome("hello", settings)
    assert (found.outcome, found.image, found.digest) == ("verified", hello, found.rebuilt)
    assert (found.from_image, found.packaging, found.differences) == (2, (), ())
    assert json.loads(json.dumps(found.as_dict()))["outcome"] == "verified"
    assert outcome("hello", settings, source=sources).from_image == 0


def test_nothing_that_was_made_before_is_trusted(hello: str, settings: Settings, store: Store) -> None:
    """Whoever can write to the store and the cache cannot make a changed image pass."""
    before = store.read_json(store.find(hello).digest)["layers"][WORKSPACE]["digest"]
    records = [p for p in (settings.store / "layers").iterdir() if p.suffixes == [".json"]]
    (record,) = [p for p in records if before in p.read_text()]
    changed = tamper(store, hello, lambda m: [*m, member("w/evil", b"x")], layer=WORKSPACE)
    layer = store.read_json(changed.digest)["layers"][WORKSPACE]
    row = json.loads(record.read_text()) | {"digest": layer["digest"], "size": layer["size"]}
    record.write_text(json.dumps(row))
    assert outcome(hello, settings).differences[0].path == "w/evil"


def change(path: str, **attributes: Any) -> Any:
    """An edit of one member; `content` replaces what is in it."""

    def edit(found: list[Member]) -> list[Member]:
        assert any(info.name.rstrip("/") == path for info, _ in found)
        out = []
        for info, content in found:
            data = content
            if info.name.rstrip("/") == path:
                data = attributes.get("content", content)
                for name, value in attributes.items():
                    if name != "content":
                        setattr(info, name, value)
                info.size = len(data)
            out.append((info, data))
        return out

    return edit


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        ({"mode": 0o4755}, "mode"),
        ({"uid": 1000}, "owner"),
        ({"mtime": 7}, "time"),
        ({"content": b"x = 2\n"}, "content"),
        ({"name": "w/app/other.py"}, "missing"),
    ],
)
@pytest.mark.parametrize("honest", [True, False])
def test_a_changed_file_is_named(
    hello: str,
    settings: Settings,
    store: Store,
    sources: Path,
    attributes: dict[str, Any],
    what: str,
    honest: bool,
) -> None:
    tamper(store, hello, change("w/app/main.py", **attributes), honest=honest, layer=WORKSPACE)
    found = outcome(hello, settings, source=sources)
    first = found.differences[0]
    assert (found.outcome, first.where, first.path, first.what) == (
        "different",
        "layer 1 (workspace)",
        "w/app/main.py",
        what,
    )
    error = NotReproducedError((found,))
    assert str(error).startswith(
        "hello:latest is not what its lock makes: layer 1 (workspace): w/app/main.py"
    )
    assert error.as_dict()["platforms"] == [found.as_dict()]


def test_without_the_sources_a_changed_file_of_the_recipe_is_named(
    hello: str, settings: Settings, store: Store
) -> None:
    tamper(store, hello, change("w/n", content=b"other"), layer=WORKSPACE)
    found = outcome(hello, settings)
    assert [(d.path, d.what) for d in found.differences] == [("w/n", "content")]
    assert (found.outcome, found.rebuilt) == ("different", "")
    tamper(store, hello, change("w/n", content=b"note\n", mode=0o755), layer=WORKSPACE)
    assert [(d.path, d.what) for d in outcome(hello, settings).differences] == [("w/n", "mode")]


def test_changed_settings_are_named(hello: str, settings: Settings, store: Store) -> None:
    tamper(store, hello, config=lambda c: c["config"].update(Env=["A=2"], User="root"))
    found = outcome(hello, settings)
    keys = [d.path for d in found.differences]
    assert found.outcome == "different"
    assert {"config.Env.A", "config.User"} <= set(keys)


def test_a_lie_about_the_content_of_a_layer_is_found(hello: str, settings: Settings, store: Store) -> None:
    """The bytes are right, only the configuration tells of others."""
    tamper(store, hello, config=lambda c: c["rootfs"].update(diff_ids=["sha256:" + "0" * 64] * 2))
    found = outcome(hello, settings)
    assert [(d.where, d.path) for d in found.differences] == [("configuration", "rootfs.diff_ids")]


def test_content_that_is_compressed_differently_is_proven(
    hello: str, settings: Settings, store: Store
) -> None:
    recompress(store, hello, WORKSPACE)
    found = outcome(hello, settings)
    assert (found.outcome, found.differences) == ("repackaged", ())
    assert found.packaging == ("layer 1 (workspace) is compressed differently",)


@pytest.mark.parametrize("made", ["gzip", "zstd"])
def test_the_compression_is_that_of_the_image(
    sources: Path, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    monkeypatch.chdir(sources)
    monkeypatch.setenv("SLIPWAY_COMPRESSION", made)
    build({"tag": "hello", "base": "scratch", "files": ["note"]})
    monkeypatch.setenv("SLIPWAY_COMPRESSION", "zstd" if made == "gzip" else "gzip")
    assert outcome("hello", load()).outcome == "verified"


def test_each_platform_is_verified(
    sources: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sources)
    build({"tag": "two", "base": "scratch", "files": ["app"], "platforms": ["linux/amd64", "linux/arm64"]})
    found = verify("two", settings, Reporter())
    assert [(f.platform, f.outcome) for f in found] == [
        ("linux/amd64", "verified"),
        ("linux/arm64", "verified"),
    ]
    assert outcome("two", settings, platform="linux/arm64").platform == "linux/arm64"


def test_source_date_epoch_is_taken_from_the_lock(
    sources: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sources)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    build({"tag": "dated", "base": "scratch", "files": ["app"]})
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert outcome("dated", settings).outcome == "verified"


def test_an_image_without_a_lock(maker: Maker, settings: Settings) -> None:
    maker.image(maker.layer(member("a")), tag="foreign:1")
    with pytest.raises(UsageError, match="foreign:1 carries no lock"):
        verify("foreign:1", settings.with_(store=maker.settings.store), Reporter())
    assert not list(settings.cache.glob(".tmp*"))


def test_a_damaged_blob_is_told_as_such(hello: str, settings: Settings, store: Store) -> None:
    layer = read_image(store, store.find(hello)).blobs[0]
    data = bytearray(store.path(layer.digest).read_bytes())
    data[-9] ^= 1
    store.path(layer.digest).write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        verify(hello, settings, Reporter())


def test_a_base_in_a_layout(maker: Maker, settings: Settings, sources: Path, monkeypatch: Any) -> None:
    maker.image(maker.layer(folder("etc"), member("etc/os-release", b"ID=x\n")), tag="base:1")
    (sources / "base").symlink_to(maker.store.root)
    monkeypatch.chdir(sources)
    build({"tag": "on", "base": "oci:base:base:1", "files": ["note"]})
    assert outcome("on", settings).outcome == "verified"
    monkeypatch.chdir("/")
    assert outcome("on", settings, source=sources).outcome == "verified"
    tamper(Store(settings.store), "on:latest", change("etc/os-release", content=b"ID=y\n"), layer=0)
    (found,) = outcome("on", settings, source=sources).differences
    assert (found.where, found.path) == ("layer 1 (base)", "etc/os-release")


def test_a_damaged_download_is_not_used(settings: Settings, tmp_path: Path) -> None:
    """What the cache holds under a hash is looked at before it is taken for what was promised."""
    from slipway.images.verify_rebuild import _check_downloads
    from slipway.inputs.kept import path_of
    from slipway.lock.model import LockedPlatform

    data = {hashlib.sha256(d).hexdigest(): d for d in (b"good", b"bad")}
    for sha256, content in data.items():
        path = path_of(sha256, settings)
        path.parent.mkdir(parents=True)
        path.write_bytes(content if content == b"good" else b"evil")
    files = tuple(LockedFile(d, "http://x", "file", d, 4) for d in data)
    _check_downloads(LockedPlatform("linux/amd64", files=files), settings, Reporter())
    assert [path_of(sha256, settings).exists() for sha256 in data] == [True, False]


def test_neither_a_stored_image_nor_a_reference(settings: Settings) -> None:
    with pytest.raises(UsageError, match="no image 'helo'"):
        verify("helo", settings, Reporter())
    with pytest.raises(UsageError, match="is not an image name"):
        verify("No/Such", settings, Reporter())


def test_an_image_in_a_registry(
    hello: str, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is brought to a place of its own, for this time only."""
    asked = []

    def pull(reference: Any, platform: Any, target: Store, *_: Any) -> Any:
        asked.append((str(reference), platform))
        found = store.find(hello)
        image = read_image(store, found)
        for digest in (found.digest, image.config_blob.digest, *(b.digest for b in image.blobs)):
            target.put(store.read(digest), "")
        return replace(found, name="")

    monkeypatch.setattr("slipway.registry.pull.pull", pull)
    found = outcome("registry.example/hello:1", settings)
    assert (found.outcome, found.image) == ("verified", "registry.example/hello:1")
    assert asked == [("registry.example/hello:1", None)]
    assert [d.name for d in store.images()] == [hello]


def test_the_place_is_cleaned_up_when_it_fails(
    hello: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise SlipwayError("no")

    monkeypatch.setattr("slipway.images.verify.rebuild", fail)
    with pytest.raises(SlipwayError, match="no"):
        verify(hello, settings, Reporter())
    assert not list(settings.cache.glob(".tmp*"))
