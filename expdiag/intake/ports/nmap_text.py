"""nmap's normal output (`-oN`, or of the terminal) and its grepable one: ports, paths, certificates its scripts saw."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from expdiag.intake.ports import nmap, nmap_grepable
from expdiag.intake.ports.presented import Blocks
from expdiag.intake.ports.session import Command, Tool, is_address, port_number, reached
from expdiag.intake.reading import Harvest, whole_number
from expdiag.tables import Hop, Trace

# # Nmap 7.93 scan initiated Sun Nov 22 18:39:02 2026 as: nmap -Pn 10.77.2.10
_HEAD = re.compile(r"^# Nmap \S+ scan initiated .{1,60} as: (?P<command>.*)$")
# Starting Nmap 7.93 ( https://nmap.org ) at 2026-11-22 18:39 UTC
_START = re.compile(
    r"^Starting Nmap .{0,80} at (?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}) (?P<zone>.+?)\s*$", re.A
)
_DONE = re.compile(r"^(?:# )?Nmap done\b")
# Nmap scan report for expc02.lab.test (10.77.2.10) [host down, received no-response]
_REPORT = re.compile(
    r"^Nmap scan report for (?:(?P<name>\S+) \((?P<of>[^\s()]+)\)|(?P<address>\S+))"
    r"(?P<down> \[host down(?:, received (?P<reason>[a-z-]+))?\])?\s*$"
)
# Host is up, received echo-reply ttl 63 (0.027s latency).
_UP = re.compile(
    r"^Host is up(?:, received (?P<reason>[a-z-]+)(?: ttl (?P<ttl>[0-9]{1,3}))?)?(?: \([^)]*\))?\.\s*$", re.A
)
_COLUMNS = re.compile(r"^PORT +STATE +SERVICE(?P<reason> +REASON)?")
# 8443/tcp filtered https-alt admin-prohibited from 10.79.1.1 ttl 64
_PORT = re.compile(
    r"^(?P<port>[0-9]{1,5})/(?P<transport>tcp|udp|sctp) +(?P<state>[a-z|]{4,20})(?: +(?P<service>\S+))?(?P<rest> .*)?$",
    re.A,
)
_REASON = re.compile(
    r"^ +(?P<reason>[a-z][a-z-]{2,30})(?: from (?P<by>[0-9A-Fa-f:.]+))?(?: ttl (?P<ttl>[0-9]{1,3}))?(?= |$)", re.A
)
_TRACE = re.compile(
    r"^TRACEROUTE(?: \(using (?:port (?P<port>[0-9]{1,5})/(?P<transport>tcp|udp|sctp)|proto \S+)\))?\s*$", re.A
)
# 2   14.42 ms r1.lab.test (10.77.2.10)         3   ... 5 no response
_HOP = re.compile(
    r"^(?P<ttl>[0-9]{1,3}) +(?:(?P<rtt>[0-9.]{1,12}) ms|--) +"
    r"(?:(?P<name>\S+) \((?P<of>[^\s()]+)\)|(?P<address>\S+))\s*$",
    re.A,
)
_NO_HOPS = re.compile(r"^[0-9]{1,3} +\.\.\.(?: [0-9]{1,3})?(?: no response)?\s*$", re.A)
_SAME = re.compile(
    r"^- +Hops? (?P<first>[0-9]{1,3})(?:-(?P<last>[0-9]{1,3}))? (?:is|are) the same as for (?P<of>\S+)\s*$", re.A
)
_NOT_SHOWN = re.compile(r"^(?:Not shown: |All [0-9]+ scanned ports on )")
_UNRESOLVED = re.compile(r'^Failed to resolve (?:given hostname/IP: )?"?(?P<name>[^\s"]+)"?\.(?:\s|$)')
_CERTIFICATE = re.compile(
    r"^(?:ssl-cert: )?(?P<key>Subject(?: Alternative Name)?|Issuer|Not valid (?:before|after)): *(?P<value>.*)$"
)
_DECORATION = re.compile(
    r"^(?:HOP +RTT +ADDRESS|Other addresses for |rDNS record for |Service detection performed|Service Info: |"
    r"MAC Address: |Initiating |Completed |Scanning |Discovered open port |Read data files from|\s+Raw packets sent: |"
    r"NSE: |Stats: |NSE Timing|WARNING: |Warning: |Note: |# Ports scanned: |Host discovery disabled|"
    r"Increasing send delay|Device type: |Running|OS |Network Distance: |Aggressive OS |No exact OS |"
    r"Too many fingerprints|TCP/IP fingerprint|Uptime guess|TCP Sequence|IP ID Seq|SYN Stealth Scan Timing|Scanned at |"
    r"Final times for host|OS and Service detection|[0-9]+ services? unrecognized|You requested a scan type|QUITTING!)"
)


@dataclass
class _Host:
    number: int
    line: str
    target: str
    address: str
    ports: list[nmap.Port] = field(default_factory=list)
    names: dict[int, dict[str, str]] = field(default_factory=dict)
    shown: list[tuple[int, int, tuple[str, ...]]] = field(default_factory=list)
    up: tuple[int, str, str] | None = None
    trace: tuple[int, str, int | None, str] | None = None
    hops: list[tuple[int, str, str, float | None, int, str]] = field(default_factory=list)


class _Scan:
    def __init__(self, harvest: Harvest, command: Command) -> None:
        self._harvest = harvest
        self._blocks = Blocks(harvest)
        self._words, self._vantage = command.words, command.host
        self._time: datetime | None = None
        self._reasons = False
        self._host: _Host | None = None
        self._paths: dict[str, list[tuple[int, str, str, float | None, int, str]]] = {}
        self.open = False

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it was understood."""
        line = line.rstrip()
        if line.startswith("|"):
            return self._script(number, line)
        if line.startswith("Host: "):
            self.open = True
            return nmap_grepable.take(number, line, self._vantage, self._harvest)
        if head := _HEAD.match(line):
            self._words, self._time, self.open = tuple(head["command"].split()), None, True
        elif start := _START.match(line):
            self._begin(start)
        elif _DONE.match(line):
            self._end_host()
            self.open = False
        elif report := _REPORT.match(line):
            self._report(report, number, line)
        elif name := _UNRESOLVED.match(line):
            source = self._harvest.note(number, line)
            row = reached(
                self._harvest,
                source,
                nmap.TOOL,
                "unresolved",
                target=name["name"] or "",
                port=None,
                vantage=self._vantage,
            )
            self._harvest.add(row._replace(time=self._time))
        elif self._host:
            return self._inside(self._host, number, line)
        else:
            return _DECORATION.match(line) is not None or _NOT_SHOWN.match(line) is not None
        return True

    def _begin(self, start: re.Match[str]) -> None:
        self._end_host()
        self.open, self._time = True, None
        if start["zone"] in ("UTC", "GMT", "Coordinated Universal Time"):  # other names of zones are not unique
            try:
                self._time = datetime.strptime(start["time"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
            except ValueError:
                return
            self._harvest.clock(self._time)

    def _report(self, report: re.Match[str], number: int, line: str) -> None:
        self._end_host()
        self.open = True
        address = report["of"] or report["address"]
        name = report["name"] or ""
        if not is_address(address):
            self._harvest.issue("unrecognised", line, number)
            return
        self._host = _Host(number, line, name if name in self._words else address, address)
        if report["down"]:
            reason = report["reason"] or ""
            state = "unreachable" if "unreach" in reason else "filtered" if reason == "no-response" else "not-open"
            self._add_host(self._host, state, "icmp", reason)
            self._host.up = None

    def _inside(self, host: _Host, number: int, line: str) -> bool:
        if up := _UP.match(line):
            host.up = (number, line, up["reason"] or "")
        elif columns := _COLUMNS.match(line):
            self._reasons = columns["reason"] is not None
        elif port := _PORT.match(line):
            return self._port(host, port, number)
        elif _NOT_SHOWN.match(line):
            self._harvest.issue("ignored", f"{host.address}: ports that are only counted: {line}", number)
        elif trace := _TRACE.match(line):
            host.trace = (number, line, port_number(trace["port"]), trace["transport"] or "")
        elif host.trace and self._hop(host, number, line):
            return True
        else:
            return _DECORATION.match(line) is not None
        return True

    def _port(self, host: _Host, found: re.Match[str], line: int) -> bool:
        number = port_number(found["port"])
        if number is None:
            return False
        reason = _REASON.match(found["rest"] or "") if self._reasons else None
        words, by, ttl = (
            (reason["reason"], reason["by"] or "", whole_number(reason["ttl"])) if reason else ("", "", None)
        )
        said = f"{f', {words}' if words else ''}{f' from {by}' if by else ''}{f', ttl {ttl}' if ttl else ''}"
        note = f"{host.address}: {number}/{found['transport']} {found['state']}{said}"
        host.ports.append(nmap.Port(number, found["transport"], found["state"], words, ttl, by, line, note))
        return True

    def _script(self, number: int, line: str) -> bool:
        """Take a line of a script's output; only those of a certificate say anything here."""
        text = line[1:].lstrip("_ ")
        host = self._host
        if host and host.ports:
            port = host.ports[-1].number
            if self._blocks.take(number, text):
                if shown := self._blocks.finish() if "-----END" in text else None:
                    host.shown.append((port, number, shown))
            elif found := _CERTIFICATE.match(text):
                host.names.setdefault(port, {})[found["key"]] = found["value"][:300]
        return True

    def _hop(self, host: _Host, number: int, line: str) -> bool:
        if hop := _HOP.match(line):
            address = hop["of"] or hop["address"]
            ttl = int(hop["ttl"])
            host.hops.append((ttl, address, hop["name"] or "", nmap.milliseconds(hop["rtt"] or ""), number, line))
            return 0 < ttl <= 255
        if same := _SAME.match(line):
            first, last = int(same["first"]), int(same["last"] or same["first"])
            for ttl, address, name, rtt, _, _ in self._paths.get(same["of"], []):
                if first <= ttl <= last:
                    host.hops.append((ttl, address, name, rtt, number, line))
            return True
        return _NO_HOPS.match(line) is not None

    def _add_host(self, host: _Host, state: str, transport: str, reason: str) -> None:
        source = self._harvest.note(host.number, host.line)
        row = reached(
            self._harvest,
            source,
            nmap.TOOL,
            state,
            target=host.target,
            address=host.address,
            port=None,
            vantage=self._vantage,
            transport=transport,
            detail=reason,
        )
        self._harvest.add(row._replace(time=self._time))

    def _end_host(self) -> None:
        host, self._host = self._host, None
        self._blocks.cut()
        if host is None:
            return
        ports = [port._replace(more=_certificate_words(host.names.get(port.number))) for port in host.ports]
        before = len(self._harvest.rows.get("reachability", []))
        nmap.add_ports(self._harvest, host.target, host.address, ports, self._vantage)
        table = self._harvest.rows.get("reachability", [])
        table[before:] = [row._replace(time=self._time) for row in table[before:]]
        for port, number, shown in host.shown:
            note = self._harvest.note(number, f"{host.address}:{port} presented this certificate")
            row = nmap.seen_certificate(self._harvest, host.address, port, shown, self._time, note)
            self._harvest.add(row._replace(vantage=row.vantage or self._vantage))
        if host.up and not host.ports and host.up[2] not in ("user-set", "localhost-response", ""):
            transport = {"arp-response": "arp", "echo-reply": "icmp", "timestamp-reply": "icmp"}.get(host.up[2], "tcp")
            self._add_host(host, "open", transport, host.up[2])
        self._add_trace(host)

    def _add_trace(self, host: _Host) -> None:
        if host.trace is None:
            return
        number, line, port, method = host.trace
        hops = sorted(host.hops, key=lambda hop: hop[0])
        self._paths[host.address] = hops
        is_there = bool(hops) and hops[-1][1] == host.address
        run = self._harvest.note(number, line)
        self._harvest.add(
            Trace(
                vantage=self._harvest.vantage or self._vantage,
                target=host.target,
                address=host.address,
                tool=nmap.TOOL,
                method=method,
                port=port,
                max_hops=None,
                reached=is_there if self.open is False or is_there else None,
                hops=hops[-1][0] if is_there else None,
                path_mtu=None,
                first_time=self._time,
                complete=is_there,
                source=run,
            )
        )
        rows: list[Hop] = [
            nmap.hop_row(run, ttl, address, name, rtt, self._harvest.note(at, text))
            for ttl, address, name, rtt, at, text in hops
        ]
        for row in rows:
            self._harvest.add(row)

    def finish(self, ended: bool) -> None:
        """Add the host at which the file ends."""
        self._end_host()
        if self.open:
            self._harvest.issue("truncated", "the scan ends before its last line, Nmap done")


def _certificate_words(names: dict[str, str] | None) -> str:
    return f"certificate: {', '.join(f'{key} {value}' for key, value in names.items())}" if names else ""


def claims(first: list[str]) -> int:
    """Count the lines that look like this."""
    if not any(_REPORT.match(line) or _START.match(line) or _HEAD.match(line) for line in first):
        return sum(map(nmap_grepable.is_host, first))
    forms = (_HEAD, _START, _DONE, _REPORT, _UP, _COLUMNS, _PORT, _TRACE, _HOP, _NOT_SHOWN)
    return sum(
        1
        for line in first
        if line.startswith("|") or nmap_grepable.is_host(line) or any(form.match(line) for form in forms)
    )


TOOL = Tool(("nmap",), claims, _Scan)
