"""One item of `packages`, or line of a requirement file, as a value (pip documentation: Requirements File Format).

Pure, and without the `packaging` library, whose import costs some 40 ms: versions and markers are judged later.
"""

from __future__ import annotations

import posixpath
from dataclasses import field, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from slipway.net_errors import hide_parameters
from slipway.patterns import pattern
from slipway.values import value

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from slipway.errors import Where

NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
EXTRAS = rf"(\[\s*({NAME}(\s*,\s*{NAME})*)?\s*\])?"
ARCHIVES = (".whl", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")

_COMMENT = pattern(r"(^|\s)#.*$")
_OPTION = pattern(r"(--[a-z-]+|-[a-zA-Z])(?:\s*=\s*|\s+|$|(?<=-[a-zA-Z]))(.*)")
_TRAILING = pattern(r"\s(?=--[a-z]|-C\b)")
_NAMED = pattern(rf"(?P<name>{NAME})\s*(?P<extras>{EXTRAS})\s*@\s*(?P<target>.+)")
_PATH_EXTRAS = pattern(r"(?P<path>.+?)\s*(?P<extras>\[[^\[\]]*\])\s*\Z")
_SCHEME = pattern(r"(?i)([a-z][a-z0-9+.-]*):(?=//|/|[^\\])")
_USERINFO = pattern(r"(?i)([a-z][a-z0-9+.-]*)://([^/?#\s]*|[^/?#\s]*:(?!\d*/)[^?#\s]*)@")
_VARIABLE = pattern(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$(WORKSPACE)\b")

_OPTIONS = {
    "-e": "editable",
    "-r": "requirement",
    "-c": "constraint",
    "-i": "index-url",
    "-f": "find-links",
    "--pypi-url": "index-url",
}
_WITH_VALUE = (
    "editable",
    "requirement",
    "constraint",
    "index-url",
    "extra-index-url",
    "find-links",
    "trusted-host",
    "no-binary",
    "only-binary",
)
_BARE = ("no-index", "pre", "prefer-binary", "require-hashes")
_OTHER_SYSTEMS = ("hg", "svn", "bzr")


class Unfit(ValueError):  # noqa: N818 - not a user's error yet: it has no place
    """A line that pip would refuse, or that cannot be had here."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@value
class Place:
    """What relative paths are against: a directory of this machine, one of the workspace (relative to it), or a URL."""

    kind: Literal["machine", "workspace", "web"]
    path: str = field(default="", repr=False)


@value
class Wanted:
    """Something to be installed. `text` is the line as it may be shown.

    With a `target` (a path, or an address, logins and all) it comes from there, and `name` is what the line says that it is,
    or empty. Without one it comes from an index, and `said` is the requirement (PEP 508) less its marker.
    `hashes` are `algorithm:hex`, one of which the file must have.
    """

    text: str
    where: Where
    place: Place
    name: str = ""
    extras: str = ""
    said: str = ""
    target: str = field(default="", repr=False)
    marker: str = ""
    editable: bool = False
    hashes: tuple[str, ...] = ()


@value
class Option:
    """An option of a requirement file, by its long name without dashes."""

    name: str
    value: str = field(default="", repr=False)


def public(text: str) -> str:
    """`text` (a URL, or one with URLs in it) as it may be kept and shown.

    The user of an SSH address stays: without one it names another account, and it is no secret.
    """

    def kept(found: re.Match[str]) -> str:
        scheme, userinfo = found.group(1, 2)
        user = userinfo.partition(":")[0] if scheme.lower().endswith("ssh") else ""
        return f"{scheme}://{user}{'@' if user else ''}"

    return hide_parameters(_USERINFO.sub(kept, text))


def bare(text: str) -> str:
    """A line without its comment."""
    return _COMMENT.sub("", text).strip() if "#" in text else text.strip()


def expand(text: str, variables: Mapping[str, str] | None) -> str:
    """`${NAME}` of pip, and `$WORKSPACE`, replaced; `Unfit` for a name that has no value. None leaves them as they are."""

    def found(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if variables is None or name not in variables:
            raise Unfit(f"the variable `{name}` has no value", "give it one under `env`")
        return variables[name]

    return text if variables is None or "$" not in text else _VARIABLE.sub(found, text)


def parse(
    text: str, where: Where, place: Place, variables: Mapping[str, str] | None
) -> Wanted | Option | None:
    """What a line says, None when it is empty; `Unfit` for what it must not say."""
    said = bare(text)
    if not said:
        return None
    editable = False
    rest = said
    if said.startswith("-"):
        option = _option(expand(said, variables))
        if option.name != "editable":
            return option
        editable, rest = True, option.value
    else:
        rest = expand(said, variables)
    rest, hashes = _hashes(rest)
    wanted = _direct(rest, Wanted(public(said), where, place, editable=editable, hashes=hashes))
    if wanted.target or not editable:
        return wanted
    raise Unfit(f"`{public(rest)}` cannot be editable", "only source trees can: a directory or a repository")


def is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVES)


def scheme_of(target: str) -> str:
    """The scheme of an address in lower case (`git+https`), empty for a path."""
    found = _SCHEME.match(target)
    return found[1].lower() if found else ""


def fragment_of(target: str) -> dict[str, str]:
    """What follows the `#` of an address: `egg`, `subdirectory`, `sha256` and the like."""
    return dict(parse_qsl(urlsplit(target).fragment))


def _option(said: str) -> Option:
    found = _OPTION.fullmatch(said)
    name = _OPTIONS.get(found[1], found[1].removeprefix("--")) if found else ""
    if not found or name not in (*_WITH_VALUE, *_BARE, "use-feature"):
        raise Unfit(f"`{public(said)}` is no option of requirement files that can be used here")
    value = found[2].strip()
    if name in _BARE:
        if value:
            raise Unfit(f"`--{name}` takes no value")
        return Option(name)
    if name == "editable":
        value = value.strip("'\"")
    else:
        import shlex

        try:
            words = shlex.split(value)
        except ValueError as error:
            raise Unfit(f"`{public(said)}`: {error}") from error
        if len(words) != 1:
            raise Unfit(f"`--{name}` takes one value")
        value = words[0]
    if not value:
        raise Unfit(f"`--{name}` takes a value")
    return Option(name, value)


def _hashes(rest: str) -> tuple[str, tuple[str, ...]]:
    """A requirement less the options that follow it, and the hashes among them."""
    rest, *options = _TRAILING.split(rest)
    hashes = []
    for option in options:
        name, _, value = option.strip().replace("=", " ", 1).partition(" ")
        if name != "--hash":
            raise Unfit(f"the option `{name}` of a requirement cannot be used here")
        algorithm, colon, digest = value.strip().partition(":")
        if not colon or not digest:
            raise Unfit(f"`{option.strip()}` is no hash", "for example --hash=sha256:2cf2…")
        hashes.append(f"{algorithm}:{digest.lower()}")
    return rest.strip(), tuple(hashes)


def _direct(rest: str, wanted: Wanted) -> Wanted:
    """`wanted` with what `rest` says: a name and specifiers, or where to take it from."""
    if named := _NAMED.fullmatch(rest):
        target, marker = _marker(named["target"].strip(), "; ", " ;")
        return _checked(
            replace(
                wanted,
                name=named["name"],
                extras=named["extras"].strip("[] "),
                target=target,
                marker=marker,
            )
        )
    scheme = scheme_of(rest)
    body, marker = _marker(rest, *(("; ", " ;") if scheme else (";",)))
    if not (scheme or wanted.editable or looks_like_path(body)):
        return replace(wanted, said=body, marker=marker)
    extras = ""
    if found := _PATH_EXTRAS.match(body):
        body, extras = found["path"], found["extras"].strip("[] ")
    name = ""
    if scheme and (egg := fragment_of(body).get("egg", "")):
        name, _, inner = egg.partition("[")
        name, extras = name.strip(), inner.rstrip("] ") or extras
    return _checked(replace(wanted, name=name, extras=extras, target=body, marker=marker))


def looks_like_path(text: str) -> bool:
    return text.startswith((".", "/", "~", "$")) or "/" in text or is_archive(text)


def _marker(text: str, *separators: str) -> tuple[str, str]:
    for separator in separators:
        before, found, after = text.partition(separator)
        if found:
            return before.strip(), after.strip()
    return text, ""


def _checked(wanted: Wanted) -> Wanted:
    """`Unfit` for targets of which nothing can come."""
    scheme = scheme_of(wanted.target)
    system, plus, transport = scheme.partition("+")
    shown = public(wanted.target)
    if system in _OTHER_SYSTEMS and (plus or system != "svn"):
        raise Unfit(f"`{shown}`: of version control systems only git can be asked")
    if plus and system == "git":
        if transport not in ("https", "http", "ssh", "git", "file"):
            raise Unfit(
                f"`{shown}`: git cannot be asked over {transport!r}", "write git+https:// or git+ssh://"
            )
        return wanted
    if scheme and scheme not in ("http", "https", "file"):
        hint = "write git+https:// or git+ssh://" if scheme in ("git", "ssh") else ""
        raise Unfit(f"`{shown}`: packages cannot be fetched over {scheme!r}", hint)
    if scheme in ("http", "https"):
        if wanted.editable:
            raise Unfit(f"`{shown}` cannot be editable", "only source trees can: a directory or a repository")
        if not is_archive(filename_of(wanted.target)):
            raise Unfit(
                f"`{shown}` is neither a wheel nor a source distribution",
                "its name tells it: " + ", ".join(ARCHIVES),
            )
    return wanted


def filename_of(target: str) -> str:
    """The last part of a path or an address."""
    path = unquote(urlsplit(target).path) if scheme_of(target) else target
    return posixpath.basename(path.rstrip("/"))
