"""What scans found over time: kept beside the store, compared, counted and drawn.

model.py, tally.py   one scan in numbers; each weakness of a package counts once
files.py             where scans are kept, and how they are read again
keep.py              `keep` after a scan, which thins out what stays the same; `first_seen` before it is judged
reference.py         what a person names: an image, a saved report, `IMAGE~1`, `IMAGE@2026-11-21`
diff.py packages.py  what is new and what is gone between two scans, and why
rows.py saved.py     a table over many images, from saved reports of ours and others
trend.py svg.py      how the numbers went, as text and as a picture
"""

from __future__ import annotations

from slipway.scan.history.files import entries
from slipway.scan.history.keep import first_seen, keep
from slipway.scan.history.model import Entry, Numbers
from slipway.scan.history.packing import scan_of

__all__ = ["Entry", "Numbers", "entries", "first_seen", "keep", "scan_of"]
