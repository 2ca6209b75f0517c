"""Records as rows of their tables, and back."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

from slipway.service.model import Image, Job, Link, Node, PublicKey, Recipe, SshContainer
from slipway.service.records.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Table

    from slipway.service.model import Kind, Record

R = TypeVar("R", bound="Record")

CLASSES: Final[dict[Kind, type[Record]]] = {
    "public-key": PublicKey,
    "recipe": Recipe,
    "image": Image,
    "job": Job,
    "node": Node,
}
_KINDS: Final = {record: kind for kind, record in CLASSES.items()}
_FIELDS: Final = {record: tuple(f.name for f in fields(record)) for record in CLASSES.values()}
_LINKS: Final = frozenset({"link", "home"})


def kind_of(record: type[Record]) -> Kind:
    return _KINDS[record]


def table_of(record: type[Record]) -> Table:
    return TABLES[_KINDS[record]]


def to_row(record: Record) -> dict[str, Any]:
    """The columns of the record, all but `stamp`."""
    row: dict[str, Any] = {}
    for name in _FIELDS[type(record)]:
        content = getattr(record, name)
        if name in _LINKS:
            row[f"{name}_path"] = content.path if content else None
            row[f"{name}_etag"] = content.etag if content else None
            row[f"{name}_type"] = content.type if content else None
        elif name == "template_dictionary":
            row[name] = [list(pair) for pair in content]
        elif name == "ssh_containers":
            row[name] = [[c.name, c.jail, c.status, [list(host) for host in c.hosts]] for c in content]
        else:
            row[name] = content
    return row


def of_row(kind: type[R], row: Mapping[str, Any]) -> R:
    known: dict[str, Any] = {}
    for name in _FIELDS[kind]:
        if name in _LINKS:
            path = row[f"{name}_path"]
            known[name] = None if path is None else Link(path, row[f"{name}_etag"], row[f"{name}_type"])
        elif name == "template_dictionary":
            known[name] = tuple((key, value) for key, value in row[name])
        elif name == "ssh_containers":
            known[name] = tuple(
                SshContainer(label, jail, status, tuple((n, host, port) for n, host, port in hosts))
                for label, jail, status, hosts in row[name]
            )
        else:
            known[name] = row[name]
    return kind(**known)
