from __future__ import annotations

from pathlib import Path

from slipway.inputs.sizes import sizes
from slipway.settings import Settings
from tests.inputs.server import Server


def test_sizes_come_without_the_bytes(server: Server, settings: Settings, tmp_path: Path) -> None:
    server.add("/a", bytes(5_000_000))
    server.add("/b", b"xyz", ranges=False)
    (tmp_path / "c").write_bytes(b"12345")
    local = (tmp_path / "c").as_uri()
    assert sizes([server.url("/a"), server.url("/b"), local], settings) == [5_000_000, 3, 5]
