"""The system's OpenSSH: its command line, and what its complaints mean.

The user's agent, keys, ~/.ssh/config and known_hosts count as they do for `ssh`; nothing is asked for (BatchMode).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from slipway import proc
from slipway.errors import FetchError
from slipway.net_errors import TransientError
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.inputs.address import Address
    from slipway.inputs.network import Network
    from slipway.proc import Dialogue
    from slipway.settings import Settings

_CONNECT = 15.0  # seconds
_MISMATCH = pattern(r"REMOTE HOST IDENTIFICATION HAS CHANGED")
_UNKNOWN = pattern(r"Host key verification failed|No \S+ host key is known")
_DENIED = pattern(
    r"Permission denied \(|Too many authentication failures|no mutual signature|bad permissions"
)
_NO_SUBSYSTEM = pattern(r"subsystem request failed|sftp-server: (not found|No such file)")
_NO_NAME = pattern(r"Could not resolve hostname[^\n]*(not known|No address|No such host)")
_NOISE = pattern(r"Warning: Permanently added |@{10}|debug\d: ")


def host_key_options(settings: Settings) -> list[str]:
    """Options of ssh for the setting `ssh_host_keys` (ssh_config(5): StrictHostKeyChecking)."""
    if settings.ssh_host_keys == "off":
        nowhere = ["-o", "UserKnownHostsFile=/dev/null", "-o", "GlobalKnownHostsFile=/dev/null"]
        return ["-o", "StrictHostKeyChecking=no", *nowhere]
    word = "yes" if settings.ssh_host_keys == "strict" else "accept-new"
    return ["-o", f"StrictHostKeyChecking={word}"]


@contextmanager
def subsystem(name: str, address: Address, network: Network) -> Iterator[Dialogue]:
    """A subsystem of the server at `address`, in a dialogue that ends with the block.

    `EOFError` and `TimeoutError` in the block become the `FetchError` that says why; those that may pass are
    `TransientError`.
    """
    settings = network.settings
    program = proc.find("ssh", purpose="sources of scheme scp and sftp", hint="install openssh-client")
    argv = [
        program,
        *("-o", "BatchMode=yes", "-o", f"ConnectTimeout={max(1, round(min(settings.timeout, _CONNECT)))}"),
        *host_key_options(settings),
        *("-o", "ClearAllForwardings=yes", "-o", "ForwardAgent=no", "-o", "ForwardX11=no"),
        *("-o", "PermitLocalCommand=no", "-o", "RemoteCommand=none", "-o", "ControlPersist=no"),
        *(("-p", str(address.port)) if address.port else ()),
        *(("-l", address.user) if address.user else ()),
        *("-s", "--", address.host, name),
    ]
    env = os.environ | {"LC_ALL": "C"}
    with (
        proc.dialogue(argv, env=env, patience=settings.timeout) as found,
        network.watch(found.end),
    ):
        try:
            yield found
        except EOFError as error:
            raise _why(found.complaint(), address, settings) from error
        except TimeoutError as error:
            raise TransientError(f"cannot download {address.shown}: the server went silent") from error


def _why(complaint: str, address: Address, settings: Settings) -> FetchError:
    failed = f"cannot download {address.shown}"
    lines = [line for line in complaint.splitlines() if line.strip() and not _NOISE.match(line)]
    details = "\n".join(lines[-12:])
    host = f"-p {address.port} {address.host}" if address.port else address.host
    if _MISMATCH.search(complaint):
        return FetchError(
            f"{failed}: the server's host key is not the one in known_hosts",
            details=details,
            hint="somebody may be in between. If the server really has a new key, remove the old one with ssh-keygen -R",
        )
    if _UNKNOWN.search(complaint):
        return FetchError(
            f"{failed}: the server's host key is not known",
            details=details,
            hint=f"run `ssh {host}` once and compare the key"
            + (", or set SLIPWAY_SSH_HOST_KEYS=accept-new" if settings.ssh_host_keys == "strict" else ""),
        )
    if _DENIED.search(complaint):
        return FetchError(
            f"{failed}: the server does not let us in",
            details=details,
            hint="a key in the agent or in ~/.ssh is needed; a password cannot be given",
        )
    if _NO_SUBSYSTEM.search(complaint):
        return FetchError(f"{failed}: the server offers no SFTP", details=details)
    if _NO_NAME.search(complaint):
        return FetchError(f"{failed}: there is no machine {address.host}", details=details)
    last = lines[-1].removeprefix("ssh: ") if lines else "the connection was cut"
    return TransientError(f"{failed}: {last}", details=details if len(lines) > 1 else "")
