"""The parts of the service, opened where the settings say, and closed in the order that loses nothing."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import StoreError, ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.artifacts.model import Artifacts
    from slipway.service.settings import ServiceSettings
    from slipway.service.state import Service

_NEEDED = (
    "alembic",
    "boto3",
    "dbos",
    "fastapi",
    "httptools",
    "joserfc",
    "prometheus_client",
    "psycopg",
    "sqlalchemy",
    "uvicorn",
)


def check_installed() -> None:
    """`ToolError` when what the service needs beside the rest is not installed."""
    from importlib.util import find_spec

    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        verb = "is" if len(missing) == 1 else "are"
        raise ToolError(
            f"the service needs {', '.join(missing)}, which {verb} not installed",
            hint="install the extra `server`: pip install 'slipway[server]'",
        )


def placed(settings: ServiceSettings, store: Path) -> ServiceSettings:
    """The settings with places for what has none: `data` beside the store, database and artifacts in `data`."""
    data = _absolute(settings.data or str(store.parent / "service"))
    artifacts = settings.artifacts or f"{data}/artifacts"
    return settings.with_(
        data=data,
        database=settings.database or f"sqlite:///{data}/service.db",
        artifacts=artifacts if artifacts == "s3" else _absolute(artifacts),
    )


def _absolute(path: str) -> str:
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100 - no symlink resolution


@contextmanager
def held(settings: ServiceSettings) -> Iterator[None]:
    """The data directory, for this process alone where the database is a file; `StoreError` when another has it."""
    if not settings.database.startswith("sqlite:"):
        yield
        return
    data = Path(settings.data)
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        hint = "name another directory with --data"
        raise StoreError(f"cannot write in {data}: {error.strerror}", hint=hint) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"another service works in {data}",
                hint="name another --data; several services can share a PostgreSQL (--database)",
            ) from None
        yield
    finally:
        os.close(lock)


@contextmanager
def storage(settings: ServiceSettings) -> Iterator[Artifacts]:
    """Where the artifacts are; `ArtifactError` when they cannot be stored and read."""
    from slipway.service.artifacts.local import LocalArtifacts
    from slipway.service.artifacts.s3 import S3Artifacts

    artifacts: Artifacts
    if settings.artifacts == "s3":
        artifacts = S3Artifacts.connect(settings)
    else:
        artifacts = LocalArtifacts(Path(settings.artifacts), f"{settings.public_url}/artifacts")
    try:
        artifacts.check()
        yield artifacts
    finally:
        artifacts.close()


@contextmanager
def opened(settings: ServiceSettings) -> Iterator[Service]:
    """All parts; the settings are `placed`. Errors as the parts raise them."""
    from slipway.service.deletion.durable import DurableDeletion
    from slipway.service.records.store import Records
    from slipway.service.runners import RecordRunner
    from slipway.service.state import Service

    with ExitStack() as stack:
        stack.enter_context(held(settings))
        records = stack.enter_context(Records.open(settings.database))
        artifacts = stack.enter_context(storage(settings))
        deletion = DurableDeletion(records, artifacts, settings)
        stack.callback(deletion.close)
        yield Service(records, artifacts, deletion, RecordRunner(), settings, time.time)
