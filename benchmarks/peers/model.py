"""What is measured: recipes, cases, those who compete, and what one run costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Case = Literal["cold", "nothing", "file", "package"]
CASES: tuple[Case, ...] = get_args(Case)
TITLES: dict[Case, str] = {
    "cold": "cold",
    "nothing": "nothing changed",
    "file": "one file changed",
    "package": "one package added",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """`rounds` is how often all is done unless the caller says otherwise; `urls` counts files fetched over http."""

    name: str
    packages: tuple[str, ...]
    urls: int
    rounds: int


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("small", ("requests",), 0, 3),
        Recipe("medium", ("pandas", "numpy", "flask", "sqlalchemy"), 3, 3),
        Recipe("large", ("pyats[full]",), 0, 1),
    )
}
ADDED = (
    "humanize",
    "inflection",
    "colorama",
)  # one more package for "one package added"; in none of the recipes


@dataclass(frozen=True, slots=True)
class Content:
    """What the image is to hold at one moment: Python packages, `note.txt` with this text, and files from `urls`."""

    packages: tuple[str, ...]
    note: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one build and push: seconds of wall time, processor seconds and peak of anonymous memory (bytes) of all processes
    of that engine, its daemon and containers included; None where this machine does not tell."""

    wall: float
    cpu: float | None
    memory: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured run; `pushed` is the size in bytes of the image in the registry, compressed."""

    contender: str
    recipe: str
    case: Case
    round: int
    cost: Cost
    pushed: int


@dataclass(frozen=True, slots=True)
class Command:
    """A program that ends when the image is in the registry."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]


class Contender(Protocol):
    """One way to build. `name` is unique and usable as a file name; contenders of one `engine` share their daemon."""

    name: str
    title: str
    engine: str

    def write(self, directory: Path, content: Content, tag: str) -> None:
        """Put what a person would have written into `directory`; other files in it are left alone, so are unchanged ones."""
        ...

    def command(self, directory: Path, tag: str) -> Command:
        """What builds `directory` and pushes it as `tag`."""
        ...

    def forget(self) -> None:
        """Drop every image and cache except the base image; not timed."""
        ...


class Skipped(Exception):  # noqa: N818 - not a failure: this machine lacks something
    """A contender cannot run here; the text says why."""


def replace_text(path: Path, text: str) -> None:
    """Write a file only if it changes: what did not change keeps its time, too."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
