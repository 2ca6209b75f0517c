"""Recipe → plan → fragments → layers → image."""

from slipway.build.api import build, full_tag, host_platform, plan
from slipway.build.model import Action, Options, Plan, Result

__all__ = ["Action", "Options", "Plan", "Result", "build", "full_tag", "host_platform", "plan"]
