"""One packet followed through ordered firewall rules: what becomes of it, from every source address at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from expdiag import knowledge
from expdiag.model.names import Address
from expdiag.model.network import ranges
from expdiag.model.network.ranges import Ranges
from expdiag.tables import FirewallRule

ACCEPT, BLOCK = "accept", "block"
_BLOCKING = frozenset({"drop", "reject"})
_EITHER = frozenset({ACCEPT, BLOCK})
_MOST_FLOWS = 400
_DEEPEST = 20
_NO, _PERHAPS, _YES = 0, 1, 2
_STATE_VMAP = re.compile(r"ct state vmap \{(?P<verdicts>[^}]*)\}$")


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a new connection.

    Attributes:
        version: 4 or 6.
        interface: where it comes in, `eth0`; empty where that is not known.
        destinations: where it may go to; empty where that is not known.
        source_ports: lowest and highest port it may come from.
    """

    version: int
    transport: str
    port: int | None
    interface: str = ""
    destinations: frozenset[Address] = frozenset()
    source_ports: tuple[int, int] = (0, 65535)


@dataclass(frozen=True, slots=True)
class Flow:
    """Packets from some sources on their way: what may have become of them, and the rules that say so."""

    sources: Ranges
    verdicts: frozenset[str] = frozenset()
    rules: tuple[FirewallRule, ...] = ()

    def met(self, sources: Ranges, rule: FirewallRule | None, verdicts: Iterable[str]) -> Flow:
        """Return the part of it that met a rule, or a default that no row shows."""
        return Flow(sources, self.verdicts.union(verdicts), (*self.rules, rule) if rule else self.rules)


@dataclass(slots=True)
class Chain:
    """Rules in the order a packet meets them, and what becomes of one that none takes.

    Attributes:
        default: what becomes of a packet no rule takes: an action; empty where nothing tells.
        default_row: the row that says so; None where it is known without one.
        named: the chains of its table by name, for jumps.
    """

    default: str = ""
    default_row: FirewallRule | None = None
    rules: list[FirewallRule] = field(default_factory=list)
    named: dict[str, Chain] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Passage:
    """What becomes of a packet by its source.

    Attributes:
        accepted: sources that surely get through.
        blocked: sources that surely do not.
        perhaps: sources for which a condition decides that cannot be judged.
        too_many: there were too many cases to follow, so that everything is `perhaps`, from the first rule on.
    """

    accepted: Ranges
    blocked: Ranges
    perhaps: Ranges
    flows: tuple[Flow, ...] = ()
    too_many: bool = False

    def deciding(self, sources: Ranges) -> tuple[FirewallRule, ...]:
        """Return the rules that decide what becomes of some sources."""
        found = {r.source: r for f in self.flows if ranges.intersect(f.sources, sources) for r in f.rules}
        return tuple(found.values())


def passage(flows: Sequence[Flow]) -> Passage:
    """Return what flows that may overlap say together."""
    through: Ranges = ()
    stopped: Ranges = ()
    for flow in flows:
        if ACCEPT in flow.verdicts:
            through = ranges.union(through, flow.sources)
        if BLOCK in flow.verdicts:
            stopped = ranges.union(stopped, flow.sources)
    return Passage(
        accepted=ranges.subtract(through, stopped),
        blocked=ranges.subtract(stopped, through),
        perhaps=ranges.intersect(through, stopped),
        flows=tuple(flows),
    )


def follow(bases: Sequence[Chain], packet: Packet) -> Passage:
    """Follow a packet from everywhere through base chains, one after the other; each has to let it through."""
    flows = [Flow(ranges.anybody(packet.version))]
    finished: list[Flow] = []
    for base in bases:
        ended = _through_base(base, packet, flows)
        if len(ended) > _MOST_FLOWS:
            first = tuple(rule for chain in bases for rule in chain.rules)[:1]
            return replace(passage([Flow(ranges.anybody(packet.version), _EITHER, first)]), too_many=True)
        finished += [flow for flow in ended if ACCEPT not in flow.verdicts]
        flows = [Flow(f.sources, f.verdicts - {ACCEPT}, f.rules) for f in ended if ACCEPT in f.verdicts]
    return passage([*finished, *(Flow(f.sources, f.verdicts | {ACCEPT}, f.rules) for f in flows)])


def in_order(bases: Sequence[Chain], packet: Packet) -> Iterator[tuple[int, FirewallRule]]:
    """Yield the rules and defaults a packet may meet, in order, whatever its source; jumps are followed where they are.

    Each comes with how many jumps lead to it.
    """
    for base in bases:
        yield from _in_chain(base, packet, 0)
        if base.default_row:
            yield 0, base.default_row


def _in_chain(chain: Chain, packet: Packet, depth: int) -> Iterator[tuple[int, FirewallRule]]:
    for rule in chain.rules:
        if _fits(rule, packet) == _NO:
            continue
        yield depth, rule
        target = chain.named.get(rule.target.split()[0]) if rule.target and _action(rule) in ("jump", "goto") else None
        if target and depth < _DEEPEST:
            yield from _in_chain(target, packet, depth + 1)


def _through_base(base: Chain, packet: Packet, flows: list[Flow]) -> list[Flow]:
    done, left = _through(base, packet, flows, 0)
    return [*done, *(f.met(f.sources, base.default_row, _verdicts(base.default)) for f in left)]


def _through(chain: Chain, packet: Packet, flows: list[Flow], depth: int) -> tuple[list[Flow], list[Flow]]:
    """Return the flows that a chain takes, and those that leave it at its end or by a return."""
    done: list[Flow] = []
    back: list[Flow] = []
    for rule in chain.rules:
        fits = _fits(rule, packet)
        if fits == _NO:
            continue
        wanted = ranges.of_networks(rule.source_network, packet.version)
        on: list[Flow] = []
        for flow in flows:
            hit = ranges.intersect(flow.sources, wanted)
            if not hit:
                on.append(flow)
                continue
            if miss := ranges.subtract(flow.sources, hit):
                on.append(Flow(miss, flow.verdicts, flow.rules))
            _meet(rule, fits == _YES, Flow(hit, flow.verdicts, flow.rules), chain, packet, depth, done, on, back)
        flows = on
        if not flows or len(flows) + len(done) > _MOST_FLOWS:
            break
    return done, [*back, *flows]


def _meet(
    rule: FirewallRule,
    surely: bool,
    flow: Flow,
    chain: Chain,
    packet: Packet,
    depth: int,
    done: list[Flow],
    on: list[Flow],
    back: list[Flow],
) -> None:
    """Put the part of a flow that meets a rule where it goes: it is done, goes on, or leaves the chain."""
    action = _action(rule)
    if action in ("jump", "goto"):
        target = chain.named.get(rule.target.split()[0] if rule.target else "")
        if target is None or depth > _DEEPEST:
            on.append(flow.met(flow.sources, rule, _EITHER))
            return
        taken, left = _through(target, packet, [flow], depth + 1)
        (done if surely else on).extend(taken)
        (on if action == "jump" else back).extend(left)
        if not surely and action == "goto":
            on.append(flow)
    elif action == "return":
        back.append(flow)
        if not surely:
            on.append(flow)
    elif action in _goes_on():
        on.append(flow)
    else:
        verdicts = _verdicts(action)
        (done if surely and len(verdicts) == 1 else on).append(flow.met(flow.sources, rule, verdicts))


def _verdicts(action: str) -> frozenset[str]:
    """Return what may become of a packet by an action: one that is not known may be either."""
    return frozenset({ACCEPT}) if action == "accept" else frozenset({BLOCK}) if action in _BLOCKING else _EITHER


def _action(rule: FirewallRule) -> str:
    if rule.action == "vmap" and (found := _STATE_VMAP.match(rule.conditions)):
        verdicts = dict(part.split(":", 1) for part in found["verdicts"].replace(" ", "").split(",") if ":" in part)
        return verdicts.get("new", "none")
    return rule.action.lower()


def _fits(rule: FirewallRule, packet: Packet) -> int:
    """Return whether a packet meets the conditions of a rule, its source address left aside."""
    if rule.family in ("ipv4", "ipv6") and rule.family != f"ipv{packet.version}":
        return _NO
    return min(
        _transport(rule.transport, packet.transport),
        _ports(rule.ports, packet.port, packet.port),
        _ports(rule.source_ports, *(packet.source_ports if packet.port is not None else (None, None))),
        _interface(rule.interface, packet.interface),
        _PERHAPS if rule.out_interface and rule.hook != "input" else _YES,
        _destination(rule.destination_network, packet),
        _states(rule.states),
        _YES if _action(rule) != rule.action.lower() and rule.action == "vmap" else _conditions(rule.conditions),
    )


def _transport(wanted: str, transport: str) -> int:
    if not wanted:
        return _YES
    among = transport in wanted.removeprefix("!").split(",")
    return _YES if among != wanted.startswith("!") else _NO


def _ports(wanted: str, low: int | None, high: int | None) -> int:
    """Return whether all, some or none of the ports `low` to `high` are wanted."""
    if not wanted:
        return _YES
    if low is None or high is None:
        return _NO
    inside = [(max(low, a), min(high, b)) for a, b in port_ranges(wanted)]
    count = sum(b - a + 1 for a, b in inside if a <= b)
    return _NO if not count else _YES if count >= high - low + 1 else _PERHAPS


@lru_cache(maxsize=1024)
def port_ranges(text: str) -> ranges.Ranges:
    """Return ports, `4371-4372,5061`, as ranges."""
    parts = (part.partition("-") for part in text.split(","))
    return ranges.joined((int(low), int(high or low)) for low, _, high in parts)


def _interface(wanted: str, name: str) -> int:
    if not wanted:
        return _YES
    by_page = _names_of_interfaces()
    patterns = [by_page.get(word.upper().replace(" ", ""), word) for word in wanted.removeprefix("!").split(",")]
    if not name:
        return _NO if patterns == ["lo"] and not wanted.startswith("!") else _PERHAPS
    among = any(fnmatchcase(name, pattern) for pattern in patterns)
    return _YES if among != wanted.startswith("!") else _NO


def _destination(wanted: str, packet: Packet) -> int:
    if not wanted:
        return _YES
    if not packet.destinations:
        return _PERHAPS
    inside = ranges.of_networks(wanted, packet.version)
    going = ranges.of_addresses(packet.destinations, packet.version)
    hit = ranges.intersect(going, inside)
    return _NO if not hit else _YES if hit == going else _PERHAPS


def _states(wanted: tuple[str, ...]) -> int:
    if not wanted or "new" in wanted:
        return _YES
    return _NO if set(wanted) <= {"established", "related", "invalid"} else _PERHAPS


@lru_cache(maxsize=1024)
def _conditions(text: str) -> int:
    known = knowledge.load("firewall")["conditions"]
    found = _YES
    for condition in filter(None, text.split("; ")):
        if condition in known["unmet"]:
            return _NO
        if condition not in known["met"]:
            found = _PERHAPS
    return found


@cache
def _goes_on() -> frozenset[str]:
    return frozenset(knowledge.load("firewall")["goes_on"]["actions"])


@cache
def _names_of_interfaces() -> dict[str, str]:
    names: dict[str, str] = knowledge.load("firewall")["interfaces"]
    return names


def mentions(rule: FirewallRule, at: Address) -> bool:
    """Whether a rule names an address, by itself or by a network, as where a packet comes from or goes to."""
    version = at.version
    for text in (rule.source_network, rule.destination_network):
        if text and not text.startswith("!"):
            inside = ranges.of_networks(text, version)
            if ranges.intersect(inside, ((int(at), int(at)),)):
                return True
    return False
