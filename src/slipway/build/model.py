"""What a build is, as values: its options, its plan with a reason for everything, and its result."""

from __future__ import annotations

from dataclasses import asdict, field
from typing import TYPE_CHECKING, Any, Literal

from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from slipway.build.steps.model import Copy, Step
    from slipway.lock.model import Lock
    from slipway.oci.store import Descriptor
    from slipway.recipe.model import Platform


@value
class Options:
    """What a caller may ask of a build beside the recipe.

    `tag` replaces the recipe's; `no_cache` makes every fragment and layer anew (downloads stay, they are verified);
    `refresh` asks mirrors, indexes and web servers again whatever the age of their last answers; `epoch` is
    SOURCE_DATE_EPOCH (reproducible-builds.org): no time in the image is later; `now` is the time of asking, in Unix
    seconds (None: the clock); with `fetch`, resolving may download what the build will need anyway. With `lock`, inputs
    are exactly those written there, SOURCE_DATE_EPOCH included, and nothing is resolved; `places` tells by destination
    where local files are then, other than the recipe says. With `context`, what went into the image is also written to
    that directory (see `slipway.build.context`). `keep_failed` keeps the root in which a step fails, for `slipway debug`. With another `engine` than our own, that one puts the image together
    (see `slipway.build.engines`), for one platform at a time. `finished` is told of layers of the image while others
    are still being made: of a base image's, then of each that is in the store. `sbom` are formats of bills of materials
    (`slipway.scan.sbom.write.FORMATS`) that are attached to the image of each platform.
    """

    tag: str = ""
    no_cache: bool = False
    refresh: bool = False
    epoch: int | None = None
    now: float | None = None
    fetch: bool = False
    lock: Lock | None = None
    places: Mapping[str, Path] = field(default_factory=dict)
    context: Path | None = None
    keep_failed: bool = False
    engine: Literal["native", "docker", "buildah"] = "native"
    finished: Callable[[Sequence[Descriptor]], object] | None = None
    sbom: tuple[str, ...] = ()


@value
class Part:
    """One fragment of a planned layer: what it is, and the key under which it is, or will be, cached."""

    kind: str
    name: str
    version: str
    key: str


@value
class LayerSpec:
    """A layer as it should be. `key` stands for everything that determines its bytes.

    `below` are the keys of layers (of a base image: its manifest's digest) whose directories it may name again. With `step` the layer
    is what that changes in everything below; it then has no parts. With `copy` its one part is what that takes out of the
    workspace.
    """

    name: str
    key: str
    parts: tuple[Part, ...]
    below: tuple[str, ...] = ()
    step: Step | None = None
    copy: Copy | None = None


@value
class Action:
    """One thing a build will do, or need not do, and why.

    `kind` is `reuse` (the layer is in the store), `assemble` (it is put together from fragments), `run` (it is what a command
    changes), `keep` (it comes with the base image), `drop` (the last image had it, this one does not) or `configure` (settings of the image itself change). `changes` tells part by part what differs from the image that has the tag now; `new_parts` counts fragments that
    must be made first.
    """

    kind: Literal["reuse", "assemble", "run", "keep", "drop", "configure"]
    layer: str
    reason: str
    changes: tuple[str, ...] = ()
    parts: int = 0
    new_parts: int = 0


@value
class Plan:
    """Everything a build of one platform will do. `downloads` and `download_size` (bytes) count what is not here yet."""

    platform: Platform
    tag: str
    actions: tuple[Action, ...]
    downloads: int = 0
    download_size: int = 0
    warnings: tuple[str, ...] = ()
    resolved: dict[str, Any] = field(default_factory=dict)
    engine: str = "native"

    def as_dict(self) -> dict[str, Any]:
        return {
            "platform": str(self.platform),
            "tag": self.tag,
            "actions": [asdict(a) for a in self.actions],
            "downloads": self.downloads,
            "download_size": self.download_size,
            "warnings": list(self.warnings),
            **({"engine": self.engine} if self.engine != "native" else {}),
            **({"resolved": self.resolved} if self.resolved else {}),
        }


@value
class LayerResult:
    """A layer of a finished image; sizes in bytes, `raw_size` uncompressed. `platform` is `os/arch`."""

    name: str
    action: str
    digest: str
    size: int
    raw_size: int
    platform: str = ""


@value
class Result:
    """A finished image. `image` is the manifest (or the index, for several platforms) in the store.

    `uncovered` lists packages whose maintainer scripts were not run and not covered: `name version: why`; `overlaps` lists
    files that more than one wheel brought: `path: winner over losers`. `attached` are descriptors of what refers to it.
    """

    image: Descriptor
    tag: str
    image_id: str
    layers: tuple[LayerResult, ...]
    changed: bool
    seconds: float
    uncovered: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    attached: tuple[Mapping[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "image": self.image.as_json(),
            "tag": self.tag,
            "id": self.image_id,
            "layers": [asdict(layer) for layer in self.layers],
            "changed": self.changed,
            "seconds": round(self.seconds, 3),
            "uncovered": list(self.uncovered),
            "overlaps": list(self.overlaps),
            "outputs": list(self.outputs),
            **({"attached": list(self.attached)} if self.attached else {}),
        }
