"""What is asked of an image, what is excused, and what came of it, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from slipway.scan.model import Level

if TYPE_CHECKING:
    from slipway.scan.model import Scan, Status

Outcome = Literal["pass", "fail", "unknown"]
Unclear = Literal["fail", "unknown", "allow"]
Unrated = Literal["fail", "fixable", "pass"]
OnOutdated = Literal["always", "unrated", "never"]
Since = Literal["first-seen", "published"]
EXCUSING: Final = ("not_affected", "fixed")  # statuses of statements


@dataclass(frozen=True, slots=True)
class Waiver:
    """One finding that is accepted for a time. `id` is any of its names; `package` (a name) and `image` (a name without tag) narrow it.

    `id` is `outdated`, `uncovered` or `no-support` for what is wrong with `package` whatever is known of it. `since` and
    `expires` are the first day (empty: ever) and the last day on which it holds, `2026-12-31`, in UTC. `where` is
    `FILE:LINE`.
    """

    id: str
    reason: str
    owner: str
    expires: str
    package: str = ""
    image: str = ""
    where: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody who looked says of a weakness in a product (VEX; OpenVEX 0.2.0, CycloneDX 1.6 `analysis`).

    `ids` are all names of the weakness. `products` are purls, names or digests of images (empty: any), `components` purls of
    packages in them (empty: the whole product), `ranges` the versions of these that are meant (`vers`; empty: as their purls
    say). `justification` is OpenVEX's word. `source` is the file it is from, `time` RFC 3339.
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
    ranges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Which findings make a scan fail. `severity` is the least level that does, None if none does.

    Findings of unknown severity fail as `unknown_severity` says. With `only_fixable` those without a fix do not fail, with
    `only_new` those of the approved scan. `new_severity` is the least level for findings that the approved scan does not
    have. `grace` are days, from `grace_from`, in which a finding does not fail. `outdated` says when a package fails for
    which a security suite has a newer version; `unrated`: where it is not known all that this mends. `uncovered` and `no_support`
    say what comes of packages of which nothing can be known, or that nobody mends. `headers` lets findings in
    packages of headers count. `feeds_age` is how old advisories may be, in days (0: any age). `longest_waiver` is in
    days (0: any).
    """

    severity: Level | None = Level.HIGH
    unknown_severity: Unrated = "fixable"
    only_fixable: bool = False
    only_new: bool = False
    new_severity: Level | None = None
    grace: int = 0
    grace_from: Since = "published"
    outdated: OnOutdated = "unrated"
    uncovered: Unclear = "unknown"
    no_support: Unclear = "unknown"
    headers: bool = False
    feeds_age: int = 0
    longest_waiver: int = 0
    waivers: tuple[Waiver, ...] = ()
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an image does not pass. `rule` is the policy's key, `fingerprint` that of the finding meant, if one is.

    `outcome` tells whether the rule is broken, or it cannot be told.
    """

    rule: str
    text: str
    fingerprint: str = ""
    outcome: Literal["fail", "unknown"] = "fail"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`unknown`: it could not be told; never the same as `pass`. `notes` are for people: waivers that end soon or excuse nothing."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A scan whose findings carry waivers and VEX; `verdict` is None where no policy was given.

    `notes` are for people: VEX statements that excuse nothing, as nobody can tell whether they mean the version that is there.
    A verdict has them among its own.
    """

    scan: Scan
    verdict: Verdict | None = None
    notes: tuple[str, ...] = ()
