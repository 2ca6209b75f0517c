"""What scanning speaks of, as values: components, advisories, findings, and the result of a scan.

Components and findings exist by the thousand, so they are plain dataclasses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

Kind = Literal["deb", "apk", "rpm", "pypi", "conda", "npm", "cargo", "golang", "generic"]
Status = Literal["affected", "fixed", "not_affected", "under_investigation", "no_support"]
FixState = Literal["fixed", "not-fixed", "wont-fix", "deferred", "unknown"]
Completeness = Literal["full", "truncated", "none"]


class Level(IntEnum):
    """How bad, in order; what a source says in its own words is kept beside it (`Severity.original`)."""

    UNKNOWN = 0
    NEGLIGIBLE = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Severity:
    """`score` is CVSS's base score (0: none), `vector` its vector string, `origin` who says so (`nvd`, `debian`, ...)."""

    level: Level = Level.UNKNOWN
    score: float = 0.0
    vector: str = ""
    origin: str = ""
    original: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """What os-release says (os-release(5)): `id` `debian`, `version` `12`, `codename` `bookworm`."""

    id: str = ""
    version: str = ""
    codename: str = ""
    name: str = ""

    @property
    def distro(self) -> str:
        """As in the `distro` qualifier of purls: `debian-12`."""
        return f"{self.id}-{self.version}" if self.version else self.id


@dataclass(frozen=True, slots=True)
class Component:
    """One package found in an image.

    `version` is as its own tools write it (epoch included). `source_name` and `source_version` are of the source package, when
    they differ or not. `path` is the file that says so (relative, no leading slash), `layer` the digest of the blob
    it came from. `owner` is the purl of the package of another kind that brought it (a Python distribution that dpkg
    owns), or empty; what is owned is matched by its owner's feed alone. `direct_url` is where it was installed from, if not
    from an index (PEP 610), without credentials.
    """

    kind: Kind
    name: str
    version: str
    purl: str
    source_name: str = ""
    source_version: str = ""
    arch: str = ""
    path: str = ""
    layer: str = ""
    owner: str = ""
    licenses: tuple[str, ...] = ()
    direct_url: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All components of one image, sorted by kind, name, version, path.

    `digest` is that of the manifest, or of what was read instead (a directory: empty). `unread` tells what could
    not be read and why: with it, an inventory is incomplete and no scan of it can be passed. `created` is when the image
    says that it was made (RFC 3339, UTC, whole seconds), or empty.
    """

    name: str
    digest: str = ""
    platform: str = ""
    system: System = System()
    components: tuple[Component, ...] = ()
    unread: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    created: str = ""


@dataclass(frozen=True, slots=True)
class Range:
    """Versions from `introduced` (empty: from the first) up to but without `fixed`, or up to and with `last_affected`."""

    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""


@dataclass(frozen=True, slots=True)
class Affected:
    """What an advisory says of one package. `ecosystem` and `name` are OSV's (`PyPI`, `Debian:12`; schema: affected[].package).

    `versions` are affected whatever the ranges say. How versions compare follows from the ecosystem. `status` is the
    source's own word (`needed`, `not-affected`), where it has one; with neither ranges nor versions nothing is affected.
    """

    ecosystem: str
    name: str
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()
    severity: Severity = Severity()
    fix_state: FixState = "unknown"
    status: str = ""


@dataclass(frozen=True, slots=True)
class Advisory:
    """A known weakness (OSV schema 1.7). Times are RFC 3339 in UTC; `feed` names where it came from.

    `aliases` are other names of the same; `upstream` are the weaknesses that it is about (a distribution's bulletin
    and its CVEs), each for itself.
    """

    id: str
    feed: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    details: str = ""
    affected: tuple[Affected, ...] = ()
    severity: Severity = Severity()
    urls: tuple[str, ...] = ()
    published: str = ""
    modified: str = ""
    withdrawn: str = ""
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something known to be wrong with one component.

    `id` is a CVE where there is one, `aliases` are the other names. `fixed` are versions in which it is repaired. `provenance`
    names each feed or scanner that says so (`debian-security 2026-11-20`, `trivy 0.70`). `class_` is `headers` for packages
    that only hold headers of what is affected (linux-libc-dev), else empty. `completeness` says how well the
    list of ids is known for what is outdated. `waiver` and `vex` say why it does not count, if it does not. `first_seen` is when
    the image was first seen with it, `published` when the world was told (RFC 3339).
    """

    id: str
    component: Component
    status: Status = "affected"
    aliases: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    fix_state: FixState = "unknown"
    severity: Severity = Severity()
    title: str = ""
    description: str = ""
    urls: tuple[str, ...] = ()
    provenance: tuple[str, ...] = ()
    class_: str = ""
    completeness: Completeness = "full"
    first_seen: str = ""
    waiver: str = ""
    vex: str = ""
    published: str = ""
    raw: dict[str, Any] = field(default_factory=dict, compare=False, repr=False, hash=False)

    @property
    def fixable(self) -> bool:
        return bool(self.fixed) or self.fix_state == "fixed"

    @property
    def open(self) -> bool:
        """Whether it counts: nobody has excused it or found that it does not apply."""
        return not (self.waiver or self.vex or self.status in ("fixed", "not_affected"))


@dataclass(frozen=True, slots=True)
class Outdated:
    """A package for which a newer version is to be had from its own suites: exact, whatever is known of CVEs.

    `security` tells whether it comes from a security suite.
    """

    component: Component
    available: str
    suite: str
    security: bool = False
    ids: tuple[str, ...] = ()
    completeness: Completeness = "none"


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A component that no feed knows, so that nothing can be said of it; never the same as being well."""

    component: Component
    why: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A source of advisories as it was used: `date` is that of its data (RFC 3339)."""

    name: str
    version: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """The result for one image. `problems` tells what kept the scan from being complete: then nobody may call it passed."""

    inventory: Inventory
    findings: tuple[Finding, ...] = ()
    outdated: tuple[Outdated, ...] = ()
    uncovered: tuple[Uncovered, ...] = ()
    feeds: tuple[Feed, ...] = ()
    problems: tuple[str, ...] = ()
    time: str = ""

    @property
    def complete(self) -> bool:
        return not self.problems and not self.inventory.unread

    @property
    def packaged(self) -> bool:
        """Whether there is anything that advisories or other scanners can know of: a single program in an image is no package."""
        return bool(self.inventory.components or self.findings or self.feeds)
