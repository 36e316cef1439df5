"""Tries of `telnet HOST PORT`: Linux, BSD, macOS and Windows. Its output names no port, only the command does."""

from __future__ import annotations

import re

from expdiag.intake.ports.session import Command, Tool, failure, is_command, port_number, reached
from expdiag.intake.reading import Harvest

_TRYING = re.compile(r"^Trying (?P<address>[0-9A-Fa-f][0-9A-Fa-f:.]*)\.\.\.\s*$", re.A)
_CONNECTED = re.compile(r"^Connected to (?P<target>\S+?)\.?\s*$", re.A)
# telnet: Unable to connect to remote host: Connection refused   telnet: connect to address 10.0.0.1: Connection refused
_FAILED = re.compile(
    r"^(?:(?:telnet: )?(?:Unable to connect to remote host|connect to address (?P<address>[0-9A-Fa-f:.]+)):"
    r" (?P<words>.+)"
    r"|telnet: (?P<unresolved>could not resolve .+|[^\s:]+: .*(?:not known|resolution).*|[^:]*\bnodename nor .+)"
    r"|Server lookup failure: +(?P<lookup>.+))$",
    re.A,
)
# Connecting To 10.0.0.1...Could not open connection to the host, on port 4371: Connect failed
_WINDOWS = re.compile(
    r"^Connecting To (?P<target>\S+?)\.\.\."
    r"(?:Could not open connection to the host, on port (?P<port>[0-9]+): (?P<words>.*))?$",
    re.A,
)
_DECORATION = re.compile(
    r"^(?:Escape character is |Connection closed|telnet> ?|\^\]|\^C|Connection to host lost|quit$|"
    r"telnet: Unable to connect to remote host$)",
    re.A,
)


class _Tries:
    def __init__(self, harvest: Harvest, command: Command) -> None:
        self._harvest, self._command = harvest, command
        plain = [word for word in command.words[1:] if not word.startswith("-")]
        self._target = plain[0] if plain else ""
        self._port = port_number(plain[1]) if len(plain) > 1 else None
        self._address = ""
        self._trying: tuple[int, str] | None = None
        self._failed: tuple[int, str, str] | None = None
        self._rows = 0
        self._interrupted = False

    def take(self, number: int, line: str) -> bool:
        """Take a line; `Trying` may stand after the failure it led to, where both streams were saved in one file."""
        if trying := _TRYING.match(line):
            self._unanswered()
            self._address, self._trying = trying["address"], (number, line)
            self._failure_of_before()
        elif connected := _CONNECTED.match(line):
            self._add("open", number, line, target=connected["target"])
        elif failed := _FAILED.match(line):
            self._fail(failed, number, line)
        elif windows := _WINDOWS.match(line):
            if windows["words"] is None:
                self._target = windows["target"]
                return True
            self._port = port_number(windows["port"])
            self._add(failure(windows["words"]), number, line, target=windows["target"], words=windows["words"])
        else:
            self._interrupted |= line.startswith("^C")
            return _DECORATION.match(line) is not None
        return True

    def _fail(self, failed: re.Match[str], number: int, line: str) -> None:
        words = failed["words"] or failed["unresolved"] or failed["lookup"]
        if failed["words"] and not failed["address"] and self._trying is None:
            self._unsaid()
            self._failed = (number, line, words)  # its address comes on the next line
            return
        if failed["address"]:
            self._address = failed["address"]
        state = failure(words) if failed["words"] else "unresolved"
        self._add(state, number, line, words=words)

    def _failure_of_before(self) -> None:
        if self._failed:
            number, line, words = self._failed
            self._failed = None
            self._add(failure(words), number, line, words=words)

    def _unsaid(self) -> None:
        """A failure that no `Trying` follows has no address but the command's."""
        if self._failed:
            self._address = ""
            self._failure_of_before()

    def _unanswered(self) -> None:
        """A second address is tried only after the first failed; what it met is said elsewhere."""
        if self._trying and not self._failed:
            self._add("not-open", *self._trying, words="the next address was tried")

    def _add(self, state: str, number: int, line: str, target: str = "", words: str = "") -> None:
        self._trying = None
        self._rows += 1
        self._harvest.add(
            reached(
                self._harvest,
                self._harvest.note(number, line),
                "telnet",
                state,
                target=self._target or target,
                address=self._address,
                port=self._port,
                vantage=self._command.host,
                detail=words,
            )
        )
        self._address = ""

    def finish(self, ended: bool) -> None:
        """A try that nothing followed met silence, where something shows that it was waited for."""
        self._unsaid()
        if not self._trying and (self._rows or not self._command.words):
            return
        number, line = self._trying or (self._command.number, self._command.line)
        if self._interrupted:
            self._add("filtered", number, line, words="given up without an answer")
        elif ended:
            self._add("not-open", number, line, words="nothing more was printed")
        else:
            self._harvest.issue("truncated", "a telnet try without its end", number)


def claims(first: list[str]) -> int:
    """Count the lines that look like this."""
    forms = (_TRYING, _CONNECTED, _FAILED, _WINDOWS)
    known = sum(1 for line in first if is_command(line, "telnet") or any(form.match(line) for form in forms))
    return (
        known
        if any(
            line.startswith(("Trying ", "telnet", "Connecting To ", "Server lookup")) or is_command(line, "telnet")
            for line in first
        )
        else 0
    )


TOOL = Tool(("telnet",), claims, _Tries)
