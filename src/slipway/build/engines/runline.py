"""One command as a RUN line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.build.engines.words import is_line, is_plain, listed
from slipway.build.steps.model import variable_of
from slipway.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.build.steps.model import Step
    from slipway.recipe.model import Secret

_SHELL = ("/bin/sh", "-c")


def run_line(step: Step, own: Sequence[tuple[str, str]], gone: Sequence[str], *, shell: bool) -> str:
    """RUN with the command of `step`: a line for the shell where it can be written as one, else in JSON form.

    `own` are variables for this command alone and `gone` those that it must not have: env(1) sees to them. `shell`
    tells that a line is given to `/bin/sh -c`. `UsageError` for a mount that no Dockerfile can name.
    """
    argv = step.argv
    if variables := [s for s in step.secrets if variable_of(s)]:
        # builders give secrets as files; only the newest also as variables
        script = "; ".join(f'export {variable_of(s)}="$(cat {_file(s)})"' for s in variables)
        argv = (*_SHELL, f'{script}; exec "$@"', "sh", *argv)
    if own or gone:
        argv = (
            "env",
            *(w for name in gone for w in ("-u", name)),
            *(f"{n}={text}" for n, text in own),
            *argv,
        )
    words = ["RUN", *(f"--mount={mount}" for mount in _mounts(step))]
    if shell and len(argv) == 3 and argv[:2] == _SHELL and is_line(argv[2]):
        return " ".join([*words, argv[2]])
    return " ".join([*words, listed(argv)])


def needs_buildkit(step: Step) -> bool:
    """Whether only builders that know `RUN --mount` can run it: BuildKit, and buildah."""
    return bool(step.caches or step.secrets)


def _mounts(step: Step) -> Iterator[str]:
    for path in step.caches:
        yield f"type=cache,target={_checked(path, step)}"
    for secret in step.secrets:
        identity, target = _checked(secret.id, step), _checked(_file(secret), step)
        mode = "" if step.user in ("", "0", "root") else ",mode=0444"
        yield f"type=secret,id={identity},target={target},required=true{mode}"


def _file(secret: Secret) -> str:
    return f"/run/secrets/{secret.id}" if variable_of(secret) else secret.target


def _checked(text: str, step: Step) -> str:
    if not is_plain(text) or "," in text or "=" in text:
        raise UsageError(
            f"{text!r} cannot be mounted by a Dockerfile",
            hint="use letters, digits and `._/@:%+-`, or build with `--engine native`",
            where=step.where,
        )
    return text
