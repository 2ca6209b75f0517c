"""What was read from the report of another scanner, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from slipway.scan.model import Advisory, Feed, Finding

Format = Literal["trivy", "grype", "osv-scanner", "osv", "sarif", "cyclonedx", "ecr"]


@dataclass(frozen=True, slots=True)
class Imported:
    """A report in our terms. `problems` say what makes it incomplete; `others` counts what is in it besides vulnerabilities.

    `feed` is the scanner with its version; its date is that of its data where it tells one, or else of the report.
    `names`, `digests` (of manifests or indexes), `image_id` (the digest of the configuration) and `layers` (all digests
    of all of them) are what it says of the image, so far as it does. `advisories` are of documents that name no installed
    package: of what they mean, only an inventory can tell.
    """

    format: Format
    feed: Feed
    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()
    others: tuple[tuple[str, int], ...] = ()
    names: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    image_id: str = ""
    layers: tuple[str, ...] = ()
    advisories: tuple[Advisory, ...] = ()

    @property
    def source(self) -> str:
        """As in `Finding.provenance`: `trivy 0.70.0`."""
        return f"{self.feed.name} {self.feed.version}".rstrip()
