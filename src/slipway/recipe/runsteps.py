"""`run`: commands that are run in the assembled image."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.recipe import checks
from slipway.recipe.commands import LINE, WORDS
from slipway.recipe.kinds import FLAG, Field, Kind, Refused, convert, text
from slipway.recipe.model import RunStep, Secret
from slipway.recipe.nodes import Map, Node
from slipway.recipe.records import record
from slipway.recipe.shapes import by_shape, listing
from slipway.recipe.source import quote
from slipway.recipe.variables import ENV

if TYPE_CHECKING:
    from slipway.recipe.kinds import Report

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"


def _shell(line: str, _node: Node, _report: Report) -> tuple[str, ...]:
    """Of several lines, each must succeed: else the status of the last one alone would count."""
    several = "\n" in line.strip()
    return ("/bin/sh", "-ec" if several else "-c", line)


def _given(found: tuple[str, ...], _node: Node, _report: Report) -> tuple[str, ...]:
    if not found or not found[0]:
        raise Refused("the command is empty")
    return found


_COMMAND = by_shape(convert(LINE, _shell), convert(WORDS, _given))


def secret_id(value: str) -> str:
    return checks.match(_NAME, value, "the name of a secret", "letters, digits, `_`, `.` and `-`")


def cache(value: str) -> str:
    found = checks.absolute_path(value)
    if found == "/":
        raise Refused("the root of the image cannot be a cache")
    return found


def target(value: str) -> str:
    found = checks.absolute_path(value)
    if found == "/" or value.endswith("/"):
        raise Refused(f"{quote(value)} is not the name of a file")
    return found


def default_target(name: str) -> str:
    return f"/run/secrets/{name}"


def _file(value: str, _node: Node, report: Report) -> str:
    if not value or checks.has_control(value):
        raise Refused(f"{quote(value)} is not the path of a file")
    try:
        return os.path.normpath(report.directory / Path(value).expanduser())
    except RuntimeError:
        raise Refused(f"there is no home directory for {quote(value)}") from None


_ID = text("the name of a secret", secret_id, pattern=_NAME)


def _variable(value: str) -> str:
    return checks.match(_VARIABLE, value, "the name of a variable")


def _named(value: str, _node: Node, _report: Report) -> Secret:
    """The name alone stands for the variable of that name."""
    hint = f"write {{id: {value}, file: PATH}}"
    checks.match(_VARIABLE, value, "the name of a variable that has the secret", hint)
    return Secret(value, f"env:{value}", default_target(value))


_SECRET_RECORD = record(
    "a mapping with the key `id`",
    (
        Field("id", _ID, "Name of the secret.", "token", required=True),
        Field(
            "env",
            text("the name of a variable", _variable, pattern=_VARIABLE),
            "Variable, of whoever builds, that has the secret.",
            "TOKEN",
            "the `id`",
        ),
        Field(
            "file",
            convert(text("the path of a file", str, limit=4096), _file),
            "File that has the secret; relative paths are against the recipe's directory.",
            "~/.config/token",
        ),
        Field(
            "target",
            text("an absolute path", target, pattern="/.*"),
            "File in which the step finds it.",
            "/run/secrets/token",
            "/run/secrets/ID",
        ),
    ),
    exclusive=(("env", "file", "where the secret is"),),
)


def _secret(values: dict[str, Any], node: Node, report: Report) -> Secret:
    name = values["id"]
    where = values.get("target", default_target(name))
    if "file" in values:
        return Secret(name, values["file"], where)
    if "env" in values:
        return Secret(name, f"env:{values['env']}", where)
    return replace(_named(name, node, report), target=where)


_SECRET: Kind[Secret] = by_shape(convert(_ID, _named), convert(_SECRET_RECORD, _secret))

_STEP = record(
    "a mapping with the key `command`",
    (
        Field("name", text("text", str), "What the step is called.", "compile", "its command"),
        Field(
            "command",
            _COMMAND,
            "What to run: text for the shell, which ends at the first line that fails, or a list of words.",
            "make -C src install",
            required=True,
        ),
        Field("env", ENV, "Environment variables for this step only.", {"CC": "gcc"}, "none"),
        Field("network", FLAG, "Whether the step reaches the network.", True, "false"),
        Field(
            "cache",
            listing(
                text("an absolute path", cache, pattern="/.*"), "a list of paths", unique=str, what="cache"
            ),
            "Directories that are kept between builds and are not in the image.",
            ["/root/.cache"],
            "none",
        ),
        Field(
            "secrets",
            listing(_SECRET, "a list of secrets", unique=lambda secret: secret.id, what="secret"),
            "What the step may read and no image holds: names of variables, or mappings.",
            ["TOKEN", {"id": "netrc", "file": "~/.netrc"}],
            "none",
        ),
        Field(
            "user",
            text("a user", checks.user, pattern=checks.USER, loose=True),
            "User that the step runs as.",
            "root",
            "root",
        ),
        Field(
            "workdir",
            text("an absolute path", checks.absolute_path, pattern="/.*"),
            "Directory that the step runs in.",
            "/pyats/src",
            "the workspace",
        ),
    ),
)


def _step(node: Node, report: Report) -> RunStep:
    where = report.where(node)
    if isinstance(node, Map):
        return RunStep(where=where, **_STEP.read(node, report))
    return RunStep(_COMMAND.read(node, report), where)


_RUN_STEP: Kind[RunStep] = Kind(
    f"{_COMMAND.label} or {_STEP.label}",
    lambda: {"anyOf": [_COMMAND.schema, _STEP.schema]},
    _step,
    _STEP.fields,
)


RUN: Kind[tuple[RunStep, ...]] = listing(_RUN_STEP, "a list of steps")
