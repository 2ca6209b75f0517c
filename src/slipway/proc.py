"""The one way to run a program: an argument list, never a shell, with errors that name what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from slipway.errors import ToolError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_PATIENCE = 2.0  # seconds that a program has to tidy up
_PIECE = 1 << 16


class SilentError(ToolError):
    """A program said nothing for too long and was ended."""


def find(program: str, *, purpose: str, hint: str = "") -> str:
    """Absolute path of `program`; `ToolError` that says what it is needed for when it is not there."""
    path = shutil.which(program)
    if path is None:
        raise ToolError(f"{program} is not installed", details=f"It is needed for {purpose}.", hint=hint)
    return path


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
    ok: Sequence[int] = (0,),
) -> subprocess.CompletedProcess[bytes]:
    """Run and capture; `env` replaces the environment when given. `ToolError` with the last lines on failure."""
    name = os.path.basename(os.fspath(argv[0]))  # noqa: PTH119 - argv may be any path-like
    try:
        done = subprocess.run(
            [os.fspath(a) for a in argv],
            env=None if env is None else dict(env),
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError(f"{name} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{name} did not finish within {timeout:.0f} s") from error
    return checked(done, ok)


def checked(
    done: subprocess.CompletedProcess[bytes], ok: Sequence[int] = (0,)
) -> subprocess.CompletedProcess[bytes]:
    """What has run, if its status is one of `ok`; `ToolError` with its last lines otherwise."""
    if done.returncode not in ok:
        name = os.path.basename(done.args[0])  # noqa: PTH119 - argv may be any path-like
        output = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise ToolError(
            f"{name} failed with status {done.returncode}", details="\n".join(output.splitlines()[-20:])
        )
    return done


def run_group(
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    umask: int = -1,
    stop: threading.Event | None = None,
    silence: float | None = None,
    heard: Callable[[bytes], None] | None = None,
    both: bool = False,
    inherit: Sequence[int] = (),
    stdin: int = subprocess.DEVNULL,
) -> subprocess.CompletedProcess[bytes]:
    """Run and capture, whatever the status, in a process group of its own, without a terminal.

    The whole group is ended when `stop` is set (`ToolError`), when it says nothing for `silence` seconds (`SilentError`),
    and when an error or an interrupt leaves. `heard` gets pieces of standard error (of `both` outputs) as they come;
    `inherit` are descriptors that the program keeps open.
    """
    name = os.path.basename(os.fspath(argv[0]))  # noqa: PTH119 - argv may be any path-like
    try:
        process = subprocess.Popen(
            [os.fspath(a) for a in argv],
            env=dict(env),
            cwd=cwd,
            umask=umask,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=inherit,
        )
    except FileNotFoundError as error:
        raise ToolError(f"{name} is not installed") from error
    with process:
        try:
            out, err = _collect(process, name, stop, silence, heard, ("out", "err") if both else ("err",))
            return subprocess.CompletedProcess(process.args, process.wait(), out, err)
        except BaseException:
            _end_group(process)
            raise


def _collect(
    process: subprocess.Popen[bytes],
    name: str,
    stop: threading.Event | None,
    silence: float | None,
    heard: Callable[[bytes], None] | None,
    aloud: Sequence[str],
) -> tuple[bytes, bytes]:
    """All that the program says until it has ended, or closed what it says it on."""
    import selectors
    import time

    said: dict[str, list[bytes]] = {"out": [], "err": []}
    last = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for stream, key in ((process.stdout, "out"), (process.stderr, "err")):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, key)
        while selector.get_map():
            ended = process.poll() is not None
            ready = selector.select(0 if ended else 0.1)
            for found, _ in ready:
                if piece := os.read(found.fd, _PIECE):
                    said[found.data].append(piece)
                    last = time.monotonic()
                    if heard is not None and found.data in aloud:
                        heard(piece)
                else:
                    selector.unregister(found.fileobj)
            if ended and not ready:  # a child that lives on may hold the pipes
                break
            if stop is not None and stop.is_set():
                raise ToolError(f"{name} was stopped")
            if silence is not None and time.monotonic() - last > silence:
                raise SilentError(f"{name} said nothing for {silence:.0f} s")
    return b"".join(said["out"]), b"".join(said["err"])


def _end_group(process: subprocess.Popen[bytes]) -> None:
    import signal
    from contextlib import suppress

    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class Dialogue:
    """A program that runs, and is written to and read from by one thread; another may `end` it."""

    def __init__(
        self, process: subprocess.Popen[bytes], ends: tuple[int, int], complaints: IO[bytes], patience: float
    ) -> None:
        self._process = process
        self._input, self._output = ends
        self._complaints = complaints
        self._patience = patience
        self._buffer = bytearray()

    def send(self, data: bytes) -> None:
        """`EOFError` when the program listens no more."""
        try:
            while data:
                data = data[os.write(self._input, data) :]
        except OSError as error:
            raise EOFError from error

    def receive(self, size: int) -> bytes:
        """Exactly `size` bytes; `EOFError` when it ends before, `TimeoutError` when it is silent for too long."""
        import select

        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        while len(self._buffer) < size:
            if not poll.poll(self._patience * 1000):
                raise TimeoutError
            piece = os.read(self._output, _PIECE)
            if not piece:
                raise EOFError
            self._buffer += piece
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def end(self) -> None:
        _end_group(self._process)

    def complaint(self) -> str:
        """What it wrote to its standard error before it ended."""
        self.end()
        self._complaints.seek(0)
        return self._complaints.read(_PIECE).decode(errors="replace").strip()


@contextmanager
def dialogue(argv: Sequence[str], *, env: Mapping[str, str], patience: float) -> Iterator[Dialogue]:
    """Run a program to speak with; it does not outlive the block. `patience` are seconds to wait for each answer."""
    import tempfile

    with tempfile.TemporaryFile() as complaints:
        theirs, ours = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        try:
            process = subprocess.Popen(
                argv,
                env=dict(env),
                stdin=theirs[0],
                stdout=ours[1],
                stderr=complaints,
                start_new_session=True,
            )
        except BaseException:
            os.close(theirs[1])
            os.close(ours[0])
            raise
        finally:
            os.close(theirs[0])
            os.close(ours[1])
        try:
            yield Dialogue(process, (theirs[1], ours[0]), complaints, patience)
        finally:
            _end_group(process)
            process.wait()
            os.close(theirs[1])
            os.close(ours[0])
