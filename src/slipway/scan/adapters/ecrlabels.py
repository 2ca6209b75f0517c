"""What ECR says of a scan and has no place in `Scan`: kept as labels of the inventory."""

from __future__ import annotations

from typing import Final

REGISTRY: Final = "ecr.registryId"
STATUS: Final = "ecr.scanStatus"
DESCRIPTION: Final = "ecr.scanDescription"
