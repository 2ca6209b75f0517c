"""Trivy's reports (`trivy image --format json`; pkg/types/report.go, SchemaVersion 2, and the bare list before it)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.adapters.model import Imported
from slipway.scan.adapters.packages import component
from slipway.scan.adapters.reading import aliases, each, kept, named, score, severity, urls, weaknesses
from slipway.scan.advisories import fields
from slipway.scan.inventory.words import moment
from slipway.scan.model import Feed, Finding, FixState, Severity, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SCHEMA: Final = 2
# Their `fixed` means that a fix is to be had, not that it is in.
_STATUS: Final[dict[str, tuple[Status, FixState]]] = {
    "fixed": ("affected", "fixed"),
    "affected": ("affected", "not-fixed"),
    "will_not_fix": ("affected", "wont-fix"),
    "fix_deferred": ("affected", "deferred"),
    "end_of_life": ("no_support", "wont-fix"),
    "under_investigation": ("under_investigation", "unknown"),
    "not_affected": ("not_affected", "unknown"),
}
# What a result of another class holds is not about packages.
_CLASSES: Final = ("os-pkgs", "lang-pkgs")
_OTHERS: Final = {
    "Misconfigurations": "misconfiguration",
    "Secrets": "secret",
    "Licenses": "licence",
    "CustomResources": "custom resource",
}
_TYPES: Final = {
    **dict.fromkeys(("debian", "ubuntu", "echo"), "deb"),
    **dict.fromkeys(("alpine", "wolfi", "chainguard", "minimos"), "apk"),
    **dict.fromkeys(("redhat", "centos", "rocky", "alma", "fedora", "amazon", "oracle", "photon"), "rpm"),
    **dict.fromkeys(("cbl-mariner", "azurelinux", "suse linux enterprise server"), "rpm"),
    **dict.fromkeys(("opensuse", "opensuse-leap", "opensuse-tumbleweed", "slem", "sles"), "rpm"),
    **dict.fromkeys(("python-pkg", "pip", "pipenv", "poetry", "uv", "pylock"), "pypi"),
    **dict.fromkeys(("conda-pkg", "conda-environment"), "conda"),
    **dict.fromkeys(("node-pkg", "npm", "yarn", "pnpm", "bun"), "npm"),
    **dict.fromkeys(("gobinary", "gomod"), "golang"),
    **dict.fromkeys(("jar", "pom", "gradle"), "maven"),
}
_RAW: Final = (
    "PkgID",
    "VendorIDs",
    "Status",
    "SeveritySource",
    "VendorSeverity",
    "CVSS",
    "CweIDs",
    "DataSource",
    "PublishedDate",
    "LastModifiedDate",
    "Layer",
)
_CVSS: Final = (("V3Vector", "V3Score"), ("V40Vector", "V40Score"), ("V2Vector", "V2Score"))
_NAME = pattern(r"(.+?) ?@ ?sha256:[0-9a-f]{64}")


def read(report: Mapping[str, Any]) -> Imported:
    """`InputError` naming the place of what is not as it should be."""
    if report.get("SchemaVersion", 1) not in (1, _SCHEMA):
        raise InputError(f"SchemaVersion {str(report.get('SchemaVersion'))[:20]} of Trivy is not known here")
    version = fields.word(fields.mapping(report, "Trivy"), "Version")
    source = f"trivy {version}".rstrip()
    metadata = fields.mapping(report, "Metadata")
    system = fields.mapping(metadata, "OS")
    repository = fields.words(metadata, "RepoDigests")
    tags = fields.words(metadata, "RepoTags")
    layers = [digest for row in fields.mappings(metadata, "Layers") for digest in _layer(row)]
    others: Counter[str] = Counter()
    looked = False

    def result(row: dict[str, Any]) -> Iterator[Finding]:
        nonlocal looked
        looked = looked or row.get("Class") in _CLASSES or "Class" not in row
        for name, what in _OTHERS.items():
            others[what] += sum(_counts(entry) for entry in fields.mappings(row, name))
        target = _Target(row, fields.word(system, "Family"), source)
        found = each(row, "Vulnerabilities", target.findings)
        for name in ("ModifiedFindings", "ExperimentalModifiedFindings"):
            found += each(row, name, target.modified)
        yield from found

    findings = each(report, "Results", result)
    artifact = fields.word(report, "ArtifactName")
    problems = []
    if not looked:
        problems.append(
            "it has no result about packages: Trivy did not look for vulnerabilities, or found no package"
        )
    if system.get("EOSL"):
        problems.append("Trivy says that its advisories for this release of the system are no longer kept up")
    return Imported(
        "trivy",
        Feed("trivy", version, fields.time(report, "CreatedAt")),
        tuple(findings),
        tuple(problems),
        tuple((what, count) for what, count in others.items() if count),
        # without these it was read from a file, whose path looks like a name
        tuple(dict.fromkeys((*([artifact] if tags or repository else []), *tags))),
        tuple(d for name in repository if (d := name.rpartition("@")[2])),
        fields.word(metadata, "ImageID"),
        tuple(dict.fromkeys((*layers, *fields.words(metadata, "DiffIDs")))),
    )


def _layer(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(digest for name in ("Digest", "DiffID") if (digest := fields.word(row, name)))


def _counts(entry: Mapping[str, Any]) -> bool:
    """A check of a configuration that passed is listed too."""
    return entry.get("Status") not in ("PASS", "EXCEPTION")


class _Target:
    """One result: the packages of the system, or of one file."""

    def __init__(self, row: Mapping[str, Any], family: str, source: str) -> None:
        self._name = fields.text(row, "Target")
        self._type = fields.word(row, "Type").lower()
        self._family = family
        self._source = source
        # packages of a system are not told by the file that they are from, nor those of Python and Node found alone
        self._is_file = row.get("Class") == "lang-pkgs" and "/" in self._name

    def modified(self, row: dict[str, Any]) -> Iterator[Finding]:
        """One that a file of theirs (.trivyignore, VEX) took out of the report, with the reason."""
        if row.get("Type") not in (None, "vulnerability"):
            return
        status = fields.word(row, "Status")
        statement = fields.text(row, "Statement")
        by = fields.text(row, "Source")
        reason = f"{status or 'left out'} by {by or 'a rule'} of Trivy{f': {statement}' if statement else ''}"
        for finding in self.findings(fields.mapping(row, "Finding")):
            finding.raw["trivy"]["modified"] = kept(row, "Status", "Statement", "Source")
            if status in ("affected", "under_investigation"):
                yield replace(finding, status=cast("Status", status))
            elif status in ("not_affected", "fixed"):
                yield replace(finding, status=cast("Status", status), vex=reason)
            else:
                yield replace(finding, waiver=reason)

    def findings(self, row: dict[str, Any]) -> Iterator[Finding]:
        name = named(row, "VulnerabilityID")
        vendor = fields.words(row, "VendorIDs")
        fixed = tuple(v for part in fields.text(row, "FixedVersion").split(",") if (v := part.strip()))
        status, state = _STATUS.get(fields.word(row, "Status"), ("affected", "unknown"))
        identifier = fields.mapping(row, "PkgIdentifier")
        layer = _layer(fields.mapping(row, "Layer"))
        found = component(
            fields.word(identifier, "PURL"),
            _TYPES.get(self._type, self._type or "generic"),
            fields.word(row, "PkgName"),
            fields.word(row, "InstalledVersion"),
            namespace=self._family if _TYPES.get(self._type) in ("deb", "apk", "rpm") else "",
            path=fields.word(row, "PkgPath") or (self._name if self._is_file else ""),
            layer=layer[0] if layer else "",
        )
        for weakness in weaknesses(name, vendor):
            yield Finding(
                weakness,
                found,
                status,
                aliases(weakness, (name, *vendor)),
                fixed,
                "fixed" if fixed else state,
                _severity(row),
                fields.text(row, "Title"),
                fields.text(row, "Description"),
                urls(row.get("PrimaryURL"), *fields.rows(row, "References")),
                (self._source,),
                published=moment(row.get("PublishedDate")),
                raw={"trivy": {"Target": self._name, "Type": self._type, **kept(row, *_RAW)}},
            )


def _severity(row: Mapping[str, Any]) -> Severity:
    """Score and vector are of the one whose word was taken: those of others would not fit it."""
    origin = fields.word(row, "SeveritySource")
    said = fields.mapping(fields.mapping(row, "CVSS"), origin) if origin else {}
    value, vector = next(
        ((score(said, s), fields.word(said, v)) for v, s in _CVSS if said.get(v) or said.get(s)), (0.0, "")
    )
    return severity(fields.word(row, "Severity"), value, vector, origin or "trivy")
