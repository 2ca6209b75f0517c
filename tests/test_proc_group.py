"""Programs with all that they start."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from slipway.errors import ToolError
from slipway.proc import SilentError, run_group

ENV = {"PATH": os.environ["PATH"]}


def shell(text: str, **how) -> tuple[int, bytes, bytes]:
    done = run_group(["sh", "-c", text], env=ENV, **how)
    return done.returncode, done.stdout, done.stderr


def test_everything_is_captured(tmp_path: Path) -> None:
    pieces: list[bytes] = []
    code, out, err = shell(
        "echo out; echo err >&2; umask; pwd; exit 3", heard=pieces.append, cwd=tmp_path, umask=0o027
    )
    assert (code, err) == (3, b"err\n")
    assert out.decode().split() == ["out", "0027", str(tmp_path)]
    assert b"".join(pieces) == b"err\n"
    assert shell("head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2")[1:] == (
        bytes(3_000_000),
        bytes(2_000_000),
    )


def test_nothing_can_be_asked() -> None:
    assert shell("cat")[:2] == (0, b"")
    assert shell("exec 3</dev/tty")[0] != 0


def children_of(tmp_path: Path) -> list[int]:
    return [int(n) for n in (tmp_path / "pids").read_text().split()]


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("trap", ["", "trap '' TERM; "])
def test_stopped_with_its_children(tmp_path: Path, trap: str) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    text = f"{trap}sh -c '{trap.replace(chr(39), chr(34))} sleep 60' & echo $! $$ > {tmp_path}/pids; sleep 60"
    began = time.monotonic()
    with pytest.raises(ToolError, match="stopped"):
        shell(text, stop=stop)
    assert time.monotonic() - began < 5
    assert all(gone(pid) for pid in children_of(tmp_path))


def test_interrupted_with_its_children(tmp_path: Path) -> None:
    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    threading.Timer(0.3, interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        shell(f"sleep 60 & echo $! $$ > {tmp_path}/pids; wait")
    assert all(gone(pid) for pid in children_of(tmp_path))


def test_silence() -> None:
    with pytest.raises(SilentError, match="said nothing"):
        shell("sleep 60", silence=0.2)
    assert shell("for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done", silence=2.5)[0] == 0


def test_one_that_lives_on_is_not_waited_for(tmp_path: Path) -> None:
    """Such as a daemon that keeps passwords: it was meant to."""
    began = time.monotonic()
    assert shell(f"sleep 60 & echo $! > {tmp_path}/pids; echo done")[1] == b"done\n"
    assert time.monotonic() - began < 20
    (pid,) = children_of(tmp_path)
    os.kill(pid, signal.SIGKILL)


def test_descriptors(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        number = file.fileno()
        assert shell(f"echo x > /proc/self/fd/{number}", inherit=(number,))[0] == 0
        assert shell(f"echo y > /proc/self/fd/{number}")[0] != 0
    assert (tmp_path / "file").read_bytes() == b"x\n"


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(ToolError, match="is not installed"):
        run_group(["no-such-program"], env=ENV)
