"""The peers' own firewall rules: closed to others, open to peers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from expdiag.findings import Verdict, Want
from expdiag.model.cluster import Cluster
from expdiag.model.names import Address
from expdiag.model.network import ranges
from expdiag.model.network.clustering import in_use, may_be_elsewhere, of_hidden_address, places, versions_of
from expdiag.model.network.firewall import Gate, duplicate_priorities, gates, packet_to, strangers, welcome
from expdiag.model.network.packets import Packet
from expdiag.model.network.ports import Ports, era_of, listing
from expdiag.model.network.ranges import Ranges
from expdiag.model.network.reach import OPEN, is_try_of, reach
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.agreement import names
from expdiag.rules.declare import passed, rule, steps, unknown, violation
from expdiag.tables import Alarm, FirewallRule

_PAGE = "System > Protection > Firewall rules > Configuration"
_CITE = "Cluster guide X12.6, Reference, Sample firewall rules; Administrator Guide, Configuring firewall rules"
# Alarms that say that the rules in force are not those that were configured
_FIREWALL_ALARMS = (40030, 40031, 40032, 40034, 40050, 40100)
_NOT_ACTIVE = ("pending", "notactive", "not active", "inactive", "rollback", "failed")
_ACTIVATION = "provisioning/common/firewallrules/activation"


@rule("R27")
def block_non_peers(cluster: Cluster, peer: Peer) -> Verdict:
    """The peer's own firewall rules let nobody but its peers reach the clustering ports.

    Why: whoever reaches TCP 4371 and 4372 can talk to the cluster database; certificates are no reason to leave the
    ports open, and in Permissive mode nothing else protects them.
    Passes: for TCP 4371 and 4372 (before X8.8 TCP 4369 to 4380 and UDP 4371), over each IP version that is on, on each
    interface in use, the first rule that a new connection meets drops or rejects it from every address that is no
    peer's. Addresses are followed as ranges, so that a network that is let through is found wherever it lies. Rules in
    force (iptables, nft) count before those of the web page.
    Violates: some other address gets through; rules of one priority, which the Expressway refuses to activate; or alarm
    40030, 40031, 40032, 40034, 40050 or 40100 says that the rules in force are not the configured ones.
    Unknown: the rules are not in the evidence for an IP version that is on, are only pending, or a condition decides
    that cannot be judged; or who is let through may be a peer whose address is not known.
    Strength: the list of requirements says "block", the sample rules of the same guide only encourage it; judged as a
    must. Whether rules replicate is not documented, so each peer is judged by its own.
    """
    gate = cluster.view(gates).get(peer.name)
    alarms = [alarm for number in _FIREWALL_ALARMS for alarm in peer.raised(number)]
    if broken := _not_in_force(peer, gate, alarms):
        return broken
    closed = era_of([peer.version.value]).closed
    if gate is None:
        return unknown("its firewall rules are not in the evidence", want=_wanted(peer, versions_of(peer)))
    if pending := _only_pending(cluster, peer, gate):
        return unknown(
            "its firewall rules are shown as configured and not activated; which are in force is not in the evidence",
            want=_wanted(peer, versions_of(peer)),
            evidence=[*gate.evidence, pending],
        )
    survey = _survey(cluster, peer, gate, closed)
    if survey.open_to:
        return _lets_in(cluster, peer, gate, survey)
    if survey.missing or survey.doubtful or survey.maybe_peers:
        return _undecided(cluster, peer, gate, survey)
    disagree = _page_disagrees(cluster, peer, gate, closed)
    return passed(
        f"only peers get through to {listing(closed)} on {_interfaces(peer)}, over {_versions(versions_of(peer))}"
        f"{disagree}{_seen_anyway(cluster, peer)}",
        evidence=[*survey.sources, *gate.evidence],
    )


@dataclass(slots=True)
class _Survey:
    """What becomes of packets from strangers, over all ports, interfaces and IP versions of a peer."""

    open_to: dict[int, Ranges] = field(default_factory=dict)
    where: dict[str, None] = field(default_factory=dict)
    ports: dict[Ports, None] = field(default_factory=dict)
    rules: dict[int, FirewallRule] = field(default_factory=dict)
    doubtful: dict[int, FirewallRule] = field(default_factory=dict)
    maybe_peers: dict[int, Ranges] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)


def _survey(cluster: Cluster, peer: Peer, gate: Gate, closed: Iterable[Ports], *, configured: bool = False) -> _Survey:
    found = _Survey()
    unplaced = may_be_elsewhere(cluster)
    for version in versions_of(peer):
        others = strangers(cluster, version)
        for interface in in_use(peer):
            if version == 6 and interface.number != 1 and not interface.ipv6.value:
                continue
            for ports in closed:
                passage = gate.through(
                    packet_to(peer, ports, version, interface.number, from_peer=False), configured=configured
                )
                if passage is None:
                    found.missing.append(version)
                    continue
                through = ranges.intersect(passage.accepted, others)
                if through and ranges.size(through) <= unplaced:
                    found.maybe_peers[version] = through
                elif through:
                    found.open_to[version] = ranges.union(found.open_to.get(version, ()), through)
                    found.where[f"LAN {interface.number}"] = None
                    found.ports[ports] = None
                    found.rules |= {row.source: row for row in passage.deciding(through)}
                if perhaps := ranges.intersect(passage.perhaps, others):
                    found.doubtful |= {row.source: row for row in passage.deciding(perhaps) if row.conditions} or {
                        row.source: row for row in passage.deciding(perhaps)
                    }
                found.sources += [row.source for row in passage.deciding(ranges.intersect(passage.blocked, others))]
    return found


def _lets_in(cluster: Cluster, peer: Peer, gate: Gate, survey: _Survey) -> Verdict:
    who = " and ".join(ranges.shown(found, version) for version, found in survey.open_to.items())
    rows = list(survey.rules.values())
    why = f": {_shown(rows[0])} lets them in" if rows and not _is_default(rows[0]) else ", for no rule drops them"
    return violation(
        f"{who} can reach {listing(survey.ports)} on {' and '.join(survey.where)}{why}"
        f"{_page_disagrees(cluster, peer, gate, survey.ports)}",
        evidence=[*survey.rules, *gate.evidence],
        at_fault=[peer.name],
        measured=who,
        wanted="peers only",
        fix=_sample_rules(cluster, peer, tuple(survey.ports), versions_of(peer), rows),
        cite=_CITE,
    )


def _undecided(cluster: Cluster, peer: Peer, gate: Gate, survey: _Survey) -> Verdict:
    parts = []
    if survey.missing:
        parts.append(f"its rules for {_versions(dict.fromkeys(survey.missing))} are not in the evidence")
    if survey.doubtful:
        parts.append(f"{_shown(next(iter(survey.doubtful.values())))} decides, which cannot be judged from here")
    asked = _wanted(peer, dict.fromkeys(survey.missing) or versions_of(peer)) if parts else []
    for version, through in survey.maybe_peers.items():
        unplaced = of_hidden_address(cluster)
        whose = names(unplaced) if unplaced else "those of peers that no peer list in the evidence shows"
        parts.append(f"{ranges.shown(through, version)} gets through, which may be {whose}")
        asked += [want.bundle(other) for other in unplaced or (peer,)]
    return unknown(
        "; ".join(parts),
        want=asked,
        evidence=[*survey.doubtful, *survey.sources, *gate.evidence],
    )


def _not_in_force(peer: Peer, gate: Gate | None, alarms: list[Alarm]) -> Verdict | None:
    """Return the violation that configured rules cannot be, or are not, in force."""
    doubles = [
        (priority, sources)
        for ruleset in (gate.rulesets if gate else [])
        for priority, sources in duplicate_priorities(ruleset.rows).items()
    ]
    if not alarms and not (doubles and gate and not gate.is_active):
        return None
    parts = [f"alarm {alarm.number} is up: {alarm.detail or alarm.title}" for alarm in alarms]
    parts += [f"several rules have priority {priority}" for priority, _ in doubles]
    first = "give each rule a priority of its own and correct rules that are marked as rejected"
    return violation(
        f"the configured firewall rules are not those in force: {'; '.join(parts)}",
        evidence=[*(alarm.source for alarm in alarms), *(s for _, sources in doubles for s in sources)],
        at_fault=[peer.name],
        fix=steps(
            f"on {peer}, {_PAGE}: {first}",
            f"on {peer}, activate the rules and confirm them within 15 seconds, else they are taken back",
            f"restart {peer} where the alarm stays or asks for it, while no other peer restarts",
        ),
        cite=_CITE,
    )


def _only_pending(cluster: Cluster, peer: Peer, gate: Gate) -> int | None:
    """Return what says that configured rules are not active, where only those are known."""
    if gate.is_active:
        return None
    for row in cluster.rows["settings"] if cluster.view(_has_activation) else ():
        told = row.tree == "rest" and row.path.startswith(_ACTIVATION) and cluster.peer_of(row.source) == peer.name
        if told and row.value.casefold() in _NOT_ACTIVE:
            return int(row.source)
    return None


def _has_activation(cluster: Cluster) -> bool:
    return any(row.file.endswith(f"{_ACTIVATION}.json") for row in cluster.rows["files"])


@rule("R28", compares=True)
def allow_peers(cluster: Cluster, peer: Peer) -> Verdict:
    """The peer's own firewall rules let every other peer reach the clustering ports.

    Why: a drop that is met before the rule for a peer cuts that peer off, and replication with it.
    Passes: for every other peer the first rule a new connection meets on the clustered interface lets it through to
    TCP 4371, TCP 4372 and UDP 1719 (before X8.8 those of the IPsec era), or none of the rules takes it.
    Violates: a rule that drops or rejects is met first, or the only ones that let through name another address.
    Unknown: the rules or the address of a peer are not in the evidence, or a condition decides that cannot be judged.
    Not applicable: a cluster of one.
    Trap: the sample rules of the guide say to add the drop and then "lower priority rules" that allow, and mean lower
    numbers: rule 1 is met first. Taken literally (drop 10, allow 20) they cut the cluster. Rules name addresses of the
    peers' interfaces, not those of static NAT, and go stale where a peer gets another address.
    """
    gate = cluster.view(gates).get(peer.name)
    if gate is None:
        return unknown("its firewall rules are not in the evidence", want=_wanted(peer, (4,)))
    others = [other for other in cluster.peers if other is not peer]
    tried = [_toward(cluster, other, peer, gate) for other in others]
    if cut := [found for found in tried if found.blocked]:
        return _cut_off(cluster, peer, gate, cut)
    nameless = tuple(found.other for found in tried if not found.addresses)
    alarms = [alarm for number in _FIREWALL_ALARMS for alarm in peer.raised(number)]
    if (alarms or _only_pending(cluster, peer, gate)) and not gate.is_active:
        return _measured_instead(cluster, peer, others, [alarm.source for alarm in alarms])
    doubtful = [found for found in tried if found.perhaps]
    missing = [found for found in tried if found.missing]
    evidence = [*(s for found in tried for s in found.sources), *gate.evidence]
    if nameless or doubtful or missing:
        parts = [f"the address of {names(nameless)} is not in the evidence"] if nameless else []
        parts += [f"for {f.other} {_shown(f.perhaps[0])} decides, which cannot be judged from here" for f in doubtful]
        parts += [f"its rules for the addresses of {f.other} are not in the evidence" for f in missing]
        asked: list[Want] = [want.bundle(other) for other in nameless]
        asked += _wanted(peer, {v for f in missing for v in f.missing} or (4,)) if doubtful or missing else []
        return unknown("; ".join(parts), want=asked, evidence=evidence)
    needed = _followed(peer)
    return passed(f"{names(tuple(others))} get through to {listing(needed)}", evidence=evidence)


@dataclass(slots=True)
class _Toward:
    """What becomes of packets of one peer to another."""

    other: Peer
    addresses: tuple[Address, ...]
    blocked: dict[Ports, FirewallRule | None] = field(default_factory=dict)
    perhaps: list[FirewallRule] = field(default_factory=list)
    missing: set[int] = field(default_factory=set)
    sources: list[int] = field(default_factory=list)
    later: list[FirewallRule] = field(default_factory=list)


def _followed(peer: Peer) -> tuple[Ports, ...]:
    return era_of([peer.version.value]).needed


def _toward(cluster: Cluster, other: Peer, peer: Peer, gate: Gate) -> _Toward:
    found = _Toward(other, cluster.view(places)[other.name].sends_from)
    for ports in _followed(peer):
        met = welcome(cluster, gate, other, peer, ports)
        if met is None:  # its own address is not known
            return _Toward(other, ())
        if not met.state:
            found.missing.add(met.packet.version)
        elif met.state == "blocked":
            found.blocked[ports] = met.rules[0] if met.rules else None
            found.later += [row for at in found.addresses for row in _allowing(gate, at, met.packet)]
        elif met.state == "perhaps":
            found.perhaps += [row for row in met.rules if row.conditions] or met.rules
        found.sources += [row.source for row in met.rules]
    return found


def _allowing(gate: Gate, at: Address, packet: Packet) -> list[FirewallRule]:
    """Return rules of the page that would let an address in, were they met first."""
    here = ((int(at), int(at)),)
    return [
        row
        for row in gate.page
        if row.action == "accept"
        and row.source_network
        and (not row.transport or packet.transport in row.transport.split(","))
        and ranges.intersect(ranges.of_networks(row.source_network, at.version), here)
    ]


def _cut_off(cluster: Cluster, peer: Peer, gate: Gate, cut: list[_Toward]) -> Verdict:
    parts = []
    for found in cut:
        row = next(iter(found.blocked.values()))
        by = _shown(row) if row else "its rules"
        where = ", ".join(map(str, found.addresses))
        late = next((one for one in found.later if one.priority is not None), None)
        trap = (
            f"; the rule that would allow it has priority {late.priority}, a higher number, and is met later"
            if late and row and row.priority is not None and late.priority is not None and late.priority > row.priority
            else ""
        )
        parts.append(f"{found.other} ({where}) cannot reach {listing(found.blocked)}: {by} takes it first{trap}")
    rows = [row.source for found in cut for row in (*found.blocked.values(), *found.later) if row]
    alarms = [a for f in cut for a in f.other.raised(20021) if peer.name in _named(cluster, a.detail)]
    told = f"; alarm 20021 on {' and '.join(dict.fromkeys(f.other.name for f in cut))} says so, too" if alarms else ""
    return violation(
        "; ".join(parts) + told,
        evidence=[*rows, *(alarm.source for alarm in alarms), *gate.evidence],
        at_fault=[peer.name],
        measured=", ".join(found.other.name for found in cut),
        wanted="no peer is kept out",
        fix=_sample_rules(cluster, peer, tuple(p for f in cut for p in f.blocked), versions_of(peer)),
        cite=_CITE,
    )


def _named(cluster: Cluster, text: str) -> set[str]:
    found = (cluster.find(word.strip(".,;:()[]'\"")) for word in text.split())
    return {peer.name for peer in found if peer}


def _measured_instead(cluster: Cluster, peer: Peer, others: list[Peer], alarms: list[int]) -> Verdict:
    """Judge by what was measured where the rules in force are not known."""
    tcp = [ports for ports in _followed(peer) if ports.transport == "tcp"]
    ways = {other.name: [cluster.view(reach).way(other, peer).port(p) for p in tcp] for other in others}
    evidence = [*alarms, *(s for verdicts in ways.values() for verdict in verdicts for s in verdict.sources)]
    if all(verdict.state == OPEN for verdicts in ways.values() for verdict in verdicts):
        return passed(
            f"which rules are in force is not known (see R27), but {names(tuple(others))} reach {listing(tcp)}",
            evidence=evidence,
        )
    return unknown("which rules are in force is not known (see R27)", want=_wanted(peer, (4,)), evidence=evidence)


def _page_disagrees(cluster: Cluster, peer: Peer, gate: Gate, closed: Iterable[Ports]) -> str:
    """Return a remark where the rules in force and those of the web page say different things."""
    if not gate.is_active or not gate.page:
        return ""
    active = bool(_survey(cluster, peer, gate, closed).open_to)
    if bool(_survey(cluster, peer, gate, closed, configured=True).open_to) == active:
        return ""
    says = "would close them" if active else "would leave them open"
    return f"; the rules configured on the web page {says}: they are not what is in force"


def _seen_anyway(cluster: Cluster, peer: Peer) -> str:
    found, ports = cluster.view(reach), era_of([peer.version.value]).closed
    tries = [*found.strangers.get(peer.name, ()), *found.outside.get(peer.name, ())]
    answered = [row for row in tries if row.state == "open" and any(is_try_of(row, one) for one in ports)]
    return f"; but {answered[0].vantage} was answered there ({answered[0].tool}), see R12" if answered else ""


def _sample_rules(
    cluster: Cluster, peer: Peer, ports: Iterable[Ports], versions: Iterable[int], deciding: Iterable[FirewallRule] = ()
) -> str:
    """Return how to enter rules that close the ports to others and leave them open to peers."""
    too_wide = " and ".join(_shown(row) for row in deciding if row.action == "accept" and not _is_default(row))
    others = [other for other in cluster.peers if other is not peer]
    who = [str(at) for other in others for at in cluster.view(places)[other.name].sends_from]
    anybody = " and ".join({4: "0.0.0.0/0", 6: "::/0"}[version] for version in versions)
    closed = listing(era_of([peer.version.value]).closed)
    return steps(
        f"on {peer}, {_PAGE}: for each peer ({', '.join(who) or 'its interface address'}) a rule that allows "
        f"{listing(ports)}, with priorities from 20 on, each another",
        *([f"on {peer}, same page: delete {too_wide}, which lets others in"] if too_wide else []),
        f"on {peer}, same page: a rule that drops {closed} from {anybody} on all interfaces, with a number above all "
        "of these, such as 50000, none below: the lowest number is met first, whatever the guide calls lower priority",
        f"on {peer}, activate the rules and confirm them within 15 seconds, else they are taken back; rules for UDP "
        "need a restart",
        "the same on the other peers, one after the other, after checking System > Clustering",
    )


def _shown(row: FirewallRule) -> str:
    """Return a rule as a reason names it."""
    if _is_default(row):
        return f"the default of chain {row.chain}, {row.action}"
    ports = f" {row.transport.upper() or 'any'} {row.ports}".rstrip() if row.transport or row.ports else ""
    source = f" from {row.source_network}" if row.source_network else ""
    through = f" on {row.interface}" if row.interface else ""
    when = f" if {row.conditions}" if row.conditions else ""
    if row.origin == "page":
        number = row.priority if row.priority is not None else "unknown"
        return f"the rule of priority {number} ({row.action}{ports}{source}{through}{when})"
    return f"rule {row.position} of chain {row.chain} ({row.action}{ports}{source}{through}{when})"


def _is_default(row: FirewallRule) -> bool:
    return row.position is None


def _wanted(peer: Peer, versions: Iterable[int]) -> list[Want]:
    return [want.firewall_rules(peer, version) for version in sorted(versions)]


def _interfaces(peer: Peer) -> str:
    return " and ".join(f"LAN {interface.number}" for interface in in_use(peer))


def _versions(versions: Iterable[int]) -> str:
    return " and ".join(f"IPv{version}" for version in versions)


RULES = (block_non_peers, allow_peers)
