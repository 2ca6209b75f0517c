"""Requirements of every kind in images that are really run: paths, trees, git, addresses, files of them, and what is compiled."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import need
from tests.e2e.kit import Home, manifest_of, run, write_recipe
from tests.inputs.gitkit import Repo, daemon
from tests.inputs.server import Server
from tests.python.conftest import WheelMaker

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.net, pytest.mark.slow]

CANARY = "canary-7f3a9"
SETUP = """\
from setuptools import Extension, setup
setup(name="{name}", version="1.5", ext_modules=[Extension("{name}", ["{name}.c"])])
"""
EXTENSION = """\
#include <Python.h>
{include}
#ifndef ANSWER
#define ANSWER 42
#endif
static PyObject *answer(PyObject *self, PyObject *args) {{ return PyLong_FromLong(ANSWER); }}
static PyMethodDef methods[] = {{{{"answer", answer, METH_NOARGS, ""}}, {{NULL}}}};
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "{name}", NULL, -1, methods}};
PyMODINIT_FUNC PyInit_{name}(void) {{ return PyModule_Create(&module); }}
"""
PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "{name}"
version = "{version}"
dependencies = [{requires}]
[tool.setuptools]
packages = ["{name}"]
"""
SCM = """\
[build-system]
requires = ["setuptools", "setuptools_scm"]
build-backend = "setuptools.build_meta"
[project]
name = "{name}"
dynamic = ["version"]
[tool.setuptools]
packages = ["{name}"]
[tool.setuptools_scm]
"""


def extension(directory: Path, name: str, include: str = "") -> Path:
    directory.mkdir(parents=True)
    (directory / "setup.py").write_text(SETUP.format(name=name))
    (directory / f"{name}.c").write_text(EXTENSION.format(name=name, include=include))
    return directory


def project(directory: Path, name: str, version: str = "0.3", requires: str = "") -> Path:
    (directory / name).mkdir(parents=True)
    (directory / name / "__init__.py").write_text(f"name = {name!r}\n")
    (directory / "pyproject.toml").write_text(PROJECT.format(name=name, version=version, requires=requires))
    return directory


def wheel(directory: Path, name: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return WheelMaker(directory, name, files={f"{name}/__init__.py": b"x = 1\n"}).write()[0]


def sdist(directory: Path, out: Path, name: str) -> Path:
    path = out / f"{name}-1.5.tar.gz"
    with tarfile.open(path, "w:gz") as made:
        made.add(directory, f"{name}-1.5")
    return path


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


class World:
    """A recipe with requirements of every kind, and the servers that they are on."""

    def __init__(self, root: Path, server: Server, git: str) -> None:
        self.directory = root / "recipe"
        files = self.directory
        wheel(files, "filewheel")
        wheel(files / "links", "linkwheel")
        project(files / "editable", "editable_tree", requires='"filewheel"')
        extension(files / "native", "toynative")
        sdist(extension(root / "toysdist", "toysdist"), files, "toysdist")
        web = wheel(root / "web", "webwheel")
        server.add("/private/webwheel-1.0-py3-none-any.whl", web.read_bytes())
        sha256 = hashlib.sha256(web.read_bytes()).hexdigest()
        self.web = f"{server.url('')}/private/{web.name}"
        login = self.web.replace("://", f"://someone:{CANARY}@")
        repo = Repo.new(root / "git" / "scm")
        repo.write("pyproject.toml", SCM.format(name="scmpackage"))
        repo.write("scmpackage/__init__.py", "x = 1\n")
        repo.commit("one")
        repo.git("tag", "v4.5.6")
        repo.commit("two", README_md="x")
        self.commit = repo.head
        listed = Repo.new(root / "git" / "listed")
        project(listed.path / "deep", "gitproject", requires='"toysdist"')
        project(listed.path / "own", "ownproject")
        listed.write("requirements.txt", "-r more/others.txt\n-e ./own\n")
        listed.write("more/others.txt", "-c limits.txt\nlinkwheel\n")
        listed.write("more/limits.txt", "linkwheel<2\n")
        listed.commit("one")
        listed.git("tag", "v1")
        self.git = git
        self.text = f"""\
tag: everything
base: {{debian: stable, packages: [python3]}}
files: [filewheel-1.0-py3-none-any.whl, links, editable, native, toysdist-1.5.tar.gz]
repositories:
  listed: {{url: "{git}/listed", commit_id: v1, requirements_file: true}}
packages:
  - "${{WORKSPACE}}/filewheel-1.0-py3-none-any.whl"
  - -e $WORKSPACE/editable
  - ./native
  - file:///pyats/toysdist-1.5.tar.gz
  - --find-links ${{WORKSPACE}}/links
  - "webwheel @ {login}#sha256={sha256}"
  - git+{git}/scm@main
  - -e git+{git}/listed@v1#egg=gitproject&subdirectory=deep
"""
        self.recipe = write_recipe(self.directory, self.text)

    def pip(self, root: Path) -> set[str]:
        """What pip installs of the same, in an environment where the workspace is."""
        space = root / "pyats"
        run([sys.executable, "-m", "venv", space])
        for source in self.directory.iterdir():
            subprocess.run(["cp", "-a", source, space], check=True)
        run(["git", "clone", "-q", f"{self.git}/listed", space / "listed"])
        lines = self.text.partition("packages:\n")[2].replace("  - ", "").replace('"', "")
        lines = lines.replace("${WORKSPACE}", str(space)).replace("$WORKSPACE", str(space))
        (space / "r.txt").write_text(lines.replace("file:///pyats", f"file://{space}"))
        (space / "listed" / "requirements.txt").write_text("-r more/others.txt\n-e ./listed/own\n")
        words: list[str | Path] = [
            space / "bin/pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "-r",
            "r.txt",
        ]
        run([*words, "-r", "listed/requirements.txt"], cwd=space, env=os.environ, timeout=300)
        return installed(run([space / "bin/pip", "list", "--format=json"]).out)


def installed(text: str) -> set[str]:
    return {
        f"{p['name']}=={p['version']}" for p in json.loads(text) if p["name"] not in ("pip", "setuptools")
    }


@pytest.fixture
def world(tmp_path: Path, server: Server) -> Iterator[World]:
    need("git")
    (tmp_path / "git").mkdir()
    with daemon(tmp_path / "git") as address:
        yield World(tmp_path, server, address)


def test_everything(tmp_path: Path, world: World, server: Server, home: Home) -> None:
    built = home.build(world.recipe, timeout=600)
    said = home.inside(
        "everything",
        *("/pyats/bin/python", "-c"),
        "import toynative, toysdist, editable_tree, gitproject, ownproject, scmpackage, webwheel, linkwheel\n"
        "print(toynative.answer() + toysdist.answer(), editable_tree.__file__, gitproject.__file__, ownproject.__file__)",
    )
    assert said.out.split() == [
        "84",
        "/pyats/editable/editable_tree/__init__.py",
        "/pyats/src/gitproject/deep/gitproject/__init__.py",
        "/pyats/listed/own/ownproject/__init__.py",
    ]
    home.inside("everything", "/pyats/bin/pip", "check")
    frozen = set(home.inside("everything", "/pyats/bin/pip", "freeze").out.splitlines())
    assert f"scmpackage @ git+{world.git}/scm@{world.commit}" in frozen
    assert "-e /pyats/editable" in frozen
    assert "toynative @ file:///pyats/native" in frozen
    assert "linkwheel==1.0" in frozen
    (web,) = [line for line in frozen if line.startswith("webwheel")]
    assert web.startswith(f"webwheel @ {world.web}#sha256=")
    ours = installed(home.inside("everything", "/pyats/bin/pip", "list", "--format=json").out)
    assert ours == world.pip(tmp_path / "by-pip")
    # nothing of what compiled is in the image
    assert home.inside("everything", "sh", "-c", "command -v gcc", status=None).status != 0
    assert home.build(world.recipe)["changed"] is False
    _locked(world, home, built, tmp_path)
    assert _holding(CANARY, home.root, world.directory) == [world.recipe]
    assert any(CANARY in str(headers) or "Authorization" in headers for _, headers in server.requests)


def _locked(world: World, home: Home, built: dict[str, Any], tmp_path: Path) -> None:
    home.slipway("lock", world.recipe)
    lock = (world.directory / "image.lock.yaml").read_text()
    pylock = (world.directory / "pylock.image.toml").read_text()
    assert world.commit in pylock
    assert CANARY not in lock + pylock
    # the branch goes on, and what was locked stays
    moved = Repo(tmp_path / "git" / "scm", 1_700_000_100)
    moved.commit("three", README_md="y")
    again = home.build(world.recipe, "--locked", "--offline")
    assert again["image"]["digest"] == built["image"]["digest"]
    manifest = json.dumps(manifest_of(home, built))
    assert CANARY not in manifest


def _holding(text: str, *places: Path) -> list[Path]:
    """The files that hold a text, packed or not (of layers, what is unpacked of them when they run)."""
    every = [
        path for place in places for path in place.rglob("*") if path.is_file() and not path.is_symlink()
    ]
    return [path for path in every if text.encode() in path.read_bytes() or text in str(path)]


@pytest.mark.thorough
def test_compiled_over_steps(tmp_path: Path, own: Home) -> None:
    """What steps before the packages bring is there when they are compiled."""
    extension(tmp_path / "recipe" / "native", "toynative", '#include "toy.h"')
    text = """\
tag: steps
base: {debian: stable, packages: [python3]}
files: [native]
packages: [./native]
cmds:
  pre: RUN mkdir -p /usr/include && echo '#define ANSWER 7' > /usr/include/toy.h
"""
    own.build(write_recipe(tmp_path / "recipe", text), timeout=600)
    said = own.inside("steps", "/pyats/bin/python", "-c", "import toynative; print(toynative.answer())")
    assert said.out == "7\n"


def test_what_cannot_be_compiled(tmp_path: Path, home: Home) -> None:
    extension(tmp_path / "recipe" / "native", "toynative", '#include "missing.h"')
    text = "base: {debian: stable, packages: [python3]}\nfiles: [native]\npackages: [./native]\n"
    error = home.refuse(7, "build", write_recipe(tmp_path / "recipe", text), timeout=600)
    assert error["brief"] == "toynative 1.5 cannot be built"
    assert "missing.h" in error["details"]
    assert "add their packages to `apt`" in error["hint"]


@pytest.mark.parametrize(
    ("line", "brief", "hint"),
    [
        ("$WORKSPACE/x.whl", "`/pyats/x.whl` is not in the workspace", "in /pyats there is listed.txt"),
        ("-r listed.txt", "`none.txt` is not in the workspace", "in /pyats there is listed.txt"),
        ("-e git+https://example.org/", "no repository is named", ""),
    ],
)
def test_wrong_paths(tmp_path: Path, own: Home, line: str, brief: str, hint: str) -> None:
    text = f"base: {{debian: stable, packages: [python3]}}\nfiles: [listed.txt]\npackages:\n  - {line}\n"
    recipe = write_recipe(tmp_path / "recipe", text)
    (tmp_path / "recipe" / "listed.txt").write_text("six\n-r none.txt\n")
    error = own.refuse(2, "build", recipe)
    (problem,) = error["problems"]
    assert (problem["message"], problem.get("hint", "")[: len(hint)]) == (brief, hint)
    assert problem["line"] == (2 if "listed" in line else 4)


def test_conflicts_name_both_files(tmp_path: Path, own: Home) -> None:
    text = """\
base: {debian: stable, packages: [python3]}
files: [one, two]
requirements: {match: ["requirements.txt"]}
"""
    recipe = write_recipe(tmp_path / "recipe", text)
    for name, line in (("one", "six<1.16"), ("two", "six>=1.17")):
        (tmp_path / "recipe" / name).mkdir()
        (tmp_path / "recipe" / name / "requirements.txt").write_text(f"{line}\n")
    error = own.slipway("build", recipe, "--json", status=None).last
    assert "no set of Python packages" in error["brief"]
    assert "one/requirements.txt:1: six<1.16" in error["details"]
    assert "two/requirements.txt:1: six>=1.17" in error["details"]


@pytest.mark.thorough
def test_compiled_without_root(tmp_path: Path, plain_home: Home) -> None:
    """A plain user compiles over a base that brings its own tools, and over one that does not."""
    place = plain_home.root / "native-recipe"
    extension(place / "native", "toynative")
    base = write_recipe(place, "tag: base\nbase: {debian: stable, packages: [python3]}\n")
    plain_home.slipway("build", base, "--output", f"oci:{plain_home.root}/bare", timeout=600)
    text = f"tag: native\nbase: oci:{plain_home.root}/bare\nfiles: [native]\npackages: [./native]\n"
    error = plain_home.slipway("build", write_recipe(place, text), "--json", status=7, timeout=600).last
    assert error["brief"] == "toynative 1.5 cannot be built"
    assert "the base image has to have what compiling takes" in error["hint"]
    text = "tag: native\nbase: {debian: stable, packages: [python3]}\nfiles: [native]\npackages: [./native]\n"
    plain_home.build(write_recipe(place, text), timeout=600)
    said = plain_home.inside(
        "native", "/pyats/bin/python", "-c", "import toynative; print(toynative.answer())"
    )
    assert said.out == "42\n"


def test_compiled_for_another_machine(tmp_path: Path, home: Home) -> None:
    if Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists():
        pytest.skip("this machine runs programs for arm64")
    extension(tmp_path / "recipe" / "native", "toynative")
    text = "base: {debian: stable, packages: [python3]}\nplatforms: [linux/arm64]\nfiles: [native]\npackages: [./native]\n"
    error = home.refuse(7, "build", write_recipe(tmp_path / "recipe", text), timeout=600)
    assert error["brief"].startswith(
        "what has to be compiled (toynative) is for linux/arm64, this machine is "
    )
    assert "qemu-user-static" in error["hint"]
