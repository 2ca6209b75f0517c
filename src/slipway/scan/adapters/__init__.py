"""What other scanners found, in our terms."""

from __future__ import annotations

from slipway.scan.adapters.detect import FORMS, findings
from slipway.scan.adapters.fit import fits
from slipway.scan.adapters.merged import joined, merged
from slipway.scan.adapters.model import Imported

__all__ = ["FORMS", "Imported", "findings", "fits", "joined", "merged"]
