"""Turn uv's refusal into an error in the reader's terms: what happened, which lines of the recipe, what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slipway.errors import FetchError, ResolveError, SlipwayError
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slipway.python.model import PythonTarget
    from slipway.python.requirement import Wanted

_UNKNOWN = pattern(
    r"Because (?:there are no versions of )?(\S+) was not found in the (?:package registry|provided)"
)
_NETWORK = pattern(r"Failed to fetch|error sending request|Request failed|dns error|timed out|HTTP status")
_LOGIN = pattern(r"\((?:401|403) [A-Za-z ]+\)|lack of valid authentication")
_BUILD = pattern(r"Failed to build `([^`]+)`|The build backend returned an error")


def explain(stderr: str, named: Mapping[str, Sequence[Wanted]], target: PythonTarget) -> SlipwayError:
    """The error for what uv wrote (without secrets already); `named` are the recipe's lines by canonical name."""
    text = _clean(stderr)
    involved = [r for name, lines in named.items() if _mentions(text, name) for r in lines]
    where = involved[0].where if len(involved) == 1 else None
    details = text
    if involved:
        details += "\n\nasked for by:\n" + "\n".join(f"  {r.where}: {r.text}" for r in involved)
    if _LOGIN.search(text):
        return FetchError(
            "the Python index wants a login, or refuses the one it got",
            details=details,
            hint="put the login into ~/.netrc or into the index's URL in pip's configuration",
        )
    if unknown := _UNKNOWN.search(text):
        return ResolveError(
            f"there is no package named {unknown[1]} in the Python index",
            details=details,
            hint="check the spelling, which indexes are configured, and the login if one of them wants any",
            where=where,
        )
    if _NETWORK.search(text) and "No solution found" not in text:
        return FetchError(
            "the Python index cannot be reached",
            details=details,
            hint="check the network, the proxy, and the index in pip's configuration or SLIPWAY_PYTHON_INDEX",
        )
    if built := _BUILD.search(text):
        return ResolveError(
            f"the source distribution {built[1] or ''} cannot tell its dependencies: its build failed".replace(
                "  ", " "
            ),
            details=details,
            hint="choose a version that has a wheel",
            where=where,
        )
    return ResolveError(
        f"no set of Python packages for Python {target.short} on {target.arch} satisfies the recipe",
        details=details,
        where=where,
    )


def warnings(stderr: str) -> list[str]:
    """What uv warned of, less what is no news here: that the target's Python is not on this machine."""
    found = re.findall(r"^warning: (.+(?:\n  .+)*)", stderr, re.MULTILINE)
    return [w for w in found if "Python" not in w or "yanked" in w]


def _clean(stderr: str) -> str:
    """Uv's words less its warnings, its labels, and hints about options that nobody here has given."""
    kept: list[str] = []
    skipping = False
    for line in stderr.splitlines():
        if line[:1] not in (" ", ""):
            skipping = line.startswith("warning:") or (line.startswith("hint:") and "`--" in line)
        if not skipping:
            kept.append(re.sub(r"^(error|  cause): ", "", line))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _mentions(text: str, name: str) -> bool:
    pattern = re.sub(r"-", "[-_.]", re.escape(name).replace(r"\-", "-"))
    return re.search(rf"(?<![\w.-]){pattern}(?![\w-])", text, re.IGNORECASE) is not None
