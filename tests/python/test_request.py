"""What is asked for beside names: resolved by uv together with an index, and built."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.errors import NotYetError, ResolveError, ToolError, Where
from slipway.events import Reporter
from slipway.inputs.pinned import PinnedFile
from slipway.lock import pylockfile
from slipway.lock.dists import dist, dist_data
from slipway.lock.fields import Fields
from slipway.oci.fragment import FragmentCache
from slipway.python import directurl
from slipway.python.editable import editable_wheel
from slipway.python.fetch import fetch
from slipway.python.index import Index
from slipway.python.model import CompilingNeeded, Dist, Origin, PythonResolution, PythonTarget
from slipway.python.places import Places
from slipway.python.resolve import resolve_python
from slipway.python.sources import Sources
from slipway.python.wheel import wheel_fragment
from slipway.recipe.model import Requirement
from slipway.settings import Settings
from tests.python.conftest import WheelMaker
from tests.python.trees import pinned_file, pinned_tree, project


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """An index of wheels: pip 1.0, lib 1.0 and 2.0."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, version in (("pip", "1.0"), ("lib", "1.0"), ("lib", "2.0")):
        WheelMaker(folder, name, version, files={f"{name}.py": b""}).write()
    return folder


class Asker:
    def __init__(self, wheels: Path, settings: Settings, target: PythonTarget, *pinned: PinnedFile) -> None:
        self.settings = settings
        self._config = f"[global]\nno-index = true\nfind-links = {wheels}\n"
        self._target = target
        places = Places("/pyats", lambda: pinned, settings, directory=wheels)
        self.sources = Sources(places, settings, Reporter())

    def __call__(self, *texts: str, files: tuple[str, ...] = ()) -> PythonResolution:
        lines = [Requirement(text, Where("image.yaml", n)) for n, text in enumerate(texts, 3)]
        return resolve_python(
            lines,
            self._target,
            self.settings,
            Reporter(),
            pip_config=self._config,
            files=files,
            sources=self.sources,
        )


def names(found: PythonResolution) -> list[str]:
    return [f"{d.name}=={d.version}" for d in found.dists]


def test_a_tree_brings_its_requirements(
    tmp_path: Path, wheels: Path, settings: Settings, target: PythonTarget
) -> None:
    tree = project(tmp_path / "app", "app", "3.1", requires=("lib<2",))
    ask = Asker(wheels, settings, target, pinned_tree("app", tree))
    found = ask("-e $WORKSPACE/app[x]", "lib")
    assert names(found) == ["app==3.1", "lib==1.0", "pip==1.0"]
    assert found.requested == ("app", "lib", "pip")
    assert found.roots == ("app[x]", "lib")
    app = found.dists[0]
    assert (app.sdist, app.path, app.url) == (True, "app", "")
    assert app.origin == Origin("directory", "file:///pyats/app", editable=True)
    assert PythonResolution.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    # the second time it is remembered, until the tree changes
    (settings.cache / "uv").unlink()
    assert ask("-e $WORKSPACE/app[x]", "lib") == found


def test_requirement_files_are_one_request(
    tmp_path: Path, wheels: Path, settings: Settings, target: PythonTarget
) -> None:
    for name, text in (("one", "lib\n"), ("two", "-c limits.txt\nlib>=1\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requirements.txt").write_text(text)
    (tmp_path / "two" / "limits.txt").write_text("lib<2\n")
    trees = [pinned_tree(name, tmp_path / name) for name in ("one", "two")]
    files = ("one/requirements.txt", "two/requirements.txt")
    ask = Asker(wheels, settings, target, *trees)
    assert names(ask(files=files)) == ["lib==1.0", "pip==1.0"]
    with pytest.raises(ResolveError, match="no set of Python packages") as caught:
        ask("lib==2.0", files=files)
    for line in ("two/limits.txt:1: lib<2", "image.yaml:3: lib==2.0"):
        assert line in caught.value.details


def test_two_sources_of_one_package(
    tmp_path: Path, wheels: Path, settings: Settings, target: PythonTarget
) -> None:
    path, _ = WheelMaker(tmp_path, "lib", "3.0").write()
    tree = project(tmp_path / "app", "lib", "4.0")
    ask = Asker(wheels, settings, target, pinned_tree("app", tree), pinned_file("x/" + path.name, path))
    with pytest.raises(ResolveError) as caught:
        ask(f"./x/{path.name}", "lib @ file:///pyats/app")
    assert f"image.yaml:3: ./x/{path.name}" in caught.value.details
    assert "image.yaml:4: lib @ file:///pyats/app" in caught.value.details
    assert str(settings.cache) not in caught.value.details
    with pytest.raises(ResolveError) as caught:
        ask(f"./x/{path.name}", "lib<3")
    assert "image.yaml:4: lib<3" in caught.value.details


def test_hashes(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    ask = Asker(wheels, settings, target)
    good = ask("lib==2.0").dists[0].sha256
    assert names(ask(f"lib==2.0 --hash=sha256:{good} --hash=sha256:{'0' * 64}"))[0] == "lib==2.0"
    with pytest.raises(ResolveError):
        ask(f"lib==2.0 --hash=sha256:{'0' * 64}")
    with pytest.raises(ResolveError, match=r"pip 1\.0 has no hash, and --require-hashes asks") as caught:
        ask(f"lib==2.0 --hash=sha256:{good}", "--require-hashes")
    assert caught.value.hint.startswith("add pip==1.0 --hash=sha256:")


def test_links_of_the_workspace(
    tmp_path: Path, wheels: Path, settings: Settings, target: PythonTarget
) -> None:
    more = tmp_path / "more"
    more.mkdir()
    path, made = WheelMaker(more, "lib", "5.0").write()
    ask = Asker(wheels, settings, target, pinned_tree("more", more))
    found = ask("-f $WORKSPACE/more", "lib")
    assert names(found)[0] == "lib==5.0"
    lib = found.dists[0]
    assert (lib.url, lib.path, lib.sha256, lib.origin) == ("", f"more/{path.name}", made.sha256, None)


class Making:
    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    def index(self, index: Index) -> Index:
        return index

    def bring(self, dist: Dist) -> None:
        self._ask.sources.bring(dist, str, Where("image.yaml"))

    def wheel(self, archive: Path, dist: Dist, index: Index) -> Path:
        place = directurl.tree_of(dist, "pyats")
        return editable_wheel(archive, dist, place, self._ask.settings, Reporter(), index)


def test_editable(
    tmp_path: Path, wheels: Path, settings: Settings, target: PythonTarget, cache: FragmentCache
) -> None:
    tree = project(tmp_path / "app", "app", "3.1")
    ask = Asker(wheels, settings, target, pinned_tree("deep/app", tree))
    found = ask("-e $WORKSPACE/deep/app")
    ((_, wheel),) = fetch(found, settings, Reporter(), only={"app"}, making=Making(ask))
    with zipfile.ZipFile(wheel) as made:
        assert made.read("__editable__.app.pth") == b"/pyats/deep/app\n"
    fragment = wheel_fragment(cache, wheel, found.dists[0], target, prefix="pyats", requested=True)
    info = "pyats/lib/python3.13/site-packages/app-3.1.dist-info"
    assert json.loads(fragment.read(f"{info}/direct_url.json")[f"{info}/direct_url.json"]) == {
        "url": "file:///pyats/deep/app",
        "dir_info": {"editable": True},
    }
    assert b"app-3.1.dist-info/direct_url.json,sha256=" in fragment.read(f"{info}/RECORD")[f"{info}/RECORD"]


def test_compiled_parts(tmp_path: Path, wheels: Path, settings: Settings, target: PythonTarget) -> None:
    tree = project(tmp_path / "app", "app", tag="cp311-cp311-linux_x86_64")
    ask = Asker(wheels, settings, target, pinned_tree("app", tree))
    with pytest.raises(CompilingNeeded) as needed:
        list(fetch(ask("./app"), settings, Reporter(), only={"app"}, making=Making(ask)))
    assert list(needed.value.reasons) == ["app"]
    with pytest.raises(NotYetError, match="cannot be editable in an image"):
        list(fetch(ask("-e ./app"), settings, Reporter(), only={"app"}, making=Making(ask)))


def test_a_backend_that_knows_no_editables(
    tmp_path: Path, wheels: Path, settings: Settings, target: PythonTarget
) -> None:
    tree = project(tmp_path / "app", "app")
    text = (tree / "backend.py").read_text().replace("def build_editable", "def other")
    (tree / "backend.py").write_text(text)
    ask = Asker(wheels, settings, target, pinned_tree("app", tree))
    with pytest.raises(ToolError, match="backend has no `build_editable`"):
        list(fetch(ask("-e ./app"), settings, Reporter(), only={"app"}, making=Making(ask)))


ORIGINS = [
    (Origin("archive", "https://h/x-1.zip", "1" * 64, subdirectory="s"), ""),
    (Origin("archive", "file:///pyats/x.whl", "1" * 64), "x.whl"),
    (Origin("directory", "file:///pyats/a%20b", editable=True), "a b"),
    (Origin("directory", ""), ""),
    (
        Origin(
            "vcs", "https://h/p.git", commit="a" * 40, revision="v1", subdirectory="s", described="v1-0-gabc"
        ),
        "",
    ),
    (Origin("vcs", "ssh://git@h/p.git", commit="a" * 40, editable=True), ""),
    (None, "wheels/x.whl"),
]


@pytest.mark.parametrize(("origin", "path"), ORIGINS)
def test_locks(origin: Origin | None, path: str, target: PythonTarget) -> None:
    one = Dist("x", "1.0", "x.tar.gz", "", "2" * 64, 5, sdist=True, path=path, origin=origin)
    assert dist(Fields(json.loads(json.dumps(dist_data(one))))) == one
    text = pylockfile.render(
        [one, replace(one, name="y", origin=None, path="", url="https://h/y.whl")], target
    )
    first, second = [dist(Fields(row)) for row in pylockfile.rows(text)]
    assert first == one
    assert second.name == "y"


@pytest.mark.parametrize(
    ("origin", "data"),
    [
        (
            ORIGINS[0][0],
            {
                "url": "https://h/x-1.zip",
                "archive_info": {"hash": f"sha256={'1' * 64}", "hashes": {"sha256": "1" * 64}},
                "subdirectory": "s",
            },
        ),
        (ORIGINS[2][0], {"url": "file:///pyats/a%20b", "dir_info": {"editable": True}}),
        (ORIGINS[3][0], None),
        (
            ORIGINS[4][0],
            {
                "url": "https://h/p.git",
                "vcs_info": {"vcs": "git", "commit_id": "a" * 40, "requested_revision": "v1"},
                "subdirectory": "s",
            },
        ),
        (ORIGINS[5][0], {"url": "file:///pyats/src/x", "dir_info": {"editable": True}}),
        (None, None),
    ],
)
def test_direct_url(origin: Origin | None, data: object) -> None:
    path = "a b" if origin and origin.editable and not origin.commit else ""
    made = directurl.render(Dist("x", "1.0", "x.whl", "", "2" * 64, path=path, origin=origin), "pyats")
    assert (json.loads(made) if made else None) == data
