"""The SRV connectivity test of an Expressway, pasted from its page as text.

Doubtful: Cisco documents that the page tries TCP, then TLS, to each host an SRV record names, not how it prints that.
So each line is read alone: what names a host and a port, `TCP` or `TLS`, and a result is a row; the rest is reported.
"""

from __future__ import annotations

import re

from expdiag.intake.ports.session import Command, Tool, failure, is_address, port_number, reached
from expdiag.intake.reading import Harvest
from expdiag.tables import TlsHandshake

_TOOL = "SRV connectivity test"
_TITLE = re.compile(r"\bSRV\b.{0,40}\bconnectivity\b.{0,20}\btest|\bconnectivity test\b.{0,40}\bSRV\b", re.I)
# expc01.lab.test   10.0.1.11   8443   TCP   Succeeded      TLS connection to expc01.lab.test:8443 failed: refused
_HOST = re.compile(
    r"(?<![\w.:-])(?P<host>[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,8})\.?(?![\w-])",
    re.A,
)
_PORT = re.compile(r"(?:(?<=:)|(?<![\w.:-])(?:port:? )?)(?P<port>[0-9]{2,5})(?![\w.:-]|\s*m?s\b)", re.A | re.I)
_WAY = re.compile(r"(?<![\w._-])(?P<way>TCP|TLS(?: ?v?1\.[0-3])?)(?![\w._-])", re.I | re.A)
_GOOD = re.compile(r"\b(?:succe\w{3,6}|ok|passed|connected|established|open)\b", re.I | re.A)
_BAD = re.compile(
    r"\b(?:fail\w{0,4}|error|unable|refused|timed? ?out|unreachable|not (?:connected|open|established))\b", re.I | re.A
)
_ASKED = re.compile(r"^\s*(?:service record )?(?:domain|protocols?)\s*[:\t]\s*\S+\s*$", re.I)
_WORDS = re.compile(
    r"^\s*(?:maintenance|tools|network utilities|connectivity test|srv connectivity test\w*|service record domain|"
    r"service record protocols?|domain|protocols?|results?|hostname|host|port|priority|weight|status|run|you are here|"
    r"tcp|tls|start|test|connectivity|state|address|ip address|service|[\s:>|/-])+\s*$",
    re.I,
)


class _Page:
    def __init__(self, harvest: Harvest, command: Command) -> None:
        self._harvest, self._vantage = harvest, command.host
        self._said = False

    def take(self, number: int, line: str) -> bool:
        """Take a line of the page."""
        text = line[:1000]
        if found := _result(text):
            host, address, port, way, is_good = found
            self._warn()
            source = self._harvest.note(number, text)
            if way == "TCP":
                self._tcp(host, address, port, is_good, text, source)
            else:
                self._tls(address or host, port, is_good, text, source)
            return True
        return bool(_TITLE.search(text) or _ASKED.match(text) or _WORDS.match(text))

    def _warn(self) -> None:
        if not self._said:
            self._said = True
            self._harvest.issue("doubtful", "the layout of this page is not documented; compare the rows with the page")

    def _tcp(self, host: str, address: str, port: int, is_good: bool, text: str, source: int) -> None:
        state = "open" if is_good else failure(text)
        target, detail = host or address, " ".join(text.split())
        self._harvest.add(
            reached(
                self._harvest,
                source,
                _TOOL,
                state,
                target=target,
                address=address,
                port=port,
                vantage=self._vantage,
                detail=detail,
            )
        )

    def _tls(self, server: str, port: int, is_good: bool, text: str, source: int) -> None:
        version = re.search(r"TLS ?v?(1\.[0-3])", text, re.I)
        refused = failure(text) == "refused"
        self._harvest.add(
            TlsHandshake(
                vantage=self._harvest.vantage or self._vantage,
                client="",
                server=server,
                port=port,
                server_name="",
                offered=f"TLSv{version[1]}" if version else "",
                version=f"TLSv{version[1]}" if version and is_good else "",
                cipher="",
                outcome="completed" if is_good else "refused" if refused else "cut",
                alert="",
                alert_from="",
                verify_code=None,
                verify_text="",
                client_certificate="unknown",
                server_certificates=None,
                client_certificates=None,
                duration=None,
                time=None,
                tool=_TOOL,
                source=source,
            )
        )

    def finish(self, ended: bool) -> None:
        """A page holds nothing open."""


def _result(text: str) -> tuple[str, str, int, str, bool] | None:
    """Return host, address, port, `TCP` or `TLS`, and whether it went well; None where a line says less."""
    ways = {found["way"][:3].upper() for found in _WAY.finditer(text)}
    ports = {port for found in _PORT.finditer(text) if (port := port_number(found["port"]))}
    hosts = [found["host"] for found in _HOST.finditer(text) if not re.fullmatch(r"v?1\.[0-3]", found["host"])]
    bad, good = _BAD.search(text), _GOOD.search(text)
    if len(ways) != 1 or len(ports) != 1 or not hosts or not (bad or good):
        return None
    names = [host for host in hosts if not is_address(host) and not host.startswith("_")]
    addresses = [host for host in hosts if is_address(host)]
    if len(names) > 1 or len(addresses) > 1 or not (names or addresses):
        return None
    return ("".join(names), "".join(addresses), ports.pop(), ways.pop(), bad is None)


def claims(first: list[str]) -> int:
    """Count the lines that look like this."""
    if not any(_TITLE.search(line[:1000]) for line in first):
        return 0
    return sum(1 for line in first if _TITLE.search(line[:1000]) or _result(line[:1000]))


TOOL = Tool((), claims, _Page)
