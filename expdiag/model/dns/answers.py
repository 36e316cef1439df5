"""What DNS answered, seen from one place: the newest answer of each server, names followed through their aliases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from expdiag.evidence import file_number
from expdiag.model.names import address, canonical
from expdiag.tables import DnsMessage, DnsQuery, DnsRecord

FOUND, DENIED, FAILED, DISPUTED, UNASKED = "found", "denied", "failed", "disputed", "unasked"
ADDRESS_TYPES = ("A", "AAAA")
_DENIALS = ("NXDOMAIN", "NOERROR")


@dataclass(frozen=True, slots=True)
class Service:
    """One target of an SRV record; a number that was not shown is missing."""

    target: str
    port: int | None
    priority: int | None
    weight: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one question.

    Attributes:
        status: as `dns_queries` has it, `NOERROR` with nothing in it included; empty where it is not shown.
        values: data of the records of the type asked for, behind aliases as well.
        aliases: names the name is an alias of, in order.
        services: of an SRV question, its targets.
        beside: addresses the answer gives for other names, by name: those of the targets of an SRV record.
        sources: the question, and each record.
    """

    name: str
    type: str
    server: str
    status: str
    time: datetime | None
    values: tuple[str, ...]
    aliases: tuple[str, ...]
    services: tuple[Service, ...]
    beside: tuple[tuple[str, str], ...]
    sources: tuple[int, ...]

    @property
    def state(self) -> str:
        """`found`, `denied` (there is no such record) or `failed` (no answer that settles it)."""
        if self.values:
            return FOUND
        return DENIED if self.status in ("", *_DENIALS) else FAILED

    @property
    def said(self) -> str:
        """What it says, in a few words."""
        if self.values:
            return ", ".join(self.values)
        shown = {"NOERROR": f"no {self.type} record", "": f"no {self.type} record", "TIMEOUT": "no answer"}
        words = shown.get(self.status, self.status)
        return f"{words} for {self.aliases[-1]}, which it is an alias of" if self.aliases else words

    @property
    def by(self) -> str:
        """Who says it."""
        return self.server or "its server"


@dataclass(frozen=True, slots=True)
class Result:
    """What all servers of a view say of one name and type.

    Attributes:
        state: `found`, `denied`, `failed`, `disputed` (they differ, and nothing tells which is newer), `unasked`.
        answers: the newest of each server.
        older: what is not so any more: answers a newer one of the same server contradicts.
    """

    state: str
    answers: tuple[Answer, ...] = ()
    older: tuple[Answer, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """What was found, each once, in order."""
        return tuple(dict.fromkeys(value for answer in self.answers for value in answer.values))

    @property
    def aliases(self) -> tuple[str, ...]:
        """Names the name is an alias of."""
        return tuple(dict.fromkeys(alias for answer in self.answers for alias in answer.aliases))

    @property
    def services(self) -> tuple[Service, ...]:
        """Targets, each once."""
        return tuple(dict.fromkeys(service for answer in self.answers for service in answer.services))

    @property
    def sources(self) -> tuple[int, ...]:
        """The questions and records that say so, what they contradict last."""
        return tuple(source for answer in (*self.answers, *self.older) for source in answer.sources)

    @property
    def said(self) -> str:
        """What it says, and who says otherwise."""
        groups: dict[str, list[str]] = {}
        for answer in self.answers:
            groups.setdefault(answer.said, []).append(answer.by)
        if len(groups) == 1:
            return next(iter(groups))
        return "; ".join(f"{words} says {' and '.join(dict.fromkeys(servers))}" for words, servers in groups.items())

    @property
    def earlier(self) -> str:
        """What was answered before, where that was something else; empty where it was not."""
        words = dict.fromkeys(answer.said for answer in self.older)
        return f"an earlier answer was {'; '.join(words)}" if words else ""


class View:
    """Answers seen from one place."""

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        self._by_question: dict[tuple[str, str], list[Answer]] = {}
        self._beside: dict[tuple[str, str], list[Answer]] = {}
        for answer in answers:
            self._by_question.setdefault((answer.name, answer.type), []).append(answer)
            for name, value in answer.beside:
                kind = "AAAA" if ":" in value else "A"
                one = replace(answer, name=name, type=kind, values=(value,), aliases=(), services=(), beside=())
                self._beside.setdefault((name, kind), []).append(one)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked."""
        return not self._by_question

    def names(self, type: str) -> tuple[str, ...]:
        """Return the names that were asked for with a type."""
        return tuple(name for name, kind in self._by_question if kind == type)

    def ask(self, name: str, type: str) -> Result:
        """Return what is known of a name and type."""
        key = (canonical(name), type)
        return _settled(self._by_question.get(key) or self._beside.get(key, []))

    def addresses(self, name: str, types: Sequence[str] = ADDRESS_TYPES) -> Result:
        """Return the addresses of a name.

        Args:
            name: the name.
            types: families that are of use; one of them is enough. `denied` only where each was asked for, or the name
                does not exist at all.
        """
        results = [result for kind in types if (result := self.ask(name, kind)).state != UNASKED]
        if not results:
            return Result(UNASKED)
        order = (DISPUTED, FOUND, FAILED, DENIED)
        state = min((result.state for result in results), key=order.index)
        chosen = [result for result in results if state != FOUND or result.state == FOUND]
        answers = tuple(answer for result in chosen for answer in result.answers)
        exists = not any(answer.status == "NXDOMAIN" for answer in answers)
        if state == DENIED and exists and len(results) < len(types):
            return Result(UNASKED)
        return Result(state, answers, tuple(answer for result in chosen for answer in result.older))

    def reverse(self, of: str) -> Result:
        """Return the names of an address."""
        at = address(of)
        return self.ask(at.reverse_pointer, "PTR") if at else Result(UNASKED)

    def named(self, name: str) -> Result:
        """Return the answers of reverse lookups that give a name."""
        wanted = canonical(name)
        results = [self.ask(asked, "PTR") for asked in self.names("PTR")]
        answers = tuple(answer for result in results for answer in result.answers if wanted in answer.values)
        return Result(FOUND if answers else UNASKED, answers)


def _settled(answers: Sequence[Answer]) -> Result:
    if not answers:
        return Result(UNASKED)
    by_server: dict[str, list[Answer]] = {}
    named = {answer.server for answer in answers if answer.server}
    only = next(iter(named)) if len(named) == 1 else ""  # an answer that does not show its server is then its, too
    for answer in answers:
        by_server.setdefault(answer.server or only, []).append(answer)
    newest: list[Answer] = []
    older: list[Answer] = []
    for said in by_server.values():
        in_order = _in_order(said)
        if in_order is None:
            return Result(DISPUTED, tuple(said))
        newest.append(in_order[-1])
        older += [answer for answer in in_order[:-1] if _differ(answer, in_order[-1])]
    states = {answer.state for answer in newest}
    if len(states) > 1 and FAILED in states:  # another server is asked next
        newest.sort(key=lambda answer: answer.state == FAILED)
        states.discard(FAILED)
    state = DENIED if DENIED in states else next(iter(states))
    return Result(state, tuple(newest), tuple(older))


def _in_order(answers: list[Answer]) -> list[Answer] | None:
    """Return the answers of one server, newest last; None where they differ and nothing tells which is newer."""
    if len(answers) == 1 or not any(_differ(answer, answers[0]) for answer in answers):
        return answers
    times = [answer.time for answer in answers if answer.time]
    if len(times) == len(answers) and len(set(times)) == len(times):
        return sorted(answers, key=lambda answer: (answer.time, answer.sources[0]))
    if len({file_number(answer.sources[0]) for answer in answers}) == 1:
        return sorted(answers, key=lambda answer: answer.sources[0])
    return None


def _differ(one: Answer, other: Answer) -> bool:
    return one.state != other.state or set(one.values) != set(other.values) or one.services != other.services


def from_query(query: DnsQuery, records: Sequence[DnsRecord]) -> list[Answer]:
    """Return what a probe shows; a question whose type is not shown is one for each type that came."""
    shown = [record for record in records if record.section == "answer"]
    if not query.status and query.answers is None and not shown:
        return []
    if query.type not in ("", "ANY"):
        return [_from_records(query, query.type, shown, records)]
    came = dict.fromkeys(record.type for record in shown if record.type != "CNAME")
    return [_from_records(query, kind, shown, records) for kind in came or _usual_types(query.name)]


def _usual_types(name: str) -> tuple[str, ...]:
    """Return what a name is asked for where nothing says otherwise."""
    if name.endswith((".in-addr.arpa", ".ip6.arpa")) or address(name):
        return ("PTR",)
    return ("SRV",) if name.startswith("_") else ADDRESS_TYPES


def _from_records(query: DnsQuery, type: str, shown: list[DnsRecord], all_: Sequence[DnsRecord]) -> Answer:
    literal = address(query.name)
    name = literal.reverse_pointer if literal else canonical(query.name)
    owners, aliases = [name], list[str]()
    cnames = {canonical(record.name): record.value for record in shown if record.type == "CNAME"}
    while type != "CNAME" and (target := cnames.get(owners[-1])) and canonical(target) not in owners:
        owners.append(canonical(target))
        aliases.append(canonical(target))
    mine = [record for record in shown if record.type == type and canonical(record.name) in owners]
    others = [r for r in all_ if r.type in ADDRESS_TYPES and r not in mine and canonical(r.name) not in owners]
    return Answer(
        name=name,
        type=type,
        server=query.server,
        status=query.status,
        time=query.time,
        values=tuple(dict.fromkeys(_value(type, record.value) for record in mine)),
        aliases=tuple(aliases),
        services=tuple(Service(canonical(r.value), r.port, r.priority, r.weight) for r in mine if type == "SRV"),
        beside=tuple((canonical(r.name), _value(r.type, r.value)) for r in others),
        sources=(query.source, *(record.source for record in mine)),
    )


def from_message(message: DnsMessage) -> Answer | None:
    """Return what a capture shows; None where it shows no whole answer."""
    if message.status == "cut" or message.truncated or (message.status == "NOERROR" and message.answers is None):
        return None
    pairs = [entry.partition(" ")[::2] for entry in message.answers or ()]
    mine = [words for kind, words in pairs if kind == message.type]
    return Answer(
        name=canonical(message.name),
        type=message.type,
        server=message.server,
        status="TIMEOUT" if message.status == "no-answer" else message.status,
        time=message.time,
        values=tuple(_value(message.type, words.rpartition(" ")[2]) for words in mine),
        aliases=tuple(canonical(words) for kind, words in pairs if kind == "CNAME" and kind != message.type),
        services=tuple(found for words in mine if message.type == "SRV" and (found := _service(words))),
        beside=(),
        sources=(message.source,),
    )


def _service(words: str) -> Service | None:
    fields = words.split()
    if len(fields) != 4 or not all(field.isdigit() for field in fields[:3]):
        return None
    priority, weight, port = (int(field) for field in fields[:3])
    return Service(canonical(fields[3]), port, priority, weight)


def _value(type: str, text: str) -> str:
    if type in ADDRESS_TYPES:
        at = address(text)
        return str(at) if at else text
    return canonical(text)
