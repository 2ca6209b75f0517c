"""What single files say, sound and hostile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from slipway.scan.inventory import osrelease
from slipway.scan.inventory.interest import canonical, format_of, owned
from slipway.scan.inventory.model import FileFacts, Package
from slipway.scan.inventory.purl import encode, purl
from slipway.scan.inventory.readers import read
from slipway.scan.inventory.words import public_url
from slipway.scan.model import System

BOOKWORM = System("debian", "12", "bookworm")
SITE = "usr/lib/python3/dist-packages"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("var/lib/dpkg/status", "dpkg-status"),
        ("var/lib/dpkg/status-old", ""),
        ("var/lib/dpkg/status.d/base", "dpkg-status"),
        ("var/lib/dpkg/status.d/base.md5sums", "dpkg-sums"),
        ("var/lib/dpkg/info/libc6:amd64.list", "dpkg-list"),
        ("var/lib/dpkg/info/libc6:amd64.md5sums", ""),
        ("lib/apk/db/installed", "apk"),
        ("usr/lib/sysimage/rpm/Packages.db", "rpm-ndb"),
        ("var/lib/rpm/rpmdb.sqlite-wal", "rpm-wal"),
        ("etc/os-release", "os-release"),
        ("usr/lib/os.release.d/os-release-container", "os-release"),
        ("a/x-1.dist-info/METADATA", "metadata"),
        ("a/METADATA", ""),
        ("a/x-1.dist-info/INSTALLER", "installer"),
        ("a/x-1-py3.11.egg-info", "metadata"),
        ("a/x.egg-info/PKG-INFO", "metadata"),
        ("a/x.egg/EGG-INFO/PKG-INFO", "metadata"),
        ("a/PKG-INFO", ""),
        ("opt/conda/conda-meta/a-1-0.json", "conda"),
        ("opt/conda/conda-meta/history", ""),
        ("node_modules/a/package.json", "npm"),
        ("x/node_modules/@s/a/package.json", "npm"),
        ("x/node_modules/a/lib/package.json", ""),
        ("x/node_modules/@s/package.json", ""),
        ("x/package.json", ""),
        ("x/package-lock.json", "npm-lock"),
        ("npm-shrinkwrap.json", "npm-lock"),
        ("x/node_modules/a/npm-shrinkwrap.json", ""),
    ],
)
def test_paths_tell_formats(path: str, wanted: str) -> None:
    assert format_of(path) == wanted


def test_lists_and_layers_spell_paths_differently() -> None:
    listed = ["/.", "/lib/python3/x-1.egg-info", "/usr/lib/python3/y.egg-info/PKG-INFO", "/bin/x"]
    assert owned(listed) == ("usr/lib/python3/x-1.egg-info", "usr/lib/python3/y.egg-info/PKG-INFO")
    assert canonical("usr/lib/python3/x-1.egg-info") == "usr/lib/python3/x-1.egg-info"


STATUS = b"""Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.11-1~deb12u2
Description: x
 Version: 9

Package: bash
Status: install ok half-configured
Architecture: amd64
Source: bash (5.2.15-2)
Version: 5.2.15-2+b7

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: cut
Status: install ok installed
"""


def test_dpkg_status() -> None:
    facts = read("dpkg-status", "var/lib/dpkg/status", STATUS)
    assert facts.packages == (
        Package("deb", "libssl3", "3.0.11-1~deb12u2", "amd64", "openssl", "3.0.11-1~deb12u2"),
        Package("deb", "bash", "5.2.15-2+b7", "amd64", "bash", "5.2.15-2"),
    )
    assert facts.problems == ("the package 'cut': it has no version",)


def test_apk_installed() -> None:
    data = (
        b"C:Q1x\nP:py3-six\nV:1.16.0-r9\nA:noarch\nL:MIT\no:py3-six-src\n"
        b"F:usr/lib/python3.11/site-packages/six-1.16.0.dist-info\nR:METADATA\nZ:Q1y\nR:RECORD\n\n"
        b"P:musl\nV:1.2.4-r2\nA:x86_64\n\nP:broken\n\n"
    )
    facts = read("apk", "lib/apk/db/installed", data)
    path = "usr/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA"
    assert facts.packages == (
        Package("apk", "py3-six", "1.16.0-r9", "noarch", "py3-six-src", "1.16.0-r9", ("MIT",), owns=(path,)),
        Package("apk", "musl", "1.2.4-r2", "x86_64", "musl", "1.2.4-r2"),
    )
    assert len(facts.problems) == 1


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        (
            "x-1.dist-info/METADATA",
            "Name: Zope.Some_Thing\nVersion: 1.0-RC1\nLicense-Expression: MIT\nLicense: other\n\nName: no\n",
            Package("pypi", "zope-some-thing", "1.0rc1", licenses=("MIT",)),
        ),
        (
            "x-1.egg-info/PKG-INFO",
            f"Name: x\nVersion: 1\nLicense: {'long ' * 100}\nClassifier: License :: OSI Approved :: MIT License\n",
            Package("pypi", "x", "1", licenses=("MIT License",)),
        ),
        ("a/My_Pkg-1.2.dist-info/METADATA", "", Package("pypi", "my-pkg", "1.2")),
        ("a/my_pkg-1.2-py3.11.egg-info", "Metadata-Version: 1.0\n", Package("pypi", "my-pkg", "1.2")),
        ("a/x.egg-info/PKG-INFO", "Name: x\nVersion: 2004d!odd\n", Package("pypi", "x", "2004d!odd")),
    ],
)
def test_python_metadata(path: str, text: str, wanted: Package) -> None:
    assert read("metadata", path, text.encode()).packages == (wanted,)


def test_python_metadata_without_a_version_is_told() -> None:
    assert read("metadata", "x.egg-info/PKG-INFO", b"Name: x\n").problems == ("it has no version",)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (
            {
                "url": "https://me:s3cret@example.org/r.git?token=s3cret",
                "vcs_info": {"vcs": "git", "commit_id": "abc"},
            },
            "git+https://example.org/r.git@abc",
        ),
        (
            {"url": "ssh://git@example.org/r", "vcs_info": {"vcs": "git", "commit_id": "a"}},
            "git+ssh://git@example.org/r@a",
        ),
        (
            {"url": "https://example.org/x.whl#sha256=1", "archive_info": {}},
            "https://example.org/x.whl",
        ),
        ({"url": "file:///src/x", "dir_info": {"editable": True}}, "file:///src/x"),
    ],
)
def test_direct_url_without_credentials(value: dict[str, Any], wanted: str) -> None:
    facts = read("direct-url", "d/direct_url.json", json.dumps(value).encode())
    assert facts == FileFacts(text=wanted)


@pytest.mark.parametrize("text", ["", "no scheme", "http://[::1", "a b://c", 7, None, "x\x1b://y"])
def test_what_is_no_address(text: object) -> None:
    assert public_url(text) == ""


CONDA = {
    "name": "numpy",
    "version": "1.26.4",
    "build": "py311h64a7726_0",
    "channel": "https://conda.example.org/t/tk-SECRET/conda-forge/linux-64",
    "subdir": "linux-64",
    "license": "BSD-3-Clause",
    "files": ["bin/f2py", "lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA"],
}


def test_conda_meta() -> None:
    facts = read("conda", "opt/conda/conda-meta/numpy.json", json.dumps(CONDA).encode())
    (package,) = facts.packages
    assert package.owns == ("opt/conda/lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA",)
    assert "SECRET" not in repr(facts)
    assert purl(package, BOOKWORM) == (
        "pkg:conda/numpy@1.26.4?build=py311h64a7726_0&channel=conda-forge&subdir=linux-64"
    )


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"name": "@s/a", "version": "1.0.0", "license": "MIT"}, ("@s/a", "1.0.0", ("MIT",))),
        ({"name": "a", "version": "1", "licenses": [{"type": "MIT"}, "ISC"]}, ("a", "1", ("MIT", "ISC"))),
        ({"name": "a", "version": "1", "license": {"type": "MIT"}}, ("a", "1", ("MIT",))),
        ({"name": "a", "version": "1", "license": {"type": 3}}, ("a", "1", ())),
        ({"type": "module"}, None),
        ({"name": "fixture"}, None),
    ],
)
def test_npm_package(value: dict[str, Any], wanted: tuple[Any, ...] | None) -> None:
    facts = read("npm", "node_modules/a/package.json", json.dumps(value).encode())
    assert [(p.name, p.version, p.licenses) for p in facts.packages] == ([wanted] if wanted else [])
    assert not facts.problems


def test_npm_lock_of_the_third_version() -> None:
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "project", "version": "1.0.0"},
            "workspace": {"version": "1.0.0"},
            "node_modules/workspace": {"link": True, "resolved": "workspace"},
            "node_modules/@s/a": {"version": "1.2.3", "license": "MIT"},
            "node_modules/@s/a/node_modules/b": {"version": "2.0.0"},
            "node_modules/c/node_modules/b": {"version": "2.0.0"},
            "node_modules/alias": {"name": "real", "version": "3.0.0"},
            "node_modules/g": {"version": "1.0.0", "resolved": "git+ssh://git@example.org/g.git#abc"},
        },
    }
    facts = read("npm-lock", "package-lock.json", json.dumps(lock).encode())
    assert [(p.name, p.version, p.direct_url) for p in facts.packages] == [
        ("@s/a", "1.2.3", ""),
        ("b", "2.0.0", ""),
        ("real", "3.0.0", ""),
        ("g", "1.0.0", "git+ssh://git@example.org/g.git"),
    ]


def test_npm_lock_of_the_first_version() -> None:
    lock = {
        "lockfileVersion": 1,
        "dependencies": {
            "a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0"}}},
            "alias": {"version": "npm:@s/real@3.0.0"},
            "g": {"version": "git+ssh://git@example.org/g.git#abc"},
        },
    }
    facts = read("npm-lock", "package-lock.json", json.dumps(lock).encode())
    assert [(p.name, p.version) for p in facts.packages] == [
        ("a", "1.0.0"),
        ("b", "2.0.0"),
        ("@s/real", "3.0.0"),
        ("g", "abc"),
    ]


HOSTILE = [
    b"",
    b"{",
    b"[]",
    b'"x"',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"name": 7, "version": [], "packages": 3, "dependencies": 4, "url": {}}',
    b'{"name": "a\\u001b[31m", "version": "1"}',
    b'{"name": "a b", "version": "1"}',
    b'{"name": "\\ud800", "version": "1"}',
    b'{"name": "a", "version": "' + b"9" * 10_000 + b'"}',
    b'{"name": "a", "version": ' + b"9" * 10_000 + b"}",
    b'{"packages": {"node_modules/": {}, "node_modules/a": {"version": {}}}}',
    b'{"url": "x", "vcs_info": {"vcs": 1}}',
]


@pytest.mark.parametrize("kind", ["conda", "npm", "npm-lock", "direct-url"])
@pytest.mark.parametrize("data", HOSTILE, ids=lambda data: repr(data[:30]))
def test_hostile_json_is_a_problem_and_no_crash(kind: Any, data: bytes) -> None:
    facts = read(kind, "opt/conda-meta/x.json", data)
    assert not facts.packages or kind == "npm-lock"
    assert all(line.isprintable() for line in facts.problems)


@pytest.mark.parametrize(
    "lock",
    [
        {"packages": []},
        {"packages": {"node_modules/a": []}},
        {"dependencies": ["a"]},
        {"dependencies": {"a": "1.0.0"}},
    ],
)
def test_a_lock_of_another_form_is_not_one_without_packages(lock: dict[str, Any]) -> None:
    facts = read("npm-lock", "package-lock.json", json.dumps(lock).encode())
    assert not facts.packages
    assert facts.problems


def test_a_lock_that_is_nested_forever() -> None:
    lock: dict[str, Any] = {}
    for _ in range(300):
        lock = {"dependencies": {"a": {"version": "1", **lock}}}
    facts = read("npm-lock", "package-lock.json", json.dumps(lock).encode())
    assert facts.problems == ("its dependencies are nested too deeply",)


@given(
    st.sampled_from(["dpkg-status", "dpkg-list", "dpkg-sums", "apk", "metadata", "installer", "os-release"]),
    st.binary(),
)
def test_any_bytes_can_be_read(kind: Any, data: bytes) -> None:
    facts = read(kind, "a/x-1.dist-info/METADATA", data)
    assert FileFacts.unpack(json.loads(json.dumps(facts.pack()))) == facts


def test_os_release() -> None:
    said = osrelease.fields(
        "# x\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"22.04\"\nPRETTY_NAME='Ubuntu 22.04 LTS'\n"
        'VERSION_CODENAME=jammy\nBROKEN="x\nno assignment\n'
    )
    assert osrelease.system(said) == System("ubuntu", "22.04", "jammy", "Ubuntu 22.04 LTS")
    assert osrelease.kind(said) == "deb"
    assert osrelease.kind({"ID": "raspbian", "ID_LIKE": "debian"}) == "deb"
    assert osrelease.kind({"ID": "nixos"}) is None
    assert osrelease.system({"ID": "$(x)", "PRETTY_NAME": "\x1b[31m"}) == System()


@pytest.mark.parametrize(
    ("package", "system", "wanted"),
    [
        (
            Package("deb", "libssl3", "1:3.0+b1", "amd64", "openssl", "1:3.0"),
            BOOKWORM,
            "pkg:deb/debian/libssl3@1:3.0%2Bb1?arch=amd64&distro=debian-12&upstream=openssl%401:3.0",
        ),
        (
            Package("deb", "bash", "5", "amd64", "bash", "5"),
            BOOKWORM,
            "pkg:deb/debian/bash@5?arch=amd64&distro=debian-12",
        ),
        (
            Package("rpm", "a", "2:1.0-1.fc39", "noarch", "a", "1.0-1.fc39"),
            System("fedora", "39"),
            "pkg:rpm/fedora/a@1.0-1.fc39?arch=noarch&distro=fedora-39&epoch=2",
        ),
        (Package("deb", "a", "1"), System(), "pkg:deb/unknown/a@1"),
        (Package("npm", "@s/a", "1.0.0"), BOOKWORM, "pkg:npm/%40s/a@1.0.0"),
        (
            Package("pypi", "a", "1", direct_url="git+https://example.org/a@abc"),
            BOOKWORM,
            "pkg:pypi/a@1?vcs_url=git%2Bhttps://example.org/a%40abc",
        ),
        (
            Package("pypi", "a", "1", direct_url="https://example.org/a.whl"),
            BOOKWORM,
            "pkg:pypi/a@1?download_url=https://example.org/a.whl",
        ),
        (Package("pypi", "a", "1", direct_url="file:///src"), BOOKWORM, "pkg:pypi/a@1"),
    ],
)
def test_purls(package: Package, system: System, wanted: str) -> None:
    assert purl(package, system) == wanted
    assert PackageURL.from_string(wanted).to_string() == wanted


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="/"), min_size=1, max_size=20
)


@given(
    st.sampled_from(["deb", "rpm", "npm", "conda"]),
    st.just("") | TEXT,
    TEXT,
    st.just("") | TEXT,
    st.dictionaries(st.sampled_from(["arch", "distro", "upstream"]), TEXT),
)
def test_purls_are_those_of_the_reference(
    kind: str, namespace: str, name: str, version: str, qualifiers: dict[str, str]
) -> None:
    name = name.encode().hex() if kind == "npm" else name  # it lowers escapes, too
    wanted = PackageURL(kind, namespace or None, name, version or None, qualifiers).to_string()
    assert encode(kind, namespace, name, version, qualifiers) == wanted
