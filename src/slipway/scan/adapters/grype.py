"""Grype's reports (`grype -o json`; grype/presenter/models: Document)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from slipway.scan.adapters.model import Imported
from slipway.scan.adapters.packages import component
from slipway.scan.adapters.reading import aliases, each, kept, named, score, severity, urls, weaknesses
from slipway.scan.advisories import fields
from slipway.scan.model import Feed, Finding, FixState, Severity, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.scan.model import Component

_FIX: Final[tuple[FixState, ...]] = ("fixed", "not-fixed", "wont-fix")
# Types of packages (syft: pkg/type.go) whose names are not those of purls.
_TYPES: Final = {"python": "pypi", "go-module": "golang", "java-archive": "maven", "rust-crate": "cargo"}
# Where the file that lists a package of a system is no help to find it.
_SYSTEM: Final = ("deb", "apk", "rpm")
_RAW: Final = (
    "dataSource",
    "namespace",
    "cvss",
    "epss",
    "knownExploited",
    "cwes",
    "risk",
    "fix",
    "advisories",
)
_RULE: Final = ("vulnerability", "namespace", "fix-state", "match-type", "package")


def read(report: Mapping[str, Any]) -> Imported:
    """`InputError` naming the place of what is not as it should be."""
    descriptor = fields.mapping(report, "descriptor")
    version = fields.word(descriptor, "version")
    feed = Feed("grype", version, _built(descriptor) or fields.time(descriptor, "timestamp"))
    source = f"grype {version}".rstrip()
    findings = each(report, "matches", lambda row: _findings(row, source))
    findings += each(report, "ignoredMatches", lambda row: _ignored(row, source))
    scanned = fields.mapping(report, "source")
    if scanned.get("type") != "image" or not isinstance(scanned.get("target"), dict):
        return Imported("grype", feed, tuple(findings))
    target = fields.mapping(scanned, "target")
    repository = fields.words(target, "repoDigests")
    digest = fields.word(target, "manifestDigest")
    names = (fields.word(target, "userInput"), *fields.words(target, "tags"))
    # of an image from a daemon the manifest is made up by Grype
    digests = (digest, *(name.rpartition("@")[2] for name in repository)) if repository else ()
    return Imported(
        "grype",
        feed,
        tuple(findings),
        names=tuple(dict.fromkeys(name for name in names if name)),
        digests=tuple(dict.fromkeys(d for d in digests if d)),
        image_id=fields.word(target, "imageID"),
        layers=tuple(d for row in fields.mappings(target, "layers") if (d := fields.word(row, "digest"))),
    )


def _built(descriptor: Mapping[str, Any]) -> str:
    """When its database was made: told in several ways (schema 5: `db.built`, 6: `db.status.built`)."""
    db = descriptor.get("db")
    said = db if isinstance(db, dict) else {}
    status = said.get("status")
    return fields.time(said, "built") or fields.time(status if isinstance(status, dict) else {}, "built")


def _findings(row: Mapping[str, Any], source: str) -> Iterator[Finding]:
    said = fields.mapping(row, "vulnerability")
    name = named(said, "id")
    related = [named(r, "id") for r in fields.mappings(row, "relatedVulnerabilities")]
    bulletins = [fields.word(r, "id") for r in fields.mappings(said, "advisories")]
    fix = fields.mapping(said, "fix")
    state = fields.word(fix, "state")
    description = fields.text(said, "description") or next(
        (
            text
            for r in fields.mappings(row, "relatedVulnerabilities")
            if (text := fields.text(r, "description"))
        ),
        "",
    )
    found = weaknesses(name, related)
    for weakness in found:
        # of a bulletin the related ones are each for itself
        others = (name, *bulletins) if found != (name,) else (name, *related, *bulletins)
        yield Finding(
            weakness,
            _component(fields.mapping(row, "artifact")),
            aliases=aliases(weakness, others),
            fixed=fields.words(fix, "versions"),
            fix_state=next((known for known in _FIX if known == state), "unknown"),
            severity=_severity(said),
            description=description,
            urls=urls(said.get("dataSource"), *fields.rows(said, "urls")),
            provenance=(source,),
            raw={"grype": {**kept(said, *_RAW), **kept(row, "matchDetails", "relatedVulnerabilities")}},
        )


def _ignored(row: Mapping[str, Any], source: str) -> Iterator[Finding]:
    """One that a rule took out of the matches: of the user, of a VEX document, or of Grype itself."""
    rules = fields.mappings(row, "appliedIgnoreRules")
    vex = next((rule for rule in rules if fields.word(rule, "vex-status")), None)
    for finding in _findings(row, source):
        finding.raw["grype"]["appliedIgnoreRules"] = rules
        if vex is None:
            yield replace(finding, waiver=f"ignored by a rule of Grype{_reason(rules)}")
            continue
        status = fields.word(vex, "vex-status")
        why = fields.word(vex, "vex-justification") or fields.text(vex, "reason")
        told: Status = "fixed" if status == "fixed" else "not_affected"
        yield replace(
            finding, status=told, vex=f"{status} by a VEX document given to Grype{why and f': {why}'}"
        )


def _reason(rules: list[dict[str, Any]]) -> str:
    said = [text for rule in rules if (text := fields.text(rule, "reason"))]
    said = said or [
        ", ".join(f"{name} {value}" for name in _RULE if isinstance(value := rule.get(name), str) and value)
        for rule in rules
    ]
    told = "; ".join(text for text in said if text)
    return told and f": {told}"


def _component(row: Mapping[str, Any]) -> Component:
    kind = fields.word(row, "type")
    kind = _TYPES.get(kind, kind)
    place = next(iter(fields.mappings(row, "locations")), {})
    upstream = next(iter(fields.mappings(row, "upstreams")), {})
    return component(
        fields.word(row, "purl"),
        kind,
        fields.word(row, "name"),
        fields.word(row, "version"),
        path="" if kind in _SYSTEM else fields.word(place, "path"),
        layer=fields.word(place, "layerID"),
        source_name=fields.word(upstream, "name"),
        source_version=fields.word(upstream, "version"),
    )


def _severity(said: Mapping[str, Any]) -> Severity:
    """The namespace (`debian:distro:debian:12`) tells who speaks. Scores of version 3 come first, as its word follows them."""
    origin = fields.word(said, "namespace").partition(":")[0]
    rated = fields.mappings(said, "cvss")
    best = min(rated, key=_rank, default={})
    value = score(fields.mapping(best, "metrics"), "baseScore")
    return severity(fields.word(said, "severity"), value, fields.word(best, "vector"), origin or "grype")


def _rank(rating: Mapping[str, Any]) -> tuple[bool, bool]:
    return not fields.word(rating, "version").startswith("3"), rating.get("type") != "Primary"
