"""Tries of `nc -zv`: OpenBSD's, the traditional one, ncat, busybox and that of macOS."""

from __future__ import annotations

import re

from expdiag.intake.ports.session import (
    CUT,
    Command,
    Tool,
    failure,
    is_command,
    port_number,
    quotable,
    reached,
    seconds,
)
from expdiag.intake.reading import Harvest

_TOOLS = ("nc", "netcat")
_HOST = r"(?P<target>[^\s()\[\]:]\S{0,255}?)"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (tool, re.compile(form, re.A))
    for tool, form in (
        # Connection to expc02 (10.77.2.10) 4371 port [tcp/*] succeeded!      macOS: to 10.77.2.10 port 4371 [tcp/*]
        (
            "nc",
            rf"^Connection to {_HOST}(?: \((?P<address>[^\s()]+)\))? (?:port )?(?P<port>[0-9]+)(?: port)? "
            r"\[(?P<transport>tcp|udp)/[^\]]*\] (?P<open>succeeded)!$",
        ),
        # nc: connect to expc02 (10.77.9.2) port 4372 (tcp) failed: Connection refused
        (
            "nc",
            rf"^nc(?:\.\w+)?: connectx? to {_HOST}(?: \((?P<address>[^\s()]+)\))? port (?P<port>[0-9]+) "
            r"\((?P<transport>tcp|udp)\) (?:failed: )?(?P<words>.+)$",
        ),
        # nc: getaddrinfo for host "nosuch" port 4371: Name or service not known
        ("nc", r'^nc(?:\.\w+)?: getaddrinfo for host "(?P<target>[^"]+)" port (?P<port>[0-9]+): (?P<words>.+)$'),
        # nc: can't connect to remote host (10.0.0.1): Connection refused
        ("nc", r"^nc: can't connect to remote host \((?P<address>[^\s()]+)\): (?P<words>.+)$"),
        ("nc", r"^nc: bad address '(?P<target>[^']+)'(?P<words>)$"),
        # expc02.lab.test [10.77.2.10] 4371 (?) open        (UNKNOWN) [10.77.9.2] 4372 (?) : Connection refused
        (
            "nc",
            r"^(?:\(UNKNOWN\)|(?P<target>[^\s\[(]+)) \[(?P<address>[^\]\s]+)\] (?P<port>[0-9]+) \([^)]*\) "
            r"(?:(?P<open>open)|: (?P<words>.+))$",
        ),
        # nosuch.lab.test: forward host lookup failed: Unknown host
        ("nc", r"^(?P<target>[^\s:]+): (?P<words>forward host lookup failed: .+)$"),
        # 10.77.2.10 (10.77.2.10:4371) open
        ("nc", r"^(?P<target>[^\s(]+) \((?P<address>[^\s()]+):(?P<port>[0-9]+)\) (?P<open>open)$"),
        # Ncat: Connected to 10.77.2.10:4371.
        ("ncat", r"^Ncat: (?P<open>Connected) to (?P<address>\S+):(?P<port>[0-9]+)\.$"),
        # Ncat: Connection to 10.77.9.2 failed: Connection refused.
        ("ncat", r"^Ncat: Connection to (?P<address>\S+) failed: (?P<words>.+)$"),
        # Ncat: Could not resolve hostname "nosuch": Name or service not known. QUITTING.
        ("ncat", r'^Ncat: (?P<words>Could not resolve hostname "(?P<target>[^"]+)": .+)$'),
        # Ncat: Connection refused.     Ncat: TIMEOUT.     Ncat: No route to host.
        (
            "ncat",
            r"^Ncat: (?P<words>Connection (?:refused|timed out)|TIMEOUT|[\w ]* unreachable|No route to host)\.?$",
        ),
    )
)
_DECORATION = re.compile(
    r"^(?:Ncat: Version |Ncat: [0-9]+ bytes sent, |Ncat: Trying next address|Ncat: UDP packet sent successfully|"
    r"[^\s:]+: inverse host lookup failed: |DNS fwd/rev mismatch: | ?sent [0-9]+, rcvd [0-9]+|"
    r"found [0-9]+ (?:connections?|associations?)|"
    r"\s+(?:[0-9]+:\tflags=|outif |src |dst |rank info |TCP aux info )|\^C)",
    re.A,
)


_SHELL = re.compile(r"[0-9]?[<>|;&]")


class _Tries:
    def __init__(self, harvest: Harvest, command: Command) -> None:
        self._harvest, self._command = harvest, command
        self._udp = any(re.fullmatch(r"-\w*u\w*|--udp", word, re.A) for word in command.words)
        self._target, self._port = _asked(command)
        self._rows = 0
        self._interrupted = False

    def take(self, number: int, line: str) -> bool:
        """Take a line; each try is a row."""
        self._interrupted |= line.startswith("^C")
        for tool, form in _FORMS:
            if found := form.match(line.rstrip()):
                self._add(tool, found.groupdict(), number, line)
                return True
        return _DECORATION.match(line) is not None

    def _add(self, tool: str, found: dict[str, str | None], number: int, line: str) -> None:
        transport = found.get("transport") or ("udp" if self._udp else "tcp")
        words = found.get("words")
        if found.get("open"):
            state = "open-or-filtered" if transport == "udp" else "open"
        else:
            state = failure(words or "bad address", seconds(self._command.option("-w", "--wait")))
        self._rows += 1
        self._harvest.add(
            reached(
                self._harvest,
                self._harvest.note(number, quotable(line)),
                tool,
                state,
                target=found.get("target") or (self._target if self._target else found.get("address") or ""),
                address=found.get("address") or "",
                port=port_number(found.get("port")) or self._port,
                vantage=self._command.host,
                transport=transport,
                detail=(words or "").rstrip("."),
            )
        )

    def finish(self, ended: bool) -> None:
        """A command that printed nothing before it ended met silence, if it was one try on tcp."""
        if self._rows or not self._command.words:
            return
        if not (ended or self._interrupted):
            self._harvest.issue("truncated", CUT, self._command.number)
        elif self._udp or self._port is None or not any(re.match(r"-\w*v", word) for word in self._command.words):
            self._harvest.issue("empty", "the command printed nothing", self._command.number)
        else:
            self._harvest.add(
                reached(
                    self._harvest,
                    self._harvest.note(self._command.number, self._command.line),
                    self._command.tool,
                    "filtered" if self._interrupted else "not-open",
                    target=self._target,
                    port=self._port,
                    vantage=self._command.host,
                    detail="nothing was printed",
                )
            )


def _asked(command: Command) -> tuple[str, int | None]:
    """Return host and port of `nc -zv -w 3 HOST PORT`; a range of ports has no port of its own."""
    plain: list[str] = []
    skip = False
    for word in command.words[1:]:
        if _SHELL.match(word):
            break
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in ("-w", "-i", "-s", "-p", "-X", "-x", "-T", "-I", "-O", "--wait", "--source", "--source-port")
        else:
            plain.append(word)
    host = plain[0] if plain else ""
    return host, port_number(plain[1]) if len(plain) > 1 else None


def claims(first: list[str]) -> int:
    """Count the lines that look like this."""
    return sum(1 for line in first if is_command(line, *_TOOLS) or any(form.match(line.rstrip()) for _, form in _FORMS))


TOOL = Tool(("nc", "netcat"), claims, _Tries)
