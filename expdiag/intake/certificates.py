"""PEM files: server certificates with their chain, and trust stores. A private key is an issue, never a row."""

from __future__ import annotations

import re
import warnings
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest, Reader, lines
from expdiag.tables import Certificate

if TYPE_CHECKING:
    from cryptography import x509

_BEGIN = re.compile(r"^-----BEGIN ([A-Z0-9 ]+)-----\s*$")
_END = re.compile(r"^-----END ([A-Z0-9 ]+)-----\s*$")
_CERTIFICATES = ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")
_MAX_BLOCK = 1 << 20


def _claims(first: list[str]) -> int:
    """Count the lines of blocks: a capture that only quotes a certificate has more lines of its own."""
    inside = count = 0
    for line in first:
        inside = 1 if _BEGIN.match(line) else inside
        count += inside
        inside = 0 if _END.match(line) else inside
    return 0 if first and first[0].startswith("CONNECTED(") else count


def _read(member: Member, harvest: Harvest) -> None:
    block: list[str] | None = None
    label, start, size = "", 0, 0
    found: list[tuple[x509.Certificate, int]] = []
    between = 0
    for number, line in lines(member, harvest):
        if begin := _BEGIN.match(line):
            if block is not None:
                harvest.issue("truncated", f"a {label} block without its end", start)
            label, start, block, size = begin[1], number, [], 0
        elif _END.match(line) and block is not None:
            if label in _CERTIFICATES and (certificate := _decode(block, start, harvest)):
                found.append((certificate, start))
            elif label not in _CERTIFICATES:
                harvest.issue("unrecognised", f"a PEM block {label}", start)
            block = None
        elif block is not None:
            size += len(line)
            if size < _MAX_BLOCK:
                block.append(line)
        elif block is None and line.strip():
            between += 1
    if between:
        harvest.issue("ignored", f"{between} line(s) of text between the PEM blocks")
    if block is not None:
        harvest.issue("truncated", f"a {label} block without its end", start)
    _add_rows(member.name, found, harvest)


def _decode(block: list[str], start: int, harvest: Harvest) -> x509.Certificate | None:
    from cryptography import x509

    pem = "\n".join(["-----BEGIN CERTIFICATE-----", *block, "-----END CERTIFICATE-----"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old but usable certificates
            return x509.load_pem_x509_certificate(pem.encode())
    except Exception as error:  # the library has many, for bytes that are anything
        harvest.issue("broken", f"not a certificate that can be decoded: {error}", start)
        return None


def _add_rows(name: str, found: list[tuple[x509.Certificate, int]], harvest: Harvest) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old but usable certificates
        _add_rows_of(name, found, harvest)


def _add_rows_of(name: str, found: list[tuple[x509.Certificate, int]], harvest: Harvest) -> None:
    store = _is_trust_store(name, [certificate for certificate, _ in found])
    leaf = next((n for n, (certificate, _) in enumerate(found, start=1) if not _is_authority(certificate)), 1)
    for position, (certificate, line) in enumerate(found, start=1):
        role = "ca" if store else "server" if position == leaf else "chain"
        try:
            row = row_of(certificate, role, position, 0)
        except Exception as error:  # the library has many, for fields that are anything
            harvest.issue("broken", f"a certificate with a field that cannot be decoded: {error}", line)
            continue
        text = (
            f"certificate {position}: subject {row.subject}; SAN {', '.join(row.dns_names) or 'none'}; "
            f"valid {row.not_before:%Y-%m-%d} to {row.not_after:%Y-%m-%d}; "
            f"for {', '.join(row.purposes) if row.purposes is not None else 'any purpose'}; "
            f"issuer {row.issuer}; key {row.key_fingerprint[:16]}…"
        )
        harvest.add(row._replace(source=harvest.note(line, text)))


def _is_trust_store(name: str, found: list[x509.Certificate]) -> bool:
    """Tell `ca_<host>_<time>.pem` from `server_<host>_<time>.pem`; for other names the content decides."""
    base = PurePosixPath(name.replace("!", "/")).name.lower()
    if base.startswith("ca_") or base in ("ca.pem", "cacert.pem"):
        return True
    if base.startswith(("server", "client")):
        return False
    return bool(found) and all(_is_authority(certificate) for certificate in found)


def _is_authority(certificate: x509.Certificate) -> bool:
    from cryptography import x509

    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except Exception:  # absent, twice there, or not decodable: it does not say that it is one
        return False


def row_of(certificate: x509.Certificate, role: str, position: int, source: int) -> Certificate:
    """Return a certificate as a row; the library raises what it likes for fields that are anything."""
    from cryptography.hazmat.primitives import hashes, serialization

    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(spki)
    key = certificate.public_key()
    algorithm = certificate.signature_hash_algorithm
    dns_names, addresses = _alternative_names(certificate)
    return Certificate(
        role=role,
        position=position,
        issued_by=None,
        subject=certificate.subject.rfc4514_string(),
        common_name=_common_name(certificate),
        dns_names=dns_names,
        ip_addresses=addresses,
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        serial=f"{certificate.serial_number:x}",
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        key_fingerprint=digest.finalize().hex(),
        key_type=_key_type(key),
        key_bits=getattr(key, "key_size", None),
        signature_hash=algorithm.name if algorithm else "",
        is_authority=_is_authority(certificate),
        self_signed=certificate.issuer == certificate.subject,
        wildcard=any("*" in name for name in (_common_name(certificate), *dns_names)),
        usages=_usages(certificate),
        purposes=_purposes(certificate),
        source=source,
    )


def _key_type(key: object) -> str:
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

    kinds = {
        "RSA": rsa.RSAPublicKey,
        "EC": ec.EllipticCurvePublicKey,
        "Ed25519": ed25519.Ed25519PublicKey,
        "Ed448": ed448.Ed448PublicKey,
        "DSA": dsa.DSAPublicKey,
    }
    return next((name for name, kind in kinds.items() if isinstance(key, kind)), type(key).__name__)


def _common_name(certificate: x509.Certificate) -> str:
    from cryptography.x509.oid import NameOID

    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _alternative_names(certificate: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    return (
        tuple(names.get_values_for_type(x509.DNSName)),
        tuple(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    )


def _usages(certificate: x509.Certificate) -> tuple[str, ...] | None:
    from cryptography import x509

    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
    return tuple(name for name in _KEY_USAGES if getattr(usage, name))


_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


def _purposes(certificate: x509.Certificate) -> tuple[str, ...] | None:
    from cryptography import x509

    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None
    return tuple(getattr(oid, "_name", oid.dotted_string) for oid in usage)


READER = Reader("PEM", _claims, _read)
