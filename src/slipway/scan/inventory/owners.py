"""Who brought what: the packages of a system, or of conda, that a distribution of another packaging is a part of.

Distributions repair what they ship without a new version of it, so what they own must be judged by their word alone.
A wheel that holds packages of npm does not own them: nobody repairs those in its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.scan.inventory.interest import canonical, format_of
from slipway.scan.inventory.purl import encode, purl

if TYPE_CHECKING:
    from slipway.scan.inventory.merge import Merged
    from slipway.scan.inventory.model import Package
    from slipway.scan.model import System


class Owners:
    """Knows the owner (its purl) of a file by its path."""

    def __init__(self, merged: Merged, system: System) -> None:
        self._merged = merged
        self._of: dict[str, str] = {}
        debs: dict[str, str] = {}
        for found in merged.files.values():
            for package in found.facts.packages:
                if package.kind == "deb":
                    mine = purl(package, system)
                    debs[f"{package.name}:{package.arch}"] = mine
                    debs[package.name] = mine
                for path in package.owns:
                    self._of[path] = purl(package, system)
        for path, found in merged.files.items():
            owner = ""
            kind = format_of(path)
            if kind == "dpkg-list":
                owner = debs.get(path.rpartition("/")[2].removesuffix(".list"), "")
            elif kind == "dpkg-sums" and (beside := merged.files.get(path.removesuffix(".md5sums"))):
                owner = next((purl(p, system) for p in beside.facts.packages), "")
            if owner:
                self._of.update(dict.fromkeys(found.facts.paths, owner))

    def of(self, path: str, package: Package) -> str:
        """Empty when `package`, of which the file at `path` tells, is nobody's part."""
        if package.kind not in ("pypi", "npm"):
            return ""
        if owner := self._of.get(canonical(path)):
            return owner
        directory = path.rpartition("/")[0]
        installer = self._merged.files.get(f"{directory}/INSTALLER")
        if package.kind == "pypi" and installer and installer.facts.text == "conda":
            # its own record is gone, or in an environment that is not here
            return encode("conda", "", package.name, package.version, {})
        return ""
