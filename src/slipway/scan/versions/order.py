"""One entrance to the orders of versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.distro.version import key as dpkg_key
from slipway.scan.versions import apk, pep440, rpm, semver
from slipway.scan.versions.incomparable import IncomparableError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["IncomparableError", "compare"]

_LONGEST: Final = 256  # characters; no real version comes near, and numbers of any length cost any time
_KEYS: Final[dict[str, Callable[[str], Any]]] = {
    "dpkg": dpkg_key,
    "rpm": rpm.key,
    "apk": apk.key,
    "semver": semver.key,
}


def compare(scheme: str, a: str, b: str) -> int:
    """Below, at or above zero as `a` is older than, the same as, or newer than `b`.

    `scheme` is dpkg, rpm, apk, pep440 or semver. `IncomparableError` for any other, and for what is no version in it.
    """
    if not a or not b or len(a) > _LONGEST or len(b) > _LONGEST:
        raise IncomparableError(scheme, a if not a or len(a) > _LONGEST else b)
    if scheme == "pep440":
        return pep440.compare(a, b)
    key = _KEYS.get(scheme)
    if key is None:
        raise IncomparableError(scheme, a)
    first, second = key(a), key(b)
    return int(first > second) - int(first < second)
