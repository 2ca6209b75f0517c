"""What a sandbox takes from this machine: its processor, or an emulator, and with the network the names in it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from slipway.errors import ToolError
from slipway.oci.reader import this_machine

_QEMU: Final = {"arm64": "aarch64", "386": "i386", "amd64": "x86_64"}


def host_files(hostname: str, *, network: bool) -> tuple[tuple[str, str], ...]:
    """Path and text of the files that make names work."""
    files = [("/etc/hostname", f"{hostname}\n")]
    if network:
        files.append(("/etc/hosts", f"{_host_file('hosts')}\n127.0.0.1\t{hostname}\n"))
        files.append(("/etc/resolv.conf", _host_file("resolv.conf")))
    else:
        files.append(("/etc/hosts", _hosts(hostname)))
    return tuple(files)


def check_platform(platform: str, what: str) -> None:
    """`ToolError` unless this machine runs programs for `platform`; `what` is it that is for it."""
    here = this_machine()
    os_name, _, rest = platform.partition("/")
    arch = rest.partition("/")[0]
    if os_name == "linux" and (here == f"linux/{arch}" or (arch == "386" and here == "linux/amd64")):
        return
    qemu = Path(f"/proc/sys/fs/binfmt_misc/qemu-{_QEMU.get(arch, arch)}")
    with suppress(OSError):
        # F: the kernel holds the emulator open, so that it is there in any root
        if os_name == "linux" and any(
            "F" in w for w in qemu.read_text().splitlines() if w.startswith("flags:")
        ):
            return
    raise ToolError(
        f"{what} is for {platform}, this machine is {here}",
        hint="to run it here, let the kernel use an emulator: install qemu-user-static and binfmt-support",
    )


def _hosts(hostname: str) -> str:
    return f"127.0.0.1\tlocalhost {hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n"


def _host_file(name: str) -> str:
    try:
        return Path("/etc", name).read_text(errors="surrogateescape")
    except OSError:
        return ""
