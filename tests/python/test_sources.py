"""Requirement files, paths, trees and archives; nothing is asked of an index here."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.errors import InputError, RecipeError, VerifyError, Where
from slipway.events import Reporter
from slipway.inputs.pinned import PinnedFile
from slipway.python import archive
from slipway.python.located import Located, logins
from slipway.python.model import Dist, Origin
from slipway.python.places import Places, on_machine
from slipway.python.reqfile import Asked, gather
from slipway.python.requirement import Place, Unfit, Wanted
from slipway.python.sources import Sources
from slipway.recipe.model import Requirement
from slipway.settings import Settings
from tests.python.conftest import WheelMaker
from tests.python.trees import pinned_file, pinned_tree, project

Workspace = Callable[..., Places]


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    directory = tmp_path / "recipes"
    directory.mkdir()
    return directory


@pytest.fixture
def places(recipes: Path, settings: Settings) -> Workspace:
    def make(*pinned: PinnedFile, **variables: str) -> Places:
        return Places("/pyats", lambda: pinned, settings, directory=recipes, variables=variables)

    return make


def asked(places: Places, settings: Settings, *texts: str, files: tuple[str, ...] = ()) -> Asked:
    lines = [Requirement(text, Where("image.yaml", n)) for n, text in enumerate(texts, 1)]
    return gather(lines, files, places, settings)


def locate(places: Places, settings: Settings, text: str) -> Located:
    (wanted,) = asked(places, settings, text).wanted
    return Sources(places, settings, Reporter()).locate(wanted)


# -- requirement files -----------------------------------------------------------------------------------------


def test_files_are_followed(tmp_path: Path, recipes: Path, places: Workspace, settings: Settings) -> None:
    tree = tmp_path / "repo"
    (tree / "inner").mkdir(parents=True)
    (tree / "requirements.txt").write_text(
        "# comes first\na==1 \\\n  --hash=sha256:00\n-r inner/more.txt\n-c limits.txt\n--extra-index-url https://u:canary@h/simple\n"
    )
    (tree / "inner" / "more.txt").write_text("\ufeffb\n-e ..\n-r ../requirements.txt\n")
    (tree / "limits.txt").write_text("c<2\n")
    (recipes / "beside.txt").write_text("d ; python_version < '3'\n")
    here = places(pinned_tree("repo", tree))
    found = asked(here, settings, "-r beside.txt", "e", files=("repo/requirements.txt",))
    assert [(str(w.where), w.said or w.target) for w in found.wanted] == [
        ("repo/requirements.txt:2", "a==1"),
        ("repo/inner/more.txt:1", "b"),
        ("repo/inner/more.txt:2", ".."),
        (f"{recipes}/beside.txt:1", "d"),
        ("image.yaml:2", "e"),
    ]
    assert [w.said for w in found.constraints] == ["c<2"]
    assert found.wanted[0].hashes == ("sha256:00",)
    assert found.extra_indexes == ("https://u:canary@h/simple",)
    assert "canary" not in repr(found)
    assert not found.is_plain


def test_everything_wrong_is_told_with_its_place(
    recipes: Path, places: Workspace, settings: Settings
) -> None:
    (recipes / "bad.txt").write_text("ok\nhg+https://h/x\n--nonsense\n")
    (recipes / "latin").write_bytes(b"\xe4\n")
    with pytest.raises(RecipeError) as caught:
        asked(places(), settings, "-r bad.txt", "-r none.txt", "-r latin", "-r .")
    assert [(str(p.where), p.message) for p in caught.value.problems] == [
        (f"{recipes}/bad.txt:2", "`hg+https://h/x`: of version control systems only git can be asked"),
        (f"{recipes}/bad.txt:3", "`--nonsense` is no option of requirement files that can be used here"),
        ("image.yaml:2", "`none.txt` is not in the workspace"),
        ("image.yaml:3", "`latin` is not text in UTF-8"),
        ("image.yaml:4", "`.` is a directory, not a requirement file"),
    ]
    assert caught.value.problems[2].hint == (
        f"looked at {recipes}/none.txt too; /pyats is empty: bring it in with `files` or `repositories`"
    )


def test_lines_that_go_on(recipes: Path, places: Workspace, settings: Settings) -> None:
    (recipes / "r.txt").write_text("a\\\n>=1\\\n# between\nb\nc\\")
    found = asked(places(), settings, "-r r.txt")
    assert [(w.said, w.where.line) for w in found.wanted] == [("a>=1", 1), ("b", 4), ("c", 5)]


# -- paths -----------------------------------------------------------------------------------------------------


def test_a_wheel_of_the_workspace(tmp_path: Path, places: Workspace, settings: Settings) -> None:
    path, dist = WheelMaker(tmp_path).write()
    here = places(pinned_file("wheels/demo-1.0-py3-none-any.whl", path))
    for text in (
        "${WORKSPACE}/wheels/demo-1.0-py3-none-any.whl",
        "$WORKSPACE/wheels/../wheels/demo-1.0-py3-none-any.whl",
        "wheels/demo-1.0-py3-none-any.whl",
        "/pyats/wheels/demo-1.0-py3-none-any.whl",
        "demo @ file:///pyats/wheels/demo-1.0-py3-none-any.whl",
    ):
        found = locate(here, settings, text)
        assert (found.identity, found.path) == (dist.sha256, "wheels/demo-1.0-py3-none-any.whl")
        assert found.origin == Origin(
            "archive", "file:///pyats/wheels/demo-1.0-py3-none-any.whl", dist.sha256
        )
        made, sha256 = found.make()
        assert (made.read_bytes(), sha256) == (path.read_bytes(), dist.sha256)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("$WORKSPACE/x.whl", "is not in the workspace", "in /pyats there is app, readme"),
        ("$WORKSPACE/app/none/x.whl", "is not in the workspace", "in /pyats/app there is backend.py, m"),
        ("$WORKSPACE/readme", "is neither a source tree nor a wheel", ""),
        ("-e $WORKSPACE/readme", "is neither a source tree nor a wheel", ""),
        ("$WORKSPACE/app/sub", "is no Python project", "a pyproject.toml or a setup.py"),
        ("../x.whl", "is outside the workspace", "looked at "),
        ("-e ./beside", "its tree, and this one is not in the image", "with `files`"),
        ("/nowhere/x.whl", "there is no `/nowhere/x.whl`", "looked at /nowhere/x.whl"),
    ],
)
def test_wrong_paths(
    tmp_path: Path, recipes: Path, places: Workspace, settings: Settings, text: str, message: str, hint: str
) -> None:
    tree = project(tmp_path / "app", "app")
    (tree / "sub").mkdir()
    (tree / "sub" / "x.py").touch()
    readme = tmp_path / "readme"
    readme.touch()
    project(recipes / "beside", "beside")
    with pytest.raises(RecipeError, match=message) as caught:
        locate(places(pinned_tree("app", tree), pinned_file("readme", readme)), settings, text)
    assert caught.value.where == Where("image.yaml", 1)
    assert hint in caught.value.hint


def test_what_lies_beside_the_recipe(recipes: Path, places: Workspace, settings: Settings) -> None:
    path, dist = WheelMaker(recipes).write()
    found = locate(places(), settings, "./demo-1.0-py3-none-any.whl")
    assert (found.url, found.path) == (path.as_uri(), "")
    assert found.origin == Origin("archive", "", dist.sha256)  # nobody else's business
    project(recipes / "lib", "lib")
    tree = locate(places(), settings, f"file://{recipes}/lib")
    assert (tree.origin, tree.filename) == (Origin("directory", ""), "lib.tar.gz")


def test_the_workspace_goes_first(
    tmp_path: Path, recipes: Path, places: Workspace, settings: Settings
) -> None:
    inside = project(tmp_path / "inside", "lib", "2.0")
    project(recipes / "lib", "lib", "1.0")
    found = locate(places(pinned_tree("lib", inside)), settings, "-e ./lib")
    assert (found.path, found.identity) == ("lib", on_machine(inside).digest)
    assert found.origin == Origin("directory", "file:///pyats/lib", editable=True)


def test_files_are_laid_over_trees(tmp_path: Path, places: Workspace, settings: Settings) -> None:
    tree = project(tmp_path / "app", "app")
    extra = tmp_path / "extra"
    extra.write_text("x = 1\n")
    found = locate(
        places(pinned_tree("app", tree), pinned_file("app/sub/extra.py", extra)), settings, "./app"
    )
    path, _ = found.make()
    with tarfile.open(path) as made:
        assert made.getnames() == [
            "source",
            "source/backend.py",
            "source/module.py",
            "source/pyproject.toml",
            "source/sub",
            "source/sub/extra.py",
        ]


# -- archives --------------------------------------------------------------------------------------------------


def test_the_archive_of_a_tree_depends_on_its_content_alone(tmp_path: Path, settings: Settings) -> None:
    digests = set()
    for name in ("one", "two"):
        tree = project(tmp_path / name, "app")
        (tree / "big").write_bytes(b"0123456789" * 20_000)
        (tree / "run").write_text("#!/bin/sh\n")
        (tree / "run").chmod(0o700 if name == "one" else 0o755)
        (tree / "link").symlink_to("run")
        path, sha256 = archive.archived(on_machine(tree), settings)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        digests.add(sha256)
    assert len(digests) == 1
    with tarfile.open(path, "r:gz") as made:
        assert made.getmember("source/run").mode == 0o755
        assert made.getmember("source/link").linkname == "run"
        assert {m.mtime for m in made} == {315532800}
    gzip.decompress(path.read_bytes())
    where = archive.unpack(path, "x.tar.gz", tmp_path / "out")
    assert (where / "big").read_bytes() == b"0123456789" * 20_000


def test_a_tree_that_changes_is_noticed(tmp_path: Path, settings: Settings) -> None:
    tree = project(tmp_path / "app", "app")
    read = on_machine(tree)
    (tree / "module.py").write_text("name = 'ppa'\n")
    with pytest.raises(InputError, match="changed while it was read"):
        archive.archived(read, settings)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x"])
def test_archives_that_lead_out(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bad.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name))
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError):
        archive.unpack(path, "bad.tar.gz", tmp_path / "out")
    import zipfile

    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as made:
        made.writestr(name, b"")
    with pytest.raises(InputError):
        archive.unpack(tmp_path / "bad.zip", "bad.zip", tmp_path / "out")
    assert not (tmp_path / "x").exists()


def test_links_that_lead_out(tmp_path: Path) -> None:
    for kind, target in ((tarfile.SYMTYPE, "../../x"), (tarfile.SYMTYPE, "/etc"), (tarfile.LNKTYPE, "../x")):
        path = tmp_path / "bad.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            link = tarfile.TarInfo("a/link")
            link.type, link.linkname = kind, target
            tar.addfile(link)
            tar.addfile(tarfile.TarInfo("a/link/inner"))
        out = tmp_path / f"out{kind!r}{target.count('/')}"
        out.mkdir()
        with pytest.raises(InputError):
            archive.unpack(path, "bad.tar.gz", out)


# -- bringing them again ---------------------------------------------------------------------------------------


def test_brought_again_for_a_lock(tmp_path: Path, places: Workspace, settings: Settings) -> None:
    tree = project(tmp_path / "app", "app")
    located = locate(places(pinned_tree("app", tree)), settings, "./app")
    path, sha256 = located.make()
    dist = located.dist(Dist("app", "1.0", "source.tar.gz", "file:///x", sha256, sdist=True))
    assert (dist.url, dist.path) == ("", "app")
    path.unlink()
    sources = Sources(places(pinned_tree("app", tree)), settings, Reporter())
    sources.bring(dist, lambda url: url, Where("image.yaml"))
    assert path.exists()
    path.unlink()
    (tree / "module.py").write_text("name = 'other'\n")
    sources = Sources(places(pinned_tree("app", tree)), settings, Reporter())
    with pytest.raises(VerifyError, match=r"app 1\.0 is not what was promised"):
        sources.bring(dist, lambda url: url, Where("image.yaml"))


def test_logins_are_those_of_the_recipe(places: Workspace, settings: Settings) -> None:
    found = asked(places(), settings, "x @ https://u:canary@h/x.whl", "git+https://canary@h/p.git@v1#egg=p")
    login = logins(found)
    assert login("https://h/x.whl") == "https://u:canary@h/x.whl"
    assert login("https://h/p.git") == "https://canary@h/p.git"
    assert login("https://other/x.whl") == "https://other/x.whl"


def test_place_of_an_address(places: Workspace) -> None:
    here = places()
    web = Place("web", "https://h/dir/")
    assert here.address("more.txt", web) == "https://h/dir/more.txt"
    assert here.address("/pyats/x", Place("workspace")) == ""
    with pytest.raises(Unfit, match="relative to an address"):
        here.find("x", web)
    assert isinstance(here, Places)
    assert Wanted("x", Where(""), web).target == ""
