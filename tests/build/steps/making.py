"""Instructions and recipes as values."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from slipway.errors import Where
from slipway.recipe.model import Instruction, Recipe, ScratchBase


def do(text: str, line: int = 1) -> Instruction:
    """An instruction as the parser of recipes gives it, for the plain cases that tests need."""
    keyword, _, rest = text.partition(" ")
    words = shlex.split(rest) if keyword not in ("RUN", "CMD", "ENTRYPOINT") else rest.split(" ")
    flags = []
    while words and words[0].startswith("--"):
        name, _, value = words.pop(0)[2:].partition("=")
        flags.append((name, value))
    shell = keyword in ("RUN", "CMD", "ENTRYPOINT") and not words[0].startswith("[")
    if shell:
        words = [" ".join(words)]
    elif words and words[0].startswith("["):
        words = [word.strip('",') for word in shlex.split(" ".join(words)[1:-1])]
    return Instruction(keyword, tuple(words), Where("image.yaml", line, 3), text, shell, tuple(flags))


def recipe(*post: str, pre: tuple[str, ...] = (), **more: Any) -> Recipe:
    return Recipe(
        path=Path("/r/image.yaml"),
        directory=Path("/r"),
        text="",
        base=more.pop("base", ScratchBase()),
        pre=tuple(do(text, n) for n, text in enumerate(pre, 1)),
        post=tuple(do(text, n) for n, text in enumerate(post, 11)),
        **more,
    )
