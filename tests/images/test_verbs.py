from __future__ import annotations

import json
from typing import Any

import pytest

from slipway.errors import UsageError
from slipway.events import Reporter
from slipway.images.diff import PackageChange, PathChange, SettingChange, diff
from slipway.images.inspect import inspect
from slipway.images.ls import ls
from slipway.images.rm import rm
from slipway.images.tag import tag
from slipway.oci.reader import Slice
from slipway.oci.store import Descriptor
from tests.images.making import Maker, folder, member, symlink


def record(maker: Maker, image: Descriptor, *layers: tuple[str, Slice, list[list[str]]]) -> None:
    rows = [
        {
            "name": n,
            "key": f"k-{n}",
            "digest": s.blob.digest,
            "size": s.blob.size,
            "raw_size": 77,
            "parts": parts,
        }
        for n, s, parts in layers
    ]
    maker.store.put_build_record(image.digest, {"layers": rows})


def test_ls_tells_names_sizes_and_platforms(maker: Maker) -> None:
    layer = maker.layer(member("a", b"1"))
    amd, arm = (maker.image(layer, platform=f"linux/{arch}") for arch in ("amd64", "arm64"))
    index = maker.index([("linux/amd64", amd), ("linux/arm64", arm)], tag="multi:1")
    maker.store.tag("hello:1", amd)
    maker.store.add(arm)
    rows = ls(maker.store)
    assert [row.name for row in rows] == ["hello:1", "multi:1", ""]
    assert rows[1].platforms == ("linux/amd64", "linux/arm64")
    assert rows[1].digest == index.digest
    assert rows[0].id == maker.store.read_json(amd.digest)["config"]["digest"]
    manifest = maker.store.read_json(amd.digest)
    assert rows[0].size == layer.blob.size + manifest["config"]["size"] + amd.size
    assert json.loads(json.dumps(rows[1].as_dict()))["platforms"] == ["linux/amd64", "linux/arm64"]


def test_inspect_tells_what_each_layer_is(maker: Maker) -> None:
    known, foreign = maker.layer(member("a", b"1" * 600)), maker.layer(member("b", b"2" * 600))
    image = maker.image(foreign, known, tag="hello:1", Cmd=["/a"], Env=["A=1"])
    maker.store.tag("hello:2", image)
    record(maker, image, ("apt", known, [["deb", "bash", "5.2"]]))
    told = inspect(maker.store, "hello:1")
    assert told["RepoTags"] == ["hello:1", "hello:2"]
    assert (told["Id"], told["Digest"]) == (
        maker.store.read_json(image.digest)["config"]["digest"],
        image.digest,
    )
    assert told["Config"] == {"Cmd": ["/a"], "Env": ["A=1"]}
    assert told["RootFS"]["Layers"] == [foreign.diff_id, known.diff_id]
    theirs, ours = told["Layers"]
    assert (ours["name"], ours["key"], ours["raw_size"]) == ("apt", "k-apt", 77)
    assert ours["parts"] == [["deb", "bash", "5.2"]]
    assert (theirs["name"], theirs["parts"], theirs["raw_size"]) == ("", [], 10240)
    assert told["Size"] == foreign.blob.size + known.blob.size


def test_inspect_shows_the_platform_that_is_asked_for(maker: Maker) -> None:
    layer = maker.layer(member("a", b"1"))
    arm = maker.image(layer, platform="linux/arm64")
    maker.index([("linux/amd64", maker.image(layer)), ("linux/arm64", arm)], tag="multi:1")
    told = inspect(maker.store, "multi:1", "linux/arm64")
    assert (told["Architecture"], told["Manifest"]) == ("arm64", arm.digest)
    assert told["Platforms"] == ["linux/amd64", "linux/arm64"]


def test_tag_tells_what_it_replaced(maker: Maker) -> None:
    one = maker.image(maker.layer(member("a", b"1")), tag="one:1")
    two = maker.image(maker.layer(member("a", b"2")), tag="two:1")
    assert tag(maker.store, "one:1", "new").as_dict() == {
        "name": "new:latest",
        "digest": one.digest,
        "replaced": "",
    }
    assert tag(maker.store, "one:1", "new").replaced == ""
    assert tag(maker.store, "two:1", "new").replaced == one.digest
    assert maker.store.find("new").digest == two.digest
    with pytest.raises(UsageError, match="cannot name"):
        tag(maker.store, "one:1", "No Such")
    with pytest.raises(UsageError, match="no image"):
        tag(maker.store, "none", "x")


def test_rm_removes_all_or_nothing(maker: Maker) -> None:
    image = maker.image(maker.layer(member("a", b"1")), tag="one:1")
    maker.store.tag("two:1", image)
    with pytest.raises(UsageError, match="no image 'thre'"):
        rm(maker.store, ["one:1", "thre"])
    assert len(maker.store.images()) == 2
    (gone,) = rm(maker.store, ["one:1", "one:1"])
    assert (gone.name, gone.last) == ("one:1", False)
    maker.store.tag("one:1", image)
    assert [(g.name, g.last) for g in rm(maker.store, [image.digest])] == [("two:1", True), ("one:1", True)]


STATUS = """Package: bash
Status: install ok installed
Version: {bash}
Description: a shell
 Version: not a field

Package: gone
Status: deinstall ok config-files
Version: 1

Package: same
Status: install ok installed
Version: 3
"""


def variant(maker: Maker, name: str, bash: str, wheel: str, **config: Any) -> None:
    base = maker.layer(
        folder("etc"),
        member("etc/same", b"same", mtime=len(name)),
        member("var/lib/dpkg/status", STATUS.format(bash=bash).encode()),
    )
    top = maker.layer(
        member(f"venv/site/My_Pkg-{wheel}.dist-info/METADATA", b""),
        member(f"only-{name}", b"12345"),
        member("grown", b"x" * len(name)),
        member("mode", b"m", mode=0o600 if name == "b" else 0o644),
        symlink("link", name),
    )
    maker.image(base, top, tag=f"{name}:1", **config)


def test_diff_of_images_from_elsewhere_reads_their_databases(maker: Maker) -> None:
    variant(maker, "a", "5.1", "1.0", Env=["A=1", "B=2"], Labels={"l": "1"}, User="x")
    variant(maker, "b", "5.2", "1.0", Env=["A=1", "B=3"], Labels={"l": "1", "m": "2"}, User="x")
    found = diff(maker.store, "a:1", "b:1", maker.settings, Reporter())
    assert found.packages == (PackageChange("deb", "bash", "5.1", "5.2"),)
    changes = {c.path: c for c in found.paths}
    assert changes.pop("only-a") == PathChange("only-a", 5, None)
    assert changes.pop("only-b") == PathChange("only-b", None, 5)
    assert changes.pop("mode").what == ("mode",)
    assert changes.pop("link").what == ("target",)
    assert changes.pop("var/lib/dpkg/status").what == ("content",)
    assert changes == {}
    assert found.settings == (SettingChange("Env.B", "2", "3"), SettingChange("Labels.m", None, "2"))
    assert json.loads(json.dumps(found.as_dict()))["packages"][0]["name"] == "bash"


def test_diff_sees_wheels_come_and_go(maker: Maker) -> None:
    variant(maker, "a", "5.1", "1.0")
    variant(maker, "bb", "5.1", "2.0")
    found = diff(maker.store, "a:1", "bb:1", maker.settings, Reporter())
    assert found.packages == (PackageChange("pypi", "my-pkg", "1.0", "2.0"),)
    assert PathChange("grown", 1, 2, ("content",)) in found.paths


def test_diff_joins_the_versions_of_a_name(maker: Maker) -> None:
    for name, rows in (("a", ("x 1", "both 1")), ("b", ("y 2", "both 1", "both 2"))):
        stanzas = (
            f"Package: {p}\nStatus: install ok installed\nArchitecture: a{n}\nVersion: {v}\n"
            for n, (p, v) in enumerate(row.split() for row in rows)
        )
        layer = maker.layer(member("var/lib/dpkg/status", "\n".join(stanzas).encode()))
        maker.image(layer, tag=f"{name}:1")
    assert diff(maker.store, "a:1", "b:1", maker.settings, Reporter()).packages == (
        PackageChange("deb", "both", "1", "1, 2"),
        PackageChange("deb", "x", "1", ""),
        PackageChange("deb", "y", "", "2"),
    )


def test_diff_of_an_image_with_itself_is_empty(maker: Maker) -> None:
    variant(maker, "a", "5.1", "1.0")
    found = diff(maker.store, "a:1", "a:1", maker.settings, Reporter())
    assert (found.packages, found.paths, found.settings) == ((), (), ())
