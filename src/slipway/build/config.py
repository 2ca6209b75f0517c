"""The image configuration and manifest (OCI image-spec: config.md, manifest.md)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any

from slipway.oci.entry import NO_TIME
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slipway.build.steps.model import Program
    from slipway.oci.store import Descriptor
    from slipway.recipe.model import Platform, Recipe

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_VARIABLE = pattern(r"\\(\$)|\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})", re.ASCII)


def environment(recipe: Recipe, base: Mapping[str, str], *, venv: bool) -> dict[str, str]:
    """Env: the base's, then ours, then the recipe's, in which `$NAME` and `${NAME}` stand for what came before."""
    env = {"PATH": PATH, **base}
    env["WORKSPACE"] = recipe.workspace
    if venv:
        env["VIRTUAL_ENV"] = recipe.workspace
        env["PATH"] = f"{recipe.workspace}/bin:{env['PATH']}"
    for name, value in recipe.env:
        env[name] = expand(value, env)
    return env


def expand(text: str, env: Mapping[str, str]) -> str:
    r"""Variables as a Dockerfile's ENV knows them: `$a`, `${a}`, `${a:-else}`, `${a:+then}`, and `\$` for a dollar."""

    def value(match: re.Match[str]) -> str:
        escaped, short, name, sign, word = match.groups()
        if escaped:
            return "$"
        got = env.get(short or name, "")
        if sign == "-":
            return got or word
        if sign == "+":
            return word if got else ""
        return got

    return _VARIABLE.sub(value, text)


def image_config(
    recipe: Recipe,
    platform: Platform,
    layers: Sequence[tuple[str, str]],
    *,
    created: int,
    base: Mapping[str, Any] | None,
    venv: bool,
    default_shell: Callable[[], str],
    default_entrypoint: Sequence[str] = (),
    program: Program | None = None,
) -> dict[str, Any]:
    """The configuration; `layers` are (name, DiffID) pairs above the base's, `base` is the base image's configuration.

    The instructions of `program` change what the base says, and what the keys of the recipe say is above both. Only variables are
    set in the order in which a Dockerfile would set them: the recipe's `env`, then ENV.
    `default_shell` tells what to run, or nothing; it is asked only when neither recipe nor base says it. `default_entrypoint`
    holds where neither of them has one.
    """
    base = base or {}
    below = base.get("config") or {}
    time = iso_time(created)
    env = environment(recipe, dict(e.partition("=")[::2] for e in below.get("Env") or ()), venv=venv)
    workdir = ""
    if program:
        env |= dict(program.env)
        workdir = program.workdir or ""
        below = _changed(below, program)
    run: dict[str, Any] = {
        "Env": [f"{k}={v}" for k, v in env.items()],
        "WorkingDir": recipe.workdir or workdir or recipe.workspace,
        "Labels": {
            **(below.get("Labels") or {}),
            "pyats": "slipway",
            **dict(recipe.labels),
        },
    }
    if user := recipe.user or below.get("User"):
        run["User"] = user
    entrypoint = below.get("Entrypoint") if recipe.entrypoint is None else list(recipe.entrypoint)
    if started := entrypoint or (list(default_entrypoint) if recipe.entrypoint is None else []):
        run["Entrypoint"] = started
    # a new entrypoint makes the base's command meaningless (as in a Dockerfile)
    cmd = list(recipe.cmd or ())
    if recipe.cmd is None and recipe.entrypoint is None:
        cmd = below.get("Cmd") or []
    if recipe.cmd is None and not cmd and not entrypoint and (name := default_shell()):
        cmd = [name]
    if cmd:
        run["Cmd"] = cmd
    if ports := [*(below.get("ExposedPorts") or ()), *recipe.ports]:
        run["ExposedPorts"] = {p: {} for p in ports}
    if volumes := [*(below.get("Volumes") or ()), *recipe.volumes]:
        run["Volumes"] = {v: {} for v in volumes}
    if signal := below.get("StopSignal"):
        run["StopSignal"] = signal
    if check := _healthcheck(recipe) or below.get("Healthcheck"):
        run["Healthcheck"] = check
    history = [*(base.get("history") or ())]
    history += [{"created": time, "created_by": f"slipway: {name}"} for name, _ in layers]
    return {
        "created": time,
        "architecture": platform.arch,
        **({"variant": platform.variant} if platform.variant else {}),
        "os": platform.os,
        "config": run,
        "rootfs": {
            "type": "layers",
            "diff_ids": [*((base.get("rootfs") or {}).get("diff_ids") or ()), *(d for _, d in layers)],
        },
        "history": history,
    }


def _changed(below: Mapping[str, Any], program: Program) -> dict[str, Any]:
    """The settings of the base after the instructions."""
    changed = {
        **below,
        "Labels": {**(below.get("Labels") or {}), **dict(program.labels)},
        "ExposedPorts": dict.fromkeys((*(below.get("ExposedPorts") or ()), *program.ports)),
        "Volumes": dict.fromkeys((*(below.get("Volumes") or ()), *program.volumes)),
    }
    if program.user is not None:
        changed["User"] = program.user
    if program.entrypoint is not None:
        changed |= {"Entrypoint": list(program.entrypoint), "Cmd": None}
    if program.cmd is not None:
        changed["Cmd"] = list(program.cmd)
    return changed


def manifest(
    config: Descriptor, layers: Sequence[Descriptor], annotations: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config.as_json(),
        "layers": [d.as_json() for d in layers],
        "annotations": dict(sorted(annotations.items())),
    }


def iso_time(seconds: int) -> str:
    return datetime.fromtimestamp(max(seconds, NO_TIME), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: object) -> int:
    """The time in an image configuration (RFC 3339) in Unix seconds, rounded up; 0 when it is none."""
    try:
        return ceil(datetime.fromisoformat(str(text)).timestamp())
    except ValueError:
        return 0


def _healthcheck(recipe: Recipe) -> dict[str, Any] | None:
    check = recipe.healthcheck
    if check is None:
        return None
    times = {
        "Interval": check.interval,
        "Timeout": check.timeout,
        "StartPeriod": check.start_period,
        "Retries": check.retries,
    }
    return {"Test": list(check.test), **{k: v for k, v in times.items() if v}}
