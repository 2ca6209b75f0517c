"""A virtual environment without running Python: its configuration, the links to the image's interpreter, `activate`.

Layout: Python documentation, `venv`, and `site` (pyvenv.cfg). An interpreter that finds pyvenv.cfg above the
directory it was started from takes that as its prefix and `home` as where its standard library belongs to.
"""

from __future__ import annotations

import posixpath
import shlex
from typing import TYPE_CHECKING, Any

from slipway.oci.fragment import Component
from slipway.python.keys import venv_key

if TYPE_CHECKING:
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.fragmentwriter import FragmentWriter
    from slipway.python.model import PythonTarget


# `activate` must be sourced, and must work in every POSIX shell; it undoes itself before it is done again.
_ACTIVATE = """\
# Source this file in a POSIX shell to use the environment; `deactivate` ends it.

deactivate () {{
    if [ -n "${{_SLIPWAY_OLD_PATH+set}}" ]; then
        PATH=$_SLIPWAY_OLD_PATH
        export PATH
        unset _SLIPWAY_OLD_PATH
    fi
    if [ -n "${{_SLIPWAY_OLD_PYTHONHOME+set}}" ]; then
        PYTHONHOME=$_SLIPWAY_OLD_PYTHONHOME
        export PYTHONHOME
        unset _SLIPWAY_OLD_PYTHONHOME
    fi
    if [ -n "${{_SLIPWAY_OLD_PS1+set}}" ]; then
        PS1=$_SLIPWAY_OLD_PS1
        unset _SLIPWAY_OLD_PS1
    fi
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    hash -r 2>/dev/null || :
    [ "${{1-}}" = keep ] || unset -f deactivate
}}

deactivate keep

VIRTUAL_ENV={root}
VIRTUAL_ENV_PROMPT={prompt}
export VIRTUAL_ENV VIRTUAL_ENV_PROMPT
_SLIPWAY_OLD_PATH=$PATH
PATH=$VIRTUAL_ENV/bin:$PATH
export PATH
if [ -n "${{PYTHONHOME-}}" ]; then
    _SLIPWAY_OLD_PYTHONHOME=$PYTHONHOME
    unset PYTHONHOME
fi
if [ -n "${{PS1-}}" ] && [ -z "${{VIRTUAL_ENV_DISABLE_PROMPT-}}" ]; then
    _SLIPWAY_OLD_PS1=$PS1
    PS1="($VIRTUAL_ENV_PROMPT) $PS1"
fi
hash -r 2>/dev/null || :
"""


def venv_fragment(cache: FragmentCache, target: PythonTarget, prefix: str) -> Fragment:
    """The bare environment at `prefix` (`pyats`, no leading slash), whose interpreter is `target.executable`.

    A shell shows the prefix's last part when the environment is active.
    """
    prompt = posixpath.basename(prefix)

    def fill(writer: FragmentWriter) -> dict[str, Any]:
        def at(path: str) -> str:
            return posixpath.join(prefix, path)

        for directory in (".", "bin", "include", "lib", f"lib/python{target.short}"):
            writer.directory(posixpath.normpath(at(directory)))
        writer.directory(target.site_packages(prefix))
        activate = _ACTIVATE.format(root=shlex.quote(posixpath.join("/", prefix)), prompt=shlex.quote(prompt))
        writer.file(at("bin/activate"), activate.encode())
        writer.symlink(at("bin/python"), target.executable)
        writer.symlink(at("bin/python3"), "python")
        writer.symlink(at(f"bin/python{target.short}"), "python")
        writer.symlink(at("lib64"), "lib")
        writer.file(at("pyvenv.cfg"), _config(target, prompt).encode())
        return {}

    name = f"virtual environment /{prefix}"
    return cache.make(venv_key(cache, target, prefix), Component("generated", name, target.version), fill)


def _config(target: PythonTarget, prompt: str) -> str:
    return (
        f"home = {posixpath.dirname(target.executable)}\n"
        "include-system-site-packages = false\n"
        f"version = {target.version}\n"
        f"executable = {target.executable}\n"
        f"prompt = {prompt!r}\n"
    )
