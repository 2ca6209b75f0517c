"""How images start what they run, and what they say of themselves, seen from inside and by other tools."""

from __future__ import annotations

import json
import struct
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import need
from tests.e2e.kit import Home, layer_files, manifest_of, run, write_recipe
from tests.e2e.test_arm64 import AARCH64, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.kit import Done

pytestmark = [pytest.mark.net, pytest.mark.slow]

CANARY = "c4n4ry"
ENTRYPOINT = "/pyats/installation/entrypoint.sh"
RECIPE = f"""
# see https://me:{CANARY}@example.org/
tag: told
base: {{debian: bookworm}}
env: {{PLACE: "%ENV{{NOWHERE:-%ENV{{HOME}}}}"}}
packages: [six]
files: [jobs, smoke.py]
pip-config:
  search: {{index: "https://me:{CANARY}@example.org/search", proxy: "me:{CANARY}@proxy:3128"}}
"""
BELOW = "base: {debian: bookworm, packages: [python3]}\nworkspace: /srv\ncmd: [python3]\n"
ABOVE = "tag: above\nbase: oci:below\npackages: [six]\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("told")
    recipe = write_recipe(directory, RECIPE, **{"smoke.py": "# PYATS_JOBFILE\n"})
    (directory / "jobs").mkdir()
    (directory / "jobs" / "one_job.py").write_text("")
    (directory / "jobs" / "one.tem").write_text("type: easypy\n")
    return recipe


@pytest.fixture(scope="module")
def told(home: Home, project: Path) -> dict[str, Any]:
    return home.build(project, timeout=300)


@pytest.fixture
def docker(home: Home, project: Path, docker_host: str) -> Callable[..., Done]:
    home.with_(SLIPWAY_DOCKER_HOST=docker_host).build(project, "--load", timeout=300)
    return lambda *argv, **how: run(["docker", "--host", docker_host, *argv], **how)


@pytest.fixture
def sleeping(docker: Callable[..., Done]) -> Iterator[str]:
    """A container whose command does nothing about signals."""
    name = docker("run", "-d", "--network", "none", "told", "sleep", "1000").out.strip()
    yield name
    docker("rm", "-f", name)


def settings(home: Home, image: dict[str, Any], arch: str = "amd64") -> dict[str, Any]:
    config = home.json_blob(manifest_of(home, image, arch)["config"]["digest"])["config"]
    assert isinstance(config, dict)
    return config


def is_static(program: bytes) -> bool:
    """No program header asks for an interpreter (ELF-64, program header table; PT_INTERP is 3)."""
    (start,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    return all(struct.unpack_from("<I", program, start + n * size)[0] != 3 for n in range(count))


# -- how it starts -------------------------------------------------------------------------------------------


def test_the_entrypoint_comes_before_the_command(home: Home, told: dict[str, Any]) -> None:
    found = settings(home, told)
    assert (found["Entrypoint"], found["Cmd"]) == (["/usr/bin/tini", "-s", "--", ENTRYPOINT], ["bash"])


@pytest.mark.docker
def test_docker_runs_commands_and_a_shell(docker: Callable[..., Done]) -> None:
    done = docker(
        "run", "--rm", "--network", "none", "told", "python", "-c", "import six, sys; print(sys.prefix)"
    )
    assert (done.out, done.err) == ("/pyats\n", "")
    done = docker("run", "--rm", "told")  # a shell that has nothing to read
    assert (done.out, done.err) == ("", "")
    assert docker("run", "--rm", "told", "no-such-command", status=127).out == ""
    script = "import os; print(os.environ['VIRTUAL_ENV'])"
    done = docker("run", "--rm", "-e", "PATH=/usr/bin:/bin", "-w", "/", "told", "python", "-c", script)
    assert done.out == "/pyats\n"


@pytest.mark.docker
def test_process_1_is_an_init(docker: Callable[..., Done], sleeping: str) -> None:
    first = docker("exec", sleeping, "cat", "/proc/1/cmdline").out.split("\0")
    assert first[:4] == ["/usr/bin/tini", "-s", "--", ENTRYPOINT]
    # an orphan that ends is reaped, though its parent is gone
    docker("exec", sleeping, "sh", "-c", "(sleep 0.2 &)")
    time.sleep(1)
    states = docker("exec", sleeping, "sh", "-c", "cat /proc/[0-9]*/stat").out.splitlines()
    assert not [line for line in states if " Z " in line]


@pytest.mark.docker
def test_a_container_stops_at_once(docker: Callable[..., Done], sleeping: str) -> None:
    begun = time.monotonic()
    docker("stop", "--time", "20", sleeping)
    assert time.monotonic() - begun < 5
    assert docker("inspect", "-f", "{{.State.ExitCode}}", sleeping).out == "143\n"


@pytest.mark.docker
def test_an_init_of_dockers_own_is_no_trouble(docker: Callable[..., Done]) -> None:
    done = docker("run", "--rm", "--init", "told", "echo", "one line")
    assert (done.out, done.err) == ("one line\n", "")


def test_slipway_runs_it_too(home: Home, told: dict[str, Any]) -> None:
    assert told["tag"] == "told:latest"
    done = home.inside("told", "python", "-c", "import six, sys; print(sys.prefix)")
    assert (done.out, done.err.splitlines()[-1:]) == ("/pyats\n", done.err.splitlines()[-1:])
    assert "tini" not in done.err
    assert home.inside("told", "sh", "-c", "kill -TERM $$", status=143).out == ""
    assert home.slipway("run", "told").out == ""


# -- what it says of itself ----------------------------------------------------------------------------------


def test_the_files_that_are_there(home: Home, told: dict[str, Any]) -> None:
    listed = home.inside("told", "find", "installation", "-type", "f").out.split()
    assert sorted(listed) == [
        "installation/build.yaml",
        "installation/entrypoint.sh",
        "installation/jobfiles.txt",
        "installation/manifest.json",
        "installation/requirements/1-requirements.txt",
    ]
    read = {name: home.inside("told", "cat", name).out for name in listed}
    recipe = read["installation/build.yaml"]
    assert CANARY not in recipe
    assert 'PLACE: "%ENV{NOWHERE:-%ENV{HOME}}"' in recipe
    assert recipe.startswith("\n# see https://********@example.org/\ntag: told\n")
    assert json.loads(read["installation/jobfiles.txt"]) == {
        "jobs": ["/pyats/jobs/one_job.py", "/pyats/smoke.py"]
    }
    (job,) = json.loads(read["installation/manifest.json"])["jobs"]
    assert job["file"] == "/pyats/jobs/one.tem"
    assert read["installation/requirements/1-requirements.txt"] == "six\n"
    assert home.inside("told", "stat", "-c", "%a %U", ENTRYPOINT).out == "755 root\n"


def test_no_secret_is_in_any_layer_or_document(home: Home, told: dict[str, Any]) -> None:
    import tarfile

    manifest = manifest_of(home, told)
    for layer in manifest["layers"]:
        with tarfile.open(home.blob(layer["digest"])) as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isfile() and entry.size < 1 << 20 else None
                assert content is None or CANARY.encode() not in content.read(), entry.name
    assert CANARY.encode() not in home.blob(manifest["config"]["digest"]).read_bytes()


def test_it_can_be_proven(home: Home, told: dict[str, Any]) -> None:
    assert told["tag"] == "told:latest"
    assert "told:latest" in home.slipway("verify", "told", timeout=300).out


def test_a_word_in_the_recipe_costs_the_last_layer(home: Home, told: dict[str, Any], tmp_path: Path) -> None:
    del told
    recipe = write_recipe(tmp_path, "tag: word\nbase: {debian: bookworm}\nfiles: [a]\n", a="")
    home.build(recipe)
    recipe.write_text(recipe.read_text() + "# a comment\n")
    kinds = {a["layer"]: a["kind"] for a in home.plan(recipe)}
    assert kinds.pop("installation") == "assemble"
    assert set(kinds.values()) == {"reuse"}


# -- bases that exist ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("arch", ["amd64", pytest.param("arm64", marks=pytest.mark.thorough)])
def test_a_base_without_an_init_gets_debians(own: Home, tmp_path: Path, arch: str) -> None:
    below = write_recipe(tmp_path / "b", f"platform: linux/{arch}\n{BELOW}")
    own.build(below, "--output", f"oci:{tmp_path}/p/below:x", "--tag", "x", timeout=300)
    recipe = write_recipe(tmp_path / "p", f"platform: linux/{arch}\n{ABOVE}")
    built = own.build(recipe, timeout=300)
    assert [layer["name"] for layer in built["layers"]] == ["init", "python", "workspace", "installation"]
    found = settings(own, built, arch)
    assert (found["Entrypoint"], found["Cmd"]) == (["/usr/bin/tini", "-s", "--", ENTRYPOINT], ["python3"])
    program = next(layer_files(own, built, "usr/bin/tini", arch))
    assert (machine(program) == AARCH64) == (arch == "arm64")
    assert is_static(program)
    if arch == "amd64":
        assert own.inside("above", "python", "-c", "import six, sys; print(sys.prefix)").out == "/pyats\n"
    assert own.build(recipe)["changed"] is False
    # from a lock nothing is asked, not even which init
    own.slipway("lock", recipe)
    offline = own.with_(SLIPWAY_OFFLINE="true", SLIPWAY_MIRROR="http://127.0.0.1:9/none")
    assert offline.build(recipe, "--locked")["image"]["digest"] == built["image"]["digest"]


def test_an_image_on_top_of_one_of_ours_starts_its_own_environment(own: Home, tmp_path: Path) -> None:
    need("tar")
    below = write_recipe(tmp_path / "b", "workspace: /srv\nbase: {debian: bookworm}\npackages: [attrs]\n")
    own.build(below, "--output", f"oci:{tmp_path}/p/below:x", "--tag", "x", timeout=300)
    built = own.build(write_recipe(tmp_path / "p", ABOVE), timeout=300)
    assert settings(own, built)["Entrypoint"][-1] == "/srv/installation/entrypoint.sh"
    code = "import six, sys; print(sys.prefix); import attrs"
    done = own.inside("above", "python", "-c", code, status=1)
    assert done.out == "/pyats\n"


def test_without_a_mirror_there_is_a_note_and_no_init(own: Home, tmp_path: Path) -> None:
    below = write_recipe(tmp_path / "b", BELOW)
    own.build(below, "--output", f"oci:{tmp_path}/p/below:x", "--tag", "x", timeout=300)
    recipe = write_recipe(tmp_path / "p", ABOVE)
    place = own.with_(SLIPWAY_KEYRING=str(tmp_path / "none"))
    built = place.build(recipe)
    assert settings(own, built)["Entrypoint"] == [ENTRYPOINT]
    (plan,) = place.slipway("build", recipe, "--dry-run", "--json").last["plans"]
    assert any("without an init" in warning for warning in plan["warnings"])
    assert own.inside("above", "python", "-c", "print(1)").out == "1\n"
