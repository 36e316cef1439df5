"""busybox: the head of BSD, `seq=` in the answers, a summary like that of iputils."""

from __future__ import annotations

import re

from expdiag.intake.ping.forms import Form

FORMS = (
    # ping: bad address 'nosuch.lab.test'
    Form("unresolved", re.compile(r"^ping6?: bad address '(?P<target>[^'\s]+)'$"), own=True),
)
