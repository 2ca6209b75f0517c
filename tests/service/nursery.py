"""Starts services that are to be killed, each as a fork: it opens all anew, but modules are loaded once.

`DATA DATABASE LOG`. For each line on standard input a service, as `slipway serve` runs it; its process and address are said in a line of
JSON when it answers, `ended` when it has ended.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import alembic.command
import dbos

from slipway.service import assembly, opening, serve, server
from slipway.service.deletion import durable
from slipway.service.settings import ServiceSettings
from slipway.settings import Settings

LOADED = (alembic.command, dbos, assembly, opening, server, durable)


def say(content: Any) -> None:
    sys.stdout.write(f"{json.dumps(content)}\n")
    sys.stdout.flush()


def child(data: str, database: str, log: str) -> None:
    sys.stderr = Path(log).open("a")  # noqa: SIM115 - until it is killed
    settings = ServiceSettings(data=data, database=database, port=0, log_level="warning")
    try:
        user = Settings(store=Path(data) / "store", cache=Path(data) / "cache")
        serve.run(settings, user, lambda url: say({"pid": os.getpid(), "url": url}))
    except BaseException:  # noqa: BLE001 - whatever it is, the test has to see it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


def main(data: str, database: str, log: str) -> None:
    if threading.active_count() != 1:
        raise RuntimeError("a process with threads cannot be forked")
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            child(data, database, log)
        os.waitpid(pid, 0)
        say("ended")


if __name__ == "__main__":
    main(*sys.argv[1:])
