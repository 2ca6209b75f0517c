"""Manifests as deletions need them: which objects an image has, wherever its manifest is just now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.service.artifacts.manifest import MANIFEST, Artifact, ManifestError, artifacts, decode, encode
from slipway.service.artifacts.model import Artifacts, MissingError, split
from slipway.service.deletion.places import back, movable
from slipway.service.model import Link

if TYPE_CHECKING:
    from collections.abc import Iterable

_TYPE: Final = "application/json"
_LARGER: Final = 4  # how much longer a deleted manifest may be than the limit for those that clients bring


def read(storage: Artifacts, path: str, limit: int) -> tuple[Artifact, ...]:
    """What the manifest lists, of all that can be moved; `InputError` when it cannot be read, `MissingError` when it is not there."""
    listed = artifacts(decode(storage.read(*split(path), _LARGER * limit)))
    return tuple(each for each in listed if movable(each.link.path))


def found(storage: Artifacts, places: Iterable[str], limit: int) -> tuple[Artifact, ...] | None:
    """What the first manifest lists that is at one of the places and can be read, or None."""
    for path in places:
        try:
            return read(storage, path, limit)
        except (MissingError, InputError):
            continue
    return None


def write_deleted(
    storage: Artifacts, path: str, entries: Iterable[Artifact], manifest: Artifact, when: int
) -> None:
    """The manifest of a deleted image; `when` in microseconds since 1970. The same each time it is written."""
    created = datetime.fromtimestamp(when // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    content = encode([*entries, manifest], created)
    storage.put(*split(path), [content], content_type=_TYPE)


def restamp(storage: Artifacts, path: str, limit: int) -> str | None:
    """Write anew the ETags that moving has changed; the new ETag of the manifest, or None when it is as it was.

    ETags only change where a server copies in parts (their ETags have a `-`). Boot services compare that of a root file system with
    the object's, so a manifest with the old one would be worse than one that is written anew.
    """
    import hashlib
    import json

    content = storage.read(*split(path), _LARGER * limit)
    document = decode(content)
    listed = document.get("artifacts") if isinstance(document, dict) else None
    changed = False
    for each in listed if isinstance(listed, list) else []:
        link = each.get("link") if isinstance(each, dict) else None
        place = link.get("path") if isinstance(link, dict) else None
        if (
            not isinstance(link, dict)
            or not isinstance(place, str)
            or not link.get("etag")
            or not movable(place)
        ):
            continue
        stat = storage.head(*split(place))
        if stat is not None and "-" in stat.etag and stat.etag != link["etag"]:
            link["etag"], changed = stat.etag, True
    if not changed:
        return None
    before = storage.head(*split(path))
    metadata = dict(before.metadata) if before else {}
    content = json.dumps(document, indent=4, sort_keys=True).encode()
    if "md5sum" in metadata:
        metadata["md5sum"] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    content_type = before.content_type if before else _TYPE
    return storage.put(*split(path), [content], content_type=content_type, metadata=metadata).etag


def origin(listed: Iterable[Artifact]) -> Artifact | None:
    """The entry of a deleted manifest that says where the image's own manifest is."""
    return next((each for each in listed if each.type == MANIFEST), None)


def home(storage: Artifacts, path: str, listed: Iterable[Artifact]) -> Link | None:
    """Where the image was whose deleted manifest is at that path and lists that; None for a manifest that has not moved.

    IMS leaves its own manifest out when it could not be moved: then it is looked for where IMS has it, here and there.
    `ManifestError` when it is not to be found.
    """
    own = origin(listed)
    if own is not None:
        return Link(back(own.link.path), own.link.etag)
    if back(path) == path:
        return None
    gone = f"{path.rpartition('/')[0]}/manifest.json"
    if not any(storage.head(*split(place)) for place in (gone, back(gone))):
        raise ManifestError(f"{path} does not say where the manifest is, and there is no {back(gone)}")
    return Link(back(gone))
