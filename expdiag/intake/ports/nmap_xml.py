"""nmap's XML, streamed host by host: ports, paths, and the certificates its scripts saw."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.parsers import expat

from expdiag.intake.member import Member
from expdiag.intake.ports import nmap
from expdiag.intake.ports.presented import BEGIN, END, Blocks
from expdiag.intake.ports.session import is_address, port_number
from expdiag.intake.reading import Harvest, Reader, as_utf8, is_wide, whole_number
from expdiag.intake.wellformed import RefusedXMLError, reported
from expdiag.tables import Reachability, Trace

_FEED = 1 << 16
_MAX_DEPTH = 64
_MAX_TEXT = 1 << 16
_MAX_UNPARSED = 8 << 20
_MAX_PORTS = 5000
_HOST_REASONS = {"echo-reply": "icmp", "timestamp-reply": "icmp", "addressmask-reply": "icmp", "arp-response": "arp"}
_SILENT_SCRIPTS = frozenset({"ssl-cert", "ssl-enum-ciphers", "http-server-header", "fingerprint-strings"})


@dataclass
class _Seen:
    """A certificate a script describes at a port."""

    port: int
    line: int
    names: dict[str, str] = field(default_factory=dict)
    pem: str = ""


@dataclass
class _Host:
    line: int
    time: datetime | None
    status: str = ""
    reason: str = ""
    address: str = ""
    target: str = ""
    srtt: str = ""
    ports: list[nmap.Port] = field(default_factory=list)
    seen: list[_Seen] = field(default_factory=list)
    hops: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    trace: tuple[int, dict[str, str]] | None = None


class _Walker:
    def __init__(self, harvest: Harvest, encoding: str | None) -> None:
        self._harvest = harvest
        self._blocks = Blocks(harvest)
        self._open: list[str] = []
        self._keys: list[str] = []
        self._host: _Host | None = None
        self._port: dict[str, str] = {}
        self._script = ""
        self._state = ""
        self._text: list[str] = []
        self._size = 0
        self._other_scripts: set[str] = set()
        self.finished = False
        self.parser = expat.ParserCreate(encoding)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._entity

    def _doctype(self, _name: str, system: str | None, _public: str | None, has_subset: bool) -> None:
        if has_subset:
            raise RefusedXMLError("doctype", "a DOCTYPE with declarations of its own is not read; nmap writes none")

    def _entity(self, *_: object) -> None:
        raise RefusedXMLError("doctype", "an XML document that declares entities is not read")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._open and tag != "nmaprun":
            raise RefusedXMLError("unrecognised", f"XML with the root element <{tag}>")
        if len(self._open) >= _MAX_DEPTH:
            raise RefusedXMLError("too-deep", f"elements nested more than {_MAX_DEPTH} levels deep")
        self._open.append(tag)
        self._text.clear()
        self._size = 0
        line = self.parser.CurrentLineNumber
        if tag == "host":
            self._host = _Host(line, _time(attributes.get("endtime") or attributes.get("starttime")))
        elif tag == "finished":
            self.finished = True
            if time := _time(attributes.get("time")):
                self._harvest.clock(time)
        elif tag == "target":
            self._no_target(attributes, line)
        elif self._host:
            self._inside(tag, attributes, self._host, line)

    def _no_target(self, attributes: dict[str, str], line: int) -> None:
        # <target specification="nosuch.lab.test" status="skipped" reason="invalid"/>
        name = attributes.get("specification", "")
        if name and not is_address(name) and attributes.get("reason") == "invalid":
            note = self._harvest.note(line, f"{name}: the name did not resolve")
            self._harvest.add(_row(self._harvest, name, "", None, "tcp", "unresolved", "", note, None))

    def _inside(self, tag: str, attributes: dict[str, str], host: _Host, line: int) -> None:
        if tag == "status":
            host.status, host.reason = attributes.get("state", ""), attributes.get("reason", "")
        elif tag == "address" and attributes.get("addrtype") in ("ipv4", "ipv6") and not host.address:
            address = attributes.get("addr", "")
            host.address = address if is_address(address) else ""
        elif tag == "hostname" and attributes.get("type") == "user":
            host.target = host.target or attributes.get("name", "")
        elif tag == "port":
            self._port = attributes
        elif tag == "state" and self._open[-2:-1] == ["port"]:
            self._take_port(attributes, host, line)
        elif tag == "extrareasons":
            self._take_extra(attributes, host, line)
        elif tag == "extraports":
            self._state = attributes.get("state", "")
        elif tag == "script":
            self._take_script(attributes, host, line)
        elif tag in ("table", "elem"):
            self._keys.append(attributes.get("key", ""))
        elif tag == "trace":
            host.trace = (line, attributes)
        elif tag == "hop":
            host.hops.append((line, attributes))
        elif tag == "times":
            host.srtt = attributes.get("srtt", "")

    def _take_port(self, attributes: dict[str, str], host: _Host, line: int) -> None:
        number, transport = port_number(self._port.get("portid")), self._port.get("protocol", "")
        if number is None or transport not in ("tcp", "udp", "sctp"):
            self._harvest.issue("unrecognised", f"a port {self._port.get('portid')}/{transport}", line)
            return
        state, reason, by = (attributes.get(key, "") for key in ("state", "reason", "reason_ip"))
        ttl = whole_number(attributes.get("reason_ttl")) or None
        said = f" from {by}" if by else ""
        note = f"{host.address}: {number}/{transport} {state}, {reason}{said}, ttl {ttl or 'not shown'}"
        if len(host.ports) < 65536 * 2:
            host.ports.append(nmap.Port(number, transport, state, reason, ttl, by, line, note))

    def _take_extra(self, attributes: dict[str, str], host: _Host, line: int) -> None:
        # <extrareasons reason="reset" count="98" proto="tcp" ports="1-21,23-79"/>
        state, reason, transport = self._state, attributes.get("reason", ""), attributes.get("proto", "tcp")
        reason = {"resets": "reset", "no-responses": "no-response"}.get(reason, reason)
        numbers = _numbers(attributes.get("ports", ""))
        if numbers is None:
            count = attributes.get("count", "")
            self._harvest.issue("ignored", f"{host.address}: {count} ports are only counted as {state}, {reason}", line)
            return
        note = f"{host.address}: {attributes.get('ports', '')}/{transport} {state}, {reason}"
        for number in numbers:
            host.ports.append(nmap.Port(number, transport, state, reason, None, "", line, note))

    def _take_script(self, attributes: dict[str, str], host: _Host, line: int) -> None:
        self._script = attributes.get("id", "")
        self._keys.clear()
        number = port_number(self._port.get("portid")) if "port" in self._open else None
        if self._script == "ssl-cert" and number:
            host.seen.append(_Seen(number, line))
        elif self._script not in _SILENT_SCRIPTS:
            self._other_scripts.add(self._script)

    def _characters(self, text: str) -> None:
        self._size += len(text)
        if self._size <= _MAX_TEXT:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        self._open.pop()
        if tag == "elem" and self._keys:
            key = "/".join(filter(None, self._keys))
            self._keys.pop()
            if self._script == "ssl-cert" and self._host and self._host.seen:
                self._take_name(self._host.seen[-1], key, "".join(self._text).strip())
        elif tag == "table" and self._keys:
            self._keys.pop()
        elif tag == "script":
            self._script = ""
        elif tag == "host" and self._host:
            host, self._host = self._host, None
            self._add(host)
        self._text.clear()
        self._size = 0

    def _take_name(self, seen: _Seen, key: str, value: str) -> None:
        if key == "pem":
            seen.pem = value
        elif key == "extensions/value" and value.startswith("DNS:"):
            seen.names["SAN"] = value
        elif key in ("subject/commonName", "issuer/commonName", "validity/notBefore", "validity/notAfter"):
            seen.names[key.rpartition("/")[2] if "validity" in key else key.partition("/")[0]] = value

    def _add(self, host: _Host) -> None:
        if not host.address:
            self._harvest.issue("unrecognised", "a host without an address", host.line)
            return
        if host.time:
            self._harvest.clock(host.time)
        said = {seen.port: ", ".join(f"{name} {value}" for name, value in seen.names.items()) for seen in host.seen}
        ports = [
            port._replace(more=f"certificate: {said[port.number]}") if said.get(port.number) else port
            for port in host.ports
        ]
        rows = nmap.add_ports(self._harvest, host.target, host.address, ports)
        if host.time:
            self._set_time(rows, host.time)
        for seen in host.seen:
            self._add_certificate(host, seen)
        if not host.ports:
            self._add_host(host)
        if host.trace:
            self._add_trace(host, *host.trace)

    def _set_time(self, rows: list[Reachability], time: datetime) -> None:
        table = self._harvest.rows.get("reachability", [])
        if rows:
            table[-len(rows) :] = [row._replace(time=time) for row in rows]

    def _add_host(self, host: _Host) -> None:
        """Add whether the host answered at all, unless nmap was told that it does."""
        state = {"up": "open", "down": "unreachable" if "unreach" in host.reason else "filtered"}.get(host.status, "")
        if not state or host.reason in ("user-set", "localhost-response", ""):
            return
        srtt = whole_number(host.srtt)
        detail = f"{host.reason}; nmap's own estimate of the round trip {srtt / 1000} ms" if srtt else host.reason
        note = self._harvest.note(host.line, f"{host.address}: host {host.status}, {host.reason}")
        transport = _HOST_REASONS.get(host.reason, "tcp" if host.status == "up" else "icmp")
        self._harvest.add(
            _row(self._harvest, host.target, host.address, None, transport, state, detail, note, host.time)
        )

    def _add_certificate(self, host: _Host, seen: _Seen) -> None:
        """Add the certificate and where it was seen; that the handshake was completed is not shown."""
        if seen.pem:
            self._blocks.certificate(seen.pem.removeprefix(BEGIN).removesuffix(END).strip(), seen.line)
        else:
            self._harvest.issue(
                "unread", "a certificate is described without its PEM block; nmap -oX has it", seen.line
            )
        shown = self._blocks.finish()
        if shown:
            note = self._harvest.note(
                seen.line, f"{host.address}:{seen.port} presented the certificate of {seen.names.get('subject', '')}"
            )
            self._harvest.add(nmap.seen_certificate(self._harvest, host.address, seen.port, shown, host.time, note))

    def _add_trace(self, host: _Host, line: int, attributes: dict[str, str]) -> None:
        hops = [(at, hop, ttl) for at, hop in host.hops if (ttl := whole_number(hop.get("ttl"))) and ttl <= 255]
        last = hops[-1] if hops else None
        is_there = bool(last and last[1].get("ipaddr") == host.address)
        run = self._harvest.note(line, f"path to {host.address}, {len(hops)} hops")
        self._harvest.add(
            Trace(
                vantage=self._harvest.vantage,
                target=host.target or host.address,
                address=host.address,
                tool=nmap.TOOL,
                method=attributes.get("proto", ""),
                port=port_number(attributes.get("port")),
                max_hops=None,
                reached=is_there,
                hops=last[2] if last and is_there else None,
                path_mtu=None,
                first_time=None,
                complete=True,
                source=run,
            )
        )
        for at, hop, ttl in hops:
            address = hop.get("ipaddr", "")
            note = self._harvest.note(at, f"hop {ttl} {address} {hop.get('rtt', '')} ms")
            self._harvest.add(
                nmap.hop_row(run, ttl, address, hop.get("host", ""), nmap.milliseconds(hop.get("rtt", "")), note)
            )

    def cut(self) -> None:
        """Add what is known of the host at which the file ends."""
        if self._host and self._host.address:
            self._add(self._host)
        self._host = None

    def finish(self) -> None:
        """Say which scripts were passed over."""
        for name in sorted(self._other_scripts)[:50]:
            self._harvest.issue("ignored", f"the output of the script {name} is not read")


def _row(
    harvest: Harvest,
    target: str,
    address: str,
    port: int | None,
    transport: str,
    state: str,
    detail: str,
    source: int,
    time: datetime | None,
) -> Reachability:
    return Reachability(
        harvest.vantage, target or address, address, port, transport, state, "", nmap.TOOL, None, time, detail, source
    )


def _numbers(text: str) -> list[int] | None:
    """Return the ports of `1-21,23`, None where there are none, too many, or something else."""
    found: list[int] = []
    for part in text.split(",") if text else []:
        first, _, last = part.partition("-")
        low, high = port_number(first), port_number(last or first)
        if low is None or high is None or len(found) + high - low >= _MAX_PORTS:
            return None
        found += range(low, high + 1)
    return found or None


def _time(text: str | None) -> datetime | None:
    if not text or not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    return datetime.fromtimestamp(int(text), UTC)


def _read(member: Member, harvest: Harvest) -> None:
    wide = is_wide(member.head)
    walker = _Walker(harvest, "utf-8" if wide else None)
    fed = 0
    try:
        with reported(walker.parser, harvest):
            for chunk in as_utf8(member, harvest) if wide else member.chunks():
                for start in range(0, len(chunk), _FEED):
                    walker.parser.Parse(chunk[start : start + _FEED], False)
                fed += len(chunk)
                if fed - walker.parser.CurrentByteIndex > _MAX_UNPARSED:
                    raise RefusedXMLError("line-too-long", "an element of more than 8 MB is not read")
            walker.parser.Parse(b"", True)
    finally:
        walker.cut()
        walker.finish()


READER = Reader("nmap XML", lambda _: 0, _read)
