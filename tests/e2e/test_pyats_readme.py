"""The recipe in the pyATS Image Builder's README, with real servers behind its addresses, and what the page does with the image."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from slipway.events import Reporter
from slipway.images.load import load
from slipway.oci.store import Store
from slipway.settings import Settings
from tests.e2e.conftest import need
from tests.e2e.kit import Home, run, write_recipe
from tests.inputs import gitkit
from tests.inputs.ftpd import ftpd
from tests.inputs.server import Server
from tests.inputs.sshd import sshd
from tests.registry.real import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.kit import Done

pytestmark = [pytest.mark.net, pytest.mark.slow]

TAG = "mypyatsimage:latest"
BASE = """
base: {debian: bookworm, packages: [python3, ca-certificates, tini]}
workspace: /srv
cmd: [python3]
env: {LANG: C.UTF-8}
"""
README = """
tag: "mypyatsimage:latest" # Docker tag for the image once it is built
python: 3.11 # Python version to use as base Docker image
env: # Mapping to set as environment variables in the image
  VAR1: VALUE1
  VAR2: VALUE2
  PYTHONPATH: ${WORKSPACE}/reponame/:${WORKSPACE}/dirname/repo2name/
  JOBFILE: ${WORKSPACE}/reponame/myjob.py
files: # List of files/directories to copy to the image
  - LOCAL/file1
  - myfile_2: LOCAL/file2
  - dirname/file3: LOCAL/file3
  - "WEB/path/to/file4"
  - myfile_5: "WEB/path/to/file5"
  - "SCP/file6"
  - "FTP"
packages: # List of python packages to install
  - pyats[full]
  - otherpackage1==1.0
  - ${WORKSPACE}/file1/packagename-1.0-py3-none-any.whl
pip-config: # Values to be converted into a pip.conf file
  global:
    disable-pip-version-check: 1
repositories: # Mapping of all git repositories to clone
  reponame: # Key is the name of the directory to clone to
    url: "SSHGIT"
    commit_id: COMMIT
  dirname/repo2name: # Key supports cloning into a subdirectory
    url: "HTTPSGIT"
    GIT_SSL_NO_VERIFY: true
    credentials: {username: crew, password: "%ENV{GIT_SECRET}"}
snapshot: LOCAL/snapshot.yaml # pyATS environment snapshot file
proxy: # Specific proxy arguments used by Docker during image building
  NO_PROXY: "*.test.example.com,.example2.com,127.0.0.1"
cmds: # Additional commands to be inserted into the Dockerfile
  pre: "RUN echo before > /pre.txt"
  post: "RUN . bin/activate && pyats version check > /post.txt"
"""
JOB = """
from pyats.easypy import run

def main(runtime):
    run(testscript=__file__.replace("myjob.py", "script.py"), runtime=runtime)
"""
SCRIPT = """
from pyats import aetest

class Case(aetest.Testcase):
    @aetest.test
    def adds(self):
        assert 1 + 1 == 2
"""
RUN_SH = """
echo "\\$JOBFILE is $JOBFILE"
pyats run job $JOBFILE
"""
EXPECTED = ("file1/inner.txt", "myfile_2", "dirname/file3", "file4", "myfile_5", "file6", "file7")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, home: Home) -> Iterator[str]:
    """A registry that stands in for Docker Hub and has `python:3.11-slim`."""
    with running(tmp_path_factory.mktemp("hub")) as registry:
        recipe = write_recipe(tmp_path_factory.mktemp("base"), BASE)
        name = f"{registry.host}/library/python:3.11-slim"
        home.build(recipe, "--tag", name, "--push", timeout=300)
        yield registry.url


@pytest.fixture(scope="module")
def built(hub: str, home: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, Any]]:
    need("git", "ssh")
    here = tmp_path_factory.mktemp("readme")
    local = here / "local"
    (local / "file1").mkdir(parents=True)
    (local / "file1/inner.txt").write_text("inner\n")
    for name in ("file2", "file3", "file6"):
        (local / name).write_text(f"{name}\n")
    _wheel(local / "file1", "packagename")
    (local / "snapshot.yaml").write_text("packages: [idna==3.7]\nrepositories: {}\n")
    repository = gitkit.Repo.new(here / "git/repo")
    repository.write("myjob.py", JOB)
    repository.write("script.py", SCRIPT)
    commit = repository.commit()
    repository.commit(later_txt="this is not what was asked for\n")
    other = gitkit.Repo.new(here / "git/repo2", module_py="VALUE = 2\n")
    web = Server()
    for name in ("file4", "file5"):
        web.add(f"/path/to/{name}", f"{name}\n".encode())
    index = here / "wheels"
    index.mkdir()
    _wheel(index, "otherpackage1")
    with (
        sshd(here / "sshd") as ssh,
        ftpd(here / "ftp") as ftp,
        gitkit.web(here / "git", login=True, tls=here / "tls") as https,
    ):
        (ftp.root / "file7").write_text("file7\n")
        text = (
            README.replace("LOCAL", str(local))
            .replace("WEB", web.url("").rstrip("/"))
            .replace("SCP", ssh.url(local, "scp"))
            .replace("FTP", ftp.url("file7"))
            .replace("SSHGIT", ssh.url(repository.path))
            .replace("HTTPSGIT", https.url(other.path.name))
            .replace("COMMIT", commit[:8])
            # a package that no index has
            .replace(
                "otherpackage1==1.0", f"otherpackage1 @ file://{index}/otherpackage1-1.0-py3-none-any.whl"
            )
        )
        user = Home(
            tmp_path_factory.mktemp("user"),
            home.extra
            | {
                "SLIPWAY_CACHE": str(home.cache),
                "SLIPWAY_REGISTRY_MIRROR": hub,
                "GIT_SECRET": gitkit.PASSWORD,
                "PATH": f"{ssh.client(here / 'bin')}:{os.environ['PATH']}",
            },
        )
        recipe = write_recipe(here / "recipe", text)
        result = user.build(recipe, timeout=600)
        web.stop()
    return user, result | {"commit": commit, "recipe": str(recipe)}


def _wheel(directory: Path, name: str) -> None:
    from tests.python.conftest import WheelMaker

    WheelMaker(directory, name, "1.0", files={f"{name}/__init__.py": b"VALUE = 1\n"}, metadata="").write()


@pytest.fixture
def docker(built: tuple[Home, dict[str, Any]], docker_host: str) -> Callable[..., Done]:
    """`docker run --rm`, with a daemon that has the image."""
    need("docker")
    store = Store(built[0].store)
    settings = Settings(store=built[0].store, cache=built[0].cache, docker_host=docker_host)
    (image,) = [d for d in store.images() if d.name == TAG]
    load(store, image, TAG, settings, Reporter())
    words = ["docker", "--host", docker_host, "run", "--rm", "--network", "none"]
    return lambda *argv, **how: run([*words, *argv], timeout=120, **how)


def test_everything_is_where_the_page_says(built: tuple[Home, dict[str, Any]]) -> None:
    user, _ = built
    for path in (*EXPECTED, "reponame/myjob.py", "dirname/repo2name/module.py"):
        name = path.rpartition("/")[2]
        text = {"inner.txt": "inner\n", "myfile_2": "file2\n", "myfile_5": "file5\n"}.get(name, f"{name}\n")
        said = user.inside(TAG, "cat", path).out
        assert said == text or name.endswith(".py"), path
    assert user.inside(TAG, "cat", "/pre.txt").out == "before\n"
    assert "pyats" in user.inside(TAG, "cat", "/post.txt").out
    assert user.inside(TAG, "ls", "reponame").out.split() == ["myjob.py", "script.py"]
    assert user.inside(TAG, "readlink", "/workspace").out == "/pyats\n"


def test_its_packages_are_installed(built: tuple[Home, dict[str, Any]]) -> None:
    code = "import otherpackage1, packagename, idna, genie, unicon, module; print(idna.__version__, module.VALUE)"
    assert built[0].inside(TAG, "python", "-c", code).out == "3.7 2\n"


def test_installation_tells_how_it_was_made(built: tuple[Home, dict[str, Any]]) -> None:
    user, result = built
    kept = user.inside(TAG, "cat", "installation/build.yaml").out
    recipe = yaml.safe_load(kept)
    assert recipe["tag"] == TAG
    assert recipe["repositories"]["dirname/repo2name"]["credentials"] == {
        "username": "********",
        "password": "********",
    }
    found = json.loads(user.inside(TAG, "cat", "installation/repos.json").out)
    assert {path: row["commit"] for path, row in found.items()}["/pyats/reponame"] == result["commit"]
    assert set(found) == {"/pyats/reponame", "/pyats/dirname/repo2name"}
    jobs = json.loads(user.inside(TAG, "cat", "installation/jobfiles.txt").out)
    assert jobs == {"jobs": ["/pyats/reponame/myjob.py"]}
    assert "disable-pip-version-check" in user.inside(TAG, "cat", "pip.conf").out


def test_no_secret_is_left_anywhere(built: tuple[Home, dict[str, Any]]) -> None:
    user, result = built
    secret = gitkit.PASSWORD.encode()
    for place in (user.store, user.root):
        for directory, _, names in os.walk(place):
            for name in names:
                assert secret not in Path(directory, name).read_bytes(), name
    assert gitkit.PASSWORD not in json.dumps(result)


def test_a_second_build_does_nothing_and_asks_nobody(built: tuple[Home, dict[str, Any]]) -> None:
    user, result = built
    again = user.build(Path(result["recipe"]))  # all servers but the registry are gone
    assert not again["changed"]
    assert {layer["action"] for layer in again["layers"]} == {"reuse"}


@pytest.mark.docker
def test_pyats_says_its_version(docker: Callable[..., Done]) -> None:
    assert "pyats" in docker(TAG, "pyats", "version", "check").out


@pytest.mark.docker
def test_a_job_runs(docker: Callable[..., Done]) -> None:
    assert "PASSED" in docker(TAG, "pyats", "run", "job", "reponame/myjob.py").out


@pytest.mark.docker
def test_a_script_is_mounted_and_run(docker: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text(RUN_SH)
    said = docker("-v", f"{tmp_path}/run.sh:/mnt/run.sh", TAG, "bash", "/mnt/run.sh").out
    assert "$JOBFILE is /pyats/reponame/myjob.py" in said
    assert "PASSED" in said
    (tmp_path / "run.py").write_text("import genie, sys; print('ran by', sys.executable)")
    said = docker("-v", f"{tmp_path}/run.py:/mnt/run.py", TAG, "python", "/mnt/run.py").out
    assert said == "ran by /pyats/bin/python\n"


@pytest.mark.docker
def test_variables_are_those_of_the_container(docker: Callable[..., Done]) -> None:
    assert "PASSED" in docker(TAG, "bash", "-c", "pyats run job $JOBFILE").out
    assert (
        docker(TAG, "bash", "-c", "echo $VAR1 $WORKSPACE $VIRTUAL_ENV $PWD").out
        == "VALUE1 /pyats /pyats /pyats\n"
    )


@pytest.mark.docker
def test_without_a_command_there_is_a_shell(docker: Callable[..., Done]) -> None:
    assert docker(TAG).status == 0


@pytest.mark.thorough
@pytest.mark.docker
def test_docker_makes_the_same_of_it(built: tuple[Home, dict[str, Any]], docker_host: str) -> None:
    need("docker")
    user, result = built
    there = user.with_(DOCKER_HOST=docker_host, no_proxy="127.0.0.1", NO_PROXY="127.0.0.1")
    there.build(Path(result["recipe"]), "--engine", "docker", "--tag", "bydocker:1", timeout=900)
    command = ["docker", "--host", docker_host, "run", "--rm", "--network", "none", "bydocker:1"]
    assert "PASSED" in run([*command, "pyats", "run", "job", "reponame/myjob.py"], timeout=120).out
    assert run([*command, "cat", "/pre.txt"]).out == "before\n"
    found = user.slipway("image", "diff", TAG, "bydocker:1", "--json").last
    assert [row for row in found["packages"] if row["kind"] == "pypi"] == []
