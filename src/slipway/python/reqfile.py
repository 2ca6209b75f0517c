"""Everything that a recipe asks of Python, requirement files followed to their ends (pip documentation: Requirements File Format).

pip would run once for each file and let later runs undo what earlier ones chose. Here all are one request: either they
go together, or the error names the lines that do not.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from slipway.errors import FetchError, Problem, RecipeError, Where
from slipway.patterns import pattern
from slipway.python.requirement import Option, Place, Unfit, Wanted, parse, public
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.python.places import Places
    from slipway.recipe.model import Requirement
    from slipway.settings import Settings

_LARGEST = 4 << 20  # bytes of a requirement file
_COMMENT_LINE = pattern(r"\s*#")


@value
class Asked:
    """`wanted` in order, `constraints` on it, and the options that hold for all of it.

    Addresses and directories of indexes are as written, logins included. `binary` are pairs (`no-binary` or
    `only-binary`, names). With `hashed` nothing may be installed whose hash is not written down.
    """

    wanted: tuple[Wanted, ...] = ()
    constraints: tuple[Wanted, ...] = ()
    indexes: tuple[str, ...] = field(default=(), repr=False)
    extra_indexes: tuple[str, ...] = field(default=(), repr=False)
    find_links: tuple[tuple[str, Place], ...] = field(default=(), repr=False)
    trusted: tuple[str, ...] = ()
    binary: tuple[tuple[str, str], ...] = ()
    no_index: bool = False
    prereleases: bool = False
    hashed: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether everything is from an index, so that nothing has to be looked at."""
        return not self.find_links and not any(w.target for w in (*self.wanted, *self.constraints))

    @property
    def identity(self) -> list[Any]:
        """What tells plain ones apart, without secrets."""
        rows = [[[w.said, w.marker, w.hashes] for w in group] for group in (self.wanted, self.constraints)]
        indexes = [public(url) for url in (*self.indexes, *self.extra_indexes)]
        return [*rows, indexes, len(self.indexes), self.binary, self.no_index, self.prereleases, self.hashed]


def gather(
    packages: Sequence[Requirement],
    files: Sequence[str],
    places: Places,
    settings: Settings,
) -> Asked:
    """What `packages` and the requirement `files` of the workspace ask for. `RecipeError` holds everything that is wrong."""
    reader = _Reader(places, settings)
    for name in files:
        reader.file(name, Place("workspace"), Where(name), constraint=False)
    for item in packages:
        reader.line(item.text, item.where, Place("machine", str(places.directory)), constraint=False)
    if reader.problems:
        raise RecipeError(reader.problems, "Python requirements")
    return reader.asked()


class _Reader:
    def __init__(self, places: Places, settings: Settings) -> None:
        self.problems: list[Problem] = []
        self._places = places
        self._settings = settings
        self._wanted: list[Wanted] = []
        self._constraints: list[Wanted] = []
        self._options: list[tuple[Option, Place]] = []
        self._read: set[tuple[str, str, bool]] = set()

    def asked(self) -> Asked:
        def values(name: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(option.value for option, _ in self._options if option.name == name))

        names = {option.name for option, _ in self._options}
        return Asked(
            wanted=tuple(self._wanted),
            constraints=tuple(self._constraints),
            indexes=values("index-url"),
            extra_indexes=values("extra-index-url"),
            find_links=tuple((o.value, place) for o, place in self._options if o.name == "find-links"),
            trusted=values("trusted-host"),
            binary=tuple((n, v) for n in ("no-binary", "only-binary") for v in values(n)),
            no_index="no-index" in names,
            prereleases="pre" in names,
            hashed="require-hashes" in names,
        )

    def line(self, text: str, where: Where, place: Place, *, constraint: bool) -> None:
        try:
            found = parse(text, where, place, self._places.variables)
            if isinstance(found, Option):
                if found.name in ("requirement", "constraint"):
                    self.file(found.value, place, where, constraint=constraint or found.name == "constraint")
                else:
                    self._options.append((found, place))
            elif found and constraint and (found.editable or found.extras):
                raise Unfit("a constraint cannot be editable, nor have extras")
            elif found:
                (self._constraints if constraint else self._wanted).append(found)
        except Unfit as unfit:
            self.problems.append(Problem(where, unfit.message, public(text), unfit.hint))

    def file(self, target: str, place: Place, where: Where, *, constraint: bool) -> None:
        """Take in the lines of the file that `target` names at `where`, once."""
        try:
            text, shown, inner = self._content(target, place)
        except Unfit as unfit:
            self.problems.append(Problem(where, unfit.message, "", unfit.hint))
            return
        if (key := (shown, inner.path, constraint)) in self._read:
            return
        self._read.add(key)
        for number, line in _lines(text):
            self.line(line, Where(shown, number), inner, constraint=constraint)

    def _content(self, target: str, place: Place) -> tuple[str, str, Place]:
        """The text of a requirement file, its name for people, and what its relative paths are against."""
        if address := self._places.address(target, place):
            from slipway.inputs.download import fetch_bytes

            data = fetch_bytes(address, self._settings, max_size=_LARGEST)
            shown, inner = public(address), Place("web", urljoin(address, "."))
        else:
            found = self._places.find(target, place)
            if found.file is None:
                raise Unfit(f"`{public(target)}` is a directory, not a requirement file")
            entry, path = found.file
            if entry.size > _LARGEST:
                raise Unfit(f"`{public(target)}` is too large for a requirement file")
            try:
                data = path.read_bytes()
            except OSError as error:
                raise FetchError(f"cannot read {path}: {error.strerror}") from error
            shown, inner = found.path, found.place
        try:
            return data.decode("utf-8-sig"), shown, inner
        except UnicodeDecodeError as error:
            raise Unfit(f"`{public(target)}` is not text in UTF-8") from error


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; one that ends in a backslash goes on in the next, unless that is a comment."""
    begun, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        comment = bool(_COMMENT_LINE.match(line))
        begun = begun if parts else number
        if line.endswith("\\") and not comment:
            parts.append(line[:-1])
            continue
        yield begun, "".join([*parts, f" {line}" if comment else line])
        parts.clear()
    if parts:
        yield begun, "".join(parts)
