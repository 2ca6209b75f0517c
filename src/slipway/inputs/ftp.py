"""ftp: and ftps: sources: single files, in passive mode (RFC 959; SIZE, MDTM and REST as in RFC 3659).

ftps is explicit: the connection is secured before the login (RFC 4217), and so are those for data. The path is relative to the
directory that the login leads to; with two slashes it is absolute (RFC 1738, section 3.2.2, has `%2F` for the second).
The login is that of the address or of ~/.netrc, else `anonymous`.
"""

from __future__ import annotations

import calendar
import ftplib
import socket
import ssl
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from slipway.errors import FetchError, UsageError
from slipway.inputs.place import RangeRefusedError, Seen
from slipway.net import PIECE
from slipway.net_errors import TransientError
from slipway.net_trust import Certificates, netrc_login, trust

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.inputs.address import Address
    from slipway.inputs.network import Network
    from slipway.inputs.place import Place

_PORT = 21


@contextmanager
def connect(address: Address, network: Network) -> Iterator[Place]:
    path = address.path[1:]
    if not path or path.endswith("/"):
        raise UsageError(f"{address.shown} is a directory; ftp sources are single files")
    if "\r" in path or "\n" in path or any(c in address.user + address.password for c in "\r\n"):
        raise UsageError(f"not an address of a file: {address.shown}")
    settings = network.settings
    context = trust(Certificates()) if address.scheme == "ftps" else None
    ftp = _Secured(context, settings.timeout) if context else ftplib.FTP(timeout=settings.timeout)  # noqa: S321 - the scheme that was asked for
    try:
        with network.watch(lambda: _shut(ftp.sock)):
            with explained(address):
                _enter(ftp, address)
            yield _FtpPlace(ftp, path, address, network)
    finally:
        ftp.close()


def _enter(ftp: ftplib.FTP, address: Address) -> None:
    ftp.connect(address.host, address.port or _PORT)
    if isinstance(ftp, _Secured):
        try:
            ftp.auth()
        except ftplib.error_perm as error:
            raise FetchError(
                f"cannot download {address.shown}: the server does not secure its connections: "
                f"{_said(error, address)}"
            ) from None
        ftp.prot_p()
    ftp.login(*_login(address))
    ftp.voidcmd("TYPE I")


def _login(address: Address) -> tuple[str, str]:
    if address.password:
        return address.user, address.password
    known = netrc_login(address.host)
    if address.user and (known is None or known[0] != address.user):
        return address.user, ""
    return known or ("anonymous", "anonymous@")


class _FtpPlace:
    width = 1
    certain = False

    def __init__(self, ftp: ftplib.FTP, path: str, address: Address, network: Network) -> None:
        self._ftp = ftp
        self._path = path
        self._address = address
        self._network = network

    def look(self) -> list[Seen]:
        with explained(self._address):
            size = self._asked(f"SIZE {self._path}")
            time_text = self._asked(f"MDTM {self._path}")
        mtime = _seconds(time_text)
        number = int(size) if size.isdecimal() else -1
        mark = f"{number} {time_text}" if mtime and number >= 0 else ""
        return [Seen("", "file", number, mark, mtime)]

    def read(self, _seen: Seen, start: int) -> Iterator[bytes]:
        with explained(self._address):
            try:
                data = self._ftp.transfercmd(f"RETR {self._path}", start or None)
            except ftplib.error_perm as error:
                if start and not str(error).startswith("550"):
                    raise RangeRefusedError from error
                raise
            with data, self._network.watch(lambda: _shut(data)):
                while piece := data.recv(PIECE):
                    yield piece
            self._ftp.voidresp()

    def _asked(self, command: str) -> str:
        """What the server answers; empty when it does not know the command, or does not want to tell."""
        try:
            return self._ftp.sendcmd(command)[4:].strip()
        except ftplib.error_perm:
            return ""


class _Secured(ftplib.FTP_TLS):
    """Connections for data continue the TLS session of the one for commands, on which many servers insist."""

    def __init__(self, context: ssl.SSLContext, timeout: float) -> None:
        super().__init__(context=context, timeout=timeout)

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - as above
        control: Any = self.sock
        try:
            secured = self.context.wrap_socket(connection, server_hostname=self.host, session=control.session)
        except BaseException:
            connection.close()
            raise
        return secured, size


@contextmanager
def explained(address: Address) -> Iterator[None]:
    """Turn the errors of ftplib into ours."""
    failed = f"cannot download {address.shown}"
    try:
        yield
    except ftplib.error_perm as error:
        raise _refused(failed, error, address) from None
    except (ftplib.error_temp, ftplib.error_reply, ftplib.error_proto) as error:
        raise TransientError(f"{failed}: the server answers {_said(error, address)}") from None
    except ssl.SSLCertVerificationError as error:
        raise FetchError(
            f"{failed}: the server's certificate is not trusted",
            details=str(error),
            hint="if your network has its own certificate authority, name its file in SSL_CERT_FILE",
        ) from error
    except TimeoutError as error:
        raise TransientError(f"{failed}: the server went silent") from error
    except EOFError as error:
        raise TransientError(f"{failed}: the connection was cut") from error
    except socket.gaierror as error:
        raise TransientError(f"{failed}: there is no machine {address.host} ({error.strerror})") from error
    except OSError as error:
        raise TransientError(f"{failed}: {error.strerror or error}") from error


def _refused(failed: str, error: ftplib.error_perm, address: Address) -> FetchError:
    said = _said(error, address)
    code = said[:3]
    if code in ("530", "430", "331", "332"):
        return FetchError(
            f"{failed}: the server does not let us in: {said}",
            hint=f"if {address.host} wants a login, put it into ~/.netrc",
        )
    if code == "550":
        return FetchError(f"{failed}: there is no such file, or it may not be read: {said}")
    return FetchError(f"{failed}: the server answers {said}")


def _said(error: Exception, address: Address) -> str:
    """One line of what the server said, without the password, should it repeat that."""
    text = " ".join(str(error).split())
    for secret in {address.password, _login(address)[1]} - {"", "anonymous@"}:
        text = text.replace(secret, "***")
    return text[:200]


def _seconds(text: str) -> int:
    """Seconds since 1970 of an answer to MDTM (RFC 3659, section 2.3); 0 when it is none."""
    with suppress(ValueError):
        return calendar.timegm(time.strptime(text[:14], "%Y%m%d%H%M%S"))
    return 0


def _shut(connection: socket.socket | None) -> None:
    # the plain method: that of a TLS socket would take the session away from the thread that reads
    if connection is not None:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
