"""What uv is asked, made of what people wrote: names and versions as they are, everything else as local archives."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from slipway.errors import Problem, RecipeError, ResolveError
from slipway.files import disk
from slipway.inputs.kept import path_of
from slipway.oci.digest import key_of
from slipway.python.requirement import scheme_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from slipway.python.index import Index
    from slipway.python.located import Located
    from slipway.python.model import Dist, PythonTarget
    from slipway.python.reqfile import Asked
    from slipway.python.requirement import Place, Wanted
    from slipway.python.sources import Sources
    from slipway.settings import Settings

_ASKED_AT_ONCE = 4  # servers, for what is not from an index


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that is asked for on one target, with the index to ask.

    `named` are the lines by the canonical name that they are about, as far as that is known. `identity` tells this request from others
    without secrets. `hashes` are those that files of a name may have; with `hashed` every name has some.
    """

    index: Index
    wanted: tuple[tuple[Wanted, Located | None], ...]
    constraints: tuple[tuple[Wanted, Located | None], ...]
    named: dict[str, list[Wanted]]
    options: tuple[str, ...]
    hashes: dict[str, tuple[str, ...]]
    hashed: bool
    linked: dict[str, str]
    _archives: dict[str, Located] = field(default_factory=dict)

    @property
    def identity(self) -> list[Any]:
        rows = [
            [_row(wanted, located) for wanted, located in group] for group in (self.wanted, self.constraints)
        ]
        return [*rows, self.options, self.hashes, self.hashed, self.linked, self.index.public()]

    def lines(self, settings: Settings, *, constraints: bool = False) -> list[str]:
        """The requirements as uv takes them; brings and makes the archives that they speak of."""
        return [
            wanted.said if located is None else self._line(wanted, located, settings)
            for wanted, located in (self.constraints if constraints else self.wanted)
        ]

    def _line(self, wanted: Wanted, located: Located, settings: Settings) -> str:
        url = _link(located, settings).as_uri()
        self._archives[url] = located
        extras = f"[{wanted.extras}]" if wanted.extras else ""
        return f"{wanted.name}{extras} @ {url}" if wanted.name else f"{url}{extras}"

    def shown(self, text: str) -> str:
        """What uv wrote, with the requirements in place of the archives that were made of them."""
        for url, located in self._archives.items():
            for form in (url, url.removeprefix("file://")):
                text = text.replace(form, located.wanted.text)
        return text

    def placed(self, dists: Iterable[Dist]) -> tuple[tuple[Dist, ...], tuple[str, ...], tuple[str, ...]]:
        """The distributions with where they are from; the names that were asked for; and roots, as in `PythonResolution`.

        `ResolveError` when a file has none of the hashes that were written down for it.
        """
        found: list[Dist] = []
        names: dict[str, str] = {}
        for dist in dists:
            located = self._archives.get(dist.url)
            if located:
                names[dist.url] = dist.name
                found.append(located.dist(dist))
            else:
                found.append(self._from_links(dist))
            self._check(found[-1])
        by_archive = {id(located): names[url] for url, located in self._archives.items() if url in names}
        roots = []
        for wanted, located in self.wanted:
            name = by_archive.get(id(located), "") if located else _name(wanted)
            extras = f"[{wanted.extras}]" if located and wanted.extras else ""
            roots.append(f"{name}{extras}" if located else wanted.said)
        requested = {_canonical(root) for root in roots if root}
        return tuple(found), tuple(sorted(requested)), tuple(root for root in roots if root)

    def _from_links(self, dist: Dist) -> Dist:
        for prefix, path in self.linked.items():
            if dist.url.startswith(prefix):
                return replace(dist, url="", path=f"{path}/{dist.filename}".lstrip("./"))
        return dist

    def _check(self, dist: Dist) -> None:
        allowed = self.hashes.get(dist.name)
        origin = dist.origin
        sha256 = origin.sha256 if origin and origin.sha256 else dist.sha256
        if allowed is None and self.hashed:
            raise ResolveError(
                f"{dist.name} {dist.version} has no hash, and --require-hashes asks for one of everything",
                hint=f"add {dist.name}=={dist.version} --hash=sha256:{sha256}",
            )
        if allowed is not None and f"sha256:{sha256}" not in allowed:
            raise ResolveError(
                f"{dist.filename} has none of the hashes that were written down for it",
                details=f"it has sha256:{sha256}, allowed are\n" + "\n".join(allowed),
                where=self.named[dist.name][0].where if dist.name in self.named else None,
            )

    def keeps(self, name: str, sha256: str) -> bool:
        """Whether a file of an index may be chosen."""
        return name not in self.hashes or f"sha256:{sha256}" in self.hashes[name]


def prepare(
    asked: Asked, target: PythonTarget, index: Index, sources: Sources, settings: Settings
) -> Request:
    """Look at all that is asked for: `RecipeError` for lines that are no requirements, errors of `Sources.locate`."""
    problems: list[Problem] = []
    groups = [
        [wanted for wanted in group if _applies(wanted, target, problems)]
        for group in (asked.wanted, asked.constraints)
    ]
    if problems:
        raise RecipeError(problems, "packages")
    direct = [wanted for group in groups for wanted in group if wanted.target]
    found = dict(zip(map(id, direct), _each(sources.locate, direct), strict=True))
    named: dict[str, list[Wanted]] = {}
    hashes: dict[str, tuple[str, ...]] = {}
    for group in groups:
        for wanted in group:
            located = found.get(id(wanted))
            name = _name(wanted) or (_guess(located.filename) if located else "") or wanted.text
            named.setdefault(name, []).append(wanted)
            if wanted.hashes:
                hashes[name] = (*hashes.get(name, ()), *wanted.hashes)
    options = [f"--{name}={value}" for name, value in asked.binary]
    options += ["--prerelease=allow"] if asked.prereleases else []
    index, linked = with_options(index, asked, sources, settings)
    wanted_rows, constraint_rows = (tuple((w, found.get(id(w))) for w in group) for group in groups)
    return Request(index, wanted_rows, constraint_rows, named, tuple(options), hashes, asked.hashed, linked)


def _applies(wanted: Wanted, target: PythonTarget, problems: list[Problem]) -> bool:
    """Whether markers let the line hold for the target; what is wrong with it goes to `problems`."""
    from packaging.markers import InvalidMarker, Marker
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Pep508

    try:
        if wanted.said:
            Pep508(wanted.said)
        return not wanted.marker or Marker(wanted.marker).evaluate(dict[str, Any](target.markers))
    except (InvalidRequirement, InvalidMarker) as error:
        first = str(error).splitlines()[0]
        problems.append(
            Problem(wanted.where, f"{wanted.text!r} is not a Python requirement: {first}", wanted.text)
        )
        return False


def _each(locate: Callable[[Wanted], Located], direct: Sequence[Wanted]) -> list[Located]:
    if len(direct) < 2:
        return [locate(wanted) for wanted in direct]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        return list(pool.map(locate, direct))


def with_options(
    index: Index, asked: Asked, sources: Sources, settings: Settings
) -> tuple[Index, dict[str, str]]:
    """`index` with what requirement files add; and where in the workspace its directories of files are.

    pip takes `--index-url` instead of the one that is configured. It does so for the one file; with several, of which others
    may want the configured one, all are asked.
    """
    linked: dict[str, str] = {}
    links = [_links(value, place, sources, settings, linked) for value, place in asked.find_links]
    default, extra = index.default, [*index.extra]
    if len(asked.indexes) == 1 and not index.default:
        default = asked.indexes[0]
    else:
        extra += asked.indexes
    return (
        replace(
            index,
            default=default,
            extra=tuple(dict.fromkeys((*extra, *asked.extra_indexes))),
            find_links=(*index.find_links, *links),
            trusted=(*index.trusted, *asked.trusted),
            no_index=index.no_index or asked.no_index,
        ),
        linked,
    )


def _links(value: str, place: Place, sources: Sources, settings: Settings, linked: dict[str, str]) -> str:
    """A directory of files, or a page with links, as uv takes it."""
    if scheme_of(value) in ("http", "https"):
        return value
    found = sources.places.find(value, place)
    if found.tree is None or found.place.kind != "workspace":
        return found.path
    directory = settings.cache / "direct" / key_of(found.tree.digest)[:32]
    with disk(directory):
        directory.mkdir(parents=True, exist_ok=True)
        for entry, path in found.tree.held:
            if entry.kind == "file" and "/" not in entry.path:
                _point(directory / entry.path, path.absolute())
    linked[f"{directory.as_uri()}/"] = found.path
    return str(directory)


def _link(located: Located, settings: Settings) -> Path:
    """The archive under the name that it should have: uv goes by names, and the downloads have none."""
    _, sha256 = located.make()
    link = settings.cache / "direct" / sha256[:32] / located.filename
    with disk(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        _point(link, path_of(sha256, settings).absolute())
    return link


def _point(link: Path, target: Path) -> None:
    """Make a link, or make one right that is from before the cache was moved; others may be at it, too."""
    if not link.exists():
        link.unlink(missing_ok=True)
        with suppress(FileExistsError):
            link.symlink_to(target)


def _row(wanted: Wanted, located: Located | None) -> list[Any]:
    if located is None:
        return [wanted.said]
    return [wanted.name, wanted.extras, wanted.editable, located.identity, located.filename, located.url]


def _name(wanted: Wanted) -> str:
    """The canonical name that a line says, or nothing."""
    return _canonical(wanted.name or wanted.said)


def _canonical(text: str) -> str:
    from packaging.requirements import Requirement as Pep508
    from packaging.utils import canonicalize_name

    return canonicalize_name(Pep508(text).name) if text else ""


def _guess(filename: str) -> str:
    """The canonical name that a file's name tells, or nothing."""
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    try:
        return parse_wheel_filename(filename)[0]
    except InvalidWheelFilename:
        pass
    try:
        return parse_sdist_filename(filename)[0]
    except InvalidSdistFilename:
        return ""
