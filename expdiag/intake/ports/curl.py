"""`curl -v` and `-vk`: the connection, the TLS lines and how the try ended. Headers and pages are not kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from expdiag.intake.ports import alerts
from expdiag.intake.ports.session import Command, Tool, failure, is_command, port_number, reached, whole_wait
from expdiag.intake.reading import Harvest, whole_number
from expdiag.tables import TlsHandshake

# The progress meter, where both streams are in one file: 0  0  0  0  0  0  0  0 --:--:-- --:--:-- --:--:--  0*   Trying
_METER = re.compile(
    r"^ *[0-9]{1,3} +[0-9.]+[kMG]? +[0-9]{1,3} [ 0-9.kMG]{1,60}(?:[-0-9]+:[-0-9]+:[-0-9]+ +){3}[0-9.]+[kMG]?", re.A
)
_METER_HEAD = re.compile(r"^ +(?:% Total +% Received|Dload +Upload)")
_TRYING = re.compile(r"^\*\s+Trying \[?(?P<address>[0-9A-Fa-f:.]+?)\]?(?::(?P<port>[0-9]+))?\.\.\.$", re.A)
_CONNECTED = re.compile(r"^\* Connected to (?P<target>\S+) \((?P<address>[^\s()]+)\) port (?P<port>[0-9]+)", re.A)
# * connect to 10.77.9.2 port 4372 failed: Connection refused      curl 8 adds: from 10.77.1.10 port 40000
_REFUSED = re.compile(
    r"^\* connect to (?P<address>\S+) port (?P<port>[0-9]+)(?: from \S+ port [0-9]+)? failed: (?P<words>.+)$", re.A
)
# * Connection timed out after 2000 milliseconds        * ipv4 connect timeout after 1000ms, move on!
_TIMED_OUT = re.compile(
    r"^(?:\* |curl: \(28\) )"
    r"(?:Connection (?:timed out|timeout)|ipv[46] connect timeout|Failed to connect to .{1,300}) after "
    r"(?P<wait>[0-9]{1,9}) ?m",
    re.A,
)
# * Failed to connect to 10.77.9.2 port 4372 after 0 ms: Couldn't connect to server
_FAILED = re.compile(
    r"^(?:\*|curl: \([0-9]+\)) Failed to connect to (?P<target>\S+) port (?P<port>[0-9]+)"
    r"(?: after (?P<wait>[0-9]{1,9}) ms)?: (?P<words>.+)$",
    re.A,
)
_UNRESOLVED = re.compile(r"^(?:\*|curl: \(6\)) (?P<words>Could not resolve host: (?P<target>\S+))$", re.A)
_SENT = re.compile(
    r"^\* (?P<version>TLSv[0-9.]+|SSLv3) \((?P<way>IN|OUT)\), (?P<what>.+?) \((?P<number>[0-9]{1,4})\):$", re.A
)
_AGREED = re.compile(r"^\* SSL connection using (?P<version>\S+) / (?P<cipher>[^\s/]+)", re.A)
_VERIFY = re.compile(
    r"^\*\s+SSL certificate verify (?:result: (?P<text>.+?) \((?P<code>[0-9]{1,4})\)|(?P<ok>ok)\.)", re.A
)
_PROBLEM = re.compile(r"^(?:\*|curl: \(60\)) (?:SSL certificate problem: |SSL: )(?P<text>.+)$", re.A)
_BROKEN = re.compile(
    r"^(?:\*|curl: \([0-9]+\)) (?P<words>(?:OpenSSL|LibreSSL|BoringSSL|TLS connect error|schannel|Recv failure).+)$",
    re.A,
)
_ENDED = re.compile(r"^(?:\* (?:Closing connection|Connection #[0-9]+ to host .+ left intact)|curl: \([0-9]+\) )", re.A)
_HELP = (
    "More details here: ",
    "curl failed to verify the ",
    "establish a secure connection ",
    "how to fix it, ",
    "curl performs SSL",
)


@dataclass
class _Try:
    """One connection, from `Trying` to its end."""

    number: int
    line: str
    address: str = ""
    target: str = ""
    port: int | None = None
    told: bool = False
    connected: bool = False
    tls: bool = False
    version: str = ""
    cipher: str = ""
    finished: bool = False
    requested: bool = False
    sent: bool | None = None
    seen_certificate: bool = False
    alert: str = ""
    alert_from: str = ""
    verify_code: int | None = None
    verify_text: str = ""
    broken: str = ""


class _Session:
    def __init__(self, harvest: Harvest, command: Command) -> None:
        self._harvest, self._command = harvest, command
        self._try: _Try | None = None
        self._in_page = False
        self._page_lines = 0
        self._client_certificate_next = False

    def take(self, number: int, line: str) -> bool:
        """Take a line. What neither curl nor the exchange of headers marks is the page that came back."""
        text = _METER.sub("", line, count=1).strip() if _METER.match(line) else line.rstrip()
        if not text or _METER_HEAD.match(line) or text.startswith(_HELP):
            return True
        if text[:2] in ("* ", "*\t") or text.startswith("curl: ("):
            self._in_page = False
            return self._note(number, text)
        if text[0] in "<>{}" and (len(text) == 1 or text[1] in " ["):
            self._data(text)
            return True
        if self._in_page:
            self._page_lines += 1
            return True
        return False

    def _data(self, text: str) -> None:
        """An empty `<` line ends the headers of an answer; `} [8 bytes data]` after `Certificate` is an empty one."""
        self._in_page = text in ("<", "< ") or (self._in_page and text[0] in "{}")
        if self._client_certificate_next and (size := re.match(r"^} \[([0-9]{1,7}) bytes data\]", text, re.A)):
            self._client_certificate_next = False
            if self._try:
                self._try.sent = int(size[1]) > 16

    def _note(self, number: int, text: str) -> bool:
        if trying := _TRYING.match(text):
            self._close()
            self._try = _Try(number, text, trying["address"], port=port_number(trying["port"]))
        elif connected := _CONNECTED.match(text):
            self._connect(connected, number, text)
        elif self._failed(number, text):
            return True
        elif self._try and self._try.connected:
            self._tls(number, text)
        return True

    def _connect(self, connected: re.Match[str], number: int, text: str) -> None:
        if self._try is None or self._try.connected:
            self._close()
            self._try = _Try(number, text)
        self._try.target, self._try.address = connected["target"], connected["address"]
        self._try.port, self._try.connected = port_number(connected["port"]), True
        self._reach("open", number, text)

    def _failed(self, number: int, text: str) -> bool:
        current = self._try
        if unresolved := _UNRESOLVED.match(text):
            if current is None or not current.told:
                self._try = _Try(number, text, target=unresolved["target"])
                self._reach("unresolved", number, text, unresolved["words"])
        elif refused := _REFUSED.match(text):
            if current is None or current.told:
                self._try = current = _Try(number, text)
            current.address, current.port = refused["address"], port_number(refused["port"])
            self._reach(failure(refused["words"]), number, text, refused["words"])
        elif failed := _FAILED.match(text):
            if current is None or not current.told:
                self._try = current or _Try(number, text)
                self._try.target, self._try.port = failed["target"], port_number(failed["port"])
                self._reach(failure(failed["words"], whole_wait(failed["wait"])), number, text, failed["words"])
        elif timed_out := _TIMED_OUT.match(text):
            if current and not current.told:
                words = text.removeprefix("* ")
                self._reach(failure("timed out", whole_wait(timed_out["wait"])), number, text, words)
        else:
            return False
        return True

    def _reach(self, state: str, number: int, text: str, words: str = "") -> None:
        current = self._try
        if current is None:
            return
        current.told = True
        self._harvest.add(
            reached(
                self._harvest,
                self._harvest.note(number, text),
                "curl",
                state,
                target=current.target or current.address,
                address="" if state == "unresolved" else current.address,
                port=current.port,
                vantage=self._command.host,
                detail=words,
            )
        )

    def _tls(self, number: int, text: str) -> None:
        """Take a line that says something of the handshake; others are decoration. The last telling one is quoted."""
        current = self._try
        if current is None:
            return
        if any(form.match(text) for form in (_AGREED, _PROBLEM, _BROKEN)) or (
            "TLS alert" in text and "close notify" not in text
        ):
            current.number, current.line = number, text
        if sent := _SENT.match(text):
            self._record(current, sent)
        elif agreed := _AGREED.match(text):
            current.version, current.cipher = _version(agreed["version"]), agreed["cipher"]
            current.finished = current.tls = True
        elif verify := _VERIFY.match(text):
            current.verify_code = 0 if verify["ok"] else whole_number(verify["code"])
            current.verify_text = "ok" if verify["ok"] else verify["text"]
        elif problem := _PROBLEM.match(text):
            current.verify_text = current.verify_text or problem["text"]
        elif broken := _BROKEN.match(text):
            current.broken = current.broken or broken["words"]
            if (alert := alerts.in_words(text)) and not current.alert:
                current.alert, current.alert_from = alert, "server"

    def _record(self, current: _Try, sent: re.Match[str]) -> None:
        current.tls = True
        what, way = sent["what"], sent["way"]
        if what.startswith("TLS alert"):
            alert = alerts.by_number(int(sent["number"]) & 0xFF)
            if alert != "close_notify":
                current.alert, current.alert_from = alert, "server" if way == "IN" else "client"
        elif way == "IN" and "Request CERT" in what:
            current.requested = True
        elif way == "OUT" and what == "TLS handshake, Certificate":
            self._client_certificate_next = True
        elif way == "IN" and what == "TLS handshake, Finished":
            current.version = current.version or _version(sent["version"])

    def _close(self, ended: bool = True) -> None:
        current, self._try = self._try, None
        self._client_certificate_next = False
        if current is None:
            return
        if not current.told:
            if ended:
                self._try = current
                self._reach("not-open", current.number, current.line, "nothing more was printed")
                self._try = None
            else:
                self._harvest.issue("truncated", "a try of curl without its end", current.number)
        if current.tls:
            self._harvest.add(self._handshake(current, ended))

    def _handshake(self, current: _Try, ended: bool) -> TlsHandshake:
        return TlsHandshake(
            vantage=self._harvest.vantage or self._command.host,
            client="",
            server=current.address or current.target,
            port=current.port,
            server_name="" if current.target == current.address else current.target,
            offered="",
            version=current.version,
            cipher=current.cipher,
            outcome=_outcome(current, ended),
            alert=current.alert,
            alert_from=current.alert_from,
            verify_code=current.verify_code,
            verify_text=current.verify_text,
            client_certificate=_client_certificate(current),
            server_certificates=None,
            client_certificates=None,
            duration=None,
            time=None,
            tool="curl",
            source=self._harvest.note(current.number, current.line),
        )

    def finish(self, ended: bool) -> None:
        """Close the last try; count the lines of pages."""
        self._close(ended)
        if self._page_lines:
            self._harvest.issue("ignored", f"{self._page_lines} line(s) of the page that came back")


def _outcome(current: _Try, ended: bool) -> str:
    if current.alert or (current.verify_text and not current.finished):
        return "alert"
    if current.finished:
        return "completed"
    words = current.broken.lower()
    if "reset" in words:
        return "reset"
    if words:
        return "closed"
    return "no-answer" if ended else "cut"


def _client_certificate(current: _Try) -> str:
    if not current.requested:
        return "not requested" if current.finished else "unknown"
    return {True: "sent", False: "requested", None: "asked"}[current.sent]


def _version(text: str) -> str:
    return "TLSv1.0" if text == "TLSv1" else text


def claims(first: list[str]) -> int:
    """Count the lines that look like this."""
    own = any(form.search(_METER.sub("", line)) for line in first for form in (_TRYING, _CONNECTED, _UNRESOLVED))
    asked = sum(1 for line in first if is_command(line, "curl") or line.startswith("curl: ("))
    noted = sum(1 for line in first if line.startswith(("* ", "> ", "< ", "{ [", "} [")) or _METER.match(line))
    return asked + (noted if own else 0)


TOOL = Tool(("curl",), claims, _Session)
