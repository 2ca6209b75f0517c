"""Instructions of a Dockerfile, as `cmds` has them (Docker's Dockerfile reference).

Variables stay in the words: what ARG and ENV put into them is known when instructions are carried out.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from slipway.recipe.dockerlines import Line, lines
from slipway.recipe.dockerwords import is_closed, unquoted, words
from slipway.recipe.kinds import Refused, suggestion
from slipway.recipe.model import Instruction
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.errors import Where

_NAME_VALUE = "the form is NAME=VALUE"
_PORT = r"(?i)[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp|sctp))?"
_BARE_FLAGS = ("link",)  # those that need no value

_REFUSED = {
    "FROM": ("there is one image, and it has its base", "name it in the key `base`"),
    "HEALTHCHECK": ("health checks are not instructions here", "use the key `healthcheck`"),
    "MAINTAINER": ("it was given up by Docker", "write LABEL maintainer=NAME"),
    "ONBUILD": ("instructions for images on top of this one are not kept", ""),
    "STOPSIGNAL": ("another signal to stop by cannot be set", ""),
}


class _Wrong(Exception):  # noqa: N818 - not a user's error yet: it has no place
    """An instruction is wrong at character `index` of its line."""

    def __init__(self, index: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.index = index
        self.message = message
        self.hint = hint


class _Given(NamedTuple):
    """What follows keyword and flags: `text` begins at `at` of the line."""

    keyword: str
    text: str
    at: int
    line: Line


def instructions(
    text: str, where: Callable[[int], Where], refuse: Callable[[int, str, str], None]
) -> tuple[Instruction, ...]:
    """The instructions of `text` that are right.

    `where` gives the place of a character of `text`; `refuse` is told the index of each that is wrong, what is wrong
    with it, and what to do instead.
    """
    found = []
    for line in lines(text, refuse):
        try:
            found.append(_instruction(line, where(line.place(0))))
        except _Wrong as wrong:
            refuse(line.place(wrong.index), wrong.message, wrong.hint)
    return tuple(found)


def checked(instruction: Instruction) -> Instruction:
    """An instruction from elsewhere, if it is one that `instructions` could give; else `Refused`."""
    form = _FORMS.get(instruction.keyword)
    if form is None or (instruction.shell and not form.in_shell):
        raise Refused(f"{quote(instruction.keyword)} is not an instruction")
    if any(name not in form.flags for name, _ in instruction.flags):
        raise Refused(f"{instruction.keyword} has flags that it does not take")
    if len(instruction.words) < form.least or (instruction.shell and len(instruction.words) != 1):
        raise Refused(f"{instruction.keyword} has too few or too many words")
    return instruction


def _instruction(line: Line, where: Where) -> Instruction:
    first = line.text.split(maxsplit=1)[0]
    keyword = first.upper()
    if keyword in _REFUSED:
        why, hint = _REFUSED[keyword]
        raise _Wrong(0, f"{keyword} cannot be used here: {why}", hint)
    form = _FORMS.get(keyword)
    if form is None:
        hint = suggestion(keyword, _FORMS) or f"known: {', '.join(_FORMS)}"
        raise _Wrong(0, f"unknown instruction {quote(first)}", hint)
    flags, at = _flags(line, keyword, len(first), form.flags)
    given = _Given(keyword, line.text[at:], at, line)
    if not given.text:
        raise _Wrong(0, f"{keyword} is empty", form.example)
    found, shell = form.read(given)
    if line.documents and keyword != "RUN":
        at = line.documents[0].at
        raise _Wrong(
            at, f"{keyword} of a here-document is not supported", "write the file with RUN cat > FILE <<NAME"
        )
    return Instruction(keyword, found, where, line.text, shell, flags)


def _flags(
    line: Line, keyword: str, start: int, known: tuple[str, ...]
) -> tuple[tuple[tuple[str, str], ...], int]:
    """The flags `--NAME=VALUE` after the keyword, and where what follows them begins."""
    flags: list[tuple[str, str]] = []
    for word in words(line.text, start):
        if not word[0].startswith("--"):
            return tuple(flags), word.start()
        name, equals, value = word[0][2:].partition("=")
        if name not in known:
            hint = f"known: {', '.join(f'--{flag}=' for flag in known)}" if known else ""
            if name == "from":
                hint = "there are no other stages; bring files in with the key `files`"
            raise _Wrong(word.start(), f"{keyword} has no flag {quote('--' + name)} here", hint)
        if not value and (equals or name not in _BARE_FLAGS):
            raise _Wrong(word.start(), f"`--{name}` has no value", f"write --{name}=VALUE")
        flags.append((name, value))
    return tuple(flags), len(line.text)


_Read = tuple[tuple[str, ...], bool]


def _json(given: _Given) -> tuple[str, ...] | None:
    """The words of the JSON form, None when it is not in that form."""
    if not given.text.startswith("["):
        return None
    try:
        found: Any = json.loads(given.text)
    except ValueError:
        return None
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise _Wrong(
            given.at, f"{given.keyword} in brackets takes texts only", "put each word in double quotes"
        )
    return tuple(found)


def _run(given: _Given) -> _Read:
    if (found := _json(given)) is not None:
        if not found:
            raise _Wrong(given.at, "RUN is empty")
        return found, False
    documents = given.line.documents
    if not documents:
        return (given.text,), True
    if [word.start() for word in words(given.line.text, given.at)] == [documents[0].at]:
        script = documents[0].bare
        if script.startswith("#!"):
            hint = "name the program, for example RUN python3 <<EOF"
            raise _Wrong(
                documents[0].at, "a here-document is run by the shell, whatever its first line", hint
            )
        return (script,), True
    return ("\n".join((given.text, *(f"{d.text}{d.name}" for d in documents))),), True


def _command(given: _Given) -> _Read:
    found = _json(given)
    return (found, False) if found is not None else ((given.text,), True)


def _shell(given: _Given) -> _Read:
    found = _json(given)
    if not found:
        raise _Wrong(
            given.at, "SHELL takes a list of words in brackets", 'for example SHELL ["/bin/bash", "-c"]'
        )
    return found, False


def _closed(given: _Given) -> list[re.Match[str]]:
    """The words; no quote is open in them."""
    found = list(words(given.line.text, given.at))
    for word in found:
        if not is_closed(word[0]):
            raise _Wrong(word.start(), "a quote is not closed", 'a quote as such is written \\"')
    return found


def _pairs(given: _Given) -> _Read:
    """`NAME=VALUE …`, or the old form `NAME VALUE` with one value up to the end of the line."""
    found = _closed(given)
    if "=" not in found[0][0]:
        name, value = found[0][0], given.text[len(found[0][0]) :].strip()
        if not value:
            raise _Wrong(given.at, f"{given.keyword} {quote(name)} has no value", _NAME_VALUE)
        return (f"{unquoted(name)}={unquoted(value)}",), False
    for word in found:
        name, equals, _ = word[0].partition("=")
        if not equals:
            hint = f"{_NAME_VALUE}; values with spaces need quotes"
            raise _Wrong(word.start(), f"{quote(word[0])} has no `=`", hint)
        if not unquoted(name):
            raise _Wrong(word.start(), f"{quote(word[0])} names nothing", _NAME_VALUE)
    return tuple(unquoted(word[0]) for word in found), False


def _arguments(given: _Given) -> _Read:
    found = _closed(given)
    for word in found:
        if not re.match(r"[A-Za-z_][A-Za-z0-9_]*(=|$)", word[0]):
            raise _Wrong(
                word.start(), f"{quote(word[0])} is not an argument", "the form is NAME or NAME=DEFAULT"
            )
    return tuple(unquoted(word[0]) for word in found), False


def _list(given: _Given) -> _Read:
    found = _json(given)
    if found is None:
        found = tuple(unquoted(word[0]) for word in _closed(given))
    if not found:
        raise _Wrong(given.at, f"{given.keyword} is empty")
    return found, False


def _copy(given: _Given) -> _Read:
    found, _ = _list(given)
    if len(found) < 2:
        raise _Wrong(given.at, f"{given.keyword} takes sources and a destination")
    for what in found[:-1]:
        if "://" in what or what.startswith("git@"):
            hint = "bring it in with the key `files` or `repositories`"
            raise _Wrong(given.at, f"{given.keyword} of {quote(what)}: only files of the workspace", hint)
    return found, False


def _ports(given: _Given) -> _Read:
    for word in words(given.line.text, given.at):
        if "$" not in word[0] and not re.fullmatch(_PORT, word[0]):
            raise _Wrong(word.start(), f"{quote(word[0])} is not a port", "for example 8888 or 53/udp")
    return _list(given)


def _line(given: _Given) -> _Read:
    _closed(given)
    return (unquoted(given.text),), False


def _user(given: _Given) -> _Read:
    if len(_closed(given)) > 1:
        raise _Wrong(given.at, "USER takes one user", "NAME, NAME:GROUP or numbers")
    return _line(given)


class _Form(NamedTuple):
    """How an instruction is read: whether it has a shell form, how many words it has at least, and its flags."""

    read: Callable[[_Given], _Read]
    example: str
    in_shell: bool = False
    least: int = 1
    flags: tuple[str, ...] = ()


_FORMS = {
    "RUN": _Form(_run, "for example RUN apt-get update", in_shell=True, flags=("mount", "network")),
    "ENV": _Form(_pairs, "for example ENV TZ=UTC"),
    "COPY": _Form(_copy, "for example COPY a.conf /etc/", least=2, flags=("chown", "chmod", "link")),
    "ADD": _Form(_copy, "for example ADD a.tar.gz /opt/", least=2, flags=("chown", "chmod", "link")),
    "USER": _Form(_user, "for example USER 1000"),
    "WORKDIR": _Form(_line, "for example WORKDIR /opt"),
    "LABEL": _Form(_pairs, "for example LABEL team=net"),
    "EXPOSE": _Form(_ports, "for example EXPOSE 8888"),
    "ARG": _Form(_arguments, "for example ARG VERSION=1"),
    "CMD": _Form(_command, 'for example CMD ["bash"]', in_shell=True, least=0),
    "ENTRYPOINT": _Form(_command, 'for example ENTRYPOINT ["tini", "--"]', in_shell=True, least=0),
    "VOLUME": _Form(_list, "for example VOLUME /data"),
    "SHELL": _Form(_shell, 'for example SHELL ["/bin/bash", "-c"]'),
}
