"""Prompts of a terminal in a pasted session: on which machine a command ran, and which command it was."""

from __future__ import annotations

import re
from typing import NamedTuple

_PROGRAMS = (
    *("ping6?", "fping", "hping3", "nping", "(?:tcp)?trace(?:route)?6?", "tracert", "pathping", "tracepath6?", "mtr"),
    *("dig", "nslookup", "host", "Resolve-DnsName", "nmap", r"nc(?:\.\w+)?", "netcat", "ncat", "openssl", "curl"),
    *("telnet", "ss", "Test-NetConnection", "tnc", "xstatus", "xconfiguration", r"ip6?tables\S*", "nft"),
    r"(?:/\S*/)?verify-syskey",
    *("exit", "logout", "quit"),
)
_COMMANDS = rf"(?:sudo |busybox |time |timeout \S+ )*(?P<command>(?:{'|'.join(_PROGRAMS)})\b.*)?$"
# admin@e1:~$ ping 10.0.1.12     [root@e1 ~]# mtr e2     e1:~# dig x     ~ # ping x     PS C:\Users\x> tracert x
_FORMS = (
    r"^\[(?:[\w.-]+@)?(?P<host>[\w.-]+)(?: [^\]]*)?\][#$%] ?",
    r"^(?:[\w.-]+)@(?P<host>[\w.-]+)[: ][^#$%>]*[#$%>] ?",
    r"^(?P<host>[A-Za-z][\w.-]*):[^#$%>\s]*[#$%] ?",
    r"^(?P<host>)(?:~|/\S*)? ?[#$%] ",
    r"^(?P<host>)(?:PS )?[A-Z]:\\[^>]*> ?",
    r"^(?P<host>[A-Za-z][\w.-]*)(?:\([\w-]+\))?[#>] ?",
    # What Windows says before its first prompt
    r"^(?P<host>)(?:Microsoft Windows \[[^\]]*\]|Windows PowerShell|(?:Copyright )?\(C\) (?:[0-9]+ )?Microsoft Corp.*|"
    r"[^:]*PowerShell[^:]*https://aka\.ms/\S+)$",
)
_PROMPTS = tuple(re.compile(form + _COMMANDS, re.I) for form in _FORMS)


class Prompt(NamedTuple):
    """A line that begins with a prompt; both texts are empty where they are not shown."""

    host: str
    command: str


def prompt(line: str) -> Prompt | None:
    """Return the prompt a line begins with, None where it has none or what follows it is no command of ours."""
    for form in _PROMPTS:
        if found := form.match(line):
            return Prompt(found["host"], (found["command"] or "").strip())
    return None
