"""Modules of the standard library that what we import imports, and hardly a run needs: loaded when they are touched.

`click` and `dataclasses` import `inspect`, which imports the compiler's tables; `urllib.parse` imports `ipaddress`.
Together that is a twelfth of an unchanged build.
"""

from __future__ import annotations

import sys
from importlib import import_module
from threading import RLock
from types import ModuleType
from typing import Any

_NAMES = ("inspect", "ipaddress")
_lock = RLock()


class _Later(ModuleType):
    """Stands in `sys.modules` for the module of its name until something is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system looks for
            raise AttributeError(name)
        own = self.__name__
        with _lock:
            if sys.modules.get(own) is self:
                del sys.modules[own]
            real = import_module(own)
        vars(self).update(vars(real))
        return getattr(real, name)


def cleandoc(doc: str) -> str:
    """What `inspect.cleandoc` does, the one thing that click wants of that module in every run."""
    first, *rest = doc.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join([first.lstrip(), *(line[margin:] for line in rest)]).strip("\n")


def postpone() -> None:
    """Put stand-ins where the modules are not there yet. To be called before anything that imports them."""
    for name in _NAMES:
        if name not in sys.modules:
            sys.modules[name] = _Later(name)
            if name == "inspect":
                vars(sys.modules[name])["cleandoc"] = cleandoc
