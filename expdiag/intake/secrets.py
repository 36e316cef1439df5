"""What may never leave the evidence: passwords, enciphered values, the licence part of option keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MASK = "‹secret›"

# Words of a path that name a secret by themselves, wherever they stand
_SECRET_WORDS = frozenset(
    {
        *("password", "passwd", "pwd", "pass", "passphrase", "secret", "token", "credential", "credentials", "pin"),
        *("community", "communityname", "apikey", "authkey", "privatekey", "sharedsecret", "presharedkey", "psk"),
        *("accesskey", "releasekey", "bindpw", "cookie"),
    }
)
# Ends of a last word that name one: BindPassword, idtoken
_SECRET_ENDS = ("password", "passphrase", "secret", "token", "privatekey", "communityname", "releasekey", "apikey")
# Parts of a last word that name one: password_hash, snmp_community
_SECRET_PARTS = ("passwordhash", "passwords", "snmpcommunity", "sharedkey")
_NUMBER = re.compile(r"[0-9_-]+")
_CIPHER = re.compile(r"\{cipher\}[^\s\"']*", re.I)
_OPTION_KEY = re.compile(r"\b(\w{8,}-\d+-)[0-9A-Fa-f]{8}\b")
_NAMED_SECRET = re.compile(
    r"(?i)\b((?:\w*password|passwd|pwd|passphrase|\w*secret|\w*token|\w*community(?:\s?name)?|pin|\w*credentials?"
    r"|\w*(?:shared|access|private|api)[ _-]?key|psk)\b[\"']?\s*[:=]\s*)"
    r"(?:\"[^\"]*\"|'[^']*'|(?!‹)\S.*)"
)
# What openssl prints of a session:     Master-Key: CC28129A…        Resumption PSK: 1F…        0010 - ba 6b 6f 50 33 6f
_SESSION_SECRET = re.compile(
    r"(?i)\b((?:master-key|resumption psk|psk)\s*:\s*)(?!none\b)\S.*|^(\s*[0-9a-f]{4} - )(?:[0-9a-f]{2}[ -]){2,}.*"
)
# Cheap signs that the patterns above are worth trying
_HINTS = (
    "passw",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "community",
    "credential",
    "psk",
    "pin=",
    "key=",
    "key:",
    "key =",
)
_KEY_BLOCK = "private key-----"
# https://admin:hunter2@host/
_IN_ADDRESS = re.compile(r"(://[^/\s:@\"']+:)[^@\s/\"']+(?=@)")
_LICENCE = re.compile(r"-\d+-[0-9A-Fa-f]{8}\b")


def names_a_secret(path: str) -> bool:
    """Whether a path is that of a secret. An option key is none: it names a feature, only its tail is a licence."""
    words = [plain for word in path.lower().split() if (plain := _NUMBER.sub("", word))]
    if not words:
        return False
    if words[-1] == "key":
        return words[0] not in ("option", "provisioning/optionkey") and words[:2] != ["options", "option"]
    last = words[-1]
    named = last.endswith(_SECRET_ENDS) or any(part in last for part in _SECRET_PARTS)
    return named or not _SECRET_WORDS.isdisjoint(words)


def mask(path: str, value: str) -> str:
    """Return a setting's value as it may be shown."""
    if not value:
        return value
    if names_a_secret(path) or "{cipher}" in value.lower() or _KEY_BLOCK in value.lower():
        return MASK
    return scrub(value) if ":" in value or "=" in value or "-" in value else value


def masks(paths: Sequence[str], values: Sequence[str], secret: Iterable[int]) -> dict[int, str]:
    """Return how those of many values may be shown that may not be shown as they are, by their number.

    Args:
        paths: paths of the settings.
        values: their values.
        secret: numbers of those whose path names a secret.
    """
    hidden = {number: MASK for number in secret if values[number]}
    if hidden:
        values = [*values]
        for number in hidden:
            values[number] = ""
    if _may_hold_a_secret("\n".join(values)):
        for number, (path, value) in enumerate(zip(paths, values, strict=True)):
            if (masked := mask(path, value)) != value:
                hidden[number] = masked
    return hidden


def _may_hold_a_secret(text: str) -> bool:
    """Whether `mask` could change any value in a text of many, whatever the path; cheap and never wrongly False."""
    lower = text.lower()
    signs = ("{cipher}", _KEY_BLOCK, "://", *_HINTS)
    return any(sign in lower for sign in signs) or _LICENCE.search(text) is not None


def scrub(text: str) -> str:
    """Return a line of which nothing is known as it may be shown."""
    if not text:
        return text
    lower = text.lower()
    if "{cipher}" in lower:
        text = _CIPHER.sub(MASK, text)
    if any(hint in lower for hint in _HINTS):
        text = _NAMED_SECRET.sub(rf"\1{MASK}", text)
    if "://" in lower:
        text = _IN_ADDRESS.sub(rf"\1{MASK}", text)
    if "master-key" in lower or "psk" in lower or " - " in lower[:20]:
        text = _SESSION_SECRET.sub(lambda found: f"{found[1] or found[2]}{MASK}", text)
    return _OPTION_KEY.sub(r"\1********", text) if _LICENCE.search(text) else text


def bare_secrets(line: str) -> str:
    """Return a line nobody understood without what may be a secret there: the words after a word for one."""
    return _BARE.sub(rf"\1 {MASK}", line)


_BARE = re.compile(r"(?i)(\b\w*(?:password|passwd|passphrase|secret|psk|community)\b)\s+(?!‹)[^\s:=].*")
