"""Training authorities whose keys and certificates come out the same on every run.

The keys are made from names, so anybody can make them again: they protect nothing and must not be used elsewhere.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from expdiag.scenarios.spec import ROOT, AuthoritySpec, CertificateSpec

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
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "expdiag training")
    own = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    return x509.Name([organisation, *own])


@cache
def authority_pem(spec: AuthoritySpec) -> bytes:
    """Return the certificate of an authority."""
    key, signer = _key(spec.key or spec.name), spec.issuer or spec
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(spec.name))
        .issuer_name(_name(signer.name))
        .public_key(key.public_key())
        .serial_number(_serial(spec.name if spec == ROOT else repr(spec)))
        .not_valid_before(spec.not_before)
        .not_valid_after(spec.not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=spec.path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    signing = _key(signer.key or signer.name)
    if spec.issuer:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
        builder = builder.add_extension(identifier, critical=False)
    if spec.signs is not None:
        builder = builder.add_extension(
            _usage(("key_cert_sign", "crl_sign") if spec.signs else ("crl_sign",)), critical=True
        )
    return builder.sign(signing, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def root_pem() -> bytes:
    """Return the certificate of the training authority."""
    return authority_pem(ROOT)


def store_pem(authorities: Iterable[AuthoritySpec]) -> bytes:
    """Return a trust store."""
    return b"".join(map(authority_pem, authorities))


def key_pem(spec: CertificateSpec) -> bytes:
    """Return the private key of a server certificate, for something that has to answer with it."""
    return _key(spec.key).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@cache
def server_pem(spec: CertificateSpec) -> bytes:
    """Return the certificate of a peer, then those of the authorities that stand in its file."""
    key, issuer = _key(spec.key), spec.issuer
    signing = _key(issuer.key or issuer.name) if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(spec.common_name))
        .issuer_name(_name(issuer.name if issuer else spec.common_name))
        .public_key(key.public_key())
        .serial_number(_serial(repr(spec)))
        .not_valid_before(spec.not_before)
        .not_valid_after(spec.not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
    )
    if spec.dns_names:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in spec.dns_names])
        builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(_usage(spec.usages), critical=True)
    if spec.purposes is not None:
        usage = x509.ExtendedKeyUsage([_PURPOSES[purpose] for purpose in spec.purposes])
        builder = builder.add_extension(usage, critical=False)
    own = builder.sign(signing, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return own + store_pem(spec.chain)


def _usage(allowed: tuple[str, ...]) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in allowed for name in _USAGES}, encipher_only=False, decipher_only=False)
