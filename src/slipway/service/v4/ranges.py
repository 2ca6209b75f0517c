"""Parts of an object (RFC 9110, section 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.patterns import pattern
from slipway.service.v4.problems import Problem, ProblemError

if TYPE_CHECKING:
    from starlette.datastructures import Headers

_ONE = pattern(r"bytes=(\d{0,18})-(\d{0,18})")


def wanted(headers: Headers, size: int, etag: str) -> tuple[int, int] | None:
    """Start and stop of the one range that is asked for; None: all. 416 for one that is not there.

    Several ranges at once, other units and what cannot be read count as none, as the RFC allows. `If-Range` with anything but the
    object's ETag does so too.
    """
    found = _ONE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range", etag) != etag:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if first:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    else:
        start, stop = max(0, size - int(last)), size
    if start >= stop:
        raise ProblemError(
            Problem(416, f"there are {size} bytes", headers={"content-range": f"bytes */{size}"})
        )
    return start, stop
