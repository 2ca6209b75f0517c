"""The entrypoint that images get: it activates the environment of the workspace and becomes the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.build.installation.model import ENTRYPOINT, FOLDER
from slipway.oci.fragment import Component
from slipway.recipe.model import DebianBase, Discovery, ScratchBase

if TYPE_CHECKING:
    from slipway.build.installation.model import Init
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.fragmentwriter import FragmentWriter
    from slipway.recipe.model import Recipe

# That of the pyATS Image Builder announces itself in three lines. This one is silent: what a command writes is often
# read by a program, which does not expect more. Nor does it change the directory: the image names it, whoever runs the
# image may name another. The variable wins over the path, so that an image built on this one activates its own.
_SCRIPT = """\
#!/bin/sh
# Becomes the command that is given, or a shell, in the Python environment of the workspace if there is one.

_root=${{WORKSPACE:-{workspace}}}
if [ "${{PATH%%:*}}" != "$_root/bin" ] && [ -f "$_root/bin/activate" ]; then
    . "$_root/bin/activate"
fi
unset _root

if [ $# -gt 0 ]; then
    exec "$@"
elif command -v bash >/dev/null 2>&1; then
    exec bash
else
    exec sh
fi
"""


_VERSION = 1  # raise it when the script changes


def key(cache: FragmentCache, recipe: Recipe) -> str:
    return cache.key("entrypoint", _VERSION, recipe.workspace)


def fragment(cache: FragmentCache, recipe: Recipe) -> Fragment:
    def fill(writer: FragmentWriter) -> None:
        prefix = recipe.workspace.strip("/")
        writer.directory(f"{prefix}/{FOLDER}")
        writer.file(f"{prefix}/{ENTRYPOINT}", script(recipe.workspace), mode=0o755)

    return cache.make(key(cache, recipe), Component("generated", "entrypoint"), fill)


def script(workspace: str) -> bytes:
    """The text of `entrypoint.sh` (POSIX shell)."""
    return _SCRIPT.format(workspace=workspace).encode()


def possible(recipe: Recipe) -> bool:
    """Whether the workspace has the script: there may be a shell to run it."""
    return not isinstance(recipe.base, ScratchBase)


def wanted(recipe: Recipe) -> bool:
    """Whether an image of this recipe gets the entrypoint if its base has a shell and no entrypoint of its own.

    Files alone are no reason on a base image that exists: its layers would have to be fetched to look for a shell.
    """
    if recipe.entrypoint is not None or not possible(recipe):
        return False
    if recipe.packages or recipe.repositories or recipe.requirements != Discovery():
        return True
    if recipe.pre or recipe.post or recipe.run:
        return True
    return bool(recipe.files) and isinstance(recipe.base, DebianBase)


def argv(recipe: Recipe, init: Init | None) -> tuple[str, ...]:
    """The Entrypoint of the image configuration; empty for none.

    `-s` lets tini do its work where it is not process 1, too: under `docker run --init`, in pods that share processes, in
    `slipway run`.
    """
    if init is None:
        return ()
    return (*((init.path, "-s", "--") if init.path else ()), f"{recipe.workspace}/{ENTRYPOINT}")
