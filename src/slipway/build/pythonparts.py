"""What a recipe asks of Python beside its index: requirement files, packages in the workspace, from git, to be compiled."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING

from slipway.errors import Where
from slipway.oci.digest import key_of
from slipway.recipe.model import Discovery

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from slipway.build.resolve import Inputs
    from slipway.events import Reporter
    from slipway.inputs.pinned import PinnedFile
    from slipway.inputs.repository import PinnedRepository
    from slipway.oci.fragment import FragmentCache
    from slipway.python.compiled import Root
    from slipway.python.index import Index
    from slipway.python.model import Dist, PythonResolution
    from slipway.python.reqfile import Asked
    from slipway.python.sources import Sources
    from slipway.recipe.model import Recipe
    from slipway.settings import Settings


def wants_python(recipe: Recipe) -> bool:
    """Whether Python packages may be asked for."""
    return bool(recipe.packages) or has_files(recipe)


def has_files(recipe: Recipe) -> bool:
    """Whether requirement files of the workspace may be installed."""
    return recipe.requirements != Discovery() or any(r.requirements for r in recipe.repositories)


def names_options(recipe: Recipe) -> bool:
    """Whether files are followed, or indexes named, beside the lines of the recipe."""
    return has_files(recipe) or any(r.text.startswith("-") for r in recipe.packages)


def place_of(recipe: Recipe) -> Where:
    """Where the recipe asks for Python packages."""
    asking = [r.where for r in recipe.packages] + [r.where for r in recipe.repositories if r.requirements]
    return asking[0] if asking else Where(str(recipe.path))


def is_made_here(dist: Dist, settings: Settings) -> bool:
    """Whether the archive of a distribution comes from what is on this machine: of the workspace, or a commit in the cache."""
    if dist.path or (dist.origin and dist.origin.kind == "directory"):
        return True
    if dist.origin is None or dist.origin.kind != "vcs":
        return False
    from slipway.python.vcs import known

    return known(dist.origin.commit, settings) is not None


class Asking:
    """A recipe's requirements, with the workspace that they may speak of.

    `files` and `repositories` are what goes into it; they are asked for when somebody wants to know. Of packages from git, the
    commits in `prefer` are kept.
    """

    def __init__(
        self,
        recipe: Recipe,
        files: Callable[[], Sequence[PinnedFile]],
        repositories: Callable[[], Sequence[PinnedRepository]],
        settings: Settings,
        reporter: Reporter,
        *,
        refresh: bool = False,
        now: float | None = None,
        prefer: PythonResolution | None = None,
    ) -> None:
        self._recipe = recipe
        self._files = files
        self._repositories = repositories
        self._settings = settings
        self._reporter = reporter
        self._refresh = refresh
        self._now = now
        self._prefer = prefer

    @cached_property
    def sources(self) -> Sources:
        """What finds packages that are not from an index."""
        from slipway.python.places import Places
        from slipway.python.sources import Sources

        recipe, prefer = self._recipe, self._prefer
        places = Places(
            recipe.workspace,
            lambda: (*self._files(), *(r.tree for r in self._repositories())),
            self._settings,
            directory=recipe.directory,
            variables=dict(recipe.env),
        )
        origins = [d.origin for d in prefer.dists if d.origin] if prefer else []
        return Sources(
            places,
            self._settings,
            self._reporter,
            refresh=self._refresh,
            now=self._now,
            commits={(o.url, o.revision): o.commit for o in origins if o.kind == "vcs"},
        )

    @cached_property
    def files(self) -> list[str]:
        """The requirement files that are installed, relative to the workspace, in their order."""
        if not has_files(self._recipe):
            return []
        from slipway.build.installation.requirements import requirement_files

        found = requirement_files(self._recipe, self._files(), self._repositories())
        return [path for path, _ in found]

    def login(self, url: str) -> str:
        """A public address with the credentials that the requirements have for it."""
        return self._logins(url)

    @cached_property
    def asked(self) -> Asked:
        """Everything that is asked for."""
        from slipway.python.reqfile import gather

        return gather(self._recipe.packages, self.files, self.sources.places, self._settings)

    @cached_property
    def _logins(self) -> Callable[[str], str]:
        from slipway.python.located import logins

        return logins(self.asked)

    def trees(self, python: PythonResolution | None) -> tuple[PinnedFile, ...]:
        """The trees of editable packages from git, which are in the workspace where pip puts them."""
        if python is None or not any(d.origin and d.origin.editable for d in python.dists):
            return ()
        where = place_of(self._recipe)
        found = [
            self.sources.tree(d, self.login, where) for d in python.dists if d.origin and d.origin.editable
        ]
        return tuple(tree for tree in found if tree)


def asking_of(inputs: Inputs, settings: Settings, reporter: Reporter) -> Asking:
    """What the recipe of inputs asked for."""
    return Asking(inputs.recipe, lambda: inputs.files, lambda: inputs.repositories, settings, reporter)


class Making:
    """Makes what no index has: see `slipway.python.fetch`. `root` gives the file system to compile in."""

    def __init__(
        self,
        inputs: Inputs,
        settings: Settings,
        reporter: Reporter,
        root: Callable[[], AbstractContextManager[Root]],
    ) -> None:
        self._inputs = inputs
        self._settings = settings
        self._reporter = reporter
        self._root = root

    @cached_property
    def _asking(self) -> Asking:
        return asking_of(self._inputs, self._settings, self._reporter)

    def index(self, index: Index) -> Index:
        """`index` with those that requirement files name."""
        if not names_options(self._inputs.recipe):
            return index
        from slipway.python.request import with_options

        asking = self._asking
        return with_options(index, asking.asked, asking.sources, self._settings)[0]

    def bring(self, dist: Dist) -> None:
        """Put the archive of a distribution that is not from an index among the downloads."""
        self._asking.sources.bring(dist, self._asking.login, place_of(self._inputs.recipe))

    def wheel(self, archive: Path, dist: Dist, index: Index) -> Path:
        """The wheel of an editable distribution, or of one that has to be compiled."""
        if self._inputs.target is None:
            raise ValueError("no Python packages in these inputs")
        if dist.origin and dist.origin.editable:
            from slipway.python.directurl import tree_of
            from slipway.python.editable import editable_wheel

            place = tree_of(dist, self._inputs.recipe.workspace.strip("/"))
            return editable_wheel(archive, dist, place, self._settings, self._reporter, index)
        from slipway.python.compiled import compiled_wheel

        return compiled_wheel(
            archive, dist, self._inputs.target, self._settings, self._reporter, index, self._root
        )


def compiling(
    inputs: Inputs, cache: FragmentCache, settings: Settings, epoch: int | None, names: Collection[str] = ()
) -> Inputs:
    """The inputs, in which distributions that have to be compiled (`names`, and those known to) tell over what."""
    python = inputs.python
    if python is None or not any(d.sdist for d in python.dists):
        return inputs
    from slipway.python.compiling import is_known

    chosen = {d.name for d in python.dists if d.root or d.name in names or is_known(d, settings)}
    if not chosen:
        return inputs
    root = root_key(inputs, cache, epoch)
    dists = tuple(replace(d, root=root) if d.name in chosen else d for d in python.dists)
    return replace(inputs, python=replace(python, dists=dists))


def root_key(inputs: Inputs, cache: FragmentCache, epoch: int | None) -> str:
    """What stands for all that is below the Python packages."""
    from slipway.build.layers import layer_specs

    below = takewhile(
        lambda layer: not layer.name.startswith("python"), layer_specs(inputs, cache, epoch, {})
    )
    base = inputs.image.manifest.digest if inputs.image else ""
    return key_of("root", base, [layer.key for layer in below])
