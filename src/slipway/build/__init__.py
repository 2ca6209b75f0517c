"""Recipe → plan → fragments → layers → image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.build.model import Action, Options, Plan, Result

if TYPE_CHECKING:
    from slipway.build.api import build, full_tag, host_platform, plan

__all__ = ["Action", "Options", "Plan", "Result", "build", "full_tag", "host_platform", "plan"]


def __getattr__(name: str) -> Any:
    # the verbs pull in everything; values do not need it
    if name in __all__:
        from slipway.build import api

        return getattr(api, name)
    raise AttributeError(name)
