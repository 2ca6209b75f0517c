"""Plans and results of builds, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.cli.text import columns, plural, printable, seconds, short, size, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.build.model import Action, Plan, Result
    from slipway.cli.text import Paint
    from slipway.registry.push import Pushed

MOST_CHANGES = 12  # lines of changes per layer, unless more is asked for
_COLOURS = {
    "reuse": "green",
    "assemble": "yellow",
    "run": "yellow",
    "keep": "green",
    "drop": "red",
    "configure": "yellow",
}
_DONE = {"reuse": "reused", "assemble": "assembled", "run": "run", "keep": "from base"}


def plans(found: Sequence[Plan], paint: Paint, *, verbose: bool = False) -> str:
    return "\n\n".join(_plan(plan, paint, verbose=verbose) for plan in found)


def _plan(plan: Plan, paint: Paint, *, verbose: bool) -> str:
    engine = f", put together by {plan.engine}" if plan.engine != "native" else ""
    lines = [f"{paint(plan.tag or 'untagged image', 'bold')} for {plan.platform}{engine}", ""]
    rows = [
        (paint(a.kind, _COLOURS[a.kind]), printable(a.layer), printable(a.reason), _parts(a))
        for a in plan.actions
    ]
    for action, row in zip(plan.actions, columns(rows), strict=True):
        lines.append(f"  {row}")
        lines += _changes(action, paint, verbose=verbose)
    lines.append("")
    if plan.downloads:
        lines.append(f"{plural(plan.downloads, 'download')}, {size(plan.download_size)}")
    else:
        lines.append("nothing to download")
    warning = paint("warning:", "yellow", "bold")
    lines += [f"{warning} {printable(w)}" for w in plan.warnings]
    return "\n".join(lines)


def _parts(action: Action) -> str:
    if not action.parts:
        return ""
    made = f", {action.new_parts} to make" if action.new_parts else ""
    return plural(action.parts, "part") + made


def _changes(action: Action, paint: Paint, *, verbose: bool) -> list[str]:
    shown = action.changes if verbose else action.changes[:MOST_CHANGES]
    lines = [paint(f"      {printable(change)}", "dim") for change in shown]
    if more := len(action.changes) - len(shown):
        lines.append(paint(f"      and {more} more (--verbose shows them)", "dim"))
    return lines


def result(done: Result, paint: Paint) -> str:
    """The layers of the image and what became of each, then what a reader should know about it."""
    several = len({layer.platform for layer in done.layers}) > 1
    rows = [
        (
            printable(f"{layer.platform} {layer.name}" if several else layer.name),
            paint(_DONE.get(layer.action, layer.action), _COLOURS.get(layer.action, "dim")),
            size(layer.size),
            size(layer.raw_size),
        )
        for layer in done.layers
    ]
    total = ("", "total", size(sum(x.size for x in done.layers)), size(sum(x.raw_size for x in done.layers)))
    state = "built" if done.changed else "unchanged"
    name = paint(done.tag or "untagged image", "bold")
    lines = [
        "",
        table(("LAYER", "", "SIZE", "UNPACKED"), [*rows, total], paint, right=(2, 3)),
        "",
        f"{name}  {short(done.image.digest)}  {paint(state, 'green')} in {seconds(done.seconds)}",
    ]
    warning = paint("warning:", "yellow", "bold")
    if done.uncovered:
        lines.append(f"{warning} scripts of {plural(len(done.uncovered), 'package')} were not run:")
        lines += [f"  {printable(line)}" for line in done.uncovered]
    if done.overlaps:
        lines.append(
            f"{warning} {plural(len(done.overlaps), 'file')} came with more than one wheel; the last one won:"
        )
        lines += [f"  {printable(line)}" for line in done.overlaps[:MOST_CHANGES]]
        if (more := len(done.overlaps) - MOST_CHANGES) > 0:
            lines.append(f"  and {more} more (--json has them all)")
    lines += [
        f"attached {printable(str(row['artifactType']))}  {short(row['digest'])}" for row in done.attached
    ]
    lines += [f"wrote {printable(line)}" for line in done.outputs]
    return "\n".join(lines)


def sent(done: Pushed) -> str:
    """What a push had to do, in a line."""
    counts = (
        (done.uploaded, f"sent ({size(done.bytes)})"),
        (done.mounted, "mounted"),
        (done.skipped, "there already"),
    )
    words = [f"{count} {what}" for count, what in counts if count]
    if not done.uploaded and not done.mounted:
        words = ["nothing to send"]
    if done.attached:
        words.append(f"{done.attached} attached")
    return f"pushed {printable(done.reference)}: {', '.join(words)}"


def next_steps(done: Result, paint: Paint) -> str:
    """Hints for a person at a terminal."""
    name = done.tag or short(done.image.digest)
    hints = [("run it", f"slipway run {name} -- COMMAND"), ("look inside", f"slipway image inspect {name}")]
    if not done.outputs:
        hints.append(("hand it to Docker", "build again with --load"))
    return "\n".join(paint(line, "dim") for line in columns(hints))
