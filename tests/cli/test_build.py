from __future__ import annotations

import json
from dataclasses import replace

import pytest

from slipway.build.model import Action, LayerResult, Options, Plan, Result
from slipway.errors import NotYetError
from slipway.oci.digest import Digest
from slipway.oci.store import MANIFEST_TYPE, Descriptor
from slipway.recipe.model import Platform

HEX = "0123456789ab" + "0" * 52
RESULT = Result(
    image=Descriptor(MANIFEST_TYPE, Digest(f"sha256:{HEX}"), 500),
    tag="hello:latest",
    image_id="sha256:" + "f" * 64,
    layers=(
        LayerResult("debian trixie", "reuse", "sha256:1", 28_100_000, 74_200_000),
        LayerResult("python", "assemble", "sha256:2", 1_300_000, 4_400_000),
    ),
    changed=True,
    seconds=1.0,
)
PLAN = Plan(
    Platform("amd64"),
    "hello:latest",
    (
        Action("reuse", "debian trixie", "unchanged", parts=84),
        Action(
            "assemble",
            "python",
            "requests 2.32.3 → 2.32.4",
            tuple(f"p{i} 1 → 2" for i in range(20)),
            41,
            1,
        ),
        Action("drop", "apt", "no longer in the recipe"),
    ),
    downloads=1,
    download_size=1_300_000,
    warnings=("foo 1.0: its postinst was not run",),
)


@pytest.fixture
def built(monkeypatch):
    """What `slipway.build.build` was called with; it reports a step and returns `RESULT`."""
    calls = []

    def build(recipe, settings, reporter, options):
        calls.append((recipe, settings, options))
        if options.context:
            options.context.mkdir(exist_ok=True)
            (options.context / "seen").write_text(recipe.text)
        with reporter.step("assemble", "2 layers"):
            reporter.warn("careful")
        return RESULT

    monkeypatch.setattr("slipway.build.api.build", build)
    return calls


@pytest.fixture
def planned(monkeypatch):
    monkeypatch.setattr("slipway.build.api.plan", lambda *_: [PLAN])


def test_stdout_has_the_tag_and_stderr_the_rest(call, recipe, built):
    done = call("build", str(recipe))
    assert (done.status, done.out) == (0, "hello:latest\n")
    assert "warning: careful" in done.err
    assert "debian trixie  reused     28.1 MB   74.2 MB" in done.err
    assert "               total      29.4 MB   78.6 MB" in done.err
    assert "hello:latest  0123456789ab  built in" in done.err
    assert "slipway run" not in done.err  # hints are for people


def test_an_untagged_image_is_named_by_its_digest(call, recipe, monkeypatch):
    monkeypatch.setattr("slipway.build.api.build", lambda *_: replace(RESULT, tag=""))
    assert call("build", str(recipe)).out == f"sha256:{HEX}\n"


def test_quiet_says_only_warnings(call, recipe, built):
    done = call("-q", "build", str(recipe))
    assert (done.out, done.err) == ("hello:latest\n", "warning: careful\n")


def test_options_reach_the_build(call, recipe, built, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    done = call(
        "build",
        str(recipe),
        "-t",
        "other:1",
        "-c",
        "--refresh",
        "--platform",
        "linux/arm64",
        "--platform",
        "arm64",
    )
    assert done.status == 0
    (used, _, options) = built[0]
    assert options == Options(tag="other:1", no_cache=True, refresh=True, epoch=1_700_000_000)
    assert used.platforms == (Platform("arm64"),)


@pytest.mark.parametrize(
    ("option", "value"), [("--platform", "linux/vax"), ("--tag", "Not/A Tag"), ("--output", "tape:x")]
)
def test_bad_values_are_usage_errors(call, recipe, built, option, value):
    done = call("build", str(recipe), option, value)
    assert done.status == 2
    assert done.out == ""
    assert built == []


def test_outputs_are_written_and_told(call, recipe, built, monkeypatch):
    monkeypatch.setattr(
        "slipway.images.outputs.write_output", lambda store, image, spec, tag, settings, reporter: spec
    )
    monkeypatch.setattr("slipway.images.load.load", lambda store, image, tag, settings, reporter: "sha256:1")
    done = call("build", str(recipe), "--output", "oci:out", "--load", "--json")
    assert done.status == 0
    assert done.lines[-1]["outputs"] == ["oci:out", "docker-daemon:hello:latest"]
    assert "wrote docker-daemon:hello:latest\n" in call("build", str(recipe), "--load").err


def test_loading_needs_a_name(call, recipe, built):
    recipe.write_text("base: scratch\n")
    done = call("build", str(recipe), "--load")
    assert done.status == 2
    assert built == []
    assert "--tag" in done.err


def test_a_bad_epoch_is_a_usage_error(call, recipe, built, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert call("build", str(recipe)).status == 2


def test_json_lines_end_with_the_result(call, recipe, built):
    done = call("build", str(recipe), "--json")
    assert [line["type"] for line in done.lines] == ["step-began", "note", "step-ended", "result"]
    assert done.lines[-1]["tag"] == "hello:latest"
    assert done.lines[-1]["image"]["digest"] == f"sha256:{HEX}"
    assert done.err == ""


def test_json_lines_end_with_the_error(call, recipe, monkeypatch):
    def build(recipe, settings, reporter, options):
        with reporter.step("resolve"):
            raise NotYetError("cannot pull", hint="wait")

    monkeypatch.setattr("slipway.build.api.build", build)
    done = call("build", str(recipe), "--json")
    assert done.status == 8
    assert done.lines[-1] == {
        "type": "error",
        "exit": 8,
        "code": "not-yet",
        "brief": "cannot pull",
        "hint": "wait",
    }


def test_a_wrong_recipe_shows_all_its_problems(call, recipe):
    recipe.write_text("pakages: [x]\nenv: 3\n")
    done = call("build", str(recipe))
    assert done.status == 2
    assert f"error: {recipe}:1:1: " in done.err
    assert "\n    pakages: [x]\n    ^\n" in done.err
    assert done.err.endswith(f"error: 2 problems in {recipe}\n")
    assert len(call("build", str(recipe), "--json").lines[-1]["problems"]) == 2


def test_a_recipe_that_is_not_there(call, home):
    done = call("build", str(home / "none.yaml"))
    assert done.status == 2
    assert "none.yaml: cannot read the recipe: No such file" in done.err


def test_a_plan_gives_an_action_and_a_reason_for_each_layer(call, recipe, planned):
    done = call("build", str(recipe), "--dry-run")
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[0] == "hello:latest for linux/amd64"
    assert lines[2] == f"  reuse     debian trixie  {'unchanged':24}  84 parts"
    assert "assemble  python         requests 2.32.3 → 2.32.4  41 parts, 1 to make" in lines[3]
    assert lines[4] == "      p0 1 → 2"
    assert "      and 8 more (--verbose shows them)" in lines
    assert lines[-2:] == ["1 download, 1.3 MB", "warning: foo 1.0: its postinst was not run"]


def test_a_verbose_plan_has_all_changes(call, recipe, planned):
    assert "p19 1 → 2" in call("build", str(recipe), "-n", "-v").out


def test_a_plan_as_json(call, recipe, planned):
    done = call("build", str(recipe), "-n", "--json")
    assert done.lines == [json.loads(json.dumps({"type": "result", "plans": [PLAN.as_dict()]}))]


def test_a_new_context_is_removed_unless_kept(call, recipe, built, home):
    assert call("build", str(recipe), "-p", str(home / "new")).status == 0
    assert not (home / "new").exists()
    done = call("build", str(recipe), "-k", "-p", str(home / "new"))
    assert (home / "new" / "seen").exists()
    assert f"context in {home / 'new'}" in done.err


def test_an_existing_context_directory_stays(call, recipe, built, home):
    (home / "old").mkdir()
    assert call("build", str(recipe), "-p", str(home / "old")).status == 0
    assert (home / "old" / "seen").read_text() == recipe.read_text()


def test_a_kept_context_without_a_place_is_in_the_working_directory(call, recipe, built, home, monkeypatch):
    (home / "work").mkdir()
    monkeypatch.chdir(home / "work")
    done = call("build", str(recipe), "-k", "--json")
    (made,) = (home / "work").iterdir()
    assert made.name.startswith("slipway-context-")
    assert done.lines[-1]["context"] == str(made)


def test_a_plan_with_its_context(call, recipe, home):
    """Nothing is built, but what would go into the image can be looked at."""
    done = call("build", str(recipe), "-n", "-k", "-p", str(home / "new"))
    assert done.status == 0
    assert (home / "new" / "image.yaml").read_text() == recipe.read_text()
    assert f"context in {home / 'new'}" in done.err
    assert call("image", "ls", "--json").lines[-1]["images"] == []
