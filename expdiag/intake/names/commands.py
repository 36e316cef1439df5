"""Command lines of lookup tools: what was asked, where the output itself does not say it."""

from __future__ import annotations

import re
from typing import NamedTuple

from expdiag.intake.names import records
from expdiag.intake.names.records import OddRecordError


class Question(NamedTuple):
    """One question of a command; what it does not say is empty."""

    name: str = ""
    type: str = ""
    server: str = ""
    transport: str = ""


class Command(NamedTuple):
    """A command that looks names up.

    Attributes:
        tool: `dig`, `host`, `nslookup` or `Resolve-DnsName`.
        questions: in the order they are asked.
        options: words that begin with a sign, lower case.
    """

    tool: str
    questions: tuple[Question, ...] = ()
    options: frozenset[str] = frozenset()

    @property
    def bare(self) -> bool:
        """Whether it prints records and nothing else."""
        return self.tool == "dig" and bool(self.options & {"+short", "+noall"})

    @property
    def short(self) -> bool:
        """Whether it prints data without owner and type."""
        return self.tool == "dig" and "+short" in self.options


# + dig SRV _sips._tcp.lab.test      (PowerShell shows a failed command alike, which is no new one)
_COMMAND = re.compile(
    r"^(?:\+ (?!Resolve)|(?:sudo|time|timeout \S+) )*(?:/\S+/)?"
    r"(?P<tool>dig|host|(?i:nslookup(?:\.exe)?)|(?i:Resolve-DnsName))(?= |$)(?! :)(?P<rest>[^|>]*)"
)
_DIG_VALUES = "bcfkpqtxy"
_HOST_VALUES = "cNtWRmp"
_CLASSES = ("IN", "CH", "HS")


def runs_a_tool(text: str) -> bool:
    """Whether a command line runs one of the tools."""
    return _COMMAND.match(text.strip()) is not None


def command(text: str) -> Command | None:
    """Return what a command line looks up, None where it runs none of the tools."""
    found = _COMMAND.match(text.strip())
    if not found:
        return None
    words = [word.strip("'\"") for word in found["rest"].split()]
    tool = found["tool"].lower().removesuffix(".exe")
    if tool == "dig":
        return dig(words)
    if tool == "host":
        return _host(words)
    return _nslookup(words) if tool == "nslookup" else _resolve(words)


def dig(words: list[str]) -> Command:
    """Return what arguments of dig ask; a type belongs to the name before it, the first one also to that after it."""
    asked: list[Question] = []
    now, server, options, transport = Question(), "", set[str](), ""
    rest = iter(words)
    for word in rest:
        option = word[1] if len(word) > 1 and word[0] == "-" else ""
        value = (word[2:] or next(rest, "")) if option and option in _DIG_VALUES else ""
        if word.startswith("+"):
            options.add(word.lower())
            transport = "tcp" if word.lower() in ("+tcp", "+vc") else transport
        elif word.startswith("@"):
            server = server if now.name else word[1:]
            now = now._replace(server=word[1:])
        elif option in ("x", "q", ""):
            kind = records.known_type(word) if not option else None
            if kind:
                now = now._replace(type=kind)
                continue
            if word.upper() in _CLASSES and not option:
                continue
            if now.name:
                asked.append(now)
                now = Question()
            now = _named(now, value if option else word, option == "x")
        elif option == "t":
            now = now._replace(type=records.known_type(value) or now.type)
    if now.name or now.type or not asked:
        asked.append(now if now.name else now._replace(name=".", type=now.type or "NS"))
    full = (q._replace(type=q.type or "A", server=q.server or server, transport=transport) for q in asked)
    return Command("dig", tuple(full), frozenset(options))


def _named(question: Question, text: str, backwards: bool) -> Question:
    """Return a question with its name; an address asked for backwards is the name of its pointer."""
    pointer = records.reverse(text) if backwards else None
    if pointer:
        return question._replace(name=pointer, type="PTR")
    try:
        return question._replace(name=records.name(text))
    except OddRecordError:
        return question._replace(name=text.lower())


def _host(words: list[str]) -> Command:
    plain, kind, rest, options = [], "", iter(words), set[str]()
    for word in rest:
        if not word.startswith("-"):
            plain.append(word)
            continue
        options.add(word)
        if word[1:2] in _HOST_VALUES and word[1:2]:
            value = word[2:] or next(rest, "")
            kind = (records.known_type(value) or "") if word[1] == "t" else kind
    return _one("host", plain, kind, "tcp" if "-T" in options else "", options)


def _nslookup(words: list[str]) -> Command:
    plain = [word for word in words if not word.startswith("-")]
    settings = dict(word[1:].lower().partition("=")[::2] for word in words if word.startswith("-"))
    asked = next((value for key, value in settings.items() if key in ("type", "q", "ty", "querytype", "query")), "")
    return _one("nslookup", plain, records.known_type(asked) or "", "tcp" if "vc" in settings else "", set())


def _resolve(words: list[str]) -> Command:
    named: dict[str, str] = {}
    plain, key = [], ""
    for word in words:
        if word.startswith("-"):
            key = word[1:].lower()
            named[key] = ""
        elif key in ("name", "type", "server", "ty"):
            named[key], key = word, ""
        else:
            plain.append(word)
    wanted = [named.get("name") or (plain[0] if plain else ""), named.get("server", "")]
    kind = records.known_type(named.get("type") or (plain[1] if len(plain) > 1 else "")) or ""
    return _one("Resolve-DnsName", wanted, kind, "tcp" if "tcponly" in named else "", set())


def _one(tool: str, plain: list[str], kind: str, transport: str, options: set[str]) -> Command:
    if not plain or not plain[0]:
        return Command(tool)
    question = _named(Question(type=kind), plain[0], True)
    server = plain[1] if len(plain) > 1 else ""
    return Command(tool, (question._replace(server=server, transport=transport),), frozenset(options))
