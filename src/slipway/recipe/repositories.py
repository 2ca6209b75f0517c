"""`repositories`: source trees from git that are brought into the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.recipe import checks
from slipway.recipe.destinations import destination
from slipway.recipe.kinds import ANY_LENGTH, FLAG, Field, Kind, Refused, convert, text
from slipway.recipe.model import Repository
from slipway.recipe.nodes import Map, Node
from slipway.recipe.records import record
from slipway.recipe.shapes import mapping
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from slipway.recipe.kinds import Report

# What git allows in the name of a branch or tag (git-check-ref-format); a commit id is one of these too.
COMMIT = r"(?![-/])(?!.*(\.\.|@\{|//))[^\x00-\x20\x7f~^:?*\[\\]+"


def url(value: str) -> str:
    """Checked as far as the text goes; whether it is there is not looked at."""
    from slipway.errors import UsageError
    from slipway.inputs.gitaddress import parse

    if "::" in value.partition("/")[0]:  # git would run a program of that name (gitremote-helpers)
        raise Refused(f"{quote(value)} is not the address of a git repository")
    try:
        parse(value, Path())
    except UsageError as error:
        raise Refused(error.brief, error.hint) from None
    return value


def commit(value: str) -> str:
    """A branch, a tag or a commit id; empty for the branch that the repository calls its own."""
    if not value:
        return value
    return checks.match(COMMIT, value, "a branch, tag or commit id")


def _ssh_key(value: str) -> str:
    """The text of a key; it is not quoted."""
    if not value.strip():
        raise Refused("the key is empty")
    if len(value.splitlines()) == 1 and value.startswith(("/", "~")):
        raise Refused(
            "is the text of a private key, not the name of a file", "keys in ~/.ssh are used without it"
        )
    return value


_CREDENTIALS = record(
    "a mapping with the keys `username` and `password`",
    (
        Field(
            "username",
            text("a user name", str, loose=True),
            "User name at the server.",
            "ci",
            required=True,
        ),
        Field(
            "password",
            text("a password", str, loose=True, limit=ANY_LENGTH),
            "Password or access token; let it come from the environment.",
            "%ENV{GIT_PASSWORD}",
            required=True,
        ),
    ),
)

_REPOSITORY = record(
    "a mapping with the key `url`",
    (
        Field(
            "url",
            text("the address of a git repository", url, limit=4096),
            "Where the repository is: https, http, ssh, git or file, USER@HOST:PATH, or a path.",
            "https://example.org/team/tests.git",
            required=True,
        ),
        Field(
            "commit_id",
            text("a branch, tag or commit id", commit, loose=True),
            "Branch, tag or commit id, which may be shortened. Digits are kept as written.",
            "v1.2",
            "the branch that the repository calls its own",
        ),
        Field("requirements_file", FLAG, "Whether its requirements.txt is installed too.", True, "false"),
        Field(
            "ssh_key",
            text("a private key", _ssh_key, limit=ANY_LENGTH),
            "Text of the private key to log in with over SSH; let it come from the environment.",
            "%ENV{SSH_KEY}",
            "keys and agent of who builds",
        ),
        Field(
            "credentials",
            _CREDENTIALS,
            "User and password to log in with. They go before `ssh_key`.",
            {"username": "ci", "password": "%ENV{GIT_PASSWORD}"},
            "those that git knows of",
        ),
        Field("GIT_SSL_NO_VERIFY", FLAG, "Whether certificates are not checked.", True, "false"),
        Field("submodules", FLAG, "Whether submodules are brought in too.", True, "false"),
        Field(
            "lfs",
            FLAG,
            "Whether files in Git LFS are brought in, instead of pointers to them.",
            True,
            "false",
        ),
    ),
)

_MAPPING = mapping(
    text("a destination", destination, loose=True, limit=4096), _REPOSITORY, "a mapping of repositories"
)


def _repository(dest: str, values: dict[str, Any], key: Node, report: Report) -> Repository:
    login = values.get("credentials", {})
    return Repository(
        dest,
        values["url"],
        report.where(key),
        commit=values.get("commit_id", ""),
        requirements=values.get("requirements_file", False),
        ssh_key="" if login else values.get("ssh_key", ""),
        username=login.get("username", ""),
        password=login.get("password", ""),
        verify_tls=not values.get("GIT_SSL_NO_VERIFY", False),
        submodules=values.get("submodules", False),
        lfs=values.get("lfs", False),
    )


def _repositories(
    pairs: tuple[tuple[str, dict[str, Any]], ...], node: Node, report: Report
) -> tuple[Repository, ...]:
    keys = [key for key, _ in node.entries] if isinstance(node, Map) else []
    return tuple(
        _repository(dest, values, key, report) for (dest, values), key in zip(pairs, keys, strict=True)
    )


REPOSITORIES: Kind[tuple[Repository, ...]] = convert(_MAPPING, _repositories)
