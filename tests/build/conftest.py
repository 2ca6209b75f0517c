"""Real registries for base images."""

from __future__ import annotations

from tests.registry.conftest import login_registry, registry

__all__ = ["login_registry", "registry"]
