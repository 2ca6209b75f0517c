"""Plan a build, or do it: recipe in, image in the store out."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slipway.build.assemble import Builder, Built, compiled
from slipway.build.choices import check_engine, name_of, platforms_of
from slipway.build.image import together
from slipway.build.model import Options, Plan, Result
from slipway.build.session import Session, opened
from slipway.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.build.engines.export import Exported
    from slipway.events import Reporter
    from slipway.oci.store import Descriptor
    from slipway.recipe.model import Platform, Recipe
    from slipway.settings import Settings


def plan(
    recipe: Recipe, settings: Settings, reporter: Reporter, options: Options | None = None
) -> list[Plan]:
    """What `build` would do, for each platform. Resolves (reads indexes and sources) but downloads no package and makes nothing but the context that is asked for."""
    from slipway.build.planning import planned

    options = options or Options()
    check_engine(recipe, options)
    with opened(recipe, settings, reporter, options) as session:
        plans = [planned(session, platform) for platform in platforms_of(recipe)]
    return [replace(p, engine=options.engine) for p in plans]


def build(recipe: Recipe, settings: Settings, reporter: Reporter, options: Options | None = None) -> Result:
    """Build the image, keep it in the store, and give it its tag."""
    started = time.monotonic()
    options = replace(options or Options(), fetch=True)
    check_engine(recipe, options)
    name = name_of(recipe, options)
    with opened(recipe, settings, reporter, options) as session:
        before = session.store.named(name)
        built = [_built(session, platform, name) for platform in platforms_of(recipe)]
        image = together(session.store, [b.manifest for b in built])
        attached = _attached(session, image)
        changed = before is None or before.digest != image.digest
        if not name:
            session.store.add(image)
        elif changed:
            session.store.tag(name, image)
    return Result(
        image=image,
        tag=name,
        image_id=built[0].image_id,
        layers=tuple(layer for b in built for layer in b.layers),
        changed=changed,
        seconds=time.monotonic() - started,
        uncovered=tuple(dict.fromkeys(line for b in built for line in b.uncovered)),
        overlaps=tuple(dict.fromkeys(line for b in built for line in b.overlaps)),
        attached=attached,
    )


def export_dockerfile(
    recipe: Recipe,
    settings: Settings,
    reporter: Reporter,
    options: Options,
    directory: Path,
    *,
    force: bool = False,
) -> Exported:
    """Write what an engine would be given to `directory`, for people; see `slipway.build.engines.export`."""
    from slipway.build.engines.export import check_place, export

    options = replace(options, fetch=True)
    platform, *others = platforms_of(recipe)
    if others:
        raise UsageError("a Dockerfile is written for one platform", hint="choose one with --platform")
    check_place(directory, force=force)
    name = name_of(recipe, options)
    with opened(recipe, settings, reporter, options) as session, session.builder(platform) as builder:
        return compiled(builder, lambda b: export(b, name, directory))


def _built(session: Session, platform: Platform, name: str) -> Built:
    with session.builder(platform) as builder:
        built = compiled(builder, lambda b: _put_together(b, name))
    session.lay_out(builder.inputs)
    return built


def _put_together(builder: Builder, name: str) -> Built:
    if (engine := builder.options.engine) == "native":
        return builder.build()
    from slipway.build.engines.build import build_with

    return build_with(engine, builder, name)


def _attached(session: Session, image: Descriptor) -> tuple[dict[str, Any], ...]:
    """Before the image has a name, so that whoever finds it by that finds all of it."""
    formats = session.options.sbom
    if not formats:
        return ()
    from slipway.scan.sbom.attach import attach_sboms

    made = attach_sboms(session.store, image, formats, session.settings, session.reporter)
    return tuple(referrer.as_json() | {"subject": referrer.subject} for referrer in made)
