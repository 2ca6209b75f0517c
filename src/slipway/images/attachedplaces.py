"""Where an image and what is attached to it may be: in the store, or in a registry, asked in the same way."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.oci.layerindex import verified
from slipway.oci.referrer import referrers
from slipway.oci.store import Descriptor, Store

if TYPE_CHECKING:
    from slipway.oci.digest import Digest
    from slipway.oci.referrer import Referrer
    from slipway.registry.session import Session


class InStore:
    """`image` is what a name of the store refers to."""

    def __init__(self, store: Store, image: Descriptor) -> None:
        self._store = store
        self._image = image

    def top(self) -> Descriptor:
        return self._image

    def document(self, blob: Descriptor) -> dict[str, Any]:
        """A manifest or index."""
        return self._store.read_json(blob.digest)

    def referrers(self, subject: Digest) -> list[Referrer]:
        return referrers(self._store, subject)

    def copy(self, blob: Descriptor, file: IO[bytes]) -> None:
        """`StoreError` when it is missing or damaged."""
        for piece in verified(self._store, blob):
            file.write(piece)


class InRegistry:
    """What the reference of a session means."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def top(self) -> Descriptor:
        return self._session.manifest(self._session.reference.target)[0]

    def document(self, blob: Descriptor) -> dict[str, Any]:
        """A manifest or index, checked."""
        value = json.loads(self._session.manifest(blob.digest)[1])
        if not isinstance(value, dict):
            raise InputError(f"{blob.digest} is not a JSON object")
        return value

    def referrers(self, subject: Digest) -> list[Referrer]:
        from slipway.registry.referrers import list_referrers

        return list_referrers(self._session, subject)

    def copy(self, blob: Descriptor, file: IO[bytes]) -> None:
        """`VerifyError` when it is not what its digest says; nothing is written then."""
        with tempfile.TemporaryDirectory(prefix="slipway-") as directory:
            scratch = Store(Path(directory))
            self._session.read_blob(blob, scratch)
            with scratch.path(blob.digest).open("rb") as source:
                shutil.copyfileobj(source, file, 1 << 20)
