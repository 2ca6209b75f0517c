"""git as a program: started without the machine's ways, listened to, ended with everything it started."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from slipway import proc
from slipway.inputs.gitaccess import HINT, environment
from slipway.inputs.giterrors import PassingError, explained, local_failure
from slipway.net_errors import offline
from slipway.patterns import pattern
from slipway.values import value

if TYPE_CHECKING:
    import subprocess
    import threading
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from slipway.events import Step
    from slipway.inputs.gitaddress import Address
    from slipway.inputs.gitlogin import Login
    from slipway.net_proxy import Proxies
    from slipway.settings import Settings

_TRIES = 3
_COUNT = pattern(r"Receiving objects:\s+\d+% \((\d+)/(\d+)\)")
_QUIET = 4  # times the settings' timeout: a server may think for a while before it sends


@value
class Git:
    """git for one repository. `stop` ends whatever it does."""

    address: Address
    login: Login
    settings: Settings
    env: Mapping[str, str] = field(repr=False)
    stop: threading.Event

    def run(self, *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> bytes:
        """What git prints when it works on files of the cache; `DamagedError` when it cannot."""
        done = self._start(words, env, cwd)
        if done.returncode:
            raise local_failure(self.address, self._said(done))
        return done.stdout

    def ask(
        self,
        *words: str,
        doing: str = "fetch",
        env: Mapping[str, str] | None = None,
        heard: Callable[[bytes], None] | None = None,
        inherit: Sequence[int] = (),
    ) -> bytes:
        """What git prints when it talks to the server; `doing` is the verb for errors.

        Not without a network, and again when the transfer broke off.
        """
        if self.settings.offline and not self.address.is_local:
            raise offline(doing, self.address.public)
        patience = self.settings.timeout * _QUIET
        turn = 1
        while True:
            try:
                try:
                    done = self._start(words, env, None, heard, inherit, patience)
                except proc.SilentError as error:
                    brief = f"cannot {doing} {self.address.public}: the server does not answer in time"
                    raise PassingError(brief, details=error.brief) from error
                if done.returncode == 0:
                    return done.stdout
                raise explained(doing, self.address, self._said(done))
            except PassingError:
                if turn == _TRIES or self.stop.wait(0.5 * turn):
                    raise
            turn += 1

    def _start(
        self,
        words: Sequence[str],
        env: Mapping[str, str] | None,
        cwd: Path | None,
        heard: Callable[[bytes], None] | None = None,
        inherit: Sequence[int] = (),
        silence: float | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        program = proc.find("git", purpose="repositories", hint=HINT)
        return proc.run_group(
            [program, *words],
            env={**self.env, **(env or {})},
            cwd=cwd or Path("/"),
            umask=0o022,
            stop=self.stop,
            silence=silence,
            heard=heard,
            inherit=inherit,
        )

    def _said(self, done: subprocess.CompletedProcess[bytes]) -> str:
        said = done.stderr.decode(errors="replace")
        for secret in self.login.secrets:
            said = said.replace(secret, "***")
        return said


@contextmanager
def git_for(
    address: Address, login: Login, settings: Settings, proxies: Proxies, stop: threading.Event
) -> Iterator[Git]:
    """The program with the environment for this repository."""
    with environment(address, login, settings, proxies) as env:
        yield Git(address, login, settings, env, stop)


def counter(step: Step) -> Callable[[bytes], None]:
    """Turns what git says on its progress into that of a step."""
    last = b""

    def heard(piece: bytes) -> None:
        nonlocal last
        *_, line = (last + piece).replace(b"\r", b"\n").rpartition(b"\n")
        for found in _COUNT.finditer((last + piece).decode(errors="replace")):
            done, step.total = int(found[1]), int(found[2])
            if done > step.done:
                step.advance(done - step.done)
        last = line[-200:]

    return heard
