"""Which reader is for which file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from slipway.patterns import pattern

if TYPE_CHECKING:
    from slipway.scan.source.content import Content

Form = Literal[
    "",
    "requirements",
    "toml",
    "pipfile",
    "pipfile-lock",
    "project",
    "setup.cfg",
    "setup.py",
    "environment",
    "explicit",
    "image",
    "notebook",
    "dockerfile",
    "package.json",
    "npm",
    "yarn",
    "pnpm",
    "cargo.toml",
    "cargo",
    "go.mod",
    "unknown",
]

_REQUIREMENTS = pattern(
    r"(?i)(?:.*/)?(?:[\w.-]*(?:requirements|constraints)[\w.-]*\.txt|requirements/[^/]+\.txt|requirements[\w.-]*\.lock)"
)
_ENVIRONMENT = pattern(
    r"(?i)(?:.*/)?(?:(?:[\w.-]*[-_.])?(?:environment|env)s?(?:[-_.][\w.-]*)?|[\w.-]*conda[\w.-]*|requirements)\.ya?ml"
)
NPM_LOCKS: Final[dict[str, Form]] = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm",
}
_NAMED: Final[dict[str, Form]] = {
    "uv.lock": "toml",
    "poetry.lock": "toml",
    "pdm.lock": "toml",
    "Pipfile": "pipfile",
    "Pipfile.lock": "pipfile-lock",
    "pyproject.toml": "project",
    "setup.cfg": "setup.cfg",
    "setup.py": "setup.py",
    "package.json": "package.json",
    **NPM_LOCKS,
    "Cargo.toml": "cargo.toml",
    "Cargo.lock": "cargo",
    "go.mod": "go.mod",
    # of these nothing is known here, which is to be told: of most it is the order of their versions
    **dict.fromkeys(
        (
            "bun.lock",
            "bun.lockb",
            "composer.lock",
            "Gemfile.lock",
            "gems.locked",
            "go.work",
            "pixi.lock",
            "packages.lock.json",
            "gradle.lockfile",
            "Package.resolved",
            "Gemfile",
            "gems.rb",
            "composer.json",
            "pom.xml",
            "build.gradle",
            "build.gradle.kts",
            "packages.config",
            "pubspec.yaml",
            "mix.exs",
            "Podfile",
            "Package.swift",
        ),
        "unknown",
    ),
}
_PYLOCK = pattern(r"(?:.*/)?pylock(?:\.[^/.]+)?\.toml")
_DOCKERFILE = pattern(
    r"(?:.*/)?(?:(?:Docker|Container)file(?:[._-](?!dockerignore$|md$|rst$|py$)[^/]+)?|(?i:[^/]+\.(?:docker|container)file)|dockerfile|containerfile)"
)
_OURS: Final = ("\ncompression: ", "\nrecipe:", "\nplatforms:")
_HEAD: Final = 4096
_LISTED: Final = ("\ndependencies:", "\npackage:")


def form(content: Content) -> Form:
    """By its name, and where that says too little by how it begins; empty for what names no packages."""
    name = content.name
    if name in _NAMED:
        return _NAMED[name]
    if name.endswith(".ipynb"):
        return "notebook"
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
    if _DOCKERFILE.fullmatch(content.path):
        return "dockerfile"
    return "unknown" if name.endswith(".lock") and content.text else ""
