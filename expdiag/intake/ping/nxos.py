"""Cisco NX-OS: prints like BSD, with time-outs in words of its own and errors before them."""

from __future__ import annotations

import re

from expdiag.intake.ping.forms import Form
from expdiag.intake.ping.words import COUNT

FORMS = (
    # Request 1 timed out
    Form("timeout", re.compile(rf"^Request (?P<sequence>{COUNT}) timed out$")),
    # ping: sendto 10.1.1.5 64 chars, No route to host
    Form("error", re.compile(r"^ping6?: (?P<what>sendto \S+ [0-9]+ chars, .*)$"), own=True),
    # % Invalid host/interface nosuch.lab.test
    Form("unresolved", re.compile(r"^% Invalid host/interface (?P<target>\S+)$"), own=True),
)
