from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest

from slipway.errors import InputError, StoreError
from slipway.events import Reporter
from slipway.oci.digest import Digest
from slipway.oci.layerindex import plain
from slipway.oci.reader import Slice
from slipway.oci.rootfs import Trees, chain_id, held, read_small, unpack
from slipway.oci.unpack import Unpacker, overlay_names, remove_tree
from tests.images.making import Maker, Member, folder, hardlink, member, symlink

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="owners and devices can only be made as root")


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    return Trees(tmp_path / "cache" / "trees")


def unpacked(maker: Maker, *layers: Slice, name: str = "out") -> Path:
    target = maker.root / name
    target.mkdir()
    unpack(maker.store, target, layers, Reporter())
    return target


def test_everything_that_a_file_system_keeps(maker: Maker) -> None:
    layer = maker.layer(
        folder("d", 0o1777, mtime=100),
        member("d/f", b"text", mode=0o640, mtime=50),
        hardlink("d/h", "d/f"),
        hardlink("d/h", "d/h"),
        symlink("l", "/d/f"),
        member("p", type=tarfile.FIFOTYPE, mode=0o600),
        member("big", os.urandom(3 << 20)),
    )
    out = unpacked(maker, layer)
    assert (out / "d/f").read_bytes() == b"text"
    assert stat.S_IMODE((out / "d/f").stat().st_mode) == 0o640
    assert (out / "d/f").stat().st_mtime == 50
    assert (out / "d/f").samefile(out / "d/h")
    assert str((out / "l").readlink()) == "/d/f"
    assert stat.S_ISFIFO((out / "p").stat().st_mode)
    assert (out / "d").stat().st_mtime == 100
    assert stat.S_IMODE((out / "d").stat().st_mode) == 0o1777
    assert (out / "big").stat().st_size == 3 << 20


@as_root
def test_root_keeps_owners_devices_and_special_bits(maker: Maker) -> None:
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    layer = maker.layer(
        member("su", b"x", mode=0o4755, uid=7, gid=8),
        member("cap", b"x", pax_headers={"SCHILY.xattr.security.capability": capability.decode("latin1")}),
        member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
        member("white", type=tarfile.CHRTYPE, devmajor=0, devminor=0),
        member("opaque", b"", pax_headers={"SCHILY.xattr.trusted.overlay.opaque": "y"}),
    )
    out = unpacked(maker, layer)
    status = (out / "su").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o4755, 7, 8)
    assert (out / "null").stat().st_rdev == os.makedev(1, 3)
    assert not (out / "white").exists(), "an overlay would take it for a whiteout"
    assert os.listxattr(out / "opaque") == []


def test_without_root_all_belongs_to_the_caller(maker: Maker, tmp_path: Path) -> None:
    layer = maker.layer(
        folder("d", 0o555),
        member("d/su", b"x", mode=0o4755, uid=7, gid=8),
        member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    )
    out = tmp_path / "out"
    out.mkdir()
    unpacker = Unpacker(out, whiteouts=True, as_root=False)
    unpacker.layer(plain(maker.store, layer.blob), "layer")
    unpacker.finish()
    status = (out / "d/su").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o755, os.geteuid())
    assert stat.S_IMODE((out / "d").stat().st_mode) == 0o555
    assert not (out / "null").exists()


HOSTILE: dict[str, list[Member]] = {
    "symlink to an absolute place": [symlink("a", "{outside}"), member("a/evil", b"x")],
    "symlink upwards": [symlink("a", "../../../../../../../../{outside}"), member("a/evil", b"x")],
    "symlink through a symlink": [symlink("a", "b/.."), symlink("b", "{outside}"), member("a/evil", b"x")],
    "file over a symlink": [symlink("a", "{outside}/victim"), member("a", b"x")],
    "directory over a symlink": [symlink("a", "{outside}"), folder("a", 0o777), member("a/evil", b"x")],
    "mode through a symlink": [
        folder("a"),
        folder("a/b", 0o777),
        member("a", b"x"),
        symlink("a", "{outside}"),
    ],
    "hard link to an absolute place": [hardlink("a", "{outside}/victim")],
    "hard link through a symlink": [symlink("s", "{outside}"), hardlink("a", "s/victim"), member("a", b"x")],
    "write through a hard link of a symlink": [
        symlink("s", "{outside}/victim"),
        hardlink("a", "s"),
        member("a", b"x"),
    ],
    "absolute path": [member("{outside}/evil", b"x")],
    "whiteout through a symlink": [symlink("a", "{outside}"), member("a/.wh.victim")],
    "opaque through a symlink": [symlink("a", "{outside}"), member("a/.wh..wh..opq")],
    "upward path": [member("../../evil", b"x")],
    "hard link upwards": [hardlink("a", "../../outside/victim")],
    "whiteout of dots": [member("d/.wh..."), member("d/.wh..")],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_nothing_outside_changes_whatever_a_layer_says(maker: Maker, tmp_path: Path, case: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_bytes(b"unharmed")
    outside.chmod(0o711)
    for info, _ in HOSTILE[case]:
        info.name = info.name.replace("{outside}", str(outside))
        info.linkname = info.linkname.replace("{outside}", str(outside))
    layer = maker.layer(*HOSTILE[case])
    target = tmp_path / "box" / "root"
    target.mkdir(parents=True)
    with suppress(InputError):
        unpack(maker.store, target, [layer], Reporter())
    assert sorted(p.name for p in outside.iterdir()) == ["victim"]
    assert (outside / "victim").read_bytes() == b"unharmed"
    assert (outside / "victim").stat().st_nlink == 1
    assert stat.S_IMODE(outside.stat().st_mode) == 0o711
    assert [p.name for p in (tmp_path / "box").iterdir()] == ["root"]
    assert not (tmp_path / "evil").exists()


def test_a_symlink_in_a_path_leads_where_it_leads_in_the_container(maker: Maker) -> None:
    out = unpacked(
        maker,
        maker.layer(
            folder("usr/lib"), symlink("lib", "usr/lib"), symlink("abs", "/usr"), symlink("up", "../../usr")
        ),
        maker.layer(member("lib/a", b"1"), member("abs/b", b"2"), member("up/c", b"3")),
    )
    assert {p.name for p in (out / "usr").iterdir()} == {"lib", "b", "c"}
    assert (out / "usr/lib/a").read_bytes() == b"1"
    assert (out / "lib").is_symlink()


def test_circles_and_dead_ends_are_refused(maker: Maker) -> None:
    with pytest.raises(InputError, match="circles"):
        unpacked(maker, maker.layer(symlink("a", "b"), symlink("b", "a"), member("a/x", b"")), name="one")
    with pytest.raises(InputError, match="hard link to nothing"):
        unpacked(maker, maker.layer(hardlink("a", "b")), name="two")
    with pytest.raises(InputError, match="no file system takes"):
        unpacked(maker, maker.layer(member("n" * 300, b"")), name="three")


def test_types_may_change_within_and_between_layers(maker: Maker) -> None:
    out = unpacked(
        maker,
        maker.layer(folder("a"), member("a/x", b"1"), member("b", b"2"), member("c", b"3")),
        maker.layer(member("a", b"file"), folder("b"), member("b/y", b"4"), member("c/z", b"5")),
    )
    assert (out / "a").read_bytes() == b"file"
    assert (out / "b/y").read_bytes() == b"4"
    assert (out / "c/z").read_bytes() == b"5"


def test_trees_are_made_once_and_stay(maker: Maker, trees: Trees) -> None:
    layers = [maker.layer(member("a", b"1")), maker.layer(member("b", b"2"))]
    made = trees.provide(maker.store, layers, Reporter())
    assert [sorted(p.name for p in t.iterdir()) for t in made] == [["a"], ["b"]]
    assert stat.S_IMODE(made[0].parent.stat().st_mode) == 0o700
    for layer in layers:
        maker.store.path(layer.blob.digest).unlink()
    assert trees.provide(maker.store, layers, Reporter()) == made


LAYERS_THAT_REMOVE = [
    [
        member("a", b"1"),
        member("b", b"2"),
        folder("d"),
        member("d/x", b"3"),
        folder("e"),
        member("e/x", b"4"),
    ],
    [
        member(".wh.a"),
        member("c", b"3"),
        member(".wh.d"),
        folder("d"),
        member("d/y", b"5"),
        folder("e"),
        member("e/.wh..wh..opq"),
        member(".wh.c"),
    ],
    [member("d", b"4")],
]


def test_a_layer_with_whiteouts_keeps_them_as_an_overlay_has_them(maker: Maker, trees: Trees) -> None:
    made = trees.provide(maker.store, [maker.layer(*layer) for layer in LAYERS_THAT_REMOVE[:2]], Reporter())
    upper = made[1]
    assert sorted(p.name for p in upper.iterdir()) == ["a", "c", "d", "e"]
    status = (upper / "a").lstat()
    assert stat.S_ISCHR(status.st_mode)
    assert status.st_rdev == 0
    assert (upper / "c").read_bytes() == b"3"
    for name in ("d", "e"):
        assert os.getxattr(upper / name, f"{overlay_names()}.opaque") == b"y"
    assert [read_small(made, path) for path in ("a", "b", "c", "d/x", "d/y", "e/x")] == [
        b"",
        b"2",
        b"3",
        b"",
        b"5",
        b"",
    ]


def test_where_there_are_no_whiteouts_a_layer_is_merged_with_those_below(
    maker: Maker, trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "mknod", refused)
    layers = [maker.layer(*layer) for layer in LAYERS_THAT_REMOVE]
    made = trees.provide(maker.store, layers, Reporter())
    assert [sorted(p.name for p in t.iterdir()) for t in made] == [["b", "c", "d", "e"], ["d"]]
    assert made[0].name == "m" + chain_id([layers[0].diff_id, layers[1].diff_id])
    assert trees.provide(maker.store, layers, Reporter()) == made
    assert not list(trees.root.glob(".tmp-*"))


def test_equal_layers_are_one_tree(maker: Maker, trees: Trees) -> None:
    same, other = maker.layer(member("a", b"1")), maker.layer(member("a", b"2"))
    made = trees.provide(maker.store, [same, other, same], Reporter())
    assert len(made) == 2
    assert read_small(made, "a") == b"1"


def test_a_layer_that_is_not_what_the_config_says_leaves_nothing(maker: Maker, trees: Trees) -> None:
    layer = maker.layer(member("a", b"1"))
    lie = Slice(layer.blob, Digest("sha256:" + "0" * 64))
    with pytest.raises(StoreError, match="not what its image promises"):
        trees.provide(maker.store, [lie], Reporter())
    assert list(trees.root.iterdir()) == []


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(
    maker: Maker, trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = maker.layer(folder("d", 0o500), member("d/a", b"x" * 100))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match="no space left"):
        trees.provide(maker.store, [layer], Reporter())
    assert list(trees.root.iterdir()) == []


_RACER = """
import sys
from pathlib import Path
from slipway.events import Reporter
from slipway.oci.reader import read_image
from slipway.oci.rootfs import Trees
from slipway.oci.store import Store
store = Store(Path(sys.argv[1]))
print(*Trees(Path(sys.argv[2])).provide(store, read_image(store, store.find("x")).layers, Reporter()))
"""


def test_processes_may_unpack_the_same_at_once(maker: Maker, trees: Trees) -> None:
    layer = maker.layer(*(member(f"f{n}", b"x" * 1000) for n in range(300)))
    maker.image(layer, tag="x:latest")
    command = [sys.executable, "-c", _RACER, str(maker.store.root), str(trees.root.parent)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = {racer.communicate()[0] for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert len(outputs) == 1
    (tree,) = trees.root.iterdir()
    assert len(list(tree.iterdir())) == 300


def test_small_files_are_read_without_following_links(maker: Maker, trees: Trees) -> None:
    made = trees.provide(
        maker.store,
        [
            maker.layer(
                member("etc/passwd", b"low"), member("etc/group", b"g"), symlink("etc/s", "/etc/passwd")
            ),
            maker.layer(member("etc/passwd", b"top"), member("etc/other", b"o")),
        ],
        Reporter(),
    )
    assert read_small(made, "etc/passwd") == b"top"
    assert read_small(made, "etc/group") == b"g"
    assert read_small(made, "etc/s") == b""
    assert read_small(made, "etc/none") == b""
    assert read_small(made, "etc/passwd/x") == b""


def test_trees_of_any_modes_can_be_removed(tmp_path: Path) -> None:
    inner = tmp_path / "t" / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "f").touch()
    (tmp_path / "t" / "l").symlink_to("/nowhere")
    inner.chmod(0)
    inner.parent.chmod(0o500)
    with held([tmp_path / "t"]):
        remove_tree(tmp_path / "t")
    assert not (tmp_path / "t").exists()
    remove_tree(tmp_path / "t")
