from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slipway.build.installation import records, written
from slipway.recipe.model import Discovery
from tests.build.installation.workspace import COMMIT, repository

if TYPE_CHECKING:
    from tests.build.installation.workspace import Desk

NO_RULES = Discovery()
TEXT = """\
# ours
files: [https://me:c4n4ry@example.org/x]
"""


def test_the_recipe_is_there_without_its_secrets(desk: Desk) -> None:
    recipe = replace(desk.recipe(TEXT), snapshot="packages: []\ncredentials: c4n4ry\n")
    made = desk.records(desk.inputs(recipe))
    assert made == {
        "build.yaml": "# ours\nfiles: [https://********@example.org/x]\n",
        "snapshot.yaml": 'packages: []\ncredentials: "********"\n',
    }


def test_environment_variables_stay_as_they_are_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "c4n4ry")
    text = 'env: {A: "%ENV{PLACE}"}\n'
    assert desk.records(desk.inputs(desk.recipe(text)))["build.yaml"] == text


def test_jobs_and_manifests_of_files_and_repositories(desk: Desk) -> None:
    desk.write(
        z_job_DOT_py="",
        lib_DOT_py="# PYATS_JOBFILE\n",
        repo__smoke_DOT_py="",
        repo__jobs__b_DOT_py="",
        repo__t_DOT_tem="type: x\n",
    )
    recipe = replace(
        desk.recipe("{}"),
        repositories=(repository("repo"),),
        jobfiles=Discovery(glob=("jobs/*.py",), paths=("repo/smoke.py", "nowhere.py")),
    )
    inputs = desk.inputs(recipe, desk.pin("z_job.py", "lib.py"), (desk.repository("repo"),))
    made = desk.records(inputs)
    assert json.loads(made["jobfiles.txt"]) == {
        "jobs": ["/pyats/lib.py", "/pyats/repo/jobs/b.py", "/pyats/repo/smoke.py", "/pyats/z_job.py"]
    }
    (job,) = json.loads(made["manifest.json"])["jobs"]
    assert (job["file"], job["repo_path"]) == ("/pyats/repo/t.tem", "/pyats/repo")
    own = replace(inputs, recipe=replace(recipe, jobfiles=Discovery(match=("smoke",))))
    assert json.loads(desk.records(own)["jobfiles.txt"]) == {
        "jobs": ["/pyats/lib.py", "/pyats/repo/smoke.py"]
    }


def test_commits_of_repositories(desk: Desk) -> None:
    desk.write(b__x="", a__x="")
    pinned = (
        desk.repository(
            "b", heads=("main", "stable"), tags=("v1",), remotes=(("origin", "https://me:c4n4ry@h/b"),)
        ),
        desk.repository("a"),
    )
    made = json.loads(desk.records(desk.inputs(desk.recipe("{}"), (), pinned))["repos.json"])
    assert list(made) == ["/pyats/a", "/pyats/b"]
    assert made["/pyats/b"] == {
        "commit": COMMIT,
        "heads": ["main", "stable"],
        "tags": ["v1"],
        "remotes": {"origin": "https://********@h/b"},
        "path": "/pyats/b",
    }


def test_the_key_is_known_without_any_content(desk: Desk) -> None:
    desk.write(a__x_DOT_py="1", r__x="")
    inputs = desk.inputs(desk.recipe(TEXT), desk.pin("a"), (desk.repository("r"),))
    key = records.key(desk.cache, inputs)
    for path in (desk.root / "src").rglob("x*"):
        path.unlink()
    assert records.key(desk.cache, inputs) == key


def test_the_recipe_is_a_fragment_of_its_own(desk: Desk) -> None:
    recipe = desk.recipe(TEXT)
    texts = [
        recipe,
        replace(recipe, text=TEXT + "#\n"),
        replace(recipe, snapshot="{}"),
        replace(recipe, workspace="/w"),
    ]
    assert len({written.key(desk.cache, r) for r in texts}) == len(texts)
    assert records.key(desk.cache, desk.inputs(texts[0])) == records.key(desk.cache, desk.inputs(texts[1]))


def test_what_is_never_read_does_not_change_the_key(desk: Desk) -> None:
    recipe = desk.recipe(TEXT)

    def key(name: str, content: str, rules: Discovery = NO_RULES) -> str:
        desk.write(**{name: content})
        pinned = desk.pin(name.replace("_DOT_", "."))
        return records.key(desk.cache, desk.inputs(replace(recipe, requirements=rules), pinned))

    assert key("a_DOT_txt", "1") == key("a_DOT_txt", "2") != key("b_DOT_txt", "1")
    for name in ("a_DOT_py", "a_DOT_tem", "a_DOT_YAML"):
        assert key(name, "1") != key(name, "2")
    rules = Discovery(match=("a",))
    assert key("a_DOT_txt", "1", rules) != key("a_DOT_txt", "2", rules)


def test_whatever_it_tells_changes_the_key(desk: Desk) -> None:
    desk.write(a__x_DOT_py="1", r__x="")
    recipe = desk.recipe(TEXT)
    base = desk.inputs(recipe, desk.pin("a"), (desk.repository("r"),))
    desk.write(a__x_DOT_py="2")
    others = [
        base,
        replace(base, files=desk.pin("a")),
        replace(base, files=()),
        replace(base, repositories=()),
        replace(base, repositories=(replace(base.repositories[0], heads=("main",)),)),
        *(
            replace(base, recipe=replace(recipe, **change))
            for change in (
                {"snapshot": "packages: []\n"},
                {"jobfiles": Discovery(match=("x",))},
                {"requirements": Discovery(match=("x",))},
                {"packages": desk.recipe("packages: [six]").packages},
                {"workspace": "/srv"},
                {"repositories": (repository("r", requirements=True),)},
            )
        ),
    ]
    keys = [records.key(desk.cache, inputs) for inputs in others]
    assert len(set(keys)) == len(keys)
