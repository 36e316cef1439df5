"""The names in the certificates the peers present to each other, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable

from expdiag.findings import Verdict
from expdiag.model.certificates import called, presented
from expdiag.model.certificates import certificate as certificates
from expdiag.model.certificates.presented import CLIENT, NEW_CERTIFICATE_ALARM, Presented
from expdiag.model.cluster import Cluster
from expdiag.model.names import canonical, join, same_name
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.agreement import names
from expdiag.rules.declare import passed, rule, unknown, violation
from expdiag.rules.sharing import at_fault, shared
from expdiag.tables import Alarm, Certificate

NO_COMMON_NAME_ALARM, EXPIRED_ALARM, EXPIRING_ALARM = 40052, 40068, 40069
_CERTIFICATE_GUIDE = "Certificate Creation and Use guide X8"
_CLUSTER_GUIDE = "Cluster Creation and Maintenance Deployment Guide X12.6"


def up(peer: Peer, number: int) -> Alarm | None:
    """Return an alarm of a peer that is up."""
    return next((alarm for alarm in peer.raised(number) if alarm.still_up), None)


def which(shown: Presented) -> str:
    """Return what to call a certificate of a peer."""
    if shown.seen:
        when = f" on {shown.seen.time:%Y-%m-%d %H:%M} UTC" if shown.seen.time else ""
        return f"the certificate it presented{when}"
    return "the client certificate" if shown.roles == (CLIENT,) else "the certificate"


def new_certificate(peer: Peer, shown: Presented, *needed: str) -> str:
    """Return how to get a certificate that keeps the names of the old one."""
    own = shown.certificate
    kept = {canonical(name): name for name in (*own.dns_names, *needed) if "*" not in name}
    page = "Maintenance > Security, client certificate" if shown.roles == (CLIENT,) else SERVER_PAGE
    return (
        f"create a signing request on {peer} ({page}) with the alternative names "
        f"{', '.join(sorted(kept.values())) or 'of the peer'}, have it signed for server and client authentication, "
        f"upload it there and restart {peer}"
    )


SERVER_PAGE = "Maintenance > Security > Server certificate"


def shown_names(certificate: Certificate) -> str:
    """Return the names of a certificate as a reason lists them."""
    found = dict.fromkeys((*certificates.names(certificate), *certificate.ip_addresses))
    return ", ".join(found) or "nobody"


@rule("R18")
def certificate_identifies_peer(cluster: Cluster, peer: Peer) -> Verdict:
    """The peer has a certificate that names it, and the certificate has a common name.

    Why: even in Permissive mode peers present certificates to each other, and services need the common name.
    Passes: the full name of the peer, or the name the peer lists use for it, is an alternative name or the
    common name; or the address of the peer is an alternative name. From X15.5 on the client certificate is held to
    the same, where it is in the case. A certificate that has expired or signed itself still names its peer.
    Violates: none of these is in the certificate, it has no common name, or alarm 40052 says so. A wildcard names
    no peer in particular.
    Unknown: no certificate of the peer, or not its full name, is in the evidence.
    """
    alarm = up(peer, NO_COMMON_NAME_ALARM)
    evidence = [alarm.source] if alarm else []
    found = presented.of_peer(cluster, peer)
    if alarm and not any(not shown.certificate.common_name for shown in found):
        other = "; the certificate in the case has one, so another one is in use" if found else ""
        return violation(
            f"alarm {NO_COMMON_NAME_ALARM} is up: the server certificate has no common name{other}",
            evidence=[*evidence, *(shown.certificate.source for shown in found)],
            at_fault=[peer.name],
            fix=f"upload a certificate with a common name on {peer} ({SERVER_PAGE}) and restart {peer}",
        )
    if not found:
        return unknown("no server certificate of this peer is in the case", want=[want.certificate(peer)])
    expected = called.names_of(cluster, peer)
    evidence += [shown.certificate.source for shown in found]
    for shown in found:
        if not shown.certificate.common_name:
            return violation(
                f"{which(shown)} has no common name, which some services need"
                + (f"; alarm {NO_COMMON_NAME_ALARM} says so, too" if alarm else ""),
                evidence=evidence,
                at_fault=[peer.name],
                measured="no common name",
                wanted="a common name",
                fix=new_certificate(peer, shown, *list(expected)[:1]),
            )
    if not expected:
        own = found[0].certificate
        return unknown(
            f"the full name of {peer} is not in the evidence; its certificate names {shown_names(own)}",
            want=[want.export(peer, "host_name"), want.export(peer, "domain")],
            evidence=evidence,
        )
    evidence += [source for sources in expected.values() for source in sources]
    for shown in found:
        own = shown.certificate
        if certificates.has_address(own, *map(str, peer.addresses)):
            continue
        if not any(certificates.identifies(own, name) for name in expected):
            first = next(iter(expected))
            wildcard = " (a wildcard does not count)" if certificates.has_wildcard_for(own, first) else ""
            return violation(
                f"{which(shown)} names {shown_names(own)}, not {' or '.join(expected)}{wildcard}",
                evidence=evidence,
                at_fault=[peer.name],
                measured=shown_names(own),
                wanted=first,
                fix=new_certificate(peer, shown, first),
            )
    own = found[0].certificate
    named = next((name for name in expected if certificates.identifies(own, name)), "the address of this peer")
    return passed(f"the certificate names {named}{_warnings(cluster, peer, found)}", evidence=evidence)


def _warnings(cluster: Cluster, peer: Peer, found: Iterable[Presented]) -> str:
    """Return what does not keep a certificate from naming its peer, but should be known."""
    said = []
    for shown in found:
        own = shown.certificate
        if own.self_signed:
            said.append(f"{which(shown)} signed itself")
        if cluster.as_of and own.not_after and own.not_after < cluster.as_of:
            said.append(f"{which(shown)} expired on {own.not_after:%Y-%m-%d}")
    if up(peer, NEW_CERTIFICATE_ALARM):
        said.append(f"alarm {NEW_CERTIFICATE_ALARM} is up, so it only takes effect after a restart")
    return f"; note: {', '.join(said)}; R19 and R20 judge that" if said else ""


@rule("R21")
def certificate_common_name_is_cluster_fqdn(cluster: Cluster, peer: Peer) -> Verdict:
    """The common name of the certificate is the cluster's full name; this is advice, and the guides disagree.

    Why: the cluster guide up to X14.0 advises one common name, the cluster FQDN, for all peers. The Certificate
    Creation and Use guide puts the peer's own FQDN there and the cluster's among the alternative names, and the
    cluster guide of X14.3 no longer says either. Peers and zones go by the alternative names.
    Passes: the common name is the cluster's full name, or the peer's; any other one passes too, with the advice in
    the reason, because no guide makes it a fault.
    Violates: never.
    Unknown: no certificate of the peer is in the evidence, or not the cluster name where the common name is not the
    peer's.
    """
    found = presented.of_peer(cluster, peer)
    if not found:
        return unknown("no server certificate of this peer is in the case", want=[want.certificate(peer)])
    own = found[0].certificate
    common, evidence = own.common_name, [own.source]
    if peer.fqdn.value and same_name(common, peer.fqdn.value):
        return passed(
            f"the common name is the peer's own full name, {common}, as the {_CERTIFICATE_GUIDE} has it; the "
            f"{_CLUSTER_GUIDE} advises the cluster FQDN there. Either will do, the alternative names count",
            evidence=[*evidence, *peer.fqdn.sources],
        )
    name = cluster_name(cluster, peer)
    if name is None:
        return unknown(
            f"the cluster name is not in the evidence, so whether the common name {common or '(none)'} is it is not "
            f"known; the guides disagree about it, and it is only advice",
            want=[want.export(peer, "cluster_name")],
            evidence=evidence,
        )
    sources = peer.cluster_name.sources
    domain = peer.domain.value or ""
    if common and any(same_name(common, wanted) for wanted in (name, join(name, domain))):
        return passed(f"the common name is the cluster FQDN, {common}", evidence=[*evidence, *sources])
    return passed(
        f"the common name is {common or 'missing (see R18)'}, neither the cluster FQDN ({name or 'no name is set'}), "
        f"which the {_CLUSTER_GUIDE} advises, nor the peer's full name, which the {_CERTIFICATE_GUIDE} has there. This "
        "is advice on which the guides disagree, and no fault; R18 and R22 judge the names that count",
        evidence=[*evidence, *sources],
        measured=common,
        wanted=name,
    )


def cluster_name(cluster: Cluster, peer: Peer) -> str | None:
    """Return the cluster name as a peer has it, else as another one; None where no export shows it."""
    facts = [peer.cluster_name, *(other.cluster_name for other in cluster.peers)]
    return next((fact.value for fact in facts if fact.value is not None), None)


@rule("R22")
def certificate_san_has_peer_fqdn(cluster: Cluster, peer: Peer) -> Verdict:
    """The certificate lists the full name of its peer as an alternative name.

    Why: current TLS software reads alternative names and ignores the common name.
    Passes: host name and domain of the peer stand among the dNSName entries, from X15.5 on in the client certificate,
    too; where only the peer lists tell its name, that one does. A name in the peer lists that is another one and
    is not there is said in the reason; under Enforce R19 judges it.
    Violates: they do not, even if the common name has them.
    Unknown: the certificate or the full name is not in the evidence.
    """
    found = presented.of_peer(cluster, peer)
    if not found:
        return unknown("no server certificate of this peer is in the case", want=[want.certificate(peer)])
    evidence = [shown.certificate.source for shown in found]
    expected = called.names_of(cluster, peer)
    missing = {name: [shown for shown in found if not certificates.lists(shown.certificate, name)] for name in expected}
    if peer.fqdn.value is None and (not expected or any(missing.values())):
        return unknown(
            f"the host name or domain of {peer} is not in the evidence",
            want=[want.export(peer, "host_name"), want.export(peer, "domain")],
            evidence=evidence,
        )
    evidence += [source for sources in expected.values() for source in sources]
    first, *others = expected
    meant = called.meant_name(cluster, peer)
    if meant and missing[first] and not missing[meant]:
        return passed(f"{meant} is an alternative name; by its own domain it would be {first}, see R17", evidence)
    if missing[first]:
        shown = missing[first][0]
        listed = ", ".join(shown.certificate.dns_names) or "(none)"
        return violation(
            f"{first} is not among the alternative names of {which(shown)}: {listed}",
            evidence=evidence,
            at_fault=[peer.name],
            measured=listed,
            wanted=first,
            fix=new_certificate(peer, shown, first),
        )
    absent = [name for name in others if missing[name] and name != meant]
    note = f"; {', '.join(absent)}, as peer lists call this peer, is not, see R19" if absent else ""
    return passed(f"{first} is an alternative name{note}", evidence=evidence)


@rule("R23", compares=True)
def certificate_not_shared(cluster: Cluster) -> Verdict:
    """No certificate, and no private key behind one, is used by two peers.

    Why: it works where the certificate lists the names of all of them, but one stolen key then opens all peers.
    Passes: certificates and keys all differ.
    Violates: two peers present the same certificate, or certificates of the same key; the reason says whether it
    lists all their names.
    Unknown: a peer's certificate is not in the evidence and the others differ.
    Not applicable: a cluster of one.
    """
    own = {peer.name: [shown.certificate for shown in presented.of_peer(cluster, peer)] for peer in cluster.peers}
    keys = {name: [certificate.key_fingerprint for certificate in found] for name, found in own.items() if found}
    evidence = [certificate.source for found in own.values() for certificate in found]
    if doubles := shared(keys):
        listing = "; ".join(_shared(cluster, key, owners, own) for key, owners in doubles.items())
        return violation(
            f"peers share a private key: {listing}",
            evidence=evidence,
            at_fault=at_fault(cluster, doubles),
            measured=listing,
            wanted="a key of its own for each peer",
            fix="create a signing request on each of these peers, so that each has a key of its own "
            f"({SERVER_PAGE}), and upload the signed certificates there, one peer after the other, with a restart each",
        )
    silent = tuple(peer for peer in cluster.peers if not own[peer.name])
    if silent:
        return unknown(
            f"no server certificate of {names(silent)} is in the case",
            want=[want.certificate(peer) for peer in silent],
            evidence=evidence,
        )
    return passed("all peers have certificates and keys of their own", evidence=evidence)


def _shared(cluster: Cluster, key: str, owners: tuple[str, ...], own: dict[str, list[Certificate]]) -> str:
    """Return who shares a key, and whether the certificates list the names of all of them."""
    used = [c for owner in owners for c in own[owner] if c.key_fingerprint == key]
    one = len({certificate.fingerprint for certificate in used}) == 1
    what = f"one certificate (serial {used[0].serial})" if one else f"certificates of one key ({key[:16]}…)"
    listing = f"{what} on {', '.join(owners)}"
    if not one:
        return listing
    fqdns = [peer.fqdn.value for peer in cluster.peers if peer.name in owners]
    missing = [name for name in fqdns if name and not all(certificates.lists(c, name) for c in used)]
    if missing:
        return f"{listing}, which does not list {' and '.join(missing)}"
    return f"{listing}, which lists all their names" if all(fqdns) else listing


RULES = (
    certificate_identifies_peer,
    certificate_common_name_is_cluster_fqdn,
    certificate_san_has_peer_fqdn,
    certificate_not_shared,
)
