"""The certificates the peers present to each other."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model import certificates
from expdiag.model.cluster import Cluster
from expdiag.model.facts import Fact
from expdiag.model.names import address, canonical
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.agreement import compare, names
from expdiag.rules.declare import not_applicable, passed, rule, unknown, violation
from expdiag.rules.sharing import at_fault, shared
from expdiag.tables import Certificate


@rule("R18")
def certificate_identifies_peer(cluster: Cluster, peer: Peer) -> Verdict:
    """The peer has a server certificate that names it.

    Why: even in Permissive mode peers present certificates to each other.
    Passes: the full name of the peer, or the name the peer lists use for it, is an alternative name or the
    common name; or the address of the peer is an alternative name.
    Violates: none of these is in the certificate. A wildcard names no peer in particular.
    Unknown: no certificate of the peer, or not its full name, is in the evidence.
    """
    certificate = peer.server_certificate
    if certificate is None:
        return unknown("no server certificate of this peer is in the case", want=[want.certificate(peer)])
    expected, name_sources = _names_of(cluster, peer)
    if not expected:
        return unknown(
            f"the full name of {peer} is not in the evidence; its certificate names {_shown_names(certificate)}",
            want=[want.export(peer, "host_name"), want.export(peer, "domain")],
            evidence=[certificate.source],
        )
    evidence = [certificate.source, *name_sources]
    found = next((name for name in expected if certificates.identifies(certificate, name)), None)
    own_addresses = {str(a) for a in peer.addresses}
    if found or own_addresses & set(certificate.ip_addresses):
        return passed(f"the certificate names {found or 'the address of this peer'}", evidence=evidence)
    wildcard = " (a wildcard does not count)" if certificates.has_wildcard_for(certificate, expected[0]) else ""
    return violation(
        f"the certificate names {_shown_names(certificate)}, not {' or '.join(expected)}{wildcard}",
        evidence=evidence,
        at_fault=[peer.name],
        measured=_shown_names(certificate),
        wanted=expected[0],
        fix=_new_certificate(peer, certificate, expected[0]),
    )


def _new_certificate(peer: Peer, certificate: Certificate, *needed: str) -> str:
    """Return how to get a certificate that keeps the names of the old one."""
    kept = [name for name in dict.fromkeys((*needed, *certificate.dns_names)) if "*" not in name]
    return (
        f"create a signing request on {peer} (Maintenance > Security > Server certificate) with the alternative names "
        f"{', '.join(kept) or 'of the peer'}, have it signed for server and client authentication, upload it there and "
        f"restart {peer}"
    )


def _names_of(cluster: Cluster, peer: Peer) -> tuple[list[str], list[int]]:
    """Return the names a certificate may identify a peer by, its full name first, and where they stand."""
    found: dict[str, tuple[int, ...]] = {}
    if peer.fqdn.value:
        found[peer.fqdn.value] = peer.fqdn.sources
    for entry, sources in _entries_for(cluster, peer):
        if address(entry) is None and "." in entry:
            found.setdefault(canonical(entry), sources)
    return list(found), [source for sources in found.values() for source in sources]


def _entries_for(cluster: Cluster, peer: Peer) -> list[tuple[str, tuple[int, ...]]]:
    """Return what the peer lists of all peers call this one."""
    return [
        (fact.value, fact.sources)
        for other in cluster.peers
        for fact in other.listed.values()
        if fact.value and cluster.find(fact.value) is peer
    ]


def _entries_that_count(cluster: Cluster, peer: Peer) -> list[str]:
    """Return what the primary's list calls a peer, without it what any does; a list that departs is E02's matter."""
    entries = [entry for entry, _ in _entries_for(cluster, peer)]
    if cluster.primary:
        leading = [entry for entry in cluster.primary.peer_list if cluster.find(entry) is peer]
        entries = leading or entries
    return list(dict.fromkeys(entries))


def _shown_names(certificate: Certificate) -> str:
    return ", ".join(dict.fromkeys(certificates.names(certificate))) or "nobody"


@rule("R19")
def certificate_valid(cluster: Cluster, peer: Peer) -> Verdict:
    """Where peers verify each other (TLS verification mode Enforce), the certificate passes their checks.

    Why: with Enforce a certificate that fails breaks replication with this peer.
    Passes: within its dates at the time of the case, names what the peer lists call the peer, no wildcard in
    place of it, and serves the purposes the release asks for; where the address mapping knows that name, it leads
    to the peer.
    Violates: one of these fails. A peer list of addresses cannot be verified by name and fails too.
    Unknown: the mode, the certificate, or the time of the case is not in the evidence.
    Not applicable: Permissive; the reason then says whether Enforce would work.
    """
    mode = _tls_mode(cluster, peer)
    certificate = peer.server_certificate
    if mode.value is None:
        return _mode_unknown(cluster, peer, certificate)
    if certificate is None:
        if mode.value == "Permissive":
            return not_applicable("TLS verification mode is Permissive", evidence=mode.sources)
        return unknown(
            "no server certificate of this peer is in the case",
            want=[want.certificate(peer)],
            evidence=mode.sources,
        )
    evidence = [certificate.source, *mode.sources]
    problems = _validity_problems(cluster, peer, certificate)
    if mode.value == "Permissive":
        ready = f"it is not ready for Enforce: {'; '.join(problems)}" if problems else "it is ready for Enforce"
        return not_applicable(f"TLS verification mode is Permissive; {ready}", evidence=evidence)
    if problems:
        return violation(
            f"with Enforce the other peers refuse this certificate at the next connection: {'; '.join(problems)}",
            evidence=evidence,
            at_fault=[peer.name],
            fix=f"{_new_certificate(peer, certificate, *_names_of(cluster, peer)[0][:1])}. Until then, TLS "
            f"verification mode Permissive lets {peer} replicate (System > Clustering, on the primary, then on every "
            "peer that still shows Enforce; restart the primary first); return to Enforce when all certificates fit",
        )
    if cluster.as_of is None:
        return unknown(
            "nothing in the evidence tells the time, so the dates cannot be judged",
            want=[want.fact("note the time of the case in case.toml as [case] as_of")],
            evidence=evidence,
        )
    return passed(
        f"valid from {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}, judged on "
        f"{cluster.as_of:%Y-%m-%d}; names and purposes fit; whether the others trust its issuer is R20",
        evidence=evidence,
    )


def _mode_unknown(cluster: Cluster, peer: Peer, certificate: Certificate | None) -> Verdict:
    """Say what Enforce would make of the certificate, as far as that is known."""
    problems = _validity_problems(cluster, peer, certificate) if certificate else []
    would = f"; with Enforce it would be refused: {'; '.join(problems)}" if problems else ""
    return unknown(
        f"the TLS verification mode is not in the evidence{would}",
        want=[want.tls_mode()],
        evidence=[certificate.source] if certificate else [],
    )


def _tls_mode(cluster: Cluster, peer: Peer) -> Fact[str]:
    """Return the mode of a peer: its own evidence, else what the others agree on, since it is a cluster setting."""
    if peer.tls_mode.known:
        return peer.tls_mode
    modes = compare(cluster, lambda other: other.tls_mode)
    if modes.said and not modes.differ:
        return next(iter(modes.said.values()))
    return Fact()


def _validity_problems(cluster: Cluster, peer: Peer, certificate: Certificate) -> list[str]:
    problems = []
    if not certificate.not_before or not certificate.not_after:
        problems.append("its time of validity cannot be decoded")
    if cluster.as_of and certificate.not_after and certificate.not_after < cluster.as_of:
        problems.append(f"it expired on {certificate.not_after:%Y-%m-%d}, and the case is of {cluster.as_of:%Y-%m-%d}")
    if cluster.as_of and certificate.not_before and certificate.not_before > cluster.as_of:
        problems.append(f"it is only valid from {certificate.not_before:%Y-%m-%d} on")
    for entry in _entries_that_count(cluster, peer):
        if address(entry):
            if entry not in certificate.ip_addresses:
                problems.append(f"the peer lists call this peer {entry}, an address no name check can match")
        elif (mapped := cluster.address_of(entry)) and peer.addresses and mapped not in peer.addresses:
            problems.append(f"the address mapping leads {entry} to {mapped}, which is not this peer's address")
        elif not certificates.identifies(certificate, entry):
            only = "only a wildcard for" if certificates.has_wildcard_for(certificate, entry) else "no name"
            problems.append(f"it has {only} {entry}, which the peer lists call this peer")
    if not certificates.may_sign(certificate):
        problems.append("its key usage leaves out digital signatures, which every handshake needs")
    missing = certificates.missing_purposes(certificate, peer.version.value)
    if missing:
        problems.append(
            f"it lacks the purpose {' and '.join(missing)}, which {peer.version.value or 'this release'} needs"
        )
    return problems


@rule("R22")
def certificate_san_has_peer_fqdn(cluster: Cluster, peer: Peer) -> Verdict:
    """The certificate lists the full name of its peer as an alternative name.

    Why: current TLS software reads alternative names and ignores the common name.
    Passes: host name and domain of the peer stand among the dNSName entries.
    Violates: they do not, even if the common name has them.
    Unknown: the certificate or the full name is not in the evidence.
    """
    certificate = peer.server_certificate
    if certificate is None:
        return unknown("no server certificate of this peer is in the case", want=[want.certificate(peer)])
    if peer.fqdn.value is None:
        return unknown(
            f"the host name or domain of {peer} is not in the evidence",
            want=[want.export(peer, "host_name"), want.export(peer, "domain")],
            evidence=[certificate.source],
        )
    evidence = [certificate.source, *peer.fqdn.sources]
    listed = ", ".join(certificate.dns_names) or "(none)"
    if certificates.lists(certificate, peer.fqdn.value):
        return passed(f"{peer.fqdn.value} is an alternative name", evidence=evidence)
    return violation(
        f"{peer.fqdn.value} is not among the alternative names: {listed}",
        evidence=evidence,
        at_fault=[peer.name],
        measured=listed,
        wanted=peer.fqdn.value,
        fix=_new_certificate(peer, certificate, peer.fqdn.value),
    )


@rule("R23", compares=True)
def certificate_not_shared(cluster: Cluster) -> Verdict:
    """No certificate, and no private key behind one, is used by two peers.

    Why: it works, but one stolen key then opens all peers.
    Passes: certificates and keys all differ.
    Violates: two peers present the same certificate, or certificates of the same key.
    Unknown: a peer's certificate is not in the evidence and the others differ.
    Not applicable: a cluster of one.
    """
    presented = {peer.name: peer.server_certificate for peer in cluster.peers}
    keys = {name: [certificate.key_fingerprint] for name, certificate in presented.items() if certificate}
    evidence = [certificate.source for certificate in presented.values() if certificate]
    if doubles := shared(keys):
        listing = "; ".join(f"key {key[:16]}… on {', '.join(owners)}" for key, owners in doubles.items())
        return violation(
            f"peers share a private key: {listing}",
            evidence=evidence,
            at_fault=at_fault(cluster, doubles),
            measured=listing,
            wanted="a key of its own for each peer",
            fix="create a signing request on each of these peers, so that each has a key of its own "
            "(Maintenance > Security > Server certificate), and upload the signed certificates there",
        )
    silent = tuple(peer for peer in cluster.peers if presented[peer.name] is None)
    if silent:
        return unknown(
            f"no server certificate of {names(silent)} is in the case",
            want=[want.certificate(peer) for peer in silent],
            evidence=evidence,
        )
    return passed("all peers have certificates and keys of their own", evidence=evidence)


RULES = (
    certificate_identifies_peer,
    certificate_valid,
    certificate_san_has_peer_fqdn,
    certificate_not_shared,
)
