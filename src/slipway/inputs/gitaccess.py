"""How git reaches one repository: an environment that holds the login, and nothing of this machine that changes content.

Of the user's own git configuration only what says how to reach servers is taken over: `http.*` (but for `sslVerify`),
`url.*.insteadOf`, `credential.*` (unless the recipe brings a login, which no helper is to see or keep) and
`safe.directory`. ssh reads its own configuration as always.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from slipway import proc
from slipway.errors import ToolError
from slipway.inputs.gitproxy import proxy_command, proxy_variables
from slipway.inputs.ssh import host_key_options
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.inputs.gitaddress import Address
    from slipway.inputs.gitlogin import Login
    from slipway.net_proxy import Proxies
    from slipway.settings import Settings

HINT = "apt-get install git"

# `url.*.insteadOf` may lead to any; what this leaves out is that a server leads from https to http
_PROTOCOLS = {"https": "https:ssh:git:file", "file": "file"}
_ANY = "https:http:ssh:git:file"
_CERTIFICATES = (
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_PROXY_SSL_CAINFO",
)
_TAKEN = pattern(r"(http\.(?!(.*\.)?sslverify\Z)|url\..*\.insteadof\Z|credential\.|safe\.directory\Z)")
_CONFIG = """\
[core]
\thooksPath = /dev/null
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\tfsmonitor = false
\tautocrlf = false
\tsymlinks = true
[advice]
\tdetachedHead = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[submodule]
\trecurse = false
[credential]
\tinteractive = false
[transfer]
\tfsckObjects = true
"""
# What old tools wrote into commits, and harms nobody: fsck would refuse well-known repositories for it.
_HARMLESS = (
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badName",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingTaggerEntry",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
)


@contextmanager
def environment(
    address: Address, login: Login, settings: Settings, proxies: Proxies
) -> Iterator[dict[str, str]]:
    """The environment for git and all that it starts, and the files that it names, which are gone afterwards.

    `proxies` come before those of this process.
    """
    git = proc.find("git", purpose="repositories", hint=HINT)
    own = {n: v for n, v in os.environ.items() if not n.startswith("GIT_") and n != "SSH_ASKPASS"}
    with tempfile.TemporaryDirectory(prefix="slipway-git-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        taken = _taken(git, own)
        if login.password or login.username:
            taken = [(key, text) for key, text in taken if not key.startswith("credential.")]
        if proxies:
            taken = [(key, text) for key, text in taken if not key.endswith(".proxy")]
        harmless = "".join(f"\t{what} = warn\n" for what in _HARMLESS)
        trusted = "".join(f"[safe]\n\tdirectory = {_quoted(t)}\n" for k, t in taken if k == "safe.directory")
        config = directory / "config"
        config.write_text(f'{_CONFIG}[fetch "fsck"]\n{harmless}{trusted}')
        env = {
            **own,
            **proxy_variables(proxies),
            **_configured([*_network(settings), *(pair for pair in taken if pair[0] != "safe.directory")]),
            "LC_ALL": "C",
            "LANGUAGE": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(config),
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ALLOW_PROTOCOL": _PROTOCOLS.get(address.scheme, _ANY),
            **{name: os.environ[name] for name in _CERTIFICATES if name in os.environ},
            **_asked(address, login, directory),
        }
        if not login.verify_tls:
            env["GIT_SSL_NO_VERIFY"] = "1"
        if address.scheme == "ssh":
            with _ssh(address, login, settings, proxies) as command:
                yield env | {"GIT_SSH_COMMAND": command, "GIT_SSH_VARIANT": "ssh"}
        else:
            yield env


def _taken(git: str, own: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the user's and the system's configuration of git says on servers."""
    given = {name: text for name, text in os.environ.items() if name.startswith("GIT_CONFIG")}
    env = {**own, **given, "GIT_DIR": os.devnull}
    listed = proc.run([git, "config", "--null", "--list"], env=env, cwd=Path("/"), ok=(0, 1, 128))
    pairs = [entry.partition("\n") for entry in listed.stdout.decode(errors="surrogateescape").split("\0")]
    return [(key, text) for key, _, text in pairs if _TAKEN.match(key)]


def _configured(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Configuration by variables (git-config(1), GIT_CONFIG_COUNT): some of it is secret, so it goes into no file."""
    env = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, text) in enumerate(pairs):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": text}
    return env


def _network(settings: Settings) -> list[tuple[str, str]]:
    """What holds where the user's configuration says nothing; certificate authorities are those of all other downloads."""
    authorities = (("SSL_CERT_FILE", "http.sslCAInfo"), ("SSL_CERT_DIR", "http.sslCAPath"))
    return [
        ("http.lowSpeedLimit", "1"),
        ("http.lowSpeedTime", str(max(1, round(settings.timeout)))),
        *((key, os.environ[name]) for name, key in authorities if os.environ.get(name)),
    ]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _asked(address: Address, login: Login, directory: Path) -> dict[str, str]:
    """Who answers when git, or ssh, asks for a login."""
    if not (login.username or login.password):
        return {}
    helper = directory / "askpass"
    command = shlex.join([sys.executable, "-m", "slipway.pyats.askpass"])
    helper.write_text(f'#!/bin/sh\nexec {command} "$1"\n')
    helper.chmod(0o700)
    env = {"GIT_ASKPASS": str(helper), "GIT_USERNAME": login.username, "GIT_PASSWORD": login.password}
    if address.scheme == "ssh":
        return env | {"SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force"}
    return env | {"GIT_ASKPASS_FOR": f"{address.scheme}://{address.host}"}


@contextmanager
def _ssh(address: Address, login: Login, settings: Settings, proxies: Proxies) -> Iterator[str]:
    """The command by which git calls ssh."""
    command = os.environ.get("GIT_SSH_COMMAND", "")
    if not command:
        hint = "apt-get install openssh-client"
        command = shlex.quote(proc.find("ssh", purpose=f"repositories on {address.host}", hint=hint))
    options = [
        f"ConnectTimeout={max(1, round(settings.timeout))}",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=4",
        "NumberOfPasswordPrompts=1",
        f"BatchMode={'no' if login.password else 'yes'}",
    ]
    if through := proxy_command(proxies, address.name, address.port):
        options.append(f"ProxyCommand={through}")
    words = host_key_options(settings) + [word for option in options for word in ("-o", option)]
    if login.username and not address.user:
        words += ["-l", login.username]
    if not login.ssh_key:
        yield f"{command} {shlex.join(words)}"
        return
    with _key_file(login.ssh_key) as path:
        words += ["-i", str(path)]
        for option in ("IdentitiesOnly=yes", "IdentityAgent=none", "ControlMaster=no", "ControlPath=none"):
            words += ["-o", option]
        yield f"{command} {shlex.join(words)}"


@contextmanager
def _key_file(text: str) -> Iterator[Path]:
    """The key in a file that only this user may read, in memory where there is such a place."""
    from slipway.inputs.gitkey import private_key

    key = private_key(text)
    memory = "/dev/shm"  # noqa: S108 - a directory of our own is made below it
    place = memory if os.access(memory, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="slipway-git-", dir=place) as name:
        path = Path(name) / "key"
        path.touch(0o600)
        path.write_bytes(key)
        yield path


def has_lfs() -> None:
    """`ToolError` unless git can bring in large files."""
    if shutil.which("git-lfs") is None:
        raise ToolError(
            "git-lfs is not installed",
            details="It is needed for `lfs: true`.",
            hint="apt-get install git-lfs",
        )
