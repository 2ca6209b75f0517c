"""What projects ask for beside `pyproject.toml`: Pipenv's files, `setup.cfg`, `setup.py`, `package.json`, `Cargo.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scan.source.test_pins import one, read

if TYPE_CHECKING:
    from pathlib import Path

PIPFILE = """\
[[source]]
url = "https://me:c4n4ry@index.example.org/simple"
name = "it"

[packages]
Jinja2 = "==3.1.3"
open = "*"
wild = "==1.*"
detailed = {version = "==1.0", extras = ["x"]}

[docs]
fork = {git = "https://me:c4n4ry@h.example.org/u/fork"}

[requires]
python_version = "3.11"
"""
PIPFILE_LOCK = """\
{
    "_meta": {"hash": {"sha256": "00"}, "sources": []},
    "default": {
        "jinja2": {
            "hashes": [],
            "version": "==3.1.3"
        }
    },
    "develop": {},
    "docs": {
        "fork": {
            "git": "https://h.example.org/u/fork",
            "ref": "0123"
        }
    }
}
"""
PACKAGE_JSON = """\
{
  "name": "x",
  "version": "1.0.0",
  "dependencies": {
    "lodash": "4.17.19",
    "open": "^1.2.3",
    "@scope/open": "latest",
    "alias": "npm:minimist@=1.2.0",
    "own": "file:../own",
    "packed": "file:packed-1.0.0.tgz",
    "hub": "git+https://me:c4n4ry@h.example.org/u/hub.git"
  },
  "devDependencies": {"pre": "1.0.0-rc.1"},
  "peerDependencies": {"react": ">=16"}
}
"""
CARGO_TOML = """\
[package]
name = "x"
version = "0.1.0"

[dependencies]
smallvec = "=1.0.0"
open = "1.2"
own = { path = "own", version = "=1.0.0" }
shared.workspace = true
renamed = { package = "real", version = "=2.0.0" }

[dependencies.long]
version = "=3.0.0"

[target.'cfg(unix)'.build-dependencies]
hub = { git = "https://me:c4n4ry@h.example.org/u/hub", version = "=1.0.0" }
"""
SETUP_CFG = """\
[metadata]
name = x
description = 100% ours

[options]
setup_requires = wheel==0.1
install_requires =
    # a comment
    jinja2==3.1.3 ; python_version > "3"
    bare

[options.extras_require]
test = pytest==8; tox
more =
    own @ git+https://me:c4n4ry@h.example.org/u/own
"""
SETUP_PY = """\
from setuptools import find_packages, setup

setup(
    name="x",
    setup_requires=["wheel==0.1"],
    install_requires=[
        "jinja2==3.1.3; python_version > '3'",
        "bare>=1",
    ],
    tests_require="a==1\\nb",
    extras_require={
        "test": ("pytest==8",),
    },
)
"""


@pytest.mark.parametrize(
    ("name", "text", "found", "open_ones"),
    [
        ("Pipfile", PIPFILE, [("jinja2", "3.1.3", 6), ("detailed", "1.0", 9)], [("unpinned", 7)]),
        ("Pipfile.lock", PIPFILE_LOCK, [("jinja2", "3.1.3", 4)], [("unpinned", 11)]),
        ("setup.cfg", SETUP_CFG, [("jinja2", "3.1.3", 9), ("pytest", "8", 13)], [("unpinned", 10)]),
        ("setup.cfg", "[flake8]\nmax-line-length = 100\n", [], []),
        (
            "setup.py",
            SETUP_PY,
            [("jinja2", "3.1.3", 7), ("a", "1", 10), ("pytest", "8", 12)],
            [("unpinned", 8)],
        ),
        ("setup.py", "import setuptools\nsetuptools.setup()\n", [], []),
        ("setup.py", "x = '\\d'\n", [], []),
        (
            "setup.py",
            "from setuptools import setup as go\ngo(install_requires=['a==1'])\n",
            [("a", "1", 2)],
            [],
        ),
    ],
)
def test_formats(
    name: str, text: str, found: list[tuple[str, str, int]], open_ones: list[tuple[str, int]]
) -> None:
    told, remarks = read({name: text})
    assert [row[2:] for row in told] == found
    assert [(rule, line) for rule, _, line, _ in remarks] == open_ones
    assert "c4n4ry" not in repr(remarks)


COMPUTED = [
    "install_requires=read('requirements.txt')",
    "install_requires=REQUIRED",
    "install_requires=['a==1', *MORE]",
    "install_requires=['a==1'] + MORE",
    "install_requires=[f'a=={version}']",
    "install_requires=[line for line in open('x')]",
    "extras_require={'x': EXTRA}",
    "extras_require={**EXTRAS}",
    "**settings",
]


@pytest.mark.parametrize("text", COMPUTED)
def test_what_is_computed_is_told(text: str) -> None:
    """A lock beside does not say what an installation of the project asks for."""
    script = f"from setuptools import setup\nsetup(\n    {text},\n)\n"
    found, remarks = read({"setup.py": script, "requirements.txt": "b==1\n"})
    assert [row[0] for row in found if row[2] != "a"] == ["requirements.txt"]
    assert [row[:3] for row in remarks] == [("unread", "setup.py", 3)]
    assert "is computed" in remarks[0][3]


def test_a_script_that_hides_its_call_is_told() -> None:
    text = "import setuptools\ngetattr(setuptools, 'set' + 'up')(install_requires=['a'])\n"
    assert one("setup.py", text) == ([], [("unread", 0)])


def test_nothing_is_run(tmp_path: Path) -> None:
    assert one("setup.py", f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit(99)\n") == ([], [])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "text", "lock"),
    [
        ("a/Pipfile", PIPFILE, ("a/Pipfile.lock", '{"default": {}}')),
        ("a/setup.cfg", SETUP_CFG, ("requirements.txt", "z==1\n")),
        ("a/setup.py", SETUP_PY, ("uv.lock", "package = []\n")),
        ("a/b/package.json", PACKAGE_JSON, ("yarn.lock", "# yarn lockfile v1\n")),
        ("package.json", PACKAGE_JSON, ("package-lock.json", '{"lockfileVersion": 3, "packages": {}}')),
        ("a/Cargo.toml", CARGO_TOML, ("Cargo.lock", "package = []\n")),
    ],
)
def test_a_lock_says_the_rest(name: str, text: str, lock: tuple[str, str]) -> None:
    assert read({name: text})[1]
    assert read(dict([(name, text), lock]))[1] == []


def test_files_that_setup_cfg_names() -> None:
    files = {
        "a/setup.cfg": "[options]\ninstall_requires = file: needed.txt, gone.txt\n",
        "a/needed.txt": "jinja2==3.1.3\n",
    }
    found, remarks = read(files)
    assert [row[:1] + row[2:] for row in found] == [("a/needed.txt", "jinja2", "3.1.3", 1)]
    assert [row[:3] for row in remarks] == [("unread", "a/setup.cfg", 2)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Pipfile", "x = ["),
        ("Pipfile", "packages = 1\n"),
        ("Pipfile", "[packages]\na = 1\n"),
        ("Pipfile.lock", '{"default": {}, "default": {"a": {}}}'),
        ("Pipfile.lock", "[" * 100_000),
        ("setup.cfg", "install_requires = x\n"),
        ("setup.cfg", "[options]\ninstall_requires = a\ninstall_requires = b\n"),
        ("setup.cfg", "[options]\nx"),
        ("setup.py", "print 'python 2'\n"),
        ("setup.py", "x = " + "(" * 100_000),
        ("setup.py", "x = " + "-" * 100_000 + "1"),
        ("setup.py", "x = 1" + "+1" * 100_000),
        ("setup.py", "#" * (1 << 18) + "\n"),
    ],
)
def test_what_cannot_be_read_is_told_once(name: str, text: str) -> None:
    assert one(name, text) == ([], [("unread", 0)])


def test_package_json() -> None:
    pins, _ = one("package.json", PACKAGE_JSON)
    assert pins == [
        ("npm", "lodash", "4.17.19", 5),
        ("npm", "minimist", "1.2.0", 8),
        ("npm", "pre", "1.0.0-rc.1", 13),
    ]
    [(rule, _, line, message)] = read({"package.json": PACKAGE_JSON})[1]
    assert (rule, line) == ("unpinned", 6)
    assert message.endswith(": open, @scope/open, packed, hub")


def test_cargo_toml() -> None:
    pins, _ = one("Cargo.toml", CARGO_TOML)
    assert sorted(pins) == [
        ("cargo", "long", "3.0.0", 12),
        ("cargo", "real", "2.0.0", 10),
        ("cargo", "smallvec", "1.0.0", 6),
    ]
    [(rule, _, line, message)] = read({"Cargo.toml": CARGO_TOML})[1]
    assert (rule, line) == ("unpinned", 7)
    assert message.endswith(": open, hub")


@pytest.mark.parametrize("name", ["Gemfile", "composer.json", "pom.xml", "build.gradle.kts"])
def test_of_other_languages_it_is_told(name: str) -> None:
    assert one(name, "x")[1] == [("unread", 0)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", "[]"),
        ("package.json", '{"dependencies": []}'),
        ("package.json", '{"dependencies": {"a": 1}}'),
        ("Cargo.toml", "dependencies = 1"),
        ("Cargo.toml", "["),
    ],
)
def test_what_is_of_another_shape(name: str, text: str) -> None:
    assert one(name, text) == ([], [("unread", 0)])
