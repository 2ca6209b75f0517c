"""Rules for single texts: each takes what was written, and gives the value or raises `Refused`.

The patterns are also used in the JSON Schema, so they keep to what Python and ECMAScript read alike.
"""

from __future__ import annotations

import re
from posixpath import normpath

from slipway.recipe.kinds import Refused
from slipway.recipe.model import Platform
from slipway.recipe.source import quote

PYTHON_VERSION = r"[0-9]+(\.[0-9]+)*"
ENV_NAME = r"[^=\s]+"
LABEL_NAME = r"[^=\s]+"
SUITE = r"[a-z][a-z0-9.-]*"
USER = r"[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?"
APT_PACKAGE = r"[a-z0-9][a-z0-9+.-]+(=([0-9]+:)?[A-Za-z0-9][A-Za-z0-9.+~-]*)?"
PORT = r"[0-9]{1,5}(/(tcp|udp|sctp))?"
DURATION = r"(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?"
WORKSPACE = r"(/+[A-Za-z0-9._+@-]+)+/*"
OWNER = r"[0-9]{1,10}(:[0-9]{1,10})?"
SHA256 = r"(sha256:)?[0-9A-Fa-f]{64}"
MAX_ID = 2**31 - 1

# The grammar of references is that of the distribution project's `reference` package.
_HOST = (
    r"([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])"
)
_REGISTRY = _HOST + r"(:[0-9]{1,5})?"
_COMPONENT = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_MAX_NAME = 255

PLATFORMS = {
    "linux/amd64": "amd64",
    "amd64": "amd64",
    "x86_64": "amd64",
    "linux/x86_64": "amd64",
    "linux/arm64": "arm64",
    "linux/arm64/v8": "arm64",
    "arm64": "arm64",
    "aarch64": "arm64",
    "linux/aarch64": "arm64",
}

_UNITS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6}
_MAX_NANOSECONDS = 2**63 - 1


def match(pattern: str, value: str, what: str, hint: str = "") -> str:
    if not re.fullmatch(pattern, value):
        raise Refused(f"{quote(value)} is not {what}", hint)
    return value


def has_control(value: str) -> bool:
    """Whether there is a control character (line break, tab, escape): no path of a recipe needs one."""
    return bool(re.search(r"[\x00-\x1f\x7f-\x9f]", value))


def python_version(value: str) -> str:
    hint = f"write `base: python:{value}` for another image of Python" if value[:1].isdigit() else ""
    return match(PYTHON_VERSION, value, "a Python version such as 3.12", hint)


def image_tag(value: str) -> str:
    """A name to give to an image: `[registry[:port]/]repository[:tag]`."""
    if "@" in value:
        raise Refused(f"{quote(value)} holds a digest: an image cannot be named by one", "write name:tag")
    return reference(value)


def reference(value: str) -> str:
    """An image in a registry: `[registry[:port]/]repository[:tag][@sha256:…]`, as written."""
    name, _, digest = value.partition("@")
    if digest or value.endswith("@"):
        match(_DIGEST, digest, "a digest", "a digest is sha256: and 64 hexadecimal digits")
    head, slash, rest = name.partition("/")
    has_registry = bool(slash) and (head == "localhost" or any(c in head for c in ".:"))
    if has_registry:
        match(_REGISTRY, head, "the name of a registry")
    else:
        rest = name
    repository, colon, tag = rest.partition(":")
    if colon:
        match(_TAG, tag, "an image tag", "letters, digits, `_`, `.` and `-`, at most 128")
    lower = value.replace(repository, repository.lower(), 1)
    for component in repository.split("/"):
        hint = f"write {quote(lower)}" if component != component.lower() else ""
        if not re.fullmatch(_COMPONENT, component):
            raise Refused(
                f"{quote(value)} is not an image name: {quote(component)} cannot be part of one", hint
            )
    if len(repository) > _MAX_NAME:
        raise Refused(f"an image name has at most {_MAX_NAME} characters, this has {len(repository)}")
    return value


def env_name(value: str) -> str:
    return match(ENV_NAME, value, "the name of a variable", "no spaces and no `=` in names")


def label_name(value: str) -> str:
    return match(LABEL_NAME, value, "the name of a label", "no spaces and no `=` in names")


def user(value: str) -> str:
    return match(USER, value, "a user", "a name or number, maybe with :group")


def platform(value: str) -> Platform:
    if value not in PLATFORMS:
        raise Refused(f"platform {quote(value)} is not supported", "supported: linux/amd64, linux/arm64")
    return Platform(PLATFORMS[value])


def apt_package(value: str) -> str:
    """A Debian package name (Debian policy 5.6.1), maybe `=version` (5.6.12)."""
    name = value.partition("=")[0]
    if "/" in name:
        hint = "a suite for a single package is not supported: name the suite in `base`"
    elif ":" in name:
        hint = "no architecture: the platform of the image decides"
    elif re.search(r"[\s,]", value):
        hint = "one package per item"
    elif re.search(r"[<>]|==", value):
        hint = "an exact version is written name=version"
    else:
        hint = f"write {quote(value.lower())}" if value != value.lower() else ""
    return match(APT_PACKAGE, value, "a Debian package", hint)


def absolute_path(value: str) -> str:
    """A path inside the image, normalised; `/` is one."""
    if not value.startswith("/"):
        raise Refused(f"{quote(value)} is not an absolute path", "a path inside the image starts with /")
    if ".." in value.split("/"):
        raise Refused(f"{quote(value)} goes upward", "write the path without `..`")
    if has_control(value):
        raise Refused(f"{quote(value)} is not a path: it holds a control character")
    return "/" + normpath(value).lstrip("/")


def workspace(value: str) -> str:
    """The workspace ends up in `PATH` and in first lines of scripts, so it keeps to plain characters."""
    path = absolute_path(value)
    if path == "/":
        raise Refused("the workspace cannot be the root of the image", "for example /pyats")
    match(WORKSPACE, value, "usable as workspace", "letters, digits and `._+@-` only")
    return path


def volume(value: str) -> str:
    path = absolute_path(value)
    if path == "/":
        raise Refused("the root of the image cannot be a volume")
    if ":" in path:
        raise Refused(
            f"{quote(value)} is not a volume",
            "only the path inside the image; what is mounted is said at run time",
        )
    return path


def port(value: str) -> str:
    """`8888`, `8888/tcp` → `8888/tcp`, as in the image configuration."""
    if re.fullmatch(r"[0-9.]*:?[0-9]+:[0-9]+(/.*)?", value):
        raise Refused(
            f"{quote(value)} maps a port", "only the port inside the image; publishing is said at run time"
        )
    hint = "one port per item" if "-" in value else "for example 8888, 8888/tcp or 53/udp"
    number, _, protocol = match(PORT, value, "a port", hint).partition("/")
    if not 1 <= int(number) <= 65535:
        raise Refused(f"port {number} is out of range", "ports are 1 to 65535")
    return f"{int(number)}/{protocol or 'tcp'}"


def duration(value: str) -> int:
    """`1m30s` → nanoseconds."""
    hint = f"with a unit: {value}s" if re.fullmatch("[0-9]+", value) else ""
    match(DURATION, value, "a duration such as 30s or 1m30s", hint)
    total = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9]+)(ms|h|m|s)", value))
    if total > _MAX_NANOSECONDS:
        raise Refused(f"{quote(value)} is too long")
    return total


def retries(value: str) -> int:
    number = int(match("[0-9]{1,4}", value, "a number of tries", "a whole number, 1 or more"))
    if number < 1:
        raise Refused("at least one try is needed", "remove the key for the default of 3")
    return number
