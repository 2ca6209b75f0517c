from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.errors import RecipeError, UsageError, Where
from slipway.recipe import load
from slipway.recipe.model import (
    DebianBase,
    FileItem,
    Healthcheck,
    LayoutBase,
    Platform,
    Recipe,
    RegistryBase,
    Requirement,
    ScratchBase,
)
from tests.recipe.helpers import FILE, problems, read, the_problem

EVERYTHING = """\
tag: registry.example.org:5000/team/tests:1.0
base:
  debian: bookworm
  variant: apt
  packages: [python3-venv, python3=3.11.2-1+b1]
platforms: [linux/amd64, aarch64]
env:
  TZ: UTC
  DEBUG: true
  LEVEL: 010
  HELLO: hello $WORLD
apt:
  - git
  - libstdc++6
packages:
  - pyats[full]==26.9
  - requests >= 2.32, < 3 ; python_version < '3.12'
files:
  - testbed.yaml
  - data/users.json: https://example.org/x?raw=1
pip-config:
  global:
    timeout: 60
    trusted-host: [a.example.org, b.example.org]
workspace: /opt/labs/
user: 1000:1000
workdir: /opt//labs/jobs
entrypoint: [/usr/bin/tini, --]
cmd: pyats run job
labels: {version: 1.10, team: net}
ports: [8888, 53/udp]
volumes: [/data/]
healthcheck:
  test: curl -f localhost:8888
  interval: 1m30s
  timeout: 500ms
  start-period: 1h
  retries: 5
"""

MORE = """\
files:
  - {url: "https://example.org/tools.tar.gz", extract: true, mode: 0755, owner: 10:20}
  - {dest: x, source: "s3://bucket/key", sha256: SHA}
repositories:
  tests:
    url: ssh://git@example.org/team/tests.git
    commit_id: 1e5
    requirements_file: true
    ssh_key: |
      -----BEGIN OPENSSH PRIVATE KEY-----
      canary
  libs/common:
    url: https://example.org/common
    credentials: {username: ci, password: 0123}
    GIT_SSL_NO_VERIFY: true
    submodules: true
    lfs: "true"
requirements: {paths: [tests/requirements.txt], match: [req.*], glob: ["*/req.txt"]}
jobfiles: {match: ['.*job.*\\.py$']}
proxy: {HTTP_PROXY: "http://proxy:3128", no_proxy: .example.org}
cmds:
  pre: |
    # tools
    RUN --mount=type=cache,target=/c apt-get update \\
        && apt-get install -y gcc
    ENV A=1 B="x $A"
  post: |
    RUN <<EOF
    echo done
    EOF
    CMD ["bash"]
run:
  - pyats version check
  - [make, install]
  - name: compile
    command: make
    env: {CC: gcc, V: 1}
    network: true
    cache: [/root/.cache]
    secrets: [TOKEN, {id: netrc, file: conf/netrc, target: /root/.netrc}]
    user: 1000
    workdir: /pyats/src
""".replace("SHA", "ab" * 32)


def test_everything():
    def where(line: int, column: int) -> Where:
        return Where("/team/image.yaml", line, column)

    assert read(EVERYTHING) == Recipe(
        path=FILE,
        directory=Path("/team"),
        text=EVERYTHING,
        base=DebianBase("bookworm", ("python3-venv", "python3=3.11.2-1+b1"), "apt", where(3, 3)),
        tag="registry.example.org:5000/team/tests:1.0",
        platforms=(Platform("amd64"), Platform("arm64")),
        apt=("git", "libstdc++6"),
        packages=(
            Requirement("pyats[full]==26.9", where(16, 5)),
            Requirement("requests >= 2.32, < 3 ; python_version < '3.12'", where(17, 5)),
        ),
        files=(
            FileItem("testbed.yaml", "testbed.yaml", where(19, 5)),
            FileItem("data/users.json", "https://example.org/x?raw=1", where(20, 22)),
        ),
        env=(("TZ", "UTC"), ("DEBUG", "True"), ("LEVEL", "010"), ("HELLO", "hello $WORLD")),
        pip_config="[global]\ntimeout = 60\ntrusted-host =\n    a.example.org\n    b.example.org\n",
        workspace="/opt/labs",
        user="1000:1000",
        workdir="/opt/labs/jobs",
        entrypoint=("/usr/bin/tini", "--"),
        cmd=("/bin/sh", "-c", "pyats run job"),
        labels=(("version", "1.10"), ("team", "net")),
        ports=("8888/tcp", "53/udp"),
        volumes=("/data",),
        healthcheck=Healthcheck(
            ("CMD-SHELL", "curl -f localhost:8888"), 90 * 10**9, 500 * 10**6, 3600 * 10**9, 5
        ),
    )


@pytest.mark.parametrize("text", ["", "{}", "# nothing yet\n", "---\n", "null\n", "\ufeff"])
def test_nothing_is_a_recipe(text: str):
    recipe = read(text)
    assert recipe.base == DebianBase("stable", ("python3", "ca-certificates"))
    assert recipe == Recipe(recipe.path, recipe.directory, text.removeprefix("\ufeff"), recipe.base)


def test_a_file_in_the_format_of_pyats():
    recipe = read("""\
tag: myrepo/myimage:latest
python: 3.10
env:
  FOO: bar
  NUMBER: 1.50
  FLAG: False
files:
  - ~/scripts/run.sh
  - sub/dir/: ../shared/dir
  - https://example.org/a/b/archive.tgz?token=1
packages:
  - pyats[full]
  - 'netmiko'
pip-config: |
  [global]
  index-url = https://example.org/%(x)s/100%
""")
    assert recipe.base == RegistryBase("python:3.10-slim", Where(str(FILE), 2, 9))
    assert dict(recipe.env) == {"FOO": "bar", "NUMBER": "1.50", "FLAG": "False"}
    assert [(item.dest, item.source) for item in recipe.files] == [
        ("run.sh", "~/scripts/run.sh"),
        ("sub/dir", "../shared/dir"),
        ("archive.tgz", "https://example.org/a/b/archive.tgz?token=1"),
    ]
    assert recipe.pip_config == "[global]\nindex-url = https://example.org/%(x)s/100%\n"


@pytest.mark.parametrize("version", ["3", "3.12", "3.10", "'3.10'", "3.12.4"])
def test_python_keeps_the_written_digits(version: str):
    assert read(f"python: {version}").base == RegistryBase(
        f"python:{version.strip(chr(39))}-slim", Where(str(FILE), 1, 9)
    )


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ("scratch", ScratchBase(Where(str(FILE), 1, 7))),
        ("oci:out", LayoutBase(Path("/team/out"), "", Where(str(FILE), 1, 7))),
        ("oci:../out/x:v1", LayoutBase(Path("/out/x"), "v1", Where(str(FILE), 1, 7))),
        ("oci:/a:example.org/x:1", LayoutBase(Path("/a"), "example.org/x:1", Where(str(FILE), 1, 7))),
        ("debian", RegistryBase("debian", Where(str(FILE), 1, 7))),
        (
            "ghcr.io/a/b:1@sha256:" + "0" * 64,
            RegistryBase("ghcr.io/a/b:1@sha256:" + "0" * 64, Where(str(FILE), 1, 7)),
        ),
        ("{debian: sid}", DebianBase("sid", (), "minbase", Where(str(FILE), 1, 7))),
    ],
)
def test_bases(written: str, base: object):
    assert read(f"base: {written}").base == base


def test_a_layout_in_the_home_directory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/team")
    assert read("base: oci:~/images").base == LayoutBase(
        Path("/home/team/images"), "", Where(str(FILE), 1, 7)
    )


@pytest.mark.parametrize("name", ["amd64", "x86_64", "linux/amd64", "linux/x86_64"])
def test_one_platform(name: str):
    assert read(f"platform: {name}").platforms == (Platform("amd64"),)


def test_commands():
    assert read("entrypoint: []").entrypoint == ()
    assert read("cmd: [sleep, 10, true]").cmd == ("sleep", "10", "true")
    assert read("cmd: sleep $N").cmd == ("/bin/sh", "-c", "sleep $N")


@pytest.mark.parametrize(
    ("written", "test"),
    [
        ("NONE", ("NONE",)),
        ("[NONE]", ("NONE",)),
        ("[CMD, curl, -f]", ("CMD", "curl", "-f")),
        ("[curl, -f]", ("CMD", "curl", "-f")),
        ("[CMD-SHELL, curl -f x]", ("CMD-SHELL", "curl -f x")),
        ("curl -f x || exit 1", ("CMD-SHELL", "curl -f x || exit 1")),
    ],
)
def test_health_checks(written: str, test: tuple[str, ...]):
    assert read(f"healthcheck: {{test: {written}}}").healthcheck == Healthcheck(test)


@pytest.mark.parametrize(
    ("written", "config"),
    [
        ("{}", ""),
        ("{global: {}}", "[global]\n"),
        (
            "{global: {a: 100%, B_c: true}, install: {x: []}}",
            "[global]\na = 100%\nB_c = true\n\n[install]\nx =\n",
        ),
        ("{global: {extra: [' a ', b]}}", "[global]\nextra =\n    a\n    b\n"),
        ("{global: {extra: [only]}}", "[global]\nextra = only\n"),
        ('{global: {extra: "a\\nb\\n"}}', "[global]\nextra =\n    a\n    b\n"),
    ],
)
def test_pip_config_from_a_mapping(written: str, config: str):
    assert read(f"pip-config: {written}").pip_config == config


@pytest.mark.parametrize(
    "text",
    [
        "requests",
        "a",
        "zope.interface",
        "requests[security, socks]>=2,<3",
        "requests[]",
        "x (>=1,<2)",
        "x==1.*",
        "x===1.0+local",
        "x~=1.4.2,",
        "x!=1!2.0",
        "x; sys_platform == 'linux'",
        "x>1 ; (python_version>='3' and 'a' in platform_version) or extra != \"y\"",
    ],
)
def test_requirements(text: str):
    quoted = text.replace("'", "''")
    assert read(f"packages: ['{quoted}']").packages[0].text == text


def test_the_comment_of_a_requirement_goes():
    assert read("packages: ['requests==2 # why']").packages[0].text == "requests==2"


def test_merge_keys_and_aliases_work_in_recipes():
    recipe = read("env: &e {A: 1}\nlabels: {<<: *e, b: 2}\n")
    assert recipe.labels == (("A", "1"), ("b", "2"))


def test_all_problems_come_at_once_and_in_file_order():
    found = problems("pakages: []\ntag: A\nenv: {B: [], A: {}}\nports: [0, x]\ntag: b\n")
    assert [(p.where.line, p.where.column) for p in found] == [
        (1, 1), (2, 6), (3, 10), (3, 17), (4, 9), (4, 12), (5, 1),
    ]  # fmt: skip
    assert all(p.line_text for p in found)


def test_the_error_of_one_problem_is_that_problem():
    with pytest.raises(RecipeError) as caught:
        read("pakages: []")
    assert str(caught.value) == "/team/image.yaml:1:1: unknown key `pakages`"
    assert caught.value.hint == "did you mean `packages`?"
    assert the_problem("pakages: []").line_text == "pakages: []"


# Files


def test_a_file_is_read_and_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/image.yaml").write_bytes("env: {A: ä}\r\n".encode())
    monkeypatch.chdir(tmp_path)
    recipe = load(Path("sub/image.yaml"))
    assert recipe.path == tmp_path / "sub/image.yaml"
    assert recipe.directory == tmp_path / "sub"
    assert recipe.text == "env: {A: ä}\r\n"
    assert recipe.env == (("A", "ä"),)


def test_places_name_the_file_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "image.yaml").write_text("x: 1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match=r"^image\.yaml:1:1: unknown key `x`$"):
        load(Path("image.yaml"))


def test_a_linked_recipe_belongs_to_the_directory_of_the_link(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a/image.yaml").write_text("{}")
    (tmp_path / "b/image.yaml").symlink_to(tmp_path / "a/image.yaml")
    assert load(tmp_path / "b/image.yaml").directory == tmp_path / "b"


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(UsageError, match=r"none\.yaml: cannot read the recipe: No such file or directory"):
        load(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="cannot read the recipe: Is a directory"):
        load(tmp_path)
    with pytest.raises(UsageError, match="cannot read the recipe: embedded null byte"):
        load(tmp_path / "a\0b")


def test_not_utf8_has_a_place(tmp_path: Path):
    path = tmp_path / "image.yaml"
    path.write_bytes(b"tag: a\nenv: {A: \xe9}\n")
    with pytest.raises(RecipeError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert (problem.where.line, problem.where.column) == (2, 10)
    assert problem.message == "byte 0xe9 is not UTF-8"
    path.write_bytes("tag: a".encode("utf-16"))
    with pytest.raises(RecipeError, match="byte 0xff is not UTF-8"):
        load(path)


def test_endless_files_end(tmp_path: Path):
    path = tmp_path / "image.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RecipeError, match="larger than 1 MiB"):
        load(path)


def test_importing_is_light():
    code = (
        "import sys, slipway.recipe; "
        "print([m for m in ('yaml', 'pydantic', 'packaging', 'configparser', 'json', 'jsonschema') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=True
    )
    assert done.stdout == "[]\n"
