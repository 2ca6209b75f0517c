"""Commands that are run while building: as root, as a user with a range of users, and as a user without."""

from __future__ import annotations

import gzip
import os
import signal
import stat
import tarfile
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.kit import Home, layer, manifest_of, run, write_recipe
from tests.e2e.stepskit import WHO, base_layout, place_of, processes, scratches
from tests.images.conftest import busybox

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["busybox"]

pytestmark = [pytest.mark.net, pytest.mark.slow]  # the busybox comes from the mirror

CANARY = "canary-Zm9vYmFy-5ecret"
EVERYWHERE = pytest.mark.parametrize("who", WHO, indirect=True)
WITH_USERS = pytest.mark.parametrize("who", WHO[:2], indirect=True)
AS_ROOT = pytest.mark.parametrize("who", WHO[:1], indirect=True)


@pytest.fixture(scope="module")
def places() -> Iterator[dict[str, Any]]:
    opened: dict[str, Any] = {}
    yield opened
    for place, _ in opened.values():
        place.__exit__(None, None, None)


@pytest.fixture
def who(request: pytest.FixtureRequest, places: dict[str, Any]) -> Home:
    """The home of one of `WHO`; they are made once, as making a user takes time."""
    kind = request.param
    if kind not in places:
        place = place_of(kind)
        places[kind] = (place, place.__enter__())
    home: Home = places[kind][1]
    return home


@pytest.fixture(scope="module")
def base(busybox: bytes) -> Iterator[str]:
    # not below the directories of pytest, into which others may not look
    with tempfile.TemporaryDirectory(prefix="slipway-base-") as name:
        Path(name).chmod(0o755)
        yield base_layout(Path(name), busybox)


def project(home: Home, name: str, base: str, text: str, **files: str) -> Path:
    place = home.root / name
    place.mkdir(exist_ok=True)
    if home.identity:
        os.chown(place, home.identity["user"], -1)
    return write_recipe(place, f"tag: {name}\nbase: '{base}'\nentrypoint: []\n{text}", **files)


def entries(home: Home, result: dict[str, Any], name: str) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(home.blob(layer(result, name)["digest"])) as archive:
        return {member.name: member for member in archive}


def actions(plan: list[dict[str, Any]]) -> dict[str, str]:
    return {action["layer"]: action["kind"] for action in plan}


@EVERYWHERE
def test_what_a_command_changes_is_a_layer(who: Home, base: str) -> None:
    recipe = project(
        who,
        "changes",
        base,
        """
cmds:
  post: |
    RUN rm /old/a && echo new >/new && mkdir -p /d/e && ln /new /d/hard && ln -s new /soft && chmod 4711 /d && rm -r /old/in && mkdir /old/in && echo "$WORKSPACE" >/old/in/x
    RUN cat /new >/again
run: ["cat /again > /last; hostname >> /last"]
""",
    )
    result = who.build(recipe)
    assert [item["action"] for item in result["layers"]][1:] == ["run"] * 3 + ["assemble"]
    found = entries(who, result, "post 1")
    assert set(found) == {
        "d",
        "d/e",
        "d/hard",
        "new",
        "soft",
        "old",
        "old/.wh.a",
        "old/in",
        "old/in/.wh..wh..opq",
        "old/in/x",
    }
    assert found["new"].islnk()
    assert found["new"].linkname == "d/hard"
    assert found["d"].mode == 0o4711
    assert {(m.uid, m.gid, m.mtime) for m in found.values() if m.name != "old"} == {(0, 0, 315532800)}
    names = [m.name for m in found.values()]
    assert [m.isdir() for m in found.values()] == sorted((m.isdir() for m in found.values()), reverse=True)
    assert len(names) == len(set(names))
    assert who.inside("changes", "cat", "/last").out == "new\nslipway\n"
    assert who.inside("changes", "ls", "/old", "/old/in").out.split() == ["/old:", "b", "in", "/old/in:", "x"]
    again = who.build(recipe)
    assert not again["changed"]
    assert {item["action"] for item in again["layers"]} == {"reuse"}
    assert scratches(who) == []


@EVERYWHERE
def test_verify_runs_the_commands_again(who: Home, base: str) -> None:
    recipe = project(who, "verified", base, "cmds: {post: 'RUN echo x >/x; rm /old/a'}\nfiles: [f]", f="file")
    who.build(recipe)
    (done,) = who.slipway("verify", "verified", "--json").last["platforms"]
    assert done["outcome"] == "verified"
    recipe = project(who, "unstable", base, "run: ['cat /proc/sys/kernel/random/uuid >/x']")
    who.build(recipe)
    ended = who.slipway("verify", "unstable", "--json", status=None)
    assert ended.status != 0
    assert "run 1" in ended.out
    assert not list(who.cache.glob(".tmp-*"))


@EVERYWHERE
def test_the_network_is_there_when_asked_for(who: Home, base: str) -> None:
    recipe = project(
        who,
        "wired",
        base,
        """
cmds:
  post: |
    RUN wc -l </proc/net/dev >/with; cat /etc/resolv.conf >/resolv
    RUN --network=none wc -l </proc/net/dev >/without; ping -c1 127.0.0.1 || true
run:
  - wc -l </proc/net/dev >/item
""",
    )
    result = who.build(recipe)
    assert who.inside("wired", "cat", "/without", "/item").out.split() == ["3", "3"], "a head and loopback"
    assert int(who.inside("wired", "cat", "/with").out) >= 3
    assert who.inside("wired", "cat", "/resolv").out == Path("/etc/resolv.conf").read_text()
    assert set(entries(who, result, "post 1")) == {"with", "resolv"}, "what is mounted is not in the layer"
    error = who.slipway("--offline", "build", recipe, "--no-cache", "--json", status=4).last
    assert error["brief"] == "post 1 uses the network, and nothing may be downloaded"
    assert error["where"]["line"] == 7
    who.slipway("--offline", "build", recipe)


@WITH_USERS
def test_users_of_the_image(who: Home, base: str) -> None:
    recipe = project(
        who,
        "users",
        base,
        """
files: [f]
cmds:
  post: |
    RUN touch /mine && chown app:app /mine && chown 12:34 /pyats && chmod 2770 /pyats && chown 65534:65534 /old/b && mkfifo /fifo
    WORKDIR /home/app
    RUN chown app . && cp /bin/busybox /raised && chmod 4755 /raised
    USER app
    RUN id -u >who; id -G >>who; echo $HOME >>who; touch /no 2>/dev/null || echo denied >>who
    COPY --chown=app:44 --chmod=600 f ./copied
    COPY f /
""",
        f="file\n",
    )
    result = who.build(recipe)
    told = who.inside("users", "cat", "/home/app/who").out.split()
    assert told == ["1000", "1001", "44", "/home/app", "denied"]
    found = entries(who, result, "post 1")
    assert (found["mine"].uid, found["mine"].gid) == (1000, 1001)
    assert (found["pyats"].uid, found["pyats"].gid, found["pyats"].mode) == (12, 34, 0o2770)
    assert (found["old/b"].uid, found["fifo"].isfifo()) == (65534, True)
    found = entries(who, result, "post 2")
    assert (found["home/app"].uid, found["raised"].mode) == (1000, 0o4755)
    assert entries(who, result, "post 3")["home/app/who"].uid == 1000
    copied = entries(who, result, "post 4")
    assert (copied["home/app/copied"].uid, copied["home/app/copied"].gid) == (1000, 44)
    assert copied["home/app/copied"].mode == 0o600
    assert copied["home/app"].uid == 1000, "a directory stays as the step left it"
    top = entries(who, result, "installation")["pyats"]
    assert (top.uid, top.gid, top.mode) == (12, 34, 0o2770)
    config = who.json_blob(manifest_of(who, result)["config"]["digest"])
    assert (config["config"]["User"], config["config"]["WorkingDir"]) == ("app", "/home/app")
    assert config["history"][-3]["created_by"].startswith("slipway: post 4: COPY --chown=app:44")


@pytest.mark.parametrize("who", WHO[2:], indirect=True)
def test_with_one_user_a_failure_says_what_is_missing(who: Home, base: str) -> None:
    recipe = project(who, "single", base, "run: [\"echo x >>/etc/passwd\", 'chown 5:5 /old/a']")
    error = who.refuse(7, "build", recipe)
    assert "Invalid argument" in error["details"]
    assert "usermod --add-subuids" in error["hint"]


@EVERYWHERE
def test_a_failure_shows_its_end_and_its_root_can_be_looked_at(who: Home, base: str) -> None:
    recipe = project(
        who,
        "failing",
        base,
        """
run:
  - name: broken
    command: |
      seq 30; echo before >/state
      echo "to err" >&2
      (exit 42)
    env: {MARK: here}
    workdir: /w
""",
    )
    error = who.refuse(7, "build", recipe)
    assert error["code"] == "step"
    assert error["brief"].endswith("failed with status 42")
    assert error["where"]["line"] == 6
    lines = error["details"].splitlines()
    assert lines[:2] == ["12", "13"]
    assert lines[19] == "to err"
    log = Path(error["details"].rpartition("all it wrote: ")[2])
    assert log.read_text().splitlines()[:3] == ["1", "2", "3"]
    assert "--keep-context" in error["hint"]
    assert not scratches(who)
    kept = who.slipway("build", recipe, "--keep-context", "--json", status=7, cwd=recipe.parent).last
    identity = kept["hint"].partition("slipway debug ")[2].partition("`")[0]
    assert f"to repeat it: slipway debug {identity} -- /bin/sh -ec" in kept["details"]
    shown = who.slipway("debug", "--", "sh", "-c", "cat /state; pwd; echo $MARK; echo after >>/state").out
    assert shown.split() == ["before", "/w", "here"]
    assert who.slipway("debug", identity[:4], "--", "cat", "/state").out.split() == ["before", "after"]
    assert who.slipway("debug", identity, "--", "false", status=1).out == ""
    who.slipway("debug", "--rm")
    assert "no failed step was kept" in who.slipway("debug", status=2).err
    assert list(who.cache.glob("failed/*/*")) == []


@EVERYWHERE
def test_commands_that_are_not_there(who: Home, base: str) -> None:
    recipe = project(who, "absent", base, "run: [[nosuch, x]]")
    error = who.refuse(7, "build", recipe)
    assert "failed with status 127" in error["brief"]
    assert "nosuch: not found in the image" in error["details"]
    recipe = project(who, "absent", base, "run: [{command: 'true', user: nosuch}]")
    error = who.refuse(2, "build", recipe)
    assert "no user 'nosuch'" in error["brief"]
    assert error["where"]["line"] == 4


@EVERYWHERE
def test_caches_survive_and_are_not_in_the_image(who: Home, base: str) -> None:
    text = "run: [{command: 'echo N >>/var/kept/log; cp /var/kept/log /copyN', cache: [/var/kept]}]"
    for number in "12":
        result = who.build(project(who, "caching", base, text.replace("N", number)))
    assert who.inside("caching", "cat", "/copy2").out.split() == ["1", "2"]
    assert set(entries(who, result, "run 1")) == {"copy2"}
    assert len(list(who.cache.glob("steps-cache/*/*"))) == 1


@WITH_USERS
def test_a_cache_belongs_to_the_user_of_the_step(who: Home, base: str) -> None:
    text = "run: [{command: 'touch /c/{}; ls /c >/tmp/ls', cache: [/c], user: app}]"
    for number in "12":
        who.build(project(who, "owned", base, text.replace("{}", number)))
    assert who.inside("owned", "cat", "/tmp/ls").out.split() == ["1", "2"]


@EVERYWHERE
def test_a_secret_is_nowhere_afterwards(who: Home, base: str) -> None:
    recipe = project(
        who,
        "secret",
        base,
        """
files: [f]
cmds:
  post: |
    RUN --mount=type=secret,id=TOKEN,env=AS_VARIABLE echo "it is $AS_VARIABLE"; env >/dev/null
run:
  - command: |
      cat /run/secrets/TOKEN /etc/deep/key | sha256sum >/sum
      stat -c %a /run/secrets/TOKEN >/mode
      ! echo x >/run/secrets/TOKEN
      cat /etc/deep/key
    secrets: [TOKEN, {id: key, file: key.pem, target: /etc/deep/key}]
  - ls /run/secrets 2>/dev/null || echo none >/after
""",
        **{"key.pem": f"first {CANARY}\nsecond {CANARY}\n", "f": "file"},
    )
    shown = who.with_(TOKEN=CANARY).slipway("-v", "build", recipe, "--json")
    result = shown.last
    who.with_(TOKEN=CANARY).slipway("lock", recipe)
    plan = who.with_(TOKEN=CANARY).slipway("build", recipe, "--dry-run", "--json", "--no-cache")
    assert who.inside("secret", "cat", "/mode", "/after").out.split() == ["400", "none"]
    assert CANARY not in shown.out + shown.err + plan.out + plan.err
    assert "it is ********" in shown.out
    assert set(entries(who, result, "run 1")) == {"sum", "mode"}
    lock = (recipe.parent / "image.lock.yaml").read_text()
    assert CANARY not in lock
    for place in (who.store, who.cache):
        for path in (p for p in place.rglob("*") if p.is_file() and not p.is_symlink()):
            assert CANARY.encode() not in plain_bytes(path), path
    other = who.with_(TOKEN="another").build(recipe)
    assert {item["action"] for item in other["layers"]} == {"reuse"}, "its value is not part of the key"


def plain_bytes(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


@EVERYWHERE
def test_a_missing_secret_is_found_before_anything_is_run(who: Home, base: str) -> None:
    recipe = project(
        who, "missing", base, "run:\n  - touch /x\n  - {command: 'true', secrets: [NOT_SET_ANYWHERE]}"
    )
    error = who.refuse(2, "build", recipe)
    assert "'NOT_SET_ANYWHERE' cannot be read: the variable NOT_SET_ANYWHERE is not set" in error["brief"]
    assert error["where"]["line"] == 6
    assert "touch" not in str(error)


@AS_ROOT
def test_only_what_is_above_a_change_is_run_again(who: Home, base: str) -> None:
    text = """
files: [f]
cmds:
  pre: RUN echo pre >/pre
  post: |
    RUN echo {} >/post
    RUN echo two >/two
run: [echo three >/three]
"""
    recipe = project(who, "order", base, text.format("one"), f="1")
    names = ["workspace", "pre 1", "post 1", "post 2", "run 1", "installation"]
    assert [item["name"] for item in who.build(recipe)["layers"]] == names
    project(who, "order", base, text.format("changed"))
    plan = {a["layer"]: (a["kind"], a["reason"]) for a in who.plan(recipe)}
    assert plan["pre 1"] == ("reuse", "unchanged")
    assert plan["post 1"] == ("run", "RUN echo changed >/post changed")
    assert plan["post 2"] == plan["run 1"] == ("run", "a layer below changed: post 1")
    project(who, "order", base, text.format("one"), f="2")
    assert set(actions(who.plan(recipe)).values()) == {"keep", "assemble", "run"}
    (recipe.parent / "f").write_text("1")
    project(who, "order", base, text.format("one") + "labels: {a: b}\n")
    assert [n for n, kind in actions(who.plan(recipe)).items() if kind == "run"] == []
    without = project(who, "order", base, text.format("one").replace("  pre: RUN echo pre >/pre\n", ""))
    layers = [item["name"] for item in who.build(without)["layers"]]
    assert layers == ["workspace", "post 1", "post 2", "run 1", "installation"]
    assert set(actions(who.plan(without, "--no-cache")).values()) >= {"run"}


@EVERYWHERE
def test_interrupted(who: Home, base: str) -> None:
    recipe = project(who, "interrupted", base, "run: ['mkdir /x; chmod 0 /x; sleep 1234.5 & sleep 2345.6']")
    for how, status in ((signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)):
        process = who.start("build", recipe)
        wait_for("sleep 2345.6")
        process.send_signal(how)
        _, err = process.communicate(timeout=20)
        assert process.returncode == status, err
        assert processes("sleep 1234.5") == processes("sleep 2345.6") == []
        assert scratches(who) == []
        assert str(who.root) not in Path("/proc/mounts").read_text()
        who.check_clean()


@EVERYWHERE
def test_killed(who: Home, base: str) -> None:
    recipe = project(who, "killed", base, "run: ['mkdir -p /x/y; chmod 0 /x; sleep 3456.7']")
    process = who.start("build", recipe)
    wait_for("sleep 3456.7")
    process.kill()
    process.communicate(timeout=20)
    wait_until(lambda: not processes("sleep 3456.7"))
    (left,) = scratches(who)
    assert str(who.root) not in Path("/proc/mounts").read_text()
    os.utime(left, (time.time() - 4000, time.time() - 4000))
    who.slipway("store", "gc")
    assert scratches(who) == []
    process = who.start("build", recipe)
    wait_for("sleep 3456.7")
    process.kill()
    process.communicate(timeout=20)
    wait_until(lambda: not processes("sleep 3456.7"))
    for path in scratches(who):
        os.utime(path, (time.time() - 100, time.time() - 100))
    who.build(project(who, "killed", base, "run: ['true']"))
    assert scratches(who) == []


def wait_for(words: str) -> None:
    wait_until(lambda: bool(processes(words)))


def wait_until(there: Any) -> None:
    deadline = time.monotonic() + 30
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@AS_ROOT
def test_a_foreign_platform_needs_an_emulator(
    who: Home, busybox: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if any(Path("/proc/sys/fs/binfmt_misc").glob("qemu-s390x")):
        pytest.skip("this machine has an emulator")
    root = tmp_path_factory.mktemp("foreign")
    arm = base_layout(root, busybox, platform="linux/arm64")
    recipe = project(who, "foreign", arm, "platform: linux/arm64\nrun: ['true']")
    if Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists():
        pytest.skip("this machine has an emulator")
    error = who.refuse(7, "build", recipe)
    assert error["brief"] == "the step is for linux/arm64, this machine is linux/amd64"
    assert "qemu-user-static" in error["hint"]
    assert error["where"]["line"] == 5


@AS_ROOT
def test_source_date_epoch(who: Home, base: str) -> None:
    recipe = project(who, "epoch", base, "run: ['echo $SOURCE_DATE_EPOCH >/x; touch -d @1000000000 /old/a']")
    result = who.with_(SOURCE_DATE_EPOCH="1234567890").build(recipe)
    found = entries(who, result, "run 1")
    assert (found["x"].mtime, found["old/a"].mtime) == (1234567890, 1000000000)
    assert who.inside("epoch", "cat", "/x").out == "1234567890\n"


@pytest.mark.parametrize("who", ["range", pytest.param("root", marks=pytest.mark.thorough)], indirect=True)
def test_apt_and_others_work_in_a_step(who: Home) -> None:
    recipe = write_recipe(
        who.root / "apt",
        """
tag: apt
base: {debian: bookworm}
cmds:
  post: |
    RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends libcap2-bin sudo tree && rm -rf /var/lib/apt/lists/*
    RUN useradd -m -s /bin/bash app && setcap cap_net_bind_service+ep /usr/bin/tree && su app -c 'id -un' >/who && echo 'app ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/app
    USER app
    RUN sudo id -u >~/root; getcap /usr/bin/tree >~/cap
""",
    )
    result = who.build(recipe, timeout=300)
    assert who.inside("apt", "cat", "/who", "/home/app/root", "/home/app/cap").out.split() == [
        "app",
        "0",
        "/usr/bin/tree",
        "cap_net_bind_service=ep",
    ]
    assert who.inside("apt", "dpkg", "--audit").out == ""
    found = entries(who, result, "post 2")
    assert "SCHILY.xattr.security.capability" in found["usr/bin/tree"].pax_headers
    assert found["home/app"].uid == 1000
    assert found["etc/shadow"].gid == 42
    with suppress(KeyError):
        assert found["usr/bin/sudo"].mode & stat.S_ISUID


@pytest.mark.docker
@AS_ROOT
def test_the_same_command_in_docker_leaves_the_same_files(
    who: Home, base: str, docker_host: str, tmp_path: Path
) -> None:
    script = (
        "rm -r /old/in /old/a && mkdir /old/in && echo x >/old/in/x && mv /old/b /moved && rm /etc/passwd && mkdir /etc/passwd && echo y >/etc/passwd/z"
        " && ln /moved /hard && ln -s /moved /soft && chmod 1777 /old && touch -d @1000000000 /moved && mkdir -p /deep/er && chown 5:6 /deep"
    )
    plain = project(who, "indocker", base, "")
    who.build(plain, "--output", f"docker-archive:{tmp_path}/plain.tar")
    docker = ["docker", "--host", docker_host]
    run([*docker, "load", "-i", str(tmp_path / "plain.tar")])
    (tmp_path / "Dockerfile").write_text(f"FROM indocker:latest\nRUN {script}\n")
    legacy = {"DOCKER_BUILDKIT": "0", "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    run([*docker, "build", "--network=none", "-t", "theirs", tmp_path], env=legacy)
    ours = project(who, "indocker", base, f"cmds: {{post: 'RUN {script}'}}\n")
    who.build(ours, "--output", f"docker-archive:{tmp_path}/ours.tar", "-t", "ours")
    run([*docker, "load", "-i", str(tmp_path / "ours.tar")])
    assert tree_of(docker, "ours", tmp_path) == tree_of(docker, "theirs", tmp_path)


def tree_of(docker: list[str], image: str, tmp_path: Path) -> dict[str, tuple[Any, ...]]:
    """What a container of the image has: the files that are not the container's own."""
    container = run([*docker, "create", "--network=none", image, "x"]).out.strip()
    run([*docker, "export", "-o", str(tmp_path / image), container])
    own = ("dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv")
    with tarfile.open(tmp_path / image) as archive:
        return {
            m.name: (m.type, m.mode, m.uid, m.gid, m.linkname, read(archive, m))
            for m in archive
            if not m.name.startswith(own) and not m.name.startswith("pyats/installation")
        }


def read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member) if member.isfile() else None
    return file.read() if file else b""
