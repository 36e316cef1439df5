"""hping3: one line an answer. Its summary is not used.

The summary stands before the answers where both streams go into one file, and it counts an answer it reports twice
(the second time with rtt=0.0) as received, which stops it early and makes its loss negative.
"""

from __future__ import annotations

import re

from expdiag.intake.ping.rows import finish, unresolved
from expdiag.intake.ping.run import Run, Session
from expdiag.intake.ping.words import ADDRESS, COUNT, LONGEST_LINE

# HPING 10.77.2.10 (e0 10.77.2.10): S set, 40 headers + 0 data bytes
_HEAD = re.compile(
    rf"^HPING (?P<target>\S{{1,255}}) \(\S+ (?P<address>{ADDRESS})\): (?P<mode>[\w ]{{1,60}}?), "
    r"[0-9]+ headers \+ [0-9]+ data bytes$"
)
# len=44 ip=10.77.2.10 ttl=63 DF id=0 sport=4371 flags=SA seq=0 win=64240 rtt=14.9 ms
# len=28 ip=10.77.2.10 ttl=63 id=37083 icmp_seq=0 rtt=15.2 ms
_ANSWER = re.compile(
    r"^(?P<again>DUP! )?(?:len=[0-9]+ ip=(?P<from>\S+) ttl=[0-9]+ (?:DF )?id=\S+ (?:tos=\S+ iplen=[0-9]+ )?)?"
    rf"(?:sport=(?P<port>[0-9]{{1,5}}) flags=(?P<flags>[A-Za-z]+) )?(?:icmp_)?seq=(?P<sequence>{COUNT}) "
    rf"(?:win=[0-9]+ )?rtt=(?P<rtt>{COUNT}\.[0-9]{{1,6}}) ms$"
)
# ICMP Packet filtered from ip=10.77.8.1 name=UNKNOWN     TTL 0 during transit from ip=10.77.1.1 name=UNKNOWN
_ERROR = re.compile(rf"^(?:ICMP )?(?P<what>[A-Z][\w ,()]{{1,80}}?) from ip=(?P<from>{ADDRESS})(?: name=\S.*)?$")
# --- 10.77.2.10 hping statistic ---
_STATISTIC = re.compile(r"^--- (?P<target>\S{1,255}) hping statistic ---$")
_COUNTS = re.compile(rf"^[0-9]+ packets tr?ansmitted, (?P<received>{COUNT}) packets received, -?[0-9]+% packet loss$")
_TIMES = re.compile(r"^round-trip min/avg/max = [0-9./]+ ms$")
# using e0, addr: 10.77.1.10, MTU: 1500
_USING = re.compile(rf"^using [^\s,]+, addr: (?P<source>{ADDRESS}), MTU: [0-9]+$")
_NO_NAME = re.compile(r"^Unable to resolve '(?P<target>[^'\s]{1,255})'")
# Lines of -V around an answer
_DECORATION = re.compile(
    r"^(?:status=[0-9]+ port=[0-9]+ seq=[0-9]+|"
    r"len=[0-9]+ ip=\S+ ttl=[0-9]+ (?:DF )?id=\S+ tos=\S+ iplen=[0-9]+|seq=[0-9]+ ack=[0-9]+ sum=\S+ urp=[0-9]+|"
    r"\[main\] memlockall\(\): .*|Warning: can't disable memory paging!)$"
)
_PORT = re.compile(r"(?:^| )(?:-p|--destport) ?(?P<port>[0-9]{1,5})(?: |$)")


class Hping:
    """Follows runs line by line."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._harvest = session.harvest
        self._run: Run | None = None
        self._ended = ""
        self._source = ""
        self._shown = 0
        self._received = 0

    @staticmethod
    def claims(line: str) -> bool:
        """Whether a line is one that only hping3 prints."""
        text = _text(line)
        return any(form.match(text) for form in (_HEAD, _ANSWER, _STATISTIC))

    def take(self, number: int, line: str) -> bool:
        """Understand a line."""
        text = _text(line)
        if head := _HEAD.match(text):
            self._head(head, number, line)
        elif statistic := _STATISTIC.match(text):
            self._statistic(statistic["target"])
        elif using := _USING.match(text):
            self.close()
            self._source = using["source"]
        elif name := _NO_NAME.match(text):
            self.close()
            unresolved(name["target"], number, line, self._session, "hping3")
        elif (self._run or self._ended) and (counts := _COUNTS.match(text)):
            self._received = int(counts["received"])
        elif self._run and (answer := _ANSWER.match(text)):
            self._answer(self._run, answer, number, line)
        elif self._run and (error := _ERROR.match(text)):
            self._shown += 1
            self._run.error(error["what"], error["from"], self._harvest.note(number, line))
        else:
            return bool((self._run or self._ended) and (_TIMES.match(text) or _DECORATION.match(text)))
        return True

    def close(self) -> None:
        """End the run; the summary counts the lines there should be, repeats and errors among them."""
        if self._run:
            self._run.complete = self._run.complete and self._shown >= self._received
            finish(self._run, self._harvest)
            self._run, self._shown, self._received = None, 0, 0

    def _statistic(self, target: str) -> None:
        """It ends the run before it, or, standing first, the one after it."""
        if self._run and not self._run.complete and self._run.target == target:
            self._run.complete = True
        else:
            self.close()
            self._ended = target

    def _head(self, head: re.Match[str], number: int, line: str) -> None:
        self.close()
        mode = head["mode"]
        method = {"icmp mode set": "icmp", "udp mode set": "udp"}.get(mode)
        if method is None:
            method = "tcp-syn" if re.fullmatch(r"[A-Z]*S[A-Z]* set", mode) else "tcp"
        self._run = Run(
            head["target"],
            head["address"],
            self._harvest.note(number, line),
            tool="hping3",
            method=method,
            port=_port_of(self._session.command) if method != "icmp" else None,
            vantage=self._session.vantage(self._source),
            first=0,
            complete=self._ended == head["target"],
        )
        self._ended = self._source = ""

    def _answer(self, run: Run, answer: re.Match[str], number: int, line: str) -> None:
        self._shown += 1
        rtt, sequence, flags = float(answer["rtt"]), int(answer["sequence"]), answer["flags"] or ""
        if rtt == 0.0 and run.knows(sequence):
            return
        source = self._harvest.note(number, line)
        port = int(answer["port"]) if answer["port"] else None
        run.port = run.port or port
        run.answer(rtt, source, sequence, detail=f"flags={flags}" if flags else "", repeated=bool(answer["again"]))
        if flags and port == run.port:
            by = answer["from"] or ""
            state = "refused" if "R" in flags else "open" if "S" in flags and "A" in flags else ""
            if state:
                run.say(state, by if state == "refused" else "", source, rtt=rtt, detail=f"flags={flags}")


def _port_of(command: str) -> int | None:
    """Return the port an echoed command names; the output shows it only where something answered."""
    found = _PORT.search(command[:LONGEST_LINE])
    return int(found["port"]) if found and command.startswith("hping3") else None


def _text(line: str) -> str:
    return "" if len(line) > LONGEST_LINE else line.strip()
