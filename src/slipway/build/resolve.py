"""From a recipe to exact inputs: which .debs, which wheels, which bytes of which files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.build.gittrees import begun_trees
from slipway.build.givenfiles import begun_files
from slipway.build.installation.init import PACKAGE, choose, needs_package
from slipway.build.pythonparts import Asking, has_files, names_options, place_of, wants_python
from slipway.errors import NotYetError, UsageError
from slipway.lock.held import Held
from slipway.recipe.model import DebianBase, LayoutBase, Platform, RegistryBase
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.build.base import BaseImage
    from slipway.build.gittrees import Trees
    from slipway.build.givenfiles import Files
    from slipway.build.installation.model import Init
    from slipway.build.model import Options
    from slipway.distro.model import DebianRequest, DebianResolution
    from slipway.events import Reporter
    from slipway.inputs.files import PinnedFile
    from slipway.inputs.repository import PinnedRepository
    from slipway.oci.store import Store
    from slipway.python.ahead import Ahead
    from slipway.python.model import PythonResolution, PythonTarget
    from slipway.python.resolve import Answer
    from slipway.recipe.model import Recipe
    from slipway.settings import Settings

_NOTHING = Held()


@value
class Inputs:
    """Everything that goes into an image of one platform, pinned.

    Exactly one of `debian` and `image` is set unless the base is scratch; `python` and `target` are set when the recipe
    asks for Python packages. With `init` the image starts with the entrypoint of its workspace.
    `sources` are the trees of editable Python packages from git, which go into the workspace.
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
    init: Init | None = None
    sources: tuple[PinnedFile, ...] = ()


def resolve(
    recipe: Recipe,
    platform: Platform,
    settings: Settings,
    store: Store,
    reporter: Reporter,
    options: Options,
    *,
    held: Held = _NOTHING,
    ahead: Ahead | None = None,
) -> Inputs:
    """Ask mirror, index and disk (or what they answered lately) for the exact inputs; a lock is asked instead of them.

    What is `held` is not asked for again. `ahead` begins with Python packages before all are chosen.
    """
    if options.lock is not None:
        from slipway.build.locked import locked_inputs

        return locked_inputs(recipe, platform, options.lock, store, settings, reporter, options)
    with (
        begun_trees(recipe, settings, reporter, options, held) as trees,
        begun_files(recipe, settings, reporter, options, held) as files,
    ):
        resolving = _Resolving(recipe, platform, settings, store, reporter, options, held, ahead)
        return resolving.inputs(files, trees)


@value
class _Resolving:
    """What is asked, and of whom; see `resolve`."""

    recipe: Recipe
    platform: Platform
    settings: Settings
    store: Store
    reporter: Reporter
    options: Options
    held: Held
    ahead: Ahead | None

    def inputs(self, files: Callable[[], Files], trees: Callable[[], Trees]) -> Inputs:
        """`files` and `trees` wait for what the recipe brings in."""
        recipe, platform, settings, reporter = self.recipe, self.platform, self.settings, self.reporter
        debian, image, notes = self._base()
        init = choose(recipe, platform, debian, image, settings, reporter, self.options, self.held)
        asking = Asking(
            recipe,
            files,
            trees,
            settings,
            reporter,
            refresh=self.options.refresh,
            now=self.options.now,
            prefer=None if self.options.refresh else self.held.dists,
        )
        python, target = self._python(debian, image, asking)
        chosen, further = init()
        return Inputs(
            recipe,
            platform,
            debian,
            image,
            python,
            target,
            files(),
            (*notes, *further),
            repositories=trees(),
            init=chosen,
            sources=asking.trees(python),
        )

    def _base(self) -> tuple[DebianResolution | None, BaseImage | None, tuple[str, ...]]:
        base = self.recipe.base
        if isinstance(base, DebianBase):
            debian, notes = self._debian(base)
            return debian, None, notes
        if self.recipe.apt:
            raise NotYetError(
                "this release installs `apt` packages only on a Debian base that it makes itself",
                hint="use `base: {debian: SUITE}`",
                where=base.where,
            )
        if isinstance(base, LayoutBase | RegistryBase):
            return None, self._image(base), ()
        return None, None, ()

    def _debian(self, base: DebianBase) -> tuple[DebianResolution, tuple[str, ...]]:
        from slipway.distro.resolve import resolve_debian

        request, notes = debian_request(self.recipe, base, self.platform)
        if self.held.debian is not None:
            return self.held.debian, notes
        options = self.options
        found = resolve_debian(
            request,
            self.settings,
            self.reporter,
            refresh=options.refresh,
            now=options.now,
            prefer=self.held.versions,
        )
        return found, notes

    def _image(self, base: LayoutBase | RegistryBase) -> BaseImage:
        from slipway.build.base import open_base

        return open_base(
            base,
            self.platform,
            self.store,
            self.settings,
            self.reporter,
            self.options,
            digest=self.held.base,
        )

    def _python(
        self, debian: DebianResolution | None, image: BaseImage | None, asking: Asking
    ) -> tuple[PythonResolution | None, PythonTarget | None]:
        recipe, held, options = self.recipe, self.held, self.options
        if not wants_python(recipe):
            return None, None
        answer = self._early(image) if image else None
        target = self._target(debian, image)
        if held.python is not None and held.target == target and not _moves(recipe, held.python):
            return held.python, target
        from slipway.python.resolve import resolve_python

        python = resolve_python(
            recipe.packages,
            target,
            self.settings,
            self.reporter,
            pip_config=recipe.pip_config,
            refresh=options.refresh,
            fetch=options.fetch,
            now=options.now,
            prefer=held.dists,
            ahead=self.ahead,
            answer=answer,
            files=asking.files,
            sources=asking.sources,
        )
        return python, target

    def _early(self, image: BaseImage) -> Answer | None:
        """What uv says while the base image is read, where it has to be."""
        recipe = self.recipe
        if self.held.python is not None or not image.contents.to_be_read() or has_files(recipe):
            return None
        from slipway.build.early import ask_early

        arch = self.platform.arch
        return ask_early(
            recipe, image, arch, self.settings, self.reporter, self.options, self.held, self.ahead
        )

    def _target(self, debian: DebianResolution | None, image: BaseImage | None) -> PythonTarget:
        """The Python of the base."""
        from slipway.python.model import PythonTarget

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
                    where=place_of(self.recipe),
                )
        if found is None:
            raise UsageError(
                "the base image has no Python 3, which `packages` needs",
                hint="add python3 to the packages of the base, or choose another base",
                where=place_of(self.recipe),
            )
        return PythonTarget(found[0], found[1], self.platform.arch, _numbers(glibc or ""))


def debian_request(
    recipe: Recipe, base: DebianBase, platform: Platform
) -> tuple[DebianRequest, tuple[str, ...]]:
    """Which Debian packages the recipe wants, and what a person should know of that."""
    from slipway.distro.model import DebianRequest

    packages = base.packages
    notes: tuple[str, ...] = ()
    if wants_python(recipe) and not any(_names_python(p) for p in (*packages, *recipe.apt)):
        packages += ("python3",)
        notes = ("python3 was added to the base: `packages` needs an interpreter",)
    optional = (PACKAGE,) if needs_package(recipe) else ()
    return DebianRequest(base.suite, platform.arch, base.variant, packages, recipe.apt, optional), notes


def _names_python(package: str) -> bool:
    name = package.partition("=")[0]
    return name in ("python3", "python3-minimal") or name.startswith("python3-venv")


def _moves(recipe: Recipe, python: PythonResolution) -> bool:
    """Whether what is installed may change although the recipe stays as it is: files may."""
    local = any(d.path or (d.origin and d.origin.kind == "directory") for d in python.dists)
    return local or names_options(recipe)


def _numbers(version: str) -> tuple[int, int] | None:
    parts = version.split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) >= 2 and parts[0].isdigit() else None
