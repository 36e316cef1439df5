"""Lines that say that a server did not answer. Tools print them before the question, and before their own banner."""

from __future__ import annotations

import re

from expdiag.intake.names.session import Session

_ERROR_OF = (
    ("timed out", "TIMEOUT"),
    ("refused", "CONNECTION-REFUSED"),
    ("end of file", "CONNECTION-CLOSED"),
    ("reset", "CONNECTION-CLOSED"),
)
# ;; communications error to 10.77.2.99#53: timed out
_COMMUNICATION = re.compile(r"^;; communications error(?: to (?P<server>[^\s#]+)#[0-9]+)?: (?P<what>.+)$", re.A)
# ;; Connection to 10.0.0.1#53(10.0.0.1) for x failed: connection refused.
# ;; UDP setup with 10.0.0.1#53(10.0.0.1) for x failed: network unreachable.
_SETUP = re.compile(
    r"^;; (?P<how>Connection to|UDP setup with) (?P<server>[^\s#]+)#[^:]*? for (?P<name>[^\s:]+) failed: (?P<what>.+)$"
)
# ;; Got SERVFAIL reply from 10.0.0.1, trying next server
_REPLY = re.compile(
    r"^;; Got (?P<status>[A-Z]+) reply from (?P<server>[^\s,#]+)(?:#[0-9]+)?(?:, trying next server)?$", re.A
)
_BAD = re.compile(r"^;; Got bad packet: .+$|^;; Connection to .* timed out.*$")
_GAVE_UP = re.compile(r"^;; (?P<timeout>connection timed out; )?no servers could be reached$")
# dig: couldn't get address for 'ns.lab.test': not found
_NO_SERVER = re.compile(r"^(?:dig|host|nslookup|;;)?:? ?couldn't get address for '(?P<server>[^']*)': .+$")

_IN_TCP = re.compile(r"^;; Truncated, retrying in TCP mode\.?$")


def looks_like(line: str) -> bool:
    """Whether a line says that a server did not answer."""
    return any(pattern.match(line) for pattern in (_COMMUNICATION, _SETUP, _REPLY, _GAVE_UP, _IN_TCP))


def status_of(what: str) -> str:
    """Return the status for what the operating system said of a server."""
    return next((status for words, status in _ERROR_OF if words in what), "UNREACHABLE")


def take(session: Session, number: int, line: str) -> bool:
    """Take a line that says that a server did not answer; return whether it is one."""
    if found := _COMMUNICATION.match(line):
        session.failed(found["server"] or session.question.server, status_of(found["what"]), number, line)
    elif found := _SETUP.match(line):
        transport = "udp" if found["how"].startswith("UDP") else "tcp"
        session.failed(found["server"], status_of(found["what"]), number, line, transport, found["name"])
    elif found := _REPLY.match(line):
        session.failed(found["server"], found["status"], number, line)
    elif _BAD.match(line):
        session.failed(session.question.server, "MALFORMED" if "bad packet" in line else "TIMEOUT", number, line)
    elif found := _GAVE_UP.match(line):
        session.gave_up("TIMEOUT" if found["timeout"] else "UNREACHABLE", number, line)
    elif found := _NO_SERVER.match(line):
        session.gave_up("UNREACHABLE", number, line)
    elif _IN_TCP.match(line):
        session.retries_in_tcp()
    else:
        return False
    return True
