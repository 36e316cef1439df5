"""What the rules of lookups share: which records a peer can use, whose servers have to change, what an export shows."""

from __future__ import annotations

from collections.abc import Iterable

from expdiag.findings import Verdict, Want
from expdiag.model.cluster import Cluster
from expdiag.model.dns.answers import ADDRESS_TYPES, UNASKED, Result
from expdiag.model.dns.resolver import PeerView, resolver
from expdiag.model.names import address, canonical
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import not_applicable
from expdiag.rules.dns.tally import Tally

_OF_A_DUMP = ("system_name", "host_name", "domain", "ipv4", "peer_address", "dns_server", "ntp_server", "h323_mode")
_FAMILIES = {"ipv4": ("A",), "ipv6": ("AAAA",), "both": ADDRESS_TYPES}


def families(peer: Peer) -> tuple[str, ...]:
    """Return the types of address records a peer can use: those of its IP protocol, else of its addresses."""
    protocol = (peer.ip_protocol.value or "").lower()
    if protocol in _FAMILIES:
        return _FAMILIES[protocol]
    versions = {at.version for at in peer.lan.addresses}
    return tuple(
        kind for kind, version in zip(ADDRESS_TYPES, (4, 6), strict=True) if not versions or version in versions
    )


def without_servers(peer: Peer) -> Verdict | None:
    """Return why there is nothing to look up: the peer has no DNS server, which is the matter of R29."""
    if not peer.dns_servers or peer.dns_is_cut or any(fact.value for fact in peer.dns_servers.values()):
        return None
    evidence = [source for fact in peer.dns_servers.values() for source in fact.sources]
    return not_applicable("no DNS server is configured on this peer (see R29)", evidence=evidence)


def shows_whole_configuration(peer: Peer) -> bool:
    """Whether a whole configuration of a peer is in the evidence, so that what does not stand in it is not set.

    A list of commands of one's own choice is not whole; a dump shows most of a few settings that every peer has.
    """
    if peer.list_is_cut or peer.dns_is_cut:
        return False
    mentioned = (next((m for m in peer.settings.mentions(name) if not m.is_old), None) for name in _OF_A_DUMP)
    return sum(1 for m in mentioned if m is not None and m.place.tree == "configuration") >= len(_OF_A_DUMP) - 1


def forward(tally: Tally, view: PeerView, peer: Peer, name: str) -> Result:
    """Look a name up as a peer does, and take what comes of it: any address is right."""
    types = families(peer)
    result = view.own.addresses(name, types)
    if tally.take(f"lookup of {name}", result, *(f"{name} {kind}" for kind in types)):
        tally.good(f"{name} is {', '.join(result.values)}", result.sources)
    elif result.state == UNASKED:
        note_foreign(tally, view, name, view.foreign.addresses(name))
    return result


def note_foreign(tally: Tally, view: PeerView, what: str, result: Result) -> None:
    """Say what a server answered that is not configured on the peer."""
    if result.state != UNASKED:
        servers = " and ".join(dict.fromkeys(answer.by for answer in result.answers))
        tally.note(
            f"{servers} says {result.said} for {what}, but the peer asks {' and '.join(view.servers)}", result.sources
        )


def names_lead_back(view: PeerView, names: Iterable[str], at: str) -> bool | None:
    """Whether one of some names is known to lead to an address; None where none was looked up."""
    results = [view.own.addresses(name) for name in names]
    if any(at in result.values for result in results):
        return True
    return False if any(result.state != UNASKED for result in results) else None


def is_name(entry: str) -> bool:
    """Whether an entry is a DNS name."""
    return bool(entry.strip()) and address(entry) is None


def where_to_fix(view: PeerView, peer: Peer) -> str:
    """Return whose records have to change, for a fix."""
    servers = ", ".join(view.servers)
    return f"the DNS servers {peer} asks ({servers}; System > DNS)" if servers else f"the DNS servers {peer} asks"


def digs(peer: Peer, about: str, tally: Tally) -> list[Want]:
    """Return the one capture that settles all open questions of a tally."""
    return [want.dig(peer, about, *dict.fromkeys(tally.questions))]


def view_of(cluster: Cluster, peer: Peer) -> PeerView:
    """Return DNS as a peer sees it."""
    return resolver(cluster).of(peer)


def reverse_any(tally: Tally, view: PeerView, at: str, name: str, accepted: Iterable[str], *, pool: bool) -> None:
    """Look an address of a server up, and take what comes of it: its name, or one that leads back to the address.

    Args:
        accepted: the name it is configured by, and what that is an alias of.
        pool: the name may stand for several servers with names of their own, as a domain does.
    """
    result = view.own.reverse(at)
    if not tally.take(f"reverse lookup of {at}", result, f"-x {at}"):
        if result.state == UNASKED:
            note_foreign(tally, view, at, view.foreign.reverse(at))
        return
    known = {canonical(one) for one in accepted if one}
    others = [found for found in result.values if found not in known]
    if len(others) < len(result.values) or not known:
        tally.good(f"{at} is {', '.join(result.values)}", result.sources)
        return
    back = names_lead_back(view, others, at)
    listing = ", ".join(others)
    if back or (pool and any(found.endswith(f".{one}") for found in others for one in known)):
        tally.good(f"{at} is {listing}, another name of {name or 'it'}", result.sources)
    elif pool and back is None:
        text = f"the reverse lookup of {at} gives {listing}, which may be another name of {name}"
        tally.unsettled(text, *(f"{found} A" for found in others), sources=result.sources)
    else:
        tally.bad(f"the reverse lookup of {at} gives {listing}, not {name}", result.sources, listing)
