"""`slipway login` and `slipway logout`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from slipway.cli.face import says
from slipway.cli.lazy import Command

if TYPE_CHECKING:
    from slipway.cli.face import Face

LOGIN_EXAMPLES = """
slipway login registry.example.org                              asks for user and password
slipway login localhost:5000 -u crew --password-stdin < FILE    for scripts
slipway login docker.io                                         Docker Hub
"""
MOST = 1 << 16  # bytes of a password or token


@says()
@click.command(cls=Command, examples=LOGIN_EXAMPLES)
@click.argument("registry", metavar="REGISTRY")
@click.option("-u", "--username", metavar="USER", help="The user; without it, a terminal is asked.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_obj
def login(face: Face, *, registry: str, username: str | None, password_stdin: bool) -> None:
    """Log in to a registry.

    The login is tried first, and then kept where Docker keeps its own: with the credential helper that Docker's
    configuration names, else in ~/.docker/config.json. There is no option for the password: others could read it.
    """
    from slipway.registry.logins import check_login, save_login
    from slipway.registry.reference import parse_registry

    name = parse_registry(registry)
    user, password = _ask(username, password_stdin=password_stdin)
    asked = check_login(name, user, password, face.settings())
    place = save_login(name, user, password)
    helped = place.startswith("docker-credential-")
    with face.reporter() as reporter:
        if not asked:
            reporter.warn(f"{name} did not ask for a login: user and password were not tried")
        if not helped:
            reporter.warn(f"the password is kept unencrypted in {place}")
    face.result(
        {"registry": name, "user": user, "kept": place},
        lambda: f"logged in to {name} as {user}" + (f", kept by {place}" if helped else ""),
    )


@says()
@click.command(cls=Command, examples="slipway logout registry.example.org")
@click.argument("registry", metavar="REGISTRY")
@click.pass_obj
def logout(face: Face, *, registry: str) -> None:
    """Forget the login of a registry.

    Docker, which keeps it in the same place, forgets it too. Logins that only podman keeps are left alone.
    """
    from slipway.registry.logins import forget_login
    from slipway.registry.reference import parse_registry

    name = parse_registry(registry)
    gone = forget_login(name)
    face.result(
        {"registry": name, "forgotten": gone},
        lambda: f"logged out of {name}" if gone else f"there was no login for {name}",
    )


def _ask(user: str | None, *, password_stdin: bool) -> tuple[str, str]:
    """User and password, from where the command line says; `UsageError` when they cannot be had."""
    from slipway.errors import UsageError

    if password_stdin:
        if not user:
            raise UsageError("--password-stdin needs --username")
        password = sys.stdin.buffer.read(MOST + 1).decode(errors="replace").rstrip("\r\n")
    elif sys.stdin.isatty():
        user = user or click.prompt("User", err=True)
        password = click.prompt("Password", hide_input=True, err=True)
    else:
        raise UsageError(
            "there is no terminal to ask for the password", hint="use --username and --password-stdin"
        )
    if not password or len(password) > MOST or "\n" in password:
        raise UsageError("the password must be one line, and not empty")
    if not user or ":" in user:
        raise UsageError(f"{user!r} is not a user name: it must not be empty or hold a colon")
    return user, password
