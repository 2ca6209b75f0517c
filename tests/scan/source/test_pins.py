"""What requirement and lock files pin, and what they leave open."""

from __future__ import annotations

import json

import pytest

from slipway.lock.document import as_dict
from slipway.lock.text import render
from slipway.scan.source.content import Content
from slipway.scan.source.pins.read import Pins
from slipway.scan.source.pins.which import form
from tests.lock.making import deb, debian, lock
from tests.scan.source.kit import content


def read(
    files: dict[str, str],
) -> tuple[list[tuple[str, str, str, str, int]], list[tuple[str, str, int, str]]]:
    """(path, kind, name, version, line) of pins, (rule, path, line, message) of gaps."""
    contents = {name: content(name, text) for name, text in files.items()}
    pins = Pins(contents.get)
    for each in contents.values():
        pins.take(each)
    found = [(path, str(pin.kind), pin.name, pin.version, pin.line) for path, pin in pins.found]
    return found, [(gap.rule, gap.path, gap.line, gap.message) for gap in pins.gaps]


def one(name: str, text: str) -> tuple[list[tuple[str, str, str, int]], list[tuple[str, int]]]:
    found, gaps = read({name: text})
    return [row[1:] for row in found], [(rule, line) for rule, _, line, _ in gaps]


REQUIREMENTS = """\
# a comment
--index-url https://me:c4n4ry@index.example.org/simple
Jinja2==3.1.3 ; python_version > "3" \\
    --hash=sha256:00 \\
    --hash=sha256:11
zope.interface[test] == 5.0  # why
two===1.0rc1
open>=2,<3
bare
wild==1.*
git @ git+https://me:c4n4ry@h/p.git@v1
-e ./here
https://me:c4n4ry@h/x-1.0-py3-none-any.whl
./dist/y.whl
??
"""


def test_requirements() -> None:
    found, gaps = read({"requirements-dev.txt": REQUIREMENTS})
    assert [row[2:] for row in found] == [
        ("jinja2", "3.1.3", 3),
        ("zope-interface", "5.0", 6),
        ("two", "1.0rc1", 7),
    ]
    assert [(rule, line) for rule, _, line, _ in gaps] == [
        *[("unpinned", n) for n in (8, 9, 10, 11, 12, 13, 14)],
        ("unread", 15),
    ]
    assert "c4n4ry" not in repr(gaps)


def test_requirements_that_name_others() -> None:
    files = {
        "requirements.txt": "-r base/all.in\n-r base/all.in\n-c ../../etc/passwd\n--requirement=gone.txt\nhttp==1\n",
        "base/all.in": "a==1\n-r ../requirements.txt\n-r more.txt\n",
        "base/more.txt": "b==2\n",
    }
    found, gaps = read(files)
    assert [row[:1] + row[2:] for row in found] == [
        ("base/all.in", "a", "1", 1),
        ("base/more.txt", "b", "2", 1),
        ("requirements.txt", "http", "1", 5),
    ]
    assert [(rule, path, line) for rule, path, line, _ in gaps] == [
        ("unread", "requirements.txt", n) for n in (3, 4)
    ]


UV = """\
version = 1
[[package]]
name = "app"
version = "0.1"
source = { editable = "." }
[[package]]
name = "jinja2"
version = "3.1.3"
source = { registry = "https://index.example.org/simple" }
dependencies = [{ name = "markupsafe" }]
[[package]]
name = "markupsafe"
version = "2.1"
source = { registry = "https://index.example.org/simple" }
[[package]]
name = "fork"
version = "1"
source = { git = "https://h/fork?rev=1#0" }
"""
POETRY = """\
[[package]]
name = "Jinja2"
version = "3.1.3"
optional = false
[[package]]
name = "fork"
version = "1"
[package.source]
type = "git"
url = "https://h/fork"
"""
PYLOCK = """\
lock-version = "1.0"
[[packages]]
name = "jinja2"
version = "3.1.3"
[[packages]]
name = "local"
directory = { path = "." }
"""
PIPFILE = json.dumps(
    {
        "default": {"jinja2": {"version": "==3.1.3"}, "f": {"git": "x"}},
        "develop": {"pytest": {"version": "==8"}},
    },
    indent=1,
)
NODE = json.dumps(
    {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "x"},
            "node_modules/lodash": {"version": "4.17.20"},
            "node_modules/a/node_modules/@s/b": {"version": "1.0.0"},
        },
    },
    indent=1,
)
ENVIRONMENT = """\
name: x
channels: [conda-forge]
dependencies:
  - python=3.11.4=hab00c5b_0_cpython
  - conda-forge::numpy==1.26.0
  - scipy>=1
  - scipy
  - pip
  - pip:
    - jinja2==3.1.3
    - roman @ git+https://h/x
"""
EXPLICIT = """\
# platform: linux-64
@EXPLICIT
https://conda.example.org/conda-forge/linux-64/ca-certificates-2023.7.22-hbcca054_0.conda#a73ecd2988327ad4c8f2c331482917f2
https://conda.example.org/conda-forge/noarch/x.txt
"""
CONDA_LOCK = """\
version: 1
package:
- {name: numpy, version: 1.26.0, manager: conda, platform: linux-64}
- {name: numpy, version: 1.26.0, manager: conda, platform: osx-64}
- {name: jinja2, version: 3.1.3, manager: pip, platform: linux-64}
- {name: broken}
"""


@pytest.mark.parametrize(
    ("name", "text", "found", "gaps"),
    [
        (
            "uv.lock",
            UV,
            [("pypi", "jinja2", "3.1.3", 7), ("pypi", "markupsafe", "2.1", 12)],
            [("unpinned", 16)],
        ),
        ("a/poetry.lock", POETRY, [("pypi", "jinja2", "3.1.3", 2)], [("unpinned", 6)]),
        ("pylock.dev.toml", PYLOCK, [("pypi", "jinja2", "3.1.3", 3)], [("unpinned", 6)]),
        (
            "Pipfile.lock",
            PIPFILE,
            [("pypi", "jinja2", "3.1.3", 3), ("pypi", "pytest", "8", 11)],
            [("unpinned", 6)],
        ),
        ("package-lock.json", NODE, [("npm", "lodash", "4.17.20", 7), ("npm", "@s/b", "1.0.0", 10)], []),
        (
            "environment.yml",
            ENVIRONMENT,
            [
                ("conda", "python", "3.11.4", 4),
                ("conda", "numpy", "1.26.0", 5),
                ("pypi", "jinja2", "3.1.3", 10),
            ],
            [("unpinned", 6), ("unpinned", 7), ("unpinned", 8), ("unpinned", 11)],
        ),
        ("kernel/kernel.explicit", EXPLICIT, [("conda", "ca-certificates", "2023.7.22", 3)], [("unread", 4)]),
        (
            "conda-lock.yml",
            CONDA_LOCK,
            [("conda", "numpy", "1.26.0", 3), ("pypi", "jinja2", "3.1.3", 5)],
            [("unread", 6)],
        ),
        (
            "env-frozen/k/requirements.yml",
            ENVIRONMENT.partition("  - scipy>")[0],
            [("conda", "python", "3.11.4", 4), ("conda", "numpy", "1.26.0", 5)],
            [],
        ),
        ("env-frozen/k/requirements.txt", "a==1\n", [("pypi", "a", "1", 1)], []),
    ],
)
def test_formats(
    name: str, text: str, found: list[tuple[str, str, str, int]], gaps: list[tuple[str, int]]
) -> None:
    assert one(name, text) == (found, gaps)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", "x = ["),
        ("uv.lock", "x = 1"),
        ("uv.lock", "package = [1]"),
        ("poetry.lock", "[[package]]\nname = 1\n"),
        ("Pipfile.lock", "[]"),
        ("Pipfile.lock", '{"default": 1}'),
        ("package-lock.json", "{"),
        ("package-lock.json", '{"packages": {"node_modules/a": {"version": "1 2"}}}'),
        ("environment.yml", "x: [\ndependencies: 1\n"),
        ("environment.yml", "a: " + "[" * 100 + "\ndependencies: 1\n"),
        ("pyproject.toml", "x = ["),
        ("pyproject.toml", "project = 1\n"),
        ("pyproject.toml", '[project]\ndependencies = "x"\n'),
        ("pyproject.toml", "[project]\ndependencies = [1]\n"),
        ("pyproject.toml", "[tool]\npoetry = []\n"),
        ("yarn.lock", "x"),
        ("other.lock", "x"),
    ],
)
def test_what_cannot_be_read_is_told(name: str, text: str) -> None:
    assert one(name, text) == ([], [("unread", 0)])


def test_not_utf_8() -> None:
    pins = Pins(lambda _: None)
    pins.take(Content("requirements.txt", b"a==1\n\xff"))
    assert [gap.rule for gap in pins.gaps] == ["unread"]


@pytest.mark.parametrize(
    "name",
    ["README.txt", "env.py", "docker-compose.env.yml", "environment.yaml", "x.lock", "a/requirements.md"],
)
def test_other_files_name_no_packages(name: str) -> None:
    assert form(content(name, "")) == ""


PROJECT = """\
[build-system]
requires = ["hatchling"]
[project]
dependencies = ["flask==2.0", "open>=1", 'two==1 ; python_version > "3"']
[project.optional-dependencies]
more = ["Jinja2[i18n]==3.1.3", "own @ git+https://me:c4n4ry@h/p"]
[dependency-groups]
dev = [{include-group = "test"}, "pytest"]
[tool.poetry.dependencies]
python = "^3.11"
exact = "==1.5"
caret = {version = "^2", extras = ["x"]}
"""


def test_what_a_project_asks_for() -> None:
    found, gaps = read({"a/pyproject.toml": PROJECT})
    assert [row[2:] for row in found] == [
        ("flask", "2.0", 4),
        ("two", "1", 4),
        ("jinja2", "3.1.3", 6),
        ("exact", "1.5", 11),
    ]
    assert [row[:3] for row in gaps] == [("unpinned", "a/pyproject.toml", 4)]
    assert gaps[0][3].endswith("open, own, pytest, caret")
    assert "c4n4ry" not in repr(gaps)


@pytest.mark.parametrize("lock", ["a/uv.lock", "poetry.lock", "requirements.txt"])
def test_a_lock_beside_or_above_says_the_rest(lock: str) -> None:
    text = "flask==2.0\n" if lock.endswith(".txt") else '[[package]]\nname = "flask"\nversion = "2.0"\n'
    assert read({"a/pyproject.toml": PROJECT, lock: text})[1] == []


@pytest.mark.parametrize("text", ["[tool.ruff]\nline-length = 100\n", '[project]\nname = "x"\n'])
def test_a_project_that_asks_for_nothing(text: str) -> None:
    assert one("pyproject.toml", text) == ([], [])


def own_lock() -> str:
    return render(as_dict(lock(debian=debian(deb("curl", source="curly"), deb("7zip")))))


def test_the_debian_packages_of_our_own_locks() -> None:
    pins = Pins(lambda _: None)
    pins.take(content("a.lock.yaml", text := own_lock()))
    assert not pins.gaps
    (_, curl), (_, zipped) = pins.found
    assert (curl.kind, curl.name, curl.source_name, curl.arch) == ("deb", "curl", "curly", "amd64")
    assert (curl.system.id, curl.system.codename) == ("debian", "trixie")
    for pin in (curl, zipped):
        assert pin.name in text.splitlines()[pin.line - 1]


def test_a_damaged_lock_is_told() -> None:
    assert one("a.lock.yaml", own_lock().replace("arch: amd64", "arch: [1]")) == ([], [("unread", 0)])
