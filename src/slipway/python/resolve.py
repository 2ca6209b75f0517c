"""From requirements to exact files: uv decides, this module asks it and remembers the answer."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import NotYetError, Problem, RecipeError
from slipway.files import read_json, write_json
from slipway.oci.digest import key_of
from slipway.patterns import pattern
from slipway.python import index as indexes
from slipway.python.model import PythonResolution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.events import Reporter
    from slipway.python.index import Index
    from slipway.python.model import Dist, PythonTarget
    from slipway.recipe.model import Requirement
    from slipway.settings import Settings

_FORM = 2  # of what is remembered
# Installed along, as virtual environments do, so that `pip list` and `pip check` work in the image.
SEED = "pip"
_COMMENT = pattern(r"(^|\s)#.*$")


def resolve_python(
    requirements: Sequence[Requirement],
    target: PythonTarget,
    settings: Settings,
    reporter: Reporter,
    *,
    pip_config: str = "",
    refresh: bool = False,
    fetch: bool = False,
    now: float | None = None,
    prefer: PythonResolution | None = None,
) -> PythonResolution:
    """Exact distributions for `requirements` on `target`; `pip_config` is the text of the recipe's pip.conf.

    With `fetch` they are also downloaded where the index does not say how large they are: asking takes as long.
    Versions in `prefer` are taken as long as they fit; then nothing is remembered.
    The answer is remembered for `settings.max_age` seconds; `refresh` asks anew, `now` is the time in seconds since 1970.
    `RecipeError` for lines that are not requirements, `ResolveError` when nothing satisfies them, `FetchError`
    when the index cannot be read, `NotYetError` for what is valid but not from an index or archive.
    """
    now = time.time() if now is None else now
    index = indexes.load(settings, reporter, pip_config)
    lines = [r.text.strip() for r in requirements]
    key = key_of(_FORM, lines, target.full, target.arch, target.libc, index.public())
    memory = settings.cache / "resolved" / f"python-{key}.json"
    if not refresh and prefer is None and (known := _remembered(memory, now, settings.max_age)) is not None:
        reporter.log("Python packages: the index was asked not long ago, its answer is used again")
        return known
    with reporter.step("resolve Python packages", f"{len(lines)} requested") as step:
        found = _ask(requirements, target, settings, reporter, index, refresh=refresh, prefer=prefer)
        step.detail = f"{len(found.dists)} packages"
    found = replace(found, dists=_sized(found.dists, settings, reporter, index, fetch=fetch))
    if prefer is None:
        write_json(memory, {"time": now, "resolution": found.as_dict()})
    return found


def _remembered(memory: Path, now: float, max_age: int) -> PythonResolution | None:
    try:
        known = read_json(memory)
        return PythonResolution.from_dict(known["resolution"]) if 0 <= now - known["time"] < max_age else None
    except (KeyError, TypeError):  # there is none, or a damaged one, which can be made again
        return None


def _ask(
    requirements: Sequence[Requirement],
    target: PythonTarget,
    settings: Settings,
    reporter: Reporter,
    index: Index,
    *,
    refresh: bool,
    prefer: PythonResolution | None,
) -> PythonResolution:
    import tempfile

    from slipway.python import explain, pylock, tags, uvrun

    named, lines = _parse(requirements, target)
    if SEED not in named:
        lines.append(SEED)
    arguments = [
        *("pip", "compile", "-"),
        *("--python-version", target.full),
        *("--python-platform", tags.uv_platform(target)),
        *("--format", "pylock.toml"),
        "--no-header",
    ]
    stdin = "\n".join(lines).encode()
    with tempfile.TemporaryDirectory(prefix="slipway-") as place:
        for more in _preferring(prefer, Path(place)):
            done = uvrun.run([*arguments, *more], index, settings, refresh=refresh, stdin=stdin)
            if not done.returncode:
                break
    stderr = index.scrub(done.stderr.decode(errors="replace"))
    if done.returncode:
        raise explain.explain(stderr, named, target)
    for text in explain.warnings(stderr):
        reporter.warn(text)
    lock = indexes.scrub_url(done.stdout.decode())
    return PythonResolution(pylock.choose(lock, target), tuple(sorted({*named, SEED})), lock)


def _preferring(prefer: PythonResolution | None, place: Path) -> list[tuple[str | Path, ...]]:
    """Options for uv, to be tried in turn: all versions as they were; as many of them as go together.

    uv keeps to the versions in the file that it is to write, where it can. It is not the first choice: with several indexes
    of which one lacks the file that fits, uv takes another version.
    """
    if prefer is None:
        return [()]
    constraints, before = place / "constraints.txt", place / "pylock.toml"
    constraints.write_text("".join(f"{d.name}=={d.version}\n" for d in prefer.dists))
    before.write_text(prefer.pylock)
    return [("--constraint", constraints), ("--output-file", before)]


def _sized(
    dists: Sequence[Dist], settings: Settings, reporter: Reporter, index: Index, *, fetch: bool
) -> tuple[Dist, ...]:
    """With the sizes that the index did not tell: layers are split by them."""
    from slipway.inputs.download import path_of

    found: dict[str, int] = {}
    unknown = [d for d in dists if not d.size]
    for dist in unknown:
        with suppress(FileNotFoundError):
            found[dist.sha256] = path_of(dist.sha256, settings).stat().st_size
    unknown = [d for d in unknown if d.sha256 not in found]
    if unknown and fetch:
        from slipway.python.fetch import download

        paths = download(unknown, index, settings, reporter)
        found |= {d.sha256: path.stat().st_size for d, path in zip(unknown, paths, strict=True)}
    elif unknown:
        from slipway.inputs.sizes import sizes

        answers = sizes([index.with_credentials(d.url) for d in unknown], settings)
        found |= {d.sha256: size for d, size in zip(unknown, answers, strict=True)}
    return tuple(replace(d, size=d.size or found[d.sha256]) for d in dists)


def _parse(
    requirements: Sequence[Requirement], target: PythonTarget
) -> tuple[dict[str, list[Requirement]], list[str]]:
    """The requirements by canonical name, and in the form that uv is given; those that markers exclude are left out."""
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Pep508
    from packaging.utils import canonicalize_name

    named: dict[str, list[Requirement]] = {}
    lines: list[str] = []
    problems: list[Problem] = []
    for requirement in requirements:
        text = _COMMENT.sub("", requirement.text).strip()
        if not text:
            continue
        if text.startswith(("-", ".", "/", "$")):
            raise NotYetError(
                f"{text!r}: options, files and directories in `packages` are not supported yet",
                where=requirement.where,
            )
        try:
            parsed = Pep508(text)
        except InvalidRequirement as error:
            first = str(error).splitlines()[0]
            problems.append(
                Problem(requirement.where, f"{text!r} is not a Python requirement: {first}", requirement.text)
            )
            continue
        if parsed.marker is not None and not parsed.marker.evaluate(dict[str, Any](target.markers)):
            continue
        if parsed.url and parsed.url.startswith(("git+", "hg+", "svn+", "bzr+")):
            raise NotYetError(
                f"{parsed.name} comes from a version control system; that is not supported yet",
                where=requirement.where,
            )
        named.setdefault(canonicalize_name(parsed.name), []).append(requirement)
        lines.append(str(parsed))
    if problems:
        raise RecipeError(problems, "packages")
    return named, lines
