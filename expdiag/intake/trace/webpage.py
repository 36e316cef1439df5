"""The traceroute table of the Expressway's own web page (Maintenance > Tools > Network utilities), pasted as text.

Doubtful: its layout is not documented. The administrator guide names two columns, `TTL` and `Response`: address and
times of a node, or `***` where it did not answer. A table with that head is read as rows of traceroute; what does not
fit is an issue. The page names neither target nor method in the table, so a target is only taken from a banner.
"""

from __future__ import annotations

import re

from expdiag.intake.trace.answers import canonical
from expdiag.intake.trace.run import Family, Place, Run
from expdiag.intake.trace.traceroute import Traceroute

_HEAD = re.compile(r"\s*TTL\s+Response\s*", re.I | re.A)
# Traceroute results for 10.77.3.10
_BANNER = re.compile(
    r".{0,80}\btrace ?route\b.{0,80}?\b(?:to|for|of)\s+(?P<target>[\w.:%-]{1,255}?)[.:]?\s*", re.I | re.A
)


class WebPage(Traceroute):
    """A table of the web page."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        for number, line in place.before[-1:]:
            if banner := _BANNER.fullmatch(line):
                self.target, self.used = banner["target"], frozenset({number})
                self.address = canonical(self.target)


def begin(place: Place) -> Run | None:
    """Start at the head of the table."""
    return WebPage(place) if _HEAD.fullmatch(place.line) else None


def claims(line: str) -> bool:
    """Whether a line is the head of the table."""
    return bool(_HEAD.fullmatch(line))


FAMILY = Family(claims, begin)
