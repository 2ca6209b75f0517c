from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway.distro import deb as deb_module
from slipway.distro.ar import deb_parts, plain
from slipway.distro.deb import deb_fragment, deb_key, purl
from slipway.distro.elf import shared_object
from slipway.distro.model import Deb
from slipway.distro.usrmerge import goes_to, place
from slipway.errors import InputError, StoreError
from slipway.oci.entry import Entry
from tests.distro.debkit import (
    ar,
    deb_bytes,
    deb_of,
    folder,
    fragment,
    link,
    member,
    new_cache,
    pack,
    raw_fragment,
    tar,
)

if TYPE_CHECKING:
    from slipway.oci.fragment import Fragment


def entries(made: Fragment) -> dict[str, Entry]:
    return {e.path: e for e in made.entries if not e.path.startswith("var/lib/dpkg/")}


def test_what_a_package_becomes(tmp_path):
    made = fragment(
        tmp_path,
        [
            folder("./bin/", 0o755),
            folder("./etc/", 0o750),
            member("./bin/tool", b"#!/bin/sh\n", mode=0o4755, uid=0, gid=42, uname="nobody", gname="nobody"),
            link("./bin/alias", "./bin/tool", hard=True),
            link("./sbin/tool", "/bin/tool"),
            member("./etc/toy.conf", b"a = 1\n"),
            member("./dev/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
        ],
        files={"conffiles": "/etc/toy.conf\n"},
    )
    found = entries(made)
    tool = found["usr/bin/tool"]
    assert (tool.mode, tool.uid, tool.gid, tool.mtime) == (0o4755, 0, 42, 1_600_000_000)
    assert tool.sha256 == hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    assert (found["usr/bin/alias"].kind, found["usr/bin/alias"].target) == ("link", "usr/bin/tool")
    assert (found["usr/sbin/tool"].kind, found["usr/sbin/tool"].target) == ("symlink", "/bin/tool")
    assert (found["dev/null"].kind, found["dev/null"].dev) == ("char", (1, 3))
    assert {d.path: d.mode for d in made.dirs} == {"etc": 0o750}  # what /bin leads to is for others to say
    assert made.read("usr/bin/tool") == {"usr/bin/tool": b"#!/bin/sh\n"}
    assert made.component.purl == "pkg:deb/debian/toy@1.0-1?arch=amd64"
    assert made.extra["conffiles"] == [["/etc/toy.conf", hashlib.md5(b"a = 1\n").hexdigest()]]


def test_its_part_of_the_database(tmp_path):
    made = fragment(
        tmp_path,
        [folder("./usr/"), member("./usr/x", b"x"), member("./bin/y", b"y"), member("./etc/z", b"z")],
        {"Multi-Arch": "same"},
        {"postinst": "#!/bin/sh\n", "conffiles": "/etc/z\n", "triggers": "interest-noawait /usr/x # why\n"},
    )
    info = "var/lib/dpkg/info/toy:amd64."
    found = made.read(*made.paths)
    assert found[info + "list"] == b"/.\n/usr\n/usr/x\n/bin/y\n/etc/z\n"
    assert found[info + "postinst"] == b"#!/bin/sh\n"
    assert found[info + "md5sums"] == b"".join(
        hashlib.md5(name[-1:]).hexdigest().encode() + b"  " + name + b"\n"
        for name in (b"usr/x", b"bin/y", b"etc/z")
    )
    assert {e.path: e.mode for e in made.entries if "info/" in e.path}[info + "postinst"] == 0o755
    assert info + "control" not in found
    assert made.extra["triggers"] == [["interest-noawait", "/usr/x"]]


@pytest.mark.parametrize("suffix", ["", "gz", "xz", "zst", "bz2"])
def test_every_compression(tmp_path, suffix):
    content = random.Random(1).randbytes(3 << 20)
    made = fragment(tmp_path, [member("./usr/big", content)], suffix=suffix)
    assert made.read("usr/big") == {"usr/big": content}


def test_times_are_clamped_and_part_of_the_key(tmp_path):
    members = [member("./usr/old", b"", mtime=1000), member("./usr/new", b"", mtime=9_000_000)]
    made = fragment(tmp_path, members, clamp=5000)
    assert {p: e.mtime for p, e in entries(made).items()} == {"usr/old": 1000, "usr/new": 5000}
    assert all(e.mtime <= 5000 for e in made.entries)
    cache = new_cache(tmp_path)
    assert made.key == deb_key(cache, deb_of(deb_bytes(members)).sha256, clamp=5000) != deb_key(cache, "x")


def test_same_deb_same_bytes_and_no_second_read(tmp_path):
    members = [member("./usr/x", b"x"), link("./usr/y", "x")]
    one = fragment(tmp_path, members)
    two = fragment(tmp_path, members)
    assert one.extra == two.extra
    assert one.entries == two.entries
    other = tmp_path / "other"
    other.mkdir()
    assert fragment(other, members).digest == one.digest
    data = deb_bytes(members)
    gone = deb_fragment(new_cache(tmp_path), deb_of(data), tmp_path / "not there")
    assert gone.digest == one.digest
    with pytest.raises(StoreError):
        deb_fragment(new_cache(tmp_path), deb_of(b"another"), tmp_path / "not there")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([member("../x")], "leaves its root"),
        ([member("d/" * 150 + "x")], "absurdly deep"),
        ([member("usr/../../x")], "leaves its root"),
        ([link("./usr/a", "/etc"), member("./usr/a/passwd", b"")], "usr/a is a symlink"),
        ([member("./usr/a/passwd", b""), link("./usr/a", "/etc")], "usr/a is a symlink"),
        ([link("./bin/a", "/etc"), member("./usr/bin/a/x", b"")], "usr/bin/a is a symlink"),
        ([member("./usr/a", b""), folder("./usr/a/")], "usr/a is a file"),
        ([member("./usr/a", b""), member("./usr/a", b"")], "comes twice"),
        ([member("./bin/a", b""), member("./usr/bin/a", b"")], "comes twice"),
        ([link("./usr/a", "etc/shadow", hard=True)], "not in it"),
        ([link("./usr/a", "../etc/shadow", hard=True)], "leaves its root"),
        ([member("./usr/a", type=b"S")], "sparse"),
        ([member("./usr/a", type=b"D")], "unknown type"),
        ([member("./var/lib/dpkg/info/toy.list", b"/\n")], "file of dpkg's own database"),
    ],
)
def test_hostile_contents(tmp_path, members, message):
    with pytest.raises(InputError, match=message):
        fragment(tmp_path, members)
    assert not list((tmp_path / "fragments").rglob("*.json"))
    assert not [p for p in (tmp_path / "fragments").rglob("*") if p.is_file()]


def test_a_bomb_stops_early(tmp_path, monkeypatch):
    monkeypatch.setattr(deb_module, "_SLACK", 1 << 20)
    with pytest.raises(InputError, match=r"unpacks to more than|claims"):
        fragment(tmp_path, [member("./usr/bomb", b"\0" * (32 << 20))])
    monkeypatch.setattr(deb_module, "_MOST_ENTRIES", 10)
    with pytest.raises(InputError, match="more than 10 entries"):
        fragment(tmp_path, [member(f"./usr/{n}") for n in range(20)])


def test_a_control_bomb_stops_early(tmp_path):
    with pytest.raises(InputError, match="control"):
        fragment(tmp_path, files={"templates": "x" * (17 << 20)})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no ar archive"),
        (b"PK\x03\x04 not a deb", "no ar archive"),
        (b"!<arch>\n", "first member"),
        (ar([("debian-binary", b"3.0\n")]), "other than 2"),
        (ar([("debian-binary", b"2.0\n")]), "control.tar is not"),
        (ar([("debian-binary", b"2.0\n"), ("data.tar", b""), ("control.tar", b"")]), "control.tar is not"),
        (ar([("debian-binary", b"2.0\n"), ("control.tar.rar", b"x"), ("data.tar", b"")]), "unknown way"),
        (ar([("debian-binary", b"2.0\n"), ("control.tar.xz", b"xyz" * 9), ("data.tar", b"")]), "damaged"),
        (ar([("debian-binary", b"2.0\n"), ("control.tar", b""), ("data.tar", b"")]), "no control file"),
        (deb_bytes()[:200], "ends early"),
        (deb_bytes()[:-40], "ends early"),
        (b"!<arch>\n" + b"x" * 60, "member header"),
    ],
)
def test_damaged_archives(tmp_path, data, message):
    with pytest.raises(InputError, match=message):
        raw_fragment(tmp_path, data)


def test_damage_anywhere_is_an_error_or_harmless(tmp_path):
    """No byte that is wrong leads to anything but an InputError, or to the same fragment."""
    good = bytearray(
        deb_bytes([member("./usr/x", b"hello" * 50), folder("./usr/d/")], files={"postinst": "#!/bin/sh\n"})
    )
    rng = random.Random(7)
    refused = 0
    for _ in range(150):
        bad = bytearray(good)
        bad[rng.randrange(len(bad))] ^= rng.randrange(1, 256)
        try:
            raw_fragment(tmp_path, bytes(bad))
        except InputError:
            refused += 1
    assert refused > 100


def test_private_members_are_passed_over(tmp_path):
    data = ar(
        [
            ("debian-binary", b"2.0\n"),
            ("_note", b"abc"),
            (
                "control.tar.gz",
                pack(tar([member("control", b"Package: toy\nVersion: 1.0-1\nArchitecture: amd64\n")]), "gz"),
            ),
            ("data.tar", tar([member("usr/x", b"x")])),
            ("later", b"more"),
        ]
    )
    assert raw_fragment(tmp_path, data).read("usr/x") == {"usr/x": b"x"}


def test_another_package_than_promised(tmp_path):
    data = deb_bytes()
    path = tmp_path / "x.deb"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"says Version: 1\.0-1, the index says 2"):
        deb_fragment(new_cache(tmp_path), Deb("toy", "2", "amd64", "", "", "0" * 64, 1), path)


def test_merged_usr_bridges_go():
    assert goes_to("usr/bin/a", "/bin/a") == "usr/bin/a"
    assert goes_to("usr/lib/x/y", "../../bin/a") == "usr/bin/a"
    assert goes_to("lib", "usr/lib") == "usr/lib"
    assert place("bin", "symlink") == "bin"
    assert place("var/run/x", "file") == "run/x"
    assert place("var/lock", "dir") == "run/lock"
    assert place("libexec/x", "file") == "libexec/x"


def test_both_sides_of_a_bridge(tmp_path):
    made = fragment(tmp_path, [link("./usr/bin/a", "/bin/a"), member("./bin/a", b"a")])
    assert {p: e.kind for p, e in entries(made).items()} == {"usr/bin/a": "file"}


def test_purl_is_encoded():
    deb = Deb("libstdc++6", "2:1.0+b1~rc1-1", "arm64", "", "", "", 0)
    assert purl(deb) == "pkg:deb/debian/libstdc%2B%2B6@2:1.0%2Bb1~rc1-1?arch=arm64"


def test_shared_objects_are_noted(tmp_path):
    libc = next(iter(Path("/lib").glob("*-linux-gnu/libc.so.6")), None)
    if libc is None:
        pytest.skip("no C library to read")
    content = libc.read_bytes()
    made = fragment(
        tmp_path,
        [
            member("./lib/x/libc.so.6", content),
            member("./lib/x/libtext.so", b"INPUT(libc.so.6)"),
            member("./usr/a", content),
        ],
        suffix="gz",
    )
    (found,) = made.extra["elf"]
    assert (found["path"], found["soname"], found["class"]) == ("usr/lib/x/libc.so.6", "libc.so.6", 64)
    assert made.read("usr/lib/x/libc.so.6")["usr/lib/x/libc.so.6"] == content


def test_no_elf_upsets_the_reader(tmp_path):
    libc = next(iter(Path("/lib").glob("*-linux-gnu/libc.so.6")), None)
    if libc is None:
        pytest.skip("no C library to read")
    good = libc.read_bytes()[:70000]
    rng = random.Random(3)
    path = tmp_path / "lib.so"
    for _ in range(300):
        bad = bytearray(good[: rng.randrange(len(good))])
        for _ in range(20):
            if bad:
                bad[rng.randrange(min(len(bad), 1024))] = rng.randrange(256)
        path.write_bytes(bad)
        with path.open("rb") as file:
            shared_object(file)


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")
def test_agrees_with_dpkg_deb(tmp_path):
    """A package that dpkg-deb itself built, and what dpkg-deb says is in it."""
    tree = tmp_path / "tree"
    deep = tree / "usr/share" / ("long" * 20) / ("name" * 20)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"deep")
    (tree / "usr/share/link").symlink_to("x" * 150)
    (tree / "usr/share/ümlaut").write_bytes(b"u")
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(
        "Package: toy\nVersion: 1.0-1\nArchitecture: amd64\nMaintainer: A <a@b.org>\nDescription: x\n y\n"
    )
    out = tmp_path / "toy.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, out], check=True, capture_output=True)
    made = raw_fragment(tmp_path, out.read_bytes())
    with out.open("rb") as file:
        data = b"".join(plain(file, deb_parts(file, "toy").data, "toy"))
    assert data == subprocess.run(["dpkg-deb", "--fsys-tarfile", out], check=True, capture_output=True).stdout
    assert made.read(f"usr/share/{'long' * 20}/{'name' * 20}/file", "usr/share/ümlaut").keys() == {
        f"usr/share/{'long' * 20}/{'name' * 20}/file",
        "usr/share/ümlaut",
    }
    assert entries(made)["usr/share/link"].target == "x" * 150
