"""ETags and what requests make conditional on them (RFC 9110, section 13)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from slipway.service.v4.problems import refused

if TYPE_CHECKING:
    from slipway.service.model import Record
    from slipway.service.v4.problems import ProblemError


def of_record(record: Record) -> str:
    """Id, version and state, the latter since objects move without a new version; hashed, as ids may have any character."""
    text = f"{record.id}\n{record.version}\n{record.state}"
    return f'"{record.version}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"'


def of_list(*parts: object) -> str:
    """A weak one, of the number of the last change and the question."""
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def matches(header: str, etag: str, *, weak: bool) -> bool:
    """Whether a list of ETags, or `*`, names this one."""
    if header.strip() == "*":
        return True
    wanted = [part.strip() for part in header.split(",")]
    if weak:
        return etag.removeprefix("W/") in [part.removeprefix("W/") for part in wanted]
    return not etag.startswith("W/") and etag in wanted


def unchanged(if_none_match: str | None, etag: str) -> bool:
    """Whether 304 is the answer to a GET."""
    return if_none_match is not None and matches(if_none_match, etag, weak=True)


def expect(if_match: str | None, etag: str) -> None:
    """412 when the condition does not hold."""
    if if_match is not None and not matches(if_match, etag, weak=False):
        raise stale()


def stale() -> ProblemError:
    return refused(412, "this has changed meanwhile: read it again and repeat the change")
