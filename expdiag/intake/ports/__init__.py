"""What probes of ports and TLS print, one module a tool."""

from expdiag.intake.ports import (
    curl,
    netcat,
    nmap_text,
    nmap_xml,
    powershell,
    s_client,
    sockets,
    srv_test,
    telnet,
)
from expdiag.intake.reading import Reader

NMAP_XML: Reader = nmap_xml.READER
TEXT_READERS: tuple[Reader, ...] = (
    nmap_text.READER,
    s_client.READER,
    netcat.READER,
    curl.READER,
    telnet.READER,
    powershell.READER,
    sockets.READER,
    srv_test.READER,
)
