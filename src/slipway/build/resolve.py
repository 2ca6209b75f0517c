"""From a recipe to exact inputs: which .debs, which wheels, which bytes of which files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from slipway.errors import NotYetError, UsageError
from slipway.lock.held import Held
from slipway.recipe.model import DebianBase, LayoutBase, Platform, RegistryBase
from slipway.recipe.plain import is_web, public_source
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.build.base import BaseImage
    from slipway.build.model import Options
    from slipway.distro.model import DebianResolution
    from slipway.events import Reporter
    from slipway.inputs.files import PinnedFile
    from slipway.inputs.repository import PinnedRepository
    from slipway.oci.store import Store
    from slipway.python.model import PythonResolution, PythonTarget
    from slipway.recipe.model import Recipe
    from slipway.settings import Settings

_NOTHING = Held()


@value
class Inputs:
    """Everything that goes into an image of one platform, pinned.

    Exactly one of `debian` and `image` is set unless the base is scratch; `python` and `target` are set when the recipe
    asks for Python packages.
    """

    recipe: Recipe
    platform: Platform
    debian: DebianResolution | None
    image: BaseImage | None
    python: PythonResolution | None
    target: PythonTarget | None
    files: tuple[PinnedFile, ...]
    notes: tuple[str, ...] = ()
    repositories: tuple[PinnedRepository, ...] = ()


def resolve(
    recipe: Recipe,
    platform: Platform,
    settings: Settings,
    store: Store,
    reporter: Reporter,
    options: Options,
    *,
    held: Held = _NOTHING,
) -> Inputs:
    """Ask mirror, index and disk (or what they answered lately) for the exact inputs; a lock is asked instead of them.

    What is `held` is not asked for again.
    """
    if options.lock is not None:
        from slipway.build.locked import locked_inputs

        return locked_inputs(recipe, platform, options.lock, store, settings, reporter, options)
    wait = _begun(partial(_pin, recipe, settings, reporter, options, held), recipe)
    debian, image, notes = _base(recipe, platform, settings, store, reporter, options, held)
    python, target = _python(recipe, platform, debian, image, settings, reporter, options, held)
    return Inputs(recipe, platform, debian, image, python, target, wait(), notes)


def _begun(pin: Callable[[], tuple[PinnedFile, ...]], recipe: Recipe) -> Callable[[], tuple[PinnedFile, ...]]:
    """Gives what `pin` does; where that has to ask other machines, they are asked meanwhile."""
    if not any(is_web(item.source) for item in recipe.files):
        found = pin()
        return lambda: found
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    pinned = pool.submit(pin)
    pool.shutdown(wait=False)
    return pinned.result


def _pin(
    recipe: Recipe, settings: Settings, reporter: Reporter, options: Options, held: Held
) -> tuple[PinnedFile, ...]:
    if not recipe.files:
        return ()
    from slipway.inputs.files import pin

    if not held.files:
        return tuple(pin(recipe.files, recipe.directory, settings, reporter, refresh=options.refresh))
    from slipway.build.locked import promised_file

    rows = [held.files.get(public_source(item.source)) for item in recipe.files]
    asked = [item for item, row in zip(recipe.files, rows, strict=True) if row is None]
    found = iter(pin(asked, recipe.directory, settings, reporter, refresh=options.refresh))
    return tuple(
        promised_file(item, row, settings) if row else next(found)
        for item, row in zip(recipe.files, rows, strict=True)
    )


def _base(
    recipe: Recipe,
    platform: Platform,
    settings: Settings,
    store: Store,
    reporter: Reporter,
    options: Options,
    held: Held,
) -> tuple[DebianResolution | None, BaseImage | None, tuple[str, ...]]:
    base = recipe.base
    if isinstance(base, DebianBase):
        return (*_debian(recipe, base, platform, settings, reporter, options, held),)
    if recipe.apt:
        raise NotYetError(
            "this release installs `apt` packages only on a Debian base that it makes itself",
            hint="use `base: {debian: SUITE}`",
            where=base.where,
        )
    if isinstance(base, LayoutBase | RegistryBase):
        from slipway.build.base import open_base

        return None, open_base(base, platform, store, settings, reporter, options, digest=held.base), ()
    return None, None, ()


def _debian(
    recipe: Recipe,
    base: DebianBase,
    platform: Platform,
    settings: Settings,
    reporter: Reporter,
    options: Options,
    held: Held,
) -> tuple[DebianResolution, None, tuple[str, ...]]:
    from slipway.distro.model import DebianRequest
    from slipway.distro.resolve import resolve_debian

    packages = base.packages
    notes: tuple[str, ...] = ()
    if recipe.packages and not any(_names_python(p) for p in (*packages, *recipe.apt)):
        packages += ("python3",)
        notes = ("python3 was added to the base: `packages` needs an interpreter",)
    if held.debian is not None:
        return held.debian, None, notes
    request = DebianRequest(base.suite, platform.arch, base.variant, packages, recipe.apt)
    found = resolve_debian(
        request, settings, reporter, refresh=options.refresh, now=options.now, prefer=held.versions
    )
    return found, None, notes


def _names_python(package: str) -> bool:
    name = package.partition("=")[0]
    return name in ("python3", "python3-minimal") or name.startswith("python3-venv")


def _python(
    recipe: Recipe,
    platform: Platform,
    debian: DebianResolution | None,
    image: BaseImage | None,
    settings: Settings,
    reporter: Reporter,
    options: Options,
    held: Held,
) -> tuple[PythonResolution | None, PythonTarget | None]:
    if not recipe.packages:
        return None, None
    from slipway.python.model import PythonTarget
    from slipway.python.resolve import resolve_python

    found = glibc = None
    if debian is not None:
        from slipway.distro.model import glibc_of, python_of

        found, glibc = python_of(debian), glibc_of(debian)
    elif image is not None:
        found, glibc = image.facts.python, image.facts.glibc
        if image.facts.unfit:
            raise NotYetError(
                f"this release cannot install Python packages on {image.name}: {image.facts.unfit}",
                hint="choose another base, for example python:3.12-slim",
                where=recipe.packages[0].where,
            )
    if found is None:
        raise UsageError(
            "the base image has no Python 3, which `packages` needs",
            hint="add python3 to the packages of the base, or choose another base",
            where=recipe.packages[0].where,
        )
    target = PythonTarget(found[0], found[1], platform.arch, _numbers(glibc or ""))
    if held.python is not None and held.target == target:
        return held.python, target
    python = resolve_python(
        recipe.packages,
        target,
        settings,
        reporter,
        pip_config=recipe.pip_config,
        refresh=options.refresh,
        fetch=options.fetch,
        now=options.now,
        prefer=held.dists,
    )
    return python, target


def _numbers(version: str) -> tuple[int, int] | None:
    parts = version.split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) >= 2 and parts[0].isdigit() else None
