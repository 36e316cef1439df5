"""The DNS servers a peer asks."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import passed, rule, unknown, violation


@rule("R29")
def dns_servers_configured(cluster: Cluster, peer: Peer) -> Verdict:
    """At least one DNS server is configured on the peer itself.

    Why: DNS servers do not replicate.
    Passes: one or more addresses. Peers may have different ones.
    Violates: the export shows the fields and all are empty.
    Unknown: the export does not show them, or is cut off among them.
    """
    servers = [fact for fact in peer.dns_servers.values() if fact.value]
    if servers:
        listing = ", ".join(str(fact.value) for fact in servers)
        return passed(f"DNS servers: {listing}", evidence=[source for fact in servers for source in fact.sources])
    if not peer.dns_servers or peer.dns_is_cut:
        return unknown("the DNS servers of this peer are not in the evidence", want=[want.export(peer, "dns_server")])
    return violation(
        "no DNS server is configured",
        evidence=[source for fact in peer.dns_servers.values() for source in fact.sources],
        at_fault=[peer.name],
        measured=0,
        wanted=1,
        fix=f"enter the DNS servers on {peer} itself (System > DNS); they do not replicate from the primary",
    )


RULES = (dns_servers_configured,)
