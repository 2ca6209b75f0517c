"""The program of `tests.inputs.ftpd`: `ROOT LOG [CERTIFICATE KEY]`; prints its port, logs each command."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

from pyftpdlib.authorizers import DummyAuthorizer  # noqa: E402
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler  # noqa: E402
from pyftpdlib.servers import FTPServer  # noqa: E402

USER, PASSWORD = "me", "p@ss word"


def main(root: str, log: str, certificate: str = "", key: str = "") -> None:
    class Logging:
        def pre_process_command(self, line, cmd, arg):
            with Path(log).open("a") as file:
                file.write(f"{cmd} {arg}\n" if cmd != "PASS" else "PASS\n")
            super().pre_process_command(line, cmd, arg)  # type: ignore[misc]

    handler: Any = type("Handler", (Logging, TLS_FTPHandler if certificate else FTPHandler), {})
    handler.authorizer = DummyAuthorizer()
    handler.authorizer.add_anonymous(root)
    handler.authorizer.add_user(USER, PASSWORD, root)
    handler.auth_failed_timeout = 0
    if certificate:
        handler.certfile, handler.keyfile = certificate, key
        handler.tls_control_required = handler.tls_data_required = True
    server = FTPServer(("127.0.0.1", 0), handler)
    sys.stdout.write(f"{server.socket.getsockname()[1]}\n")
    sys.stdout.flush()
    server.serve_forever(handle_exit=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
