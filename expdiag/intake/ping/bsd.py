"""BSD and macOS: `ping` and `ping6`. A time-out names its number; the error before it does not."""

from __future__ import annotations

import re

from expdiag.intake.ping.forms import Form
from expdiag.intake.ping.words import ADDRESS, COUNT

FORMS = (
    # PING 10.77.2.10 (10.77.2.10): 56 data bytes     a sweep: (1400 ... 1500) data bytes
    # PING 10.77.2.10 (10.77.2.10) from 10.77.1.10: 56 data bytes
    Form(
        "head",
        re.compile(
            rf"^PING (?P<target>\S{{1,255}}) \((?P<address>{ADDRESS})\)(?: from (?P<from>{ADDRESS}))?: "
            r"(?:[0-9]+|\([0-9]+ \.\.\. [0-9]+\)) (?:data )?bytes$"
        ),
        own=True,
    ),
    # PING6(56=40+8+8 bytes) fd77:1::10 --> fd77:2::10
    Form(
        "head",
        re.compile(rf"^PING6?\([0-9=+]+ bytes\) (?P<from>{ADDRESS}) --> (?P<address>{ADDRESS})$"),
        own=True,
    ),
    # 92 bytes from 10.77.1.1: Redirect Host(New addr: 10.77.1.2): the probe goes on
    Form("decoration", re.compile(r"^[0-9]+ bytes from \S+(?: \(\S+\))?: (?:Redirect|Source Quench)")),
    # 92 bytes from gw (10.77.1.1): frag needed and DF set (MTU 1400)
    Form("error", re.compile(r"^[0-9]+ bytes from (?P<from>\S+(?: \(\S+\))?): (?P<what>[A-Za-z][^=]*)$"), own=True),
    # The header of the packet that came back
    Form("decoration", re.compile(r"^Vr HL TOS +Len ")),
    Form("decoration", re.compile(r"^[0-9a-f] +[0-9a-f] +[0-9a-f]{2} [0-9a-f]{4} +[0-9a-f]{4} +[0-9a-f] ")),
    # Request timeout for icmp_seq 3
    Form("timeout", re.compile(rf"^Request timeout for icmp_seq (?P<sequence>{COUNT})$"), own=True),
    # ping: sendto: No route to host
    Form("error", re.compile(r"^ping6?: (?P<what>send(?:to|msg): .*)$")),
    # ping: cannot resolve nosuch.lab.test: Unknown host
    Form("unresolved", re.compile(r"^ping6?: cannot resolve (?P<target>[^\s:]+): "), own=True),
)
