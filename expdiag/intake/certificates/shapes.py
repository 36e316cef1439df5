"""What DER bytes are, told by how they begin: enough of a cut file, and nothing of a key is decoded."""

from __future__ import annotations

import re

CERTIFICATE, CERTIFICATES, SECRET, OTHER = "certificate", "certificates", "secret", "other"

_LENGTH = rb"(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)"
_SEQUENCE = rb"\x30" + _LENGTH
_PKCS = rb"\x2a\x86\x48\x86\xf7\x0d\x01"
_SHAPES = tuple(
    (re.compile(pattern, re.S), kind, text)
    for pattern, kind, text in (
        (_SEQUENCE + rb"\x02\x01\x03" + _SEQUENCE + rb"\x06\x09" + _PKCS, SECRET, "a PKCS#12 store"),
        (_SEQUENCE + rb"\x02\x01[\x00\x01]" + _SEQUENCE + rb"\x06", SECRET, "a private key (PKCS#8)"),
        (_SEQUENCE + rb"\x02\x01\x00\x02", SECRET, "a private key (PKCS#1)"),
        (_SEQUENCE + rb"\x02\x01\x01\x04", SECRET, "a private key (SEC 1)"),
        # PBES2 and the schemes of PKCS#5, then those of PKCS#12
        (
            _SEQUENCE + _SEQUENCE + rb"\x06." + _PKCS + rb"(?:\x05|\x0c\x01)",
            SECRET,
            "an encrypted private key (PKCS#8)",
        ),
        (_SEQUENCE + rb"\x06\x09" + _PKCS + rb"\x07\x02", CERTIFICATES, "PKCS#7"),
        (_SEQUENCE + _SEQUENCE + rb"\x02\x01\x00" + _SEQUENCE + rb"\x31", OTHER, "a signing request"),
        (_SEQUENCE + _SEQUENCE + rb"\x06", OTHER, "a public key"),
        # a version, or the serial number and the algorithm of one of version 1
        (_SEQUENCE + _SEQUENCE + rb"(?:\xa0.\x02|\x02" + _LENGTH + rb")", CERTIFICATE, "a certificate"),
    )
)


def shape(data: bytes) -> tuple[str, str]:
    """Return a kind and what to call it; the kind is empty where the bytes are nothing that is known."""
    return next(((kind, text) for pattern, kind, text in _SHAPES if pattern.match(data)), ("", ""))
