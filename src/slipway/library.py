"""Slipway for Python programs, with the interface of the pyATS Image Builder.

    from slipway import build

    image = build({"tag": "hello:1.2", "packages": ["requests"]})
    image.push("registry.example.org/team/hello:1.2", {"username": "ci", "password": "..."})

Store, cache and all other settings are those of the command line: `~/.config/slipway/config.toml` and `SLIPWAY_*`.
Nothing is printed; whatever goes wrong is a `slipway.SlipwayError` (where the pyATS Image Builder raised KeyError,
AttributeError or Exception).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from slipway.errors import UsageError
from slipway.events import Log, Note, Reporter, StepBegan, StepEnded
from slipway.recipe.source import printable

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from slipway.build.model import Plan
    from slipway.events import Event
    from slipway.oci.store import Descriptor, Store

__all__ = ["Image", "build"]

_SHORTEST = 6  # hex digits of an id, as for digests on the command line


def build(
    config: Mapping[str, Any] | str | os.PathLike[str],
    path: str | os.PathLike[str] | None = None,
    tag: str | None = None,
    keep_context: bool = False,
    verbose: bool = False,
    stream: TextIO | None = None,
    no_cache: bool = False,
    dry_run: bool = False,
) -> Image:
    """Build an image, keep it in the store under its tag, and return it.

    `config` is a recipe: a mapping with the keys of a recipe file, whose relative paths are against the working
    directory; or the path of a recipe file, whose relative paths are against its directory. `path` is a directory for
    what goes into the image, to look at: one that exists is kept, a new one removed afterwards unless `keep_context`
    (which without `path` makes one in the working directory). `tag` goes before the recipe's. Progress is written as lines to
    `stream`; with `verbose` every detail of it, and to standard error if there is no `stream`. `no_cache` makes every
    layer anew. `dry_run` writes the context and, to the stream, the plan, and builds nothing: the image that it
    returns has the tag and an empty `id`.

    `RecipeError` tells everything that is wrong in the recipe.
    """
    from slipway.build import api
    from slipway.build.context import context_directory
    from slipway.build.model import Options
    from slipway.recipe import load as load_recipe
    from slipway.recipe.checks import image_tag
    from slipway.recipe.kinds import Refused
    from slipway.recipe.mapping import load_mapping
    from slipway.settings import load, source_date_epoch

    settings = load()
    recipe = load_mapping(config) if isinstance(config, Mapping) else load_recipe(Path(config))
    try:
        name = image_tag(tag) if tag else ""
    except Refused as refused:
        raise UsageError(f"tag: {refused.message}", hint=refused.hint) from refused
    if stream is None and verbose:
        stream = sys.stderr
    reporter = Reporter(_Lines(stream, verbose=verbose) if stream is not None else None)
    with context_directory(Path(path) if path is not None else None, keep=keep_context) as (directory, kept):
        options = Options(
            tag=name,
            no_cache=no_cache,
            epoch=source_date_epoch(),
            context=directory,
            keep_failed=keep_context,
        )
        if kept and path is None:
            reporter.note(f"context in {directory}")
        if dry_run:
            plans = api.plan(recipe, settings, reporter, options)
            _show(plans, reporter)
            return Image("", plans[0].tag or None)
        done = api.build(recipe, settings, reporter, options)
    return Image(done.image_id, done.tag or None)


class Image:
    """An image in the store."""

    def __init__(self, image_id: str, tag: str | None = None) -> None:
        """`image_id` is the digest of the image's configuration, as Docker shows it, or at least six digits of its start.

        With `tag` it is the image of that name. `UsageError` when the store has no such image, or it has another
        name. An empty `image_id` stands for an image that was not built (`dry_run`).
        """
        self._tag = tag
        self._known: _Known | None = None
        if image_id:
            self._known = _find(_store(), image_id, tag)
            self._tag = self._known.image.name if tag else None

    def __repr__(self) -> str:
        return f"Image({self.id!r}, {self.tag!r})"

    @property
    def id(self) -> str:
        """The digest of the configuration (`sha256:...`); empty after a dry run."""
        return self._known.id if self._known else ""

    @property
    def tag(self) -> str | None:
        """The name of the image, with its tag. Setting it gives the image in the store one more name."""
        return self._tag

    @tag.setter
    def tag(self, name: str) -> None:
        from slipway.images.tag import tag

        self._tag = tag(_store(), self._built.image.digest, name).name

    def inspect(self) -> dict[str, Any]:
        """All about the image, in the shape of `docker image inspect` (`slipway.images.inspect`)."""
        from slipway.images.inspect import inspect

        return inspect(_store(), self._built.image.digest, self._built.platform)

    def push(self, remote_tag: str | None = None, credentials: Mapping[str, str] | None = None) -> str:
        """Push the image, with what is attached to it, to its registry and return the digest of its manifest there.

        `remote_tag` is the name in the registry, which the image gets in the store too; without it, `tag` is. `credentials`
        are `{"username": ..., "password": ...}`, used instead of those in Docker's configuration.
        """
        image = self._built.image
        from slipway.images.push import destination
        from slipway.images.tag import tag
        from slipway.registry.push import push
        from slipway.registry.pushreferrers import push_referrers
        from slipway.settings import load

        login = _login(credentials)
        name = remote_tag or self._tag
        if not name:
            raise UsageError("the image has no name to be pushed under", hint="give `remote_tag`")
        if remote_tag:
            name = tag(_store(), image.digest, remote_tag).name
        settings = load()
        done = push(_store(), image, destination(name), settings, Reporter(), login=login)
        push_referrers(_store(), image, destination(name), settings, Reporter(), login=login)
        return done.digest

    @property
    def _built(self) -> _Known:
        if self._known is None:
            raise UsageError("there is no image: only its plan was made (`dry_run`)")
        return self._known


@dataclass(frozen=True, slots=True)
class _Known:
    """An image in the store: what its name refers to, and which of its platforms has the configuration `id`."""

    image: Descriptor
    id: str
    platform: str


def _find(store: Store, image_id: str, tag: str | None) -> _Known:
    """`UsageError` when there is no such image, or several begin like that."""
    from slipway.images.names import full_name
    from slipway.oci.reader import manifests

    prefix = image_id.removeprefix("sha256:")
    if len(prefix) < _SHORTEST or not set(prefix) <= set("0123456789abcdef"):
        raise UsageError(f"{image_id!r} is no image id", hint="an id is sha256: and 64 hexadecimal digits")
    found = []
    for image in store.images():
        for manifest in manifests(store, image):
            digest = store.read_json(manifest.digest)["config"]["digest"]
            if str(digest).startswith(f"sha256:{prefix}"):
                found.append(_Known(image, digest, manifest.platform))
    if not found:
        raise UsageError(f"no image {image_id!r} in the store")
    if len({known.id for known in found}) > 1:
        raise UsageError(f"{image_id} is the start of several images' ids; write more of it")
    if tag is None:
        return found[-1]
    named = [known for known in found if known.image.name == full_name(tag)]
    if not named:
        names = ", ".join(sorted(known.image.name for known in found if known.image.name)) or "none"
        raise UsageError(f"the image {image_id} is not called {tag}", hint=f"its names: {names}")
    return named[0]


class _Lines:
    """Events as lines of text, each complete at once; with `verbose` also what begins, and every detail."""

    def __init__(self, stream: TextIO, *, verbose: bool) -> None:
        self._stream = stream
        self._verbose = verbose

    def __call__(self, event: Event) -> None:
        if line := self._line(event):
            self._stream.write(printable(line) + "\n")
            self._stream.flush()

    def _line(self, event: Event) -> str:
        match event:
            case StepBegan() if self._verbose:
                return f"{event.name}: {event.detail or 'begun'} ..."
            case StepEnded():
                what = event.detail or ("done" if event.ok else "failed")
                return f"{event.name}: {what} ({event.seconds:.2f} s)"
            case Note(level="warning"):
                return f"warning: {event.text}"
            case Note():
                return event.text
            case Log() if self._verbose:
                return f"  {event.text}"
        return ""


def _show(plans: Sequence[Plan], reporter: Reporter) -> None:
    for plan in plans:
        reporter.note(f"{plan.tag or 'untagged image'} for {plan.platform}")
        for action in plan.actions:
            reporter.note(f"{action.kind} {action.layer}: {action.reason}")
            for change in action.changes:
                reporter.log(change)
        reporter.note(f"downloads: {plan.downloads}, {plan.download_size} bytes")
        for warning in plan.warnings:
            reporter.warn(warning)


def _login(credentials: Mapping[str, str] | None) -> tuple[str, str] | None:
    if credentials is None:
        return None
    missing = [name for name in ("username", "password") if not credentials.get(name)]
    if missing:
        raise UsageError(f"credentials lack {' and '.join(missing)}")
    return credentials["username"], credentials["password"]


def _store() -> Store:
    from slipway.oci.store import Store
    from slipway.settings import load

    return Store(load().store)
