"""A step that failed: what a person is told, and its root, kept for `slipway debug`.

{cache}/failed/<WHO>/<id>/step.json     what was run, over which layers
{cache}/failed/<WHO>/<id>/upper/        what it had changed
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import ToolError, UsageError
from slipway.files import disk, read_json, write_json
from slipway.oci.digest import Digest
from slipway.oci.reader import Slice
from slipway.oci.store import Descriptor
from slipway.oci.unpack import is_root
from slipway.sandbox.inside import remove
from slipway.sandbox.users import HINT, find_users
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from slipway.build.steps.log import Log
    from slipway.build.steps.model import Step
    from slipway.sandbox.users import Users

PLACE: Final = "failed"
_RECORD: Final = "step.json"
_ID: Final = 10  # hex digits of the layer's key
_LONGEST: Final = 100  # characters of a command in one line
# what programs say that want to be, or give a file to, somebody else
_SIGNS: Final = re.compile(r"Operation not permitted|Invalid argument|set[a-z]*[ug]id|setgroups|chown")


class StepError(ToolError):
    """The command of a step failed; `status` is its exit status, `log` the file with all that it wrote."""

    code = "step"

    def __init__(self, step: Step, status: int, log: Log, users: Users, kept: str = "") -> None:
        """`kept` is the id under which its root was kept."""
        command = shlex.join(step.argv)
        who = f" as {step.user}" if step.user else ""
        last = "\n".join(log.last) or "(it wrote nothing)"
        again = f"\nto repeat it: slipway debug {kept} -- {command}" if kept else ""
        if kept:
            hint = f"its root is kept: `slipway debug {kept}` opens a shell there"
        else:
            hint = "build again with --keep-context, and `slipway debug` opens a shell in the root where it failed"
        if users.kind == "one" and _SIGNS.search(last):
            hint = f"{HINT} (now: {users.why}); {hint}"
        super().__init__(
            f"{step.text if len(step.text) <= _LONGEST else step.name} failed with status {status}",
            details=f"{last}\n\nin {step.workdir}{who}: {command}\nall it wrote: {log.path}{again}",
            hint=hint,
            where=step.where,
        )
        self.status = status
        self.log = log.path


@value
class Kept:
    """A failed step whose root is in `directory`. `layers` are those below it, the lowest first."""

    id: str
    directory: Path
    name: str
    text: str
    where: str
    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    user: str
    workdir: str
    network: bool
    platform: str
    layers: tuple[Slice, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "text": self.text, "where": self.where}


def keep(step: Step, key: str, layers: Sequence[Slice], platform: str, directory: Path, cache: Path) -> str:
    """Keep the root that is in `directory` in place of what was kept of this step before; its id."""
    target = _place(cache) / key[:_ID]
    write_json(
        directory / _RECORD,
        {
            "name": step.name,
            "text": step.text,
            "where": str(step.where),
            "argv": step.argv,
            "env": step.env,
            "user": step.user,
            "workdir": step.workdir,
            "network": step.network,
            "platform": platform,
            "layers": [[s.blob.media_type, s.blob.digest, s.blob.size, s.diff_id] for s in layers],
        },
    )
    with disk(target):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove(target, find_users().range)
        directory.rename(target)
    return target.name


def kept_steps(cache: Path) -> list[Kept]:
    """All of this user's, by id."""
    try:
        names = sorted(path.name for path in _place(cache).iterdir())
    except FileNotFoundError:
        return []
    found = [(name, read_json(_place(cache) / name / _RECORD)) for name in names]
    return [_kept(name, _place(cache) / name, data) for name, data in found if isinstance(data, dict)]


def find_kept(cache: Path, identity: str) -> Kept:
    """By id, or by its start; without one the only one there is. `UsageError` when there is none, or more."""
    known = kept_steps(cache)
    found = [kept for kept in known if kept.id.startswith(identity)]
    if len(found) == 1:
        return found[0]
    if not known:
        raise UsageError(
            "no failed step was kept",
            hint="`slipway build --keep-context` keeps the root of a step that fails",
        )
    names = "\n".join(f"{kept.id}  {kept.name}: {kept.text}" for kept in known)
    what = (
        "several failed steps were kept" if not identity else f"{identity!r} is not the id of one failed step"
    )
    raise UsageError(what, details=names, hint="give the id of one of them")


def forget(kept: Kept) -> None:
    with disk(kept.directory):
        remove(kept.directory, find_users().range)


def _place(cache: Path) -> Path:
    return cache / PLACE / ("root" if is_root() else str(os.geteuid()))


def _kept(name: str, directory: Path, data: dict[str, Any]) -> Kept:
    layers = tuple(Slice(Descriptor(t, Digest(d), n), Digest(diff)) for t, d, n, diff in data.pop("layers"))
    env = tuple((k, v) for k, v in data.pop("env"))
    return Kept(id=name, directory=directory, layers=layers, env=env, argv=tuple(data.pop("argv")), **data)
