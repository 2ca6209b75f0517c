"""The fragment of what a person wrote: `build.yaml`, the recipe, and `snapshot.yaml`, which it names, without their secrets.

It stands by itself, because it changes with every word of the recipe, and YAML takes long to load.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from slipway.build.installation.model import FOLDER
from slipway.oci.fragment import Component

if TYPE_CHECKING:
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.fragmentwriter import FragmentWriter
    from slipway.recipe.model import Recipe

_VERSION = 1  # raise it when the same text is masked in another way


def key(cache: FragmentCache, recipe: Recipe) -> str:
    texts = [hashlib.sha256(text.encode()).hexdigest() for text in (recipe.text, recipe.snapshot)]
    return cache.key("written", _VERSION, recipe.workspace, texts)


def fragment(cache: FragmentCache, recipe: Recipe) -> Fragment:
    def fill(writer: FragmentWriter) -> None:
        from slipway.build.installation.masks import masked_yaml

        place = f"{recipe.workspace.strip('/')}/{FOLDER}"
        writer.directory(place)
        for name, text in (("build.yaml", recipe.text), ("snapshot.yaml", recipe.snapshot)):
            if text:
                writer.file(f"{place}/{name}", masked_yaml(text).encode())

    return cache.make(key(cache, recipe), Component("generated", "recipe"), fill)
