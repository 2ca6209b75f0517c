"""The real archives against the real APT: on systems as they were at a release, both name the same packages.

A system is what APT itself would install there, written into a database of dpkg; one is made for real, and then upgraded.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from slipway.distro.mirror import find_mirror
from slipway.errors import SlipwayError
from slipway.events import Reporter
from slipway.inputs.download import fetch_bytes
from slipway.scan.advisories.debian import changelogs
from slipway.scan.advisories.needed import needed
from slipway.scan.advisories.store import AdvisoryStore
from slipway.scan.advisories.update import update
from slipway.scan.inventory import take
from slipway.scan.match import scan
from slipway.settings import load
from tests.scan.advisories.kit import settings_in

if TYPE_CHECKING:
    from slipway.scan.model import Scan
    from slipway.settings import Settings

pytestmark = [pytest.mark.net, pytest.mark.slow]

PACKAGES = ("apt", "curl", "git", "openssl", "python3", "libc6-dev")
KEYRINGS = Path("/usr/share/keyrings")
OS_RELEASE = 'ID={0}\nVERSION_ID="{1}"\nVERSION_CODENAME={2}\nPRETTY_NAME="{0} {1}"\n'


class Release(NamedTuple):
    name: str
    distribution: str
    version: str
    archive: str
    security: str
    keyring: Path

    @property
    def then(self) -> str:
        return f"deb [signed-by={self.keyring}] {self.archive} {self.name} main\n"

    @property
    def now(self) -> str:
        updates = f"deb [signed-by={self.keyring}] {self.archive} {self.name}-updates main\n"
        return (
            f"{self.then}{updates}deb [signed-by={self.keyring}] {self.security} {self.name}-security main\n"
        )


@pytest.fixture(autouse=True)
def _small_changelogs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which packages are outdated does not depend on them, and they are most of an update."""
    monkeypatch.setattr(changelogs, "LARGEST", 1)


def debian(name: str, version: str) -> Release:
    mirror = find_mirror(load())
    keyring = KEYRINGS / "debian-archive-keyring.gpg"
    return Release(name, "debian", version, mirror.archive, mirror.security, keyring)


def ubuntu(name: str, version: str, path: Path) -> Release:
    """Where it is, debootstrap knows; its key is taken from the archive, as nobody here has another."""
    subprocess.run(["apt-get", "-qq", "download", "debootstrap"], cwd=path, check=True, capture_output=True)
    subprocess.run(["dpkg-deb", "-x", next(path.glob("debootstrap_*.deb")), path / "d"], check=True)
    script = (path / "d/usr/share/debootstrap/scripts/gutsy").read_text()
    found = re.search(r"amd64\|i386\)\s*.*?default_mirror (http://archive\S+)", script, re.DOTALL)
    assert found
    archive, settings = found[1], settings_in(path)
    pool = f"{archive}/pool/main/u/ubuntu-keyring/"
    try:
        page = fetch_bytes(pool, settings, max_size=1 << 20).decode()
        names = sorted(re.findall(r'href="(ubuntu-keyring_[0-9.]+_all\.deb)"', page))
    except SlipwayError:
        names = []
    names = names or ["ubuntu-keyring_2021.03.26_all.deb"]  # a cache tells no names
    try:
        (path / "keyring.deb").write_bytes(fetch_bytes(pool + names[0], settings, max_size=1 << 20))
    except SlipwayError as error:
        pytest.skip(f"the archive of Ubuntu is not reachable: {error.brief}")
    subprocess.run(["dpkg-deb", "-x", path / "keyring.deb", path / "k"], check=True)
    return Release(
        name, "ubuntu", version, archive, archive, path / "k/usr/share/keyrings/ubuntu-archive-keyring.gpg"
    )


class Apt:
    """APT for a root that has nothing but a database of dpkg."""

    def __init__(self, root: Path, sources: str) -> None:
        self.root = root
        for folder in (
            "etc/apt",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/lib/dpkg",
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "var/lib/dpkg/status").touch()
        (root / "etc/apt/sources.list").write_text(sources)
        config = root.with_name(f"{root.name}.conf")
        config.write_text(
            f'Dir "{root}"; Dir::Etc::Parts "-"; APT::Architecture "amd64"; APT::Architectures "amd64";\n'
            'APT::Get::Always-Include-Phased-Updates "true"; APT::Sandbox::User "root";\n'
        )
        self._env = {**os.environ, "APT_CONFIG": str(config), "LC_ALL": "C"}
        self.run("apt-get", "-qq", "update")

    def run(self, *argv: str) -> str:
        done = subprocess.run(argv, env=self._env, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def upgradable(self) -> set[tuple[str, str]]:
        lines = self.run("apt", "list", "--upgradable").splitlines()
        return {(line.split("/")[0], line.split()[1]) for line in lines if "/" in line}

    def pretend(self, *packages: str) -> None:
        """Note as installed what would be."""
        plan = self.run("apt-get", "-s", "install", "--no-install-recommends", *packages, "?essential")
        chosen = re.findall(r"^Inst (\S+) \((\S+) ", plan, re.MULTILINE)
        text = self.run("apt-cache", "show", "--no-all-versions", *(f"{n}={v}" for n, v in chosen))
        stanzas = [stanza.strip() for stanza in text.split("\n\n") if stanza.strip()]
        assert len(stanzas) == len(chosen) > 50
        status = "\n\n".join(f"{stanza}\nStatus: install ok installed" for stanza in stanzas)
        (self.root / "var/lib/dpkg/status").write_text(status + "\n\n")


def old_system(path: Path, release: Release) -> Path:
    root = path / release.name
    Apt(root, release.then).pretend(*PACKAGES)
    text = OS_RELEASE.format(release.distribution, release.version, release.name)
    (root / "etc/os-release").write_text(text)
    return root


def look(root: Path, settings: Settings) -> Scan:
    found = take(f"dir:{root}", settings, Reporter())
    assert needed(found) == (f"suites:{found.system.codename}",)
    with AdvisoryStore.of(settings) as store:
        return scan(found, store, settings, Reporter(), now=time.time())


def outdated(found: Scan) -> set[tuple[str, str]]:
    return {(o.component.name, o.available) for o in found.outdated}


def bring(settings: Settings, release: Release) -> None:
    source = "" if release.distribution == "debian" else release.archive
    known = settings.with_(keyring=str(release.keyring), mirror=load().mirror)
    update([f"suites:{release.name}"], known, Reporter(), source=source, now=time.time())


@pytest.mark.parametrize(
    ("distribution", "version", "name"),
    [
        pytest.param("debian", "11", "bullseye", marks=pytest.mark.thorough),
        ("debian", "13", "trixie"),
        ("ubuntu", "22.04", "jammy"),
    ],
)
def test_the_same_as_apt(tmp_path: Path, distribution: str, version: str, name: str) -> None:
    release = debian(name, version) if distribution == "debian" else ubuntu(name, version, tmp_path)
    root = old_system(tmp_path, release)
    settings = settings_in(tmp_path, timeout=30.0)
    bring(settings, release)
    found = look(root, settings)
    wanted = Apt(root, release.now).upgradable()
    assert len(wanted) > 5
    assert outdated(found) == wanted
    assert not found.uncovered
    assert any(o.security for o in found.outdated)
    ended = [f.title for f in found.findings if f.id.startswith("END-OF-LIFE")]
    assert bool(ended) == (name == "bullseye")


def test_upgraded_and_scanned_again(
    tmp_path: Path, bookworm_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was at the release, outdated as APT inside says; after APT has upgraded it, nothing is left that has a fix."""
    monkeypatch.setattr(changelogs, "LARGEST", 120_000)
    release, root = debian("bookworm", "12"), tmp_path / "root"
    subprocess.run(["cp", "-a", bookworm_root, root], check=True)
    settings = settings_in(tmp_path, timeout=30.0)
    bring(settings, release)

    def inside(*command: str) -> str:
        done = subprocess.run(["chroot", root, *command], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (root / "etc/apt/sources.list").write_text(release.now)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    (root / "usr/share/keyrings").mkdir(exist_ok=True)
    shutil.copy(release.keyring, root / "usr/share/keyrings")
    inside("apt-get", "-qq", "update")
    lines = inside("apt", "list", "--upgradable").splitlines()
    wanted = {(line.split("/")[0], line.split()[1]) for line in lines if "/" in line}
    before = look(root, settings)
    assert outdated(before) == wanted
    assert any(f.fixable for f in before.findings)
    inside("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y", "upgrade")
    after = look(root, settings)
    assert not after.outdated
    assert not [f.id for f in after.findings if f.fixable]
    assert after.complete
