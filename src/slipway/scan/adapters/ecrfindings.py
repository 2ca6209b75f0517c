"""What ECR found, in our terms (Amazon ECR API reference: ImageScanFinding, EnhancedImageScanFinding).

Basic scanning names packages in `attributes`, by their source where the distribution's data is by source. Enhanced scanning
is Amazon Inspector's: one finding may be about several packages.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.adapters.packages import component
from slipway.scan.adapters.reading import aliases, kept, named, score, urls, weaknesses
from slipway.scan.advisories import fields
from slipway.scan.inventory.purl import encode
from slipway.scan.model import Component, Finding, Severity, System
from slipway.scan.severity import level_of
from slipway.scan.times import normal, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.scan.model import FixState, Status

ORIGIN: Final = "ecr"
_NAMELESS: Final = "unknown"
_DIGEST = pattern(r"sha256:[0-9a-f]{64}")
# Basic scanning does not say of which type a package is; the page that it points to does, for these.
_PAGES: Final = (
    ("ubuntu", "deb"),
    ("debian", "deb"),
    ("alas.aws", "rpm"),
    ("redhat", "rpm"),
    ("linux.oracle", "rpm"),
)
# Of packages that are not the system's (Amazon Inspector API reference: VulnerablePackage.packageManager).
_MANAGERS: Final = {
    **dict.fromkeys(("PIP", "PYTHONPKG", "PIPENV", "POETRY"), "pypi"),
    **dict.fromkeys(("NPM", "NODEPKG", "YARN"), "npm"),
    **dict.fromkeys(("GOBINARY", "GOMOD"), "golang"),
    **dict.fromkeys(("JAR", "POM"), "maven"),
    **dict.fromkeys(("BUNDLER", "GEMSPEC"), "gem"),
    **dict.fromkeys(("NUGET", "DOTNET_CORE"), "nuget"),
    "CARGO": "cargo",
    "COMPOSER": "composer",
}
# Inspector's names of systems (`UBUNTU_22_04`): what os-release calls them, and the type of their packages.
_PLATFORMS: Final = (
    ("UBUNTU", "ubuntu", "deb"),
    ("DEBIAN", "debian", "deb"),
    ("ALPINE_LINUX", "alpine", "apk"),
    ("ALPINE", "alpine", "apk"),
    ("AMAZON_LINUX", "amzn", "rpm"),
    ("ROCKY_LINUX", "rocky", "rpm"),
    ("ALMALINUX", "almalinux", "rpm"),
    ("ORACLE_LINUX", "ol", "rpm"),
    ("CENTOS", "centos", "rpm"),
    ("RHEL", "rhel", "rpm"),
    ("FEDORA", "fedora", "rpm"),
)
_TYPES: Final = {system: kind for _, system, kind in _PLATFORMS}
_OWN: Final = ("deb", "apk", "rpm")
_FIXES: Final[dict[str, FixState]] = {"YES": "fixed", "PARTIAL": "fixed", "NO": "not-fixed"}
_RAW: Final = ("findingArn", "fixAvailable", "exploitAvailable", "status")


def basic(row: dict[str, Any]) -> tuple[Finding, ...]:
    said = {fields.word(a, "key"): fields.word(a, "value") for a in fields.mappings(row, "attributes")}
    uri = fields.word(row, "uri")
    kind = next((kind for place, kind in _PAGES if place in uri), "generic")
    vector = next((v for v in ("CVSS4", "CVSS3", "CVSS2") if said.get(f"{v}_VECTOR")), "")
    rated = (score(said, f"{vector}_SCORE"), said[f"{vector}_VECTOR"]) if vector else (0.0, "")
    package = packaged(kind, said.get("package_name", ""), said.get("package_version", ""), System())
    found = Finding(
        id=named(row, "name"),
        component=package,
        severity=_severity(row, *rated),
        description=fields.text(row, "description"),
        urls=urls(uri),
    )
    return (found,)


def enhanced(row: dict[str, Any]) -> tuple[Finding, ...]:
    """What somebody suppressed in Inspector stays open: it tells no reason, owner or end."""
    details = fields.mapping(row, "packageVulnerabilityDetails")
    name = fields.word(details, "vulnerabilityId") or named(row, "type")
    cvss = fields.mapping(fields.mapping(row, "scoreDetails"), "cvss")
    rated = score(row, "score") or score(cvss, "score")
    related = fields.words(details, "relatedVulnerabilities")
    status: Status = "fixed" if fields.word(row, "status") == "CLOSED" else "affected"
    system = platform(row)
    found = []
    for package in fields.mappings(details, "vulnerablePackages") or [{}]:
        repaired = fields.word(package, "fixedInVersion").removeprefix("0:")
        fixed = (repaired,) if repaired[:1].isdigit() else ()  # or NotAvailable
        state = _FIXES.get(fields.word(row, "fixAvailable"), "unknown")
        found += [
            Finding(
                id=weakness,
                component=_component(package, system),
                status=status,
                aliases=aliases(weakness, _same(weakness, (name, *related))),
                fixed=fixed,
                fix_state="fixed" if fixed else state,
                severity=_severity(row, rated, fields.word(cvss, "scoringVector")),
                title=fields.text(row, "title"),
                description=fields.text(row, "description"),
                urls=urls(details.get("sourceUrl"), *fields.rows(details, "referenceUrls")),
                first_seen=time(row, "firstObservedAt"),
                published=time(details, "vendorCreatedAt"),
                raw=kept(row, *_RAW),
            )
            for weakness in weaknesses(name, related)
        ]
    return tuple(found)


def platform(row: Mapping[str, Any]) -> System:
    """The system that Inspector saw in the image, as os-release would name it; empty when it is not told or not known."""
    for resource in fields.mappings(row, "resources"):
        image = fields.mapping(fields.mapping(resource, "details"), "awsEcrContainerImage")
        word = fields.word(image, "platform")
        for start, name, _ in _PLATFORMS:
            if word == start or word.startswith(f"{start}_"):
                return System(name, word[len(start) + 1 :].replace("_", "."))
    return System()


def type_of(system: System) -> str:
    """The type of a system's own packages."""
    return _TYPES.get(system.id, "generic")


def packaged(kind: str, name: str, version: str, system: System, **more: str) -> Component:
    """A package as far as ECR knows it."""
    name, own = name or _NAMELESS, kind in _OWN
    qualifiers = {"arch": more.get("arch", ""), "distro": system.distro} if own else {}
    namespace = (system.id or _NAMELESS) if own else ""
    return component(encode(kind, namespace, name, version, qualifiers), kind, name, version, **more)


def time(record: Mapping[str, Any], name: str) -> str:
    """Of an answer (a datetime), or of what the AWS CLI wrote (text, or seconds since 1970)."""
    value = record.get(name)
    if isinstance(value, datetime):
        return stamp((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return stamp(value)
        except (ValueError, OverflowError, OSError) as error:
            raise InputError(f"{name} is not a time: {str(value)[:40]}") from error
    return normal(fields.word(record, name))


def _same(name: str, related: tuple[str, ...]) -> list[str]:
    """Without the CVEs that are other weaknesses: all, if this is one itself, or if they are several."""
    cves = [other for other in related if other.startswith("CVE-")]
    alone = len(cves) == 1 and not name.startswith("CVE-")
    return [other for other in related if alone or other not in cves]


def _severity(row: Mapping[str, Any], rated: float, vector: str) -> Severity:
    """What ECR leaves undefined stays so, whatever the score: it is counted there under that word."""
    word = fields.word(row, "severity")
    return Severity(level_of(word), rated, vector, ORIGIN, word)


def _component(package: Mapping[str, Any], system: System) -> Component:
    manager = fields.word(package, "packageManager")
    kind = type_of(system) if manager == "OS" else _MANAGERS.get(manager, "generic")
    version, release = fields.word(package, "version"), fields.word(package, "release")
    epoch = package.get("epoch")
    if manager == "OS":
        version = f"{version}-{release}" if release else version
        version = f"{epoch}:{version}" if isinstance(epoch, int) and epoch > 0 else version
    layer = fields.word(package, "sourceLayerHash")
    return packaged(
        kind,
        fields.word(package, "name"),
        version,
        system,
        arch=fields.word(package, "arch").lower(),
        path=fields.word(package, "filePath"),
        layer=layer if _DIGEST.fullmatch(layer) else "",
    )
