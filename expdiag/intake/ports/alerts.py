"""Names of TLS alerts: by number (RFC 8446, RFC 5246), and as OpenSSL words them."""

from __future__ import annotations

import re

_NAMES = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}
_KNOWN = frozenset(_NAMES.values())
# sslv3 alert bad certificate        tlsv13 alert certificate required        TLSv1.3 (OUT), TLS alert, unknown CA (560)
_WORDS = re.compile(r"\b(?:(?:sslv3|tlsv1[0-3]?|tls) alert,? )(?P<name>[A-Za-z][A-Za-z ]{2,40}[A-Za-z])", re.I | re.A)


def by_number(number: int) -> str:
    """Return the name of an alert, `alert_99` where the number is not assigned."""
    return _NAMES.get(number, f"alert_{number}")


def in_words(text: str) -> str:
    """Return the alert OpenSSL names in a text, empty where it names none."""
    found = _WORDS.search(text)
    name = found["name"].lower().replace(" ", "_") if found else ""
    return next((known for known in (name, name.removesuffix("_error")) if known in _KNOWN), "")
