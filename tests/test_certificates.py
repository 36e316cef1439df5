"""PEM files against openssl, private keys, and what is broken."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

import expdiag
from expdiag.scenarios import authority
from expdiag.scenarios.spec import healthy


@pytest.fixture
def openssl() -> str:
    found = shutil.which("openssl")
    if not found:
        pytest.skip("openssl is not installed")
    return found


def certificates(path: Path) -> list[expdiag.tables.Certificate]:
    return list(expdiag.load(path).dossier.rows["certificates"])


def issued(key, **names) -> bytes:
    """Return a self-signed certificate of a key as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "self.example.com")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
    )
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return built.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize("peer", [0, 1, 2])
def test_what_is_read_agrees_with_openssl(files, openssl: str, peer: int) -> None:
    pem = authority.server_pem(healthy().peers[peer].certificate)
    folder = files({"server_e.pem": pem})
    said = subprocess.run(
        [openssl, "x509", "-noout", "-serial", "-fingerprint", "-sha256", "-dates", "-ext", "subjectAltName"],
        input=pem,
        capture_output=True,
        check=True,
    ).stdout.decode()

    (row,) = certificates(folder)

    assert f"serial={row.serial.upper()}" in said.replace("serial=0", "serial=")
    assert row.fingerprint.upper() in said.replace(":", "")
    assert f"notAfter={row.not_after:%b} {row.not_after.day:2} {row.not_after:%H:%M:%S %Y} GMT" in said
    assert all(f"DNS:{name}" in said for name in row.dns_names)
    assert row.purposes == ("serverAuth", "clientAuth")
    assert (row.role, row.self_signed, row.is_authority, row.key_bits) == ("server", False, False, 2048)


def test_the_training_certificates_verify_with_openssl(tmp_path: Path, openssl: str) -> None:
    (tmp_path / "ca.pem").write_bytes(authority.root_pem())
    (tmp_path / "server.pem").write_bytes(authority.server_pem(healthy().peers[0].certificate))

    checked = subprocess.run(
        [openssl, "verify", "-attime", "1777636800", "-CAfile", tmp_path / "ca.pem", tmp_path / "server.pem"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.stdout.strip().endswith("OK"), checked.stderr


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("server_e1_2026-05-01_12:00:00.pem", ["server", "chain"]),
        ("ca_e1_2026-05-01_12:00:00.pem", ["ca", "ca"]),
        ("chain.pem", ["server", "chain"]),
    ],
)
def test_the_role_of_a_certificate(files, name: str, roles: list[str]) -> None:
    both = authority.server_pem(healthy().peers[0].certificate) + authority.root_pem()

    assert [row.role for row in certificates(files({name: both}))] == roles


def test_a_lone_authority_is_a_trust_store_whatever_its_name(files) -> None:
    (row,) = certificates(files({"whatever.txt": authority.root_pem()}))

    assert (row.role, row.self_signed, row.is_authority) == ("ca", True, True)


@pytest.mark.parametrize(
    ("key", "kind", "bits"),
    [
        (rsa.generate_private_key(65537, 1024), "RSA", 1024),
        (ec.generate_private_key(ec.SECP256R1()), "EC", 256),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519", None),
    ],
)
def test_keys_of_every_kind(files, key, kind: str, bits: int | None) -> None:
    (row,) = certificates(files({"server.pem": issued(key)}))

    assert (row.key_type, row.key_bits, row.self_signed) == (kind, bits, True)


def test_the_bytes_of_each_certificate_are_kept_beside_the_rows(files) -> None:
    chain = authority.root_pem() + authority.server_pem(healthy().peers[0].certificate)

    dossier = expdiag.load(files({"server_e1.pem": chain})).dossier

    assert set(dossier.certificates) == {row.fingerprint for row in dossier.rows["certificates"]}
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in dossier.certificates.items())
    assert len(dossier.certificates) == 2


def test_a_private_key_is_reported_and_its_bytes_go_nowhere(files) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    case = expdiag.load(files({"server_e1.pem": secret + issued(key)}))

    assert [(i.kind, i.line) for i in case.all_issues if i.kind == "secret"] == [("secret", 1)]
    assert len(case.dossier.rows["certificates"]) == len(case.dossier.certificates) == 1
    everything = "".join(frame.to_json(default_handler=str, date_format="iso") for frame in case.tables.values())
    assert not any(line in everything for line in secret.decode().splitlines()[1:-1])


def test_broken_blocks_are_issues_and_the_rest_is_read(files) -> None:
    good = authority.root_pem().decode()
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    cut = good.rpartition("-----END")[0]

    case = expdiag.load(files({"ca.pem": f"subject=CN = x\n{broken}{good}{cut}"}))

    assert len(case.dossier.rows["certificates"]) == 1
    assert {"broken", "truncated"} <= {issue.kind for issue in case.all_issues}


def test_the_lab_certificates(real) -> None:
    rows = {n: certificates(real / "lab" / "captures" / f"cert-p{n}.pem")[0] for n in (1, 2, 3, 4)}

    assert rows[3].not_after < rows[1].not_after
    assert "old-name.lab.test" in (*rows[4].dns_names, rows[4].common_name)
