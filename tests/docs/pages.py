"""Markdown pages as tests read them: which pages there are, their links, and their blocks.

A page is tried as a reader would try it. In order, from an empty directory:

- a block with a title (```yaml title="image.yaml"```) is a file to be written under that name;
- a ```console``` block holds commands after `$ `; a line that ends in a backslash goes on in the next one. Other lines
  are output: they must appear in what the command says, in that order, where `…` stands for anything and indents and
  runs of spaces do not matter;
- a command must succeed, unless the next one is `echo $?`, whose output then says what to expect.

A comment on the line above a block concerns that block: `<!-- needs: docker -->` names what must be there to run it,
`<!-- not run: REASON -->` keeps it from being run. All other blocks are only to be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r'^```(?P<language>[\w-]*)(?: title="(?P<title>[^"]+)")?\s*$')
_NOTE = re.compile(r"^<!-- (?P<kind>needs|not run): (?P<what>.+) -->$")
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    line: int
    text: str
    output: list[str] = field(default_factory=list)

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches what the command says when the lines that the page shows are all there."""
        lines = [line for line in self.output if line.strip() not in ("", "…")]
        return re.compile(r"(?:.*\n)*?".join(rf"{_line(line)}[ \t]*\n" for line in lines), re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """`text` goes into the file `title`, or `commands` are run; neither for a block that is only read."""

    line: int
    language: str
    title: str
    text: str
    needs: str = ""
    not_run: str = ""

    @property
    def commands(self) -> list[Command]:
        if self.language != "console" or self.not_run:
            return []
        found: list[Command] = []
        lines = enumerate(self.text.splitlines(), self.line + 1)
        for number, line in lines:
            if line.startswith("$ "):
                command = line[2:]
                while command.endswith("\\"):
                    command = f"{command}\n{next(lines)[1]}"
                found.append(Command(number, command))
            elif found:
                found[-1].output.append(line)
            else:
                raise ValueError(f"line {number}: output before any command")
        return found


def _line(text: str) -> str:
    pieces = (r"[ \t]+".join(map(re.escape, re.split(r"[ \t]+", piece))) for piece in text.strip().split("…"))
    return r"^[ \t]*" + ".*".join(pieces)


def markdown() -> list[Path]:
    """Every page of the project, sorted."""
    folders = ("docs", "examples", "benchmarks", "tests", "src")
    return sorted([*ROOT.glob("*.md"), *(p for f in folders for p in (ROOT / f).rglob("*.md"))])


def blocks(page: str) -> Iterator[Block]:
    lines = page.splitlines()
    at = 0
    while at < len(lines):
        if not (fence := _FENCE.match(lines[at])):
            at += 1
            continue
        start = at
        end = next(n for n in range(start + 1, len(lines)) if lines[n].startswith("```"))
        note = _NOTE.match(lines[start - 1]) if start else None
        kinds = {note["kind"]: note["what"]} if note else {}
        yield Block(
            start + 1,
            fence["language"],
            fence["title"] or "",
            "".join(f"{line}\n" for line in lines[start + 1 : end]),
            kinds.get("needs", ""),
            kinds.get("not run", ""),
        )
        at = end + 1


def links(page: str) -> list[str]:
    """Where the links outside code lead."""
    prose = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return _LINK.findall(re.sub(r"`[^`]*`", "", prose))


def anchors(page: str) -> set[str]:
    """The names of the page's headings, as the usual renderers make them."""
    prose = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    names = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(prose))
    return {name.replace(" ", "-") for name in names}
