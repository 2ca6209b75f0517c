"""Recipes as plain data and back."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import LockError
from slipway.oci.digest import canonical
from slipway.python.requirement import public
from slipway.recipe import load
from slipway.recipe.model import Recipe
from slipway.recipe.plain import as_data, from_data
from tests.recipe.helpers import FILE, read

FULL = """
tag: full:1
base: {debian: trixie, variant: essential, packages: [python3]}
apt: [git, tini=0.19.0-1]
packages: ["requests>=2.32  # why", "rich; python_version < '4'"]
pip-config: {global: {index-url: "https://user:canary@index.example.org/simple"}}
files: [a, data/b: ./b, {c: "https://example.org/c?token=canary"}, ~/d, /srv/e]
env: {PATH: "$PATH:/x", TZ: UTC, EMPTY: "", EQ: "a=b"}
labels: {z: "1", a: "2"}
workspace: /srv/work
user: "1000:100"
workdir: /tmp
entrypoint: []
cmd: python -m x
ports: [80, 53/udp]
volumes: [/data]
healthcheck: {test: x, interval: 30s, retries: 2}
platforms: [linux/arm64]
"""
BROUGHT = """
files:
  - {dest: c, url: "https://u:canary@example.org/c?token=canary", sha256: SHA, mode: "0750", owner: "1:2", extract: true}
  - {e: "ftp://u:canary@h/e"}
packages: ["x @ https://u:canary@example.org/x.whl"]
repositories:
  ssh: {url: "ssh://git:canary@h/x", ssh_key: canary, commit_id: v1, lfs: true}
  web:
    url: https://u:canary@h/y
    credentials: {username: canary, password: canary}
    requirements_file: true
    submodules: true
    GIT_SSL_NO_VERIFY: true
requirements: {paths: [ssh/req.txt], glob: ["*.txt"], match: ["req.*"]}
jobfiles: {match: ["job"]}
proxy: {HTTP_PROXY: "http://u:canary@proxy"}
cmds:
  pre: |
    RUN --mount=type=cache,target=/c curl https://u:canary@h/z
    ENV A="b c"
    RUN <<EOF
    a
    EOF
  post: CMD []
run:
  - make
  - name: second
    command: [a, "https://u:canary@h/q"]
    env: {X: "1"}
    network: true
    cache: [/c]
    secrets: [TOKEN, {id: t, file: canary.txt, target: /t}, {id: u, env: canary}]
    user: root
    workdir: /w
""".replace("SHA", "ab" * 32)
BASES = [
    "scratch",
    "oci:../out:v1",
    "oci:/srv/out",
    "python:3.12-slim",
    "reg.example.org:5000/a/b@sha256:" + "a" * 64,
]


def bare(recipe: Recipe) -> Recipe:
    """What of a recipe determines an image, without positions and logins."""
    return from_data(as_data(recipe), recipe.directory)


@pytest.mark.parametrize("text", [FULL, BROUGHT, "", *(f"base: {base}" for base in BASES)])
def test_there_and_back(text):
    recipe = read(text)
    data = as_data(recipe)
    assert json.loads(canonical(data)) == data
    again = from_data(data, recipe.directory)
    assert as_data(again) == data
    for name in (
        "apt",
        "env",
        "workspace",
        "user",
        "workdir",
        "entrypoint",
        "cmd",
        "ports",
        "volumes",
        "healthcheck",
        "requirements",
        "jobfiles",
        "snapshot",
    ):
        assert getattr(again, name) == getattr(recipe, name), name
    assert [r.text for r in again.packages] == [public(r.text) for r in recipe.packages]
    assert dict(again.labels) == dict(recipe.labels)
    assert replace(again.base, where=None) == replace(recipe.base, where=None)


def test_no_secrets_no_names_no_places():
    data = as_data(read(FULL))
    assert "canary" not in json.dumps(data)
    assert "team" not in json.dumps(data)
    assert not {"tag", "platforms", "path", "text"} & set(data)
    assert [f["source"] for f in data["files"]] == [
        "a",
        "./b",
        "https://example.org/c?token=***",
        "~/d",
        "/srv/e",
    ]
    assert as_data(read("base: oci:../out"))["base"] == {"oci": "../out"}


def test_what_is_brought_in_and_run_comes_back():
    recipe = read(BROUGHT)
    data = as_data(recipe)
    assert "canary" not in json.dumps(data)
    assert "proxy" not in data
    again = from_data(data, recipe.directory)
    file = again.files[0]
    assert (file.sha256, file.mode, file.owner, file.extract) == ("ab" * 32, 0o750, "1:2", True)
    first, second = again.repositories
    assert (first.commit, first.lfs, first.submodules, first.url) == ("v1", True, False, "ssh://git@h/x")
    assert (second.requirements, second.submodules) == (True, True)
    run, env, script = again.pre
    assert run.flags == (("mount", "type=cache,target=/c"),)
    assert (env.words, script.words, script.shell) == (("A=b c",), ("a\n",), True)
    assert again.post[0].words == ()
    step = again.run[1]
    assert (step.name, step.env, step.network, step.cache) == ("second", (("X", "1"),), True, ("/c",))
    assert [(s.id, s.target) for s in step.secrets] == [
        ("TOKEN", "/run/secrets/TOKEN"), ("t", "/t"), ("u", "/run/secrets/u"),
    ]  # fmt: skip
    assert (step.user, step.workdir) == ("root", "/w")


def test_a_snapshot_is_kept_without_its_secrets(tmp_path):
    (tmp_path / "s.yaml").write_text(
        "# why\nrepositories:\n  a:\n    url: https://u:canary@h/x\n"
        "    ssh_key: |\n      canary\n      canary\n    credentials: {username: canary, password: canary}\n"
    )
    data = as_data(load(tmp_path / "r.yaml", "snapshot: s.yaml"))
    assert "canary" not in json.dumps(data)
    assert data["repositories"] == [{"dest": "a", "url": "https://h/x"}]
    again = from_data(data, tmp_path)
    assert again.snapshot == data["snapshot"]
    assert as_data(again) == data


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ssh_key: canary", "ssh_key: other"),
        ("password: canary", "password: other"),
        ("u:canary@h/y", "v:other@h/y"),
        ("u:canary@h/z", "v:other@h/z"),
        ("u:canary@proxy", "other"),
        ("file: canary.txt", "file: other"),
        ("env: canary", "env: other"),
        ("GIT_SSL_NO_VERIFY: true", "GIT_SSL_NO_VERIFY: false"),
    ],
)
def test_secrets_and_ways_do_not_make_another_image(old, new):
    assert old in BROUGHT
    assert as_data(read(BROUGHT.replace(old, new))) == as_data(read(BROUGHT))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('mode: "0750"', 'mode: "0755"'),
        ("lfs: true", "lfs: false"),
        ("commit_id: v1", "commit_id: v2"),
        ("/c curl", "/d curl"),
        ("network: true", "network: false"),
        ("id: t,", "id: v,"),
        ("  - make", "  - [make]"),
        ("[ssh/req.txt]", "[ssh/other.txt]"),
    ],
)
def test_what_determines_an_image(old, new):
    assert old in BROUGHT
    assert as_data(read(BROUGHT.replace(old, new))) != as_data(read(BROUGHT))


@pytest.mark.parametrize(
    "data",
    [
        {"files": [{"dest": "../x", "source": "a"}]},
        {"files": [{"dest": "x", "source": "hdfs://x"}]},
        {"files": [{"dest": "x", "source": "a", "mode": "999"}]},
        {"files": [{"dest": "x", "source": "a", "extract": 1}]},
        {"repositories": [{"dest": "/x", "url": "a"}]},
        {"repositories": [{"dest": "x", "url": "ext::sh"}]},
        {"repositories": [{"dest": "x", "url": "a", "commit": "--x"}]},
        {"cmds": {"pre": [{"keyword": "FROM", "words": ["x"], "text": ""}]}},
        {"cmds": {"pre": [{"keyword": "ENV", "words": ["x"], "text": "", "shell": True}]}},
        {"cmds": {"pre": [{"keyword": "COPY", "words": ["x"], "text": ""}]}},
        {"cmds": {"pre": [{"keyword": "RUN", "words": ["x"], "text": "", "flags": [["x", "y"]]}]}},
        {"cmds": {"pre": [{"keyword": "RUN", "words": "x", "text": ""}]}},
        {"run": [{"command": []}]},
        {"run": [{"command": "x"}]},
        {"run": [{"command": ["x"], "cache": ["x"]}]},
        {"run": [{"command": ["x"], "secrets": [{"id": "../x", "target": "/x"}]}]},
        {"jobfiles": {"match": ["(a*)*"]}},
        {"requirements": {"paths": ["../x"]}},
        {"env": ["A B=c"]},
        {"snapshot": 1},
    ],
)
def test_values_that_no_recipe_may_have(data):
    with pytest.raises(LockError):
        from_data({"base": "scratch", **data}, Path("/team"))


def test_equal_for_the_same_image():
    other = FULL.replace("full:1", "x:2").replace('z: "1", a: "2"', 'a: "2", z: "1"').replace("  # why", "")
    assert as_data(read("# hello\n" + other.replace("[linux/arm64]", "[linux/amd64]"))) == as_data(read(FULL))
    # what comes first can be used by what comes later
    assert as_data(read(FULL.replace('TZ: UTC, EMPTY: ""', 'EMPTY: "", TZ: UTC'))) != as_data(read(FULL))
    assert as_data(read("cmd: []")) != as_data(read(""))


@given(
    st.sampled_from(sorted(as_data(load(FILE, FULL)) | as_data(load(FILE, BROUGHT)))),
    st.sampled_from([None, 1, "x", [], {}, [1], ["\n"], ["../x"], {"a": 1}, "/"]),
)
def test_damage_is_told(key, value):
    damaged = as_data(read(FULL)) | {key: value}
    with suppress(LockError):
        assert as_data(from_data(damaged, Path("/team")))


@given(st.dictionaries(st.from_regex(r"[^=\s]+", fullmatch=True), st.text(), max_size=4))
def test_any_variable(env):
    recipe = replace(read(""), env=tuple(env.items()))
    assert bare(recipe).env == recipe.env
