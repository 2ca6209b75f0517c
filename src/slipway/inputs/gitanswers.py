"""What repositories said which commit a branch or tag is, remembered as answers of web servers are.

What a commit that was named in full is called does not get old: it is asked for again on demand only.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from slipway.files import read_json, write_json
from slipway.inputs.gitrefs import is_full
from slipway.oci.digest import key_of
from slipway.values import value

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.inputs.gitaddress import Address
    from slipway.settings import Settings


@value
class Answer:
    """`asked` is what a recipe has for `commit_id`; `heads` and `tags` are of just this commit; `time` in seconds since 1970."""

    url: str
    asked: str
    commit: str
    heads: tuple[str, ...]
    tags: tuple[str, ...]
    time: float


def remembered(address: Address, asked: str, settings: Settings, now: float) -> Answer | None:
    """The last answer, unless it is too old. Repositories on this machine are asked each time, it costs nothing."""
    data: Any = read_json(_path(address, asked, settings))
    try:
        found = Answer(**{**data, "heads": tuple(data["heads"]), "tags": tuple(data["tags"])})
    except (TypeError, KeyError):
        return None
    if is_full(asked) or (not address.is_local and 0 <= now - found.time < settings.max_age):
        return found
    return None


def remember(address: Address, answer: Answer, settings: Settings) -> None:
    write_json(_path(address, answer.asked, settings), asdict(answer))


def _path(address: Address, asked: str, settings: Settings) -> Path:
    return settings.cache / "git" / "answers" / f"{key_of(address.public, asked)}.json"
