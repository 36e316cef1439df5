"""What may never leave the evidence: passwords, enciphered values, the licence part of option keys."""

from __future__ import annotations

import re

MASK = "‹secret›"

_SECRET_WORD = re.compile(r"(password|passphrase|communityname|sharedsecret|presharedkey|accesskey|releasekey)$")
_CIPHER = re.compile(r"\{cipher\}\S*")
_OPTION_KEY = re.compile(r"\b(\w{8,}-\d+-)[0-9A-Fa-f]{8}\b")
_NAMED_SECRET = re.compile(
    r"(?i)\b((?:\w*password|passphrase|secret|community\s?name)\b\"?\s*[:=]\s*)(?!‹)\"?[^\s\"]+\"?"
)


def mask(path: str, value: str) -> str:
    """Return a setting's value as it may be shown; an option key keeps the part that names the feature."""
    if not value:
        return value
    last_word = path.rpartition(" ")[2].lower()
    if _SECRET_WORD.search(last_word) or value.startswith("{cipher}"):
        return MASK
    return _OPTION_KEY.sub(r"\1********", value)


def scrub(text: str) -> str:
    """Return a line of which nothing is known as it may be shown."""
    if "{cipher}" in text:
        text = _CIPHER.sub(MASK, text)
    return _OPTION_KEY.sub(r"\1********", _NAMED_SECRET.sub(rf"\1{MASK}", text))
