"""A requirement that is not from an index, with what it leads to; and its address, with and without a login."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from slipway.errors import Problem, RecipeError, SlipwayError, VerifyError
from slipway.patterns import pattern
from slipway.python.requirement import Unfit, Wanted, public, scheme_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from slipway.python.model import Dist, Origin
    from slipway.python.reqfile import Asked

_WEAKER = ("sha512", "sha384", "sha224", "sha1", "md5")  # other hashes that an address may end in
_ODD = pattern(r"[^A-Za-z0-9._+-]")

Archive = tuple[Path, str]  # among the downloads, with its sha256


@dataclass(frozen=True, slots=True)
class Located:
    """A requirement and what it leads to: `identity` tells its content from others, `make` brings or makes its archive."""

    wanted: Wanted
    identity: str
    filename: str
    make: Callable[[], Archive]
    url: str = ""
    path: str = ""
    origin: Origin | None = None

    def dist(self, found: Dist) -> Dist:
        """`found`, which was read from the archive, with where it is from."""
        return replace(found, filename=self.filename, url=self.url, path=self.path, origin=self.origin)


def logins(asked: Asked) -> Callable[[str], str]:
    """What gives a public address the credentials that somebody wrote into it."""
    from slipway.inputs import gitaddress
    from slipway.python import vcs

    known: dict[str, str] = {}
    for wanted in (*asked.wanted, *asked.constraints):
        if scheme_of(wanted.target).startswith("git+"):
            url = vcs.reference(wanted.target).url
            known[gitaddress.public(url)] = url
        elif wanted.target:
            url = wanted.target.partition("#")[0]
            known[public(url)] = url
    return lambda address: known.get(address, address)


def tree_name(path: str) -> str:
    """What the archive of a tree is called; a source distribution's own name is told by what is in it."""
    name = _ODD.sub("-", PurePosixPath(path).name).strip(".-")
    return f"{name or 'source'}.tar.gz"


def check(path: Path, fragment: Mapping[str, str], shown: str) -> None:
    """`VerifyError` unless the file has the hashes that its address ends in."""
    import hashlib

    for algorithm in _WEAKER:
        if algorithm in fragment:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, algorithm).hexdigest()
            if found != fragment[algorithm].lower():
                raise VerifyError(f"{shown} has not the {algorithm} that its address promises")


@contextmanager
def placed(wanted: Wanted) -> Iterator[None]:
    """Errors with the place of what caused them."""
    try:
        yield
    except Unfit as unfit:
        problem = Problem(wanted.where, unfit.message, wanted.text, unfit.hint)
        raise RecipeError([problem], "Python requirements") from unfit
    except SlipwayError as error:
        error.where = error.where or wanted.where
        raise
