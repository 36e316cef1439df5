"""`openssl s_client`, from 1.0 to 3.x, also `-brief` and `-showcerts`: one handshake a run.

Keys, tickets and identifiers of the session are passed over and go nowhere. Without `-showcerts` only the first
certificate is there, so `server_certificates` holds it alone. The output names neither server nor port: only the
echoed command does, or the line `Connecting to` of 3.2 and later. With TLS 1.3 a server judges the client's certificate
after the client is done: `completed` is then what the client saw until it ended.
"""

from __future__ import annotations

import re

from expdiag.intake.ports.presented import Blocks
from expdiag.intake.ports.s_client_lines import SECRET, Handshake, begins_again, is_decoration, understood
from expdiag.intake.ports.session import (
    CUT,
    Command,
    Tool,
    host_and_port,
    is_address,
    is_command,
    reached,
)
from expdiag.intake.reading import Harvest
from expdiag.tables import TlsHandshake

_TOOL = "openssl s_client"


class _Session:
    def __init__(self, harvest: Harvest, command: Command) -> None:
        self._harvest, self._command = harvest, command
        self._blocks = Blocks(harvest)
        self._now = Handshake(command.number, command.line)

    def take(self, number: int, line: str) -> bool:
        """Take a line; one that only the start of a run prints ends the run before."""
        if self._blocks.take(number, line):
            self._now.seen = True
            if not self._now.number:
                self._now.number, self._now.line = number, line
            return True
        if begins_again(self._now, line):
            self._end(ended=True)
        if not understood(self._now, number, line.rstrip()):
            self._harvest.issue("unrecognised", SECRET.sub("‹secret›", line), number)
        return True

    def _end(self, ended: bool) -> None:
        now, self._now = self._now, Handshake(self._command.number, self._command.line)
        shown = self._blocks.finish()
        if not now.seen:
            self._nothing(now, ended)
            return
        if not now.number:
            self._harvest.issue("truncated", "lines of s_client that tell nothing of a handshake")
            return
        target, port = self._asked_for()
        address = now.address or (target if is_address(target) else "")
        source = self._harvest.note(now.number, now.line)
        is_open = now.connected or bool(now.alert_from)
        state = "open" if is_open else now.failed
        if state:
            self._harvest.add(
                reached(
                    self._harvest,
                    source,
                    _TOOL,
                    state,
                    target=target,
                    address=address,
                    port=port,
                    vantage=self._command.host,
                    detail=now.failed_words,
                )
            )
        if not state or not (now.interrupted or now.reported or now.failed or now.alert or now.broken):
            self._harvest.issue(
                "truncated", "the output of s_client ends before the result of its handshake", now.number
            )
        if state != "unresolved":
            self._harvest.add(self._row(now, address or target, port, shown, source))
        if now.time:
            self._harvest.clock(now.time)

    def _nothing(self, now: Handshake, ended: bool) -> None:
        """A command that printed nothing until it was interrupted waited for an answer to its first packet."""
        if not self._command.words:
            return
        number, line = self._command.number, self._command.line
        if not (ended or now.interrupted):
            self._harvest.issue("truncated", CUT, number)
            return
        target, port = self._asked_for()
        source = self._harvest.note(number, line)
        state, detail = (
            ("filtered", "given up without an answer") if now.interrupted else ("not-open", "nothing was printed")
        )
        self._harvest.add(
            reached(
                self._harvest, source, _TOOL, state, target=target, port=port, vantage=self._command.host, detail=detail
            )
        )
        now.failed = state
        self._harvest.add(self._row(now, target, port, None, source))

    def _asked_for(self) -> tuple[str, int | None]:
        words = self._command
        host, port = host_and_port(words.option("-connect"))
        if not host and words.words and ":" in words.words[-1]:
            host, port = host_and_port(words.words[-1])
        return host or words.option("-host"), port or host_and_port(f":{words.option('-port')}")[1]

    def _row(
        self, now: Handshake, server: str, port: int | None, shown: tuple[str, ...] | None, source: int
    ) -> TlsHandshake:
        words = self._command
        return TlsHandshake(
            vantage=self._harvest.vantage or words.host,
            client="",
            server=server,
            port=port,
            server_name=words.option("-servername"),
            offered="",
            version=now.version if now.agreed else "",
            cipher=now.cipher,
            outcome=_outcome(now),
            alert=now.alert,
            alert_from=now.alert_from,
            verify_code=None if now.failed or now.unverified else now.verify_code,
            verify_text="" if now.unverified else now.verify_text,
            client_certificate=_client_certificate(now, words),
            server_certificates=shown,
            client_certificates=None,
            duration=None,
            time=now.time,
            tool=_TOOL,
            source=source,
        )

    def finish(self, ended: bool) -> None:
        """Add the rows of the run."""
        self._end(ended)


def _outcome(now: Handshake) -> str:
    if now.failed:
        return "refused" if now.failed == "refused" else "no-answer"
    if now.alert_from:
        return "alert"
    if now.broken:
        return now.broken
    if now.agreed:
        return "completed"
    if now.interrupted:
        return "no-answer"
    return "closed" if now.reported else "cut"


def _client_certificate(now: Handshake, command: Command) -> str:
    if now.asked:
        if now.alert in ("certificate_required", "no_certificate"):
            return "requested"
        if not command.words:
            return "asked"
        return "sent" if command.option("-cert") else "requested"
    return "not requested" if now.names_done and now.agreed else "unknown"


_OWN = re.compile(
    r"^(?:CONNECTED\([0-9A-Fa-f]+\)|CONNECTION ESTABLISHED|connect:errno=[0-9]{1,9}|SSL handshake has read "
    r"|Can't use SSL_get_servername"
    r"|depth=[0-9]+ |Certificate chain$|[0-9A-Fa-f]{1,20}:error:[0-9A-Fa-f]{8}:)",
    re.A,
)


def claims(first: list[str]) -> int:
    """Count all lines once one is its own: the certificates inside have more lines than the rest."""
    own = sum(1 for line in first if _OWN.match(line))
    if not own:
        return sum(1 for line in first if is_command(line, _TOOL))
    return own + sum(1 for line in first if is_decoration(line) or (line and len(line) <= 76 and " " not in line))


TOOL = Tool(("openssl s_client",), claims, _Session)
