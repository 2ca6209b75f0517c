"""Where the layers of steps are, and what the layers above them depend on. Pure.

From below: the system; the workspace, if steps before the Python packages may want to see it; those steps; the Python packages; the
workspace, if it is not there yet; the other steps; what the image says of itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.build.model import LayerSpec, Part
from slipway.build.steps.keys import copy_key, step_key
from slipway.build.steps.model import Program, Step
from slipway.oci.digest import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.build.resolve import Inputs
    from slipway.build.steps.model import Copy
    from slipway.oci.fragment import FragmentCache


def program_of(inputs: Inputs) -> Program:
    """What the recipe of these inputs runs and copies."""
    recipe = inputs.recipe
    if not (recipe.pre or recipe.post or recipe.run):
        return Program()
    from slipway.build.steps.program import program

    base = (inputs.image.config.get("config") or {}) if inputs.image else {}
    return program(recipe, base, venv=inputs.python is not None, platform=inputs.platform)


def stacked(
    inputs: Inputs,
    cache: FragmentCache,
    epoch: int | None,
    system: Sequence[LayerSpec],
    python: Sequence[LayerSpec],
    workspace: LayerSpec,
    top: Sequence[LayerSpec],
) -> list[LayerSpec]:
    """All layers, in order, with the steps of the recipe."""
    program = program_of(inputs)
    stack = _Stack(inputs, cache, epoch)
    stack.add(system)
    if program.pre:
        stack.add([workspace])
        stack.files = [part.key for part in workspace.parts]
        stack.steps(program.pre)
        stack.add(python)
    else:
        stack.add([*python, workspace])
        stack.files = [part.key for part in workspace.parts]
    stack.steps(program.post)
    stack.add(top)
    return stack.layers


class _Stack:
    def __init__(self, inputs: Inputs, cache: FragmentCache, epoch: int | None) -> None:
        self._inputs = inputs
        self._cache = cache
        self._epoch = epoch
        self._bottom = [inputs.image.manifest.digest] if inputs.image else []
        self._unsure = False  # whether a step may have changed directories
        self.files: list[str] = []
        self.layers: list[LayerSpec] = []

    def add(self, layers: Iterable[LayerSpec]) -> None:
        """Layers made of parts. Above a step they name directories again, which must stay as the step left them."""
        for layer in layers:
            if self._unsure:
                below = self._below()
                self.layers.append(replace(layer, key=key_of("above", layer.key, below), below=tuple(below)))
            else:
                self.layers.append(layer)

    def steps(self, items: Iterable[Step | Copy]) -> None:
        for item in items:
            below = self._below()
            if isinstance(item, Step):
                compression = self._cache.compression.name
                key = step_key(
                    item, below, platform=self._inputs.platform, compression=compression, epoch=self._epoch
                )
                self.layers.append(LayerSpec(item.name, key, (), tuple(below), step=item))
            else:
                made = self._cache.key(copy_key(item, below, self.files))
                key = key_of("layer", made, below)
                part = Part("generated", item.text, "", made)
                self.layers.append(LayerSpec(item.name, key, (part,), tuple(below), copy=item))
            self._unsure = True

    def _below(self) -> list[str]:
        return [*self._bottom, *(layer.key for layer in self.layers)]
