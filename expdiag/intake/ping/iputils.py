"""Linux ping (iputils), also localised: words differ, the numbers and `icmp_seq=` do not."""

from __future__ import annotations

import re

from expdiag.intake.ping.forms import Form
from expdiag.intake.ping.words import ADDRESS, COUNT, STAMP

FORMS = (
    # PING expc03.lab.test (10.77.3.10) from 10.77.1.10 e0: 56(84) bytes of data.
    # PING 10.77.2.10 (10.77.2.10) 56(84) octets de données.
    Form(
        "head",
        re.compile(
            rf"^PING (?P<target>[^\s(]{{0,255}}) ?\((?:\S{{1,255}} \()?(?P<address>{ADDRESS})\)+"
            rf"(?:, flow \w+,)?(?: \S+ (?P<from>{ADDRESS})(?: \S*)?:)? [0-9]+\([0-9]+\) \S"
        ),
        own=True,
        first=1,
    ),
    # PING expc02(expc02.lab.test (fd77:2::10)) 56 data bytes
    Form(
        "head",
        re.compile(
            rf"^PING (?P<target>[^\s(]{{0,255}}) ?\((?:\S{{1,255}} \()?(?P<address>{ADDRESS})\)+"
            rf"(?:, flow \w+,)?(?: \S+ (?P<from>{ADDRESS})(?: \S*)?:)? [0-9]+ [^\d:]+$"
        ),
        own=True,
        first=1,
    ),
    # From 10.77.100.2 icmp_seq=1 Redirect Host(New nexthop: 10.77.1.1): the probe goes on
    Form("decoration", re.compile(r"^\S+ .{1,300}icmp_seq=[0-9]+ (?:Redirect|Source Quench|\w+ umleiten|Rediriger)")),
    Form("decoration", re.compile(r"^From \S+: (?:Redirect|Source Quench)")),
    # From gw.lab.test (10.77.1.1) icmp_seq=1 Destination Host Unreachable
    Form(
        "error",
        re.compile(rf"^{STAMP}[^\W\d]+ (?P<from>\S+(?: \(\S+\))?) ?:? icmp_seq=(?P<sequence>{COUNT}) (?P<what>.*\S)$"),
        own=True,
    ),
    # [1795372715.783278] no answer yet for icmp_seq=8
    Form("decoration", re.compile(rf"^{STAMP}[^\d=]+ icmp_seq=[0-9]+$")),
    # ping: local error: message too long, mtu=1500
    Form(
        "error",
        re.compile(r"^ping6?: (?P<what>(?:local error|lokaler Fehler|erreur locale|sendmsg)\b.*)$"),
    ),
    # ping: nosuch.lab.test: Name or service not known
    Form(
        "unresolved",
        re.compile(
            r"^ping6?: (?P<target>[^\s:]+): (?:.*\bnot known|.*resol.*|No address associated.*|Nom ou service inconnu|"
            r"Der Name oder der Dienst ist nicht bekannt|.*Namensauflösung.*)$"
        ),
        own=True,
    ),
    # ping: unknown host nosuch.lab.test
    Form("unresolved", re.compile(r"^ping6?: unknown host (?P<target>\S+)$"), own=True),
    # ping: connect: Network is unreachable     older: connect: Network is unreachable
    Form("no_way", re.compile(r"^(?:ping6?: )?connect: (?P<what>.+)$")),
    # --- expc03.lab.test ping statistics ---     --- statistiques ping 10.77.2.10 ---
    Form("statistics", re.compile(r"^--- (?P<target>\S*) ping6? statistics ---$"), own=True),
    Form("statistics", re.compile(r"^--- (?:\S+ )*ping[\w-]*(?: \S+)* ---$", re.I)),
    # Dots and deleted dots of -f
    Form("decoration", re.compile(r"^[.E][.E\x08 ]*$")),
    Form("decoration", re.compile(r"^(?:pipe|tuyau) [0-9]+|^, ipg/|^ipg/")),
    # Answer to Ctrl-\: 3/3 packets, 0% loss, min/avg/ewma/max = 14.5/14.6/14.6/14.8 ms
    Form("decoration", re.compile(r"^[0-9]+/[0-9]+ [^\d,]+, [0-9]+ ?% ")),
    # Record route and time stamps
    Form("decoration", re.compile(r"^(?:L?S?RR ?:|TS ?:|NOP|Unrecorded hops|Sauts non comptabilités)")),
    Form("decoration", re.compile(r"^\((?:same route|gleiche Route|route identique)\)$")),
    # A hop of RR or TS:     10.77.1.1     10.77.2.10<tab>5     67114184 absolute
    Form("decoration", re.compile(rf"^(?:(?:[\w.-]+ \()?{ADDRESS}\)?(?:\t[0-9]+(?: \D+)?)?|[0-9]+ absolute?)$")),
    Form("decoration", re.compile(r"^wrong data byte #|^#[0-9]+\t")),
    Form("decoration", re.compile(r"^(?:ping6?: )?(?:warning|warnung|avertissement)\b", re.I)),
)
