"""Command lines of path tracers: what was sent, to which port, how far. Their output seldom says so itself."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from expdiag.intake.reading import whole_number


class Command(NamedTuple):
    """A path tracer as it was called; a text is empty and a number None where the line does not tell.

    Attributes:
        tool: name of the program.
        target: what it was given.
        method: `icmp`, `udp`, `tcp-syn` or `sctp`.
        port: port that every probe goes to.
        max_hops: most hops it would try.
    """

    tool: str
    target: str
    method: str
    port: int | None
    max_hops: int | None


@dataclass(frozen=True, slots=True)
class _Tool:
    """Options of a program: which take a value, which choose a method, and the port a method has by itself."""

    valued: frozenset[str]
    method: str
    methods: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    port: str = ""
    hops: str = ""


_NAMED = {"tcp": "tcp-syn", "icmp": "icmp", "udp": "udp", "tcp-syn": "tcp-syn"}
_LINUX = _Tool(
    frozenset({*"fgimNpstwqlzPMO", "--port", "--max-hops", "--queries", "--wait", "--module", "--sim-queries"}),
    "udp",
    {"T": "tcp-syn", "--tcp": "tcp-syn", "I": "icmp", "--icmp": "icmp", "U": "udp-port", "--udp": "udp-port"},
    {"tcp-syn": 80, "udp-port": 53},
    "p",
    "m",
)
_MTR = _Tool(
    frozenset(
        {*"cimfsBQPaIoFGZUMyL", "--report-cycles", "--interval", "--max-ttl", "--first-ttl", "--psize", "--port"}
        | {"--address", "--order", "--bitpattern", "--tos", "--timeout", "--gracetime", "--max-unknown", "--mark"}
        | {"--interface", "--filename", "--ipinfo"}
    ),
    "icmp",
    {"T": "tcp-syn", "--tcp": "tcp-syn", "u": "udp-port", "--udp": "udp-port", "S": "sctp", "--sctp": "sctp"},
    {"tcp-syn": 80, "sctp": 80},
    "P",
    "m",
)
_TOOLS = {
    "traceroute": _LINUX,
    "trace": _LINUX,
    "tcptraceroute": _Tool(frozenset("fimpqsw"), "tcp-syn", {}, {"tcp-syn": 80}, "p", "m"),
    "tracepath": _Tool(frozenset("lmp"), "udp", hops="m"),
    "tracert": _Tool(frozenset("hjwS"), "icmp", hops="h"),
    "pathping": _Tool(frozenset("ghipqw"), "icmp", hops="h"),
    "mtr": _MTR,
}
_LONG = {"--port": "p", "--max-hops": "m", "--max-ttl": "m", "--module": "M"}


def parse(line: str) -> Command | None:
    """Return what a command line asks of a path tracer, None where it calls none."""
    words = _words(line)
    name = PurePosixPath(words[0]).name.lower().removesuffix(".exe").removesuffix("6") if words else ""
    tool = _TOOLS.get(name)
    if tool is None:
        return None
    if not any(word.startswith(("-", "/")) for word in words[1:]) and name in ("traceroute", "trace"):
        return _device(words[1:])
    options, others = _sort(words[1:], tool)
    method = tool.method
    for option in options:
        method = tool.methods.get(option, method)
    method = _NAMED.get((options.get("M", "") or options.get("P", "")).lower(), method) if tool is _LINUX else method
    port = whole_number(options.get(tool.port) or options.get("p")) if tool.port else None
    if port is None and name == "tcptraceroute" and len(others) > 1:
        port = whole_number(others[1])
    if method not in tool.ports and method != "udp-port":
        port = None
    elif port is None or port > 65535:
        port = tool.ports.get(method)
    target = others[0] if others else ""
    return Command(name, target, method.removesuffix("-port"), port, whole_number(options.get(tool.hops)))


def _words(line: str) -> list[str]:
    try:
        return [word for word in shlex.split(line.replace("\\", "/")) if word]
    except ValueError:  # a quote that is never closed
        return line.split()


def _sort(words: list[str], tool: _Tool) -> tuple[dict[str, str], list[str]]:
    """Part options with their values from the other words; `-nTp 4371`, `-p4371`, `--port=4371` and `/h 5` alike."""
    options: dict[str, str] = {}
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            options[_LONG.get(name, name)] = value if equals or name not in tool.valued else next(rest, "")
        elif word[0] in "-/" and len(word) > 1:
            for position, letter in enumerate(word[1:], start=2):
                options[letter] = ""
                if letter in tool.valued:
                    options[letter] = word[position:] or next(rest, "")
                    break
        else:
            others.append(word)
    return options, others


# traceroute vrf red 10.77.3.10 source 10.77.1.1 port 5000 ttl 1 10
_DEVICE_VALUED = frozenset({"vrf", "source", "timeout", "probe", "port", "context"})


def _device(words: list[str]) -> Command:
    """Read a command without dashes, as IOS and NX-OS take it, or a plain one."""
    given: dict[str, str] = {}
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if word.lower() in _DEVICE_VALUED:
            given[word.lower()] = next(rest, "")
        elif word.lower() not in ("ip", "ipv4", "ipv6", "numeric"):
            others.append(word)
    method = "icmp" if "use-icmp" in others else "udp"
    return Command("traceroute", others[0] if others else "", method, None, None)
