from __future__ import annotations

import shutil
import subprocess

import pytest

from slipway.distro import dpkg
from slipway.distro.settle import settle
from slipway.distro.world import World
from slipway.errors import InputError
from tests.distro import realdebs, realroot
from tests.distro.debkit import deb_bytes, folder, fragment, link, member


def packages(*made):
    return list(World(made).packages.values())


def text(files, name):
    return next(f.content for f in files if f.path == f"var/lib/dpkg/{name}").decode()


def test_a_stanza(tmp_path):
    fields = {
        "Depends": "libc6(>=2.36),\n python3:any | b (<1:2), c (= 0:1.0)",
        "Multi-Arch": "no",
        "Essential": "no",
        "Description": "short\n long",
        "X-Custom": "yes",
        "Section": "misc",
    }
    made = fragment(tmp_path, [member("etc/a b", b"a")], fields, {"conffiles": "/etc/a b\n"})
    assert dpkg.stanza(packages(made)[0]) == (
        "Package: toy\nStatus: install ok installed\nSection: misc\nMaintainer: A <a@example.org>\n"
        "Architecture: amd64\nVersion: 1.0-1\n"
        "Depends: libc6 (>= 2.36), python3:any | b (<= 1:2), c (= 1.0)\n"
        "Conffiles:\n /etc/a b 0cc175b9c0f1b6a831c399e269772661\nDescription: short\n long\nX-Custom: yes\n"
    )


def test_triggers(tmp_path):
    one = fragment(tmp_path, (), {}, {"triggers": "interest-noawait /usr/x\ninterest run\nactivate other\n"})
    two = fragment(
        tmp_path,
        (),
        {"Package": "lib", "Multi-Arch": "same"},
        {"triggers": "interest /usr/x\ninterest-await run\n"},
    )
    files = dpkg.database(packages(one, two), "amd64")
    assert text(files, "triggers/File") == "/usr/x lib:amd64\n/usr/x toy/noawait\n"
    assert text(files, "triggers/run") == "lib:amd64\ntoy\n"
    assert not any("other" in f.path for f in files)
    assert text(files, "status").startswith("Package: lib\n")


def test_who_keeps_a_path(tmp_path):
    old = fragment(
        tmp_path, [member("usr/x", b"old"), member("usr/y", b"y")], {"Package": "old", "Version": "1"}
    )
    new = fragment(tmp_path, [member("usr/x", b"new")], {"Package": "new", "Replaces": "a, old (<< 2)"})
    assert settle([old, new]) == {0: {"usr/x"}}
    assert settle([new, old]) == {1: {"usr/x"}}
    late = fragment(tmp_path, [member("usr/x", b"old")], {"Package": "old", "Version": "2"})
    for pair in ([late, new], [new, late]):
        with pytest.raises(InputError, match="both hold /usr/x"):
            settle(pair)
    assert settle([new]) == {}


def test_a_listing_loses_what_was_taken_over():
    assert dpkg.without("/.\n/bin\n/bin/x\n/usr/y\n", {"usr/bin/x"}) == "/.\n/bin\n/usr/y\n"


@pytest.mark.slow
@pytest.mark.net
@pytest.mark.parametrize("suite", realroot.SUITES)
def test_status_is_what_dpkg_writes(suite):
    root = realroot.root(suite)
    stanzas = [dpkg.stanza(p) for p in sorted(packages(*realdebs.fragments(suite)), key=lambda p: p.name)]
    assert "\n".join(stanzas) + "\n" == root.content("var/lib/dpkg/status").decode()


@pytest.mark.slow
@pytest.mark.net
@pytest.mark.parametrize("suite", realroot.SUITES)
def test_info_files_are_what_dpkg_writes(suite):
    root = realroot.root(suite)
    info = "var/lib/dpkg/info/"
    theirs = {p: root.content(p) for p in root.paths if p.startswith(info) and p != info + "format"}
    ours: dict[str, bytes] = {}
    for each in realdebs.fragments(suite):
        ours.update(each.read(*(p for p in each.paths if p.startswith(info))))
    assert ours.keys() == theirs.keys()
    assert [p for p in ours if ours[p] != theirs[p]] == []


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")
def test_dpkg_itself_unpacks_the_same_lists(tmp_path):
    """A package without md5sums, with files on both sides of the merge: what the real dpkg notes of it."""
    members = [
        *(folder(f"./{name}/") for name in ("bin", "usr", "usr/share", "etc")),
        member("./bin/a", b"a"),
        member("./usr/share/b", b"b"),
        link("./usr/share/c", "b"),
        member("./etc/d", b"d"),
    ]
    files = {"conffiles": "/etc/d\n"}
    data = deb_bytes(members, {"Description": "x", "Architecture": "all"}, files)
    admin = tmp_path / "root/var/lib/dpkg"
    for name in ("info", "updates", "triggers"):
        (admin / name).mkdir(parents=True)
    (admin / "status").touch()
    (tmp_path / "toy.deb").write_bytes(data)
    command = ["dpkg", "--root", tmp_path / "root", "--force-not-root", "--log=/dev/null"]
    env = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    subprocess.run([*command, "--install", tmp_path / "toy.deb"], check=True, capture_output=True, env=env)
    made = fragment(tmp_path, members, {"Description": "x", "Architecture": "all"}, files)
    ours = made.read(*made.paths)
    for name in ("list", "md5sums", "conffiles"):
        assert ours[f"var/lib/dpkg/info/toy.{name}"] == (admin / f"info/toy.{name}").read_bytes()
    assert dpkg.stanza(packages(made)[0]) + "\n" == (admin / "status").read_text()
