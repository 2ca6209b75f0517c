"""What is asked of an image, what is excused, and what came of it, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from slipway.scan.model import Scan, Status

Outcome = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Waiver:
    """One finding that is accepted for a time. `id` is any of its names; `package` (a name) and `image` (a name without tag) narrow it.

    `expires` is the last day on which it holds, `2026-12-31`, in UTC. `where` is `FILE:LINE`.
    """

    id: str
    reason: str
    owner: str
    expires: str
    package: str = ""
    image: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody who looked says of a weakness in a product (VEX; OpenVEX 0.2.0, CycloneDX 1.6 `analysis`).

    `ids` are all names of the weakness. `products` are purls or digests of images (empty: any), `components` purls of packages in
    them (empty: the whole product). `justification` is OpenVEX's word. `source` is the file it is from, `time` RFC 3339.
    """

    ids: tuple[str, ...]
    status: Status
    products: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    justification: str = ""
    note: str = ""
    author: str = ""
    time: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an image does not pass. `rule` is the policy's key, `fingerprint` that of the finding meant, if one is."""

    rule: str
    text: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`unknown`: it could not be told; never the same as `pass`. `notes` are for people: waivers that end soon or excuse nothing."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A scan whose findings carry waivers and VEX; `verdict` is None where no policy was given."""

    scan: Scan
    verdict: Verdict | None = None
