"""The vulnerabilities in CycloneDX documents (CycloneDX 1.6: `vulnerabilities[]`), as Trivy, Grype and others write them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from slipway.errors import InputError
from slipway.scan.adapters.model import Imported
from slipway.scan.adapters.packages import component
from slipway.scan.adapters.reading import aliases, each, kept, named, score, severity, urls, weaknesses
from slipway.scan.advisories import fields
from slipway.scan.inventory.words import moment
from slipway.scan.model import Feed, Finding, Status
from slipway.scan.sbom import names
from slipway.scan.severity import most_trusted
from slipway.scan.versions.vers import UnclearRangeError, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.scan.model import Component, FixState, Severity

_STATES: Final[dict[str, Status]] = {
    "exploitable": "affected",
    "in_triage": "under_investigation",
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "false_positive": "not_affected",
    "not_affected": "not_affected",
}
_PROPERTIES: Final = {
    "path": (names.PATH, "aquasecurity:trivy:FilePath", "syft:location:0:path"),
    "layer": (names.LAYER, "aquasecurity:trivy:LayerDigest", "syft:location:0:layerID"),
    "source_name": (names.SOURCE, "aquasecurity:trivy:SrcName"),
    "source_version": (names.SOURCE_VERSION,),
}
_SYSTEM: Final = ("deb", "apk", "rpm")
_RAW: Final = (
    "bom-ref",
    "source",
    "references",
    "ratings",
    "cwes",
    "recommendation",
    "analysis",
    "properties",
)


def read(report: Mapping[str, Any]) -> Imported:
    """`InputError` naming the place of what is not as it should be."""
    metadata = fields.mapping(report, "metadata")
    image = fields.mapping(metadata, "component")
    tool, version = _tool(metadata)
    components = {}
    for row in (image, *_rows(report)):
        if reference := fields.word(row, "bom-ref"):
            components[reference] = row
    reader = _Reader(components, image, f"{tool} {version}".rstrip())
    said = [(fields.word(p, "name"), fields.text(p, "value")) for p in fields.mappings(image, "properties")]
    repository = [value for name, value in said if name == "aquasecurity:trivy:RepoDigest"]
    purl = fields.word(image, "purl")
    told = purl.partition("?")[0].rpartition("@")[2] if purl.startswith("pkg:oci/") else ""
    digests = [told, fields.word(image, "version"), *(name.rpartition("@")[2] for name in repository)]
    is_image = image.get("type") == "container"
    return Imported(
        "cyclonedx",
        Feed(tool, version, fields.time(metadata, "timestamp")),
        tuple(each(report, "vulnerabilities", reader.findings)),
        # an inventory alone has none, and says nothing
        ()
        if "vulnerabilities" in report
        else ("it holds no list of vulnerabilities: it is an inventory alone",),
        names=tuple(filter(None, (fields.word(image, "name"),))) if is_image else (),
        digests=tuple(dict.fromkeys(d for text in digests if (d := unquote(text)).startswith("sha256:"))),
        image_id=next((value for name, value in said if name == "aquasecurity:trivy:ImageID"), ""),
        layers=tuple(value for name, value in said if name == "aquasecurity:trivy:DiffID"),
    )


def _tool(metadata: Mapping[str, Any]) -> tuple[str, str]:
    """Since 1.5 tools are components; the list before that is still written."""
    tools = metadata.get("tools")
    rows = (
        fields.mappings(tools, "components")
        if isinstance(tools, dict)
        else fields.mappings(metadata, "tools")
    )
    first = rows[0] if rows else {}
    return fields.word(first, "name").lower() or "cyclonedx", fields.word(first, "version")


def _rows(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All components, those inside others too."""
    waiting: list[Mapping[str, Any]] = [report]
    while waiting:
        rows = fields.mappings(waiting.pop(), "components")
        yield from rows
        waiting.extend(rows)


class _Reader:
    def __init__(self, rows: dict[str, dict[str, Any]], image: Mapping[str, Any], source: str) -> None:
        self._rows = rows
        self._known: dict[str, Component] = {}
        self._image = image
        self._source = source

    def findings(self, row: dict[str, Any]) -> Iterator[Finding]:
        name = named(row, "id")
        references = [fields.word(r, "id") for r in fields.mappings(row, "references")]
        analysis = fields.mapping(row, "analysis")
        state = fields.word(analysis, "state")
        status = _STATES.get(state, "affected")
        response = fields.words(analysis, "response")
        fix: FixState = "wont-fix" if "will_not_fix" in response else "unknown"
        pages = [r.get("url") for r in fields.mappings(row, "advisories")]
        pages += [fields.mapping(r, "source").get("url") for r in fields.mappings(row, "references")]
        # without a list it is about the whole
        affects = fields.mappings(row, "affects") or [{"ref": self._image.get("bom-ref")}]
        raw = kept(row, *_RAW)
        for entry in affects:
            found = self._component(fields.word(entry, "ref"))
            own = "not_affected" if _unaffected(entry, found) else status
            for weakness in weaknesses(name, references):
                yield Finding(
                    weakness,
                    found,
                    own,
                    aliases(weakness, (name, *references)),
                    fix_state=fix,
                    severity=_severity(row),
                    description=fields.text(row, "description"),
                    urls=urls(fields.mapping(row, "source").get("url"), *pages),
                    provenance=(self._source,),
                    published=moment(row.get("published")),
                    vex=_why(analysis, state) if status in ("fixed", "not_affected") else "",
                    raw={self._source.partition(" ")[0]: raw},
                )

    def _component(self, reference: str) -> Component:
        if reference not in self._known:
            self._known[reference] = self._resolved(reference)
        return self._known[reference]

    def _resolved(self, reference: str) -> Component:
        """By the component's `bom-ref`; a BOM-Link (`urn:cdx:UUID/VERSION#REF`) names one of another document, perhaps this."""
        inner = unquote(reference.partition("#")[2]) if reference.startswith("urn:cdx:") else reference
        row = self._rows.get(reference) or self._rows.get(inner)
        if row is None:
            purl = inner if inner.startswith("pkg:") else ""
            return component(purl, "generic", "" if purl else reference or "unknown", "")
        said = {fields.word(p, "name"): fields.text(p, "value") for p in fields.mappings(row, "properties")}
        more = {key: next((said[n] for n in at if said.get(n)), "") for key, at in _PROPERTIES.items()}
        purl = fields.word(row, "purl")
        group, name = fields.word(row, "group"), fields.word(row, "name")
        # the purl has names as they should be, but of an image only the last part
        own = "" if purl and not purl.startswith("pkg:oci/") else f"{group}/{name}".lstrip("/")
        try:
            found = component(purl, "generic", own, fields.word(row, "version"), **more)
        except InputError as error:
            raise InputError(f"affects: {error.brief}") from error
        return replace(found, path="") if found.kind in _SYSTEM else found


def _unaffected(entry: Mapping[str, Any], found: Component) -> bool:
    """Whether that is said of the very version that is there, and nothing else besides."""
    said = {fields.word(row, "status") for row in fields.mappings(entry, "versions") if _means(row, found)}
    return said == {"unaffected"}


def _means(row: Mapping[str, Any], found: Component) -> bool:
    """Where nobody can tell whether a range means it, what is not well does."""
    if not (span := fields.text(row, "range")):
        return row.get("version") == found.version
    try:
        return within(span, found.kind, found.version)
    except UnclearRangeError:
        return fields.word(row, "status") != "unaffected"


def _why(analysis: Mapping[str, Any], state: str) -> str:
    parts = (state, fields.word(analysis, "justification"), fields.text(analysis, "detail"))
    return ": ".join(part for part in parts if part)


def _severity(row: Mapping[str, Any]) -> Severity:
    """The rating of the one to believe."""

    def rating(said: dict[str, Any]) -> list[Severity]:
        origin = fields.word(fields.mapping(said, "source"), "name")
        value = score(said, "score") if str(said.get("method", "")).upper().startswith("CVSS") else 0.0
        return [severity(fields.word(said, "severity"), value, fields.word(said, "vector"), origin)]

    return most_trusted(each(row, "ratings", rating))
