"""Records of the service for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.cli.remote import IMAGE, JOB, KEY, NODE, RECIPE
from slipway.cli.text import columns, printable, size, table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slipway.cli.remote import Kind
    from slipway.cli.text import Paint
    from slipway.client.model import Artifact, BegunUpload, Sent

Row = "Mapping[str, Any]"

_COLUMNS: dict[str, tuple[tuple[str, Callable[[Any], Any]], ...]] = {
    KEY.noun: (("ID", lambda r: r["id"]), ("NAME", lambda r: r.get("name"))),
    RECIPE.noun: (
        ("ID", lambda r: r["id"]),
        ("NAME", lambda r: r.get("name")),
        ("TYPE", lambda r: r.get("recipe_type")),
        ("DISTRIBUTION", lambda r: r.get("linux_distribution")),
        ("ARCH", lambda r: r.get("arch")),
        ("ARTIFACT", lambda r: "yes" if r.get("link") else "no"),
    ),
    IMAGE.noun: (
        ("ID", lambda r: r["id"]),
        ("NAME", lambda r: r.get("name")),
        ("ARCH", lambda r: r.get("arch")),
        ("ARTIFACTS", lambda r: "yes" if r.get("link") else "no"),
    ),
    JOB.noun: (
        ("ID", lambda r: r["id"]),
        ("TYPE", lambda r: r.get("job_type")),
        ("STATUS", lambda r: r.get("status")),
        ("NAME", lambda r: r.get("image_root_archive_name")),
    ),
    NODE.noun: (("XNAME", lambda r: r["xname"]),),
}


def table_of(kind: Kind, records: Sequence[Mapping[str, Any]], paint: Paint) -> str:
    """One line for each, with the time of its making or, of deleted ones, of its deletion."""
    if not records:
        return f"no {kind.noun}s"
    wanted = list(_COLUMNS[kind.noun])
    if kind is not NODE:
        gone = any("deleted" in each for each in records)
        name = "deleted" if gone else "created"
        wanted.append((name.upper(), lambda r: str(r.get(name) or "")[:16].replace("T", " ")))
    rows = [[_cell(get(each)) for _, get in wanted] for each in records]
    return table([title for title, _ in wanted], rows, paint)


def facts_of(record: Mapping[str, Any]) -> str:
    """All that the record says, a line each; what has parts has its parts below it."""
    return "\n".join(columns(list(_facts(record))))


def sent_of(artifacts: Sequence[Sent]) -> list[str]:
    return columns([(each.path, size(each.size), each.md5) for each in artifacts], right=(1,))


def artifacts_of(artifacts: Sequence[Artifact], paint: Paint) -> str:
    """One line for each; RECORD is of what kind the one is that it belongs to."""
    if not artifacts:
        return "no artifacts"
    rows = []
    for each in artifacts:
        record = each["record"] or each["linked"]
        kind = record["kind"] if record else ""
        rows.append([_cell(each["path"]), size(each["size"]), _time(each["modified"]), _cell(kind)])
    return table(["PATH", "SIZE", "MODIFIED", "RECORD"], rows, paint, right=(1,))


def uploads_of(uploads: Sequence[BegunUpload], paint: Paint) -> str:
    if not uploads:
        return "no uploads"
    rows = [
        [
            _cell(each["path"]),
            size(each["size"]),
            _time(each["begun"]),
            _cell(each["owner"]),
            _cell(each["id"]),
        ]
        for each in uploads
    ]
    return table(["PATH", "SIZE", "BEGUN", "OWNER", "ID"], rows, paint, right=(1,))


def _time(text: str | None) -> str:
    return _cell((text or "")[:16].replace("T", " "))


def _facts(record: Mapping[str, Any], under: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in record.items():
        shown = f"{under}{name}"
        if isinstance(value, dict) and value:
            rows += _facts(value, f"{shown}.")
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for number, each in enumerate(value):
                pair = set(each) == {"key", "value"}
                rows += (
                    [(f"{shown}.{each['key']}", _cell(each["value"]))]
                    if pair
                    else _facts(each, f"{shown}.{number}.")
                )
        else:
            rows.append((shown, _cell(value)))
    return rows


def _cell(value: Any) -> str:
    if value is None or value == "" or value in ({}, []):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(str(value)).replace("\n", " ").replace("\t", " ")  # a record is a line
