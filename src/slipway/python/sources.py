"""Packages that are not from an index: each requirement with an address or a path becomes one archive with a hash.

Wheels and source distributions are taken as they are; trees of the workspace, of this machine, and from git become
source distributions (`slipway.python.archive`). What follows, choosing versions, building, converting, then knows
archives only.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from slipway.errors import FetchError, VerifyError
from slipway.oci.digest import key_of
from slipway.python.located import Archive, Located, check, placed, tree_name
from slipway.python.model import Dist, Origin
from slipway.python.places import Places, Tree, on_machine
from slipway.python.requirement import (
    Place,
    Unfit,
    Wanted,
    filename_of,
    fragment_of,
    is_archive,
    public,
    scheme_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slipway.errors import Where
    from slipway.events import Reporter
    from slipway.inputs.pinned import PinnedFile
    from slipway.inputs.repository import PinnedRepository
    from slipway.python import vcs
    from slipway.settings import Settings

_MACHINE = Place("machine", "/")


def without_workspace(settings: Settings, reporter: Reporter) -> Sources:
    """For requirements that name nothing of an image."""
    return Sources(Places("/workspace", lambda: (), settings, directory=Path.cwd()), settings, reporter)


class Sources:
    """Finds and brings what requirements lead to.

    `commits` are those to be kept for (address, revision) of repositories, as long as nothing says otherwise.
    """

    def __init__(
        self,
        places: Places,
        settings: Settings,
        reporter: Reporter,
        *,
        refresh: bool = False,
        now: float | None = None,
        commits: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self.places = places
        self._settings = settings
        self._reporter = reporter
        self._refresh = refresh
        self._now = time.time() if now is None else now
        self._commits = commits or {}

    def locate(self, wanted: Wanted) -> Located:
        """What `wanted`, which has a target, leads to now. Errors carry its place."""
        with placed(wanted):
            scheme = scheme_of(wanted.target)
            if scheme.startswith("git+"):
                return self._repository(wanted)
            if address := self.places.address(wanted.target, wanted.place):
                return self._web(replace(wanted, target=address))
            return self._path(wanted)

    def bring(self, dist: Dist, login: Callable[[str], str], where: Where) -> None:
        """Put the archive of a `dist` with a path or an origin among the downloads.

        `login` gives a public address the credentials that the recipe has for it. `VerifyError` when what is there now
        is not what was pinned.
        """
        from slipway.inputs.kept import is_present, path_of

        if is_present(path_of(dist.sha256, self._settings), dist.size):
            return
        sha256 = self._again(dist, login, where)[1]
        if sha256 != dist.sha256:
            raise VerifyError(
                f"{dist.name} {dist.version} is not what was promised: its source changed",
                details=f"expected sha256 {dist.sha256}\ngot sha256 {sha256}",
                where=where,
            )

    def tree(self, dist: Dist, login: Callable[[str], str], where: Where) -> PinnedFile | None:
        """The whole tree of an editable distribution from git, to go to its place in the workspace."""
        from slipway.python import vcs
        from slipway.python.directurl import source_place

        origin = dist.origin
        if origin is None or origin.kind != "vcs":
            return None
        found = vcs.known(origin.commit, self._settings)
        found = found or self._pinned(vcs.Reference(login(origin.url), origin.commit), where).tree
        return replace(found, source=origin.url, dest=source_place(dist))

    def _again(self, dist: Dist, login: Callable[[str], str], where: Where) -> Archive:
        from slipway.python import archive, vcs

        origin = dist.origin
        if dist.path or (origin and origin.kind == "directory"):
            found = self.places.find(f"{self.places.root}/{dist.path}" if dist.path else dist.url, _MACHINE)
            if found.tree is not None:
                return archive.archived(found.tree, self._settings)
            if found.file is not None:
                return archive.keep(found.file[1], found.file[0], self._settings), found.file[0].sha256
        if origin is None:
            raise FetchError(f"nothing says where {dist.filename} is from", where=where)
        if origin.kind == "vcs":
            return self._checked_out(
                lambda: vcs.Reference(login(origin.url), origin.commit, origin.subdirectory), origin, where
            )
        return self._of_web(login(origin.url), origin.sha256, dist.filename, origin.subdirectory, where)

    # -- paths -----------------------------------------------------------------------------------------------

    def _path(self, wanted: Wanted) -> Located:
        from slipway.python import archive

        found = self.places.find(wanted.target.partition("#")[0], wanted.place)
        inside = found.place.kind == "workspace"
        if wanted.editable and not inside:
            raise Unfit(
                "an editable package is imported from its tree, and this one is not in the image",
                "bring the tree in with `files`",
            )
        real = f"{self.places.root}/{found.path}" if inside else found.path
        address = PurePosixPath(real).as_uri()
        path = found.path if inside else ""
        # a path on the machine of who builds is nobody else's business
        shown = address if inside else ""
        if found.file is not None:
            entry, file = found.file
            if wanted.editable or not is_archive(found.path):
                raise Unfit(
                    f"`{public(wanted.target)}` is neither a source tree nor a wheel or source distribution"
                )
            return Located(
                wanted,
                entry.sha256,
                filename_of(found.path),
                lambda: (archive.keep(file, entry, self._settings), entry.sha256),
                url="" if inside else address,
                path=path,
                origin=Origin("archive", shown, entry.sha256),
            )
        tree = found.tree or Tree(())
        if not any(entry.path in ("pyproject.toml", "setup.py") for entry, _ in tree.held):
            raise Unfit(
                f"`{public(wanted.target)}` is no Python project",
                "a source tree has a pyproject.toml or a setup.py",
            )
        return Located(
            wanted,
            tree.digest,
            tree_name(found.path),
            lambda: archive.archived(tree, self._settings),
            url="" if inside else address,
            path=path,
            origin=Origin("directory", shown, editable=wanted.editable),
        )

    # -- the web ---------------------------------------------------------------------------------------------

    def _web(self, wanted: Wanted) -> Located:
        url = wanted.target.partition("#")[0]
        fragment = fragment_of(wanted.target)
        subdirectory = fragment.get("subdirectory", "")
        file, sha256 = self._fetched(url, fragment.get("sha256", "").lower(), wanted.where)
        check(file, fragment, public(url))
        filename = filename_of(url)
        identity = key_of(sha256, subdirectory) if subdirectory else sha256
        return Located(
            wanted,
            identity,
            tree_name(subdirectory) if subdirectory else filename,
            lambda: self._of_web(url, sha256, filename, subdirectory, wanted.where),
            url=public(url),
            origin=Origin("archive", public(url), sha256, subdirectory=subdirectory),
        )

    def _fetched(self, url: str, sha256: str, where: Where) -> Archive:
        from slipway.inputs.files import pin
        from slipway.inputs.kept import is_present, path_of
        from slipway.recipe.model import FileItem

        item = FileItem(filename_of(url), url, where, sha256=sha256)
        if sha256 and is_present(path := path_of(sha256, self._settings)):
            return path, sha256
        (found,) = pin(
            [item],
            self.places.directory,
            self._settings,
            self._reporter,
            refresh=self._refresh,
            clock=lambda: self._now,
        )
        return found.path, found.sha256

    def _of_web(self, url: str, sha256: str, filename: str, subdirectory: str, where: Where) -> Archive:
        import tempfile

        from slipway.python import archive

        path, _ = self._fetched(url, sha256, where)
        if not subdirectory:
            return path, sha256
        with tempfile.TemporaryDirectory(prefix="slipway-") as place:
            name = filename if is_archive(filename) else filename_of(url)
            project = archive.unpack(path, name, Path(place))
            return archive.archived(on_machine(project).below(subdirectory), self._settings)

    # -- git -------------------------------------------------------------------------------------------------

    def _repository(self, wanted: Wanted) -> Located:
        from slipway.inputs import gitaddress
        from slipway.python import vcs

        said = vcs.reference(wanted.target)
        url = gitaddress.public(said.url)
        kept = self._commits.get((url, said.revision), "")
        found = self._pinned(replace(said, revision=kept) if kept else said, wanted.where)
        exact = replace(said, revision=found.commit)
        told = vcs.described(
            exact, found, wanted.where, self._settings, self._reporter, refresh=self._refresh
        )
        origin = Origin(
            "vcs",
            url,
            commit=found.commit,
            revision=said.revision,
            subdirectory=said.subdirectory,
            editable=wanted.editable,
            described=told,
        )
        return Located(
            wanted,
            key_of(found.commit, told, said.subdirectory),
            tree_name(said.subdirectory or PurePosixPath(url).name.removesuffix(".git")),
            lambda: self._checked_out(lambda: exact, origin, wanted.where),
            origin=origin,
        )

    def _checked_out(self, wanted: Callable[[], vcs.Reference], origin: Origin, where: Where) -> Archive:
        from slipway.python import archive, vcs

        files = vcs.known(origin.commit, self._settings) or self._pinned(wanted(), where).tree
        tree = vcs.source_tree(files, origin.commit, origin.subdirectory, origin.described, self._settings)
        return archive.archived(tree, self._settings)

    def _pinned(self, wanted: vcs.Reference, where: Where) -> PinnedRepository:
        from slipway.python import vcs

        return vcs.pinned(
            wanted,
            where,
            self._settings,
            self._reporter,
            refresh=self._refresh,
            now=self._now,
        )
