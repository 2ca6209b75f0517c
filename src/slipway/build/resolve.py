"""From a recipe to exact inputs: which .debs, which wheels, which bytes of which files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.build.base import BaseImage, open_base
from slipway.errors import NotYetError, UsageError
from slipway.recipe.model import DebianBase, LayoutBase, Platform, RegistryBase

if TYPE_CHECKING:
    from slipway.build.model import Options
    from slipway.distro.model import DebianResolution
    from slipway.events import Reporter
    from slipway.inputs.files import PinnedFile
    from slipway.oci.store import Store
    from slipway.python.model import PythonResolution, PythonTarget
    from slipway.recipe.model import Recipe
    from slipway.settings import Settings


@dataclass(frozen=True, slots=True)
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


def resolve(
    recipe: Recipe, platform: Platform, settings: Settings, store: Store, reporter: Reporter, options: Options
) -> Inputs:
    """Ask mirror, index and disk (or what they answered lately) for the exact inputs."""
    with ThreadPoolExecutor(1) as pool:
        pinned = pool.submit(_pin, recipe, settings, reporter, options)
        debian, image, notes = _base(recipe, platform, settings, store, reporter, options)
        python, target = _python(recipe, platform, debian, image, settings, reporter, options)
        files = pinned.result()
    return Inputs(recipe, platform, debian, image, python, target, files, notes)


def _pin(recipe: Recipe, settings: Settings, reporter: Reporter, options: Options) -> tuple[PinnedFile, ...]:
    if not recipe.files:
        return ()
    from slipway.inputs.files import pin

    return tuple(pin(recipe.files, recipe.directory, settings, reporter, refresh=options.refresh))


def _base(
    recipe: Recipe, platform: Platform, settings: Settings, store: Store, reporter: Reporter, options: Options
) -> tuple[DebianResolution | None, BaseImage | None, tuple[str, ...]]:
    base = recipe.base
    if isinstance(base, RegistryBase):
        raise NotYetError(
            f"this release cannot pull the base image {base.reference}",
            hint="use `base: {debian: trixie}`, `base: oci:DIR` (skopeo can make one), or leave `python` and `base` out",
            where=base.where,
        )
    if isinstance(base, DebianBase):
        return (*_debian(recipe, base, platform, settings, reporter, options),)
    if recipe.apt:
        raise NotYetError(
            "this release installs `apt` packages only on a Debian base that it makes itself",
            hint="use `base: {debian: SUITE}`",
            where=base.where,
        )
    if isinstance(base, LayoutBase):
        return None, open_base(base, platform, store), ()
    return None, None, ()


def _debian(
    recipe: Recipe,
    base: DebianBase,
    platform: Platform,
    settings: Settings,
    reporter: Reporter,
    options: Options,
) -> tuple[DebianResolution, None, tuple[str, ...]]:
    from slipway.distro.model import DebianRequest
    from slipway.distro.resolve import resolve_debian

    packages = base.packages
    notes: tuple[str, ...] = ()
    if recipe.packages and not any(_names_python(p) for p in (*packages, *recipe.apt)):
        packages += ("python3",)
        notes = ("python3 was added to the base: `packages` needs an interpreter",)
    request = DebianRequest(base.suite, platform.arch, base.variant, packages, recipe.apt)
    found = resolve_debian(request, settings, reporter, refresh=options.refresh, now=options.now)
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
        found, glibc = image.python, image.glibc
    if found is None:
        raise UsageError(
            "the base image has no Python 3, which `packages` needs",
            hint="add python3 to the packages of the base, or choose another base",
            where=recipe.packages[0].where,
        )
    target = PythonTarget(found[0], found[1], platform.arch, _numbers(glibc or ""))
    python = resolve_python(
        recipe.packages,
        target,
        settings,
        reporter,
        pip_config=recipe.pip_config,
        refresh=options.refresh,
        now=options.now,
    )
    return python, target


def _numbers(version: str) -> tuple[int, int] | None:
    parts = version.split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) >= 2 and parts[0].isdigit() else None
