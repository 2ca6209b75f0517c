"""Find a Docker daemon, or whatever else speaks its API, and talk to it."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from slipway.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.settings import Settings

_USUAL = "unix:///var/run/docker.sock"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@contextmanager
def client(settings: Settings, *, hint: str) -> Iterator[Any]:
    """docker-py's `APIClient` for `settings.docker_host`, `DOCKER_HOST` or the usual socket, in this order.

    `ToolError` with `hint` when nobody answers there, and with the daemon's words when it refuses what the block asks.
    """
    import docker
    import requests
    from docker.utils import kwargs_from_env

    api = None
    address = settings.docker_host
    try:
        options = kwargs_from_env()
        address = address or options.get("base_url") or _USUAL
        _probe(address, hint)
        # no time-out: the daemon answers only after it has unpacked everything
        api = docker.APIClient(version="auto", timeout=None, **{**options, "base_url": address})
        yield api
    except docker.errors.APIError as error:
        raise ToolError("the Docker daemon refused", details=str(error.explanation or error)) from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise _absent(address, error, hint) from error
    finally:
        if api is not None:
            api.close()


def _probe(address: str, hint: str) -> None:
    """Ask a local socket whether anybody listens; the library would leave it open when nobody does."""
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(address.removeprefix("unix://"))
            except OSError as error:
                raise _absent(address, error, hint) from error


def _absent(address: str, error: BaseException, hint: str) -> ToolError:
    return ToolError(f"no Docker daemon answers at {address}", details=_cause(error), hint=hint)


def _cause(error: BaseException) -> str:
    """The innermost reason, without the layers of libraries that pass it on."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error)


def platform_of(api: Any) -> str:
    """The platform of the daemon's machine, such as `linux/amd64`; empty when it does not tell."""
    version = api.version()
    arch = str(version.get("Arch", ""))
    return f"{version.get('Os', 'linux')}/{_ARCHITECTURES.get(arch, arch)}" if arch else ""
