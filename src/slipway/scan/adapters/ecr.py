"""What ECR says of an image, as `describe-image-scan-findings` prints it; all pages of it, from an answer or a file.

{"registryId", "repositoryName", "imageId": {"imageDigest", "imageTag"}, "imageScanStatus": {"status", "description"},
 "imageScanFindings": {"imageScanCompletedAt", "vulnerabilitySourceUpdatedAt", "findingSeverityCounts": {WORD: N},
                       "findings": [...], "enhancedFindings": [...]}, "nextToken"}
(Amazon ECR API reference: DescribeImageScanFindings)
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError, UsageError
from slipway.patterns import pattern
from slipway.scan.adapters import ecrfindings
from slipway.scan.adapters.ecrfindings import ORIGIN
from slipway.scan.adapters.model import Imported
from slipway.scan.adapters.reading import MOST_BYTES, each
from slipway.scan.advisories import fields
from slipway.scan.model import Feed, Finding, System

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

Page = dict[str, Any]

WAITING: Final = ("PENDING", "IN_PROGRESS")
_DONE: Final = ("COMPLETE", "ACTIVE")  # ACTIVE: scanned again and again
_SPACE = pattern(r"\s*")


@dataclass(frozen=True, slots=True)
class Answer:
    """All that ECR says of one image. Times are RFC 3339; `updated` is that of its data, `completed` that of the scan.

    `problems` tell why the findings are not all there are. `system` is what Inspector takes the image for, if it says so.
    """

    repository: str
    registry: str = ""
    digest: str = ""
    tag: str = ""
    status: str = ""
    description: str = ""
    completed: str = ""
    updated: str = ""
    enhanced: bool = False
    system: System = System()
    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def feed(self) -> Feed:
        return Feed(ORIGIN, "enhanced" if self.enhanced else "basic", self.updated or self.completed)


def read(report: object) -> Imported:
    """What is in one document, or in a list of the pages of one answer; `InputError` naming the place of what is wrong."""
    found = answers(report if isinstance(report, list) else [report])
    if len(found) != 1:
        raise InputError(f"these are answers of ECR about {len(found)} images", hint="read one at a time")
    (answer,) = found
    feed = answer.feed
    source = f"{feed.name} {feed.version}"
    findings = tuple(replace(finding, provenance=(source,)) for finding in answer.findings)
    digests = (answer.digest,) if answer.digest else ()  # without its region, a registry's name is not known
    return Imported("ecr", feed, findings, answer.problems, digests=digests)


def is_page(data: object) -> bool:
    """Whether this is an answer of ECR about a scan."""
    return isinstance(data, dict) and "repositoryName" in data and "imageScanStatus" in data


def pages(path: Path) -> list[Page]:
    """The pages in a file: one document, a list of them, or one after the other (as `>>` makes them)."""
    found: list[Page] = []
    try:
        text, decoder, at = _bytes(path).decode("utf-8-sig").rstrip(), json.JSONDecoder(), 0
        while at < len(text):
            value, at = decoder.raw_decode(text, _start(text, at))
            found += value if isinstance(value, list) else [value]
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON", details=str(error)[:300]) from error
    if not found or not all(is_page(page) for page in found):
        raise InputError(
            f"{path} is not what `aws ecr describe-image-scan-findings` prints",
            hint="save it with `--output json`",
        )
    return found


def answers(found: Sequence[Any]) -> tuple[Answer, ...]:
    """One for each image and scan, in the order in which they come; the pages of one may stand anywhere."""
    groups: dict[tuple[str, ...], list[Page]] = {}
    try:
        for page in found:
            if not is_page(page):
                raise InputError("it does not say of which image")
            image, about = fields.mapping(page, "imageId"), fields.mapping(page, "imageScanFindings")
            key = (
                fields.word(page, "registryId"),
                fields.word(page, "repositoryName"),
                fields.word(image, "imageDigest") or fields.word(image, "imageTag"),
                ecrfindings.time(about, "imageScanCompletedAt"),
            )
            groups.setdefault(key, []).append(page)
        return tuple(_answer(group) for group in groups.values())
    except InputError as error:
        raise InputError(f"this is not an answer of ECR: {error.brief}") from error


def _answer(group: Sequence[Page]) -> Answer:
    first = group[0]
    image, state = fields.mapping(first, "imageId"), fields.mapping(first, "imageScanStatus")
    parts = [fields.mapping(page, "imageScanFindings") for page in group]
    basic = [finding for part in parts for finding in each(part, "findings", ecrfindings.basic)]
    rows = [row for part in parts for row in fields.mappings(part, "enhancedFindings")]
    enhanced = [finding for part in parts for finding in each(part, "enhancedFindings", ecrfindings.enhanced)]
    status, description = fields.word(state, "status"), fields.text(state, "description").strip()
    systems = (ecrfindings.platform(row) for row in rows)
    return Answer(
        fields.word(first, "repositoryName"),
        fields.word(first, "registryId"),
        fields.word(image, "imageDigest"),
        fields.word(image, "imageTag"),
        status,
        description,
        ecrfindings.time(parts[0], "imageScanCompletedAt"),
        ecrfindings.time(parts[0], "vulnerabilitySourceUpdatedAt"),
        bool(rows) or status == "ACTIVE",
        next((system for system in systems if system.id), System()),
        (*basic, *enhanced),
        tuple(_problems(status, description, group, len(basic) + len(rows))),
    )


def _problems(status: str, description: str, group: Sequence[Page], listed: int) -> Iterable[str]:
    if status in WAITING:
        yield "ECR has not finished its scan"
    elif status not in _DONE:
        what = " ".join(description.split())[:200]
        yield f"ECR's scan ended as {status or 'nothing that it says'}{f': {what}' if what else ''}"
    elif not any(isinstance(page.get("imageScanFindings"), dict) for page in group):
        yield "ECR says that its scan is done, and lists no findings"
    if all(page.get("nextToken") or page.get("NextToken") for page in group):
        yield "these are not all pages of ECR's answer: the last one that is here names another"
    elif (counted := max(_counted(page) for page in group)) > listed:
        yield f"ECR counts {counted} findings, of which {listed} are here: pages of its answer are missing"


def _start(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _counted(page: Mapping[str, Any]) -> int:
    counts = fields.mapping(fields.mapping(page, "imageScanFindings"), "findingSeverityCounts")
    if not all(isinstance(count, int) for count in counts.values()):
        raise InputError("findingSeverityCounts are not numbers")
    return sum(counts.values())


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise InputError(f"{path} is larger than any report ({MOST_BYTES >> 20} MiB)")
    return data
