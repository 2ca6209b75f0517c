"""Which reader is for which file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from slipway.patterns import pattern

if TYPE_CHECKING:
    from slipway.scan.source.content import Content

Form = Literal[
    "", "requirements", "toml", "pipfile", "npm", "environment", "explicit", "project", "image", "unknown"
]

_REQUIREMENTS = pattern(
    r"(?i)(?:.*/)?(?:[\w.-]*(?:requirements|constraints)[\w.-]*\.txt|requirements/[^/]+\.txt|requirements[\w.-]*\.lock)"
)
_ENVIRONMENT = pattern(
    r"(?i)(?:.*/)?(?:(?:[\w.-]*[-_.])?(?:environment|env)s?(?:[-_.][\w.-]*)?|[\w.-]*conda[\w.-]*|requirements)\.ya?ml"
)
_NAMED: Final[dict[str, Form]] = {
    "uv.lock": "toml",
    "poetry.lock": "toml",
    "pdm.lock": "toml",
    "Pipfile.lock": "pipfile",
    "pyproject.toml": "project",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    # of these nothing is known here, which is to be told
    **dict.fromkeys(
        (
            "yarn.lock",
            "pnpm-lock.yaml",
            "bun.lock",
            "Cargo.lock",
            "composer.lock",
            "Gemfile.lock",
            "go.sum",
            "pixi.lock",
        ),
        "unknown",
    ),
}
_PYLOCK = pattern(r"(?:.*/)?pylock(?:\.[^/.]+)?\.toml")
_OURS: Final = ("\ncompression: ", "\nrecipe:", "\nplatforms:")
_HEAD: Final = 4096
_LISTED: Final = ("\ndependencies:", "\npackage:")


def form(content: Content) -> Form:
    """By its name, and where that says too little by how it begins; empty for what names no packages."""
    name = content.name
    if name in _NAMED:
        return _NAMED[name]
    if _PYLOCK.fullmatch(content.path):
        return "toml"
    if name.endswith((".txt", ".lock", ".explicit")) and "@EXPLICIT" in (content.text or "")[:_HEAD]:
        return "explicit"
    if _REQUIREMENTS.fullmatch(content.path):
        return "requirements"
    if name.endswith(".lock.yaml") and all(mark in (content.text or "") for mark in _OURS):
        return "image"
    if _ENVIRONMENT.fullmatch(content.path):
        text = "\n" + (content.text or "")
        return "environment" if any(mark in text for mark in _LISTED) else ""
    return "unknown" if name.endswith(".lock") and content.text else ""
