"""Atomic files: written beside their place, made durable, and renamed; a killed process leaves no half file."""

from __future__ import annotations

import errno
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from slipway.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals while writing at `path` into a `StoreError` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(
                f"no space left on the disk that holds {path}",
                hint="free some space, run `slipway store gc`, or set SLIPWAY_STORE and SLIPWAY_CACHE to another disk",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise StoreError(f"cannot write {error.filename or path}: {error.strerror}") from error
        raise


@contextmanager
def atomic(path: Path, *, durable: bool = False, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """A binary file that appears at `path` when the block ends without an error, and not at all otherwise.

    `durable` waits until the bytes are on the disk (for what is referred to by name and cannot be made again).
    """
    with disk(path):
        handle, name = new_beside(path)
        try:
            with open(handle, "w+b") as file:  # noqa: PTH123 - a descriptor, not a path
                os.fchmod(file.fileno(), mode)
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def new_beside(path: Path) -> tuple[int, str]:
    """A new file in the directory of `path`, and its name: what tempfile does, whose import costs more than an unchanged build's writes."""
    for _ in range(100):
        name = f"{path.parent}/.tmp-{os.urandom(8).hex()}"
        try:
            return os.open(
                name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            ), name
        except FileExistsError:
            continue
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
    raise FileExistsError(errno.EEXIST, "no name is free", str(path.parent))


def write_json(path: Path, value: Any, *, durable: bool = False) -> None:
    with atomic(path, durable=durable) as file:
        file.write(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def read_json(path: Path) -> Any:
    """The value, or None when there is no such file or it is damaged (all JSON files here can be made again)."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
