"""Maintainer scripts, read and never run: what of them would matter on a fresh install, and what stands in for it.

Only `preinst install` and `postinst configure` without an earlier version are looked at (Debian policy, section
6.5): images are made, not upgraded. What debhelper generated is known by its marks; what a person wrote is known
by the package's name where it was read, and else by the programs that it calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from slipway.distro.scripttable import CALLS, IDLE_CALLS, PACKAGES, PATTERNS, SECTIONS
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_BEGIN: Final = pattern(r"#\s*Automatically added by ([A-Za-z0-9_.-]+)")
_END: Final = pattern(r"#\s*End automatically added section")
_HEREDOC: Final = pattern(r"<<-?\s*\\?['\"]?(\w+)['\"]?")
_FUNCTION: Final = pattern(r"(?:function\s+)?([\w-]+)\s*\(\s*\)")
_LABEL: Final = pattern(r"\(?[^()|\s;&]+(?:\s*\|\s*[^()|\s;&]+)*\s*\)\s*")
_WRITES: Final = pattern(r"(?<![<0-9&-])>{1,2}\s*(?!\s*(?:/dev/null|&|/dev/stderr))\S")
_SPLIT: Final = pattern(r"&&|\|\||[;|&\n]|\$\(|`")
# what may stand before the name of a program: blanks, words of the shell, assignments
_BEFORE: Final = pattern(
    r"[\s(]+|(?:if|then|elif|else|fi|while|until|do|done|in|esac|time|exec|eval|[!{}])(?=\s|\Z)"
    r"|[A-Za-z_]\w*\+?=(?:\"[^\"]*\"|'[^']*'|\S*)"
)
_PROGRAM: Final = pattern(r"(?:[^\s;|&()]*/)?([\w.+-]+)(?=\s|\Z)")
_QUOTED: Final = pattern(r"'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`none`: nothing matters; `covered`: done natively; `uncovered`: would matter and is not done. `why` says which."""

    kind: Literal["none", "covered", "uncovered"]
    why: str = ""


def digest(scripts: Mapping[str, str]) -> dict[str, Any]:
    """What `preinst` and `postinst` hold: {script: {"sections": [tool, ...], "runs": [program, ...]}}.

    `sections` names the debhelper tools that generated parts of it, `runs` what the rest of it calls other than
    its own functions and programs that only look or print; ">" stands for a redirection into a file. A
    script that is not for a shell runs "(NAME of its interpreter)". A script without either is left out.
    """
    out: dict[str, Any] = {}
    for name in ("preinst", "postinst"):
        if text := scripts.get(name, ""):
            sections, rest = _take_apart(text)
            runs = sorted(_calls(rest)) if (program := _interpreter(text)) == "" else [f"({program})"]
            if sections or runs:
                out[name] = {"sections": sections, "runs": runs}
    return out


def verdict(package: str, scripts: Mapping[str, Any], unclear: Sequence[str] = ()) -> Verdict:
    """Judge a package by the `digest` of its scripts; `unclear` are calls that the natives could not make out."""
    if not scripts:
        return Verdict("none")
    sections = {section for found in scripts.values() for section in found["sections"]}
    runs = {program for found in scripts.values() for program in found["runs"]}
    if unknown := sorted(sections - SECTIONS.keys()):
        return Verdict("uncovered", f"runs what {', '.join(unknown)} generated")
    reasons = {SECTIONS[section] for section in sections}
    known = PACKAGES.get(package, next((why for form, why in PATTERNS if form.match(package)), None))
    if known is not None:
        reasons.add(known)
    elif runs:
        if strange := sorted(runs - CALLS.keys()):
            text = ", ".join("writes files" if s == ">" else s for s in strange)
            return Verdict("uncovered", f"its {' and '.join(sorted(scripts))} would run: {text}")
        if unclear:
            return Verdict("uncovered", f"calls that only running would settle: {'; '.join(unclear)}")
        reasons.update(CALLS[program] for program in runs)
    reasons.discard("")
    return Verdict("covered", ", ".join(sorted(reasons))) if reasons else Verdict("none")


def _interpreter(text: str) -> str:
    """The program of the first line, unless it is a shell."""
    if not text.startswith("#!"):
        return "no script"
    words = text[2:].split("\n", 1)[0].split()
    name = words[0].rpartition("/")[2] if words else ""
    return "" if name in ("sh", "bash", "dash") else name


def _take_apart(text: str) -> tuple[list[str], str]:
    """The generators of the marked sections, and the script without these, comments and here-documents."""
    sections: set[str] = set()
    rest: list[str] = []
    inside = False
    until = ""
    for line in text.replace("\\\n", " ").splitlines():
        bare = line.strip()
        if until:
            until = "" if bare == until else until
        elif begin := _BEGIN.match(bare):
            sections.add(begin[1])
            inside = True
        elif _END.match(bare):
            inside = False
        elif not inside and bare and not bare.startswith("#"):
            rest.append(bare)
            if match := _HEREDOC.search(bare):
                until = match[1]
    return sorted(sections), "\n".join(rest)


def _calls(script: str) -> Iterator[str]:
    """The distinct programs that the script calls, as far as a reader without a shell can tell."""
    own = set(_FUNCTION.findall(script))
    seen: set[str] = set()
    for line in script.split("\n"):
        if _WRITES.search(_QUOTED.sub("x", line)):
            seen.add(">")
        label = _LABEL.match(line)
        for piece in _SPLIT.split(_FUNCTION.sub("", line[label.end() :] if label else line)):
            at = 0
            while before := _BEFORE.match(piece, at):
                at = before.end()
            if (program := _PROGRAM.match(piece, at)) and not program[1].isdigit():
                seen.add(program[1])
    yield from seen - own - IDLE_CALLS
