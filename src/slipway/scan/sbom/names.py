"""Our own words in CycloneDX documents (properties), for what the format has no field."""

from __future__ import annotations

from typing import Final

PATH: Final = "slipway:path"
LAYER: Final = "slipway:layer"
OWNER: Final = "slipway:owner"
SOURCE: Final = "slipway:source"
SOURCE_VERSION: Final = "slipway:source_version"
ARCH: Final = "slipway:arch"
DIRECT_URL: Final = "slipway:direct_url"
UNREAD: Final = "slipway:unread"
PLATFORM: Final = "slipway:platform"
CODENAME: Final = "slipway:codename"
