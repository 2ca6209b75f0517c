"""The cache keys of Python fragments: known before anything is downloaded, and without reading the converters.

A form is raised when the same input gives another fragment than before.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.oci.fragment import FragmentCache
    from slipway.python.model import Dist, PythonTarget

_WHEEL_FORM = 1
_VENV_FORM = 1


def wheel_key(cache: FragmentCache, dist: Dist, target: PythonTarget, prefix: str, requested: bool) -> str:
    """The key of `wheel_fragment`'s answer.

    For a source distribution it goes by that archive's hash: what is built from it counts as the same on one machine,
    although archives of two builds differ in their timestamps. What has to be compiled goes by what it is compiled over, too.
    """
    special = (asdict(dist.origin) if dist.origin else None, dist.path, dist.root)
    return cache.key(
        "wheel",
        _WHEEL_FORM,
        dist.name,
        dist.version,
        dist.filename,
        dist.sha256,
        target.short,
        prefix,
        requested,
        *(special if any(special) else ()),
    )


def venv_key(cache: FragmentCache, target: PythonTarget, prefix: str) -> str:
    """The key of `venv_fragment`'s answer."""
    return cache.key("venv", _VENV_FORM, target.version, target.executable, prefix)
