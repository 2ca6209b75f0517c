"""Requests that come twice are done once: what was answered under an `Idempotency-Key` is kept for a day.

The reply is written in the transaction of what it tells of: there is none without the other. Of two that come at the same time,
one waits for the other, in the database.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from slipway.patterns import pattern
from slipway.service.records.tables import replies
from slipway.service.v4.problems import Fault, Problem, ProblemError

if TYPE_CHECKING:
    from starlette.requests import Request

    from slipway.service.model import Actor
    from slipway.service.records.tx import Tx

_KEY: Final = pattern(r"[\x21-\x7e]{1,255}")
_DAY: Final = 86400 * 1_000_000
_SWEEP: Final = 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Key:
    """`asked` is a digest of the request that the key was given for."""

    text: str
    actor: str
    asked: str


def key_of(request: Request, actor: Actor, body: bytes) -> Key | None:
    """422 for a key that is empty or too long."""
    text = request.headers.get("idempotency-key")
    if text is None:
        return None
    if not _KEY.fullmatch(text):
        raise ProblemError(
            Problem(422, faults=(Fault("1 to 255 visible characters are needed", header="Idempotency-Key"),))
        )
    target = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return Key(text, actor.name[:255], hashlib.sha256(target + body).hexdigest())


class Replies:
    """Old ones are removed now and then by who writes one."""

    def __init__(self) -> None:
        self._swept = 0

    def find(self, tx: Tx, key: Key) -> Reply | None:
        """What was answered; 422 when the key was for another request."""
        query = sa.select(replies).where(replies.c.key == key.text, replies.c.actor == key.actor)
        row = tx.connection.execute(query).mappings().first()
        if row is None or row["time"] < tx.now - _DAY:
            return None
        if row["asked"] != key.asked:
            detail = "this Idempotency-Key was for another request"
            raise ProblemError(Problem(422, detail, "key-used", (Fault(detail, header="Idempotency-Key"),)))
        kept = json.loads(row["body"])
        return Reply(
            row["status"], kept["body"].encode(), {**kept["headers"], "idempotency-replayed": "true"}
        )

    def keep(self, tx: Tx, key: Key, reply: Reply) -> None:
        if tx.now - self._swept > _SWEEP:
            self._swept = tx.now
            tx.connection.execute(sa.delete(replies).where(replies.c.time < tx.now - _DAY))
        tx.connection.execute(
            sa.delete(replies).where(replies.c.key == key.text, replies.c.actor == key.actor)
        )
        body = json.dumps({"headers": reply.headers, "body": reply.body.decode()})
        tx.connection.execute(
            sa.insert(replies),
            {
                "key": key.text,
                "actor": key.actor,
                "asked": key.asked,
                "status": reply.status,
                "body": body,
                "time": tx.now,
            },
        )
