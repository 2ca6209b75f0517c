"""A registry on loopback (Debian's docker-registry) that can be emptied, and a plain way to put an image into it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import socket
import subprocess
import tarfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin
from urllib.request import Request, urlopen

from benchmarks.peers.machine import need

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_ACCEPT = f"{_MANIFEST}, application/vnd.docker.distribution.manifest.v2+json"
_SETTINGS = """\
version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
http: {{addr: "{host}"}}
"""


@dataclass(frozen=True, slots=True)
class Blob:
    """A layer: its compressed bytes, and the digest of the uncompressed ones."""

    data: bytes
    diff_id: str


def layer(files: Mapping[str, tuple[bytes, int]]) -> Blob:
    """A layer of regular files: path -> (content, mode)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (content, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    plain = buffer.getvalue()
    return Blob(gzip.compress(plain, 6, mtime=0), _digest(plain))


class Registry:
    """`host` is HOST:PORT. What is in it when `keep` is called comes back with `reset`."""

    def __init__(self, directory: Path) -> None:
        self.program = need("docker-registry", "docker-registry")
        self._root, self._kept = directory / "data", directory / "kept"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{probe.getsockname()[1]}"
        directory.mkdir(parents=True, exist_ok=True)
        self._config = directory / "config.yml"
        self._config.write_text(_SETTINGS.format(root=self._root, host=self.host))
        self._log = directory / "log"
        shutil.rmtree(self._root, ignore_errors=True)
        self._start()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.program, "serve", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 10
        while True:
            try:
                urlopen(f"http://{self.host}/v2/", timeout=5).close()
                return
            except (URLError, OSError):
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError(f"the registry does not start; see {self._log}") from None
                time.sleep(0.01)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def keep(self) -> None:
        shutil.rmtree(self._kept, ignore_errors=True)
        shutil.copytree(self._root, self._kept)

    def reset(self) -> None:
        """A registry that holds what was kept and nothing else."""
        self.stop()
        shutil.rmtree(self._root)
        shutil.copytree(self._kept, self._root)
        self._start()

    def put(self, repository: str, tag: str, layers: Sequence[Blob], settings: Mapping[str, Any]) -> str:
        """Put an image of these layers into the registry; the digest of its manifest (image-spec: manifest.md)."""
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": settings,
            "history": [{"created_by": "benchmarks"} for _ in layers],  # buildah insists
            "rootfs": {"type": "layers", "diff_ids": [blob.diff_id for blob in layers]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._blob(repository, json.dumps(config).encode(), _CONFIG),
            "layers": [self._blob(repository, blob.data, _LAYER) for blob in layers],
        }
        data = json.dumps(manifest).encode()
        self._ask("PUT", f"/v2/{repository}/manifests/{tag}", data, {"Content-Type": _MANIFEST})
        return _digest(data)

    def _blob(self, repository: str, data: bytes, media_type: str) -> dict[str, Any]:
        digest = _digest(data)
        opened = self._ask("POST", f"/v2/{repository}/blobs/uploads/", b"", {})
        location = urljoin(f"http://{self.host}/", opened["Location"])
        mark = "&" if "?" in location else "?"
        octets = {"Content-Type": "application/octet-stream"}
        self._ask("PUT", f"{location}{mark}digest={digest}", data, octets)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def manifest(self, reference: str) -> tuple[str, dict[str, Any]]:
        """Digest and content of what `HOST/REPOSITORY:TAG` of this registry is now."""
        repository, _, tag = reference.removeprefix(f"{self.host}/").rpartition(":")
        data = self.read(f"/v2/{repository}/manifests/{tag}")
        return _digest(data), json.loads(data)

    def read(self, path: str) -> bytes:
        request = Request(urljoin(f"http://{self.host}/", path), headers={"Accept": _ACCEPT})
        with urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def _ask(self, method: str, path: str, data: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
        url = urljoin(f"http://{self.host}/", path)
        try:
            with urlopen(Request(url, data, dict(headers), method=method), timeout=60) as answer:
                return dict(answer.headers)
        except HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error} {error.read()[:300]!r}") from error


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
