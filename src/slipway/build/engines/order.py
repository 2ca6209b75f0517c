"""What a builder is asked to do."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.build.engines.runline import needs_buildkit
from slipway.build.engines.words import NEWLINE
from slipway.build.steps.secrets import Mask, logins
from slipway.recipe.model import RegistryBase
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slipway.build.engines.context import Context
    from slipway.build.engines.material import Material
    from slipway.build.steps.model import Step
    from slipway.settings import Settings


@value
class Order:
    """A context to be built as `tag` (may be empty) for one platform.

    `proxies` are variables for commands, which may hold passwords: they are no part of the context, and go to
    programs in their environment. With `plain_http` the base image is in a registry that does not speak TLS.
    `directory` is that of the recipe, for secrets in files.
    """

    context: Context
    steps: tuple[Step, ...]
    tag: str
    platform: str
    no_cache: bool = False
    proxies: Mapping[str, str] = field(default_factory=dict)
    plain_http: bool = False
    directory: Path = Path()

    @property
    def network(self) -> bool:
        """Whether any command may use the network: builders decide that for all of them at once."""
        return any(step.network for step in self.steps)

    def mask(self, secrets: Iterable[str] = ()) -> Mask:
        """Hides `secrets` and the passwords of proxies."""
        return Mask([*secrets, *logins(self.proxies.values())])

    @property
    def mounts(self) -> bool:
        return any(needs_buildkit(step) for step in self.steps)

    @property
    def arguments(self) -> Mapping[str, str]:
        """Arguments of the build, by name."""
        plain = {NEWLINE: "\n"} if f"\nARG {NEWLINE}\n" in self.context.dockerfile else {}
        return {**plain, **self.proxies}


def order_for(
    material: Material, context: Context, tag: str, settings: Settings, *, no_cache: bool = False
) -> Order:
    recipe = material.inputs.recipe
    return Order(
        context,
        material.steps,
        tag,
        str(material.inputs.platform),
        no_cache,
        dict(recipe.proxy) if any(step.network for step in material.steps) else {},
        _plain_http(material, settings),
        recipe.directory,
    )


def mirror_of(settings: Settings) -> str:
    """The host that stands in for Docker Hub, which an engine need not have been told; empty for none."""
    if not settings.registry_mirror:
        return ""
    from slipway.registry.hosts import endpoint
    from slipway.registry.reference import HUB

    return endpoint(HUB, settings).host


def _plain_http(material: Material, settings: Settings) -> bool:
    base = material.inputs.recipe.base
    if not isinstance(base, RegistryBase):
        return False
    from slipway.registry.hosts import endpoint
    from slipway.registry.reference import parse

    return endpoint(parse(base.reference).registry, settings).plain
