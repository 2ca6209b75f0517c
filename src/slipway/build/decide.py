"""What has to be done, and why: a pure comparison of the layers wanted, those at hand, and those of the last image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.build.model import Action, Part
from slipway.build.steps.keys import identity
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slipway.build.model import LayerSpec

_LONGEST = 60  # characters of an instruction in a reason


@value
class Previous:
    """A layer of the image that has the tag now. `step` is the identity of what was run or copied, or empty."""

    key: str
    parts: tuple[Part, ...]
    step: str = ""


def previous_layers(record: Mapping[str, Any] | None) -> dict[str, Previous] | None:
    """The layers in a build record, by name; None when there is no such record."""
    if record is None:
        return None
    return {
        layer["name"]: Previous(
            layer["key"],
            tuple(
                Part(row[0], row[1], row[2], key)
                for row, key in zip(layer["parts"], layer["keys"], strict=True)
            ),
            layer.get("step", ""),
        )
        for layer in record["layers"]
    }


def decide(
    layers: Sequence[LayerSpec],
    *,
    have_layer: Callable[[str], bool],
    have_part: Callable[[str], bool],
    previous: Mapping[str, Previous] | None,
    no_cache: bool = False,
    settings: Sequence[str] = (),
) -> tuple[Action, ...]:
    """One action a layer, in order, then one for each layer of the last image that is no longer wanted.

    `settings` names what differs in the image configuration; it is one more action when there is anything.
    """
    actions = []
    changed = ""  # the lowest layer that is another than before
    for layer in layers:
        before = previous.get(layer.name) if previous is not None else None
        missing = [p for p in layer.parts if no_cache or not have_part(p.key)]
        changes = differences(before.parts, layer.parts) if before else ()
        fresh, changed = changed, changed or ("" if before and before.key == layer.key else layer.name)
        if have_layer(layer.key) and not no_cache:
            reason = (
                "unchanged" if before and before.key == layer.key else "in the store from an earlier build"
            )
            actions.append(Action("reuse", layer.name, reason, changes, len(layer.parts)))
            continue
        if no_cache:
            reason = "asked to use no cache"
        elif previous is None:
            reason = "first build"
        elif before is None:
            reason = "new layer"
        elif before.key == layer.key:
            reason = "its blob is no longer in the store"
        elif (item := layer.step or layer.copy) and before.step != identity(item):
            reason = f"{_short(item.text)} changed"
        elif fresh and layer.below and (item or not changes):
            reason = f"a layer below changed: {fresh}"
        else:
            reason = _summary(changes)
        if layer.step:
            actions.append(Action("run", layer.name, reason, (layer.step.text,)))
            continue
        actions.append(Action("assemble", layer.name, reason, changes, len(layer.parts), len(missing)))
    wanted = {layer.name for layer in layers}
    actions.extend(
        Action("drop", name, "no longer in the recipe") for name in previous or () if name not in wanted
    )
    if settings:
        actions.append(Action("configure", "configuration", f"{', '.join(settings)} changed"))
    return tuple(actions)


def changed_settings(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of an image configuration (`Env`, `Cmd`, …) that differ; none when there is nothing to compare with."""
    if before is None:
        return ()
    return tuple(sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)))


def differences(before: Sequence[Part], after: Sequence[Part]) -> tuple[str, ...]:
    """`requests 2.32.3 → 2.32.4`, `+ flask 3.1`, `- six 1.17`, for each part that differs."""
    old = {(p.kind, p.name): p for p in before}
    new = {(p.kind, p.name): p for p in after}
    lines = []
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if was is None and now is not None:
            lines.append(f"+ {now.name} {now.version}".rstrip())
        elif now is None and was is not None:
            lines.append(f"- {was.name} {was.version}".rstrip())
        elif was is not None and now is not None and was.key != now.key:
            if was.version != now.version:
                lines.append(f"{now.name} {was.version} → {now.version}")
            elif now.kind != "generated":
                lines.append(f"{now.name} {now.version} made anew")
            else:
                lines.append(f"{now.name} changed")
    return tuple(lines)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _summary(changes: Sequence[str]) -> str:
    told = [c for c in changes if not c.endswith(" changed")] or list(changes)
    if not told:
        return "how it is put together changed"
    return ", ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")
