"""The workspace itself: its directory, the `/workspace` link, and pip's configuration without its secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.oci.fragment import Component
from slipway.patterns import pattern

if TYPE_CHECKING:
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.fragmentwriter import FragmentWriter
    from slipway.recipe.model import Recipe

VERSION = 1
_USERINFO = pattern(r"(?<=://)(?:[^/?#\s]*|[^/?#\s]*:(?!\d*/)[^?#\s]*)@")
_PROXY_LOGIN = pattern(
    r"(?im)^([ \t]*proxy[ \t]*[=:][ \t]*)(?!\S*://)[^\s@/:]*:[^\s@]*@"
)  # written without a scheme


def public_pip_config(recipe: Recipe) -> str:
    """The text of pip.conf as it goes into the image."""
    return without_logins(recipe.pip_config)


def without_logins(text: str) -> str:
    """`text` (of pip.conf) with user names and passwords cut out of addresses."""
    return _PROXY_LOGIN.sub(r"\1", _USERINFO.sub("", text))


def key(cache: FragmentCache, recipe: Recipe) -> str:
    return cache.key("workspace", VERSION, recipe.workspace, public_pip_config(recipe))


def fragment(cache: FragmentCache, recipe: Recipe) -> Fragment:
    prefix = recipe.workspace.strip("/")

    def fill(writer: FragmentWriter) -> None:
        writer.directory(prefix)
        if config := public_pip_config(recipe):
            writer.file(f"{prefix}/pip.conf", config.encode())
        if prefix != "workspace":
            # images of the pyATS Image Builder have the workspace under this name too
            writer.symlink("workspace", recipe.workspace)

    return cache.make(key(cache, recipe), Component("generated", "workspace"), fill)
