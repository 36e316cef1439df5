"""The lines `openssl s_client` prints, and what each says of a handshake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from expdiag.intake.ports import alerts
from expdiag.intake.ports.session import failure, is_address
from expdiag.intake.reading import whole_number

_N = r"[0-9]{1,9}"
# 4007…:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:../ssl/…:1602:SSL alert number 40
_ERROR = re.compile(r"^(?:[0-9A-Fa-f]{1,20}:)?error:[0-9A-Fa-f]{1,8}:(?P<words>.{1,2000})$", re.A)
_ALERT_NUMBER = re.compile(rf"SSL alert number (?P<number>{_N})\s*$", re.A)
# connect:errno=111      connect: Connection refused      getaddrinfo: Name or service not known
_CONNECT = re.compile(
    rf"^(?:connect:errno=(?P<errno>{_N})|connect: (?P<words>.+)|(?P<lookup>getaddrinfo: .+|gethostbyname failure))$",
    re.A,
)
_BROKEN = re.compile(rf"^(?:read|write):errno=(?P<errno>{_N})\s*$", re.A)
_CONNECTED = re.compile(r"^CONNECTED\([0-9A-Fa-f]+\)", re.A)
_CONNECTING = re.compile(r"^Connecting to (?P<address>\S+)$")
_VERIFY_ERROR = re.compile(rf"^verify error:num=(?P<code>{_N}):(?P<text>.+)$", re.A)
_VERIFY = re.compile(rf"^\s*Verify return code: (?P<code>{_N}) \((?P<text>.+)\)$", re.A)
_VERIFICATION = re.compile(r"^Verification(?P<error> error)?: (?P<text>.+)$")
# New, TLSv1.2, Cipher is ECDHE-RSA-AES256-GCM-SHA384      old ones: New, TLSv1/SSLv3, Cipher is AES256-SHA
_AGREED = re.compile(r"^(?:New|Reused), (?P<version>[^,]{1,40}), Cipher is (?P<cipher>\S{1,80})$")
_VERSION = re.compile(r"^(?:\s*Protocol *|Protocol version): (?P<version>\S{1,20})$")
_CIPHER = re.compile(r"^(?:\s*Cipher *|Ciphersuite): (?P<cipher>\S{1,80})$")
_START = re.compile(r"^\s*Start Time: (?P<time>[0-9]{1,11})$", re.A)
_ASKED = re.compile(
    r"^(?:Acceptable client certificate CA names|Client Certificate Types: |Requested Signature Algorithms: )"
)
_END_OF_NAMES = re.compile(r"^(?:---|[A-Z][\w ]+:)")
_NO_NAMES = "No client certificate CA names sent"
_CONNECT_ERRORS = ("bio_connect", "bio_lookup", "system library:connect")
_BEFORE = ("depth=", "Can't use SSL_get_servername", "Connecting to ")
_DECORATION = re.compile(
    r"^(?:---|depth=[0-9]|Can't use SSL_get_servername|verify return:|not(?:Before|After)=|issuer= ?|subject= ?|"
    r" *[0-9]+ s:|   [iav]:|Certificate chain$|Server certificate$|"
    r"SSL handshake has read |New, \(NONE\)|Server public key is |Secure Renegotiation |Compression: |Expansion: |"
    r"(?:No )?ALPN |Early data |SSL-Session:|Shared (?:Requested )?|Peer |Server Temp Key|Negotiated |"
    r"Verified peername: |CONNECTION |Protocol|Ciphersuite|Hash used: |Signature type: |Supported |"
    r"DONE$|closed$|RENEGOTIATING|Q$|read R BLOCK|Post-Handshake |Max Early Data|Next protocol|SRTP |"
    r"OCSP response|SCTs present|Warning: |Using default |drop connection|\^C|unable to |WARNING: can't open config|"
    r"Session-ID|Keying material|Server did|This TLS version |DTLS|Cipher|\+{4}|Extended master)|"
    r"^ +(?:Protocol|Cipher|Session-ID|Session-ID-ctx|Master-Key|Resumption PSK|PSK identity(?: hint)?|SRP username|"
    r"Key-Arg|Krb5 Principal|TLS session ticket|TLS session ticket lifetime hint|Start Time|Timeout|Verify return code|"
    r"Extended master secret|Max Early Data|Compression)\b|"
    r"^ +[0-9a-f]{4} - (?:[0-9a-f]{2}[ -]){1,16}|^ +[0-9a-f]{4} - <SPACES",
    re.A,
)
SECRET = re.compile(r"(?i)(?:master-key|psk|ticket|session-id)\b.*|\b[0-9a-f]{24,}\b|(?:\b[0-9a-f]{2}[ -]){6,}.*")
_ERRNOS = {
    state: frozenset(numbers)
    for state, numbers in {
        "refused": (111, 61, 10061),
        "filtered": (110, 60, 10060),
        "unreachable": (113, 101, 65, 51, 112, 64, 10065, 10051),
        "prohibited": (13, 1, 10013),
    }.items()
}
_RESETS = frozenset({104, 54, 10054, 32})


@dataclass
class Handshake:
    """What was read of one run; `number` and `line` quote the line that says most of how it ended."""

    number: int = 0
    line: str = ""
    address: str = ""
    seen: bool = False
    connected: bool = False
    failed: str = ""
    failed_words: str = ""
    version: str = ""
    cipher: str = ""
    alert: str = ""
    alert_from: str = ""
    errno: bool = False
    broken: str = ""
    verify_code: int | None = None
    verify_text: str = ""
    unverified: bool = False
    asked: bool = False
    names_done: bool = False
    in_names: bool = False
    reported: bool = False
    interrupted: bool = False
    time: datetime | None = None

    @property
    def agreed(self) -> bool:
        """A version and a cipher were agreed on."""
        return bool(self.cipher)


def understood(now: Handshake, number: int, line: str) -> bool:
    """Let a line change what is known of a handshake; return whether it is one that s_client prints."""
    if now.in_names and not _END_OF_NAMES.match(line):
        return True  # the name of an authority the server accepts
    now.in_names = False
    for form, take in _TAKES:
        if found := form.match(line):
            now.seen = True
            take(now, found)
            if form in _TELLING or not now.line:
                now.number, now.line = number, line
            return True
    if line == _NO_NAMES:
        now.names_done = now.seen = True
        return True
    now.interrupted |= line.startswith("^C")
    known = _DECORATION.match(line) is not None
    now.seen |= known and not now.interrupted
    return known


def begins_again(now: Handshake, line: str) -> bool:
    """Whether a line can only be of the next run: what is printed first, after what is printed last."""
    is_connected = _CONNECTED.match(line) is not None
    over = now.reported or bool(now.failed)
    if is_connected:
        return now.connected or over
    if over and line.startswith(_BEFORE):
        return True
    if fails := _CONNECT.match(line):
        return now.reported or (now.errno if fails["errno"] else over)
    return over and _is_connect_error(line)


def _is_connect_error(line: str) -> bool:
    return _ERROR.match(line) is not None and any(sign in line.lower() for sign in _CONNECT_ERRORS)


def is_decoration(line: str) -> bool:
    """Whether a line is known and says nothing of a handshake."""
    return _DECORATION.match(line) is not None


def _take_error(now: Handshake, found: re.Match[str]) -> None:
    words = found["words"]
    lower = words.lower()
    if number := _ALERT_NUMBER.search(words):
        now.alert, now.alert_from = alerts.by_number(int(number["number"])), "server"
    elif alert := alerts.in_words(words):
        now.alert, now.alert_from = alert, "server"
    elif any(sign in lower for sign in _CONNECT_ERRORS):
        now.failed_words = now.failed_words or _reason(words)
    elif "unexpected eof" in lower:
        now.broken = "closed"
    elif any(
        sign in lower for sign in ("certificate verify failed", "wrong version", "unsupported protocol", "dh key too")
    ):
        now.alert_from = now.alert_from or "client"
        now.verify_text = now.verify_text or ("" if "verify failed" in lower else _reason(words))


def _reason(words: str) -> str:
    """Return the words of an error that say why: `BIO_connect:Connection refused:../crypto/…` is a refusal."""
    parts = words.split(":")
    state = next((part for part in parts if failure(part) != "not-open"), "")
    return state or (parts[2] if len(parts) > 2 else "")


def _take_connect(now: Handshake, found: re.Match[str]) -> None:
    if found["errno"]:
        errno = whole_number(found["errno"])
        now.errno = True
        now.failed_words = now.failed_words or f"errno {errno}"
        known = next((state for state, numbers in _ERRNOS.items() if errno in numbers), "")
        now.failed = now.failed or known or failure(now.failed_words)
    else:
        now.failed_words = found["words"] or found["lookup"] or now.failed_words
        now.failed = "unresolved" if found["lookup"] else failure(now.failed_words)


def _take_broken(now: Handshake, found: re.Match[str]) -> None:
    now.broken = "reset" if int(found["errno"]) in _RESETS else "closed"


def _take_no_certificate(now: Handshake, _: re.Match[str]) -> None:
    now.unverified = True


def _take_connected(now: Handshake, _: re.Match[str]) -> None:
    now.connected = True


def _take_connecting(now: Handshake, found: re.Match[str]) -> None:
    now.address = found["address"] if is_address(found["address"]) else ""


def _take_verify_error(now: Handshake, found: re.Match[str]) -> None:
    if now.verify_code in (None, 0):
        now.verify_code, now.verify_text = int(found["code"]), found["text"]


def _take_verify(now: Handshake, found: re.Match[str]) -> None:
    now.verify_code, now.verify_text, now.reported = int(found["code"]), found["text"], True


def _take_verification(now: Handshake, found: re.Match[str]) -> None:
    if now.version and now.cipher:  # `-brief` names them before, and prints no code when all is well
        now.reported = True
    if not found["error"]:
        now.verify_code = 0
    now.verify_text = found["text"]


def _take_agreed(now: Handshake, found: re.Match[str]) -> None:
    if found["cipher"] != "(NONE)":
        now.cipher = found["cipher"]
        now.version = now.version if "/" in found["version"] else _version(found["version"])


def _take_version(now: Handshake, found: re.Match[str]) -> None:
    now.version = _version(found["version"])


def _take_cipher(now: Handshake, found: re.Match[str]) -> None:
    if found["cipher"] not in ("0000", "(NONE)"):
        now.cipher = found["cipher"]


def _take_start(now: Handshake, found: re.Match[str]) -> None:
    try:
        now.time = datetime.fromtimestamp(int(found["time"]), UTC)
    except (OverflowError, OSError, ValueError):
        now.time = None


def _take_asked(now: Handshake, found: re.Match[str]) -> None:
    now.asked = now.names_done = True
    now.in_names = found[0].startswith("Acceptable")


def _version(text: str) -> str:
    return "TLSv1.0" if text == "TLSv1" else text


_TAKES = (
    (_ERROR, _take_error),
    (_CONNECT, _take_connect),
    (_BROKEN, _take_broken),
    (_CONNECTED, _take_connected),
    (re.compile("^(?:CONNECTION ESTABLISHED)$"), _take_connected),
    (_CONNECTING, _take_connecting),
    (re.compile("^no peer certificate available$"), _take_no_certificate),
    (_VERIFY_ERROR, _take_verify_error),
    (_VERIFY, _take_verify),
    (_VERIFICATION, _take_verification),
    (_AGREED, _take_agreed),
    (_VERSION, _take_version),
    (_CIPHER, _take_cipher),
    (_START, _take_start),
    (_ASKED, _take_asked),
)
_TELLING = (_ERROR, _CONNECT, _BROKEN, _CONNECTED, _VERIFY, _AGREED)
