"""The system fragment, up to a comparison with the roots that mmdebstrap makes by running every script."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache

import pytest

from slipway.distro.model import SystemContext
from slipway.distro.modes import changed
from slipway.distro.settle import settle
from slipway.distro.system import system_fragment
from slipway.distro.world import World
from slipway.oci.entry import Entry
from slipway.oci.fragment import Fragment
from slipway.oci.layer import directories
from tests.distro import realdebs, realroot
from tests.distro.debkit import folder, fragment, link, member, new_cache, unpack

CONTEXT = SystemContext(
    codename="toy",
    sources=(("https://archive.example.org/debian", ("toy", "toy-updates")),),
    components=("main",),
    manual=("tool",),
    arch="amd64",
    epoch=1_700_000_000,
)

# Where an image differs from a root in which every script ran, and why that is right.
EXPECTED = {
    r"etc/(hostname|resolv\.conf|fstab)": "the builder's own files, mounted over by whatever runs the image",
    r"etc/\.pwd\.lock": "a lock",
    r"dev(/.*)?": "device nodes come from what runs the image",
    r"etc/apt/(sources\.list|sources\.list\.d/debian\.sources)": "the sources are written in the newer form",
    r".*/__pycache__(/.*)?": "bytecode is written on first use",
    r"var/cache/debconf/.*": "debconf's answers and templates, which it reads again when it needs them",
    r"var/(cache/apt/archives|lib/apt/lists)/(lock|partial)": "apt makes these its own when it first runs",
    r"var/lib/apt/extended_states": "mmdebstrap installs the essential set as if all of it had been asked for",
    r"var/lib/dpkg/(lock|lock-frontend|triggers/Lock|[a-z]+-old)": "locks and backups",
    r"var/lib/dpkg/(statoverride|available)": "empty, where dpkg leaves none",
    r"var/lib/dpkg/diversions": "order, and those of vim-runtime, which is told to be uncovered; see below",
    r"etc/rc[06S]\.d/[SK]01hwclock\.sh": "links of SysV init",
}
# files whose lines dpkg and update-shells write in the order of their hash tables or of the installation
UNORDERED = ("etc/shells", "var/lib/dpkg/triggers/File")


def system(root, *made: Fragment, context: SystemContext = CONTEXT) -> Fragment:
    return system_fragment(new_cache(root), made, context)


def test_a_small_image(tmp_path):
    tool = fragment(tmp_path, [member("./bin/tool", b"x")], {"Package": "tool"})
    lib = fragment(tmp_path, [member("./usr/lib/x", b"x")], {"Package": "lib", "Description": "d"})
    apt = fragment(tmp_path, [], {"Package": "apt", "Priority": "important"})
    made = system(tmp_path, tool, lib, apt)
    found = made.read(*made.paths)
    assert found["var/lib/dpkg/arch"] == b"amd64\n"
    assert found["var/lib/dpkg/status"].count(b"Status: install ok installed") == 3
    assert found["var/lib/apt/extended_states"] == b"Package: lib\nArchitecture: amd64\nAuto-Installed: 1\n\n"
    assert found["etc/apt/sources.list.d/debian.sources"] == (
        b"Types: deb\nURIs: https://archive.example.org/debian\nSuites: toy toy-updates\nComponents: main\n"
    )
    links = {e.path: e.target for e in made.entries if e.kind == "symlink"}
    assert links == {"bin": "usr/bin", "lib": "usr/lib"}
    assert {e.mtime for e in made.entries} == {CONTEXT.epoch}
    assert made.extra == {"uncovered": [], "replaces": []}


def test_links_that_a_package_ships_are_not_made_again(tmp_path):
    base = fragment(tmp_path, [link("./bin", "usr/bin"), folder("./usr/bin/"), member("./usr/bin/x", b"")])
    made = system(tmp_path, base)
    assert not [e.path for e in made.entries if e.kind == "symlink"]
    assert directories([base, made])["usr/bin"].mode == 0o755


def test_made_again_only_when_something_changed(tmp_path):
    one = fragment(tmp_path, [member("./usr/a", b"a")])
    made = system(tmp_path, one)
    assert system(tmp_path, one).key == made.key
    assert system(tmp_path, one, context=CONTEXT).digest == made.digest
    two = fragment(tmp_path, [member("./usr/a", b"b")])
    assert system(tmp_path, two).key != made.key


def test_what_is_not_covered_is_told(tmp_path):
    made = system(
        tmp_path, fragment(tmp_path, files={"postinst": "#!/bin/sh\nset -e\nmake-something --all\n"})
    )
    assert made.extra["uncovered"] == [
        {
            "package": "toy",
            "version": "1.0-1",
            "scripts": ["postinst"],
            "why": "its postinst would run: make-something",
        }
    ]


def test_a_path_that_was_taken_over(tmp_path):
    old = fragment(tmp_path, [member("./bin/x", b"o"), member("./bin/y", b"o")], {"Package": "old"})
    new = fragment(tmp_path, [member("./bin/x", b"n")], {"Package": "new", "Replaces": "old"})
    made = system(tmp_path, old, new)
    assert made.read("var/lib/dpkg/info/old.list") == {"var/lib/dpkg/info/old.list": b"/.\n/bin/y\n"}
    assert made.extra["replaces"] == ["var/lib/dpkg/info/old.list"]
    assert settle([old, new, made]) == {0: {"usr/bin/x", "var/lib/dpkg/info/old.list"}}


def test_ping_and_the_agent(tmp_path):
    ping = fragment(
        tmp_path,
        [member("./bin/ping", b"p", mode=0o755)],
        {"Package": "iputils-ping"},
        {"postinst": "#!/bin/sh\nsetcap cap_net_raw+ep /bin/ping || chmod u+s /bin/ping\n"},
    )
    ssh = fragment(tmp_path, [member("./usr/bin/ssh-agent", b"s", mode=0o755)], {"Package": "openssh-client"})
    setcap = fragment(tmp_path, [member("./sbin/setcap", b"c", mode=0o755)], {"Package": "libcap2-bin"})
    groups = b"root:x:0:\n_ssh:x:101:\n"
    found = {e.path: e for e, _ in changed(World([ping, ssh]), groups)}
    assert (found["usr/bin/ping"].mode, found["usr/bin/ping"].xattrs) == (0o4755, ())
    assert (found["usr/bin/ssh-agent"].mode, found["usr/bin/ssh-agent"].gid) == (0o2755, 101)
    found = {e.path: e for e, _ in changed(World([ping, setcap]), groups)}
    assert found["usr/bin/ping"].mode == 0o755
    assert found["usr/bin/ping"].xattrs == (("security.capability", "0100000200200000" + "0" * 24),)


def test_units(tmp_path):
    helper = fragment(
        tmp_path, [member("./usr/bin/deb-systemd-helper", b"")], {"Package": "init-system-helpers"}
    )
    unit = b'[Install]\nWantedBy=multi-user.target "other.target"\nAlias=also.service\nAlso=b.timer ../evil.timer\n'
    tool = fragment(
        tmp_path,
        [
            member("./lib/systemd/system/a.service", unit),
            member("./lib/systemd/system/b.timer", b"[Install]\nWantedBy=timers.target\n"),
        ],
        files={"postinst": "#!/bin/sh\ndeb-systemd-helper enable 'a.service' >/dev/null || true\n"},
    )
    made = system(tmp_path, helper, tool)
    links = {e.path: e.target for e in made.entries if e.path.startswith("etc/systemd/")}
    assert links == {
        "etc/systemd/system/also.service": "/lib/systemd/system/a.service",
        "etc/systemd/system/multi-user.target.wants/a.service": "/lib/systemd/system/a.service",
        "etc/systemd/system/other.target.wants/a.service": "/lib/systemd/system/a.service",
        "etc/systemd/system/timers.target.wants/b.timer": "/lib/systemd/system/b.timer",
    }
    assert not [e for e in system(tmp_path, tool).entries if e.path.startswith("etc/systemd/")]


@cache
def image(suite: str) -> tuple[Fragment, ...]:
    """The package fragments of a suite and the system fragment over them."""
    made = realdebs.fragments(suite)
    manual = tuple(realroot.PACKAGES.split(","))
    context = SystemContext(
        suite, (("https://archive.example.org/debian", (suite,)),), ("main",), manual, "amd64", 1
    )
    return *made, system_fragment(realdebs.fragment_cache(), made, context)


def ours(suite: str) -> dict[str, tuple[Entry, bytes]]:
    fragments = image(suite)
    drop = settle(fragments)
    found = {e.path: (e, b"") for e in directories(fragments).values()}
    for index, each in enumerate(fragments):
        for entry, content in each.members():
            if entry.path not in drop.get(index, ()):
                found[entry.path] = (entry, content)
    return found


def difference(root: realroot.Root, path: str, entry: Entry, content: bytes) -> str:
    there = root.members[path]
    kind = next(
        (k for k, ok in (("dir", there.isdir()), ("symlink", there.issym()), ("link", there.islnk())) if ok),
        "file",
    )
    if {kind, entry.kind} == {"file", "link"}:
        return ""  # which of two names of a file comes first is the archiver's choice
    if kind != entry.kind:
        return f"{entry.kind}, there {kind}"
    if kind == "symlink":
        return "" if there.linkname == entry.target else f"to {entry.target}, there {there.linkname}"
    owner, wanted = (entry.mode, entry.uid, entry.gid), (there.mode, there.uid, there.gid)
    if owner != wanted:
        return "mode {:o} of {}:{}, there {:o} of {}:{}".format(*owner, *wanted)
    if kind != "file":
        return ""
    theirs = root.content(path)
    if path in UNORDERED:
        return "" if sorted(theirs.splitlines()) == sorted(content.splitlines()) else "other lines"
    return "" if theirs == content else "other content"


@pytest.mark.slow
@pytest.mark.net
@pytest.mark.parametrize("suite", realroot.SUITES)
def test_the_same_as_a_root_whose_scripts_ran(suite):
    root = realroot.root(suite)
    mine = ours(suite)
    theirs = root.members.keys() - {"", "."}
    found = dict.fromkeys(theirs - mine.keys(), "missing")
    found |= dict.fromkeys(mine.keys() - theirs, "only here")
    found |= {p: text for p in mine.keys() & theirs if (text := difference(root, p, *mine[p]))}
    unexpected = {
        p: t for p, t in sorted(found.items()) if not any(re.fullmatch(form, p) for form in EXPECTED)
    }
    assert unexpected == {}
    path = "var/lib/dpkg/diversions"
    lines = [data.decode().splitlines() for data in (root.content(path), mine[path][1])]
    there, here = ({tuple(x[n : n + 3]) for n in range(0, len(x), 3)} for x in lines)
    assert here <= there
    assert {package for _, _, package in there - here} <= {"vim-runtime"}


@pytest.mark.slow
@pytest.mark.net
@pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("dpkg") is None, reason="writes a root and asks dpkg about it"
)
@pytest.mark.parametrize("suite", realroot.SUITES)
def test_dpkg_and_apt_are_content(suite, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    fragments = image(suite)
    unpack(realdebs.fragment_cache(), fragments, settle(fragments), root)

    def inside(*command: str) -> str:
        env = {"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            ["chroot", root, *command], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    assert inside("dpkg", "--audit") == ""
    assert inside("dpkg", "--verify") == ""
    listed = inside("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Abbrev}\n").splitlines()
    assert listed == [f"{n} {v} ii " for n, v in sorted(realroot.root(suite).packages().items())]
    assert inside("dpkg", "-S", "/usr/bin/python3").startswith("python3-minimal: ")
    assert "0 upgraded, 0 newly installed" in inside("apt-get", "--simulate", "install", "python3")
    assert "Remv" not in inside("apt-get", "--simulate", "autoremove")
    assert "libc.so.6" in inside("ldconfig", "--print-cache")
    assert (
        inside(
            "python3",
            "-c",
            "import ssl, sqlite3; print(len(ssl.create_default_context().get_ca_certs()) > 100)",
        )
        == "True\n"
    )
    assert "pager" in inside("update-alternatives", "--get-selections")
    assert inside("sh", "-c", "command -v awk; command -v vi; id -un").split() == [
        "/usr/bin/awk",
        "/usr/bin/vi",
        "root",
    ]
