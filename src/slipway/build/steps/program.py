"""From the instructions of `cmds` and the items of `run` to steps and settings, as Docker reads them. Pure.

Docker's Dockerfile reference says what the instructions mean. Where the settings of a recipe stand in it: the base is FROM, then
come WORKDIR of the workspace, the `env` of the recipe, `cmds.pre`, the Python packages, `cmds.post`, the items of `run`.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

from slipway.build.config import environment, expand
from slipway.build.steps.flags import Refused, chmod, mounts, network
from slipway.build.steps.model import Copy, Program, Step
from slipway.build.steps.words import pairs, platform_args, public, source
from slipway.errors import Problem, RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slipway.recipe.model import Instruction, Platform, Recipe, RunStep

_SHELL: Final = ("/bin/sh", "-c")
_PORT: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?")
# ARGs that need not be given: what they are is the business of whoever builds, and must not change what is built
_PROXIES: Final = frozenset(
    case(name)
    for name in ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy", "socks_proxy")
    for case in (str.lower, str.upper)
)
_MOST_PORTS: Final = 1000


def program(
    recipe: Recipe, base: Mapping[str, Any], *, venv: bool, platform: Platform | None = None
) -> Program:
    """What `recipe` runs and copies, and the settings that come of it.

    `base` is `config` of the base image's configuration (image-spec: config.md), empty without one; `venv` tells whether the image
    gets a virtual environment. `RecipeError` with everything that cannot be done, with positions.
    """
    reader = _Reader(recipe, base, venv=venv, platform=platform)
    pre = reader.read("pre", recipe.pre)
    post = reader.read("post", recipe.post)
    done = (*post, *(reader.item(number, item) for number, item in enumerate(recipe.run, 1)))
    if reader.problems:
        raise RecipeError(reader.problems, recipe.path.name)
    return Program(
        pre=pre,
        post=done,
        env=tuple(reader.set_env.items()),
        labels=tuple(reader.labels.items()),
        ports=tuple(dict.fromkeys(reader.ports)),
        volumes=tuple(dict.fromkeys(reader.volumes)),
        user=reader.set_user,
        workdir=reader.set_workdir,
        cmd=reader.cmd,
        entrypoint=reader.entrypoint,
    )


class _Reader:
    """The state between two instructions."""

    def __init__(
        self, recipe: Recipe, base: Mapping[str, Any], *, venv: bool, platform: Platform | None
    ) -> None:
        self._recipe = recipe
        self.env = environment(recipe, dict(e.partition("=")[::2] for e in base.get("Env") or ()), venv=venv)
        self._args: dict[str, str] = {}
        self._known = platform_args(platform)
        self._user = str(base.get("User") or "")
        self._workdir = recipe.workspace
        self._shell: tuple[str, ...] = tuple(base.get("Shell") or _SHELL)
        self._made: list[str] = []  # directories of WORKDIR that no step has made yet
        self._items: list[Step | Copy] = []
        self._part = ""
        # a secret that the items of `run` say the source of has the same source everywhere
        self._sources = {s.id: s.source for item in recipe.run for s in item.secrets}
        self.problems: list[Problem] = []
        self.set_env: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.ports: list[str] = []
        self.volumes: list[str] = []
        self.set_user: str | None = None
        self.set_workdir: str | None = None
        self.cmd: tuple[str, ...] | None = None
        self.entrypoint: tuple[str, ...] | None = None
        self._does: dict[str, Callable[[Instruction], None]] = {
            "RUN": self._run,
            "ENV": self._env,
            "ARG": self._arg,
            "COPY": self._copy,
            "ADD": self._copy,
            "USER": self._set_user,
            "WORKDIR": self._set_workdir,
            "LABEL": self._label,
            "EXPOSE": self._expose,
            "VOLUME": self._volume,
            "CMD": self._set_cmd,
            "ENTRYPOINT": self._set_entrypoint,
            "SHELL": self._set_shell,
        }

    def read(self, part: str, instructions: Sequence[Instruction]) -> tuple[Step | Copy, ...]:
        self._part, self._items = part, []
        for instruction in instructions:
            try:
                does = self._does.get(instruction.keyword)
                if does is None:
                    known = ", ".join(self._does)
                    raise Refused(f"`{instruction.keyword}` cannot be used in `cmds`", f"known are {known}")
                if instruction.keyword not in ("RUN", "COPY", "ADD") and instruction.flags:
                    raise Refused(f"`{instruction.keyword}` takes no flags")
                does(instruction)
            except Refused as refused:
                problem = Problem(instruction.where, refused.message, instruction.text, refused.hint)
                self.problems.append(problem)
        if self._made and instructions:
            last = instructions[-1]
            made = tuple(self._made)
            copy = Copy(self._name(), (), f"{made[-1]}/", f"WORKDIR {made[-1]}", last.where, directories=made)
            self._add(copy)
        return tuple(self._items)

    def item(self, number: int, item: RunStep) -> Step:
        env = dict(self.env)
        for name, text in item.env:
            env[name] = expand(text, env)
        line = len(item.command) == 3 and item.command[0] == _SHELL[0] and item.command[1].startswith("-")
        return Step(
            name=f"run {number}" + (f" {item.name}" if item.name else ""),
            argv=item.command,
            env=tuple(env.items()),
            text=public("; ".join(item.command[2].split("\n")) if line else shlex.join(item.command)),
            where=item.where,
            user=item.user,
            workdir=posixpath.normpath(posixpath.join(self._recipe.workspace, item.workdir)),
            network=item.network,
            caches=item.cache,
            secrets=item.secrets,
        )

    # -- instructions ----------------------------------------------------------------------------------------

    def _run(self, given: Instruction) -> None:
        flags = [(name, self._expanded(text)) for name, text in given.flags]
        wired = network(flags)
        caches, secrets = mounts(
            [text for name, text in flags if name == "mount"], self._source, self._workdir
        )
        self._add(
            Step(
                name=self._name(),
                argv=self._command(given),
                env=tuple((self._args | self.env).items()),
                text=public(given.text),
                where=given.where,
                user=self._user,
                workdir=self._workdir,
                network=wired,
                caches=caches,
                secrets=secrets,
                directories=tuple(self._made),
            )
        )

    def _copy(self, given: Instruction) -> None:
        owner, mode = "", None
        for name, text in given.flags:
            if name == "chown":
                owner = self._expanded(text)
            elif name == "chmod":
                mode = chmod(self._expanded(text))
            elif name != "link":  # which changes how Docker keeps the layer, not what is in it
                raise Refused(
                    f"`{given.keyword} --{name}` cannot be used here", "known are --chown and --chmod"
                )
        *sources, dest = (self._expanded(word) for word in given.words)
        if not sources:
            raise Refused(f"`{given.keyword}` takes sources and a destination")
        place = posixpath.normpath(posixpath.join(self._workdir, dest))
        directory = dest.endswith(("/", "/.")) or dest in (".", "")
        if len(sources) > 1 and not directory:
            raise Refused(
                f"several sources need a directory as destination, and {dest!r} does not end in `/`"
            )
        self._add(
            Copy(
                name=self._name(),
                sources=tuple(source(s) for s in sources),
                dest=f"/{place.strip('/')}/".replace("//", "/") if directory else f"/{place.strip('/')}",
                text=given.text,
                where=given.where,
                owner=owner,
                mode=mode,
                directories=tuple(self._made),
            )
        )

    def _env(self, given: Instruction) -> None:
        # all of one line see what was before it
        new = {name: self._expanded(text) for name, text in pairs(given)}
        self.env |= new
        self.set_env |= new

    def _arg(self, given: Instruction) -> None:
        for word in given.words:
            name, sign, text = word.partition("=")
            if name in _PROXIES:
                continue
            if sign:
                self._args[name] = self._expanded(text)
            elif name in self._known:
                self._args[name] = self._known[name]

    def _label(self, given: Instruction) -> None:
        self.labels |= {self._expanded(name): self._expanded(text) for name, text in pairs(given)}

    def _set_user(self, given: Instruction) -> None:
        self._user = self.set_user = self._one(given)

    def _set_workdir(self, given: Instruction) -> None:
        path = posixpath.normpath(posixpath.join(self._workdir, self._one(given)))
        self._workdir = self.set_workdir = f"/{path.lstrip('/')}"
        if self._workdir not in ("/", self._recipe.workspace) and self._workdir not in self._made:
            self._made.append(self._workdir)

    def _expose(self, given: Instruction) -> None:
        for word in given.words:
            text = self._expanded(word).lower()
            match = _PORT.fullmatch(text)
            first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
            if not match or not 0 < first <= last < 1 << 16 or last - first >= _MOST_PORTS:
                raise Refused(f"{text!r} is not a port", "write 80, 53/udp or 8000-8010")
            self.ports += [f"{number}/{match[3] or 'tcp'}" for number in range(first, last + 1)]

    def _volume(self, given: Instruction) -> None:
        for word in given.words:
            self.volumes.append(posixpath.normpath(posixpath.join("/", self._expanded(word))))

    def _set_cmd(self, given: Instruction) -> None:
        self.cmd = self._command(given)

    def _set_entrypoint(self, given: Instruction) -> None:
        self.entrypoint = self._command(given)

    def _set_shell(self, given: Instruction) -> None:
        if given.shell or not given.words:
            raise Refused("SHELL takes a list of words in JSON", '["/bin/bash", "-c"]')
        self._shell = given.words

    # -- helpers ---------------------------------------------------------------------------------------------

    def _add(self, item: Step | Copy) -> None:
        self._items.append(item)
        self._made.clear()

    def _name(self) -> str:
        return f"{self._part} {len(self._items) + 1}"

    def _command(self, given: Instruction) -> tuple[str, ...]:
        if given.keyword == "RUN" and not any(given.words):
            raise Refused("there is no command")
        return (*self._shell, *given.words) if given.shell else given.words

    def _one(self, given: Instruction) -> str:
        if len(given.words) != 1:
            raise Refused(f"`{given.keyword}` takes one word")
        text = self._expanded(given.words[0])
        if not text:
            raise Refused(f"`{given.keyword}` is empty", "a variable in it has no value")
        return text

    def _expanded(self, text: str) -> str:
        return expand(text, self._args | self.env)

    def _source(self, identity: str) -> str:
        return self._sources.get(identity, f"env:{identity}")
