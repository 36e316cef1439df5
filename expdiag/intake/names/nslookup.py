"""Output of nslookup, as BIND and as Windows print it, one-shot and interactive.

Windows answers `nslookup <address>` in the words of a forward lookup; without the command in the text it is taken for
one. Debug output is not read.
"""

from __future__ import annotations

import re
from itertools import pairwise

from expdiag.intake.names import records
from expdiag.intake.names import windows_words as words
from expdiag.intake.names.commands import command
from expdiag.intake.names.records import Line
from expdiag.intake.names.session import Session

_SERVER = re.compile(rf"^(?:{words.DEFAULT_SERVER}|{words.SERVER}) ?[:：][ \t]+(?P<server>\S+)$", re.I)
# Address:	10.77.7.53#53      Addresses:  fd77:2::10
_ADDRESS = re.compile(rf"^{words.ADDRESS} ?:\s+(?P<address>[0-9A-Fa-f:.%\w]+)(?:#[0-9]+)?$", re.A)
_MORE = re.compile(r"^\s{2,}(?P<word>[^\s=]+)$|^\t\s*(?P<tabbed>[^\s=]+)$")
_NAME = re.compile(rf"^{words.NAME} ?[:：]\s+(?P<name>\S+)$")
_ALIASES = re.compile(r"^Aliases:\s+(?P<name>\S+)$")
# _sips._tcp.lab.test	service = 10 10 5061 expc01.lab.test.
_EQUATION = re.compile(r"^(?P<owner>\S+)\s+(?P<key>[A-Za-z][\w ]{0,24}?)\s*=(?:\s(?P<data>.*))?$", re.A)
_HAS_AAAA = re.compile(r"^(?P<owner>\S+)\s+has AAAA address (?P<data>\S+)$")
_PREFERENCE = re.compile(
    r"^(?P<owner>\S+)\s+MX preference = (?P<data>[0-9]{1,5}), mail exchanger = (?P<name>\S+)$", re.A
)
_SRV_HEAD = re.compile(r"^(?P<owner>\S+)\s+SRV service location:$")
_FIELD = re.compile(r"^\s+(?P<key>[A-Za-z][A-Za-z ]{0,24}?)\s*=\s*(?P<data>\S+)(?: \([^)]*\))?$", re.A)
_ALONE = re.compile(r"^[\w.\\-]+$", re.A)
_QUOTED = re.compile(r'^\s+".*"$')
_KINDS = {
    "name": "PTR",
    "canonical name": "CNAME",
    "service": "SRV",
    "mail exchanger": "MX",
    "text": "TXT",
    "nameserver": "NS",
    "naptr": "NAPTR",
}
_GLUE = {"internet address": "A", "AAAA IPv6 address": "AAAA"}
_SRV_FIELDS = ("priority", "weight", "port", "svr hostname")
_SOA_FIELDS = (
    ("origin", "mail addr", "serial", "refresh", "retry", "expire", "minimum"),
    ("primary name server", "responsible mail addr", "serial", "refresh", "retry", "expire", "default TTL"),
)
# ** server can't find nosuch.lab.test: NXDOMAIN      *** UnKnown can't find nosuch.lab.test: Non-existent domain
_NOT_FOUND = re.compile(r"^(?:\*\* server|\*\*\*(?: \S+)?) [Cc]an't find (?P<name>[^\s:]+): (?P<what>.+)$")
_WINDOWS = {
    "Non-existent domain": "NXDOMAIN",
    "No answer": "NOERROR",
    "Query refused": "REFUSED",
    "Server failed": "SERVFAIL",
    "No response from server": "TIMEOUT",
    "Timed out": "TIMEOUT",
    "Format error": "FORMERR",
    "Not implemented": "NOTIMP",
}
_STATUS = re.compile(r"^[A-Z]{4,12}$")
# *** No IPv6 address (AAAA) records available for expc02.lab.test
_NO_RECORDS = re.compile(r"^\*\*\* No (?P<what>.+?) records? available for (?P<name>\S+)$")
_TIMED_OUT = re.compile(r"^\*\*\* Request to (?P<server>\S+) timed[- ]out$")
_NO_SERVER_NAME = re.compile(r"^\*\*\* Can't find server name for address (?P<address>[0-9A-Fa-f.:]+): (?P<what>.+)$")
_NO_ANSWER = "DNS request timed out."
_DECORATION = re.compile(
    r"^(?:DNS request timed out\.|\s+timeout was [0-9]+ seconds?\.|\*\*\* Default servers are not available)$", re.A
)
_INTERACTIVE = re.compile(r"^(?:> ?)+(?P<rest>.*)$")
_SET_TYPE = re.compile(r"^set (?:q|ty|type|querytype)=(?P<type>\S+)$", re.I)
_RULE = re.compile(r"^-{12}$")


def looks_like(line: str) -> bool:
    """Whether a line is one only nslookup prints."""
    text = line.lstrip("> ") if line.startswith(">") else line
    if found := _EQUATION.match(text):
        return found["key"] in _KINDS and found["data"] is not None
    if words.not_found(text, "", _WINDOWS) or words.NOT_AUTHORITATIVE.match(text):
        return True
    return any(p.match(text) for p in (_SERVER, _NAME, _NOT_FOUND, _NO_RECORDS, _TIMED_OUT, _SRV_HEAD, _PREFERENCE))


class Nslookup:
    """Follows blocks: a server, then names with addresses, equations, or blocks of indented fields."""

    name = "nslookup"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._type = ""
        self._debug = False
        self._reset()

    def _reset(self) -> None:
        self._server, self._server_name, self._introducing, self._waited = "", "", False, False
        self._authoritative: bool | None = None
        self._section = "answer"
        self._named: tuple[int, str, str] | None = None
        self._addresses: list[tuple[int, str, str]] = []
        self._aliases: list[str] = []
        self._block: tuple[int, str, dict[str, str]] | None = None
        self._last = ""

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it is of nslookup."""
        if _RULE.match(line):
            self._debug = not self._debug
            return False
        if self._debug:
            return False
        if interactive := _INTERACTIVE.match(line):
            return self._command(number, interactive["rest"].strip())
        if not line.strip():
            self._flush(ended=True)
            return True
        taken = self._more(number, line) or self._begin(number, line)
        if not taken and self._named and not self._addresses:
            # an address in words that are not known must not look like an empty answer
            head, text, _ = self._named
            self._session.harvest.issue("unrecognised", text, head)
            self._named = None
        return taken

    def settle(self) -> None:
        """Take what is held back until the next line tells."""
        self._flush(ended=False)

    def close(self) -> None:
        """Take what is still open and forget the server."""
        self._flush(ended=False)
        self._debug = False
        self._reset()

    def _more(self, number: int, line: str) -> bool:
        """Take a line that goes on with what the one before it began."""
        if address := _ADDRESS.match(line):
            self._last = "address"
            if self._introducing:
                self._server, self._introducing = address["address"], False
                return True
            if not self._named:
                return False
            self._addresses.append((number, line, address["address"]))
            return True
        if self._named and (alias := _ALIASES.match(line)):
            self._last = "alias"
            self._aliases.append(alias["name"])
            return True
        if self._block and (found := _FIELD.match(line)):
            return self._field(number, found["key"], found["data"])
        if self._block and "text" in self._block[2] and _QUOTED.match(line):
            self._block[2]["text"] += " " + line.strip()
            return True
        if (more := _MORE.match(line)) and self._named and self._last:
            word = more["word"] or more["tabbed"]
            if self._last == "alias":
                self._aliases.append(word)
            else:
                self._addresses.append((number, line, word))
            return True
        return (more is not None and self._last == "address" and bool(self._server)) or self._heading(line)

    def _heading(self, line: str) -> bool:
        if words.NOT_AUTHORITATIVE.match(line):
            self._flush(ended=True)
            self._session.close()
            self._authoritative = False
        elif line == "Authoritative answers can be found from:":
            self._flush(ended=True)
            self._section = "authority"
        else:
            self._waited = self._waited or line == _NO_ANSWER
            return bool(_DECORATION.match(line))
        return True

    def _begin(self, number: int, line: str) -> bool:
        """Take a line that begins something."""
        if server := _SERVER.match(line):
            waited = self._waited
            self.close()
            self._session.close()
            text = self._server_name = server["server"]
            self._server, self._waited = text if records.reverse(text) else "", waited
            self._introducing = True
            if not re.match(words.DEFAULT_SERVER, line, re.I):
                self._session.expect(number, line)
            return True
        return self._nothing(number, line) or self._answer(number, line)

    def _answer(self, number: int, line: str) -> bool:
        session = self._session
        if name := _NAME.match(line):
            self._flush(ended=False)
            self._named, self._last = (number, line, name["name"]), ""
        elif head := _SRV_HEAD.match(line):
            self._flush(ended=False)
            self._block = (number, line, {"owner": head["owner"]})
        elif found := _PREFERENCE.match(line):
            self._add(number, line, found["owner"], "MX", f"{found['data']} {found['name']}")
        elif found := _HAS_AAAA.match(line):
            self._glue(number, line, found["owner"], "AAAA", found["data"])
        elif found := _EQUATION.match(line):
            return self._equation(number, line, found)
        elif _ALONE.match(line) and (self._server or session.current):
            self._flush(ended=False)
            self._block = (number, line, {"owner": line.strip(), "alone": ""})
        else:
            return False
        return True

    def _equation(self, number: int, line: str, found: re.Match[str]) -> bool:
        key, data = found["key"], (found["data"] or "").strip()
        if key == "text" and not data:
            self._flush(ended=False)
            self._block = (number, line, {"owner": found["owner"], "text": ""})
        elif kind := _GLUE.get(key):
            self._glue(number, line, found["owner"], kind, data)
        elif kind := _KINDS.get(key) or (records.known_type("TYPE" + key[6:]) if key.startswith("rdata_") else None):
            self._add(number, line, found["owner"], kind, data)
        else:
            return False
        return True

    def _nothing(self, number: int, line: str) -> bool:
        """Take a line that says that there is no answer."""
        name, server, kind = "", "", self._type
        if found := _NO_SERVER_NAME.match(line):
            self._server = found["address"]
            name, status, kind = records.reverse(found["address"]) or "", _status(found["what"]), "PTR"
        elif found := _NOT_FOUND.match(line):
            name, status = found["name"], _status(found["what"])
        elif found := _NO_RECORDS.match(line):
            name, status = found["name"], "NOERROR"
            named = re.findall(r"[A-Z][A-Z0-9]*", found["what"])
            kind = kind or (records.known_type(named[-1]) or "" if named else "")
        elif translated := words.not_found(line, self._server_name, _WINDOWS):
            name, status = translated[0], _WINDOWS[translated[1]]
        elif _TIMED_OUT.match(line) or (self._waited and words.GAVE_UP.match(line)):
            status = "TIMEOUT"
        else:
            return False
        self._flush(ended=False)
        now = self._session.open(self.name, number, line, status=status, server=server or self._server)
        now.name = self._session.spelled(name, number) if name else ""
        now.type = kind or ("PTR" if now.name.endswith((".in-addr.arpa", ".ip6.arpa")) else "")
        return True

    def _field(self, number: int, key: str, data: str) -> bool:
        assert self._block
        if not any(key in fields for fields in (_SRV_FIELDS, *_SOA_FIELDS)):
            return False
        self._block[2].pop("alone", None)
        self._block[2].setdefault(key, data)
        return True

    def _command(self, number: int, text: str) -> bool:
        """Take what stands after the prompt of an interactive session; output may stand there too."""
        if not text or looks_like(text) or _DECORATION.match(text):
            return not text or self.take(number, text)
        self.close()
        self._session.end()
        if kind := _SET_TYPE.match(text):
            self._type = records.known_type(kind["type"]) or ""
        elif not re.match(r"(?:set|server|lserver|exit|root|ls)\b", text):
            self._session.asked = command(f"nslookup -type={self._type} {text}")
        return True

    def _flush(self, ended: bool) -> None:
        """Add what is complete; `ended` where a blank line shows that nothing is missing."""
        block = self._block
        if block and not (ended and block[2].get("text") == ""):  # Windows leaves a line blank before a text
            self._block = None
            self._add_block(*block)
        if not self._named:
            return
        (number, line, name), self._named = self._named, None
        addresses, self._addresses = self._addresses, []
        aliases, self._aliases = self._aliases, []
        if addresses:
            self._add_addresses(name, addresses, aliases, (number, line))
        elif ended:
            now = self._session.open(self.name, number, line, status="NOERROR", server=self._server)
            now.name, now.authoritative = self._session.spelled(name, number), self._authoritative
        else:
            self._session.harvest.issue("truncated", f"no address follows: {line}", number)

    def _add_addresses(
        self, name: str, addresses: list[tuple[int, str, str]], aliases: list[str], head: tuple[int, str]
    ) -> None:
        asked = self._session.question
        if len(addresses) == 1 and asked.type == "PTR" and records.reverse(addresses[0][2]) == asked.name:
            self._add(*head, asked.name, "PTR", name)
            return
        for kind in ("A", "AAAA"):
            group = [entry for entry in addresses if (":" in entry[2]) == (kind == "AAAA")]
            if group and aliases:
                self._session.close()
                for owner, target in pairwise([*aliases, name]):
                    self._add(*head, owner, "CNAME", target)
            for number, line, address in group:
                self._add(number, line, name, kind, address)

    def _add_block(self, number: int, line: str, fields: dict[str, str]) -> None:
        """Add the record of a block of fields; one that is not whole is an issue."""
        harvest, owner = self._session.harvest, fields["owner"]
        soa = next((names for names in _SOA_FIELDS if all(name in fields for name in names)), None)
        if "alone" in fields:
            harvest.issue("unrecognised", line, number)
        elif fields.get("text"):
            self._add(number, line, owner, "TXT", fields["text"].strip())
        elif all(name in fields for name in _SRV_FIELDS):
            self._add(number, line, owner, "SRV", " ".join(fields[name] for name in _SRV_FIELDS))
        elif soa:
            data = " ".join(fields[name] for name in soa)
            # Windows shows the SOA of the zone where there is no answer
            if "primary name server" in fields and self._session.question.type != "SOA" and self._type != "SOA":
                self._beside("authority", Line(owner, None, "SOA", data), number, line)
            else:
                self._add(number, line, owner, "SOA", data)
        else:
            harvest.issue("truncated", f"not all of this record is there: {line}", number)

    def _glue(self, number: int, line: str, owner: str, kind: str, data: str) -> None:
        self._beside("additional", Line(owner, None, kind, data), number, line)

    def _beside(self, section: str, found: Line, number: int, line: str) -> None:
        """Add a record that is no answer; where there is none before it, the answer is empty."""
        self._flush(ended=False)
        if self._session.current is None:
            now = self._session.open(self.name, number, line, status="NOERROR", server=self._server)
            now.type = self._type
        self._session.record(section, found, number, line)

    def _add(self, number: int, line: str, owner: str, kind: str, data: str) -> None:
        if kind not in ("A", "AAAA") or not self._named:
            self._flush(ended=False)
        found = Line(owner, None, kind, data)
        if self._section == "authority" and self._session.current:
            self._session.record("authority", found, number, line)
            return
        now = self._session.bare(self.name, found, number, line)
        now.server, now.status, now.authoritative = self._server, "NOERROR", self._authoritative


def _status(what: str) -> str:
    """Return the status for the words of nslookup; `FAILED` for words that are not known."""
    return what if _STATUS.match(what) else _WINDOWS.get(what.rstrip("."), "FAILED")
