"""What a recipe brings in and runs, as plain data and back: the parts of `plain` that most recipes do not have.

Readers raise what `plain.from_data` turns into a `LockError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.errors import Where
from slipway.recipe import checks
from slipway.recipe.destinations import destination
from slipway.recipe.model import Discovery, FileItem, Instruction, Repository, RunStep, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slipway.recipe.model import Recipe

WHERE = Where("lock")
_PARTS = ("pre", "post")
_RULES = ("match", "glob", "paths")


def parts_data(recipe: Recipe) -> dict[str, Any]:
    """The keys of a recipe that has some of them; each may be empty."""
    cmds = {part: [_instruction_data(i) for i in getattr(recipe, part)] for part in _PARTS}
    return {
        "repositories": [repository_data(r) for r in recipe.repositories],
        "snapshot": _snapshot_data(recipe.snapshot),
        "requirements": _filled({name: list(getattr(recipe.requirements, name)) for name in _RULES}),
        "jobfiles": _filled({name: list(getattr(recipe.jobfiles, name)) for name in _RULES}),
        "cmds": _filled(cmds),
        "run": [_step_data(step) for step in recipe.run],
    }


def parts(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Recipe` from what `parts_data` gave."""
    cmds = data.get("cmds", {})
    return {
        "repositories": tuple(_repository(r) for r in data.get("repositories", ())),
        "snapshot": text(data.get("snapshot", "")),
        "requirements": _discovery(data.get("requirements", {})),
        "jobfiles": _discovery(data.get("jobfiles", {})),
        "run": tuple(_step(step) for step in data.get("run", ())),
        **{part: tuple(_instruction(i) for i in cmds.get(part, ())) for part in _PARTS},
    }


def file_data(item: FileItem, source: str) -> dict[str, Any]:
    """`source` is what of the item's may be kept."""
    mode = "" if item.mode is None else f"{item.mode:04o}"
    more = {"sha256": item.sha256, "mode": mode, "owner": item.owner, "extract": item.extract}
    return {"dest": item.dest, "source": source, **_filled(more)}


def file_item(data: Mapping[str, Any]) -> FileItem:
    from slipway.recipe import fileitems

    return FileItem(
        destination(text(data["dest"])),
        fileitems.source(text(data["source"])),
        WHERE,
        sha256=fileitems.sha256(text(data["sha256"])) if "sha256" in data else "",
        mode=fileitems.octal(text(data["mode"])) if "mode" in data else None,
        owner=fileitems.owner(text(data["owner"])) if "owner" in data else "",
        extract=_flag(data, "extract"),
    )


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{value!r} is not a list")
    return tuple(text(item) for item in value)


def pair(line: Any) -> tuple[str, str]:
    name, equals, value = text(line).partition("=")
    if not equals:
        raise ValueError(f"{line!r} is not NAME=VALUE")
    return checks.env_name(name), value


def _flag(data: Mapping[str, Any], name: str) -> bool:
    if not isinstance(found := data.get(name, False), bool):
        raise TypeError(f"{found!r} is neither true nor false")
    return found


def _filled(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value}


def _public(words: Iterable[str]) -> list[str]:
    from slipway.python.requirement import public

    return [public(word) for word in words]


def repository_data(tree: Repository) -> dict[str, Any]:
    from slipway.inputs.gitaddress import public

    more = {
        "commit": tree.commit,
        "requirements": tree.requirements,
        "submodules": tree.submodules,
        "lfs": tree.lfs,
    }
    return {"dest": tree.dest, "url": public(tree.url), **_filled(more)}


def _repository(data: Mapping[str, Any]) -> Repository:
    from slipway.recipe.repositories import commit, url

    return Repository(
        destination(text(data["dest"])),
        url(text(data["url"])),
        WHERE,
        commit=commit(text(data.get("commit", ""))),
        requirements=_flag(data, "requirements"),
        submodules=_flag(data, "submodules"),
        lfs=_flag(data, "lfs"),
    )


def _snapshot_data(snapshot: str) -> str:
    if not snapshot:
        return ""
    from slipway.build.installation.masks import masked_yaml

    return masked_yaml(snapshot)


def _discovery(data: Mapping[str, Any]) -> Discovery:
    if not data:
        return Discovery()
    from slipway.recipe import discovery

    rules = zip(_RULES, (discovery.expression, discovery.glob, discovery.path), strict=True)
    return Discovery(**{name: tuple(check(v) for v in texts(data.get(name, ()))) for name, check in rules})


def _instruction_data(instruction: Instruction) -> dict[str, Any]:
    flags = [list(flag) for flag in instruction.flags]
    return {
        "keyword": instruction.keyword,
        "words": _public(instruction.words),
        "text": _public([instruction.text])[0],
        **_filled({"shell": instruction.shell, "flags": flags}),
    }


def _instruction(data: Mapping[str, Any]) -> Instruction:
    from slipway.recipe.dockerfile import checked

    flags = [texts(flag) for flag in data.get("flags", ())]
    return checked(
        Instruction(
            text(data["keyword"]),
            texts(data["words"]),
            WHERE,
            text(data["text"]),
            _flag(data, "shell"),
            tuple((name, value) for name, value in flags),
        )
    )


def _step_data(step: RunStep) -> dict[str, Any]:
    more = {
        "name": step.name,
        "env": [f"{name}={value}" for name, value in step.env],
        "network": step.network,
        "cache": list(step.cache),
        "secrets": [{"id": secret.id, "target": secret.target} for secret in step.secrets],
        "user": step.user,
        "workdir": step.workdir,
    }
    return {"command": _public(step.command), **_filled(more)}


def _step(data: Mapping[str, Any]) -> RunStep:
    from slipway.recipe import runsteps

    command = texts(data["command"])
    if not command or not command[0]:
        raise ValueError("a command is empty")
    return RunStep(
        command,
        WHERE,
        name=text(data.get("name", "")),
        env=tuple(pair(line) for line in texts(data.get("env", ()))),
        network=_flag(data, "network"),
        cache=tuple(runsteps.cache(path) for path in texts(data.get("cache", ()))),
        secrets=tuple(_secret(secret) for secret in data.get("secrets", ())),
        user=checks.user(text(data["user"])) if "user" in data else "",
        workdir=checks.absolute_path(text(data["workdir"])) if "workdir" in data else "",
    )


def _secret(data: Mapping[str, Any]) -> Secret:
    """Where the secret came from is not kept: it is looked for in the variable of its name."""
    from slipway.recipe import runsteps

    name = runsteps.secret_id(text(data["id"]))
    return Secret(name, f"env:{name}", runsteps.target(text(data["target"])))
