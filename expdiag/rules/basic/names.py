"""System names and the domain."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.names import canonical
from expdiag.rules import want
from expdiag.rules.agreement import compare, names, shown, who
from expdiag.rules.declare import passed, rule, unknown, violation
from expdiag.rules.sharing import at_fault, shared


@rule("R16", compares=True)
def system_names_distinct(cluster: Cluster) -> Verdict:
    """Every peer has a system name of its own.

    Why: logs, alarms and Cisco TMS name peers by it; the name does not replicate.
    Passes: all names differ, small and capital letters being the same.
    Violates: a name, or the lack of one, is shared.
    Unknown: a peer's name is not in the evidence and the others differ.
    Not applicable: a cluster of one.
    """
    system_names = compare(cluster, lambda peer: peer.system_name)
    doubles = shared({name: [(fact.value or "").strip().casefold()] for name, fact in system_names.said.items()})
    if doubles:
        sharers = [name for owners in doubles.values() for name in owners]
        listing = "; ".join(
            f"{shown(system_names.said[owners[0]].value)} on {', '.join(owners)}" for owners in doubles.values()
        )
        blamed = at_fault(cluster, doubles)
        renamed = blamed or tuple(name for owners in doubles.values() for name in owners[1:])
        return violation(
            f"a system name is used twice: {listing}",
            evidence=[source for name in sharers for source in system_names.said[name].sources],
            at_fault=blamed,
            measured=listing,
            wanted="a name of its own for each peer",
            log_in=renamed,
            fix=f"give {' and '.join(renamed)} another system name (System > Administration settings)",
        )
    if system_names.silent:
        return unknown(
            f"nothing shows the system name of {names(system_names.silent)}",
            want=[want.export(peer, "system_name") for peer in system_names.silent],
            evidence=system_names.evidence,
        )
    hosts = {peer.name: [canonical(peer.host_name.value)] for peer in cluster.peers if peer.host_name.value}
    note = "; ".join(f"host name {host} is that of {' and '.join(found)}" for host, found in shared(hosts).items())
    note = f", but {note}: host names are meant to be unique as well (Cluster guide X14.3)" if note else ""
    return passed(f"all system names differ{note}", evidence=system_names.evidence)


@rule("R17", compares=True)
def same_domain(cluster: Cluster) -> Verdict:
    """All peers have the same DNS domain name.

    Why: peers, certificates and service records are named in it; it does not replicate. Search domains do not
    count.
    Passes: the names are equal; where only small and capital letters differ the reason says so, because Mobile
    and Remote Access sign-in has failed over that, as it has over an underscore in a host name, which the command line
    accepts (MRA guide X12.5, Troubleshooting).
    Violates: the names differ, or none is set.
    Unknown: a peer's domain is not in the evidence.
    Not applicable: a cluster of one.
    """
    domains = compare(cluster, lambda peer: peer.domain, key=canonical)
    unset = [name for name, fact in domains.said.items() if not (fact.value or "").strip(". ")]
    if domains.differ or unset:
        odd = tuple(unset) if unset else domains.odd
        listing = domains.listing()
        return violation(
            f"the peers are not in one domain: {listing}" if domains.differ else f"no domain is set: {listing}",
            evidence=domains.evidence,
            at_fault=odd,
            measured=domains.listing(),
            wanted="one domain",
            fix=f"set the same domain name on {who(odd)} (System > DNS), then check that its certificate and its "
            "entry in the peer lists still carry its full name",
        )
    if domains.silent:
        return unknown(
            f"nothing shows the domain of {names(domains.silent)}",
            want=[want.export(peer, "domain") for peer in domains.silent],
            evidence=domains.evidence,
        )
    spellings = {fact.value for fact in domains.said.values()}
    note = ""
    if len(spellings) > 1:
        note = f", but spelled differently: {domains.listing()}; MRA sign-in can fail over this"
    underscored = [peer.host_name.value for peer in cluster.peers if "_" in (peer.host_name.value or "")]
    if underscored:
        note += f"; the underscore in host name {' and '.join(map(str, underscored))} breaks SSH tunnels of MRA"
    return passed(f"all peers are in one domain{note}", evidence=domains.evidence)


RULES = (system_names_distinct, same_domain)
