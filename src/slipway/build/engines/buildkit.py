"""Build with BuildKit through Docker's command line: for secrets and caches, which the API does not know."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from slipway import proc
from slipway.build.engines.context import write
from slipway.build.engines.docker import HINT, load_base
from slipway.build.engines.secretfiles import write_secrets
from slipway.build.engines.watch import Watch
from slipway.errors import ToolError
from slipway.images.daemon import client
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from slipway.build.engines.order import Order
    from slipway.events import Reporter
    from slipway.oci.store import Store
    from slipway.settings import Settings

_HEADING = pattern(r"^#\d+ \[(?:[^]]* )?(\d+)/(\d+)\] ([A-Z]+)")
_LAST_WITHOUT_BUILDX = 22  # newer command lines leave BuildKit to their plugin


def build_with_cli(order: Order, scratch: Path, store: Store, settings: Settings, reporter: Reporter) -> str:
    """As `slipway.build.engines.docker.build_in_daemon`; `scratch` is an empty directory for what has to be in files."""
    docker = proc.find(
        "docker",
        purpose="run steps with secrets or caches",
        hint="install it, or build with `--engine native`",
    )
    env = _environment(order, settings)
    words = _command(docker, env)
    if order.context.base is not None:
        with client(settings, hint=HINT) as api:
            load_base(api, order, store, reporter)
    write(order.context, store, scratch / "context")
    secrets = write_secrets(order.steps, order.directory, scratch)
    argv = [*words, *arguments(order, secrets.flags, scratch / "id"), str(scratch / "context")]
    with reporter.step("docker", "build with BuildKit") as progress:
        watch = Watch(_HEADING, order.steps, progress, reporter, order.mask(secrets.texts))
        done = proc.run_group(argv, env=env, heard=watch.pieces)
        if done.returncode:
            raise watch.error("the build in Docker failed")
    return (scratch / "id").read_text().strip()


def arguments(order: Order, secrets: Sequence[str], identity: Path) -> list[str]:
    """Those after `docker build`; what proxies say comes from the environment."""
    network = [] if order.network else ["--network=none"]
    return [
        "--progress=plain",
        f"--iidfile={identity}",
        f"--platform={order.platform}",
        *network,
        *(["--no-cache"] if order.no_cache else []),
        *([f"--tag={order.tag}"] if order.tag else []),
        *(
            f"--build-arg={name if name in order.proxies else f'{name}={text}'}"
            for name, text in order.arguments.items()
        ),
        *(f"--secret={secret}" for secret in secrets),
    ]


def _environment(order: Order, settings: Settings) -> dict[str, str]:
    env = {**os.environ, "DOCKER_BUILDKIT": "1", **order.proxies}
    return {**env, "DOCKER_HOST": settings.docker_host} if settings.docker_host else env


def _command(docker: str, env: dict[str, str]) -> list[str]:
    """The words that build with BuildKit; `ToolError` when this command line cannot."""
    if not proc.run_group([docker, "buildx", "version"], env=env).returncode:
        return [docker, "buildx", "build", "--load"]
    asked = proc.run_group([docker, "version", "--format={{.Client.Version}}"], env=env)
    version = asked.stdout.decode(errors="replace").strip()
    major = version.partition(".")[0]
    if major.isdigit() and int(major) <= _LAST_WITHOUT_BUILDX:
        return [docker, "build"]
    raise ToolError(
        "Docker cannot give secrets or caches to run steps here",
        details=f"They need BuildKit, and docker {version} needs the plugin buildx for that.",
        hint="install docker-buildx, or build with `--engine native`",
    )
