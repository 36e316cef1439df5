"""A training authority whose keys and certificates come out the same on every run.

The keys are made from names, so anybody can make them again: they protect nothing and must not be used elsewhere.
"""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from expdiag.scenarios.spec import CertificateSpec

_NAME = "Training Root CA"
_START, _END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
_PURPOSES = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH}
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign"),
)
_EXPONENT = 65537


@cache
def _key(name: str) -> rsa.RSAPrivateKey:
    """Return an RSA key of 2048 bits made from a name."""
    numbers = random.Random(f"expdiag training key {name}")
    p, q = _prime(numbers), _prime(numbers)
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
    private = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    return private.private_key()


def _prime(numbers: random.Random, bits: int = 1024) -> int:
    while True:
        candidate = numbers.getrandbits(bits) | (3 << (bits - 2)) | 1
        if candidate % _EXPONENT != 1 and _is_prime(candidate):
            return candidate


def _is_prime(candidate: int) -> bool:
    """Miller and Rabin's test with fixed bases: sure enough for keys that protect nothing."""
    if any(candidate % small == 0 for small in range(3, 2000, 2)):
        return False
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7, 11, 13):
        power = pow(base, odd, candidate)
        if power in (1, candidate - 1):
            continue
        if not any((power := power * power % candidate) == candidate - 1 for _ in range(twos - 1)):
            return False
    return True


def _serial(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:15], "big")


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "expdiag training"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


@cache
def root_pem() -> bytes:
    """Return the certificate of the training authority."""
    key = _key(_NAME)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(_NAME))
        .issuer_name(_name(_NAME))
        .public_key(key.public_key())
        .serial_number(_serial(_NAME))
        .not_valid_before(_START)
        .not_valid_after(_END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(spec: CertificateSpec) -> bytes:
    """Return the private key of a server certificate, for something that has to answer with it."""
    return _key(spec.key).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@cache
def server_pem(spec: CertificateSpec) -> bytes:
    """Return a server certificate signed by the training authority."""
    key, authority = _key(spec.key), _key(_NAME)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(spec.common_name))
        .issuer_name(_name(_NAME))
        .public_key(key.public_key())
        .serial_number(_serial(repr(spec)))
        .not_valid_before(spec.not_before)
        .not_valid_after(spec.not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
    )
    if spec.dns_names:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in spec.dns_names])
        builder = builder.add_extension(names, critical=False)
    usages = {name: name in spec.usages for name in _USAGES}
    builder = builder.add_extension(x509.KeyUsage(**usages, encipher_only=False, decipher_only=False), critical=True)
    if spec.purposes is not None:
        usage = x509.ExtendedKeyUsage([_PURPOSES[purpose] for purpose in spec.purposes])
        builder = builder.add_extension(usage, critical=False)
    return builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
