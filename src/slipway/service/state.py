"""What all parts of the service share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.service.artifacts.model import Artifacts
    from slipway.service.deletion.model import Deletion
    from slipway.service.records.store import Records
    from slipway.service.runners import Runner
    from slipway.service.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Service:
    """`clock` gives seconds since 1970."""

    records: Records
    artifacts: Artifacts
    deletion: Deletion
    runner: Runner
    settings: ServiceSettings
    clock: Callable[[], float]
