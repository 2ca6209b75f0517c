"""What the commands that ask an image service have in common: the connection, finding a record, and the verbs all kinds have."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.face import Face, says
from slipway.cli.lazy import Group
from slipway.cli.text import Paint
from slipway.errors import SlipwayError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from slipway.client import Client, S3Access

    Decorated = Callable[[Any], Any]


@dataclass(frozen=True)
class Kind:
    """`noun` is what people call it, `attribute` the client's collection; `restorable` what can be undeleted."""

    noun: str
    attribute: str
    restorable: bool = True
    key: str = "id"

    @property
    def article(self) -> str:
        return "an" if self.noun[0] in "aeio" else "a"


KEY = Kind("key", "keys")
RECIPE = Kind("recipe", "recipes")
IMAGE = Kind("image", "images")
JOB = Kind("job", "jobs", restorable=False)
NODE = Kind("node", "nodes", restorable=False, key="xname")


class WithRemote(Group):
    """A group whose commands are partly about this machine and partly about the service: help tells them apart."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.remote: set[str] = set()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, wanted in (("Commands", False), ("Commands on the service", True)):
            rows = [
                (name, command.get_short_help_str(formatter.width))
                for name, command in self.commands.items()
                if (name in self.remote) is wanted and command is self.get_command(ctx, name)
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _server(ctx: click.Context, param: click.Parameter, value: str | None) -> None:  # noqa: ARG001
    if value is not None:
        ctx.ensure_object(Face).overrides["server"] = value


def server_option() -> Decorated:
    """`--server`, the setting, also after the command."""
    return click.option(
        "--server",
        metavar="URL",
        expose_value=False,
        callback=_server,
        help="Address of the service; default: the setting `server`.",
    )


def id_argument(kind: Kind, *, many: bool = False, deleted: bool = False) -> Decorated:
    """ID or name, completed from what the service has."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
        return [word for word in _ids(ctx, kind, deleted=deleted) if word.startswith(incomplete)]

    name = "XNAME" if kind.key == "xname" else "ID"
    return click.argument(
        "words" if many else "word",
        metavar=f"{name}..." if many else name,
        nargs=-1 if many else 1,
        required=True,
        shell_complete=complete,
    )


@contextmanager
def connected(face: Face, s3: S3Access | None = None) -> Iterator[Client]:
    """A client of the service that is set."""
    from slipway.client import Client

    with (
        face.reporter() as reporter,
        Client(settings=face.settings(), s3=s3, reporter=reporter) as client,
    ):
        yield client


def pairs(words: Sequence[str], what: str) -> dict[str, str]:
    """`KEY=VALUE` words as a mapping."""
    out = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not key or not sign:
            raise UsageError(f"{what} is KEY=VALUE, not {word!r}")
        out[key] = value
    return out


def find(kind: Kind, records: Sequence[Mapping[str, Any]], word: str) -> Mapping[str, Any]:
    """The record with this id, or the only one with this name."""
    for each in records:
        if each[kind.key] == word:
            return each
    named = [each for each in records if each.get("name") == word]
    if len(named) == 1:
        return named[0]
    if named:
        ids = "\n".join(str(each[kind.key]) for each in named)
        raise UsageError(
            f"{len(named)} {kind.noun}s are named {word!r}", details=ids, hint="name one by its id"
        )
    raise UsageError(f"the service has no {kind.noun} {word!r}", hint=f"see `slipway {kind.noun} list`")


def identity(client: Client, kind: Kind, word: str, *, deleted: bool = False) -> str:
    """The id of the record that is meant."""
    collection = getattr(client, kind.attribute)
    return str(find(kind, collection.deleted() if deleted else collection.list(), word)[kind.key])


def add_verbs(group: click.Group, kind: Kind) -> None:
    """`list`, `show` and `rm` for all kinds; `undelete` and `purge` for those whose deleted records are kept.

    A group that has an `rm` of its own keeps it.
    """
    added = [_list(kind), _show(kind)]
    if "rm" not in group.commands:
        added.append(_rm(kind))
    if kind.restorable:
        added += [_undelete(kind), _purge(kind)]
    for command in added:
        join(group, command)


def join(group: click.Group, command: click.Command) -> None:
    """Add a command that asks the service."""
    group.add_command(command)
    if isinstance(group, WithRemote):
        group.remote.add(str(command.name))


def command(name: str, summary: str, examples: str) -> Decorated:
    """A command that asks the service."""
    from slipway.cli.lazy import Command

    def make(function: Any) -> Any:
        made = click.command(name, cls=Command, help=summary, examples=examples)(
            server_option()(click.pass_obj(function))
        )
        return says()(made)

    return make


def _list(kind: Kind) -> Any:
    many = f"{kind.noun}s"

    def listed(face: Face, *, name: str, deleted: bool = False) -> None:
        from slipway.cli import render_remote

        with connected(face) as client:
            collection = getattr(client, kind.attribute)
            found = collection.deleted() if deleted else collection.list()
        found = [each for each in found if not name or each.get("name", each.get(kind.key)) == name]
        face.result({many: list(found)}, lambda: render_remote.table_of(kind, found, Paint(sys.stdout)))

    option = click.option("--name", default="", metavar="NAME", help="Only those of this name.")
    listed = option(listed)
    if kind.restorable:
        listed = click.option("--deleted", is_flag=True, help="Those that are deleted.")(listed)
    example = f"slipway {kind.noun} list" + (
        f"\nslipway {kind.noun} list --deleted --json" if kind.restorable else ""
    )
    return command("list", f"List the {many} of the service.", example)(listed)


def _show(kind: Kind) -> Any:
    def show(face: Face, *, word: str, deleted: bool = False) -> None:
        from slipway.cli import render_remote

        with connected(face) as client:
            collection = getattr(client, kind.attribute)
            found = find(kind, collection.deleted() if deleted else collection.list(), word)
        face.result({kind.noun: found}, lambda: render_remote.facts_of(found))

    show = id_argument(kind)(show)
    if kind.restorable:
        show = click.option("--deleted", is_flag=True, help="One that is deleted.")(show)
    return command(
        "show",
        f"Show {kind.article} {kind.noun} of the service.",
        f"slipway {kind.noun} show {_example(kind)}",
    )(show)


def _rm(kind: Kind) -> Any:
    def rm(face: Face, *, words: tuple[str, ...]) -> None:
        remove(face, kind, words)

    kept = f" It is kept until `slipway {kind.noun} purge`." if kind.restorable else ""
    return command(
        "rm", f"Delete {kind.noun}s on the service.{kept}", f"slipway {kind.noun} rm {_example(kind)}"
    )(id_argument(kind, many=True)(rm))


def remove(face: Face, kind: Kind, words: Sequence[str]) -> None:
    """Delete records; all are found before the first is deleted."""
    with connected(face) as client:
        ids = [identity(client, kind, word) for word in words]
        for each in ids:
            getattr(client, kind.attribute).delete(each)
    face.result({"deleted": ids}, lambda: "\n".join(ids))


def _undelete(kind: Kind) -> Any:
    def undelete(face: Face, *, words: tuple[str, ...]) -> None:
        with connected(face) as client:
            ids = [identity(client, kind, word, deleted=True) for word in words]
            for each in ids:
                getattr(client, kind.attribute).undelete(each)
        face.result({"undeleted": ids}, lambda: "\n".join(ids))

    return command(
        "undelete",
        f"Bring deleted {kind.noun}s back.",
        f"slipway {kind.noun} list --deleted\nslipway {kind.noun} undelete {_example(kind)}",
    )(id_argument(kind, many=True, deleted=True)(undelete))


def _purge(kind: Kind) -> Any:
    def purge(face: Face, *, words: tuple[str, ...]) -> None:
        with connected(face) as client:
            ids = [identity(client, kind, word, deleted=True) for word in words]
            for each in ids:
                getattr(client, kind.attribute).purge(each)
        face.result({"purged": ids}, lambda: "\n".join(ids))

    what = "" if kind is KEY else ", with their artifacts"
    return command(
        "purge",
        f"Remove deleted {kind.noun}s for ever{what}.",
        f"slipway {kind.noun} purge {_example(kind)}",
    )(id_argument(kind, many=True, deleted=True)(purge))


def _example(kind: Kind) -> str:
    return "x3000c0s17b0n0" if kind is NODE else "7b0c5a4e-3c1d-4d55-9f0a-0c1f2f6f3a11"


def _ids(ctx: click.Context, kind: Kind, *, deleted: bool) -> list[str]:
    def words(client: Client) -> list[str]:
        collection = getattr(client, kind.attribute)
        found = collection.deleted() if deleted else collection.list()
        return sorted({str(each[name]) for each in found for name in (kind.key, "name") if each.get(name)})

    return offered(ctx, words)


def offered(ctx: click.Context, words: Callable[[Client], list[str]]) -> list[str]:
    """What the service has for a shell to put in. Never fails, and never takes long: a shell waits."""
    from slipway.client import Client

    try:
        face = ctx.find_root().ensure_object(Face)
        settings = face.settings().with_(timeout=1.0)
        with Client(settings=settings, pause=_no_pause) as client:
            return words(client)
    except (SlipwayError, OSError, ValueError):
        return []


def _no_pause(_: float) -> None:
    return None
