"""Answer a `DebianRequest`: which packages, in which versions, from where.

An answer is remembered below `{cache}/resolved` and given again for `settings.max_age` seconds without reading any
index. The base is solved first, its essential part before the rest, and stays fixed for what comes on top.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from slipway.distro.aptsources import source_files
from slipway.distro.mirror import COMPONENTS, SuitePlace, check_suite, find_mirror, further_suites
from slipway.distro.model import DebianResolution
from slipway.errors import FetchError, ResolveError, UsageError, VerifyError
from slipway.files import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slipway.distro.candidate import Candidate
    from slipway.distro.mirror import Mirror
    from slipway.distro.model import Deb, DebianRequest, Sources
    from slipway.distro.universe import Universe
    from slipway.events import Reporter
    from slipway.settings import Settings

VARIANTS = ("essential", "apt", "minbase")
LARGEST = 256 << 20  # bytes of one index or Release file; Debian's largest has 11 MB

_FORMAT = 2  # of remembered answers; part of their key


def resolve_debian(
    request: DebianRequest,
    settings: Settings,
    reporter: Reporter,
    *,
    refresh: bool = False,
    now: float | None = None,
    fetch: Callable[[str], bytes] | None = None,
    prefer: Mapping[str, str] | None = None,
) -> DebianResolution:
    """Solve `request`, or give the remembered answer when it is young enough and no `refresh` is wanted.

    `prefer` maps names to versions that are taken as long as they are there and go together. `now` is in Unix seconds, `fetch` brings the bytes of an address (default: the network). `ResolveError` when no
    set of packages fits, `FetchError` when the mirror cannot be reached, `VerifyError` when it cannot be trusted.
    """
    check_suite(request.suite)
    if request.variant not in VARIANTS:
        raise UsageError(f"{request.variant!r} is not a variant", hint=f"variants: {', '.join(VARIANTS)}")
    now = time.time() if now is None else now
    path = settings.cache / "resolved" / f"{_key(request, settings)}.json"
    remembered = read_json(path)
    age = now - remembered["asked"] if remembered else -1.0
    if not refresh and not prefer and 0 <= age < settings.max_age:
        return DebianResolution.from_dict(remembered["resolution"])
    mirror = find_mirror(settings)
    max_age = 0.0 if refresh else float(settings.max_age)
    try:
        resolution = _resolve(
            request,
            mirror,
            settings,
            reporter,
            max_age,
            now,
            fetch or _network(mirror, settings),
            prefer or {},
        )
    except VerifyError:
        raise
    except FetchError as error:
        error.hint = _offline_hint(error.hint, age)
        raise
    if not prefer:
        write_json(path, {"asked": now, "resolution": resolution.as_dict()})
    return resolution


def _resolve(
    request: DebianRequest,
    mirror: Mirror,
    settings: Settings,
    reporter: Reporter,
    max_age: float,
    now: float,
    fetch: Callable[[str], bytes],
    prefer: Mapping[str, str],
) -> DebianResolution:
    # not needed, and not loaded, when the answer is remembered
    from slipway.distro.keyring import find_keyring
    from slipway.distro.suites import SuiteReader, open_suites
    from slipway.distro.universe import Universe

    reader = SuiteReader(fetch, find_keyring(settings), settings.cache, max_age, now, reporter)
    with reporter.step("package index", f"Debian {request.suite} {request.arch}") as step:
        place = SuitePlace(mirror.archive, request.suite)
        release = reader.release(place)
        further = further_suites(mirror, release.codename)
        places = [(place, release), *((p, reader.release(p)) for p in further)]
        indexes = open_suites(reader, places, request.arch)
        step.detail = ", ".join([release.codename, *(p.name for p in further)])
    try:
        names, pins = _names(request)
        try:
            base, extra, manual = _choose(Universe(indexes, request.arch, pins, prefer), request, names)
        except ResolveError:
            if not prefer:
                raise
            base, extra, manual = _choose(Universe(indexes, request.arch, pins), request, names)
    except ResolveError as error:
        read = f"Read: {step.detail} ({', '.join(COMPONENTS)}) for {request.arch}."
        error.details = f"{error.details}\n{read}" if error.details else read
        raise
    finally:
        for index in indexes:
            index.close()
    return DebianResolution(
        suite=request.suite,
        codename=release.codename,
        version=release.version,
        date=max(r.date for _, r in places),
        sources=_sources(release.codename, place, further),
        components=COMPONENTS,
        base=_debs(base),
        apt=_debs(extra),
        manual=tuple(manual),
    )


def _choose(
    universe: Universe, request: DebianRequest, names: Mapping[str, str]
) -> tuple[dict[str, Candidate], dict[str, Candidate], list[str]]:
    """The base, what comes on top of it, and the names that were asked for, also by the variant."""
    from slipway.distro.solve import package_for, solve

    essential = universe.essential()
    seeds = []
    if request.variant != "essential":
        seeds.append("apt")
    if request.variant == "minbase":
        seeds += universe.required()
    base = solve(universe, essential)
    optional = [name for name in request.optional if universe.candidate(name) is not None]
    base |= solve(universe, [*(names[p] for p in request.packages), *optional, *seeds], base)
    extra = solve(universe, [names[p] for p in request.apt], base)
    asked = {package_for(universe, name).name for name in (*essential, *seeds, *optional, *names.values())}
    return base, extra, sorted(asked)


def _names(request: DebianRequest) -> tuple[dict[str, str], dict[str, str]]:
    """What was written (`name`, `name=version`) -> name, and name -> version for those with one."""
    names: dict[str, str] = {}
    pins: dict[str, str] = {}
    for written in (*request.packages, *request.apt):
        name, equals, version = written.partition("=")
        name = name.strip().removesuffix(f":{request.arch}")
        version = version.strip()
        if equals and pins.setdefault(name, version) != version:
            raise ResolveError(f"{name} is wanted in two versions: {pins[name]} and {version}")
        names[written] = name
    return names, pins


def _debs(chosen: Mapping[str, Candidate]) -> tuple[Deb, ...]:
    return tuple(chosen[name].deb for name in sorted(chosen))


def _sources(codename: str, place: SuitePlace, further: Sequence[SuitePlace]) -> Sources:
    """The suites by archive; a moving name such as `stable` by what it stands for now."""
    suites: dict[str, list[str]] = {place.archive: [codename]}
    for other in further:
        suites.setdefault(other.archive, []).append(other.name)
    return tuple((archive, tuple(names)) for archive, names in suites.items())


def _network(mirror: Mirror, settings: Settings) -> Callable[[str], bytes]:
    from slipway.inputs.download import fetch_bytes

    return lambda url: fetch_bytes(mirror.address(url), settings, max_size=LARGEST)


def _key(request: DebianRequest, settings: Settings) -> str:
    """Of all that decides where packages come from; for APT's configuration its files' times and sizes do."""
    sources: Sequence[Any] = ()
    if not settings.mirror:
        sources = [(str(f), (s := f.stat()).st_mtime_ns, s.st_size) for f in source_files()]
    whole = [_FORMAT, asdict(request), settings.mirror, settings.keyring, sources]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _offline_hint(hint: str, age: float) -> str:
    """`age` of the remembered answer in seconds; negative when there is none."""
    if age < 0:
        return hint or "is the mirror right? SLIPWAY_MIRROR names another one"
    days = age / 86400
    return (
        f"an answer from {days:.1f} days ago is remembered: SLIPWAY_MAX_AGE={int(age * 1.2) + 3600} would use it"
        + (f"; {hint}" if hint else "")
    )
