from __future__ import annotations

import importlib
import inspect
import io
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import slipway
import slipway.images.push  # bound to the real push before a test here puts another in its place
from slipway import Image, SlipwayError, build
from slipway.errors import RecipeError, UsageError
from slipway.oci.store import Store
from slipway.settings import load as load_settings

CONFIG: dict[str, Any] = {"tag": "hello", "base": "scratch", "workspace": "/work", "files": ["note.txt"]}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with one file."""
    here = tmp_path / "project"
    here.mkdir()
    (here / "note.txt").write_text("read me\n")
    monkeypatch.chdir(here)
    return here


def store() -> Store:
    return Store(load_settings().store)


# -- build -----------------------------------------------------------------------------------------------------------


def test_a_mapping_becomes_an_image() -> None:
    image = build(CONFIG)
    assert image.tag == "hello:latest"
    told = image.inspect()
    assert told["Id"] == image.id
    assert told["RepoTags"] == ["hello:latest"]
    assert ["file", "note.txt"] in [part[:2] for layer in told["Layers"] for part in layer["parts"]]
    assert json.loads(json.dumps(told)) == told
    assert repr(image) == f"Image('{image.id}', 'hello:latest')"


def test_a_mapping_and_a_file_mean_the_same(project: Path) -> None:
    recipe = project / "image.yaml"
    recipe.write_text(json.dumps(CONFIG))
    # the last layer has the recipe as it was written
    wanted = build(CONFIG).inspect()["RootFS"]["Layers"][:-1]
    assert build(recipe).inspect()["RootFS"]["Layers"][:-1] == wanted
    assert build("image.yaml").inspect()["RootFS"]["Layers"][:-1] == wanted


def test_values_are_taken_as_they_would_be_in_yaml() -> None:
    config = CONFIG | {
        "env": {"N": 1, "YES": True, "TEXT": "no", "D": date(2030, 1, 2)},
        "files": ({"copy/of.txt": Path("note.txt")},),
        "labels": {"a": "x: y # z", "b": "tab\there\nand more", "c": "ünï ✓ \u2028"},
        "cmd": ("cat", "copy/of.txt"),
    }
    told = build(config).inspect()["Config"]
    assert {"N=1", "TEXT=no", "D=2030-01-02"} <= set(told["Env"])
    assert {k: told["Labels"][k] for k in "abc"} == config["labels"]
    assert told["Cmd"] == ["cat", "copy/of.txt"]


def test_every_problem_of_a_mapping_is_shown_with_its_line() -> None:
    with pytest.raises(RecipeError) as caught:
        build({"tag": "UPPER", "nonsense": 1, "base": "scratch"})
    assert {(p.where.file, p.where.line) for p in caught.value.problems} == {("config", 1), ("config", 2)}
    assert caught.value.problems[0].line_text == "tag: UPPER"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"labels": {"x": {1, 2}}}, r"config\.labels\.x is a set"),
        ({"files": ["a", b"b"]}, r"config\.files\[1\] is a bytes"),
        ({("a", "b"): 1}, "config has a key that is a tuple"),
    ],
)
def test_values_that_no_recipe_holds_are_named(config: dict[Any, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(config)


def test_the_tag_that_is_given_goes_first() -> None:
    assert build(CONFIG, tag="other:2").tag == "other:2"
    assert [d.name for d in store().images()] == ["other:2"]
    with pytest.raises(UsageError, match=r"^tag: `Not A Name`"):
        build(CONFIG, tag="Not A Name")


def test_an_image_without_a_name() -> None:
    image = build({k: v for k, v in CONFIG.items() if k != "tag"})
    assert image.tag is None
    assert Image(image.id).inspect()["RepoTags"] == []


def test_progress_goes_to_the_stream(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    build(CONFIG, stream=stream)
    assert "layer workspace" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
    assert capsys.readouterr() == ("", "")


def test_nothing_is_printed_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    build(CONFIG)
    assert capsys.readouterr() == ("", "")
    build(CONFIG, verbose=True, no_cache=True)
    said = capsys.readouterr()
    assert (said.out, "layer workspace" in said.err) == ("", True)


def test_a_dry_run_plans(project: Path) -> None:
    stream = io.StringIO()
    image = build(CONFIG, stream=stream, dry_run=True, path="context", keep_context=True)
    assert (image.id, image.tag) == ("", "hello:latest")
    assert "hello:latest for linux/" in stream.getvalue()
    assert "first build" in stream.getvalue()
    assert store().images() == []
    (copied,) = (project / "context").glob("*/workspace/note.txt")
    assert copied.read_text() == "read me\n"
    for use in (image.inspect, image.push, lambda: setattr(image, "tag", "x")):
        with pytest.raises(UsageError, match="dry_run"):
            use()


def test_the_context_is_kept_as_asked(project: Path) -> None:
    build(CONFIG, path="new")
    assert not (project / "new").exists()
    build(CONFIG, path="new", keep_context=True)
    assert (project / "new/image.yaml").exists()
    (project / "old").mkdir()
    build(CONFIG, path=project / "old")
    assert (project / "old/image.yaml").exists()
    stream = io.StringIO()
    build(CONFIG, keep_context=True, stream=stream)
    (made,) = project.glob("slipway-context-*")
    assert f"context in {made}" in stream.getvalue()


def test_no_cache_makes_everything_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (io.StringIO() for _ in range(3))
    one = build(CONFIG, stream=first)
    two = build(CONFIG, stream=second)
    three = build(CONFIG, stream=third, no_cache=True)
    assert one.id == two.id == three.id
    assert ["layer workspace" in s.getvalue() for s in (first, second, third)] == [True, False, True]


def test_two_platforms_are_one_image() -> None:
    image = build(CONFIG | {"platforms": ["linux/amd64", "linux/arm64"]})
    told = image.inspect()
    assert told["Id"] == image.id
    assert told["Platforms"] == ["linux/amd64", "linux/arm64"]
    (found,) = store().images()
    assert told["Digest"] == found.digest


# -- Image -----------------------------------------------------------------------------------------------------------


def test_an_image_is_found_by_its_id() -> None:
    image = build(CONFIG)
    for text in (image.id, image.id.removeprefix("sha256:"), image.id[:20]):
        assert Image(text).id == image.id
    assert Image(image.id).tag is None
    assert Image(image.id, "hello").tag == "hello:latest"
    other = build(CONFIG | {"env": {"A": "1"}}, tag="other")
    for text, message in (
        ("sha256:" + "0" * 64, "no image 'sha256:000"),
        ("hello", "no image id"),
        (image.id[:9], "no image id"),
    ):
        with pytest.raises(UsageError, match=message):
            Image(text)
    with pytest.raises(UsageError, match="not called hello") as caught:
        Image(other.id, "hello")
    assert caught.value.hint == "its names: other:latest"


def test_tags_can_be_given() -> None:
    image = build(CONFIG)
    image.tag = "registry.example:5000/team/hello"
    assert image.tag == "registry.example:5000/team/hello:latest"
    assert image.inspect()["RepoTags"] == ["hello:latest", "registry.example:5000/team/hello:latest"]
    with pytest.raises(UsageError, match="cannot name an image"):
        image.tag = "No Such"
    assert image.tag == "registry.example:5000/team/hello:latest"


def test_an_image_that_was_removed_says_so() -> None:
    image = build(CONFIG)
    store().remove("hello")
    with pytest.raises(UsageError, match="no image"):
        image.inspect()


def test_push_hands_on_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[tuple[Any, ...]] = []

    def push(_store: Store, image: Any, reference: Any, settings: Any, reporter: Any, *, login: Any) -> Any:
        pushed.append((image.digest, str(reference), login))
        return SimpleNamespace(digest=image.digest)

    monkeypatch.setattr("slipway.registry.push.push", push)
    image = build(CONFIG)
    digest = image.inspect()["Digest"]
    name = "registry.example:5000/team/hello:1"
    assert image.push(name, {"username": "me", "password": "secret"}) == digest
    assert pushed == [(digest, name, ("me", "secret"))]
    assert name in image.inspect()["RepoTags"]
    assert image.tag == "hello:latest"
    image.tag = name
    image.push()
    assert pushed[1:] == [(digest, name, None)]
    with pytest.raises(UsageError, match="credentials lack password"):
        image.push(credentials={"username": "me"})
    with pytest.raises(UsageError, match="no name to be pushed under"):
        Image(image.id).push()


# -- the package -----------------------------------------------------------------------------------------------------


def test_the_signature_is_that_of_the_pyats_image_builder() -> None:
    from slipway.library import build as function

    parameters = inspect.signature(build).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "config": inspect.Parameter.empty,
        "path": None,
        "tag": None,
        "keep_context": False,
        "verbose": False,
        "stream": None,
        "no_cache": False,
        "dry_run": False,
    }
    assert inspect.signature(build) == inspect.signature(function)


def test_what_is_imported_first_does_not_matter() -> None:
    for first in (
        "import slipway.build.api",
        "import slipway.library",
        "from slipway.build import plan",
        "pass",
    ):
        code = f"{first}\nfrom slipway import build\ntry:\n build({{'no': 1}})\nexcept Exception as e:\n print(e)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "no" in done.stdout, first
    assert (
        importlib.import_module("slipway.build.api").build is importlib.import_module("slipway.build").build
    )


def test_importing_is_cheap() -> None:
    code = (
        "import sys, slipway; print([m for m in sys.modules if m.startswith(('slipway.', 'yaml', 'click'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_public_names() -> None:
    assert set(slipway.__all__) == {"Image", "SlipwayError", "__version__", "build"}
    assert all(hasattr(slipway, name) for name in slipway.__all__)
    assert issubclass(UsageError, SlipwayError)
    with pytest.raises(AttributeError, match="'slipway' has no attribute 'nothing'"):
        _ = slipway.nothing
