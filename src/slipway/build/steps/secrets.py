"""Secrets of steps: read when the step begins, and never shown."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slipway.build.steps.model import variable_of
from slipway.errors import UsageError
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slipway.build.steps.model import Step

_LARGEST: Final = 1 << 20  # bytes of a file
_SHORTEST: Final = 4  # characters: whatever is shorter is in every text
_USERINFO: Final = re.compile(r"//([^/@\s]+)@")
MASK: Final = "********"


@value
class Opened:
    """The secrets of a step: files (path in the step, text) and variables. Bytes that are not UTF-8 are surrogates."""

    files: tuple[tuple[str, str], ...]
    variables: Mapping[str, str]

    @property
    def texts(self) -> tuple[str, ...]:
        return (*(text for _, text in self.files), *self.variables.values())


def read_secrets(step: Step, directory: Path, environ: Mapping[str, str] | None = None) -> Opened:
    """Files relative to `directory`. `UsageError` with the place of the step when one is not there."""
    environ = os.environ if environ is None else environ
    files = []
    variables = {}
    for secret in step.secrets:
        try:
            text = _read(secret.source, directory, environ)
        except (OSError, KeyError, ValueError) as error:
            why = getattr(error, "strerror", None) or (error.args[0] if error.args else "")
            raise UsageError(
                f"the secret {secret.id!r} cannot be read: {why}", hint=_hint(secret.source), where=step.where
            ) from error
        if name := variable_of(secret):
            variables[name] = text.rstrip("\n")
        else:
            files.append((secret.target, text))
    return Opened(tuple(files), variables)


class Mask:
    """Hides texts in lines of output."""

    def __init__(self, texts: Iterable[str]) -> None:
        # a line of output never holds more than a line of a secret
        lines = {line.strip() for text in texts for line in text.splitlines()}
        longest_first = sorted((w for w in lines if len(w) >= _SHORTEST), key=lambda w: (-len(w), w))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, line: str) -> str:
        return self._pattern.sub(MASK, line) if self._pattern else line


def logins(addresses: Iterable[str]) -> list[str]:
    """What is before the `@` of addresses, whole and password alone."""
    found = [match[1] for address in addresses if (match := _USERINFO.search(address))]
    return [*found, *(login.partition(":")[2] for login in found)]


def _read(source: str, directory: Path, environ: Mapping[str, str]) -> str:
    kind, colon, name = source.partition(":")
    if kind == "env" and colon:
        if name not in environ:
            raise KeyError(f"the variable {name} is not set")
        return environ[name]
    path = directory / Path(source).expanduser()
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError("it is larger than 1 MiB")
    return data.decode("utf-8", "surrogateescape")


def _hint(source: str) -> str:
    kind, _, name = source.partition(":")
    return f"set the variable {name} where you build" if kind == "env" else f"it should be the file {source}"
