"""What probes of ports and TLS print, one module a tool. A pasted session may hold the output of several."""

from __future__ import annotations

from expdiag.intake.member import Member
from expdiag.intake.ports import curl, netcat, nmap_text, nmap_xml, powershell, s_client, sockets, srv_test, telnet
from expdiag.intake.ports.session import Tool, read_runs
from expdiag.intake.reading import Harvest, Reader, first_lines

TOOLS: tuple[Tool, ...] = (
    nmap_text.TOOL,
    s_client.TOOL,
    netcat.TOOL,
    curl.TOOL,
    telnet.TOOL,
    powershell.TOOL,
    sockets.TOOL,
    srv_test.TOOL,
)


def _claims(first: list[str]) -> int:
    return max(tool.claims(first) for tool in TOOLS)


def _read(member: Member, harvest: Harvest) -> None:
    """Give what stands before the first command to the tool it looks like most."""
    first = first_lines(member.head)
    read_runs(member, harvest, TOOLS, max(TOOLS, key=lambda tool: tool.claims(first)))


NMAP_XML: Reader = nmap_xml.READER
PROBES = Reader("port probes", _claims, _read)
