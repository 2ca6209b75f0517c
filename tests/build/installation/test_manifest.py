"""Against the shapes that the pyATS Image Builder 26.9 writes (section 5 of its description in the contract)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from slipway.build.installation.manifest import manifest

if TYPE_CHECKING:
    from tests.build.installation.workspace import Desk

FULL = """\
type: easypy
description: a test
tags: [nightly]
arguments: {testbed-file: beds/tb.yaml, mail-to: me@example.org}
runtimes:
  system: {environment: {A: 1}}
  lab: {source: {}, environment: {B: yes}}
profiles:
  fast:
    runtime: lab
    environment: {GONE: 1}
    tags: [smoke]
    arguments:
      logical-testbed-file: /pyats/t/beds/logical.YAML
      clean-file: ../clean.yaml
"""


def made(desk: Desk, *names: str, repositories: tuple[str, ...] = ()) -> dict[str, Any]:
    found = manifest(desk.view(*names), "/pyats", repositories, desk.reporter)
    assert found is not None
    assert found["version"] == 1
    return {job["file"]: job for job in found["jobs"]}


def test_everything_at_once(desk: Desk) -> None:
    desk.write(
        t__full_DOT_tem=FULL,
        t__beds__tb_DOT_yaml="""
devices:
  r1: {os: iosxe, platform: cat9k, model: x, pid: P, type: router, logical: l, device_id: 7, chassis: no,
       connections: {a: {ip: 192.0.2.1, port: 2001, protocol: telnet}}}
  r2: {os: '', connections: {a: {ip: 192.0.2.1}, cli: {ip: 192.0.2.2, port: 22}}}
  r3: none
""",
        t__beds__logical_DOT_YAML="devices: {r9: {logical: true}}\n",
        clean_DOT_yaml="bringup: {BringUpWorker: {module: genie.bringup}}\n",
    )
    job = made(desk, "t", "clean.yaml", repositories=("/pyats/t", "/pyats/other"))["/pyats/t/full.tem"]
    fast, default = job.pop("profiles")
    assert job == {
        "description": "a test",
        "tags": ["nightly"],
        "file": "/pyats/t/full.tem",
        "repo_path": "/pyats/t",
        "run_type": "manifest",
        "job_type": "easypy",
        "runtimes": [
            {"environment": {"A": 1}, "name": "system"},
            {"source": {}, "environment": {"B": True}, "name": "lab"},
        ],
    }
    assert fast == {
        "runtime": "lab",
        "environment": {"B": True},
        "tags": ["nightly", "smoke"],
        "arguments": {
            "logical-testbed-file": "/pyats/t/beds/logical.YAML",
            "clean-file": "../clean.yaml",
        },
        "name": "fast",
        "testbed_info": {"r9": {"logical": True}},
        "clean_info": {"bringup_module": "genie.bringup"},
    }
    assert default == {
        "runtime": "system",
        "arguments": {"testbed-file": "beds/tb.yaml", "mail-to": "me@example.org"},
        "environment": {"A": 1},
        "tags": ["nightly"],
        "name": "DEFAULT",
        "testbed_info": {
            "r1": {
                "os": "iosxe",
                "platform": "cat9k",
                "model": "x",
                "pid": "P",
                "type": "router",
                "logical": "l",
                "console": "192.0.2.1:2001",
                "device_id": 7,
            },
            "r2": {},
        },
    }
    assert desk.warnings == []


def test_the_least(desk: Desk) -> None:
    desk.write(a_DOT_tem="type: x\n")
    assert made(desk, "a.tem")["/pyats/a.tem"] == {
        "file": "/pyats/a.tem",
        "run_type": "manifest",
        "job_type": "x",
        "profiles": [{"runtime": "system", "arguments": {}, "environment": {}, "name": "DEFAULT"}],
        "runtimes": [],
    }


def test_none_is_no_manifest(desk: Desk) -> None:
    desk.write(a_DOT_txt="type: x\n", bad_DOT_tem="")
    assert manifest(desk.view("a.txt"), "/pyats", (), desk.reporter) is None
    assert manifest(desk.view("bad.tem"), "/pyats", (), desk.reporter) is None


def test_jobs_are_sorted_by_path(desk: Desk) -> None:
    names = [f"t{n}.tem" for n in range(30)]
    for name in names:
        (desk.root / "src" / name).write_text("type: x\n")
    assert list(made(desk, *reversed(names))) == sorted(f"/pyats/{name}" for name in names)


def test_the_innermost_repository_counts_and_only_whole_names(desk: Desk) -> None:
    desk.write(a__b__x_DOT_tem="type: x\n", ab__x_DOT_tem="type: x\n")
    jobs = made(desk, "a", "ab", repositories=("/pyats/a", "/pyats/a/b"))
    assert jobs["/pyats/a/b/x.tem"]["repo_path"] == "/pyats/a/b"
    assert "repo_path" not in jobs["/pyats/ab/x.tem"]


BOMB = "type: x\na: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("[1]", "not a mapping"),
        ("description: x", "no `type`"),
        ("type: x\na: [", "line 3 is not valid YAML"),
        ("type: x\na: !!python/object:os.system {}\n", "line 2 is not valid YAML"),
        ("type: x\nprofiles: [a]", "profiles is not a mapping"),
        ("type: x\nprofiles: {a: b}", "profile a is not a mapping"),
        ("type: x\nruntimes: {system: 1}", "runtime system is not a mapping"),
        ("type: x\na: 2020-13-45", "not valid YAML"),
        (BOMB, "more data than can be meant"),
        ("type: x\na: &a [*a]", "more data than can be meant"),
        ("type: x\na: " + "[" * 3000, "not valid YAML"),
        ("type: x\na: " + "x" * (1 << 20), "too large"),
    ],
)
def test_what_cannot_be_read_is_told_and_passed_over(desk: Desk, text: str, said: str) -> None:
    desk.write(bad_DOT_tem=text, good_DOT_tem="type: x\n")
    assert list(made(desk, "bad.tem", "good.tem")) == ["/pyats/good.tem"]
    (warning,) = desk.warnings
    assert warning.startswith("/pyats/bad.tem is not in the manifest")
    assert said in warning


def test_values_are_those_of_json(desk: Desk) -> None:
    desk.write(a_DOT_tem="{type: x, 1: {yes: 2020-01-02, ~: .inf}, s: !!set {b, a}, tags: one, t: 1.10}\n")
    job = made(desk, "a.tem")["/pyats/a.tem"]
    assert json.loads(json.dumps(job, allow_nan=False)) == job
    assert (job["1"], job["s"], job["t"]) == ({"true": "2020-01-02", "null": "inf"}, ["a", "b"], 1.1)
    assert job["profiles"][0]["tags"] == ["one"]


@pytest.mark.parametrize(
    "value",
    [
        "$HOME/tb.yaml",
        "${WORKSPACE}/tb.yaml",
        "/etc/tb.yaml",
        "../../tb.yaml",
        "tb.yml",
        "tb.json",
        "[a]",
        "/pyatsx/tb.yaml",
    ],
)
def test_files_elsewhere_are_nobodys_business(desk: Desk, value: str) -> None:
    (desk.root / "tb.yaml").write_text("devices: {secret: {os: x}}")
    desk.write(a_DOT_tem=f"type: x\narguments: {{testbed-file: '{value}'}}\n")
    assert "testbed_info" not in made(desk, "a.tem")["/pyats/a.tem"]["profiles"][0]
    assert desk.warnings == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        ("a: [", "not valid YAML"),
        ("[1]", "not a mapping"),
        ("devices: 1", "devices is not"),
    ],
)
def test_testbeds_that_cannot_be_read_are_told(desk: Desk, content: str | None, said: str) -> None:
    desk.write(a_DOT_tem="type: x\narguments: {testbed-file: tb.yaml}\n")
    names = ["a.tem"]
    if content is not None:
        desk.write(tb_DOT_yaml=content)
        names.append("tb.yaml")
    assert "testbed_info" not in made(desk, *names)["/pyats/a.tem"]["profiles"][0]
    (warning,) = desk.warnings
    assert said in warning
    assert "/pyats/tb.yaml" in warning
