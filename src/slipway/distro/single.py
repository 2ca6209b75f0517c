"""One package by itself, without what it depends on: from the index of a suite, verified like every other.

What was found is remembered below `{cache}/resolved`, and found again without reading the index as long as that stays the same.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from slipway.distro.mirror import COMPONENTS, SuitePlace, find_mirror
from slipway.distro.model import Deb
from slipway.distro.resolve import LARGEST
from slipway.errors import FetchError, ResolveError, VerifyError
from slipway.files import read_json, write_json
from slipway.oci.digest import key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.distro.mirror import Mirror
    from slipway.events import Reporter
    from slipway.settings import Settings

_FORMAT = 1  # of what is remembered; part of its key


def find_deb(
    name: str,
    suite: str,
    arch: str,
    settings: Settings,
    reporter: Reporter,
    *,
    refresh: bool = False,
    now: float | None = None,
    fetch: Callable[[str], bytes] | None = None,
) -> Deb:
    """The package of this name in the suite, for Debian's architecture `arch`.

    An answer younger than `settings.max_age` seconds is given again, and any when the mirror cannot be reached. `now` is in
    Unix seconds, `fetch` brings the bytes of an address (default: the network). `UsageError` when no mirror is known, `ToolError` when
    signatures cannot be checked, `ResolveError` when there is no such package, `FetchError` without an answer, `VerifyError` when it cannot be trusted.
    """
    now = time.time() if now is None else now
    mirror = find_mirror(settings)
    path = settings.cache / "resolved" / f"deb-{key_of(_FORMAT, mirror.archive, suite, arch, name)}.json"
    known: dict[str, Any] | None = read_json(path)
    if known and not refresh and 0 <= now - known["asked"] < settings.max_age:
        return Deb(**known["deb"])
    try:
        index, deb = _ask(name, suite, arch, mirror, settings, reporter, now, fetch, known)
    except VerifyError:
        raise
    except FetchError as error:
        if known is None or refresh:
            raise
        reporter.log(f"{name} is taken as it was found before: {error.brief}")
        return Deb(**known["deb"])
    write_json(path, {"asked": now, "index": index, "deb": asdict(deb)})
    return deb


def _ask(
    name: str,
    suite: str,
    arch: str,
    mirror: Mirror,
    settings: Settings,
    reporter: Reporter,
    now: float,
    fetch: Callable[[str], bytes] | None,
    known: dict[str, Any] | None,
) -> tuple[str, Deb]:
    """The hash of the index that was asked, and its answer."""
    from slipway.distro.keyring import find_keyring
    from slipway.distro.suites import SuiteReader, listed_index
    from slipway.distro.version import key

    def network(url: str) -> bytes:
        from slipway.inputs.download import fetch_bytes

        return fetch_bytes(mirror.address(url), settings, max_size=LARGEST)

    reader = SuiteReader(fetch or network, find_keyring(settings), settings.cache, 0.0, now, reporter)
    place = SuitePlace(mirror.archive, suite)
    with reporter.step("package index", f"Debian {suite} {arch}: {name}"):
        release = reader.release(place)
        index = listed_index(release, COMPONENTS[0], arch).sha256
        if known and known["index"] == index:
            return index, Deb(**known["deb"])
        found = reader.look_up(place, release, COMPONENTS[0], arch, name)
    if not found:
        raise ResolveError(f"Debian {release.codename} has no package {name} for {arch}")
    return index, max(found, key=lambda candidate: key(candidate.version)).deb
