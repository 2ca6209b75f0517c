"""Read the layers of a base image once, to know what is in them: `python -m slipway.build.basereading` beside other work.

Hashing thousands of small files gives the interpreter's lock away and waits for it again each time. Next to threads that
convert packages that takes several times as long as in a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.build.basefacts import WANTED, Facts, read_facts
from slipway.errors import InputError, SlipwayError
from slipway.oci.layerindex import layer_index
from slipway.oci.store import Descriptor, Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.oci.layerindex import Kept

_LARGE = 8 << 20  # bytes of layers; what is smaller is read before another process has started


def read_base(
    store: Store, layers: Sequence[Descriptor], config: Mapping[str, Any], name: str, threads: int
) -> Facts:
    """What is in these layers, which are in the store; `config` is the image's configuration, `name` is for errors.

    `InputError` when they are not the layers that the configuration names.
    """
    if sum(layer.size for layer in layers) >= _LARGE and (facts := _read_apart(store, layers, config, name)):
        return facts
    return _read(store, layers, config, name, threads)


def _read(
    store: Store, layers: Sequence[Descriptor], config: Mapping[str, Any], name: str, threads: int
) -> Facts:
    from concurrent.futures import ThreadPoolExecutor

    kept: Kept = {}
    with ThreadPoolExecutor(threads) as pool:
        indexes = list(pool.map(lambda layer: layer_index(store, layer, WANTED, kept), layers))
    # engines refuse an image whose layers are others than its configuration says (image-spec: config.md,
    # rootfs), and those who run it would be told one thing and given another
    if config["rootfs"]["diff_ids"] != [index.diff_id for index in indexes]:
        raise InputError(f"the base image {name} holds other layers than its configuration says")
    return read_facts(store, layers, indexes, config, kept)


def _read_apart(
    store: Store, layers: Sequence[Descriptor], config: Mapping[str, Any], name: str
) -> Facts | None:
    """None when it does not work out, for whatever reason: read here, the layers tell what is wrong with them."""
    from slipway import proc

    job = {
        "store": str(store.root.absolute()),
        "layers": [layer.as_json() for layer in layers],
        "config": config,
        "name": name,
    }
    path = os.pathsep.join(os.path.abspath(place) for place in sys.path if place)  # noqa: PTH100 - may be an archive
    try:
        done = proc.run(
            [sys.executable, "-s", "-S", "-P", "-m", "slipway.build.basereading"],
            env={**os.environ, "PYTHONPATH": path},
            stdin=json.dumps(job).encode(),
        )
        return Facts.from_dict(json.loads(done.stdout))
    except (SlipwayError, ValueError):
        return None


def _main() -> None:
    job = json.load(sys.stdin.buffer)
    layers = [Descriptor.from_json(layer) for layer in job["layers"]]
    facts = _read(Store(Path(job["store"])), layers, job["config"], job["name"], threads=1)
    sys.stdout.write(json.dumps(facts.as_dict()))


if __name__ == "__main__":
    _main()
