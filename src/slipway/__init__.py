"""Slipway: one tool for the whole life of an image.

    from slipway import build, Image

`build` builds an image from a recipe that is a dict, or in a file; `Image` is an image in the store. Everything that
goes wrong is a `SlipwayError`. See `slipway.library`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.errors import SlipwayError
    from slipway.library import Image, build

__all__ = ["Image", "SlipwayError", "__version__", "build"]
__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> Any:
    # what builds images takes longer to import than `slipway --help` may
    if name == "Image":
        from slipway.library import Image

        return Image
    if name == "SlipwayError":
        from slipway.errors import SlipwayError

        return SlipwayError
    if name == "build":
        import importlib

        # the package of that name, which can be called: whoever imported it first, the name means one thing
        return importlib.import_module("slipway.build")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
