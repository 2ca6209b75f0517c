"""The base score of a CVSS vector of version 3 (CVSS v3.1 specification, sections 6, 7.1 and 7.4; first.org).

For versions 2 and 4 nothing is computed: their levels are taken from those who state one.
"""

from __future__ import annotations

from typing import Final

_PREFIXES: Final = ("CVSS:3.0/", "CVSS:3.1/")
_WEIGHTS: Final = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES: Final = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def base_score(vector: str) -> float | None:
    """0.0 to 10.0; None when the vector is of another version or not a valid one."""
    if not vector.startswith(_PREFIXES):
        return None
    metrics = dict(part.partition(":")[::2] for part in vector.split("/")[1:])
    try:
        scope = metrics["S"]
        weight = {name: table[metrics[name]] for name, table in _WEIGHTS.items()}
        privileges = _PRIVILEGES[scope][metrics["PR"]]
    except KeyError:
        return None
    hit = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    changed = scope == "C"
    impact = 7.52 * (hit - 0.029) - 3.25 * (hit - 0.02) ** 15 if changed else 6.42 * hit
    if impact <= 0:
        return 0.0
    ease = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    return _up(min((1.08 if changed else 1.0) * (impact + ease), 10.0))


def _up(score: float) -> float:
    """The next tenth (appendix A: by whole numbers, so that all machines agree)."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
