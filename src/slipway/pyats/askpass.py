"""`pyats-image-build-askpass PROMPT`: answers git's questions for a login (gitcredentials(7), GIT_ASKPASS).

Prints $GIT_USERNAME or $GIT_PASSWORD, whichever the prompt asks for, and fails for any other prompt. Where
$GIT_ASKPASS_FOR names a server (`https://HOST[:PORT]`), nobody else is told: a server may send git elsewhere.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# git: Username for 'https://HOST': , Password for 'https://USER@HOST': ; git-lfs quotes with " and adds the path
_FOR = re.compile(r"""['"]([a-z]+://)(?:[^@/'"]*@)?([^/'"]+)""")


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """The exit status; `argv` is without the program's name."""
    words = sys.argv[1:] if argv is None else argv
    values = os.environ if environ is None else environ
    prompt = words[0] if words else ""
    server = values.get("GIT_ASKPASS_FOR", "")
    if server:
        asker = _FOR.search(prompt)
        if not asker or (asker[1] + asker[2]).lower() != server.lower():
            return 1
    for word, name in (("username", "GIT_USERNAME"), ("password", "GIT_PASSWORD")):
        if word in prompt.lower() and name in values:
            sys.stdout.write(values[name] + "\n")
            return 0
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
