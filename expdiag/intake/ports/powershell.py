"""`Test-NetConnection` of PowerShell in its list form. A test that failed does not say why."""

from __future__ import annotations

import re

from expdiag.intake.ports.session import CUT, Command, Tool, is_command, port_number, reached, round_trip
from expdiag.intake.reading import Harvest, whole_number

_TOOL = "Test-NetConnection"
_TOOLS = ("test-netconnection", "tnc")
# TcpTestSucceeded        : True
_FIELD = re.compile(r"^(?P<key>[A-Z][A-Za-z]{2,40}(?: \([A-Za-z]{2,10}\))?) *: ?(?P<value>.*)$", re.A)
_KEYS = {
    *("computername", "remoteaddress", "remoteport", "interfacealias", "interfaceindex", "interfacedescription"),
    *("sourceaddress", "pingsucceeded", "pingreplydetails (rtt)", "tcptestsucceeded", "nameresolutionresults"),
    *("allnameresolutionresults", "matchingipsecrules", "networkisolationcontext", "isadmin", "traceroute"),
    *("netroute (nexthop)", "netroute (interfaceindex)", "netadapter", "netroute", "resolvedaddresses"),
    *("resolvednamerecords", "basicnameresolution", "nameresolutionsucceeded", "dnsonlyrecords"),
    *(
        "llmnrnetbiosrecords",
        "remoteipaddress",
        "localipaddress",
        "detailed",
        "constraininterface",
        "constrainsourceaddress",
    ),
}
# WARNING: TCP connect to (10.0.0.2 : 4371) failed        WARNING: TCP connect to 10.0.0.2:4371 failed
_WARNING = re.compile(
    r"^WARNING: (?:TCP connect to \(?(?P<address>[^\s()]+?) ?: ?(?P<port>[0-9]+)\)? failed|"
    r"Ping to (?P<pinged>\S+) failed(?: with status: (?P<status>\w+)|.*)|"
    r"Name resolution of (?P<name>\S+) failed.*)\s*$",
    re.A,
)
_MORE_VALUE = re.compile(r"^ {10,}\S")


class _Tests:
    def __init__(self, harvest: Harvest, command: Command) -> None:
        self._harvest, self._command = harvest, command
        self._fields: dict[str, str] = {}
        self._lines: dict[str, tuple[int, str]] = {}
        self._ping_status = ""

    def take(self, number: int, line: str) -> bool:
        """Take a line; a second `ComputerName` begins a second test."""
        if warning := _WARNING.match(line):
            return self._warned(warning, number, line)
        found = _FIELD.match(line)
        if found and (key := found["key"].lower()) in _KEYS:
            if key in self._fields:
                self._end()
            self._fields[key] = found["value"].strip()
            self._lines[key] = (number, line)
            return True
        return bool(self._fields and _MORE_VALUE.match(line))

    def _warned(self, warning: re.Match[str], number: int, line: str) -> bool:
        if "computername" in self._fields:
            self._end()
        if name := warning["name"]:
            source = self._harvest.note(number, line)
            self._row(source, "unresolved", name, "", None, "tcp", "the name did not resolve")
        self._ping_status = warning["status"] or self._ping_status
        return True

    def _row(
        self, source: int, state: str, target: str, address: str, port: int | None, transport: str, detail: str
    ) -> None:
        self._harvest.add(
            reached(
                self._harvest,
                source,
                _TOOL,
                state,
                target=target,
                address=address,
                port=port,
                vantage=self._command.host,
                transport=transport,
                detail=detail,
            )
        )

    def _end(self) -> None:
        fields, self._fields = self._fields, {}
        status, self._ping_status = self._ping_status, ""
        if not fields:
            return
        target, address = fields.get("computername", ""), fields.get("remoteaddress", "")
        first = next(iter(self._lines.values()))
        source_of = {key: self._harvest.note(*place) for key, place in self._lines.items() if key.endswith("succeeded")}
        self._lines = {}
        tcp, ping = fields.get("tcptestsucceeded", "").lower(), fields.get("pingsucceeded", "").lower()
        if tcp in ("true", "false"):
            state = "open" if tcp == "true" else "not-open"
            detail = "" if tcp == "true" else "the tool does not say whether it was refused or silent"
            port = port_number(fields.get("remoteport"))
            self._row(source_of["tcptestsucceeded"], state, target, address, port, "tcp", detail)
        if ping in ("true", "false"):
            state = "open" if ping == "true" else "filtered" if status == "TimedOut" else "not-open"
            self._row(source_of["pingsucceeded"], state, target, address, None, "icmp", status)
            if ping == "true":
                self._round_trip(fields, target, address, source_of["pingsucceeded"])
        if tcp not in ("true", "false") and ping not in ("true", "false"):
            self._harvest.issue("truncated", "a Test-NetConnection without its result", first[0])

    def _round_trip(self, fields: dict[str, str], target: str, address: str, source: int) -> None:
        # PingReplyDetails (RTT) : 12 ms
        shown = fields.get("pingreplydetails (rtt)", "").removesuffix(" ms")
        rtt = whole_number(shown)
        if rtt is None:
            return
        self._harvest.add(
            round_trip(
                self._harvest,
                source,
                _TOOL,
                "icmp",
                target=target,
                address=address,
                vantage=self._command.host,
                sent=1,
                answered=1,
                shortest=float(rtt),
                longest=float(rtt),
                mean=float(rtt),
            )
        )

    def finish(self, ended: bool) -> None:
        """Add what the last test says."""
        if self._command.words and not self._fields and not ended:
            self._harvest.issue("truncated", CUT, self._command.number)
        self._end()


def claims(first: list[str]) -> int:
    """Count the lines that look like this."""
    fields = sum(1 for line in first if (field := _FIELD.match(line)) and field["key"].lower() in _KEYS)
    own = any(
        line.startswith(("TcpTestSucceeded", "RemotePort ", "PingSucceeded", "PingReplyDetails")) for line in first
    )
    others = sum(1 for line in first if _WARNING.match(line) or is_command(line, *_TOOLS))
    return (fields if own else 0) + others


TOOL = Tool(("test-netconnection", "tnc"), claims, _Tests)
