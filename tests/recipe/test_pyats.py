"""Files of the pyATS Image Builder: its README's forms are read, and what it gets wrong is not wrong here.

A test `test_defect_…` is named after a defect of its release 26.9.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.recipe import load
from slipway.recipe.mapping import load_mapping
from slipway.recipe.model import Discovery, Platform, RegistryBase
from tests.recipe.helpers import FILE, read, the_problem

SNIPPETS = {
    "everything": """\
tag: "mypyatsimage:latest"
python: 3.6.8
env:
  VAR1: VALUE1
  VAR2: VALUE2
files:
  - /path/to/file1
  - myfile_2: /path/to/file2
  - dirname/file3: /path/to/file3
  - "https://webaddress.com/path/to/file4"
  - myfile_5: "https://webaddress/path/to/file5"
  - "scp://user@remotehost/path/to/file6"
  - "ftp://remotehost:2121/path/to/file7"
packages:
  - pyats[full]
  - otherpackage1==1.0
  - otherpackage2==2.0
pip-config:
  global:
    disable-pip-version-check: 1
repositories:
  reponame:
    url: "ssh://git@address/path/to/repo.git"
    commit_id: abcd1234
  dirname/repo2name:
    url: "https://address/path/to/repo2.git"
snapshot: SNAPSHOT
proxy:
  HTTP_PROXY: "http://127.0.0.1:1111"
  HTTPS_PROXY: "https://127.0.0.1:1111"
  FTP_PROXY: "ftp://127.0.0.1:1111"
  NO_PROXY: "*.test.example.com,.example2.com"
cmds:
  pre: "RUN true"
  post: "RUN true"
""",
    "variables": """\
env:
  PYTHONPATH: ${WORKSPACE}/repo1dir/:${WORKSPACE}/repo2dir/
repositories:
  repo1:
    url: "ssh://git@address/path/to/a/repo.git"
  repo2:
    url: "ssh://git@address/path/to/another/repo.git"
""",
    "pip-config as a mapping": """\
pip-config:
  global:
    format: columns
    no-cache-dir: false
    trusted-host:
      - index.example.com
      - other.example.com
    index-url: "http://index.example.com/simple"
    disable-pip-version-check: 1
  search:
    index: "http://index.example.com"
""",
    "pip-config as text": """\
pip-config: |
  [global]
  format = columns
  no-cache-dir = false
  trusted-host = index.example.com
          other.example.com
  index-url = http://index.example.com/simple
  disable-pip-version-check = 1

  [search]
  index = http://index.example.com
""",
    "a wheel": """\
files:
  - "scp://user@remotehost/path/to/packagename-1.0-py3-none-any.whl"
packages:
  - ${WORKSPACE}/packagename-1.0-py3-none-any.whl
""",
    "keys since the README": """\
platform: linux/amd64
jobfiles:
  paths: [jobs/a.py]
  match: ['.*job.*\\.py$']
  glob: ['*_job.py']
repositories:
  a:
    url: https://example.org/a
    requirements_file: true
    GIT_SSL_NO_VERIFY: true
    credentials:
      username: ci
      password: "%ENV{PASSWORD}"
""",
}


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippets(name: str, tmp_path: Path):
    snapshot = tmp_path / "snapshot.yaml"
    snapshot.write_text("packages: [pyats==24.1]\nrepositories: {}\n")
    text = SNIPPETS[name].replace("SNAPSHOT", str(snapshot))
    assert load(FILE, text, {"PASSWORD": "x"}).text == text


def test_the_two_forms_of_pip_configuration_are_equal():
    from configparser import RawConfigParser

    def options(name: str) -> dict[str, dict[str, str]]:
        parser = RawConfigParser()
        parser.read_string(read(SNIPPETS[name]).pip_config)
        return {
            section: {key: "\n".join(value.split()) for key, value in parser.items(section)}
            for section in parser.sections()
        }

    assert options("pip-config as a mapping") == options("pip-config as text")


def test_the_readme_writes_that_the_user_is_optional():
    problem = the_problem('files: ["scp://[user@]remotehost/path/to/file6"]')
    assert problem.hint == "brackets are for IPv6 addresses: write USER@HOST"


def test_the_readme_writes_commands_that_are_none():
    problem = the_problem('cmds: {pre: "dockercommand"}')
    assert (problem.where.column, problem.message) == (14, "cmds.pre: unknown instruction `dockercommand`")


def test_defect_unknown_schemes_are_silently_skipped():
    assert the_problem("files: ['hdfs://h/x']").message == "files: unknown scheme `hdfs`"


def test_defect_colon_paths_are_silently_skipped():
    assert read("files: ['c:x', {y: 'a:b'}]").files[0].source == "c:x"


def test_defect_env_values_with_spaces():
    assert read("env: {A: hello world}").env == (("A", "hello world"),)


def test_defect_float_python_versions():
    assert isinstance(base := read("python: 3.10").base, RegistryBase)
    assert base.reference == "python:3.10-slim"


def test_defect_percent_in_pip_config_maps():
    assert read("pip-config: {global: {a: '100%', b: ['%(x)s', c%]}}").pip_config == (
        "[global]\na = 100%\nb =\n    %(x)s\n    c%\n"
    )


def test_defect_dead_requirements_key():
    recipe = read("requirements: {match: [a], glob: ['b*'], paths: [c]}")
    assert recipe.requirements == Discovery(("a",), ("b*",), ("c",))


def test_defect_legacy_label_form():
    assert read("cmds: {pre: 'LABEL k \"v w\"'}").pre[0].words == ("k=v w",)


def test_defect_platform_decides_nothing_else():
    assert read("platform: linux/arm64").platforms == (Platform("arm64"),)


@pytest.mark.parametrize(
    "text", ["files: [{../x: y}]", "repositories: {../x: {url: y}}", "files: [{a/../../x: y}]"]
)
def test_defect_path_escape(text: str):
    assert "goes out of the workspace" in the_problem(text).message


def test_defect_assert_used_for_validation():
    code = "from pathlib import Path; from slipway.recipe import load; load(Path('r'), 'files: [a, b/a]')"
    done = subprocess.run(
        [sys.executable, "-O", "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert "destination `a` comes twice" in done.stderr


@pytest.mark.parametrize("url", ["http://user:pw@h/x", "http://[::1]/x", "https://u:p@[::1]:8443/x"])
def test_defect_logins_and_ipv6_in_urls(url: str):
    assert read(f"files: ['{url}']").files[0].dest == "x"


def test_defect_number_like_commit_ids():
    assert read("repositories: {a: {url: x, commit_id: 1234567}}").repositories[0].commit == "1234567"


def test_defect_env_in_maps_inside_lists():
    assert read('files: [{a: "%ENV{X}"}]', X="b").files[0].source == "b"


def test_defect_environ_and_config_are_changed():
    before = dict(os.environ)
    config = {"proxy": {"HTTP_PROXY": "http://h"}, "env": {"A": "%ENV{X}"}, "files": ["x"]}
    copy = {key: type(value)(value) for key, value in config.items()}  # type: ignore[call-arg]
    load_mapping(config, {"X": "1"})
    assert dict(os.environ) == before
    assert config == copy


def test_a_simple_recipe_needs_few_modules():
    code = (
        "import sys; from pathlib import Path; from slipway.recipe import load; "
        "load(Path('r'), 'tag: a\\nbase: {debian: sid}\\npackages: [b]\\nfiles: [c]\\nenv: {D: e}\\ncmd: f'); "
        "print([m for m in ('cmds', 'dockerfile', 'dockerlines', 'repositories', 'snapshot', 'runsteps', 'discovery', "
        "'proxy', 'pipconfig', 'places') if 'slipway.recipe.' + m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=True
    )
    assert done.stdout == "[]\n"
