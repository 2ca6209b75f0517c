"""What a recipe brings to be let in at a repository. Pure."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from slipway.values import value

if TYPE_CHECKING:
    from slipway.inputs.gitaddress import Address
    from slipway.recipe.model import Repository


@value
class Login:
    """`ssh_key` is as written in the recipe; `verify_tls` is False where certificates are not checked."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ssh_key: str = field(default="", repr=False)
    verify_tls: bool = True

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be in any text, as it is and as it may stand in an address."""
        from urllib.parse import quote

        secret = self.password or self.username  # a token may stand alone
        words = [secret, quote(secret, safe="")]
        return tuple(sorted({word for word in words if word}, key=len, reverse=True))


def login_for(item: Repository, address: Address) -> Login:
    """`credentials` come before what stands in the address; the user of an ssh address is part of that."""
    username, password = item.username, item.password
    if not (username or password):
        password = address.password
        username = "" if address.scheme == "ssh" else address.user
    return Login(username, password, item.ssh_key, item.verify_tls)
