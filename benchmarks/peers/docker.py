"""Docker daemons of two releases, out of unpacked Debian packages: nothing of them is installed or touches the network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import requests

from benchmarks.peers.machine import need, unpacked
from benchmarks.peers.model import Skipped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.meter import Group


class Daemon:
    """A dockerd with a containerd of its own, in `group`. `api` is its client, `environment` what programs are told of it."""

    def __init__(self, suite: str, work: Path, group: Group, packages: Sequence[str] = ()) -> None:
        if os.geteuid() != 0:
            raise Skipped("a Docker daemon needs root")
        need("runc", "runc")
        need("iptables", "iptables")
        self.root = unpacked(suite, ["docker.io", "containerd", *packages], work / "programs")
        self._data, self._group = work / "data", group
        # what an engine remembers of a registry that is gone would only mislead it
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(parents=True)
        # sockets have short paths, and what is mounted there must not be on the disk that is cleaned
        self._run = tempfile.TemporaryDirectory(
            prefix="slipway-bench-", dir="/run", ignore_cleanup_errors=True
        )
        run = Path(self._run.name)
        self.address = f"unix://{run}/docker.sock"
        self.environment = {"DOCKER_HOST": self.address, "PATH": self._path()}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._start(run, work / "log")

    def _path(self) -> str:
        return f"{self.root}/usr/bin:{self.root}/usr/sbin:{os.environ['PATH']}:/usr/sbin:/sbin"

    def _start(self, run: Path, log: Path) -> None:
        containerd = run / "containerd.sock"
        settings = run / "containerd.toml"
        settings.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        self._launch(
            [
                "containerd",
                f"--config={settings}",
                f"--address={containerd}",
                f"--root={self._data}/containerd",
                f"--state={run}/containerd",
            ],
            log,
        )
        self._await(containerd.exists, log)
        # no bridge and no packet filter: builds share the machine's network
        self._launch(
            [
                "dockerd",
                f"--containerd={containerd}",
                f"--host={self.address}",
                f"--pidfile={run}/pid",
                f"--data-root={self._data}/docker",
                f"--exec-root={run}/docker",
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                "--exec-opt=native.cgroupdriver=cgroupfs",
                f"--cgroup-parent={self._group.parent}",
            ],
            log,
        )
        self._await(self._answers, log)

    def _launch(self, argv: list[str], log: Path) -> None:
        with log.open("ab") as out:
            self._processes.append(
                subprocess.Popen(
                    self._group.inside(argv),
                    env={**os.environ, "PATH": self._path()},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                )
            )

    def _answers(self) -> bool:
        with suppress(docker.errors.DockerException, requests.RequestException):
            self.api = docker.APIClient(base_url=self.address, timeout=120)
            return bool(self.api.ping())
        return False

    def _await(self, ready: Any, log: Path) -> None:
        deadline = time.monotonic() + 30
        while not ready():
            if time.monotonic() > deadline or any(p.poll() is not None for p in self._processes):
                self.stop()
                raise Skipped(f"Docker does not start here: {log.read_text()[-400:]}")
            time.sleep(0.05)

    def version(self) -> str:
        return str(self.api.version()["Version"])

    def pull(self, reference: str, *names: str) -> str:
        """Fetch an image, give it names, and return its ID."""
        for line in self.api.pull(reference, stream=True, decode=True):
            if "errorDetail" in line:
                raise Skipped(f"cannot pull {reference}: {json.dumps(line)}")
        for name in names:
            repository, _, tag = name.rpartition(":")
            self.api.tag(reference, repository, tag)
        return str(self.api.inspect_image(reference)["Id"])

    def forget(self, keep: Sequence[str]) -> None:
        """Remove every container, image and build cache, except images with these IDs."""
        for container in self.api.containers(all=True):
            self.api.remove_container(container["Id"], force=True)
        for image in self.api.images():
            if image["Id"] not in keep:
                with suppress(docker.errors.APIError):  # the parent of one that was removed goes with it
                    self.api.remove_image(image["Id"], force=True)
        self.api._post(self.api._url("/build/prune"), params={"all": "1"}).raise_for_status()  # noqa: SLF001 - has no option

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.wait(60)
        # where containers share the machine's network, this mount is left
        subprocess.run(["umount", f"{self._run.name}/docker/netns/default"], capture_output=True, check=False)
        self._run.cleanup()
