"""Finds the calls of a few programs in a maintainer script, without running it.

This reads simple commands of the POSIX shell language (IEEE 1003.1, Shell Command Language, sections 2.2, 2.3,
2.9.1): words, quotes, continued lines, `;`, `&&`, `||`, `|`, redirections, here-documents, comments, and variables
that the script sets to a constant. A call that needs anything more to be known (command substitution, positional
parameters, loop variables) is reported as unclear. Conditions are not evaluated: a call inside an `if` counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Collection

_HEREDOC = pattern(r"<<-?\s*(['\"]?)(\w+)\1")
_REDIRECT = pattern(r"\d*(?:<<-?|>>|<|>\||>)&?")
_ASSIGN = pattern(r"[A-Za-z_]\w*=")
_VARIABLE = pattern(r"\$(?:(\w+)|\{(\w+)\})")
# dpkg's variable for installing into another root: empty when a script runs inside the image, as is meant here.
_DPKG_ROOT = pattern(r"\$\{DPKG_ROOT(?::?[-+][^}]*)?\}|\$DPKG_ROOT\b")
_SEPARATORS = ";&|()\n"
# Words after which the next word starts a command.
_OPENERS = frozenset(
    {"if", "then", "else", "elif", "while", "until", "do", "{", "!", "exec", "command", "eval"}
)


class Found(NamedTuple):
    """`calls` are argument lists, program name first; `unclear` is the text of each call that is not constant."""

    calls: list[list[str]]
    unclear: list[str]


class _Word(NamedTuple):
    text: str
    constant: bool


def find(script: str, programs: Collection[str], *, through: Collection[str] = ()) -> Found:
    """Every call of one of `programs` (by base name), in the order of the script.

    `through` names functions or programs that run the rest of their words as a command.
    """
    calls: list[list[str]] = []
    unclear: list[str] = []
    if not any(
        program in script for program in programs
    ):  # true of most scripts, and much faster than reading
        return Found(calls, unclear)
    for words in _commands(script):
        while words and (words[0].text in _OPENERS or words[0].text in through):
            words.pop(0)
        if not words or words[0].text.rpartition("/")[2] not in programs:
            continue
        texts = [word.text for word in words]
        if all(word.constant for word in words):
            calls.append(texts)
        else:
            unclear.append(" ".join(texts))
    return Found(calls, unclear)


def _commands(script: str) -> list[list[_Word]]:
    """The simple commands of a script, with its constant variables put in."""
    variables: dict[str, str | None] = {}
    commands = []
    for raw in _split(_DPKG_ROOT.sub("", _without_heredocs(script))):
        words = [_word(text, variables) for text in raw]
        while words and _ASSIGN.match(words[0].text):
            name, _, value = words[0].text.partition("=")
            # A variable that is set in two ways is not constant: which one holds depends on a condition.
            known = value if words[0].constant else None
            variables[name] = known if variables.get(name, known) == known else None
            words.pop(0)
        if words:
            if words[0].text in ("for", "read", "local", "export") and len(words) > 1:
                for word in words[1:]:
                    variables.setdefault(word.text.partition("=")[0], None)
            commands.append(words)
    return commands


def _without_heredocs(script: str) -> str:
    kept = []
    lines = iter(script.split("\n"))
    for line in lines:
        kept.append(line)
        match = None if line.lstrip().startswith("#") else _HEREDOC.search(line)
        if match:
            for body in lines:
                if body.strip("\t") == match[2]:
                    break
    return "\n".join(kept)


def _split(script: str) -> list[list[str]]:
    """Raw words (quotes kept) of each command."""
    commands: list[list[str]] = []
    words: list[str] = []
    position, size = 0, len(script)
    while position < size:
        char = script[position]
        redirect = _REDIRECT.match(script, position)
        if char in " \t":
            position += 1
        elif script.startswith("\\\n", position):
            position += 2
        elif char == "#":
            end = script.find("\n", position)
            position = size if end < 0 else end
        elif redirect:
            position = redirect.end()
            while position < size and script[position] in " \t":
                position += 1
            position = max(_word_end(script, position), position)
        elif char in _SEPARATORS:
            commands.append(words)
            words = []
            position += 1
        else:
            end = _word_end(script, position)
            words.append(script[position:end])
            position = end
    commands.append(words)
    return [x for x in commands if x]


def _word_end(script: str, position: int) -> int:
    """The end of the word that starts at `position`; quotes and substitutions nest."""
    size = len(script)
    closers: list[str] = []
    while position < size:
        char = script[position]
        inside = closers[-1] if closers else ""
        if char == "\\":
            if not closers and script.startswith("\\\n", position):
                break
            position += 2
        elif char == "`" or (char == "'" and inside != '"'):
            position = _after(script, char, position + 1)
        elif script.startswith(("$(", "${"), position):
            closers.append(")" if script[position + 1] == "(" else "}")
            position += 2
        elif not closers and (char in " \t<>" or char in _SEPARATORS):
            break
        else:
            if char == inside:
                closers.pop()
            elif char == '"' or (char == "(" and inside == ")"):
                closers.append(")" if char == "(" else char)
            position += 1
    return min(position, size)


def _after(script: str, end: str, position: int) -> int:
    found = script.find(end, position)
    return len(script) if found < 0 else found + 1


def _word(raw: str, variables: dict[str, str | None]) -> _Word:
    """The value of a raw word; not constant (and then the raw text) when it needs more than known variables."""
    out = []
    position = 0
    quoted = False
    while position < len(raw):
        char = raw[position]
        if char == "'" and not quoted:
            end = _after(raw, "'", position + 1)
            out.append(raw[position + 1 : end - 1])
            position = end
        elif char == '"':
            quoted = not quoted
            position += 1
        elif char == "\\" and (not quoted or raw[position + 1 : position + 2] in ("$", "`", '"', "\\", "\n")):
            out.append(raw[position + 1 : position + 2].replace("\n", ""))
            position += 2
        elif char == "$":
            match = _VARIABLE.match(raw, position)
            value = variables.get(match[1] or match[2]) if match else None
            if match is None or value is None or (not quoted and not re.fullmatch(r"[\w./:+@%,=-]+", value)):
                return _Word(raw, constant=False)
            out.append(value)
            position = match.end()
        elif char == "`" or (not quoted and char in "*?["):
            return _Word(raw, constant=False)
        else:
            out.append(char)
            position += 1
    return _Word("".join(out), constant=True)
