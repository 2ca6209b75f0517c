"""What this machine offers, what is missing, and what each missing thing would be needed for.

Checks are data: a name, a purpose, a remedy and a probe. A probe looks; it changes nothing and, unless asked to go
online, talks to nobody but a local socket.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slipway import proc
from slipway.errors import SlipwayError
from slipway.events import Reporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slipway.settings import Settings

Status = Literal["ok", "limited", "missing"]
LITTLE_SPACE = 2_000_000_000  # bytes; an image with many packages and its downloads need about that


@dataclass(frozen=True, slots=True)
class Found:
    """What a probe saw: a status, and one line on it."""

    status: Status
    detail: str


@dataclass(frozen=True, slots=True)
class Check:
    """A thing that may be there. `essential` things are needed by a plain build (Debian base, Python packages)."""

    name: str
    needed_for: str
    remedy: str
    probe: Callable[[Settings, bool], Found]
    essential: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a check; `remedy` is empty when there is nothing to mend."""

    name: str
    status: Status
    detail: str
    needed_for: str
    remedy: str
    essential: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(settings: Settings, *, online: bool = False) -> list[Finding]:
    """Run all checks. `online` also asks mirror and index whether they answer. A failing probe is a finding, not an error."""
    findings = []
    for check in CHECKS:
        try:
            found = check.probe(settings, online)
        except (SlipwayError, OSError) as error:
            found = Found("missing", error.brief if isinstance(error, SlipwayError) else str(error))
        remedy = "" if found.status == "ok" else check.remedy
        findings.append(
            Finding(check.name, found.status, found.detail, check.needed_for, remedy, check.essential)
        )
    return findings


def can_build(findings: Iterable[Finding]) -> bool:
    return all(f.status != "missing" for f in findings if f.essential)


# -- places --------------------------------------------------------------------------------------------------


def _store(settings: Settings, online: bool) -> Found:  # noqa: ARG001
    return _place(settings.store)


def _cache(settings: Settings, online: bool) -> Found:  # noqa: ARG001
    return _place(settings.cache)


def _place(path: Path) -> Found:
    """Whether `path` can be written or made, and how much room is there."""
    there = next(p for p in (path, *path.parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Found("missing", f"{there} is not writable")
    free = shutil.disk_usage(there).free
    status: Status = "limited" if free < LITTLE_SPACE else "ok"
    return Found(status, f"{path}, {free / 1e9:.1f} GB free")


# -- Debian and Python ---------------------------------------------------------------------------------------


def _signatures(settings: Settings, online: bool) -> Found:  # noqa: ARG001
    return _program("gpgv", "sqv")


def _keyring(settings: Settings, online: bool) -> Found:  # noqa: ARG001
    path = Path(settings.keyring or "/usr/share/keyrings/debian-archive-keyring.gpg")
    return Found("ok", str(path)) if path.is_file() else Found("missing", f"there is no {path}")


def _mirror(settings: Settings, online: bool) -> Found:
    url = settings.mirror or _mirror_of_apt()
    if not url:
        return Found("missing", "APT on this machine has no source for packages")
    return _reachable(url.rstrip("/") + "/dists/stable/InRelease", settings) if online else Found("ok", url)


def _mirror_of_apt() -> str:
    """Where APT gets most of its packages from (apt-get(8), indextargets)."""
    apt = proc.find("apt-get", purpose="finding the mirror that APT uses", hint="set --mirror")
    listed = proc.run([apt, "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"])
    return next((url for url, _ in Counter(listed.stdout.decode().split()).most_common(1)), "")


def _uv(settings: Settings, online: bool) -> Found:  # noqa: ARG001
    from slipway.python.uvrun import binary

    return Found("ok", binary())


def _index(settings: Settings, online: bool) -> Found:
    from slipway.python.index import load, scrub_url

    index = load(settings, Reporter())
    if index.no_index:
        return Found("limited", "pip is configured to use no index, only find-links")
    if not index.default:
        return Found("ok", "none configured: uv's default")
    if online:
        return _reachable(index.default.rstrip("/") + "/pip/", settings)
    return Found("ok", scrub_url(index.default))


def _reachable(url: str, settings: Settings) -> Found:
    from slipway.net import Client, redact

    with Client(settings) as client, client.get(url) as answer:
        return Found("ok", f"{redact(url)} answers {answer.status}")


# -- running and handing over --------------------------------------------------------------------------------


def _sandbox(settings: Settings, online: bool) -> Found:  # noqa: ARG001
    from slipway.sandbox.trial import try_namespaces, who_refuses

    reached = try_namespaces()
    if reached == "nothing":
        why = who_refuses()
        return Found("missing", f"namespaces are refused{why and ': '}{why}")
    if reached == "namespaces":
        return Found("limited", "namespaces work, overlay mounts in them are refused")
    return Found("ok", "namespaces and overlay mounts work" + ("" if os.geteuid() == 0 else ", without root"))


def _users(settings: Settings, online: bool) -> Found:  # noqa: ARG001
    from slipway.sandbox.users import find_users

    found = find_users()
    if found.kind == "one":
        return Found("limited", f"only one: {found.why}")
    if found.range is None:
        return Found("ok", "all, as root")
    return Found("ok", f"{sum(count for _, _, count in found.range.users)}, without root")


def _foreign(settings: Settings, online: bool) -> Found:  # noqa: ARG001
    """Handlers that the kernel has for other processors' programs (Linux: admin-guide/binfmt-misc.rst)."""
    folder = Path("/proc/sys/fs/binfmt_misc")
    names = sorted(p.name for p in folder.glob("qemu-*")) if folder.is_dir() else []
    return Found("ok", ", ".join(names)) if names else Found("missing", "the kernel has no handlers")


def _docker(settings: Settings, online: bool) -> Found:  # noqa: ARG001
    host = settings.docker_host or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    kind, _, place = host.partition("://")
    if kind not in ("unix", "tcp"):
        return Found("limited", f"{host}: not looked at")
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    name, _, port = place.partition(":")
    address: Any = place if kind == "unix" else (name, int(port.strip("/") or 2375))
    with socket.socket(family) as connection:
        connection.settimeout(2)
        try:
            connection.connect(address)
        except OSError as error:
            return Found("missing", f"{host}: {error.strerror or error}")
    return Found("ok", host)


def _skopeo(settings: Settings, online: bool) -> Found:  # noqa: ARG001
    return _program("skopeo")


def _buildah(settings: Settings, online: bool) -> Found:  # noqa: ARG001
    return _program("buildah")


def _program(*names: str) -> Found:
    for name in names:
        if path := shutil.which(name):
            return Found("ok", path)
    return Found("missing", f"{' or '.join(names)} is not installed")


CHECKS = (
    Check("store", "keeping images", "set --store to a directory that you may write", _store, True),
    Check("cache", "downloads and fragments", "set --cache to a directory that you may write", _cache, True),
    Check("signatures", "checking Debian's indexes", "apt-get install gpgv", _signatures, True),
    Check(
        "Debian keyring",
        "checking Debian's indexes",
        "apt-get install debian-archive-keyring, or set --keyring",
        _keyring,
        True,
    ),
    Check("Debian mirror", "Debian packages", "configure APT, or set --mirror", _mirror, True),
    Check("uv", "resolving Python packages", "pip install uv, beside slipway", _uv, True),
    Check("Python index", "Python packages", "configure pip, or set --python-index", _index, True),
    Check(
        "sandbox",
        "slipway run, and `cmds` and `run` of recipes",
        "allow user namespaces (or be root)",
        _sandbox,
    ),
    Check(
        "users in steps",
        "`cmds` and `run` of recipes that need more than one user (apt-get, chown, USER)",
        "apt-get install uidmap; usermod --add-subuids 100000-165535 --add-subgids 100000-165535 YOU",
        _users,
    ),
    Check(
        "foreign processors",
        "slipway run of images for other platforms",
        "apt-get install qemu-user-static binfmt-support",
        _foreign,
    ),
    Check("Docker daemon", "build --load, --engine docker", "start Docker, or set --docker-host", _docker),
    Check("buildah", "slipway build --engine buildah", "apt-get install buildah", _buildah),
    Check("skopeo", "nothing here; it copies images elsewhere", "apt-get install skopeo", _skopeo),
)
