"""What commands of a shell install with pip (pip's documentation: pip install; POSIX: Shell Command Language).

They are read, never run: what a variable or another command puts in cannot be told.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from slipway.patterns import pattern
from slipway.scan.source.pins import requirements
from slipway.scan.source.pins.model import Include, Loose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slipway.scan.source.pins.requirements import Entry

    Word = tuple[str, int]

CONTINUED: Final = "\v"  # the end of a line with which its command does not end
_MARKS: Final = f"();<>|&\n{CONTINUED}"
_ENDS: Final = frozenset(";()|\n")
_HINT = pattern(r"\bpipx?[0-9.]*\s+(?:-\S+\s+)*install\b")
_COMMENT = pattern(r"(?m)^[ \t]*#.*")
_PIP = pattern(r"(?:.*/)?pipx?[0-9.]*")
_CONDA = pattern(r"(?:.*/)?(?:conda|mamba|micromamba)")
_OWN = pattern(r"\.{1,2}(?:/[^:]*)?(?:\[[^\]]*\])?")
_ARCHIVE: Final = (".whl", ".zip", ".gz", ".bz2", ".xz")
_COMPUTED: Final = frozenset("$`{")
_FILES: Final = ("-r", "--requirement", "-c", "--constraint")
_EDITABLE: Final = ("-e", "--editable")
_VALUED: Final = frozenset(
    (
        *("-i", "-f", "-t", "-C", "-d", "-p", "--index-url", "--extra-index-url", "--find-links", "--target"),
        *("--prefix", "--root", "--platform", "--python-version", "--implementation", "--abi", "--src"),
        *("--no-binary", "--only-binary", "--cache-dir", "--proxy", "--retries", "--timeout", "--cert"),
        *("--trusted-host", "--client-cert", "--upgrade-strategy", "--progress-bar", "--log", "--report"),
        *("--global-option", "--install-option", "--config-settings", "--exists-action", "--python"),
        *("--use-feature", "--use-deprecated", "--root-user-action", "--keyring-provider", "--index"),
        *("--default-index", "--index-strategy", "--link-mode", "--resolution", "--prerelease", "--group"),
    )
)


def read(script: str, line: int = 1) -> Iterator[Entry]:
    """All that the commands of `script` install, which begins in `line`."""
    if "install" not in script:
        return
    text = _COMMENT.sub("", script).replace("\\\n", f" {CONTINUED} ")
    words = shlex.shlex(text, posix=True, punctuation_chars=_MARKS)
    words.whitespace = " \t\r"
    words.whitespace_split = True
    words.commenters = ""
    try:
        tokens = list(words)
    except ValueError:  # a quote without its end
        if _HINT.search(script):
            yield Loose("unread", "a command that installs something cannot be read", line)
        return
    for command in _commands(tokens, line):
        yield from of_words(command)


def of_words(command: Sequence[Word]) -> Iterator[Entry]:
    """What one command installs: its words, each with its line. A word that holds commands itself is read as such."""
    for word, line in command:
        if any(mark in word for mark in " \n") and _HINT.search(word):
            yield from read(word, line)
    at = next((n for n, (word, _) in enumerate(command) if _PIP.fullmatch(word)), None)
    if at is not None and _is_install(command[at + 1 :]):
        yield from _arguments(command[at:])
    elif command and _CONDA.fullmatch(command[0][0]) and _is_install(command[1:]):
        yield Loose("unread", "what conda installs here is not looked at", command[0][1])


def _commands(tokens: Iterable[str], line: int) -> Iterator[list[Word]]:
    command: list[Word] = []
    passed = ""  # what is not of the command: behind a redirection one word, behind `#` the rest of the line
    for token in tokens:
        if token.strip(_MARKS):
            if passed == "<":
                passed = ""
            elif token.startswith("#"):
                passed = "#"
            elif not passed:
                command.append((token, line))
        else:
            ends = bool(_ENDS & set(token)) or token.strip(CONTINUED) in ("&", "&&")
            if passed == "#" and "\n" not in token:
                ends = False
            elif {"<", ">"} & set(token):
                passed = "<"
                if command and command[-1][0].isdigit():
                    command.pop()  # the number of what is redirected
            elif "\n" in token:
                passed = ""
            if ends:
                yield command
                command = []
        line += token.count("\n") + token.count(CONTINUED)
    yield command


def _is_install(words: Sequence[Word]) -> bool:
    """`install` is the first word, or options are before it."""
    for word, _ in words:
        if word == "install" or not word.startswith("-"):
            return word == "install"
    return False


def _arguments(command: Sequence[Word]) -> Iterator[Entry]:
    """`command` begins with pip."""
    start = next(n for n, (word, _) in enumerate(command) if word == "install") + 1
    some = False
    words = iter(command[start:])
    for word, line in words:
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        if not word.startswith("-"):
            some = True
            yield from _requirement(word, line)
        elif name in _FILES or name in _EDITABLE:
            some = True
            value = value if equals else next(words, ("", line))[0]
            if name in _EDITABLE:
                yield from _requirement(value, line)
            elif not value or _COMPUTED & set(value):
                yield _computed(line)
            else:
                yield Include(value, line)
        elif name in _VALUED and not equals:
            next(words, None)
    if not some:
        yield _computed(command[0][1])


def _requirement(word: str, line: int) -> Iterator[Entry]:
    """A directory of the tree is looked at by itself."""
    if _COMPUTED & set(word):
        yield _computed(line)
    elif not _OWN.fullmatch(word) or word.endswith(_ARCHIVE):
        for entry in requirements.read(word):
            yield replace(entry, line=line)


def _computed(line: int) -> Loose:
    return Loose("unread", "what is installed here is known only when it is run", line)
