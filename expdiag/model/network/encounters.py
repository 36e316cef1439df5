"""Which rules packets of several senders meet, in order, and where each ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from expdiag.model.network import ranges
from expdiag.model.network.packets import ACCEPT, BLOCK, Chain, Flow, Packet, follow, in_order
from expdiag.model.network.ranges import Ranges
from expdiag.tables import FirewallRule

GOES_ON, MAY_END, PERHAPS, TOO_MANY = "goes on", "may end here", "perhaps", "too many"
_MOST = 5000  # rules that are looked at, jumps followed


@dataclass(frozen=True, slots=True)
class Sender:
    """Packets to one port from some sources."""

    packet: Packet
    sources: Ranges


@dataclass(frozen=True, slots=True)
class Met:
    """What becomes at a rule of the packets that get so far.

    Attributes:
        what: `accept`, `block`, `perhaps` (a condition decides that cannot be judged), `may end here`,
            `goes on`, or `too many` (cases to follow).
        sources: of whom.
        is_part: others of the same sender met their end elsewhere.
    """

    what: str
    sources: Ranges
    is_part: bool = False


@dataclass(slots=True)
class Encounter:
    """A rule and what it means for each sender that gets so far.

    Attributes:
        rule: None for what no rule takes.
        depth: how many jumps lead to it.
        met: by sender.
    """

    rule: FirewallRule | None
    depth: int = 0
    met: dict[str, Met] = field(default_factory=dict)


def encounters(chains: Sequence[Chain], senders: Mapping[str, Sender]) -> list[Encounter]:
    """Return the rules that packets of some senders may meet, in order, the first one first.

    Args:
        chains: the base chains, in order.
        senders: by name; their packets differ at most in the ports they come from.
    """
    if not senders:
        return []
    widest = max((sender.packet for sender in senders.values()), key=lambda p: p.source_ports[1] - p.source_ports[0])
    found = [Encounter(rule, depth) for depth, rule in islice(in_order(chains, widest), _MOST)]
    last = Encounter(None)
    for name, sender in senders.items():
        left, passage = sender.sources, follow(chains, sender.packet)
        if passage.too_many:
            last.met[name] = Met(TOO_MANY, left)
            continue
        flows = passage.flows
        ending, passing = _by_rule(flows)
        for one in found:
            if not left or one.rule is None:
                break
            theirs = [f for f in ending.get(one.rule.source, ()) if ranges.intersect(f.sources, left)]
            if theirs:
                one.met[name] = _ended(theirs, left, sender.sources)
                left = ranges.subtract(left, one.met[name].sources)
            else:
                unsure = (flow for flow in passing.get(one.rule.source, ()) if len(flow.verdicts) > 1)
                held = any(ranges.intersect(flow.sources, left) for flow in unsure)
                one.met[name] = Met(MAY_END if held else GOES_ON, left)
        if left:
            last.met[name] = _ended(
                [flow for flow in flows if ranges.intersect(flow.sources, left)], left, sender.sources
            )
    return [*found, last] if last.met else found


def _by_rule(flows: Iterable[Flow]) -> tuple[dict[int, list[Flow]], dict[int, list[Flow]]]:
    """Return flows by the rule they end at, and by those they may have ended at before."""
    ending: dict[int, list[Flow]] = {}
    passing: dict[int, list[Flow]] = {}
    for flow in flows:
        for rule in flow.rules[:-1]:
            passing.setdefault(rule.source, []).append(flow)
        if flow.rules:
            ending.setdefault(flow.rules[-1].source, []).append(flow)
    return ending, passing


def _ended(flows: Sequence[Flow], left: Ranges, every: Ranges) -> Met:
    """Return what becomes of the sources of flows that are still on the way."""
    sources: Ranges = ()
    for flow in flows:
        sources = ranges.union(sources, ranges.intersect(flow.sources, left))
    verdicts = frozenset().union(*(flow.verdicts for flow in flows))
    what = next(iter(verdicts)) if verdicts in ({ACCEPT}, {BLOCK}) else PERHAPS
    return Met(what, sources, is_part=sources != every)
