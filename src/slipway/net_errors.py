"""What can go wrong on the network, in words; and what of it may pass."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from slipway.errors import FetchError
from slipway.net_proxy import effective
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from slipway.net_proxy import Proxies

PATIENCE = 60.0  # the longest a server may ask us to wait, seconds

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_USERINFO = pattern(r"(?<=://)(?:[^/?#]*|[^/?#]*:(?!\d*/)[^?#]*)@")
_SECRET = pattern(
    r"(?i)([?&#;][^=&#;]*(?:token|secret|signature|password|passwd|credential|auth|api_?key|sig)[^=&#;]*=)[^&#;]+"
)


class TransientError(FetchError):
    """A failure that may pass. `retry_after` is in seconds (None: not said); `progress` tells that new bytes came."""

    def __init__(
        self,
        brief: str,
        *,
        details: str = "",
        hint: str = "",
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(brief, details=details, hint=hint, status=status)
        self.retry_after = retry_after
        self.progress = False


def redact(url: str) -> str:
    """`url` as it may be shown: without user, password, and the values of parameters that look like secrets."""
    return hide_parameters(_USERINFO.sub("***@", url))


def hide_parameters(url: str) -> str:
    """`url` without the values of parameters that look like secrets."""
    return _SECRET.sub(r"\1***", url)


def doing(method: str) -> str:
    """What a request with this method is for, to go between `cannot` and the URL."""
    return {"GET": "download", "HEAD": "look at", "DELETE": "delete"}.get(method, "send to")


def offline(verb: str, shown: str) -> FetchError:
    return FetchError(
        f"cannot {verb} {shown}: no network is to be used",
        hint="leave out --offline, or unset SLIPWAY_OFFLINE",
    )


@contextmanager
def explained(shown: str, method: str = "GET", proxies: Proxies = ()) -> Iterator[None]:
    """Turn the errors of httpx2 into ours; `shown` is the redacted URL, `proxies` are the recipe's."""
    import httpx2

    failed = f"cannot {doing(method)} {shown}"
    try:
        yield
    except httpx2.InvalidURL as error:
        raise FetchError(f"not a URL: {shown}") from error
    except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError) as error:
        raise FetchError(f"{failed}: {error}") from error
    except httpx2.DecodingError as error:
        raise FetchError(f"{failed}: the server's compression is damaged") from error
    except httpx2.ProxyError as error:
        kind = TransientError if str(error).startswith("5") else FetchError
        raise kind(f"{failed}: the proxy refuses: {error}", hint=proxy_hint(proxies)) from error
    except httpx2.TransportError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise FetchError(
                f"{failed}: the server's certificate is not trusted",
                details=str(error),
                hint="if your network has its own certificate authority, name its file in SSL_CERT_FILE",
            ) from error
        if "WRONG_VERSION_NUMBER" in str(error):
            raise FetchError(
                f"{failed}: the server does not speak TLS",
                details=str(error),
                hint="should it be http? A registry without TLS has to be named in --plain-http",
            ) from error
        raise TransientError(f"{failed}: {_reason(error)}", hint=_hint(error, proxies)) from error


def _reason(error: httpx2.TransportError) -> str:
    import httpx2

    if isinstance(error, httpx2.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, httpx2.TimeoutException):
        return "the server went silent"
    if isinstance(error, httpx2.RemoteProtocolError) and "peer closed" in str(error):
        return "the connection was cut"
    return str(error) or type(error).__name__


def _hint(error: httpx2.TransportError, proxies: Proxies) -> str:
    import httpx2

    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return f"is this machine offline? {proxy_hint(proxies)}"
    return ""


def proxy_hint(proxies: Proxies = ()) -> str:
    known = effective(proxies)
    found = [name for name in ("https_proxy", "http_proxy", "all_proxy") if name in known]
    if not found:
        return "no proxy is set (https_proxy, http_proxy)"
    return "proxy in use: " + ", ".join(f"{n}={_without_login(known[n])}" for n in found)


def _without_login(proxy: str) -> str:
    """A proxy may be written without `http://`."""
    return redact(proxy if "://" in proxy else f"://{proxy}").removeprefix("://")


def refusal(url: str, response: httpx2.Response, now: float, proxies: Proxies = ()) -> FetchError:
    """The error for an answer that is not what was asked for; `now` is in seconds since 1970."""
    status, verb = response.status_code, doing(response.request.method)
    brief = f"cannot {verb} {redact(url)}: the server answers {status} {response.reason_phrase}".rstrip()
    final = redact(str(response.request.url))
    details = f"redirected to {final}" if final != redact(url) else ""
    hint = ""
    if status in (401, 403):
        hint = f"if {response.request.url.host} wants a login, put it into ~/.netrc"
    elif status == 407:
        hint = proxy_hint(proxies)
    if status not in _PASSING:
        return FetchError(brief, details=details, hint=hint, status=status)
    after = _retry_after(response.headers.get("retry-after", ""), now)
    if after is not None and after > PATIENCE:
        hint = f"the server asks to come back in {after:.0f} s"
    return TransientError(brief, details=details, hint=hint, status=status, retry_after=after)


def _retry_after(text: str, now: float) -> float | None:
    """Seconds to wait (RFC 9110, section 10.2.3: a number of seconds or a date)."""
    from email.utils import parsedate_to_datetime

    if text.strip().isdecimal():
        return float(text)
    with suppress(ValueError, OverflowError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    return None
