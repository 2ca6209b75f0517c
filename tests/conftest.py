"""Order of tests: fast ones first, so that a mistake shows early; a hermetic environment for all of them."""

from __future__ import annotations

import pytest

_LATE = ("net", "docker", "slow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: sum(item.get_closest_marker(m) is not None for m in _LATE))


@pytest.fixture(autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the caches and settings of the person who runs it."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLIPWAY_STORE", str(home / "store"))
    monkeypatch.setenv("SLIPWAY_CACHE", str(home / "cache"))
