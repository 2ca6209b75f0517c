from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.errors import InputError, StoreError
from slipway.events import Reporter
from slipway.oci.entry import Entry
from slipway.oci.layerindex import Kept, LayerIndex, layer_index, merged, read_files
from slipway.oci.rootfs import unpack
from tests.images.making import Maker, Member, folder, hardlink, member, symlink, tar


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def test_an_index_tells_everything_about_a_layer(maker: Maker) -> None:
    plain = tar(
        [
            folder("etc/", 0o750, uid=3),
            member("etc/a", b"one", mode=0o600, uid=1000, gid=5, mtime=7),
            symlink("etc/b", "a"),
            hardlink("c", "etc/a"),
            member("etc/.wh.gone"),
        ]
    )
    layer = maker.raw(plain)
    index = layer_index(maker.store, layer.blob)
    assert index.diff_id == layer.diff_id
    assert index.raw_size == len(plain)
    one = hashlib.sha256(b"one").hexdigest()
    assert index.present["etc/a"] == Entry("etc/a", "file", 0o600, 1000, 5, 3, 7, sha256=one)
    assert index.present["etc"].mode == 0o750
    assert index.present["c"].target == "etc/a"
    assert index.removed == {"etc/gone"}
    assert "etc/.wh.gone" not in index.present


def test_an_index_is_made_once(maker: Maker) -> None:
    layer = maker.layer(member("a", b"x", pax_headers={"SCHILY.xattr.user.k": "v"}))
    first = layer_index(maker.store, layer.blob)
    maker.store.path(layer.blob.digest).unlink()
    assert layer_index(maker.store, layer.blob) == first


def test_a_damaged_layer_gets_no_index(maker: Maker) -> None:
    layer = maker.layer(member("a", b"x" * 5000))
    path = maker.store.path(layer.blob.digest)
    other = maker.layer(member("a", b"y" * 5000))
    path.write_bytes(maker.store.path(other.blob.digest).read_bytes())
    with pytest.raises(StoreError, match="damaged"):
        layer_index(maker.store, layer.blob)
    path.unlink()
    with pytest.raises(StoreError, match="lacks"):
        layer_index(maker.store, layer.blob)
    assert not (maker.store.root / "indexes").exists() or not list((maker.store.root / "indexes").iterdir())


def test_a_cut_layer_is_refused(maker: Maker) -> None:
    layer = maker.raw(tar([member("a", b"x" * 5000)])[:3000])
    with pytest.raises(InputError, match="ends early"):
        layer_index(maker.store, layer.blob)


def indexes(maker: Maker, *layers: list[Member]) -> list[LayerIndex]:
    return [layer_index(maker.store, maker.layer(*members).blob) for members in layers]


@pytest.mark.parametrize(
    ("upper", "seen"),
    [
        ([member("d/.wh.a")], {"d", "d/b", "d/b/c", "e"}),
        ([member(".wh.d")], {"e"}),
        ([member("d/.wh..wh..opq"), member("d/new", b"")], {"d", "d/new", "e"}),
        ([member("d/new", b""), member("d/.wh..wh..opq")], {"d", "d/new", "e"}),
        ([member(".wh..wh..opq"), member("f", b"")], {"f"}),
        ([member("d", b"now a file")], {"d", "e"}),
        ([folder("e"), member("e/x", b"")], {"d", "d/a", "d/b", "d/b/c", "e", "e/x"}),
        ([member(".wh.d"), folder("d"), member("d/z", b"")], {"d", "d/z", "e"}),
    ],
)
def test_upper_layers_change_lower_ones(maker: Maker, upper: list[Member], seen: set[str]) -> None:
    lower = [folder("d"), member("d/a", b"1"), folder("d/b"), member("d/b/c", b"2"), member("e", b"3")]
    assert set(merged(indexes(maker, lower, upper))) == seen


def test_files_come_from_the_topmost_layer_that_has_them(maker: Maker) -> None:
    layers = [
        maker.layer(member("a", b"old"), member("gone", b"x"), member("d/x", b"x"), member("keep", b"k")),
        maker.layer(member("a", b"new"), member(".wh.gone"), member("d/.wh..wh..opq"), hardlink("h", "a")),
        maker.layer(member("other", b"o"), symlink("s", "a")),
    ]
    wanted = ["a", "gone", "d/x", "keep", "h", "s", "never"]
    found = read_files(maker.store, [layer.blob for layer in layers], wanted)
    assert found == {"a": b"new", "keep": b"k", "h": b"new"}


names = st.sampled_from(["a", "b", "c"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)


@st.composite
def layer_members(draw: st.DrawFn) -> list[Member]:
    """A well-formed layer: parents come before children, nothing is below a file, no path comes twice."""
    made: dict[str, str] = {}
    members: list[Member] = []
    for path in draw(st.lists(paths, max_size=6, unique=True)):
        parts = path.split("/")
        parents = ["/".join(parts[:n]) for n in range(1, len(parts))]
        if any(made.get(p, "dir") != "dir" for p in parents):
            continue
        for parent in parents:
            if parent not in made:
                made[parent] = "dir"
                members.append(folder(parent))
        if path in made:
            continue
        kind = draw(st.sampled_from(["dir", "file", "whiteout", "opaque"]))
        parent, _, name = path.rpartition("/")
        if kind == "whiteout":
            members.append(member(f"{parent}/.wh.{name}".lstrip("/")))
            continue
        made[path] = "file" if kind == "file" else "dir"
        if kind == "file":
            members.append(member(path, draw(st.binary(max_size=3))))
        else:
            members.append(folder(path))
            if kind == "opaque":
                members.append(member(f"{path}/.wh..wh..opq"))
    return members


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(layer_members(), min_size=1, max_size=4))
def test_merging_indexes_and_unpacking_agree(
    tmp_path_factory: pytest.TempPathFactory, layers: list[list[Member]]
) -> None:
    root = tmp_path_factory.mktemp("agree")
    maker = Maker(root)
    slices = [maker.layer(*members) for members in layers]
    view = merged([layer_index(maker.store, s.blob) for s in slices])
    target = root / "unpacked"
    target.mkdir()
    unpack(maker.store, target, slices, Reporter())
    on_disk = {}
    for where, folders, files in os.walk(target):
        for name in folders:
            on_disk[os.path.relpath(f"{where}/{name}", target)] = b"dir"
        for name in files:
            on_disk[os.path.relpath(f"{where}/{name}", target)] = Path(where, name).read_bytes()
    assert set(view) == set(on_disk)
    for path, entry in view.items():
        if entry.kind == "file":
            assert entry.sha256 == hashlib.sha256(on_disk[path]).hexdigest()


def test_contents_can_be_kept_from_the_first_reading(maker: Maker) -> None:
    lower = maker.layer(member("a", b"old"), member("b", b"1" * (2 << 20)), member("c", b"9" * (9 << 20)))
    upper = maker.layer(member("a", b"new"), hardlink("d", "a"))
    layers = [lower.blob, upper.blob]
    kept: Kept = {}
    for layer in layers:
        layer_index(maker.store, layer, ("a", "b", "c", "none"), kept)
    assert kept == {
        lower.blob.digest: {"a": b"old", "b": b"1" * (2 << 20)},  # c is too large to be kept
        upper.blob.digest: {"a": b"new"},
    }
    wanted = read_files(maker.store, layers, ["a", "b", "d"])
    for layer in layers:
        maker.store.path(layer.digest).unlink()
    assert read_files(maker.store, layers, ["a", "b", "d"], kept) == wanted
    with pytest.raises(StoreError):
        read_files(maker.store, layers, ["c"], kept)
