"""Recipe → plan → fragments → layers → image.

The package can be called: `from slipway import build` gives it to Python programs as the function `slipway.library.build`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, TextIO

from slipway.build.model import Action, Options, Plan, Result

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from slipway.build.api import build, plan
    from slipway.library import Image

__all__ = ["Action", "Options", "Plan", "Result", "build", "plan"]


def __getattr__(name: str) -> Any:
    # the verbs pull in everything; values do not need it
    if name in __all__:
        from slipway.build import api

        return getattr(api, name)
    raise AttributeError(name)


class _Package(ModuleType):
    """Importing a package makes it an attribute of the one above, and `slipway.build` must also be a function."""

    def __call__(
        self,
        config: Mapping[str, Any] | str | os.PathLike[str],
        path: str | os.PathLike[str] | None = None,
        tag: str | None = None,
        keep_context: bool = False,
        verbose: bool = False,
        stream: TextIO | None = None,
        no_cache: bool = False,
        dry_run: bool = False,
    ) -> Image:
        from slipway.library import build

        return build(config, path, tag, keep_context, verbose, stream, no_cache, dry_run)


sys.modules[__name__].__class__ = _Package
