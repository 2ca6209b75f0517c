"""A plan as a Dockerfile: layers that are brought in whole, commands, and the settings of the image.

What is written follows from what the base image has already, so that the image that comes of it has exactly the
settings that Slipway gives it.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from slipway.build.engines.runline import run_line
from slipway.build.engines.words import NEWLINE, is_line, listed, pairs, word
from slipway.build.steps.model import Step
from slipway.recipe.source import printable
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_WIDTH = 110
_GLUE = "·"  # in place of a space between words that stay on one line
_MILLISECOND = 10**6


@value
class Tar:
    """A layer that is in the context as `file`, whole; `content` says what it holds, item by item. `root` is the root."""

    name: str
    file: str
    content: tuple[str, ...] = ()
    root: str = "/"


@value
class Files:
    """Files that are in the context below the directory `place`, to be put into the directory `dest` for `owner`."""

    name: str
    place: str
    dest: str
    owner: str


def dockerfile(
    source: str,
    items: Sequence[Tar | Files | Step],
    settings: Mapping[str, Any],
    below: Mapping[str, Any],
    head: Sequence[str] = (),
) -> str:
    """The text. `source` is what FROM names; `settings` are those of the image, `below` those of what FROM names.

    Both have the shape of `config` in an image configuration (image-spec: config.md). `head` are comments.
    """
    state = _State(below)
    lines = [*(f"# {printable(line)}" for line in head), f"FROM {source}"]
    for number, item in enumerate(items):
        if isinstance(item, Step):
            later = [dict(i.env) for i in items[number + 1 :] if isinstance(i, Step)]
            lines += ["", *state.run(item, [*later, _environment(settings)])]
        elif isinstance(item, Files):
            lines += ["", *_comment(item.name, ()), _copy(item)]
        else:
            lines += ["", *_comment(item.name, item.content), f"ADD {word(item.file)} {item.root}"]
    lines += ["", *state.finish(settings)]
    return "\n".join(lines).rstrip() + "\n"


class _State:
    """The settings as the lines so far have left them."""

    def __init__(self, below: Mapping[str, Any]) -> None:
        self.below = below
        self.env = _environment(below)
        self.user = str(below.get("User") or "")
        self.workdir = str(below.get("WorkingDir") or "/")
        self._newline = False
        self._arguments: dict[str, str] = {}

    def run(self, step: Step, later: Sequence[Mapping[str, str]]) -> list[str]:
        """The lines for a command; `later` are the environments of all that follows, the image's own last."""
        wanted = dict(step.env)
        # what is set once stays set: a variable that something later does not have belongs to this command alone
        lasting = {name: text for name, text in wanted.items() if all(name in env for env in later)}
        lines = [
            *_comment(step.name, ()),
            *self._set_env(lasting),
            *self._make(step.directories),
            *self._set_place(step.user, step.workdir),
        ]
        lines += self._set_arguments({n: t for n, t in wanted.items() if n not in self.env}, later[:-1])
        own = tuple(
            (n, text) for n, text in wanted.items() if self.env.get(n, self._arguments.get(n)) != text
        )
        gone = tuple(name for name in self.env if name not in wanted)
        return [*lines, run_line(step, own, gone, shell=not self.below.get("Shell"))]

    def finish(self, settings: Mapping[str, Any]) -> list[str]:
        lines = self._set_env(_environment(settings))
        labels = _missing(settings, self.below, "Labels")
        if labels:
            lines += self._pairs("LABEL", labels)
        if ports := _missing(settings, self.below, "ExposedPorts"):
            lines.append(f"EXPOSE {' '.join(ports)}")
        if volumes := _missing(settings, self.below, "Volumes"):
            lines.append(f"VOLUME {listed([word(path) for path in volumes])}")
        lines += self._set_place(str(settings.get("User") or ""), str(settings.get("WorkingDir") or "/"))
        lines += _check(settings.get("Healthcheck"), self.below.get("Healthcheck"))
        return lines + _commands(settings, self.below)

    def _set_env(self, wanted: Mapping[str, str]) -> list[str]:
        new = {name: text for name, text in wanted.items() if self.env.get(name) != text}
        self.env |= new
        return self._pairs("ENV", new) if new else []

    def _pairs(self, keyword: str, values: Mapping[str, str]) -> list[str]:
        lines = []
        if not self._newline and any("\n" in text for text in values.values()):
            self._newline = True
            lines.append(f"ARG {NEWLINE}")
        return [*lines, pairs(keyword, values.items())]

    def _make(self, directories: Sequence[str]) -> list[str]:
        """WORKDIR makes what is not there."""
        if directories:
            self.workdir = directories[-1]
        return [f"WORKDIR {word(path)}" for path in directories]

    def _set_arguments(self, values: Mapping[str, str], later: Sequence[Mapping[str, str]]) -> list[str]:
        """Variables that all commands from here on have, and the image has not."""
        new = {
            name: text
            for name, text in values.items()
            if self._arguments.get(name) != text and "\n" not in text and all(name in env for env in later)
        }
        self._arguments |= new
        return [f"ARG {word(name)}={word(text)}" for name, text in new.items()]

    def _set_place(self, user: str, workdir: str) -> list[str]:
        lines = []
        if user != self.user:
            lines.append(f"USER {word(user or '0')}")  # there is no way to say "nobody in particular" again
        if workdir != self.workdir:
            lines.append(f"WORKDIR {word(workdir)}")
        self.user, self.workdir = user, workdir
        return lines


def _copy(files: Files) -> str:
    words = [word(f"{files.place}/"), word(files.dest)]
    return f"COPY --chown={word(files.owner)} {' '.join(words) if words[1] == files.dest else listed(words)}"


def _environment(settings: Mapping[str, Any]) -> dict[str, str]:
    return {name: text for name, _, text in (row.partition("=") for row in settings.get("Env") or ())}


def _missing(settings: Mapping[str, Any], below: Mapping[str, Any], key: str) -> dict[str, Any]:
    there = below.get(key) or {}
    return {k: v for k, v in (settings.get(key) or {}).items() if k not in there or there[k] != v}


def _commands(settings: Mapping[str, Any], below: Mapping[str, Any]) -> list[str]:
    """ENTRYPOINT makes a builder forget the CMD from below, so the one is written with the other."""
    entrypoint, cmd = (list(settings.get(key) or ()) for key in ("Entrypoint", "Cmd"))
    lines = []
    if entrypoint != list(below.get("Entrypoint") or ()):
        lines.append(f"ENTRYPOINT {listed(entrypoint)}")
    if (lines and cmd) or cmd != list(below.get("Cmd") or ()):
        lines.append(f"CMD {listed(cmd)}")
    return lines


def _check(check: Mapping[str, Any] | None, below: Mapping[str, Any] | None) -> list[str]:
    if not check or check == below:
        return []
    kind, *argv = check["Test"] or ["NONE"]
    if kind == "NONE":
        return ["HEALTHCHECK NONE"]
    flags = [
        f"--{flag}={_duration(check[key])}"
        for flag, key in (("interval", "Interval"), ("timeout", "Timeout"), ("start-period", "StartPeriod"))
        if check.get(key)
    ]
    if check.get("Retries"):
        flags.append(f"--retries={check['Retries']}")
    if kind == "CMD-SHELL" and is_line(argv[0]):
        command = argv[0]
    else:
        command = listed(["/bin/sh", "-c", *argv] if kind == "CMD-SHELL" else argv)
    return [" ".join(["HEALTHCHECK", *flags, "CMD", command])]


def _duration(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{nanoseconds // _MILLISECOND}ms" if rest else f"{seconds}s"


def _comment(name: str, content: Iterable[str]) -> list[str]:
    whole = ": ".join(filter(None, (name, ", ".join(item.replace(" ", _GLUE) for item in content))))
    lines = textwrap.wrap(
        printable(whole),
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="#   ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_GLUE, " ") for line in lines]
