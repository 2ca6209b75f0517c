"""From requirements to exact files: uv decides, this module asks it and remembers the answer."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import Where
from slipway.files import read_json, write_json
from slipway.oci.digest import key_of
from slipway.python import index as indexes
from slipway.python.backtrack import Listener
from slipway.python.model import PythonResolution
from slipway.python.reqfile import gather
from slipway.python.request import prepare
from slipway.python.sources import without_workspace
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.events import Reporter
    from slipway.python.ahead import Ahead
    from slipway.python.index import Index
    from slipway.python.model import Dist, PythonTarget
    from slipway.python.request import Request
    from slipway.python.sources import Sources
    from slipway.recipe.model import Requirement
    from slipway.settings import Settings

_FORM = 4  # of what is remembered
# Installed along, as virtual environments do, so that `pip list` and `pip check` work in the image.
SEED = "pip"


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
    ahead: Ahead | None = None,
    answer: Answer | None = None,
    files: Sequence[str] = (),
    sources: Sources | None = None,
) -> PythonResolution:
    """Exact distributions for `requirements` on `target`; `pip_config` is the text of the recipe's pip.conf.

    With the requirement `files` of the workspace, all are one request. `sources` find what is not from an index.

    With `fetch` they are also downloaded where the index does not say how large they are: asking takes as long.
    Versions in `prefer` are taken as long as they fit; then nothing is remembered. `ahead` begins with what uv looks at;
    an `answer` that `ask` gave before is taken if it was asked for such a target.
    The answer is remembered for `settings.max_age` seconds; `refresh` asks anew, `now` is the time in seconds since 1970.
    `RecipeError` for lines that are not requirements, `ResolveError` when nothing satisfies them, `FetchError`
    when the index cannot be read; errors of `Sources.locate`.
    """
    now = time.time() if now is None else now
    index = indexes.load(settings, reporter, pip_config)
    sources = sources or without_workspace(settings, reporter)
    asked = gather(requirements, files, sources.places, settings)
    # judging requirements takes a library that takes its time to load: what needs no looking at is known by its text
    request = None if asked.is_plain else prepare(asked, target, index, sources, settings)
    identity = request.identity if request else [asked.identity, index.public()]
    key = key_of(_FORM, identity, target.full, target.arch, target.libc)
    memory = settings.cache / "resolved" / f"python-{key}.json"
    if not refresh and prefer is None and (known := _remembered(memory, now, settings.max_age)) is not None:
        reporter.log("Python packages: the index was asked not long ago, its answer is used again")
        return known
    from slipway.python import pylock

    request = request or prepare(asked, target, index, sources, settings)
    if answer is None or answer.question != _question(request, target):
        answer = ask(request, target, settings, reporter, refresh=refresh, prefer=prefer, ahead=ahead)
    for text in answer.warnings:
        reporter.warn(text)
    dists, names, roots = request.placed(pylock.choose(answer.lock, target, request.keeps))
    for dist in dists:
        if dist.path and dist.origin is None:  # of a directory in the workspace that uv was shown
            sources.bring(dist, str, Where(dist.path))
    # lines that begin with or hold an option say more than a requirement
    plain = asked.is_plain and not files and not any(" -" in f" {r.text}" for r in requirements)
    found = PythonResolution(dists, tuple(sorted({*names, SEED})), answer.lock, () if plain else roots)
    if ahead:
        ahead.fetched(found.dists)
    found = replace(found, dists=_sized(found.dists, settings, reporter, request.index, fetch=fetch))
    if prefer is None:
        write_json(memory, {"time": now, "resolution": found.as_dict()})
    return found


def _remembered(memory: Path, now: float, max_age: int) -> PythonResolution | None:
    try:
        known = read_json(memory)
        return PythonResolution.from_dict(known["resolution"]) if 0 <= now - known["time"] < max_age else None
    except (KeyError, TypeError):  # there is none, or a damaged one, which can be made again
        return None


@value
class Answer:
    """What uv said to a question: the text of a lock file, and of what it warned."""

    question: str
    lock: str
    warnings: tuple[str, ...]


def _question(request: Request, target: PythonTarget) -> str:
    from slipway.python import tags

    return key_of(request.identity, target.full, tags.uv_platform(target))


def ask(
    request: Request,
    target: PythonTarget,
    settings: Settings,
    reporter: Reporter,
    *,
    refresh: bool = False,
    prefer: PythonResolution | None = None,
    ahead: Ahead | None = None,
) -> Answer:
    """Let uv choose versions; parameters and errors are those of `resolve_python`."""
    import tempfile

    from slipway.python import explain, tags, uvrun

    index = request.index
    lines = request.lines(settings)
    if SEED not in request.named:
        lines.append(SEED)
    arguments = [
        *("pip", "compile", "-"),
        *("--python-version", target.full),
        *("--python-platform", tags.uv_platform(target)),
        *("--format", "pylock.toml"),
        "--no-header",
        *request.options,
    ]
    stdin = "\n".join(lines).encode()
    heard = Listener(ahead.listener(index, target, {*request.named, SEED}) if ahead else None)
    with (
        reporter.step("resolve Python packages", f"{len(request.wanted)} requested") as step,
        tempfile.TemporaryDirectory(prefix="slipway-") as place,
    ):
        if limits := request.lines(settings, constraints=True):
            Path(place, "limits.txt").write_text("\n".join(limits))
            arguments += ["--constraint", f"{place}/limits.txt"]
        for more in _preferring(prefer, Path(place)):
            done = uvrun.run([*arguments, *more], index, settings, refresh=refresh, stdin=stdin, heard=heard)
            if not done.returncode:
                break
        kept: list[str] = []
        for limit in heard.wanted(done.stdout.decode()) if prefer is None and not done.returncode else ():
            newer = Path(place, "newer.txt")
            newer.write_text("\n".join([*kept, limit]))
            again = uvrun.run([*arguments, "--constraint", newer], index, settings, stdin=stdin)
            if not again.returncode:
                done = again
                kept.append(limit)
        stderr = request.shown(index.scrub(done.stderr.decode(errors="replace")))
        if done.returncode:
            raise explain.explain(stderr, request.named, target)
        lock = indexes.scrub_url(done.stdout.decode())
        step.detail = f"{lock.count('[[packages]]')} packages"
    return Answer(_question(request, target), lock, tuple(explain.warnings(stderr)))


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
    from slipway.inputs.kept import path_of

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
