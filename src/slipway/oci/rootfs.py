"""Layers as directories, unpacked once and kept: what an overlay mount makes a container's root from.

    cache/trees/WHO/<DiffID hex>           one layer; WHO is `root` or a user's number
    cache/trees/WHO/m<ChainID hex>         a layer that removes things from below, merged with all below it, where the
                                           file system has no whiteouts
    cache/trees/WHO/<DiffID hex>.over      says that this layer has no tree of its own for that reason

A tree appears by rename and its modification time is that of its last use. Whoever uses one holds a shared lock on
the directory; whoever wants to remove it must get an exclusive one. ChainID: image-spec, config.md.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from slipway.errors import StoreError
from slipway.files import disk
from slipway.oci import digest as dg
from slipway.oci.layerindex import Counter, plain
from slipway.oci.unpack import Unpacker, WhiteoutFound, is_root, overlay_names, remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slipway.events import Reporter
    from slipway.oci.digest import Digest
    from slipway.oci.reader import Slice
    from slipway.oci.store import Store

_SMALL_FILE = 16 << 20


class Trees:
    """The trees below `root` (`settings.cache / "trees"`) of the calling user."""

    def __init__(self, root: Path) -> None:
        self.root = root / ("root" if is_root() else str(os.geteuid()))

    def provide(self, store: Store, layers: Sequence[Slice], reporter: Reporter) -> list[Path]:
        """Trees that, stacked in this order (the lowest first), are the layers. Hold `store.shared()` meanwhile."""
        trees: list[Path] = []
        for at in range(len(layers), 0, -1):
            layer = layers[at - 1]
            tree = self.root / dg.hex_of(layer.diff_id)
            over = tree.with_suffix(".over")
            if not tree.is_dir() and not over.exists():
                try:
                    self._make(store, tree, [layer], reporter, whiteouts=False)
                except WhiteoutFound:
                    over.touch()
            if over.exists():
                tree = self.root / f"m{chain_id([x.diff_id for x in layers[:at]])}"
                if not tree.is_dir():
                    self._make(store, tree, layers[:at], reporter, whiteouts=True)
                trees.append(tree)
                break
            trees.append(tree)
        for tree in trees:
            os.utime(tree)
        # the kernel takes no tree twice; of two equal layers the upper has all that the lower could show
        return list(dict.fromkeys(trees))[::-1]

    def _make(
        self, store: Store, tree: Path, layers: Sequence[Slice], reporter: Reporter, *, whiteouts: bool
    ) -> None:
        with self.scratch() as directory:
            made = directory / "tree"
            made.mkdir()
            unpack(store, made, layers, reporter, self.unpacker(made, whiteouts=whiteouts))
            try:
                made.rename(tree)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                # another process was faster; its tree is the same

    def unpacker(self, target: Path, *, whiteouts: bool) -> Unpacks:
        """What unpacks into a tree; `whiteouts` as for `Unpacker`."""
        return Unpacker(target, whiteouts=whiteouts)

    def remove(self, directory: Path) -> None:
        """Remove what is below the trees' root."""
        remove_tree(directory)

    def stage(self) -> Path:
        """An empty directory to mount on, for any number of mount namespaces at once."""
        stage = self.root / "stage"
        with disk(self.root):
            self._prepare()
            stage.mkdir(exist_ok=True)
        return stage

    def _prepare(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A directory beside the trees, on the same file system, that is gone afterwards."""
        with disk(self.root):
            self._prepare()
            directory = Path(tempfile.mkdtemp(dir=self.root, prefix=".tmp-"))
        try:
            with held([directory]):
                yield directory
        finally:
            self.remove(directory)


class Unpacks(Protocol):
    """Takes one layer after the other; see `slipway.oci.unpack.Unpacker`."""

    def layer(self, chunks: Iterable[bytes], what: str) -> None: ...
    def finish(self) -> None: ...


def unpack(
    store: Store,
    target: Path,
    layers: Sequence[Slice],
    reporter: Reporter,
    unpacker: Unpacks | None = None,
) -> None:
    """Unpack layers, the lowest first, over each other into an empty directory; every DiffID is checked.

    `StoreError` when a layer is not what the config promises.
    """
    unpacker = unpacker or Unpacker(target, whiteouts=True)
    for layer in layers:
        what = f"layer {layer.blob.digest[:19]}"
        counter = Counter()
        with reporter.step("unpack", what, total=layer.blob.size, unit="bytes") as step:
            unpacker.layer(counter.watch(plain(store, layer.blob)), what)
            step.advance(layer.blob.size)
        if counter.digest != layer.diff_id:
            raise StoreError(
                f"{what} is not what its image promises",
                details=f"uncompressed it has the digest {counter.digest}, not {layer.diff_id}",
            )
    unpacker.finish()
    target.chmod(0o755)


def chain_id(diff_ids: Sequence[Digest]) -> str:
    """The hex part of the ChainID of these layers, the lowest first."""
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = dg.of_bytes(f"{chain} {diff_id}".encode())
    return dg.hex_of(chain)


@contextmanager
def held(trees: Sequence[Path]) -> Iterator[None]:
    """Keep trees from being collected."""
    handles: list[int] = []
    try:
        for tree in trees:
            handles.append(os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW))
            fcntl.flock(handles[-1], fcntl.LOCK_SH)
        yield
    finally:
        for handle in handles:
            os.close(handle)


def read_small(trees: Sequence[Path], path: str) -> bytes:
    """A regular file of at most 16 MiB out of stacked trees (the lowest first), no symlink followed; else nothing."""
    *parents, name = path.split("/")
    for tree in reversed(trees):
        covers = False
        try:
            with _opened(tree) as steps:
                for part in parents:
                    covers |= steps.enter(part)
                handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=steps.handle)
            with open(handle, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
                return file.read(_SMALL_FILE) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
        except FileNotFoundError:
            if covers:
                return b""
        except OSError:  # among them what an overlay's whiteout answers
            return b""
    return b""


class _Steps:
    """A way down a tree, directory by directory."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def enter(self, name: str) -> bool:
        """Go into a directory, which is no symlink; whether nothing of the trees below shows in it."""
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self.handle)
        os.close(self.handle)
        self.handle = inner
        try:
            return os.getxattr(inner, f"{overlay_names()}.opaque") == b"y"
        except OSError:
            return False


@contextmanager
def _opened(tree: Path) -> Iterator[_Steps]:
    steps = _Steps(os.open(tree, os.O_RDONLY | os.O_DIRECTORY))
    try:
        yield steps
    finally:
        os.close(steps.handle)
