"""Which objects a task moves or removes, worked out before it touches the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.service.artifacts.manifest import MANIFEST
from slipway.service.artifacts.model import split
from slipway.service.deletion import manifests
from slipway.service.deletion.places import away, back, deleted_manifest, movable
from slipway.service.model import Image, Recipe
from slipway.service.records.naming import owner
from slipway.service.records.query import Filter, Query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.service.artifacts.manifest import Artifact
    from slipway.service.artifacts.model import Artifacts
    from slipway.service.deletion.states import Linked
    from slipway.service.model import Link
    from slipway.service.records.store import Records
    from slipway.service.settings import ServiceSettings
    from slipway.service.tasks.model import Data


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans are plain data: `moves` pairs of addresses (for a purge `paths`), and `kept`, why nothing can be moved.

    Records come in the state that the task is for.
    """

    records: Records
    artifacts: Artifacts
    settings: ServiceSettings

    def delete(self, record: Linked) -> Data:
        """To where deleted objects are; the manifest last."""
        home = record.home
        if home is None:
            return {"kept": "", "moves": []}
        if isinstance(record, Recipe):
            here = any(self.artifacts.head(*split(path)) for path in (home.path, away(home.path)))
            kept = "" if here else f"there is no artifact {home.path}"
            return {"kept": kept, "moves": [] if kept else [(home.path, away(home.path))]}
        listed = self._listed(home.path, away(home.path))
        if listed is None:
            return {"kept": f"the manifest {home.path} cannot be read", "moves": []}
        paths = self._own(record, [each.link.path for each in listed], home.path)
        entries = [(each.type, each.md5, each.link.path) for each in listed if each.link.path in paths]
        moves = [(path, away(path)) for path in [*paths, home.path]]
        return {"kept": "", "moves": moves, "entries": entries}

    def undelete(self, record: Linked) -> Data:
        """To where they were. An image's own manifest counts as well as the deleted one, which may not list all that was moved."""
        link, home = record.link, record.home
        if link is None or home is None:
            return {"moves": []}
        if isinstance(record, Recipe):
            return {"moves": [(home.path, link.path)]}
        moves = {}
        for each in self._listed(away(link.path), link.path) or ():
            moves[away(each.link.path)] = each.link.path
        last = away(link.path)
        for each in self._listed(home.path) or ():
            if each.type == MANIFEST:
                last = last if self._foreign(record, each.link.path) else each.link.path
            elif each.link.path not in moves and back(each.link.path) != each.link.path:
                moves[each.link.path] = back(each.link.path)
        moves.pop(last, None)
        own = [pair for pair in moves.items() if not any(self._foreign(record, path) for path in pair)]
        return {"moves": [*own, (last, link.path)]}

    def purge(self, record: Linked) -> Data:
        """All that is the record's, at the places where its objects may be (`states`)."""
        link, home = record.link, record.home
        if link is None:
            return {"paths": []}
        only_away = home is not None and (home.path == link.path or link.path == self._place(record, home))
        both = home is not None and not only_away
        if isinstance(record, Recipe):
            paths = [link.path, *([home.path] if both and home else [])]
            return {"paths": self._own(record, paths)}
        if only_away:
            # an object at the home of a deleted image belongs to somebody who put it there since
            return {"paths": self._own(record, self._deleted(record, link.path, home))}
        paths = []
        places = [link.path, *([away(link.path)] if both else [])]
        listed = self._listed(*places)
        for each in listed or ():
            paths += [each.link.path, *([away(each.link.path)] if both else [])]
        if listed is None:
            paths += self._beside(record, *places)
        paths = [path for path in paths if path != link.path]
        if both and home is not None:
            paths += [away(link.path), home.path]
        return {"paths": self._own(record, [*paths, link.path])}

    def _deleted(self, record: Linked, path: str, home: Link | None) -> list[str]:
        """What a deleted image has, the manifests last, so that what is left can be found as long as something is."""
        listed = self._listed(path)
        manifest = manifests.origin(listed or ())
        paths = [each.link.path for each in listed or () if each is not manifest]
        if listed is None:
            paths = self._beside(record, path)
        own = manifest.link.path if manifest else ""
        if not own and home is not None and home.path != path:
            own = away(home.path)
        if own:
            paths += [away(each.link.path) for each in self._listed(own) or () if own != back(own)]
            paths.append(own)
        return [*(each for each in paths if each != path), path]

    def _beside(self, record: Linked, *places: str) -> list[str]:
        """What lies beside manifests that cannot be read, in directories that are called like the record: nobody else names it."""
        found = []
        for path in places:
            bucket, key = split(path)
            directory, slash, _ = key.rpartition("/")
            if directory.rpartition("/")[2] == record.id:
                found += [
                    f"s3://{bucket}/{each.key}" for each in self.artifacts.walk(bucket, directory + slash)
                ]
        return [path for path in found if path not in places]

    def _place(self, record: Linked, home: Link) -> str:
        """Where a deleted record's link points to."""
        if isinstance(record, Image):
            return deleted_manifest(self.settings.images_bucket, record.id)
        return away(home.path) if movable(home.path) else ""

    def _listed(self, *places: str) -> tuple[Artifact, ...] | None:
        return manifests.found(self.artifacts, places, self.settings.manifest_limit)

    def _own(self, record: Linked, paths: Iterable[str], *without: str) -> list[str]:
        """Each once, without those of other records: a manifest may list anything, and be written over after it was linked."""
        return [
            path for path in dict.fromkeys(paths) if path not in without and not self._foreign(record, path)
        ]

    def _foreign(self, record: Linked, path: str) -> bool:
        """Whether the key names another record, or is the link of one."""
        named = owner(self.records, path.removeprefix("s3://").partition("/")[2])
        if named is not None and named.id != record.id:
            return True
        for kind in (Recipe, Image):
            for gone in (False, True):
                query = Query((Filter("link_path", (path,)),), limit=2, gone=gone)
                if any(each.id != record.id for each in self.records.page(kind, query).records):
                    return True
        return False
