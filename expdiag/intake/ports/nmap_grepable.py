"""Lines of nmap's grepable output (`-oG`): ports and states. It holds no reasons, so `filtered` is only `not-open`."""

from __future__ import annotations

import re

from expdiag.intake.ports import nmap
from expdiag.intake.ports.session import is_address, port_number, quotable, reached
from expdiag.intake.reading import Harvest

# Host: 10.77.2.10 (expc02.lab.test)	Ports: 22/closed/tcp//ssh///, 4371/open/tcp//x///	Ignored State: closed (995)
_HOST = re.compile(r"^Host: (?P<address>\S+) \((?P<name>[^)\t]*)\)\t(?P<fields>.*)$")
_PORT = re.compile(r"^(?P<port>[0-9]{1,5})/(?P<state>[a-z|]{1,20})/(?P<transport>tcp|udp|sctp)/", re.A)


def is_host(line: str) -> bool:
    """Whether a line is one of the grepable output."""
    return _HOST.match(line) is not None


def take(number: int, line: str, vantage: str, harvest: Harvest) -> bool:
    """Add the rows of one line; return whether it was understood."""
    host = _HOST.match(line)
    if host is None or not is_address(host["address"]):
        return False
    address = host["address"]
    for text in host["fields"].split("\t"):
        name, _, value = text.partition(": ")
        if name == "Ports":
            nmap.add_ports(harvest, "", address, _ports(value, address, number, harvest), vantage)
        elif name == "Status" and value == "Down":
            source = harvest.note(number, line)
            row = reached(
                harvest,
                source,
                nmap.TOOL,
                "not-open",
                target=address,
                port=None,
                vantage=vantage,
                transport="icmp",
                detail="host down",
            )
            harvest.add(row)
        elif name == "Ignored State":
            harvest.issue("ignored", f"{address}: ports that are only counted: {value}", number)
        elif name not in ("Status", "OS", "Seq Index", "IP ID Seq", "Protocols"):
            harvest.issue("unrecognised", quotable(text), number)
    return True


def _ports(text: str, address: str, line: int, harvest: Harvest) -> list[nmap.Port]:
    found = []
    for part in text.split(", "):
        port = _PORT.match(part.strip())
        number = port_number(port["port"]) if port else None
        if port is None or number is None:
            harvest.issue("unrecognised", quotable(part), line)
            continue
        note = f"{address}: {number}/{port['transport']} {port['state']}"
        found.append(nmap.Port(number, port["transport"], port["state"], "", None, "", line, note))
    return found
