"""Numbers of X.509 and what they are called."""

from __future__ import annotations

from typing import NamedTuple

COMMON_NAME = "2.5.4.3"

# RFC 4514, section 3; any other stands as its number
ATTRIBUTES = {
    COMMON_NAME: "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}

# RFC 5280, 4.2.1.3, from bit 0 on
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)

PURPOSES = {
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.5": "ipsecEndSystem",
    "1.3.6.1.5.5.7.3.6": "ipsecTunnel",
    "1.3.6.1.5.5.7.3.7": "ipsecUser",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "1.3.6.1.5.5.7.3.17": "ipsecIKE",
    "1.3.6.1.4.1.311.20.2.2": "msSmartcardLogin",
    "1.3.6.1.5.2.3.5": "pkInitKDC",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}

RSA, RSA_PSS, EC, DSA = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.2.1", "1.2.840.10040.4.1"
KEYS = {
    RSA: "RSA",
    RSA_PSS: "RSA-PSS",
    EC: "EC",
    DSA: "DSA",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}

CURVE_BITS = {
    "1.2.840.10045.3.1.1": 192,
    "1.3.132.0.33": 224,
    "1.2.840.10045.3.1.7": 256,
    "1.3.132.0.34": 384,
    "1.3.132.0.35": 521,
    "1.3.132.0.10": 256,
    "1.3.36.3.3.2.8.1.1.7": 256,
    "1.3.36.3.3.2.8.1.1.11": 384,
    "1.3.36.3.3.2.8.1.1.13": 512,
}

SHA1 = "1.3.14.3.2.26"
HASHES = {
    "1.2.840.113549.2.5": "md5",
    SHA1: "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}


class Signing(NamedTuple):
    """How a signature is made: the kind of key, and the hash (empty where the algorithm has none of its own)."""

    key: str
    hash: str


UNKNOWN = Signing("", "")
SIGNINGS = {
    "1.2.840.113549.1.1.2": Signing("RSA", "md2"),
    "1.2.840.113549.1.1.4": Signing("RSA", "md5"),
    "1.2.840.113549.1.1.5": Signing("RSA", "sha1"),
    "1.3.14.3.2.29": Signing("RSA", "sha1"),
    "1.2.840.113549.1.1.14": Signing("RSA", "sha224"),
    "1.2.840.113549.1.1.11": Signing("RSA", "sha256"),
    "1.2.840.113549.1.1.12": Signing("RSA", "sha384"),
    "1.2.840.113549.1.1.13": Signing("RSA", "sha512"),
    "1.2.840.10045.4.1": Signing("EC", "sha1"),
    "1.2.840.10045.4.3.1": Signing("EC", "sha224"),
    "1.2.840.10045.4.3.2": Signing("EC", "sha256"),
    "1.2.840.10045.4.3.3": Signing("EC", "sha384"),
    "1.2.840.10045.4.3.4": Signing("EC", "sha512"),
    "1.2.840.10040.4.3": Signing("DSA", "sha1"),
    "2.16.840.1.101.3.4.3.1": Signing("DSA", "sha224"),
    "2.16.840.1.101.3.4.3.2": Signing("DSA", "sha256"),
    "1.3.101.112": Signing("Ed25519", ""),
    "1.3.101.113": Signing("Ed448", ""),
    "2.16.840.1.101.3.4.3.17": Signing("ML-DSA-44", ""),
    "2.16.840.1.101.3.4.3.18": Signing("ML-DSA-65", ""),
    "2.16.840.1.101.3.4.3.19": Signing("ML-DSA-87", ""),
}
