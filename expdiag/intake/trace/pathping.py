"""Windows pathping in any language: the list of hops, then the table of what each lost, by columns.

A hop of the list alone is a row without numbers; one of the table has totals, its mean whole milliseconds. A link
row goes into the detail of the hop behind the link. The last hop, where it is the target, is a run of round trips.
"""

from __future__ import annotations

import re

from expdiag.intake.trace import answers, totals
from expdiag.intake.trace.answers import Seen
from expdiag.intake.trace.run import Family, Place, Run
from expdiag.intake.trace.totals import Total
from expdiag.intake.trace.windows import Head

# "  0  simonslaptop [192.168.0.11] "      "  3     *        *        *     "
_LISTED = re.compile(r"\s{0,4}(?P<ttl>[0-9]{1,3})\s{2,}(?P<host>\S.*?)\s*", re.A)
_SHARE = r"(?P<{0}lost>[0-9]{{1,6}})/\s*(?P<{0}sent>[0-9]{{1,6}})\s*=\s*[0-9]{{1,3}}%"
# "  2   22ms    16/ 100 = 16%     3/ 100 =  3%  192.168.52.1"
_TOTAL = re.compile(
    rf"\s{{0,4}}(?P<ttl>[0-9]{{1,3}})\s+(?:(?P<mean>[0-9]{{1,6}}) ?[^\s\d/=%]{{1,5}}|-+)\s+{_SHARE.format('')}\s+"
    rf"{_SHARE.format('node_')}\s+(?P<host>\S.*?)\s*",
    re.A,
)
# "                               13/ 100 = 13%   |"
_LINK = re.compile(rf"\s+{_SHARE.format('')}\s+\|\s*", re.A)
# "  3     *        *        *     "
_SILENT = re.compile(r"\s{0,4}[0-9]{1,3}(?:\s{3,}\*){3}\s*", re.A)
_MOST_PROSE = 4  # the line that says to wait, two of the table's head, the end


class Pathping(Run):
    """A run of pathping. It sends ICMP echoes."""

    tool = "pathping"

    def __init__(self, place: Place) -> None:
        head = Head(place.before)
        given = place.command.target if place.command else ""
        super().__init__(place, target=given or head.target, address=head.address)
        self.method, self.used, self.may_be_short = "icmp", head.used, True
        self.max_hops = head.max_hops or self.max_hops
        self._listed: dict[int, tuple[str, int, str]] = {}
        self._totals: set[int] = set()
        self._last: Total | None = None
        self._link = ""
        self._prose = 0

    def take(self, number: int, line: str) -> bool:
        """Take a row of the list or the table, a link, or one of the few lines of words."""
        if self.at_open_end and self._may_be_cut(line):
            self.leave(number, line)
        elif link := _LINK.fullmatch(line):
            self._link = f"link {link['lost']}/{link['sent']}"
        elif total := _TOTAL.fullmatch(line):
            return self._take_total(total, number, line)
        elif listed := _LISTED.fullmatch(line):
            return self._take_listed(int(listed["ttl"]), listed["host"], number, line)
        else:
            self._prose += 1
            return self._prose <= _MOST_PROSE
        return True

    def _may_be_cut(self, line: str) -> bool:
        """Whether a line without an end may be cut inside its address; the table's are those of the list."""
        listed = _LISTED.fullmatch(line)
        return listed is not None and not _TOTAL.fullmatch(line) and not listed["host"].endswith("]")

    def _take_listed(self, ttl: int, host: str, number: int, line: str) -> bool:
        address, name = answers.host(host)
        is_lost = not host.strip(" *")
        if ttl > 255 or not (address or is_lost) or (ttl and ttl in self._listed):
            return False
        if ttl == 0:
            self.vantage = self.vantage or name or address
        else:
            self._listed[ttl] = (host, number, line)
        return True

    def _take_total(self, total: re.Match[str], number: int, line: str) -> bool:
        ttl, sent, lost = int(total["ttl"]), int(total["sent"]), int(total["lost"])
        address, name = answers.host(total["host"])
        listed = answers.host(self._listed[ttl][0])[0] if ttl in self._listed else address
        if not 1 <= ttl <= 255 or lost > sent or not address or address != listed:
            return False
        node = f"node {total['node_lost']}/{total['node_sent']}"
        self._last = Total(
            ttl=ttl,
            address=address,
            name=name,
            sent=sent,
            counted=sent,
            answered=sent - lost,
            min=None,
            mean=float(total["mean"]) if total["mean"] and lost < sent else None,
            max=None,
            deviation=None,
            detail=f"{self._link} {node}".strip(),
            source=self.harvest.note(number, line),
        )
        self._link = ""
        self._totals.add(ttl)
        totals.add(self, self._last)
        return True

    def finish(self) -> None:
        """Add the hops of which only the list tells, and the run to the target."""
        for ttl, (host, number, line) in sorted(self._listed.items()):
            address, name = answers.host(host)
            if not address:
                self.see(ttl, [answers.LOST] * host.count("*"), number, line)
            elif ttl in self._totals:
                self.met(ttl, "answered", address, name)
            else:
                self.see(ttl, [Seen("answered", address, name, None, "")], number, line)
        answering = [ttl for ttl, (host, _, _) in self._listed.items() if answers.host(host)[0]]
        self.cut = not self._totals.issuperset(answering)
        self.ended = not self.cut and bool(self._totals)
        super().finish()
        if self._last:
            totals.add_round_trip(self, self._last)


def claims(line: str) -> bool:
    """Whether a line is of the table, or the silent hop that ends the list."""
    return any(known.fullmatch(line) for known in (_TOTAL, _LINK, _SILENT))


def adopt(place: Place) -> Run | None:
    """Start at hop 0, the machine that asks, below a head with an address."""
    listed = _LISTED.fullmatch(place.line)
    is_start = listed is not None and int(listed["ttl"]) == 0 and bool(answers.host(listed["host"])[0])
    return Pathping(place) if is_start and Head(place.before).address else None


FAMILY = Family(claims, adopt=adopt)
