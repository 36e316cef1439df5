"""The firewalls of a case: the peers' own rules and those of other devices, ready to follow a packet through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from expdiag import knowledge
from expdiag.evidence import file_number
from expdiag.model.cluster import Cluster
from expdiag.model.gathering.filenames import rest_folder
from expdiag.model.names import Address
from expdiag.model.network import ranges
from expdiag.model.network.clustering import of_hidden_address, places
from expdiag.model.network.packets import Chain, Packet, Passage, follow, mentions, port_ranges
from expdiag.model.network.ports import Ports
from expdiag.model.network.ranges import Ranges
from expdiag.model.peers import Peer
from expdiag.tables import FirewallRule

PAGE = "page"
_REST_RULES = "firewallrules/configuration.json"
_EMPTY_ANSWER = 8  # bytes: `[]` and a line end
STATES = ("accepted", "blocked", "perhaps")
# Where the tables of iptables stand among the base chains of one hook
_IPTABLES = {"raw": -300, "mangle": -150, "filter": 0, "": 0, "security": 50}
_TO_THE_MACHINE = ("prerouting", "input")
_THROUGH_THE_MACHINE = ("prerouting", "forward")


@dataclass(slots=True)
class Ruleset:
    """The rules of one print or answer.

    Attributes:
        origin: `page`, `iptables` or `nftables`.
        version: the IP version it is for; 0 for both.
        bases: base chains by the hook packets enter them at, each with its priority.
        rows: all its rules and defaults.
        sources: what shows it, where it has no rows.
    """

    origin: str
    version: int
    bases: dict[str, list[tuple[int, Chain]]] = field(default_factory=dict)
    rows: list[FirewallRule] = field(default_factory=list)
    sources: tuple[int, ...] = ()

    def follow(self, packet: Packet, hooks: Iterable[str]) -> Passage:
        """Follow a packet through the chains of some hooks, one after the other."""
        return follow(self.chains(hooks), packet)

    def chains(self, hooks: Iterable[str]) -> list[Chain]:
        """Return the base chains of some hooks in the order a packet meets them."""
        return [chain for hook in hooks for _, chain in sorted(self.bases.get(hook, ()), key=lambda base: base[0])]


@dataclass(slots=True)
class Gate:
    """All that is known of the rules of one machine."""

    name: str
    is_peer: bool
    rulesets: list[Ruleset] = field(default_factory=list)
    _known: dict[tuple[Packet, bool], Passage | None] = field(default_factory=dict, repr=False)

    def through(self, packet: Packet, *, configured: bool = False) -> Passage | None:
        """Return what becomes of a packet; None where no rules for its IP version are known.

        Rules in force, as iptables or nft print them, count before those the web page has; with `configured` only
        the latter.
        """
        key = (packet, configured)
        if key not in self._known:
            self._known[key] = self._follow(packet, configured)
        return self._known[key]

    def _follow(self, packet: Packet, configured: bool) -> Passage | None:
        found = [
            ruleset.follow(packet, self.hooks) for ruleset in self.rules_for(packet.version, configured=configured)
        ]
        return _agreed(found, packet.version) if found else None

    @property
    def hooks(self) -> tuple[str, ...]:
        """Where packets to, or through, the machine meet rules, in order."""
        return _TO_THE_MACHINE if self.is_peer else _THROUGH_THE_MACHINE

    def rules_for(self, version: int, *, configured: bool = False) -> list[Ruleset]:
        """Return the prints of rules that count for an IP version; several where the same rules were printed twice."""
        fitting = [r for r in self.rulesets if r.version in (0, version) and self.hooks[-1] in r.bases]
        active = [ruleset for ruleset in fitting if ruleset.origin != PAGE]
        return active if active and not configured else [r for r in fitting if r.origin == PAGE]

    @property
    def is_active(self) -> bool:
        """Whether rules in force are known, and not only those the web page has."""
        return any(ruleset.origin != PAGE for ruleset in self.rulesets)

    @property
    def page(self) -> list[FirewallRule]:
        """The rules the web page has, in the order a packet meets them."""
        return [row for ruleset in self.rulesets if ruleset.origin == PAGE for row in ruleset.rows]

    @property
    def evidence(self) -> tuple[int, ...]:
        """What shows that the machine has these rules and no others: where each print begins and ends."""
        return tuple(
            source
            for ruleset in self.rulesets
            for source in (*(row.source for row in (*ruleset.rows[:1], *ruleset.rows[-1:])), *ruleset.sources)
        )

    def speaks_of(self, *addresses: Address) -> bool:
        """Whether the rules name each of some addresses, by itself or by a network."""
        rows = [row for ruleset in self.rulesets for row in ruleset.rows]
        return all(any(mentions(row, at) for row in rows) for at in addresses)


def _agreed(found: list[Passage], version: int) -> Passage:
    """Return what several prints of the same rules say together; where they part, either may be right."""
    if len(found) == 1:
        return found[0]
    accepted, blocked = ranges.anybody(version), ranges.anybody(version)
    for one in found:
        accepted = ranges.intersect(accepted, ranges.union(one.accepted, one.perhaps))
        blocked = ranges.intersect(blocked, ranges.union(one.blocked, one.perhaps))
    decided = ranges.union(accepted, blocked)
    parted = ranges.union(ranges.intersect(accepted, blocked), ranges.subtract(ranges.anybody(version), decided))
    flows = tuple(flow for one in found for flow in one.flows)
    return Passage(ranges.subtract(accepted, parted), ranges.subtract(blocked, parted), parted, flows)


def gates(cluster: Cluster) -> dict[str, Gate]:
    """Return the rules known of each machine, by the name of the peer or device; a view."""
    found: dict[str, Gate] = {}
    for row in cluster.rows["firewall_rules"]:
        owner = cluster.find(row.device).name if row.device and cluster.find(row.device) else None  # type: ignore[union-attr]
        owner = owner or (None if row.device else cluster.peer_of(row.source))
        name = owner or row.device
        if name:
            gate = found.setdefault(name, Gate(name, owner is not None))
            _take(gate, row)
    for name, source in _empty_answers(cluster):
        gate = found.setdefault(name, Gate(name, is_peer=True))
        if not gate.page:
            gate.rulesets.append(Ruleset(PAGE, 0, {"input": [(0, Chain("accept"))]}, sources=(source,)))
    for gate in found.values():
        _finish(gate)
    return found


def _take(gate: Gate, row: FirewallRule) -> None:
    """Put a row where it belongs: into the last ruleset, or a new one where another print begins."""
    current = gate.rulesets[-1] if gate.rulesets else None
    if current is None or not _belongs(row, current):
        current = Ruleset(row.origin, 0)
        gate.rulesets.append(current)
    current.rows.append(row)


def _belongs(row: FirewallRule, to: Ruleset) -> bool:
    last = to.rows[-1]
    if row.origin != to.origin or file_number(row.source) != file_number(last.source):
        return False
    if row.origin == "iptables" and row.family != last.family and row.family and last.family:
        return False
    chain = (row.table, row.chain)
    return row.position is not None or all(chain != (r.table, r.chain) for r in to.rows if r.position is None)


def _finish(gate: Gate) -> None:
    shown = {_family(ruleset) for ruleset in gate.rulesets if ruleset.origin == "iptables"}
    for ruleset in gate.rulesets:
        if not ruleset.rows:
            continue
        if ruleset.origin == PAGE:
            ordered = sorted(ruleset.rows, key=lambda row: (row.priority is None, row.priority or 0, row.position or 0))
            ruleset.rows = ordered
            ruleset.bases["input" if gate.is_peer else "forward"] = [
                (0, Chain("accept" if gate.is_peer else "", rules=ordered))
            ]
            continue
        if ruleset.origin == "iptables":
            family = _family(ruleset) or ("ipv6" if "ipv4" in shown else "ipv4")
            ruleset.version = 6 if family == "ipv6" else 4
        _build(ruleset)


def _family(ruleset: Ruleset) -> str:
    """Return the family of a print of iptables, empty where no rule of it names an address."""
    return next((row.family for row in ruleset.rows if row.family), "")


def _build(ruleset: Ruleset) -> None:
    chains: dict[tuple[str, str], Chain] = {}
    tables: dict[str, dict[str, Chain]] = {}
    for row in ruleset.rows:
        key = (row.table, row.chain)
        if key not in chains:
            named = tables.setdefault(row.table, {})
            chains[key] = named[row.chain] = Chain(named=named)
        chain = chains[key]
        if row.position is not None:
            chain.rules.append(row)
            if row.hook and not chain.default_row:
                _enter(ruleset, row, chain)
        elif "type nat" not in row.remarks and "dormant" not in row.conditions:
            chain.default, chain.default_row = row.action, row
            _enter(ruleset, row, chain)


def _enter(ruleset: Ruleset, row: FirewallRule, chain: Chain) -> None:
    """Note a base chain; those that translate addresses decide nothing here."""
    kind = row.table.rpartition(" ")[2]
    if not row.hook or (row.origin == "iptables" and kind not in _IPTABLES) or row.table.startswith(("bridge", "arp")):
        return
    priority = row.priority if row.priority is not None else _IPTABLES.get(kind, 0)
    bases = ruleset.bases.setdefault(row.hook, [])
    if all(known is not chain for _, known in bases):
        bases.append((priority, chain))


def _empty_answers(cluster: Cluster) -> Iterator[tuple[str, int]]:
    """Yield the peers whose REST API answered that there are no rules, and what shows it."""
    for row in cluster.rows["files"]:
        if row.file.endswith(_REST_RULES) and row.complete and not row.rows and row.bytes < _EMPTY_ANSWER:
            peer = cluster.find(rest_folder(row.file))
            if peer:
                yield peer.name, row.source


def strangers(cluster: Cluster, version: int) -> Ranges:
    """Return every address that is no peer's."""
    own = [at for place in cluster.view(places).values() for at in place.own]
    return ranges.subtract(ranges.anybody(version), ranges.of_addresses(own, version))


def packet_to(peer: Peer, ports: Ports, version: int, interface: int, *, from_peer: bool) -> Packet:
    """Return the first packet of a connection that comes in on an interface of a peer."""
    known = knowledge.load("firewall")
    low, high = known["source_ports"].get(ports.transport, (0, 65535)) if from_peer else (0, 65535)
    names: Mapping[str, str] = known["interfaces"]
    own = next((i.addresses for i in peer.interfaces if i.number == interface), ())
    there = frozenset(at for at in own if at.version == version)
    return Packet(version, ports.transport, ports.one, names[f"LAN{interface}"], there, (low, high))


def duplicate_priorities(rules: Iterable[FirewallRule]) -> dict[int, tuple[int, ...]]:
    """Return priorities that several rules of the web page have, with what shows them."""
    by_priority: dict[int, list[int]] = {}
    for row in rules:
        if row.priority is not None and row.origin == PAGE:
            by_priority.setdefault(row.priority, []).append(row.source)
    return {priority: tuple(sources) for priority, sources in by_priority.items() if len(sources) > 1}


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a peer's own rules do with another peer: `accepted`, `blocked`, `perhaps`, empty where none are known.

    Attributes:
        rules: what decides.
    """

    state: str
    packet: Packet
    rules: tuple[FirewallRule, ...] = ()


def welcome(cluster: Cluster, gate: Gate, start: Peer, end: Peer, ports: Ports) -> Welcome | None:
    """Return how a peer's rules meet another one on a port; None where the other's address is not known.

    A peer may send from LAN 1 or from the interface it is clustered on, and come in on either: it is only kept out
    where each of these is. One that may have another address than the one that is known is never surely kept out.
    """
    here, there = cluster.view(places)[start.name], cluster.view(places)[end.name]
    found: list[Welcome] = []
    for at in [at for at in here.sends_from if at.version in there.versions] or here.sends_from:
        source = ((int(at), int(at)),)
        for number in sorted({1, there.interface.number}):
            packet = packet_to(end, ports, at.version, number, from_peer=True)
            passage = gate.through(packet)
            if passage is None:
                found.append(Welcome("", packet))
                continue
            state = next(s for s in STATES if ranges.intersect(getattr(passage, s), source))
            found.append(Welcome(state, packet, passage.deciding(source)))
    ranked = [one for state in ("accepted", "perhaps", "", "blocked") for one in found if one.state == state]
    is_sure = ranked and (ranked[0].state != "blocked" or start not in of_hidden_address(cluster))
    return ranked[0] if is_sure else None


def keeps_out(cluster: Cluster, start: Peer, end: Peer, ports: Ports) -> tuple[FirewallRule, ...]:
    """Return the rules by which a peer itself surely keeps another one out of a port; none where it does not."""
    gate = cluster.view(gates).get(end.name)
    met = welcome(cluster, gate, start, end, ports) if gate else None
    return met.rules if met and met.state == "blocked" else ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules of a device between or in front of peers do with packets to a peer.

    Attributes:
        accepted, blocked: sources that surely get through, and surely do not.
        rules: what decides.
        speaks: the rules name where the packets come from (asked only of one peer) and go to, so that the device
            evidently stands on their way.
    """

    device: str
    accepted: Ranges
    blocked: Ranges
    rules: tuple[FirewallRule, ...]
    speaks: bool


def rulings(cluster: Cluster, sources: Ranges, ends: Iterable[Address], ports: Ports) -> list[Ruling]:
    """Return what each device that is no peer does with packets from some sources to a port of a peer.

    Args:
        cluster: whose rules and peers.
        sources: where packets come from; one address where one peer is meant.
        ends: the addresses of the peer they go to, all of one IP version.
        ports: where to.
    """
    found = []
    for gate in cluster.view(gates).values():
        if gate.is_peer:
            continue
        named = [at for at in ends if gate.speaks_of(at)]
        wanted = bool(named) or any(_names_port(row, ports) for row in gate.page)
        if ranges.size(sources) == 1:
            wanted = bool(named) and _names_source(gate, sources, named[0].version)
        packets = [Packet(at.version, ports.transport, ports.one, "", frozenset({at})) for at in named or ends]
        passages = [passage for packet in packets if (passage := gate.through(packet))]
        if not passages:
            continue
        accepted, blocked = passages[0].accepted, passages[0].blocked
        for passage in passages[1:]:
            accepted = ranges.union(accepted, passage.accepted)
            blocked = ranges.intersect(blocked, passage.blocked)
        rules = dict.fromkeys(row for passage in passages for row in passage.deciding(sources))
        found.append(
            Ruling(
                gate.name,
                ranges.intersect(accepted, sources),
                ranges.intersect(blocked, sources),
                tuple(rules),
                wanted,
            )
        )
    return found


def _names_source(gate: Gate, sources: Ranges, version: int) -> bool:
    rows = (row for ruleset in gate.rulesets for row in ruleset.rows)
    return any(
        row.source_network
        and not row.source_network.startswith("!")
        and ranges.intersect(ranges.of_networks(row.source_network, version), sources)
        for row in rows
    )


def _names_port(row: FirewallRule, ports: Ports) -> bool:
    return any(low <= (ports.one or 0) <= high for low, high in port_ranges(row.ports)) if row.ports else False
