"""Windows: parsed by shape, because every word of it is translated; a code page may have spoilt the letters too.

Windows counts an answer such as "Destination host unreachable" as received; here it is an error. It says nothing of a
probe that it does not print, so probes have no numbers. Times are whole milliseconds; `<1ms` is a bound.
"""

from __future__ import annotations

import re

from expdiag.intake.ping.rows import finish, unresolved
from expdiag.intake.ping.run import Run, Session
from expdiag.intake.ping.words import ADDRESS, COUNT, LONGEST_LINE, state_of

_UNIT = r"(?:ms|мс|мсек|ミリ秒|毫秒)"
# Pinging e2.lab.test [10.77.2.10] from 10.77.1.10 with 32 bytes of data:
# Ping wird ausgeführt für 10.77.2.10 mit 32 Bytes Daten:
_HEAD = re.compile(
    r"^(?=.*(?:ping|Disparando|Badanie|Обмен пакетами))[^=\[\]:]{0,80}?"
    rf"(?:(?P<name>[^\s\[\]]{{1,255}}) \[(?P<within>{ADDRESS})\]|(?P<bare>{ADDRESS}))"
    rf"(?: (?:from|von|de|desde|da|van) (?P<source>{ADDRESS}))?[^=\d:%]{{1,60}}[0-9]{{1,5}}[^=:]{{0,60}}[:：]$",
    re.I,
)
# Reply from 10.77.2.10: bytes=32 time=14ms TTL=62     Antwort von fd77:2::10: Zeit<1ms
_ANSWER = re.compile(
    rf"^[^=\[\]:]{{0,60}}?(?P<from>{ADDRESS})[^=:]{{0,40}}[:：] ?(?:[^=<]{{1,40}}= ?[0-9]+ )?"
    rf"[^=<]{{1,40}}(?P<sign>[=<]) ?(?P<rtt>{COUNT}) ?{_UNIT}(?: TTL ?= ?[0-9]+)?$"
)
# Reply from 10.77.1.1: Destination host unreachable.
_ERROR = re.compile(rf"^[^=\[\]:]{{0,60}}?(?P<from>{ADDRESS})[^=:]{{0,40}}[:：] ?(?P<what>[^=<\d:]+[.。])$")
# General failure.     PING: transmit failed. General failure.     Zielhost nicht erreichbar.
_SENTENCE = re.compile(r"^(?P<what>[^=<>\[\]\d\\/#|]{3,200}[.。])$")
_LOCAL = re.compile(
    r"fragment|general failure|transmit failed|allgemeiner fehler|défaillance générale|échec g|error general", re.I
)
_TIMED_OUT = re.compile(r"^Request timed out\.$")
# Ping statistics for 10.77.2.10:     10.77.2.10 の ping 統計:
_STATISTICS = re.compile(rf"^(?=.*(?:ping|Статистика))[^=:]{{0,60}}?{ADDRESS}[^=:\d]{{0,60}}[:：]$", re.I)
# Packets: Sent = 4, Received = 4, Lost = 0 (0% loss),
_COUNTS = re.compile(
    rf"^[^=\d]{{1,60}}= ?(?P<sent>{COUNT})[^=\d]{{1,60}}= ?(?P<received>{COUNT})[^=\d]{{1,60}}= ?(?P<lost>{COUNT})"
    r"(?: ?\([^()=]*%[^()=]*\)?)?[,、，]?$"
)
# Pacchetti: Trasmessi = 2, Ricevuti = 1,
_COUNTS_BEGIN = re.compile(rf"^[^=\d]{{1,60}}= ?(?P<sent>{COUNT})[^=\d]{{1,60}}= ?(?P<received>{COUNT}),$")
# Persi = 1 (50% persi),
_COUNTS_END = re.compile(rf"^[^=\d]{{1,60}}= ?{COUNT} ?\([^()=]*%[^()=]*\),?$")
# (0% Verlust),     (50% verlies).     perda),
_SHARE = re.compile(r"^(?:\([^()=]{0,30}[0-9]+ ?%)?[^()=\d%]{0,30}\)[,.、，]?$")
# Minimum = 13ms, Maximum = 15ms, Average = 14ms
_TIMES = re.compile(
    rf"^[^=\d]{{1,60}}= {{0,3}}(?P<min>{COUNT}) ?{_UNIT}[^=\d]{{1,60}}= {{0,3}}(?P<max>{COUNT}) ?{_UNIT}"
    rf"[^=\d]{{1,60}}= {{0,3}}(?P<mean>{COUNT}) ?{_UNIT}$"
)
# Approximate round trip times in milli-seconds:
_TIMES_HEAD = re.compile(r"^[^=\d]{5,100}[:：]$")
_BREAK = re.compile(r"^(?:Control-C|STRG-C|Ctrl-C|\^C)$", re.I)
_NO_NAME = tuple(
    re.compile(words)
    for words in (
        r"^Ping request could not find host (?P<target>[^\s:]{1,255}?)\. ",
        r"^Ping-Anforderung konnte Host \"(?P<target>[^\s\"]{1,255})\" nicht finden",
        r"^La requ.te Ping n.a pas pu trouver l.h.te (?P<target>[^\s:]{1,255}?)\. ",
        r"^La solicitud de ping no pudo encontrar el host (?P<target>[^\s:]{1,255}?)\. ",
        r"^Impossibile trovare l.host (?P<target>[^\s:]{1,255}?)\. ",
        r"^A solicita..o ping n.o p.de encontrar o host (?P<target>[^\s:]{1,255}?)\. ",
        r"^Kan host (?P<target>[^\s:]{1,255}?) niet vinden\. ",
    )
)


class Windows:
    """Follows runs line by line."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._harvest = session.harvest
        self._run: Run | None = None
        self._waiting: list[tuple[int, int, str]] = []
        self._in_statistics = False

    @staticmethod
    def claims(line: str) -> bool:
        """Whether a line is one that only this program prints, in whatever language."""
        text = _text(line)
        return bool(_HEAD.match(text) or _ANSWER.match(text) or any(name.match(text) for name in _NO_NAME))

    def take(self, number: int, line: str) -> bool:
        """Understand a line."""
        text = _text(line)
        if head := _HEAD.match(text):
            self._head(head, number, line)
            return True
        for words in _NO_NAME:
            if name := words.match(text):
                self.close()
                unresolved(name["target"], number, line, self._session)
                return True
        if self._run is None or (self._in_statistics and _ANSWER.match(text)):
            return self._beheaded(text, number, line)
        return self._after(self._run, text, number, line) if self._in_statistics else self._probe(text, number, line)

    def close(self) -> None:
        """End the run; unknown sentences were probes where the summary has room for them, else they are reported."""
        run = self._run
        if run is not None:
            self._settle(run)
            self._discount(run)
            finish(run, self._harvest)
        self._run, self._waiting, self._in_statistics = None, [], False

    def _head(self, head: re.Match[str], number: int, line: str) -> None:
        self.close()
        address = head["within"] or head["bare"]
        vantage = self._session.vantage(head["source"] or "")
        self._run = Run(head["name"] or address, address, self._harvest.note(number, line), vantage=vantage)

    def _beheaded(self, text: str, number: int, line: str) -> bool:
        answer = _ANSWER.match(text)
        if answer is None:
            return False
        self.close()
        address = answer["from"]
        self._run = Run(address, address, self._harvest.note(number, line), vantage=self._session.vantage())
        self._harvest.issue("truncated", f"the beginning of a ping of {address} is missing", number)
        return self._probe(text, number, line)

    def _probe(self, text: str, number: int, line: str) -> bool:
        run = self._run
        assert run is not None
        if answer := _ANSWER.match(text):
            below = answer["sign"] == "<"
            source = self._harvest.note(number, line)
            run.answer(float(answer["rtt"]), source, below=below, detail=f"<{answer['rtt']} ms" if below else "")
        elif error := _ERROR.match(text):
            run.error(error["what"], error["from"], self._harvest.note(number, line))
        elif _STATISTICS.match(text):
            self._in_statistics = True
        elif counts := _COUNTS.match(text) or _COUNTS_BEGIN.match(text):
            self._in_statistics = True
            self._counts(run, counts, number, line)
        elif _BREAK.match(text):
            pass
        elif sentence := _SENTENCE.match(text):
            self._sentence(run, sentence["what"], number, line)
        else:
            return False
        return True

    def _sentence(self, run: Run, what: str, number: int, line: str) -> None:
        if _TIMED_OUT.match(what):
            run.miss("lost", self._harvest.note(number, line))
        elif _LOCAL.search(what) or state_of(what, by_target=False):
            run.error(what, "", self._harvest.note(number, line))
        else:
            # Its place is kept: the summary tells whether this was a probe
            source = self._harvest.note(number, line)
            run.miss("lost", source, detail=what)
            self._waiting.append((source, number, line))

    def _after(self, run: Run, text: str, number: int, line: str) -> bool:
        if counts := _COUNTS.match(text) or _COUNTS_BEGIN.match(text):
            self._counts(run, counts, number, line)
        elif times := _TIMES.match(text):
            self._times(run, times, number, line)
        else:
            return any(p.match(text) for p in (_SHARE, _COUNTS_END, _TIMES_HEAD, _BREAK, _STATISTICS))
        return True

    def _counts(self, run: Run, counts: re.Match[str], number: int, line: str) -> None:
        run.sent, run.received, run.complete = int(counts["sent"]), int(counts["received"]), True
        run.source = self._harvest.note(number, line)

    def _times(self, run: Run, times: re.Match[str], number: int, line: str) -> None:
        run.source = self._harvest.note(number, line)
        run.printed = {name: float(times[name]) for name in ("min", "max", "mean")}
        if not run.printed["min"]:  # 0 is what `<1` was rounded down to
            del run.printed["min"]
        if not run.printed["mean"]:
            del run.printed["mean"]
        run.printed["max"] = max(run.printed["max"], 1.0)

    def _settle(self, run: Run) -> None:
        if not self._waiting or (run.sent is not None and len(run.probes) <= run.sent):
            return
        remarks = {source for source, _, _ in self._waiting}
        run.probes = [probe for probe in run.probes if probe.source not in remarks]
        for _, number, line in self._waiting:
            self._harvest.issue("unrecognised", line, number)

    def _discount(self, run: Run) -> None:
        """Windows counts error messages as received."""
        if run.received is None:
            return
        errors = sum(1 for probe in run.probes if probe.outcome == "error" and "(said by " in probe.detail)
        run.received = max(run.received - errors, 0)


def _text(line: str) -> str:
    return "" if len(line) > LONGEST_LINE else line.strip().replace("\u00a0", " ")
