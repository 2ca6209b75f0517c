"""What the verbs on images and the store return, as text."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from slipway.cli.text import columns, plural, printable, short, size, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.cli.text import Paint
    from slipway.images.diff import Diff, PathChange
    from slipway.images.ls import Listed
    from slipway.images.pull import Pulled
    from slipway.images.referrers import Attached
    from slipway.images.rm import Removed
    from slipway.oci.gc import GcReport
    from slipway.oci.usage import Check, Usage
    from slipway.registry.push import Pushed

MOST_PATHS = 20  # unless more is asked for
_KINDS = {"deb": "Debian package", "pypi": "Python package"}
_LISTS = {"Entrypoint": "entrypoint", "Cmd": "command"}
_TEXTS = {"User": "user", "WorkingDir": "directory"}
_KEYS = {"ExposedPorts": "ports", "Volumes": "volumes"}


def ls(images: Sequence[Listed], paint: Paint) -> str:
    if not images:
        return "no images yet; `slipway build FILE` makes one"
    rows = [
        (
            printable(i.name) or "(no name)",
            short(i.digest),
            ", ".join(i.platforms),
            str(i.layers),
            size(i.size),
            i.created[:10],
        )
        for i in images
    ]
    return table(("NAME", "DIGEST", "PLATFORM", "LAYERS", "SIZE", "CREATED"), rows, paint, right=(3, 4))


def inspect(image: dict[str, Any], paint: Paint, *, verbose: bool = False) -> str:
    config = image["Config"]
    names = image["RepoTags"]
    facts = [
        ("digest", image["Digest"]),
        ("id", image["Id"]),
        ("platform", ", ".join(image["Platforms"])),
        ("created", image["Created"]),
        (
            "size",
            size(image["Size"])
            + (f", {size(raw)} unpacked" if (raw := image["RawSize"]) is not None else ""),
        ),
        *((label, json.dumps(config[key])) for key, label in _LISTS.items() if config.get(key)),
        *((label, config[key]) for key, label in _TEXTS.items() if config.get(key)),
        *((label, ", ".join(config[key])) for key, label in _KEYS.items() if config.get(key)),
        *(("variable", line) for line in config.get("Env") or ()),
        *(("label", f"{k}={v}") for k, v in sorted((config.get("Labels") or {}).items())),
    ]
    counts = Counter(kind for layer in image["Layers"] for kind, _, _ in layer["parts"])
    facts += [("holds", plural(counts[kind], noun)) for kind, noun in _KINDS.items() if counts[kind]]
    if image["Lock"]:
        facts.append(("lock", "in the image; `slipway verify` builds from it"))
    lines = [paint(", ".join(names) or "an image without a name", "bold")]
    lines += [f"  {line}" for line in columns([(label, printable(str(value))) for label, value in facts])]
    return "\n".join([*lines, "", _layers(image["Layers"], paint, verbose=verbose)])


def _layers(layers: Sequence[dict[str, Any]], paint: Paint, *, verbose: bool) -> str:
    rows = [
        (
            printable(layer["name"]) or "(from the base image)",
            short(layer["digest"]),
            size(layer["size"]),
            "" if layer["raw_size"] is None else size(layer["raw_size"]),
            str(len(layer["parts"]) or ""),
            layer["origin"] and f"in {printable(layer['origin'])}",
        )
        for layer in layers
    ]
    heading, *lines = table(
        ("LAYER", "DIGEST", "SIZE", "UNPACKED", "PARTS", ""), rows, paint, right=(2, 3, 4)
    ).splitlines()
    if not verbose:
        return "\n".join([heading, *lines])
    out = [heading]
    for layer, line in zip(layers, lines, strict=True):
        out.append(line)
        out += [paint(f"    {part}", "dim") for part in columns([_clean(p) for p in layer["parts"]])]
    return "\n".join(out)


def _clean(cells: Iterable[str]) -> list[str]:
    return [printable(cell) for cell in cells]


def rm(gone: Sequence[Removed]) -> str:
    lines = [f"removed {r.name or short(r.digest)}" for r in gone]
    if any(r.last for r in gone):
        lines.append("`slipway store gc` frees the space")
    return "\n".join(lines)


def diff(found: Diff, paint: Paint, *, verbose: bool = False) -> str:
    rows = [_change(p.before, p.after, (p.kind, p.name), paint) for p in found.packages]
    settings = [_change(_value(s.before), _value(s.after), (s.key,), paint) for s in found.settings]
    parts = [_section("packages", rows, paint), _section("settings", settings, paint)]
    shown = found.paths if verbose else found.paths[:MOST_PATHS]
    paths = [_path(p, paint) for p in shown]
    parts.append(_section(f"paths ({_path_counts(found.paths)})", paths, paint))
    if more := len(found.paths) - len(shown):
        parts.append(paint(f"  and {more} more (--verbose shows them)", "dim"))
    return "\n".join(p for p in parts if p) or "no differences"


def _section(title: str, rows: Sequence[Sequence[str]], paint: Paint) -> str:
    if not rows:
        return ""
    return "\n".join([paint(title, "bold"), *(f"  {line}" for line in columns(rows))])


def _change(before: str, after: str, what: Sequence[str], paint: Paint) -> list[str]:
    cells = _clean(what)
    if not before:
        return [paint("+", "green"), *cells, printable(after)]
    if not after:
        return [paint("-", "red"), *cells, printable(before)]
    return [paint("~", "yellow"), *cells, printable(f"{before} → {after}")]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _path(change: PathChange, paint: Paint) -> list[str]:
    path = printable(change.path)
    if change.before is None:
        return [paint("+", "green"), path, size(change.after or 0)]
    if change.after is None:
        return [paint("-", "red"), path, size(change.before)]
    sizes = f"{size(change.before)} → {size(change.after)}" if change.before != change.after else ""
    return [paint("~", "yellow"), path, sizes, ", ".join(change.what)]


def _path_counts(paths: Sequence[PathChange]) -> str:
    added = sum(p.before is None for p in paths)
    removed = sum(p.after is None for p in paths)
    return f"{added} added, {removed} removed, {len(paths) - added - removed} changed"


def df(found: Usage, paint: Paint) -> str:
    images = [
        (printable(", ".join(i.names)) or short(i.digest), size(i.size), size(i.shared), size(i.unique))
        for i in found.images
    ]
    places = [
        ("blobs of images", size(found.blobs - found.reclaimable)),
        ("blobs that nothing needs", size(found.reclaimable)),
        ("indexes and records", size(found.indexes + found.records)),
        *((f"cache: {name}", size(count)) for name, count in found.cache.items()),
        ("total", size(found.total)),
    ]
    parts = [table(("IMAGE", "SIZE", "SHARED", "OWN"), images, paint, right=(1, 2, 3)), ""] if images else []
    return "\n".join([*parts, *columns(places, right=(1,))])


def gc(report: GcReport) -> str:
    if not report.swept:
        return "nothing to remove"
    rows = [(kind, str(swept.count), size(swept.size)) for kind, swept in report.swept.items()]
    verb = "would free" if report.dry_run else "freed"
    return "\n".join([*columns(rows, right=(1, 2)), f"{verb} {size(report.size)}"])


def check(found: Check) -> str:
    lines = [f"{plural(found.images, 'image')}, {plural(found.blobs, 'blob')}, {size(found.size)}: sound"]
    lines += [
        f"{plural(count, 'blob')} not here but in {printable(place)}" for place, count in found.remote.items()
    ]
    return "\n".join(lines)


def pulled(done: Pulled) -> str:
    """The name, as of a build; the digest for an image without one."""
    return printable(done.name) or done.digest


def pushed(done: Pushed) -> str:
    """What anybody can pull exactly this image by."""
    return f"{printable(done.reference).partition('@')[0]}@{done.digest}"


def referrers(rows: Sequence[Attached], paint: Paint) -> str:
    if not rows:
        return "nothing is attached to it"
    cells = [
        (
            printable(row.type) or "(no type)",
            short(row.digest),
            short(row.subject),
            row.platform,
            row.created[:10],
        )
        for row in rows
    ]
    shown = [[printable(cell) for cell in row] for row in cells]
    return table(("TYPE", "DIGEST", "SUBJECT", "PLATFORM", "CREATED"), shown, paint)
