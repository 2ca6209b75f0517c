"""What programs inside an image find: dpkg, apt, pip, the linker, TLS and accounts all work as on an installed system."""

from __future__ import annotations

import json
import os
import re
import ssl

import pytest

from tests.e2e.kit import Home, run, write_recipe

pytestmark = [pytest.mark.net, pytest.mark.slow]

SUITES = (pytest.param("bookworm", marks=pytest.mark.thorough), "trixie")
RECIPE = """
tag: inside-{suite}
base: {{debian: {suite}, packages: [python3, ca-certificates, openssl]}}
packages: [requests, flask, cryptography, pyyaml, black]
"""


@pytest.fixture(scope="module", params=SUITES)
def image(request: pytest.FixtureRequest, home: Home, tmp_path_factory: pytest.TempPathFactory) -> str:
    suite = request.param
    recipe = write_recipe(tmp_path_factory.mktemp(suite), RECIPE.format(suite=suite))
    result = home.build(recipe)
    assert result["uncovered"] == []
    return f"inside-{suite}"


def test_dpkg_is_content(home: Home, image: str) -> None:
    assert home.inside(image, "dpkg", "--audit").out == ""
    assert home.inside(image, "dpkg", "--verify").out == ""
    states = home.inside(image, "dpkg-query", "-W", "-f", "${db:Status-Abbrev}\n").out.split()
    assert set(states) == {"ii"}
    assert len(states) > 90
    assert home.inside(image, "dpkg", "-S", "/usr/bin/python3").out == "python3-minimal: /usr/bin/python3\n"
    assert "/usr/bin/openssl\n" in home.inside(image, "dpkg", "-L", "openssl").out


def test_apt_works_without_a_network(home: Home, image: str) -> None:
    simulated = home.inside(image, "apt-get", "-s", "install", "openssl").out
    assert "0 upgraded, 0 newly installed, 0 to remove" in simulated
    assert "0 to remove" in home.inside(image, "apt-get", "-s", "autoremove").out
    assert "openssl/" in home.inside(image, "apt", "list", "--installed").out
    manual = home.inside(image, "apt-mark", "showmanual").out.split()
    assert {"python3", "ca-certificates", "openssl"} <= set(manual)
    assert "libssl3" not in manual
    assert home.inside(image, "apt-get", "check").status == 0


def test_apt_installs_more_from_the_mirror(home: Home, image: str) -> None:
    """The image's own list of sources, keyring and package database are good enough to go on from."""
    script = "apt-get -qq update && apt-get -qq install -y --no-install-recommends libssl-dev tree && tree --version && dpkg --audit"
    done = home.slipway("run", "--network", image, "--", "sh", "-c", script)
    assert "tree v" in done.out


def test_python_and_its_packages(home: Home, image: str) -> None:
    listed = json.loads(home.inside(image, "pip", "list", "--format=json").out)
    names = {item["name"].lower() for item in listed}
    assert {"requests", "flask", "cryptography", "pyyaml", "black", "pip"} <= names
    assert home.inside(image, "pip", "check").out == "No broken requirements found.\n"
    code = "import ssl, sqlite3, lzma, bz2, zlib, ctypes, readline, cryptography.hazmat.bindings._rust, yaml; print(yaml.__with_libyaml__)"
    assert home.inside(image, "python", "-c", code).out == "True\n"
    shown = home.inside(image, "pip", "show", "--files", "flask").out
    assert "../../../bin/flask" in shown
    missing = "import importlib.metadata as m; print([str(f) for d in m.distributions() for f in d.files or () if not f.locate().exists()])"
    assert home.inside(image, "python", "-c", missing).out == "[]\n"


def test_installed_files_are_as_recorded(home: Home, image: str) -> None:
    code = """
import base64, hashlib, importlib.metadata as metadata
wrong = []
for dist in metadata.distributions():
    for file in dist.files or ():
        if file.hash and str(file.locate()).startswith("/pyats"):
            digest = hashlib.new(file.hash.mode, file.locate().read_bytes()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
                wrong.append(str(file))
print(wrong)
"""
    assert home.inside(image, "python", "-c", code).out == "[]\n"


@pytest.mark.parametrize("script", ["flask", "black", "pip"])
def test_console_scripts(home: Home, image: str, script: str) -> None:
    assert re.search(r"\d+\.\d+", home.inside(image, script, "--version").out)


def test_pip_installs_more_from_the_index(home: Home, image: str) -> None:
    script = "pip install --no-cache-dir -q six && pip check && pip uninstall -q -y flask && pip list"
    done = home.slipway("run", *as_our_pip(), image, "--", "sh", "-c", script)
    assert "six" in done.out
    assert "Flask" not in done.out


def as_our_pip() -> list[str]:
    """Options that let pip inside reach the index that pip on this machine reaches, over TLS that this machine trusts."""
    index = run(["pip", "config", "get", "global.index-url"], status=None).out.strip()
    trusted = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    bundle = os.environ.get("PIP_CERT", trusted)
    options = ["--network", "--mount", f"{bundle}:/etc/ssl/certs/ca-certificates.crt:ro"]
    options += ["--env", "PIP_CERT=/etc/ssl/certs/ca-certificates.crt"]
    return [*options, "--env", f"PIP_INDEX_URL={index}"] if index else options


def test_the_linker_knows_its_libraries(home: Home, image: str) -> None:
    listed = home.inside(image, "ldconfig", "-p").out
    assert "libc.so.6" in listed
    assert "libssl.so.3" in listed
    before = home.inside(image, "sh", "-c", "ldconfig -p | sort").out
    after = home.inside(image, "sh", "-c", "ldconfig && ldconfig -p | sort").out
    assert before == after


def test_accounts(home: Home, image: str) -> None:
    lines = home.inside(image, "getent", "passwd").out.splitlines()
    assert lines[0] == "root:x:0:0:root:/root:/bin/bash"
    assert any(line.startswith("_apt:x:42:65534:") for line in lines)
    assert any(line.startswith("nobody:x:65534:65534:") for line in lines)
    assert len({line.split(":")[0] for line in lines}) == len(lines) >= 18
    assert "staff:x:50:" in home.inside(image, "getent", "group").out
    assert home.inside(image, "pwck", "-r", status=None).out.count("invalid") == 0


def test_certificates(home: Home, image: str) -> None:
    code = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"
    assert int(home.inside(image, "python3", "-c", code).out) > 100
    script = """
set -e
cd /etc/ssl/certs
set -- *.pem
openssl verify -CApath /etc/ssl/certs "$@" | grep -vc ': OK$' || true
ls -1 *.0 | wc -l
grep -c BEGIN ca-certificates.crt
"""
    bad, hashed, bundled = home.inside(image, "sh", "-c", script).out.split()
    assert int(bad) == 0
    assert int(hashed) == int(bundled) > 100
    before = home.inside(
        image,
        "sh",
        "-c",
        "sha256sum < /etc/ssl/certs/ca-certificates.crt; ls /etc/ssl/certs | sort | sha256sum",
    ).out
    after = home.inside(
        image,
        "sh",
        "-c",
        "update-ca-certificates --fresh >/dev/null 2>&1; sha256sum < /etc/ssl/certs/ca-certificates.crt; ls /etc/ssl/certs | sort | sha256sum",
    ).out
    assert before == after


def test_alternatives(home: Home, image: str) -> None:
    shown = home.inside(image, "update-alternatives", "--display", "awk").out
    assert "awk - auto mode" in shown
    assert "link currently points to /usr/bin/mawk" in shown
    assert home.inside(image, "awk", "BEGIN { print 6 * 7 }").out == "42\n"
    broken = home.inside(
        image,
        "sh",
        "-c",
        "find / -xdev -xtype l -not -path '/proc/*' -not -path '/dev/*' -not -path '/sys/*'",
    ).out
    assert broken.splitlines() == expected_broken_links(broken.splitlines())


def expected_broken_links(found: list[str]) -> list[str]:
    """Dangling links that a system installed by dpkg has as well."""
    usual = re.compile(r"/usr/share/man/|/usr/share/doc/|/etc/mtab$|/usr/lib/systemd/|/etc/systemd/")
    return [path for path in found if usual.search(path)]


def test_shadow_and_modes(home: Home, image: str) -> None:
    script = "stat -c '%a %U:%G %n' /etc/shadow /usr/bin/passwd /tmp /var/tmp /root /usr/bin/chage /usr/sbin/unix_chkpwd"
    assert home.inside(image, "sh", "-c", script).out.splitlines() == [
        "640 root:shadow /etc/shadow",
        "4755 root:root /usr/bin/passwd",
        "1777 root:root /tmp",
        "1777 root:root /var/tmp",
        "700 root:root /root",
        "2755 root:shadow /usr/bin/chage",
        "2755 root:shadow /usr/sbin/unix_chkpwd",
    ]


def test_a_user_of_the_image(home: Home, image: str) -> None:
    done = home.slipway(
        "run", "--user", "nobody", image, "--", "sh", "-c", "id -u; touch /tmp/x && touch /etc/x", status=None
    )
    assert done.out == "65534\n"
    assert done.status != 0
    assert "Permission denied" in done.err
