"""Whether the key of one certificate made the signature of another."""

from __future__ import annotations

from typing import Any

from expdiag.intake.certificates import oids
from expdiag.intake.certificates.x509 import Parsed


def signed_by(certificate: Parsed, issuer: Parsed) -> bool | None:
    """Whether `issuer` holds the key that signed `certificate`; None where the key or the algorithm cannot be used."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    how = certificate.signature
    kind = "RSA" if how.algorithm == oids.RSA_PSS else oids.SIGNINGS.get(how.algorithm, oids.UNKNOWN).key
    if kind and issuer.row.key_type in oids.KEYS.values() and issuer.row.key_type.removesuffix("-PSS") != kind:
        return False
    try:
        key: Any = load_der_public_key(issuer.key)
        key.verify(how.value, how.signed, *_scheme(how.algorithm, kind, how.hash))
    except InvalidSignature:
        return False
    except Exception:  # the library has many, for keys and algorithms that are anything
        return None
    return True


def _scheme(algorithm: str, kind: str, hash_name: str) -> tuple[Any, ...]:
    """Return what a key of the library has to be told besides signature and data."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    if not hash_name:
        return ()
    hash_ = getattr(hashes, hash_name.upper())()
    if algorithm == oids.RSA_PSS:
        return padding.PSS(padding.MGF1(hash_), padding.PSS.AUTO), hash_
    return {"RSA": (padding.PKCS1v15(), hash_), "EC": (ec.ECDSA(hash_),), "DSA": (hash_,)}[kind]
