"""What the readers of port tries share: echoed commands, runs between them, and the system's words for a failure."""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple, Protocol

from expdiag import statistics
from expdiag.intake.member import Member
from expdiag.intake.prompts import prompt
from expdiag.intake.reading import Harvest, lines, whole_number
from expdiag.intake.secrets import MASK
from expdiag.tables import Reachability, RoundTrip

_MAX_COMMAND = 4000
_PROMPT_SIGNS = "#$%>"
# + nc -zv 10.0.0.2 4371      p1: openssl s_client -connect 10.0.0.2:4371      nc -zv 10.0.0.2 4371
_BARE = re.compile(
    r"^(?:\+ |(?P<host>[A-Za-z][\w.-]{0,80}): )?(?P<command>(?:(?:sudo|time|timeout(?: -\S+ \S+)? \S+) )*"
    r"(?:nc(?:\.\w+)?|netcat|ncat|openssl s_client|curl|telnet|nmap|ss|tnc|Test-NetConnection) \S.*)$",
    re.A,
)
_PIPED = re.compile(r"(?:\(?(?:echo|printf|sleep)\b[^|]{0,40}\| ?)")
_TIMEOUT = re.compile(r"\btimeout(?: -{1,2}\S+(?: [A-Z]+)?)* [0-9.]+[smh]? (?=\w)", re.A)
_BEFORE_TOOL = re.compile(r"^(?:(?:sudo|time|timeout(?: -\S+ \S+)? \S+|winpty) )+")
_PATH = re.compile(r"^\S*/(?=\w)")
# Each word of the system for a connection that failed, most telling first
_FAILURES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (state, re.compile(words, re.I))
    for state, words in (
        (
            "unresolved",
            r"not known|name resolution|resolve|nodename nor|no address assoc|unknown host|host lookup|lookup failure"
            r"|bad address|host not found|no such host",
        ),
        ("prohibited", r"permission denied|operation not permitted|prohibited"),
        ("refused", r"refused"),
        ("unreachable", r"no route to host|unreachable|host is down"),
        ("filtered", r"time(?:d)?[ -]?out"),
    )
)
# curl -u admin:word -H "Authorization: …"      openssl s_client -psk 1a2b -pass pass:word
_WORD = r"(?:\"[^\"]*\"|'[^']*'|\S+)"
_PASSWORD = re.compile(rf"((?<!\S)-(?:psk|pass|proxy_pass|srppass) ){_WORD}", re.A)
_CURL_PASSWORD = re.compile(
    r"((?<!\S)(?:-[uUHbE] ?|--(?:user|proxy-user|header|cookie|cert|pass|oauth2-bearer)[= ]))" + _WORD, re.A
)
_PORT_NAME = re.compile(r"\b(?:ssl/)?l2c-(?:control|data)\b\??")


@dataclass(frozen=True)
class Command:
    """A command as it was echoed on a line; `host` is the machine its prompt names, empty where none does."""

    host: str
    words: tuple[str, ...]
    number: int = 0
    line: str = ""

    @property
    def tool(self) -> str:
        """Name of the program, `openssl s_client` of its part."""
        first = _PATH.sub("", self.words[0]).lower() if self.words else ""
        return "openssl s_client" if first == "openssl" and "s_client" in self.words[1:2] else first

    def option(self, *names: str) -> str:
        """Return the value of the first of these options that is there, empty otherwise; `-w5` is `-w 5`."""
        for place, word in enumerate(self.words):
            if word in names:
                return self.words[place + 1] if place + 1 < len(self.words) else ""
            for name in names:
                if len(name) == 2 and word.startswith(name) and word[2:].isdigit():
                    return word[2:]
        return ""


NONE = Command("", ())
CUT = "the command is the last line; what it printed is not here"


class Run(Protocol):
    """What one command printed, taken line by line."""

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it was understood."""

    def finish(self, ended: bool) -> None:
        """Add the rows; `ended` where something follows that shows that the command had ended."""


class Tool(NamedTuple):
    """A program whose output is read.

    Attributes:
        names: how its commands begin.
        claims: given the first lines of a text, how many of them look like its output.
        start: begins a run, given the command that was echoed, `NONE` where none was.
    """

    names: tuple[str, ...]
    claims: Callable[[list[str]], int]
    start: Callable[[Harvest, Command], Run]


def read_runs(member: Member, harvest: Harvest, tools: Sequence[Tool], first: Tool) -> None:
    """Read a session: each echoed command begins a run of its own.

    Args:
        member: the file.
        harvest: takes rows and issues.
        tools: programs whose output can be read; the command of another one ends a run, too.
        first: the one whose output stands before any command, or after a command of another.
    """
    run = first.start(harvest, NONE)
    for number, line in lines(member, harvest):
        if not line.strip():
            continue
        command = echoed(line)
        if command is not None:
            run.finish(ended=True)
            tool = next((tool for tool in tools if tool.names and command.tool.startswith(tool.names)), None)
            command = replace(command if tool else NONE, number=number, line=quotable(line))
            run = (tool or first).start(harvest, command)
        elif not run.take(number, line):
            harvest.issue("unrecognised", quotable(line), number)
    run.finish(ended=False)


@lru_cache(1024)  # each tool asks for each of the first lines
def echoed(line: str) -> Command | None:
    """Return the command a line echoes, one without words for a bare prompt, None for any other line."""
    if len(line) > _MAX_COMMAND or line.startswith(("telnet>", "# Nmap ")):
        return None
    plain = _TIMEOUT.sub("", _PIPED.sub("", line, count=1), count=1)
    if any(sign in plain for sign in _PROMPT_SIGNS) and (shown := prompt(plain)):
        return Command(shown.host, _split(shown.command))
    bare = _BARE.match(plain)
    return Command(bare["host"] or "", _split(bare["command"])) if bare else None


def _split(command: str) -> tuple[str, ...]:
    command = _BEFORE_TOOL.sub("", command)
    try:
        return tuple(shlex.split(command))
    except ValueError:  # a quote without its end
        return tuple(command.split())


def is_command(line: str, *tools: str) -> bool:
    """Whether a line echoes one of these tools."""
    command = echoed(line)
    return command is not None and command.tool.startswith(tools)


def failure(words: str, waited: float | None = None) -> str:
    """Return the state of a connection that failed with these words.

    A wait of a second or less is one packet without an answer, which is no silence yet: the system reports what a
    router says only when it sends the second one.
    """
    state = next((state for state, pattern in _FAILURES if pattern.search(words)), "not-open")
    return "not-open" if state == "filtered" and waited is not None and waited <= 1.1 else state


def reached(
    harvest: Harvest,
    source: int,
    tool: str,
    state: str,
    *,
    target: str,
    address: str = "",
    port: int | None,
    vantage: str = "",
    transport: str = "tcp",
    said_by: str = "",
    detail: str = "",
) -> Reachability:
    """Return a row of `reachability`; a target that is an address needs no other."""
    return Reachability(
        vantage=harvest.vantage or vantage,
        target=target or address,
        address=address or (target if is_address(target) else ""),
        port=port,
        transport=transport,
        state=state,
        said_by=said_by,
        tool=tool,
        rtt=None,
        time=None,
        detail=detail,
        source=source,
    )


def round_trip(
    harvest: Harvest,
    source: int,
    tool: str,
    method: str,
    *,
    address: str,
    target: str = "",
    port: int | None = None,
    vantage: str = "",
    sent: int | None = None,
    answered: int = 0,
    shortest: float | None = None,
    longest: float | None = None,
    mean: float | None = None,
    deviation: float | None = None,
) -> RoundTrip:
    """Return a row of `round_trips` of which only these figures are known; times in milliseconds."""
    low, high = statistics.wilson(sent - answered, sent) if sent else (None, None)
    return RoundTrip(
        vantage=harvest.vantage or vantage,
        target=target or address,
        address=address,
        method=method,
        tool=tool,
        port=port,
        sent=sent,
        answered=answered,
        loss=(sent - answered) / sent if sent else None,
        loss_low=low,
        loss_high=high,
        min=shortest,
        median=None,
        p95=None,
        max=longest,
        mean=mean,
        deviation=deviation,
        jitter=None,
        first_time=None,
        last_time=None,
        complete=True,
        p95_line=None,
        source=source,
    )


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def port_number(text: str | None) -> int | None:
    """Return a port from 1 to 65535, None for any other text."""
    number = whole_number(text)
    return number if number is not None and 0 < number <= 65535 else None


def host_and_port(text: str) -> tuple[str, int | None]:
    """Part `e1:4371`, `[fd00::1]:4371` or a host alone."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        return text.strip("[]"), None
    return host.strip("[]"), port_number(port)


def seconds(text: str) -> float | None:
    """Return a wait in seconds, None where the text is no plain number."""
    return float(text) if re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,6})?", text, re.A) else None


def whole_wait(milliseconds: str | None) -> float | None:
    """Return a wait in seconds, of a text of milliseconds; None where there is none."""
    number = whole_number(milliseconds)
    return None if number is None else number / 1000


def quotable(line: str) -> str:
    """Return a line without the names that tables of services give 4371 and 4372, and without passwords of commands."""
    secret = _CURL_PASSWORD if "curl" in line else _PASSWORD
    return secret.sub(rf"\g<1>{MASK}", _PORT_NAME.sub("", line))
