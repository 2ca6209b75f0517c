"""Records out of the data files of IMS, with their ids and times: all of them or, when anything is wrong, none."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError, UsageError
from slipway.service.ims.fields import InvalidError, load
from slipway.service.model import Image, Node, Recipe
from slipway.service.records.ims_schemas import FILES, DataFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.service.model import Record
    from slipway.service.records.store import Records
    from slipway.service.records.tx import Tx

_SHOWN: Final = 50  # problems; the number of all is told


class ImsFilesError(InputError):
    """The files cannot be imported as they are; `problems` is all that is wrong, each with file and index."""

    code = "ims-files"

    def __init__(self, problems: list[str], where: Path) -> None:
        shown = problems[:_SHOWN]
        if len(problems) > _SHOWN:
            shown.append(f"and {len(problems) - _SHOWN} more")
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(
            f"nothing was imported: {count} in the data files of {where}",
            details="\n".join(shown),
            hint="correct the files (or a copy of them), and import again",
        )
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Imported:
    """`added` and `same` (were there before, just so) count records by the name of their file."""

    added: dict[str, int]
    same: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Found:
    place: str  # file and index, for messages
    file: DataFile
    record: Record


def import_ims(directory: Path, records: Records, reporter: Reporter, *, dry_run: bool = False) -> Imported:
    """Add the records of all data files in `directory` in one transaction. Again, it adds nothing.

    Of a file under several names the newest is read, as IMS does. Fields that are not known are dropped with a warning. With
    `dry_run` all is checked and nothing written. `UsageError` when there is no data file, `ImsFilesError` for all that is
    wrong with them or contradicts what is there.
    """
    problems: list[str] = []
    found: list[_Found] = []
    read = 0
    for file in FILES:
        path = next((path for name in file.names if (path := directory / name).is_file()), None)
        if path is None:
            reporter.log(f"{directory} has no {file.name}")
            continue
        read += 1
        found += _records(path, file, problems, reporter)
    if not read:
        names = ", ".join(file.name for file in FILES)
        raise UsageError(f"{directory} has none of the data files of IMS", hint=f"these are {names}")
    _agree(found, problems)
    with reporter.step("import", str(directory), total=len(found)) as step:
        imported = records.write(lambda tx: _add(tx, found, problems, directory, dry_run=dry_run))
        step.advance(len(found))
    return imported


def _records(path: Path, file: DataFile, problems: list[str], reporter: Reporter) -> Iterator[_Found]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        problems.append(f"{path.name}: cannot be read: {error.strerror}")
        return
    except (ValueError, RecursionError) as error:
        empty = not path.stat().st_size
        problems.append(f"{path.name}: " + ("is empty: it was damaged" if empty else f"is not JSON: {error}"))
        return
    if not isinstance(content, list):
        problems.append(f"{path.name}: is not an array of records")
        return
    dropped: dict[str, int] = {}
    for index, each in enumerate(content):
        place = f"{path.name}[{index}]"
        if isinstance(each, dict):
            for name in each.keys() - file.schema.keys():
                dropped[name] = dropped.get(name, 0) + 1
                del each[name]
        try:
            yield _Found(place, file, file.make(load(file.schema, each)))
        except InvalidError as error:
            problems += [f"{place}{where}: {message}" for where, message in _flat(error.errors)]
    for name, count in sorted(dropped.items()):
        reporter.warn(f"{path.name}: the field {name!r} is not known, and dropped from {count} record(s)")


def _flat(errors: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(errors, dict):
        for name, inner in errors.items():
            yield from _flat(inner, where if name == "_schema" else f"{where}.{name}")
    else:
        for message in errors:
            yield where, message


def _agree(found: list[_Found], problems: list[str]) -> None:
    """No id twice, also not among the deleted, and no link twice among those that are there."""
    ids: dict[tuple[type[Record], str], str] = {}
    links: dict[tuple[type[Record], str], str] = {}
    for each in found:
        other = ids.setdefault((each.file.kind, each.record.id), each.place)
        if other != each.place:
            problems.append(f"{each.place}: the id {each.record.id} is that of {other} too")
        path = _path(each.record)
        if path:
            other = links.setdefault((each.file.kind, path), each.place)
            if other != each.place:
                problems.append(f"{each.place}: the link {path} is that of {other} too")


def _add(tx: Tx, found: list[_Found], problems: list[str], directory: Path, *, dry_run: bool) -> Imported:
    problems = list(problems)
    added = {file.name: 0 for file in FILES}
    same = dict(added)
    new: list[Record] = []
    for kind in dict.fromkeys(file.kind for file in FILES):
        here = {each.id: each for gone in (False, True) for each in tx.all(kind, gone=gone)}
        links = {path: each.id for each in here.values() if (path := _path(each))}
        for each in found:
            record = each.record
            if each.file.kind is not kind:
                continue
            before = here.get(record.id)
            owner = links.get(_path(record), record.id)
            if before is not None and not _equal(before, record):
                problems.append(f"{each.place}: {record.id} is here already, and is not the same")
            elif owner != record.id:
                problems.append(
                    f"{each.place}: the link {_path(record)} is that of {owner}, which is here already"
                )
            elif before is not None:
                same[each.file.name] += 1
            else:
                added[each.file.name] += 1
                new.append(replace(record, created=tx.now) if isinstance(record, Node) else record)
    if problems:
        raise ImsFilesError(problems, directory)
    if not dry_run:
        tx.add_all(new, action="imported")
    return Imported(added, same)


def _path(record: Record) -> str:
    """The link that no other record may have; empty for the deleted."""
    if isinstance(record, Recipe | Image) and record.link is not None and not record.deleted:
        return record.link.path
    return ""


def _equal(before: Record, record: Record) -> bool:
    """As far as the files tell."""
    if isinstance(record, Node):
        return True
    return replace(before, version=1, project=record.project, owner=record.owner) == record
