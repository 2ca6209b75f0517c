"""Sources of `files` that are on this machine."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import FetchError, InputError
from slipway.inputs import tree
from slipway.inputs.fileurl import file_path, is_file
from slipway.inputs.pinned import PinnedFile
from slipway.inputs.statcache import StatCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.recipe.model import FileItem
    from slipway.settings import Settings


def pin_local(
    item: FileItem,
    recipe_directory: Path,
    settings: Settings,
    *,
    refresh: bool = False,
    clock: Callable[[], float] = time.time,
) -> PinnedFile:
    """A file or directory, with the hash of its content.

    A symlink given as the source is followed; those inside a directory are kept as they are. Hashes of files that did
    not change since the last time come from the cache, unless `refresh`.
    """
    path, status = find(item.source, recipe_directory)
    cache = StatCache(settings.cache / "stat", path, clock=clock, trust=not refresh)
    if stat.S_ISREG(status.st_mode):
        sha256 = cache.sha256("", status)
        cache.save()
        mode = tree.file_mode(status.st_mode)
        return PinnedFile(item.dest, item.source, "file", sha256, status.st_size, path, mode)
    entries = tree.listing(tree.walk(path), lambda found: cache.sha256(found.path, found.status))
    cache.save()
    size = sum(entry.size for entry in entries)
    return PinnedFile(item.dest, item.source, "tree", tree.digest(entries), size, path, 0o755, entries)


def find(source: str, recipe_directory: Path) -> tuple[Path, os.stat_result]:
    """The real path of a source, and its status.

    `~` is the home directory; a relative path is looked for below the recipe's directory, then below the
    working directory. `FetchError` names all places when it is in none, `InputError` refuses special files.
    """
    written = file_path(source) if is_file(source) else Path(os.path.expanduser(source))  # noqa: PTH111 - never fails
    places = dict.fromkeys(Path(os.path.abspath(base / written)) for base in (recipe_directory, Path.cwd()))  # noqa: PTH100 - for messages
    for place in places:
        try:
            path = Path(os.path.realpath(place))
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            raise FetchError(f"cannot read {place}: {getattr(error, 'strerror', error)}") from error
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise InputError(f"{place} is {tree.special(status.st_mode)}, not a file or directory")
        return path, status
    raise FetchError(
        f"there is no file or directory {source}",
        hint="looked at " + " and ".join(str(place) for place in places),
    )
