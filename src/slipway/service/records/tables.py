"""The tables. `migrations/` makes them; a test sees to it that both say the same.

`link_path` is unique among the records that are there (`LIVE`): the database itself refuses a second one. `stamp` is the number
of the change that wrote a row last; `stamps` has the newest number, of all under the kind `""`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from slipway.service.model import LIVE, Kind

metadata: Final = MetaData()
_LIVE: Final = text(f"state IN ({', '.join(repr(state) for state in LIVE)})")


def _common() -> list[Column[Any]]:
    return [
        Column("id", String(255), primary_key=True),
        Column("created", BigInteger, nullable=False),
        Column("version", Integer, nullable=False),
        Column("state", String(16), nullable=False),
        Column("deleted", BigInteger, nullable=False),
        Column("project", String(255), nullable=False),
        Column("owner", String(255), nullable=False),
        Column("stamp", BigInteger, nullable=False),
    ]


def _link(name: str) -> list[Column[Any]]:
    return [
        Column(f"{name}_path", Text),
        Column(f"{name}_etag", Text),
        Column(f"{name}_type", String(16)),
    ]


def _table(name: str, *columns: Column[Any], linked: bool = False) -> Table:
    table = Table(name, metadata, *_common(), *columns)
    Index(f"{name}_order", table.c.created, table.c.id)
    Index(f"{name}_stamp", table.c.stamp)
    if linked:
        Index(f"{name}_link", table.c.link_path, unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE)
    return table


public_keys = _table(
    "public_keys", Column("name", Text, nullable=False), Column("public_key", Text, nullable=False)
)
recipes = _table(
    "recipes",
    Column("name", Text, nullable=False),
    Column("recipe_type", String(32), nullable=False),
    Column("linux_distribution", String(32), nullable=False),
    *_link("link"),
    *_link("home"),
    Column("template_dictionary", JSON, nullable=False),
    Column("require_dkms", Boolean, nullable=False),
    Column("arch", String(16), nullable=False),
    linked=True,
)
images = _table(
    "images",
    Column("name", Text, nullable=False),
    *_link("link"),
    *_link("home"),
    Column("arch", String(16), nullable=False),
    Column("metadata", JSON, nullable=False),
    linked=True,
)
jobs = _table(
    "jobs",
    Column("job_type", String(16), nullable=False),
    Column("artifact_id", String(36), nullable=False),
    Column("public_key_id", String(36), nullable=False),
    Column("image_root_archive_name", Text, nullable=False),
    Column("enable_debug", Boolean, nullable=False),
    Column("build_env_size", Integer, nullable=False),
    Column("job_mem_size", Integer, nullable=False),
    Column("kernel_file_name", Text, nullable=False),
    Column("initrd_file_name", Text, nullable=False),
    Column("kernel_parameters_file_name", Text, nullable=False),
    Column("ssh_containers", JSON, nullable=False),
    Column("require_dkms", Boolean, nullable=False),
    Column("arch", String(16), nullable=False),
    Column("status", String(32), nullable=False),
    Column("resultant_image_id", String(36)),
    Column("kubernetes_job", Text),
    Column("kubernetes_service", Text),
    Column("kubernetes_configmap", Text),
    Column("kubernetes_namespace", Text),
    Column("kubernetes_pvc", Text),
    Column("kubernetes_secret", Text),
    Column("remote_build_node", Text, nullable=False),
)
nodes = _table("nodes")
stamps = Table(
    "stamps",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("stamp", BigInteger, nullable=False),
)
events = Table(
    "events",
    metadata,
    Column("stamp", BigInteger, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("id", String(255), nullable=False),
    Column("project", String(255), nullable=False),
    Column("change", JSON, nullable=False),
)
Index("events_record", events.c.kind, events.c.id)
# Who asked for what under which key, and what was answered: a request that comes twice is done once.
replies = Table(
    "replies",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("actor", String(255), primary_key=True),
    Column("asked", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
)

TABLES: Final[dict[Kind, Table]] = {
    "public-key": public_keys,
    "recipe": recipes,
    "image": images,
    "job": jobs,
    "node": nodes,
}
