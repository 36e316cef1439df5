"""Certificates written byte by byte, also such as no library would write; the same bytes on every run."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from expdiag.scenarios import authority

SHA256_RSA, SHA1_RSA, MD5_RSA = ("1.2.840.113549.1.1.11", "1.2.840.113549.1.1.5", "1.2.840.113549.1.1.4")
ECDSA_SHA256, ED25519 = "1.2.840.10045.4.3.2", "1.3.101.112"
SAN, KEY_USAGE, EXTENDED_KEY_USAGE, BASIC_CONSTRAINTS = "2.5.29.17", "2.5.29.15", "2.5.29.37", "2.5.29.19"
SERVER_AUTH, CLIENT_AUTH = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"


def tlv(tag: int, *values: bytes) -> bytes:
    """Return a value in DER."""
    content = b"".join(values)
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(content) < 0x80 else bytes([0x80 | len(size)]) + size) + content


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = b""
    for number in (40 * first + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return tlv(0x06, content)


def integer(number: int) -> bytes:
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def name(*attributes: tuple[str, int, bytes]) -> bytes:
    """Return a name of single attributes: type, tag of the string, its bytes."""
    return tlv(0x30, *(tlv(0x31, tlv(0x30, oid(kind), tlv(tag, value))) for kind, tag, value in attributes))


def cn(text: str) -> bytes:
    return name(("2.5.4.3", 0x0C, text.encode()))


def extension(number: str, value: bytes) -> bytes:
    return tlv(0x30, oid(number), tlv(0x04, value))


def san(*names: bytes) -> bytes:
    """Return a SAN of DNS names."""
    return extension(SAN, tlv(0x30, *(tlv(0x82, each) for each in names)))


def purposes(*numbers: str) -> bytes:
    return extension(EXTENDED_KEY_USAGE, tlv(0x30, *map(oid, numbers)))


CA = extension(BASIC_CONSTRAINTS, tlv(0x30, tlv(0x01, b"\xff")))


@cache
def rsa_key(label: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return a key made from a name, by the method of the training authority; it protects nothing."""
    if bits == 2048:
        return authority._key(label)
    import random

    numbers = random.Random(f"odd {label} {bits}")
    p, q = authority._prime(numbers, bits // 2), authority._prime(numbers, bits // 2)
    d = pow(65537, -1, (p - 1) * (q - 1))
    made = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(65537, p * q))
    return made.private_key(unsafe_skip_rsa_key_validation=True)


def ec_key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, ec.SECP256R1())


def ed25519_key(number: int) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def spki(key: object) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate(
    *,
    subject: bytes = cn("odd.example.com"),
    issuer: bytes | None = None,
    serial: int = 7,
    start: bytes = tlv(0x17, b"260101000000Z"),
    end: bytes = tlv(0x17, b"270101000000Z"),
    key: bytes | None = None,
    signer: object = None,
    algorithm: str = SHA256_RSA,
    inner: str | None = None,
    extensions: tuple[bytes, ...] | None = (),
    version: int = 3,
) -> bytes:
    """Return a certificate in DER, signed by `signer` (the training key `odd` by default)."""
    signer = signer or rsa_key("odd")
    null = tlv(0x05) if isinstance(signer, rsa.RSAPrivateKey) else b""
    signed = tlv(
        0x30,
        tlv(0xA0, integer(version - 1)) if version > 1 else b"",
        integer(serial),
        tlv(0x30, oid(inner or algorithm), null),
        issuer if issuer is not None else subject,
        tlv(0x30, start, end),
        subject,
        key or spki(signer),
        tlv(0xA3, tlv(0x30, *extensions)) if extensions else b"",
    )
    return tlv(0x30, signed, tlv(0x30, oid(algorithm), null), tlv(0x03, b"\0" + _signature(signer, algorithm, signed)))


def _signature(signer: object, algorithm: str, signed: bytes) -> bytes:
    if isinstance(signer, rsa.RSAPrivateKey):
        used = {SHA1_RSA: hashes.SHA1, MD5_RSA: hashes.MD5}.get(algorithm, hashes.SHA256)()
        return signer.sign(signed, padding.PKCS1v15(), used)
    if isinstance(signer, ec.EllipticCurvePrivateKey):
        return signer.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    return signer.sign(signed)


def pem(der: bytes, label: str = "CERTIFICATE") -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n".replace("\n\n", "\n")


def pkcs7(*certificates: bytes) -> bytes:
    """Return a bundle as `openssl crl2pkcs7 -nocrl` writes it."""
    data = tlv(0x30, oid("1.2.840.113549.1.7.1"))
    signed = tlv(0x30, integer(1), tlv(0x31), data, tlv(0xA0, *certificates), tlv(0x31))
    return tlv(0x30, oid("1.2.840.113549.1.7.2"), tlv(0xA0, signed))


def chain() -> tuple[bytes, bytes, bytes]:
    """Return a server certificate, the intermediate that signed it, and the root."""
    root, middle, server = map(ed25519_key, (1, 2, 3))
    names = [cn(text) for text in ("e1.example.com", "Odd Middle CA", "Odd Root CA")]
    own = (san(b"e1.example.com"), purposes(SERVER_AUTH, CLIENT_AUTH))
    return (
        signed(names[0], names[1], server, middle, own),
        signed(names[1], names[2], middle, root, (CA,)),
        signed(names[2], names[2], root, root, (CA,)),
    )


def signed(subject: bytes, issuer: bytes, key: object, signer: object, extensions: tuple[bytes, ...]) -> bytes:
    """Return a certificate with Ed25519 keys."""
    return certificate(
        subject=subject, issuer=issuer, key=spki(key), signer=signer, algorithm=ED25519, extensions=extensions
    )
