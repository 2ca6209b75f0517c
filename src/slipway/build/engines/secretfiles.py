"""Secrets of run steps as files, as builders want them; they lie outside the context."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.build.steps.secrets import read_secrets
from slipway.errors import UsageError
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from slipway.build.steps.model import Step
    from slipway.recipe.model import Secret


@value
class Written:
    """`flags` are `id=ID,src=FILE`; `texts` are the secrets themselves, to be hidden in what builders say."""

    flags: tuple[str, ...]
    texts: tuple[str, ...]


def sources(steps: Iterable[Step]) -> dict[str, tuple[Secret, Step]]:
    """Each secret once, by its id. `UsageError` when two of one id differ: a Dockerfile could not tell them apart."""
    found: dict[str, tuple[Secret, Step]] = {}
    for step in steps:
        for secret in step.secrets:
            known, _ = found.setdefault(secret.id, (secret, step))
            if known.source != secret.source:
                raise UsageError(
                    f"the secret {secret.id} comes from {known.source} and from {secret.source}",
                    hint="give one of them another id",
                    where=step.where,
                )
    return found


def write_secrets(steps: Iterable[Step], recipe_directory: Path, directory: Path) -> Written:
    """One file in `directory` for each secret, which nobody else may read. `UsageError` for one that is not there."""
    flags = []
    texts = []
    for number, (secret, step) in enumerate(sources(steps).values()):
        (text,) = read_secrets(replace(step, secrets=(secret,)), recipe_directory).texts
        path = directory / f"secret{number}"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - with a mode
            file.write(text.encode("utf-8", "surrogateescape"))
        flags.append(f"id={secret.id},src={path}")
        texts.append(text)
    return Written(tuple(flags), tuple(texts))
