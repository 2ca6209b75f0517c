from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from slipway.oci.digest import hex_of
from slipway.oci.reader import read_image
from tests.images.making import folder, member, symlink
from tests.sandbox.conftest import Box

pytestmark = pytest.mark.net  # the busybox in the image comes from the mirror


def test_the_command_of_the_image_runs(box: Box) -> None:
    done = box.run()
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == (b"hello\n", b"")


def test_a_world_of_its_own(box: Box) -> None:
    told = box.sh("echo $$ $(id -u) $(id -g) $(pwd) $(hostname); cat /etc/hosts").split()
    assert told[:4] == ["2", "0", "0", "/"]
    assert len(told[4]) == 12
    assert told[5:7] == ["127.0.0.1", "localhost"]
    assert box.sh("ps | cat").count("\n") <= 5
    assert box.sh("cat /proc/net/dev").count(":") == 1
    devices = "console fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"
    assert set(box.sh("ls /dev").split()) <= set(devices.split())
    assert len(box.sh("ls /proc/self/fd").split()) == 4
    assert box.sh("touch /dev/shm/x /tmp/x; echo x >/dev/null") == ""


def test_nothing_is_written_back(box: Box) -> None:
    box.sh("echo changed >/word; rm /bin/ls; mkdir /new; touch /new/x; rm -rf /etc/passwd; mkdir /etc/passwd")
    assert box.sh("cat /word; ls /; ls /etc/passwd").split()[0] == "hello"
    assert "new" not in box.sh("ls /").split()
    for tree in (box.maker.settings.cache / "trees").glob("*/*"):
        assert not (tree / "new").exists()


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -15 $$", 143), ("kill -11 $$", 139)],
)
def test_the_status_is_that_of_the_command(box: Box, script: str, status: int) -> None:
    assert box.run("sh", "-c", script).returncode == status


def test_commands_that_cannot_run(box: Box) -> None:
    box.maker.image(
        box.maker.layer(
            folder("bin"),
            member("bin/plain", b"x", mode=0o644),
            member("bin/script", b"#!/no/such/interpreter\n", mode=0o755),
            member("bin/noise", b"\x01\x02\x03\x04", mode=0o755),
            symlink("bin/dangling", "/nowhere"),
        ),
        tag="odd:latest",
        Env=["PATH=/bin"],
    )
    box.image = "odd"
    for name, status, words in (
        ("none", 127, "none: not found in the image on PATH (/bin)"),
        ("/bin/none", 127, "/bin/none: not found in the image"),
        ("plain", 126, "/bin/plain: Permission denied"),
        ("/bin", 126, "/bin: is a directory"),
        ("script", 127, "/bin/script: the program that should run it"),
        ("noise", 126, "/bin/noise: not a program for this machine"),
        ("dangling", 127, "or what it links to, is not in the image"),
    ):
        done = box.run(name)
        assert done.returncode == status, done.stderr
        assert words in done.stderr.decode()
        assert done.stderr.startswith(b"CommandError ")


def test_user_directory_and_environment(box: Box) -> None:
    asked = {"user": "app", "workdir": "/srv/new", "env": {"B": "2"}}
    told = box.sh("id -u; id -g; pwd; echo $HOME $A $B $PATH", **asked).split()
    assert told[:3] == ["1000", "1001", "/srv/new"]
    assert told[3:6] == ["/home/app", "1", "2"]
    assert box.run("true", user="nosuch").stderr.startswith(b"UsageError")
    assert box.sh("id -u", user="4321:99").strip() == "4321"


def test_entrypoint_can_be_replaced(box: Box) -> None:
    assert box.run("/word", entrypoint=["cat"]).stdout == b"hello\n"


def test_powers_are_given_up(box: Box) -> None:
    status = dict(line.split(":\t") for line in box.sh("cat /proc/self/status").splitlines())
    assert status["CapEff"] == status["CapBnd"] == "00000000a80425fb"
    assert status["NoNewPrivs"] == "1"
    as_user = dict(line.split(":\t") for line in box.sh("cat /proc/self/status", user="app").splitlines())
    assert int(as_user["CapEff"], 16) == int(as_user["CapPrm"], 16) == int(as_user["CapAmb"], 16) == 0
    scripts = (
        "mount -t tmpfs none /tmp",
        "mount -o remount,rw,bind /proc/sys",
        "echo x >/proc/sysrq-trigger",
        "echo x >/proc/sys/kernel/hostname",
        "cat /proc/1/exe",
        "ls /proc/1/root/",
        "cat </proc/1/fd/3",
        "mknod /x c 1 5 && cat /x",
        "hostname other",
    )
    tried = "; ".join(f"({script}) >/dev/null 2>&1 && echo '{script}'" for script in scripts)
    assert box.sh(f"{tried}; true") == ""


def test_standard_streams_are_the_callers(box: Box) -> None:
    data = os.urandom(300_000)
    assert box.run("cat", stdin=data).stdout == data
    assert box.run("sh", "-c", "echo oops >&2").stderr == b"oops\n"


def test_the_network_is_there_only_when_asked_for(box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"greetings")

        threading.Thread(target=greet, daemon=True).start()
        command = ["nc", "127.0.0.1", str(server.getsockname()[1])]
        assert box.run(*command, network=True).stdout == b"greetings"
        assert box.run(*command).returncode != 0
    host = Path("/etc/resolv.conf")
    if host.exists():
        assert box.sh("cat /etc/resolv.conf", network=True) == host.read_text()


def test_mounts(box: Box) -> None:
    shared = box.maker.root / "shared"
    shared.mkdir()
    (shared / "in").write_text("from outside")
    (shared / "sub").mkdir()
    mounts = [
        [str(shared), "/mnt/a/b", True],
        [str(shared), "/rw", False],
        [str(shared / "in"), "/etc/single", True],
    ]
    told = box.sh("cat /mnt/a/b/in /etc/single; echo new >/rw/out; ls /mnt/a/b", mounts=mounts)
    assert told.startswith("from outsidefrom outside")
    assert (shared / "out").read_text() == "new\n"
    assert box.run("touch", "/mnt/a/b/x", mounts=mounts).returncode != 0
    assert box.run("sh", "-c", "echo x >/etc/single", mounts=mounts).returncode != 0
    for bad in (["/no/such", "/x", True], [str(shared), "relative", True], [str(shared), "/", True]):
        assert box.run("true", mounts=[bad]).stderr.startswith(b"UsageError"), bad
    assert b"cannot mount a directory there" in box.run("true", mounts=[[str(shared), "/word", True]]).stderr


def test_a_read_only_root(box: Box) -> None:
    done = box.run("sh", "-c", "touch /dev/shm/ok && touch /x", read_only=True)
    assert b"Read-only file system" in done.stderr


def test_an_image_cannot_reach_out_through_its_links(box: Box) -> None:
    outside = box.maker.root / "outside"
    outside.mkdir()
    outside.chmod(0o777)
    layers = read_image(box.maker.store, box.maker.store.find("box")).layers
    up = "../" * 20
    hostile = box.maker.layer(
        member(".wh.etc"),
        symlink("etc", f"{up}{outside}"),
        symlink("proc", str(outside)),
        symlink("sys", str(outside)),
        symlink("dev", str(outside)),
        symlink("mnt", f"{up}{outside}"),
        symlink("srv", str(outside)),
    )
    box.maker.image(*layers, hostile, tag="hostile:latest", WorkingDir="/srv/dir")
    box.image = "hostile"
    done = box.run(
        "sh", "-c", "ls /proc/self/status /dev/null /mnt/in; pwd", mounts=[["/etc/hostname", "/mnt/in", True]]
    )
    assert done.returncode == 0, done.stderr
    assert list(outside.iterdir()) == []


def test_a_signal_to_the_caller_reaches_the_command(box: Box) -> None:
    script = "trap 'echo got; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    with box.popen("sh", "-c", script) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        running.send_signal(signal.SIGTERM)
        assert running.stdout.read() == b"got\n"
        assert running.wait(10) == 7


def test_a_command_that_does_not_listen_dies_of_the_signal(box: Box) -> None:
    with box.popen("sh", "-c", "echo ready; exec sleep 60") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130


def test_a_killed_caller_takes_everything_with_it(box: Box) -> None:
    token = f"{time.monotonic_ns()}"
    with box.popen("sh", "-c", f"sleep 61 & echo ready; : {token}; sleep 60") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        running.kill()
        assert running.stdout.read() == b"", "somebody still holds the pipe"
    deadline = time.monotonic() + 5
    while (
        time.monotonic() < deadline
        and token in subprocess.run(["ps", "ax"], capture_output=True, text=True).stdout
    ):
        time.sleep(0.05)
    assert token not in subprocess.run(["ps", "ax"], capture_output=True, text=True, check=True).stdout


def test_orphans_are_reaped(box: Box) -> None:
    told = box.sh("for i in 1 2 3; do (sh -c 'exit 0' &); done; sleep 0.2; cat /proc/*/stat | cat")
    assert " Z " not in told


def test_background_processes_end_with_the_command(box: Box) -> None:
    start = time.monotonic()
    assert box.run("sh", "-c", "sleep 30 & exit 0").returncode == 0
    assert time.monotonic() - start < 10


def terminal(box: Box, *argv: str, keys: bytes, until: bytes) -> tuple[int, bytes]:
    """Run on a terminal of its own; type when `until` shows. The status and all that was shown."""
    pid, master = pty.fork()
    if pid == 0:
        try:
            os.execvpe(box.command(*argv)[0], box.command(*argv), box.environment)
        finally:
            os._exit(98)
    shown = b""
    typed = False
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(master, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if until in shown and not typed:
            typed = True
            os.write(master, keys)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(master)
    return status, shown


def test_a_terminal_is_passed_through(box: Box) -> None:
    status, shown = terminal(
        box, "sh", "-c", "tty; echo $TERM ready; cat", keys=b"typed\n\x04", until=b"ready"
    )
    assert status == 0, shown
    assert b"/dev/console" in shown
    assert shown.count(b"typed") == 2


def test_control_c_interrupts_the_command_once(box: Box) -> None:
    script = "n=0; trap 'n=$((n+1))' INT; echo ready; sleep 1; sleep 0.3; echo count $n; exit 5"
    status, shown = terminal(box, "sh", "-c", script, keys=b"\x03", until=b"ready")
    assert status == 5, shown
    assert b"count 1" in shown


_INJECT = """
import fcntl, termios, sys
from slipway.sandbox.privileges import protect_terminal
from slipway.sandbox import kernel
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
fcntl.ioctl(0, termios.FIONREAD, b"1234")
if sys.argv[1] == "protect":
    protect_terminal()
fcntl.ioctl(0, termios.FIONREAD, b"1234")
try:
    fcntl.ioctl(0, 0x5412, b"x")
except PermissionError:
    print("refused")
except OSError as error:
    print("no terminal", error)
else:
    print("injected")
"""


@pytest.mark.parametrize("how", ["protect", "leave"])
def test_nothing_can_be_typed_into_the_callers_terminal(how: str) -> None:
    master, slave = pty.openpty()
    done = subprocess.run([sys.executable, "-c", _INJECT, how], stdin=slave, capture_output=True, check=False)
    os.close(master)
    os.close(slave)
    assert done.returncode == 0, done.stderr
    assert (done.stdout == b"refused\n") or how == "leave"


def test_without_overlays_the_image_is_copied(box: Box) -> None:
    told = box.sh("echo changed >/word; cat /word; ls /bin/sh", no_overlay=True)
    assert told == "changed\n/bin/sh\n"
    assert box.run(no_overlay=True).stdout == b"hello\n"
    assert not list((box.maker.settings.cache / "trees").glob("*/.tmp-*"))


def test_an_upper_layer_on_disk(box: Box) -> None:
    told = box.sh("rm -rf /tmp; mkdir /tmp /d; touch /d/y; cat /word", memory_keeps_nothing=True)
    assert told == "hello\n"
    assert not list((box.maker.settings.cache / "trees").glob("*/.tmp-*"))


def test_root_of_a_user_namespace_is_no_root(self_box: Box) -> None:
    done = self_box.within("true", "sh", "-c", "id -u; cat /word; cat /proc/self/uid_map")
    assert done.stdout.split()[:2] == [b"0", b"hello"], done.stderr


def test_a_machine_that_allows_no_namespaces_says_so(self_box: Box) -> None:
    done = self_box.within("echo 0 >/proc/sys/user/max_user_namespaces", "true")
    assert done.returncode == 99
    assert b"ToolError this machine cannot make a sandbox" in done.stderr
    assert b"user namespaces" in done.stderr


def test_a_foreign_image_is_not_run(box: Box) -> None:
    box.maker.image(
        box.maker.layer(member("a", b"")), tag="foreign:latest", platform="linux/s390x", Cmd=["/a"]
    )
    box.image = "foreign"
    done = box.run()
    assert done.returncode == 99
    assert b"ToolError the image is for linux/s390x" in done.stderr
    assert b"qemu" in done.stderr


def test_many_at_once(box: Box) -> None:
    running = [box.popen("sh", "-c", f"sleep 0.2; echo {n} >/word; cat /word") for n in range(4)]
    outputs = []
    for each in running:
        outputs.append(each.communicate(timeout=30)[0])
        assert each.returncode == 0
    assert outputs == [b"0\n", b"1\n", b"2\n", b"3\n"]


def test_an_image_without_layers_says_that_the_command_is_missing(box: Box) -> None:
    box.maker.image(tag="empty:latest")
    box.image = "empty"
    assert box.run("x").returncode == 127
    assert b"no command" in box.run().stderr


def test_a_tree_in_use_is_locked(box: Box) -> None:
    with box.popen("sh", "-c", "echo ready; sleep 60") as running:
        assert running.stdout is not None
        running.stdout.readline()
        layers = read_image(box.maker.store, box.maker.store.find("box")).layers
        (tree,) = (box.maker.settings.cache / "trees").glob(f"*/{hex_of(layers[1].diff_id)}")
        handle = os.open(tree, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        running.terminate()
        running.wait(10)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)
