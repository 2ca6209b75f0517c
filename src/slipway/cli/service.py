"""`slipway service`: what is done to the data of a service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from slipway.cli.face import says
from slipway.cli.lazy import Group
from slipway.cli.serviceoptions import options_for, service_settings

if TYPE_CHECKING:
    from slipway.cli.face import Face
    from slipway.service.settings import ServiceSettings

EXAMPLES = """
slipway service check --data /srv/slipway
slipway service migrate --database postgresql://slipway@db/slipway
slipway service import-ims /var/ims/data --dry-run
slipway service export records
"""
DATABASE: Final = ("data", "database")
STORAGE: Final = (
    *DATABASE,
    "artifacts",
    "s3_endpoint",
    "s3_region",
    "s3_ca",
    "s3_verify",
    "s3_connect_timeout",
    "s3_read_timeout",
    "recipes_bucket",
    "images_bucket",
)


@click.group(cls=Group, examples=EXAMPLES)
def service() -> None:
    """Look after the data of a service.

    Options and variables are those of `slipway serve`.
    """


def _settings(face: Face, given: dict[str, Any]) -> ServiceSettings:
    from slipway.service.opening import check_installed, placed

    check_installed()
    return placed(service_settings(given)[0], face.settings().store)


@says(verbose=False)
@options_for(DATABASE)
@service.command(examples="slipway service migrate --data /srv/slipway")
@click.pass_obj
def migrate(face: Face, /, **given: Any) -> None:
    """Make the tables of the database, or bring them up to this release.

    The service does so when it starts. With this it can be done before, by a user who may change tables.
    """
    settings = _settings(face, given)
    from slipway.service.opening import held
    from slipway.service.records.schema import HEAD
    from slipway.service.records.store import Records

    with held(settings), Records.open(settings.database):
        face.result({"tables": HEAD}, lambda: f"the tables are those of this release ({HEAD})")


@says(verbose=False)
@options_for(STORAGE)
@service.command(
    examples="slipway service check --data /srv/slipway\nslipway service check --artifacts s3 --json"
)
@click.pass_obj
def check(face: Face, /, **given: Any) -> None:
    """Say whether database and storage can be used, with what is in the database.

    Nothing may be running on the same data directory.
    """
    settings = _settings(face, given)
    from slipway.service.opening import held, storage
    from slipway.service.records.store import Records

    with held(settings), Records.open(settings.database) as records, storage(settings):
        records.check()
        counts = records.counts()
    kept = [
        {"kind": kind, "state": state, "records": number} for (kind, state), number in sorted(counts.items())
    ]
    lines = [f"{each['records']:8} {each['kind']} ({each['state']})" for each in kept]
    face.result({"records": kept}, lambda: "\n".join(["database and storage work", *lines]))


@says()
@options_for(DATABASE)
@service.command(
    "import-ims",
    examples="slipway service import-ims /var/ims/data --dry-run\nslipway service import-ims /var/ims/data",
)
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check all and write nothing.")
@click.pass_obj
def import_ims(face: Face, /, *, directory: Path, dry_run: bool, **given: Any) -> None:
    """Take over the records of IMS from the data files in DIR, with their ids and times.

    All or nothing; what is here already, just so, is passed over. Artifacts stay where they are: their links are kept.
    """
    settings = _settings(face, given)
    from slipway.service.opening import held
    from slipway.service.records.ims_files import import_ims as bring
    from slipway.service.records.store import Records

    with face.reporter() as reporter, held(settings), Records.open(settings.database) as records:
        done = bring(directory, records, reporter, dry_run=dry_run)
    verb = "would be added" if dry_run else "added"
    lines = [f"{number:8} {verb} from {name}" for name, number in done.added.items() if number]
    lines += [f"{number:8} here already from {name}" for name, number in done.same.items() if number]
    data = {"added": done.added, "same": done.same, "dry_run": dry_run}
    face.result(data, lambda: "\n".join(lines) or "there is nothing in the files")


@says(verbose=False)
@options_for(DATABASE)
@service.command("export", examples="slipway service export records --data /srv/slipway")
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def export(face: Face, /, *, directory: Path, **given: Any) -> None:
    """Write all records into DIR as the data files of IMS, of one moment.

    Owners, projects and the audit trail are not in them.
    """
    settings = _settings(face, given)
    from slipway.service.opening import held
    from slipway.service.records.exporting import export_ims
    from slipway.service.records.store import Records

    with held(settings), Records.open(settings.database) as records:
        counts = export_ims(directory, records)
    lines = [f"{number:8} {name}" for name, number in counts.items()]
    face.result({"directory": str(directory), "records": counts}, lambda: "\n".join(lines))
