"""Commands of a recipe in other engines: what they leave, what they are given, and how they end."""

from __future__ import annotations

import json
import re
import signal
import tarfile
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from slipway.oci.layout import export_layout
from tests.build.engines.trees import Node, config, manifest, tree
from tests.e2e.engines import Engine, docker_engine, image_of, with_history
from tests.e2e.kit import Home, write_recipe
from tests.images.conftest import busybox
from tests.images.making import Maker, folder, member

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["busybox"]

pytestmark = [pytest.mark.net]  # busybox comes from the mirror

_PROGRAMS = [
    "sh",
    "cat",
    "ls",
    "id",
    "env",
    "touch",
    "mkdir",
    "ln",
    "rm",
    "chmod",
    "chown",
    "sort",
    "sleep",
    "wc",
    "echo",
    "pwd",
    "true",
    "adduser",
    "addgroup",
    "printf",
]
# buildah leaves the files that it mounts others on
_LEFT_BY_BUILDAH = {"etc", "etc/hosts", "etc/hostname", "etc/resolv.conf", "dev", "proc", "sys"}
_LEFT_BY_ALL = {"run", "run/secrets", "run/secrets/token", "cache", "dev", "proc", "sys", "etc"}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory, busybox: bytes) -> Path:
    root = tmp_path_factory.mktemp("box")
    maker = Maker(root / "maker")
    # mount points are in every real image, as a file system without them cannot be run
    places = [folder(name) for name in ("bin", "dev", "etc", "proc", "run", "srv", "sys")]
    links = [
        member(f"bin/{name}", type=tarfile.LNKTYPE, linkname="bin/busybox", mode=0o755) for name in _PROGRAMS
    ]
    image = maker.image(
        maker.layer(
            *places,
            folder("tmp", 0o1777),
            member("etc/passwd", b"root:x:0:0::/root:/bin/sh\n"),
            member("etc/group", b"root:x:0:\n"),
            member("bin/busybox", busybox, mode=0o755),
            *links,
        ),
        Env=["PATH=/bin", "BASE=below"],
    )
    export_layout(maker.store, with_history(maker, image), root / "layout", "box")
    return root / "layout"


def recipe_on(layout: Path, place: Path, text: str) -> Path:
    files = {"notes.txt": "notes\n", "run.sh": "#!/bin/sh\necho run\n"}
    whole = f"tag: stepped\nbase: 'oci:{layout}'\nfiles: [notes.txt, {{tool/run.sh: run.sh}}]\nentrypoint: []\n{text}"
    recipe = write_recipe(place, whole, **files)
    (place / "run.sh").chmod(0o755)
    return recipe


def comparable(home: Home, result: dict[str, Any], native: dict[str, Any]) -> dict[str, Node]:
    """The tree without times that say when a command was run."""
    ran: set[str] = set()
    blobs = {layer["digest"] for layer in native["layers"] if layer["action"] == "run"}
    for digest in blobs:
        with tarfile.open(home.blob(digest)) as archive:
            ran.update(info.name.rstrip("/") for info in archive)
    return {
        path: replace(node, mtime=0) if path in ran or node.kind == "dir" else node
        for path, node in tree(home.store, image_of(result)).items()
    }


STEPS = r"""
env: {A: "x y", Q: "it's \"q\""}
cmds:
  pre: |
    RUN --network=none printf 'app:x:1234:1235::/srv:/bin/sh\n' >> /etc/passwd && echo app:x:1235: >> /etc/group
    RUN --network=none mkdir -m 750 /srv/data && chown app:app /srv/data && touch /srv/data/mine
    ENV B=2 C="three"
    COPY --chown=app tool /srv/data/tool/
    ARG VERSION=7
    RUN --network=none echo "$A $B $C $VERSION $BASE $Q" > /srv/env
    WORKDIR /srv/job/here
    COPY notes.txt sub/
    RUN --network=none pwd > /srv/pwd; rm /bin/wc; ln -s a /srv/link; chmod 4711 /bin/true; ln /srv/pwd /srv/hard
  post: |
    USER app
    RUN --network=none id -un > /srv/data/who; env -u HOSTNAME | sort > /srv/data/env
    LABEL step="a b"
    EXPOSE 8080
    USER root
    COPY --chown=7:8 --chmod=600 notes.txt /opt/notes.txt
run:
  - name: lines
    command: |
      echo "one $D" > /opt/lines
      cat <<E >> /opt/lines
      two
      E
    env: {D: "d $A"}
  - command: [sh, -c, "echo list > /opt/list"]

    workdir: /tmp
  - command: rm -r /srv/data/mine; mkdir -p /new/deep; chmod 700 /new; touch /new/deep/file
cmd: [true]
"""


def test_the_same_tree_and_settings(own: Home, engine: Engine, layout: Path, tmp_path: Path) -> None:
    home = engine.home(own)
    recipe = recipe_on(layout, tmp_path / "p", STEPS)
    native = home.build(recipe, "--tag", "native")
    made = home.build(recipe, "--engine", engine.name)
    wanted, found = (comparable(home, result, native) for result in (native, made))
    if engine.name == "buildah":
        found = {path: node for path, node in found.items() if path in wanted or path not in _LEFT_BY_BUILDAH}
    assert found == wanted
    assert found["srv/data/tool/run.sh"].uid == 1234
    assert found["srv/data/tool/run.sh"].mtime == wanted["pyats/tool/run.sh"].mtime
    assert found["srv/data"].mode == 0o750
    assert "bin/wc" not in found

    ours, theirs = (config(home.store, image_of(result))["config"] for result in (native, made))
    for key in ("User", "WorkingDir", "Labels", "ExposedPorts", "Cmd", "Entrypoint"):
        assert (theirs.get(key) or None) == (ours.get(key) or None), key
    assert sorted(theirs["Env"]) == sorted(ours["Env"])
    assert [layer["name"] for layer in made["layers"]] == [layer["name"] for layer in native["layers"]]
    home.check_clean()


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("buildah", marks=pytest.mark.thorough),
    ],
    indirect=True,
)
def test_nothing_is_done_again_without_need(own: Home, engine: Engine, layout: Path, tmp_path: Path) -> None:
    home = engine.home(own)
    recipe = recipe_on(layout, tmp_path / "p", STEPS)
    first = home.build(recipe, "--engine", engine.name)
    again = home.build(recipe, "--engine", engine.name)
    assert not again["changed"]
    anew = home.build(recipe, "--engine", engine.name, "--no-cache")
    assert [x["name"] for x in anew["layers"]] == [x["name"] for x in first["layers"]]


def test_by_hand(own: Home, engine: Engine, layout: Path, tmp_path: Path) -> None:
    home = engine.home(own)
    recipe = recipe_on(layout, tmp_path / "p", STEPS)
    home.slipway("export-dockerfile", recipe, tmp_path / "out")
    text = (tmp_path / "out" / "Dockerfile").read_text()
    assert "RUN mkdir -m 750 /srv/data && chown app:app /srv/data && touch /srv/data/mine\n" in text
    assert "ARG VERSION=7\n" in text or '"VERSION=7"' in text
    assert "COPY --chown=app files/" in text
    assert (tmp_path / "out" / "files").is_dir()
    engine.load_base(tmp_path / "out" / "base.tar")
    engine.build(tmp_path / "out", "byhand:1", *(["--network=none"] if engine.name == "docker" else []))
    assert engine.config("byhand:1")["Labels"]["step"] == "a b"


SECRETS = """
run:
  - command: "cat /run/secrets/token; test $(wc -c < /run/secrets/token) = 10 && echo n >> /cache/count"
    cache: [/cache]
    secrets: [{id: token, env: BUILD_TOKEN}]
  - command: wc -l < /cache/count > /srv/count
    cache: [/cache]
  - command: "test $(wc -c < /srv/second) = 13 && echo ok > /srv/ok"
    secrets: [{id: second, file: second.txt, target: /srv/second}]
"""


def test_secrets_and_caches(own: Home, engine: Engine, layout: Path, tmp_path: Path) -> None:
    home = engine.home(own).with_(BUILD_TOKEN="CANARY-ONE", DOCKER_BUILDKIT="1")
    recipe = recipe_on(layout, tmp_path / "p", SECRETS)
    (recipe.parent / "second.txt").write_text("CANARY-SECOND")
    done = home.slipway("build", recipe, "--engine", engine.name, "--json")
    assert "CANARY" not in done.out + done.err
    assert files(home, done.last, "srv/ok") == b"ok\n"
    assert files(home, done.last, "srv/count").strip() == b"1"
    recipe.write_text(recipe.read_text().replace("= 10 &&", "= 10 && true &&"))
    again = home.build(recipe, "--engine", engine.name)
    assert files(home, again, "srv/count").strip() == b"2"
    home.slipway("export-dockerfile", recipe, tmp_path / "out")
    dockerfile = (tmp_path / "out" / "Dockerfile").read_text()
    assert "--mount=type=secret,id=token,target=/run/secrets/token,required=true" in dockerfile
    for place in (home.store, home.cache, tmp_path / "out"):
        for path in place.rglob("*"):
            if path.is_file() and path.suffix != ".log":
                assert b"CANARY" not in plain(path), path
    assert list((home.cache / "contexts").iterdir()) == []


def plain(path: Path) -> bytes:
    from slipway.oci.compress import decompress

    data = path.read_bytes()
    return b"".join(decompress([data])) if data[:2] == b"\x1f\x8b" else data


def files(home: Home, result: dict[str, Any], path: str) -> bytes:
    for layer in reversed(manifest(home.store, image_of(result))["layers"]):
        with tarfile.open(home.blob(layer["digest"])) as archive:
            if path in archive.getnames():
                file = archive.extractfile(path)
                assert file is not None
                return file.read()
    raise AssertionError(f"{path} is not in the image")


@pytest.mark.docker
def test_a_command_line_without_buildkit(own: Home, docker_host: str, layout: Path, tmp_path: Path) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "docker").write_text('#!/bin/sh\n[ "$1" = version ] && echo 28.1.0 && exit 0\nexit 1\n')
    (fake / "docker").chmod(0o755)
    home = docker_engine(docker_host).home(own).with_(BUILD_TOKEN="CANARY-ONE", PATH=f"{fake}:/usr/bin:/bin")
    error = home.refuse(7, "build", recipe_on(layout, tmp_path / "p", SECRETS), "--engine", "docker")
    assert "secrets or caches" in error["brief"]
    assert "28.1.0" in error["details"]
    assert "--engine native" in error["hint"]


def test_a_secret_that_is_not_there(own: Home, engine: Engine, layout: Path, tmp_path: Path) -> None:
    home = engine.home(own).with_(DOCKER_BUILDKIT="1")
    recipe = recipe_on(layout, tmp_path / "p", SECRETS)
    error = home.refuse(2, "build", recipe, "--engine", engine.name)
    assert "BUILD_TOKEN is not set" in error["brief"] + error.get("details", "")
    assert error["where"]["line"] > 4


@pytest.mark.parametrize("more", ["", "    secrets: [{id: token, env: HOME}]\n"])
def test_a_command_that_fails(own: Home, engine: Engine, layout: Path, tmp_path: Path, more: str) -> None:
    home = engine.home(own).with_(DOCKER_BUILDKIT="1")
    text = f"run:\n  - command: echo fine\n  - command: echo before; echo worse >&2; exit 3\n{more}"
    recipe = recipe_on(layout, tmp_path / "p", text)
    error = home.refuse(7, "build", recipe, "--engine", engine.name)
    assert "before\n" in error["details"]
    assert re.search(r"^(#\d+ [\d.]+ )?worse$", error["details"], re.MULTILINE)
    assert re.search(r"\b3\b", error["details"])
    lines = recipe.read_text().splitlines()
    assert "worse" in lines[error["where"]["line"] - 1]
    assert home.slipway("image", "ls", "--json").last["images"] == []
    assert list((home.cache / "contexts").iterdir()) == []


def test_offline_a_command_gets_no_network(own: Home, engine: Engine, layout: Path, tmp_path: Path) -> None:
    home = engine.home(own)
    recipe = recipe_on(layout, tmp_path / "p", "run:\n  - {command: 'true', network: true}\n")
    home.slipway("lock", recipe)
    error = home.refuse(4, "build", recipe, "--engine", engine.name, "--offline")
    assert "use the network" in error["brief"]
    assert error["where"]["line"] == 6


@pytest.mark.slow
def test_an_interrupt_leaves_nothing(own: Home, engine: Engine, layout: Path, tmp_path: Path) -> None:
    home = engine.home(own)
    recipe = recipe_on(layout, tmp_path / "p", "run: [{command: echo started; sleep 300}]\n")
    process = home.start("build", recipe, "--engine", engine.name, "--json")
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("text", "").endswith("started") and "RUN" not in line and "Step" not in line:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    home.check_clean()
    assert list((home.cache / "contexts").iterdir()) == []
    deadline = time.monotonic() + 30
    while running := containers(engine):
        assert time.monotonic() < deadline, running
        time.sleep(0.2)


def containers(engine: Engine) -> str:
    if engine.name == "docker":
        return engine.run("docker", "ps", "--quiet", "--filter", "status=running").strip()
    return engine.run("buildah", "containers", "--quiet").strip()


PROXY = """
proxy: {HTTP_PROXY: "http://me:CANARY@127.0.0.1:9"}
cmds: {post: 'RUN echo "proxy is $HTTP_PROXY" && env'}
"""


def test_what_proxies_say_is_nowhere(own: Home, engine: Engine, layout: Path, tmp_path: Path) -> None:
    home = engine.home(own)
    done = home.slipway("build", recipe_on(layout, tmp_path / "p", PROXY), "--engine", engine.name, "--json")
    assert "proxy is http://" in done.out
    assert "CANARY" not in done.out + done.err
    for path in home.store.rglob("*"):
        if path.is_file():
            assert b"CANARY" not in plain(path), path
    home.slipway("export-dockerfile", recipe_on(layout, tmp_path / "p", PROXY), tmp_path / "out")
    assert "CANARY" not in (tmp_path / "out" / "Dockerfile").read_text()
    assert "--build-arg=HTTP_PROXY" in (tmp_path / "out" / "Dockerfile").read_text()
