"""What osv-scanner writes (`--format json`; pkg/models/results.go), and plain documents of OSV (OSV schema 1.7).

Plain documents name no installed package: `matched` says what they mean for an inventory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.scan.adapters.model import Imported
from slipway.scan.adapters.packages import component, type_of
from slipway.scan.adapters.reading import aliases, each, kept, score, severity, urls, weaknesses
from slipway.scan.advisories import fields, osv
from slipway.scan.merge import preferred
from slipway.scan.model import Feed, Finding, Level
from slipway.scan.severity import most_trusted
from slipway.scan.versions import IncomparableError, affected, fixes, lookups

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from slipway.scan.model import Advisory, Affected, Component, Inventory, Severity

_SCANNER: Final = "osv-scanner"


def read_scanner(report: Mapping[str, Any]) -> Imported:
    """`InputError` naming the place of what is not as it should be."""

    def source(row: dict[str, Any]) -> list[Finding]:
        path = fields.text(fields.mapping(row, "source") or fields.mapping(row, "packageSource"), "path")
        return each(row, "packages", lambda package: _of_package(package, path))

    generic = len(fields.rows(report, "experimental_generic_findings"))
    return Imported(
        "osv-scanner",
        Feed(_SCANNER),
        tuple(each(report, "results", source)),
        others=(("generic finding", generic),) if generic else (),
    )


def read_documents(documents: list[Any]) -> Imported:
    """One or many, as `Imported.advisories`."""
    read = each({"documents": documents}, "documents", lambda row: [osv.read(row, "osv")])
    newest = max((advisory.modified for advisory in read), default="")
    return Imported("osv", Feed("osv", "", newest), advisories=tuple(read))


def matched(imported: Imported, inventory: Inventory) -> tuple[list[Finding], list[str]]:
    """What the report's documents say of our components, and of which it could not be told."""
    entries: dict[tuple[str, str], list[tuple[Advisory, Affected]]] = {}
    for advisory in imported.advisories:
        for entry in () if advisory.withdrawn else advisory.affected:
            entries.setdefault((entry.ecosystem, entry.name), []).append((advisory, entry))
    found: list[Finding] = []
    unclear: list[str] = []
    for ours in inventory.components if entries else ():
        # what another package brought is left to that package's feed
        for ecosystem, name, version in () if ours.owner else lookups(ours, inventory.system):
            for advisory, entry in entries.get((ecosystem, name), ()):
                try:
                    if affected(entry, version):
                        found += _findings(advisory, entry, ours, version, imported.source, {})
                except IncomparableError as error:
                    unclear.append(f"{advisory.id} names {ours.name}, but {error.brief}")
    return found, unclear


def _of_package(row: dict[str, Any], path: str) -> list[Finding]:
    package = fields.mapping(row, "package")
    ecosystem = fields.word(package, "ecosystem")
    name = fields.word(package, "name")
    binary = fields.word(package, "os_package_name")
    kind = type_of(ecosystem)
    version = fields.word(package, "version")
    is_system = kind in ("deb", "apk", "rpm")
    found = component(
        "",
        kind,
        binary or name,
        version,
        namespace=ecosystem.partition(":")[0].lower() if is_system else "",
        path="" if is_system else path,
        source_name=name if is_system else "",
        arch="source" if is_system and not binary else "",
    )
    groups = fields.mappings(row, "groups")

    def vulnerability(record: dict[str, Any]) -> Iterable[Finding]:
        advisory = osv.read(record, _SCANNER)
        entry = _entry(advisory, ecosystem, name)
        said = next((group for group in groups if advisory.id in fields.words(group, "ids")), {})
        raw = {
            **kept(said, "aliases", "max_severity", "experimental_analysis"),
            **kept(row, "dependency_groups"),
        }
        if advisory.withdrawn:
            return ()
        return _findings(advisory, entry, found, version, _SCANNER, raw)

    return each(row, "vulnerabilities", vulnerability)


def _entry(advisory: Advisory, ecosystem: str, name: str) -> Affected | None:
    """What the advisory says of the package, by ecosystem with its release, or else without."""
    wanted = osv.package_name(ecosystem, name)
    same = [entry for entry in advisory.affected if entry.name == wanted]
    exact = [entry for entry in same if entry.ecosystem == ecosystem]
    near = [e for e in same if e.ecosystem.partition(":")[0] == ecosystem.partition(":")[0]]
    return next(iter(exact or near), None)


def _findings(
    advisory: Advisory,
    entry: Affected | None,
    found: Component,
    version: str,
    source: str,
    raw: dict[str, Any],
) -> Iterator[Finding]:
    grouped = fields.words(raw, "aliases")
    names = (advisory.id, *advisory.aliases, *(grouped if not osv.is_bulletin(advisory.id) else ()))
    about = weaknesses(advisory.id, advisory.upstream)
    if about == (advisory.id,):
        # Debian's and Ubuntu's own records of a CVE are about that one
        about = (preferred((*names, *(advisory.upstream if len(advisory.upstream) == 1 else ()))),)
    fixed = fixes(entry, version) if entry else ()
    said = [advisory.severity, *([entry.severity] if entry else [])]
    if all(each.level is Level.UNKNOWN for each in said):
        said.append(_of_group(raw))
    for name in about:
        yield Finding(
            name,
            found,
            aliases=aliases(name, names),
            fixed=fixed,
            fix_state="fixed" if fixed else (entry.fix_state if entry else "unknown"),
            severity=most_trusted(said),
            title=advisory.summary,
            description=advisory.details,
            urls=urls(*advisory.urls),
            provenance=(source,),
            published=advisory.published,
            raw={_SCANNER: raw} if raw else {},
        )


def _of_group(raw: Mapping[str, Any]) -> Severity:
    """The highest score in a group of aliases, which osv-scanner computes of vectors that we cannot."""
    return severity("", score(raw, "max_severity"), "", _SCANNER)
