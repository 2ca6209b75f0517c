from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from slipway.distro.certs import bundle, subject_hash
from slipway.distro.native import FileReader, NativeFile
from slipway.errors import InputError
from tests.distro import realroot

SHIPPED, LOCAL = "usr/share/ca-certificates/", "usr/local/share/ca-certificates/"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def certificate(*rdns: list[x509.NameAttribute[str]], serial: int = 1) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.RelativeDistinguishedName(rdn) for rdn in rdns])
    day = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(serial).not_valid_before(day).not_valid_after(day.replace(year=2040))
    return builder.sign(key, hashes.SHA256())


def common_name(value: str, kind: _ASN1Type | None = None) -> list[x509.NameAttribute[str]]:
    return [x509.NameAttribute(NameOID.COMMON_NAME, value, kind)]


def pem(*rdns: list[x509.NameAttribute[str]], serial: int = 1) -> bytes:
    return certificate(*rdns, serial=serial).public_bytes(Encoding.PEM)


def reader(files: dict[str, bytes]) -> FileReader:
    return lambda *paths: {p: files[p] for p in paths if p in files}


def links(files: list[NativeFile]) -> dict[str, str]:
    return {f.path.removeprefix("etc/ssl/certs/"): f.target for f in files if f.content is None}


@needs_openssl
@pytest.mark.parametrize(
    "rdns",
    [
        [common_name("Plain")],
        [common_name("  Two   Spaces \t and TAB "), common_name("ÄÖ Főtanúsítvány")],
        [common_name("printable only", _ASN1Type.PrintableString), common_name("Ia5@X", _ASN1Type.IA5String)],
        [common_name("Wide Ünï", _ASN1Type.BMPString), common_name("T61 Text", _ASN1Type.T61String)],
        [
            common_name("Universal  ñ", _ASN1Type.UniversalString),
            common_name("12  A", _ASN1Type.NumericString),
        ],
        [[*common_name("multi"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "valued RDN " * 4)]],
        [[x509.NameAttribute(NameOID.COUNTRY_NAME, "DE")], common_name("x" * 64)],
        [],
    ],
)
def test_the_hash_of_openssl(rdns: list[list[x509.NameAttribute[str]]], tmp_path: Path) -> None:
    made = certificate(*rdns)
    file = tmp_path / "c.pem"
    file.write_bytes(made.public_bytes(Encoding.PEM))
    out = subprocess.run(
        ["openssl", "x509", "-noout", "-subject_hash", "-in", str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert subject_hash(made.public_bytes(Encoding.DER)) == out.stdout.strip()


@needs_openssl
def test_the_links_of_openssl_rehash(tmp_path: Path) -> None:
    """Same subjects count up in the order of names; a copy gets no link; a file with two certificates neither."""
    same = pem(common_name("same"))
    files = {
        LOCAL + "a.crt": same,
        LOCAL + "b.crt": pem(common_name("SAME"), serial=2),
        LOCAL + "c copy (1),x.crt": same,
        LOCAL + "d/two.crt": pem(common_name("one")) + pem(common_name("two")),
        LOCAL + "e.crt": pem(common_name("Other")).rstrip(b"\n"),
    }
    made = bundle(reader(files), files)
    for name, target in links(made).items():
        if name.endswith(".pem"):
            (tmp_path / name).write_bytes(files[target.lstrip("/")])
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True, capture_output=True)
    real = {p.name: str(p.readlink()) for p in tmp_path.iterdir() if p.is_symlink()}
    assert {k: v for k, v in links(made).items() if not k.endswith(".pem")} == real
    assert sorted(v for v in real.values()) == ["a.pem", "b.pem", "e.pem"]
    assert links(made)["c_copy_=1=_x.pem"] == f"/{LOCAL}c copy (1),x.crt"
    joined = next(f for f in made if f.path.endswith("ca-certificates.crt"))
    assert joined.content == b"".join(v.rstrip(b"\n") + b"\n" for v in files.values())


def test_the_configuration_chooses() -> None:
    files = {SHIPPED + f"m/{n}.crt": pem(common_name(n)) for n in "abc"}
    conf = {"etc/ca-certificates.conf": b"# c\n\nm/c.crt\n!m/b.crt\nm/a.crt\nm/gone.crt\n"}
    made = {f.path: f for f in bundle(reader(files | conf), files)}
    assert "etc/ca-certificates.conf" not in made
    assert (
        made["etc/ssl/certs/ca-certificates.crt"].content
        == files[SHIPPED + "m/c.crt"] + files[SHIPPED + "m/a.crt"]
    )
    assert "etc/ssl/certs/b.pem" not in made


def test_no_certificates_no_files() -> None:
    assert bundle(reader({}), ["usr/share/ca-certificates/mozilla/readme.txt", "etc/x.crt"]) == []


@pytest.mark.parametrize("body", [b"AAAA", b"!", b"", b"MIIB"])
def test_a_damaged_certificate_is_named(body: bytes) -> None:
    path = LOCAL + "bad.crt"
    text = b"-----BEGIN CERTIFICATE-----\n" + body + b"\n-----END CERTIFICATE-----\n"
    with pytest.raises(InputError, match=r"bad\.pem: not an X\.509 certificate"):
        bundle(reader({path: text}), [path])


@pytest.mark.net
@pytest.mark.slow
@pytest.mark.parametrize("suite", realroot.SUITES)
def test_the_certificates_of_a_real_root(suite: str) -> None:
    root = realroot.root(suite)
    shipped = {p: root.content(p) for p in root.paths if p.startswith(SHIPPED)}
    made = {f.path: f for f in bundle(reader(shipped), root.paths)}
    for path, file in made.items():
        if file.content is None:
            assert root.members[path].linkname == file.target, path
        else:
            assert root.content(path) == file.content, path
    there = {p for p in root.paths if p.startswith("etc/ssl/certs/") or p == "etc/ca-certificates.conf"}
    assert set(made) == there
