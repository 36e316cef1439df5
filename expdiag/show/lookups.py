"""What DNS answers: names and addresses by who asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expdiag import knowledge
from expdiag.case import Case
from expdiag.findings import Finding
from expdiag.model.cluster import Cluster
from expdiag.model.dns.answers import DISPUTED, FOUND, UNASKED, Result, View
from expdiag.model.dns.resolver import PeerView, resolver
from expdiag.model.names import address, canonical
from expdiag.model.peers import Peer
from expdiag.rules.dns.asking import families, is_name
from expdiag.rules.dns.peers import known_peers
from expdiag.rules.dns.services import microsoft_servers
from expdiag.show.grid import Cell
from expdiag.show.judged import Judged, worst
from expdiag.show.lookup_verdicts import share
from expdiag.show.services import service_sections
from expdiag.show.sheet import Row, Section, frame, sheet
from expdiag.show.style import Picture

if TYPE_CHECKING:
    import pandas as pd

PUBLIC = "public DNS"
_BACK = "PTR"


@dataclass(frozen=True, slots=True)
class _Question:
    """Something DNS is asked for.

    Attributes:
        name: a name, or an address that is looked up back.
        kind: `SRV`, `PTR`, or empty for addresses of the name.
        types: address types that are of use; both where it is empty.
    """

    name: str
    kind: str = ""
    types: tuple[str, ...] = ()

    def asked(self, view: View) -> Result:
        if self.kind == _BACK:
            return view.reverse(self.name)
        if self.kind:
            return view.ask(self.name, self.kind)
        return view.addresses(self.name, self.types) if self.types else view.addresses(self.name)


@dataclass(frozen=True, slots=True)
class _Topic:
    """Questions that the same rules judge.

    Attributes:
        questions: by label, what is asked, and which peers need to know it; all peers where that is None.
        inside: rules that judge what each peer is answered.
        outside: for each label the findings that judge what the public is answered.
    """

    title: str
    questions: Mapping[str, tuple[_Question, frozenset[str] | None]]
    inside: tuple[str, ...] = ()
    outside: Mapping[str, tuple[Finding, ...]] | None = None


def lookup_table(case: Case) -> pd.DataFrame:
    """Return for each name or address what each peer's own servers and public DNS answered, with outcomes."""
    return frame(_sections(case), ("topic", "asked for", "by"))


def lookup_matrix(case: Case) -> Picture:
    """Draw `lookup_table`."""
    title = "Names and addresses by who asks: what the DNS servers of each peer, and public DNS, answered"
    return sheet(_sections(case), title=title, label_width=40)


def _sections(case: Case) -> list[Section]:
    cluster, judged = case.cluster, Judged(case.findings)
    heads = (*(_head(cluster, peer) for peer in cluster.peers), PUBLIC)
    topics = [topic for topic in _topics(cluster, judged) if topic.questions]
    found = [Section(topic.title, heads, tuple(_rows(cluster, judged, topic))) for topic in topics]
    return [*found, *service_sections(cluster, judged)]


def _head(cluster: Cluster, peer: Peer) -> str:
    servers = resolver(cluster).of(peer).servers
    if servers:
        return f"{peer.name}, asks {', '.join(servers)}"
    is_known = bool(peer.dns_servers) and not peer.dns_is_cut
    return f"{peer.name}, {'no DNS server configured' if is_known else 'its DNS servers not shown'}"


def _topics(cluster: Cluster, judged: Judged) -> Iterator[_Topic]:
    known = known_peers(cluster).values()
    names = {n: (_Question(n, types=families(k.peer)), None) for k in known for n in k.names}
    public = {n: tuple(filter(None, [judged.of("R39", k.peer.name)])) for k in known for n in k.names}
    yield _Topic("names of the peers: R32; in public DNS no private address: R39", names, ("R32",), public)
    back = {f"{at} of {k.peer.name}": (_Question(str(at), _BACK), None) for k in known for at in k.clustered}
    yield _Topic("addresses of the peers, back to their names: R33", back, ("R33",))
    managers = _wanted((peer, entry) for peer in cluster.peers for entry in _managers(cluster, peer))
    yield _Topic("Cisco TMS and external manager: R30, R35", _forward(managers), ("R30", "R35"))
    yield _Topic("address of Cisco TMS, back to its name: R31", _backward(cluster, managers), ("R31",))
    yield _Topic("NTP servers: R34", _forward(_wanted(_settings(cluster, "ntp_server"))), ("R34",))
    fronts = _wanted((peer, name) for peer in cluster.peers for name, _ in microsoft_servers(peer))
    yield _Topic("Microsoft front-end server: R36", _forward(fronts), ("R36",))
    ldap = _wanted(_settings(cluster, "login_ldap_server", "h350_ldap_server"))
    yield _Topic("LDAP server: R37", {**_forward(ldap), **_ldap_services(cluster, ldap)}, ("R37",))
    yield _Topic("address of the LDAP server, back to its name: R38", _backward(cluster, ldap), ("R38",))


def _managers(cluster: Cluster, peer: Peer) -> Iterator[str]:
    configured = peer.settings.value("tms_address").value
    if configured:
        yield configured
    if cluster.facts.tms.address and (not configured or not is_name(configured)):
        yield cluster.facts.tms.address


def _settings(cluster: Cluster, *fields: str) -> Iterator[tuple[Peer, str]]:
    for peer in cluster.peers:
        for field in fields:
            yield from ((peer, fact.value) for fact in peer.settings.values(field).values() if fact.value)
            if single := peer.settings.value(field).value:
                yield peer, single


def _wanted(entries: Iterable[tuple[Peer, str]]) -> dict[str, frozenset[str]]:
    """Return names and addresses, and the peers that have each configured."""
    found: dict[str, set[str]] = {}
    for peer, entry in entries:
        found.setdefault(canonical(entry), set()).add(peer.name)
    return {entry: frozenset(peers) for entry, peers in found.items()}


def _forward(wanted: Mapping[str, frozenset[str]]) -> dict[str, tuple[_Question, frozenset[str] | None]]:
    return {name: (_Question(name), peers) for name, peers in wanted.items() if is_name(name)}


def _backward(
    cluster: Cluster, wanted: Mapping[str, frozenset[str]]
) -> dict[str, tuple[_Question, frozenset[str] | None]]:
    """Return the addresses that are configured, or that names lead to, to be looked up back."""
    found: dict[str, set[str]] = {}
    views = resolver(cluster).peers
    for entry, peers in wanted.items():
        for peer in peers:
            led = views[peer].own.addresses(entry).values if is_name(entry) else (entry,)
            for at in led:
                if address(at):
                    found.setdefault(at, set()).add(peer)
    return {at: (_Question(at, _BACK), frozenset(peers)) for at, peers in found.items()}


def _ldap_services(
    cluster: Cluster, wanted: Mapping[str, frozenset[str]]
) -> dict[str, tuple[_Question, frozenset[str] | None]]:
    """Return the service records of LDAP servers that anybody asked for."""
    service = knowledge.load("dns")["directory"]["service"]
    asked = {name for view in resolver(cluster).peers.values() for name in view.own.names("SRV")}
    names = {f"{service}.{entry}": peers for entry, peers in wanted.items()}
    return {name: (_Question(name, "SRV"), peers) for name, peers in names.items() if name in asked}


def _rows(cluster: Cluster, judged: Judged, topic: _Topic) -> Iterator[Row]:
    views = resolver(cluster)
    columns = [_column(topic, views.of(peer), judged, peer) for peer in cluster.peers]
    columns.append(_public_column(topic, views.public))
    for label in topic.questions:
        yield Row(label, tuple(column[label] for column in columns))


def _column(topic: _Topic, view: PeerView, judged: Judged, peer: Peer) -> dict[str, Cell]:
    """Return what the servers of a peer answered, by label."""
    mine = {
        label: question.asked(view.own)
        for label, (question, peers) in topic.questions.items()
        if peers is None or peer.name in peers
    }
    named = {label: topic.questions[label][0].name for label in mine}
    findings = [finding for number in topic.inside if (finding := judged.of(number, peer.name))]
    outcomes = [share(finding, mine, named) for finding in findings]
    cells = dict.fromkeys(topic.questions, Cell(None, "not configured here"))
    for label, result in mine.items():
        other = topic.questions[label][0].asked(view.foreign) if result.state == UNASKED else Result(UNASKED)
        words = "" if not topic.inside and result.state == UNASKED else _words(result, other)
        cells[label] = Cell(worst([of_one[label] for of_one in outcomes]), words)
    return cells


def _public_column(topic: _Topic, view: View) -> dict[str, Cell]:
    results = {label: question.asked(view) for label, (question, _) in topic.questions.items()}
    named = {label: question.name for label, (question, _) in topic.questions.items()}
    judging = topic.outside or {}
    found: dict[str, list[str | None]] = {label: [] for label in results}
    for finding in dict.fromkeys(finding for findings in judging.values() for finding in findings):
        theirs = {label: result for label, result in results.items() if finding in judging.get(label, ())}
        for label, outcome in share(finding, theirs, named).items():
            found[label].append(outcome)
    return {
        label: Cell(worst(found[label]), _words(result) if topic.outside or result.answers else "")
        for label, result in results.items()
    }


def _words(result: Result, other: Result | None = None) -> str:
    """Return what came of a lookup; where only other servers were asked, what those said."""
    if result.state == UNASKED:
        if other is None or other.state == UNASKED:
            return "not asked"
        by = " and ".join(dict.fromkeys(answer.by for answer in other.answers))
        return f"not asked; not its server, {by}, says {', '.join(other.values) or other.said}"
    if result.state == DISPUTED:
        return f"{' and '.join(dict.fromkeys(answer.said for answer in result.answers))}: which is newer is not shown"
    alias = f" (by {', '.join(result.aliases)})" if result.aliases and result.state == FOUND else ""
    earlier = f"; {result.earlier}" if result.earlier else ""
    return f"{_agreed(result)}{alias}{earlier}"


def _agreed(result: Result) -> str:
    """Return what was found, of each family, where all servers that were asked say the same, else who says what."""
    by_server: dict[str, dict[str, None]] = {}
    for answer in result.answers:
        words = answer.values if answer.values else (answer.said,)
        by_server.setdefault(answer.by, {}).update(dict.fromkeys(words))
    if len({frozenset(words) for words in by_server.values()}) == 1:
        return ", ".join(next(iter(by_server.values())))
    return "; ".join(f"{server} says {', '.join(words)}" for server, words in by_server.items())
