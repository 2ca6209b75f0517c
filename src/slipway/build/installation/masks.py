"""Secrets out of YAML that people wrote: what an image keeps of its recipe.

Masked are keys and logins of repositories, whatever is called a password, and inside of texts (also comments) logins in
addresses, parameters of addresses that look like secrets, logins of proxies, and private keys. Everything else stays as it is
written. Masking what is masked changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.net_errors import hide_parameters
from slipway.patterns import pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from yaml.nodes import Node, ScalarNode

MASK = "********"

_SECRET_KEYS = pattern(r"(?i)credentials|.*(?:password|passwd|passphrase|ssh_key|token|secret)\Z")
_KEPT_USERS = ("ssh", "scp", "sftp", "ftp", "ftps")  # schemes in which a name alone is public
_SHORTEST = 4  # characters of a secret that is looked for in comments

_ADDRESS = pattern(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_LOGIN = pattern(r"\A([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*|[^/?#]*:(?!\d*/)[^?#]*)@")
_PROXY_LINE = pattern(r"(?i)(proxy[\"']?[ \t]*[=:][ \t]*[\"']?)(?![a-z][a-z0-9+.-]*://)[^\s@/:]*:[^\s@]*@")
_PROXY_VALUE = pattern(r"\A(?![A-Za-z][A-Za-z0-9+.-]*://)[^\s@/:]*:[^\s@]*@")
_KEY = pattern(r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?-----END [A-Z0-9 ]*PRIVATE KEY-----")
_SAID = pattern(
    r"(?i)(#.*?\b(?:username|password|passwd|ssh_key|token|secret)[\"']?[ \t]*[:=][ \t]*)(?![|>])\S.*"
)
_BASE64 = pattern(r"(?m)^([ \t]*#+[ \t]*)[A-Za-z0-9+/=]{40,}[ \t]*$")


def masked_text(text: str) -> str:
    """`text` of any kind without logins in addresses, logins of proxies, and private keys."""
    if "@" in text or "://" in text:
        text = _ADDRESS.sub(_address, text)
        text = _PROXY_LINE.sub(rf"\g<1>{MASK}@", text)
    return _KEY.sub(MASK, text) if "PRIVATE KEY" in text else text


def masked_yaml(text: str) -> str:
    """The YAML document `text`, masked at its places.

    Where that cannot be done safely (a secret with an anchor, an address over two lines), the document is
    written anew, without comments. `InputError` when it is no YAML.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(text, loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError("a recipe in an image is no YAML") from error
    if root is None:
        return _comment(text, ())
    found = sorted(_scalars(root), key=lambda item: item[1].start_mark.index)
    wanted = _in_place(text, found)
    for path, node in found:
        node.value, node.style = _value(path, node.value), _style(path, node.style)
    dumped = _dump(root)
    try:
        if wanted is not None and _dump(yaml.compose(wanted, loader)) == dumped:
            return wanted
    except yaml.YAMLError:
        pass  # it came out as no YAML any more
    return dumped


def _dump(root: Node | None) -> str:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.serialize(root, Dumper=dumper, allow_unicode=True, width=1 << 20)) if root else ""


def _scalars(root: Node) -> Iterator[tuple[tuple[str, ...], ScalarNode]]:
    """Every scalar once, with the keys above it; one that stands in several places counts as secret if it is in any."""
    from yaml.nodes import MappingNode, ScalarNode, SequenceNode

    known: dict[int, tuple[tuple[str, ...], Any]] = {}
    seen: set[tuple[int, bool]] = set()
    todo: list[tuple[tuple[str, ...], Node]] = [((), root)]
    while todo:
        path, node = todo.pop()
        if isinstance(node, ScalarNode):
            if id(node) not in known or _is_secret(path):
                known[id(node)] = (path, node)
        elif (id(node), _is_secret(path)) not in seen:  # what aliases share is walked through twice at most
            seen.add((id(node), _is_secret(path)))
            if isinstance(node, SequenceNode):
                todo += [(path, item) for item in node.value]
            elif isinstance(node, MappingNode):
                for key, value in node.value:
                    todo.append((("",), key))
                    name = key.value if isinstance(key, ScalarNode) else ""
                    todo.append(((*path, name), value))
    yield from known.values()


def _is_secret(path: tuple[str, ...]) -> bool:
    """`path` holds the keys above a value; items of a list have those of the list."""
    return any(_SECRET_KEYS.match(key) for key in path)


def _value(path: tuple[str, ...], value: str) -> str:
    if _is_secret(path):
        return MASK
    if any(part.lower().endswith("proxy") for part in path):
        value = _PROXY_VALUE.sub(f"{MASK}@", value)
    return masked_text(value)


def _style(path: tuple[str, ...], style: str | None) -> str | None:
    return '"' if _is_secret(path) else style


def _in_place(text: str, found: list[tuple[tuple[str, ...], ScalarNode]]) -> str | None:
    """`text` with its scalars and comments masked; None where a scalar is more than its text."""
    secrets = [node.value for path, node in found if _is_secret(path) and len(node.value) >= _SHORTEST]
    parts = []
    at = 0
    for path, node in found:
        start, end = node.start_mark.index, node.end_mark.index
        parts.append(_comment(text[at:start], secrets))
        written = text[start:end]
        at = end
        if _value(path, node.value) == node.value and not _is_secret(path):
            parts.append(written)
            continue
        if written[:1] in ("&", "!"):
            return None
        body = written.rstrip("\n")  # the end of a block belongs to its place, not to its value
        quoted = written[:1] in ("'", '"')
        inner = _value(path, body[1:-1] if quoted else body)
        shown = f'"{MASK}"' if _is_secret(path) else f"{body[0]}{inner}{body[-1]}" if quoted else inner
        parts.append(shown + written[len(body) :])
    return "".join(parts) + _comment(text[at:], secrets)


def _comment(text: str, secrets: list[str] | tuple[()]) -> str:
    """What stands between two scalars: marks of YAML, and comments."""
    if "#" not in text:
        return text
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _SAID.sub(rf"\g<1>{MASK}", masked_text(text))
    return _BASE64.sub(rf"\g<1>{MASK}", text)


def _address(match: re.Match[str]) -> str:
    return hide_parameters(_LOGIN.sub(_login, match[0]))


def _login(match: re.Match[str]) -> str:
    scheme, login = match.groups()
    if ":" not in login and scheme.lower().rpartition("+")[2] in _KEPT_USERS:
        return match[0]
    return f"{scheme}://{MASK}@"
