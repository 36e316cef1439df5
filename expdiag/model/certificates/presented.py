"""Which certificates a peer presents to the others, as its exports and the handshakes that were seen show it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from expdiag import knowledge
from expdiag.evidence import file_number
from expdiag.model.certificates.trust import Store
from expdiag.model.cluster import Cluster
from expdiag.model.peers import Peer
from expdiag.model.versions import row_for
from expdiag.tables import Certificate, TlsHandshake

SERVER, CLIENT = "server", "client"
NEW_CERTIFICATE_ALARM = 15028
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Presented:
    """A certificate a peer presents.

    Attributes:
        roles: `server` where it is called, `client` where it calls; both up to X15.4.
        certificate: its own.
        sent: those that go with it.
        seen: the handshake that shows it, where its exports show another one.
    """

    roles: tuple[str, ...]
    certificate: Certificate
    sent: tuple[Certificate, ...] = ()
    seen: TlsHandshake | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A certificate and the handshake in which it was seen."""

    certificate: Certificate
    row: TlsHandshake


@dataclass(frozen=True, slots=True)
class Shown:
    """What one handshake between two peers tells of the certificate of one of them.

    Attributes:
        accepted: the other peer, which presented one, too, went on with it.
        refusal: the alert by which the other peer refused it; empty where it did not.
        verified: what a tool on the other peer, which has authorities of its own, said of it; empty without one.
        time: when; None where nothing tells.
        source: where it stands.
    """

    accepted: bool
    refusal: str
    verified: str
    time: datetime | None
    source: int


def of_peer(cluster: Cluster, peer: Peer) -> tuple[Presented, ...]:
    """Return the certificate of a peer, from X15.5 on one for each role: as its exports show them, else handshakes.

    A client certificate that no export shows is left out; the upgrade to X15.5 makes it a copy of the server's.
    """
    return cluster.view(_stored)[peer.name]


def in_use(cluster: Cluster, peer: Peer) -> tuple[Presented, ...]:
    """Return the certificates its exports show, and the one it last presented where that is another one."""
    return cluster.view(_in_use)[peer.name]


def _stored(cluster: Cluster) -> dict[str, tuple[Presented, ...]]:
    return {peer.name: _stored_of(cluster, peer) for peer in cluster.peers}


def _in_use(cluster: Cluster) -> dict[str, tuple[Presented, ...]]:
    found = {}
    for peer in cluster.peers:
        found[peer.name] = of_peer(cluster, peer)
        if seen := another_seen(cluster, peer):
            sent = cluster.view(_sent_behind).get(seen.certificate.fingerprint, ())
            found[peer.name] += (Presented((SERVER,), seen.certificate, sent, seen.row),)
    return found


def _stored_of(cluster: Cluster, peer: Peer) -> tuple[Presented, ...]:
    server, client = peer.server_certificate, client_certificate(peer)
    if server is None and (seen := newest_seen(cluster, peer)):
        server = seen.certificate
    if server and (client is None or client.fingerprint == server.fingerprint):
        roles = (SERVER,) if client is None and has_two_stores(peer) else (SERVER, CLIENT)
        return (Presented(roles, server, _sent(cluster, peer, server)),)
    found = ((SERVER, server), (CLIENT, client))
    return tuple(Presented((role,), own, _sent(cluster, peer, own)) for role, own in found if own)


def client_certificate(peer: Peer) -> Certificate | None:
    """Return the certificate a peer presents where it calls another, where that has a store of its own."""
    if not has_two_stores(peer):
        return None
    return next((c for c in peer.certificates if c.role == "client"), None)


def has_two_stores(peer: Peer) -> bool:
    """Whether the release of a peer keeps server and client certificates apart."""
    release = peer.version.value
    return release is not None and bool(row_for(knowledge.load("limits")["client_store"], release)["separate"])


def lacks_client_certificate(cluster: Cluster, peer: Peer) -> bool:
    """Whether the client certificate of a peer was left out, where exports of others have theirs."""
    return peer.name in cluster.view(_without_client_certificate)


def _without_client_certificate(cluster: Cluster) -> set[str]:
    without = {peer.name for peer in cluster.peers if has_two_stores(peer) and not client_certificate(peer)}
    return without if any(map(client_certificate, cluster.peers)) else set()


def store_of(cluster: Cluster, peer: Peer) -> Store:
    """Return the authorities a peer trusts; empty where no trust store of it is in the case."""
    return cluster.view(_stores)[peer.name]


def _stores(cluster: Cluster) -> dict[str, Store]:
    alike: dict[frozenset[str], Store] = {}
    stores = {}
    for peer in cluster.peers:
        store = Store.of(c for c in peer.certificates if c.role == "ca")
        stores[peer.name] = alike.setdefault(store.fingerprints, store)
    return stores


def is_whole(cluster: Cluster, peer: Peer) -> bool:
    """Whether nothing is missing from the trust store of a peer as far as it was read."""
    files = {file_number(certificate.source) for certificate in store_of(cluster, peer).members}
    return not files & cluster.view(_damaged_files)


def _damaged_files(cluster: Cluster) -> set[int]:
    """Return the files of certificates of which some cannot be decoded, or whose end is missing."""
    names = {row.file: file_number(row.source) for row in cluster.rows["files"] if not row.complete or row.issues}
    kinds = ("broken", "truncated", "too-many", "failed")
    return {names[issue.file] for issue in cluster.rows["issues"] if issue.kind in kinds and issue.file in names}


def _sent(cluster: Cluster, peer: Peer, own: Certificate) -> tuple[Certificate, ...]:
    """Return what goes with a certificate: beside it in its file, or behind it in a handshake."""
    here = file_number(own.source)
    beside = [c for c in peer.certificates if c.role == "chain" and file_number(c.source) == here]
    behind = cluster.view(_sent_behind).get(own.fingerprint, ())
    return tuple({c.fingerprint: c for c in (*beside, *behind)}.values())


def _sent_behind(cluster: Cluster) -> dict[str, tuple[Certificate, ...]]:
    by_fingerprint = {row.fingerprint: row for row in cluster.rows["certificates"]}
    found: dict[str, tuple[Certificate, ...]] = {}
    for row in cluster.view(_on_clustering_ports):
        for sent in (row.server_certificates, row.client_certificates):
            if sent and len(sent) > 1:
                known = tuple(by_fingerprint[f] for f in sent[1:] if f in by_fingerprint)
                found[sent[0]] = (*found.get(sent[0], ()), *known)
    return found


def shown(cluster: Cluster, start: Peer, end: Peer) -> tuple[Shown, ...]:
    """Return what handshakes on the clustering ports tell of the certificate `start` presents to `end`, newest last."""
    return cluster.view(_shown_by_pair).get((start.name, end.name), ())


def last_word(cluster: Cluster, start: Peer, end: Peer) -> Shown | None:
    """Return the newest handshake in which `end` took or refused the certificate of `start`.

    One from before that certificate was made is about another one.
    """
    made = start.server_certificate.not_before if start.server_certificate else None
    decided = [
        each
        for each in shown(cluster, start, end)
        if (each.accepted or each.refusal) and not (made and each.time and each.time < made)
    ]
    return decided[-1] if decided else None


def newest_seen(cluster: Cluster, peer: Peer) -> Seen | None:
    """Return the certificate a peer last presented on the clustering ports where it was called."""
    return cluster.view(_seen).get(peer.name)


def another_seen(cluster: Cluster, peer: Peer) -> Seen | None:
    """Return the certificate a peer last presented, where it is not the one that is stored there.

    A handshake from before the stored one was made tells nothing, unless an alarm says that the former one is in use
    until a restart.
    """
    seen, stored = newest_seen(cluster, peer), peer.server_certificate
    if seen is None or stored is None or seen.certificate.fingerprint == stored.fingerprint:
        return None
    is_older = seen.row.time and stored.not_before and seen.row.time < stored.not_before
    return None if is_older and not peer.raised(NEW_CERTIFICATE_ALARM) else seen


def _on_clustering_ports(cluster: Cluster) -> list[TlsHandshake]:
    ports = knowledge.load("limits")["clustering"]["tls_ports"]
    rows = [row for row in cluster.rows["tls_handshakes"] if row.port in ports]
    return sorted(rows, key=lambda row: row.time or _LONG_AGO)


def _seen(cluster: Cluster) -> dict[str, Seen]:
    by_fingerprint = {row.fingerprint: row for row in cluster.rows["certificates"]}
    found: dict[str, Seen] = {}
    for row in cluster.view(_on_clustering_ports):
        server = cluster.find(row.server)
        own = by_fingerprint.get(row.server_certificates[0]) if row.server_certificates else None
        if server and own:
            found[server.name] = Seen(own, row)
    return found


def _shown_by_pair(cluster: Cluster) -> dict[tuple[str, str], tuple[Shown, ...]]:
    found: dict[tuple[str, str], list[Shown]] = {}
    for row in cluster.view(_on_clustering_ports):
        caller, called = row.client or row.vantage, cluster.find(row.server)
        client = cluster.find(caller) if caller else None
        if client is None or called is None or client is called:
            continue
        of_peers = row.tool == "capture"  # a tool that somebody ran has authorities of its own
        mutual = row.client_certificate == "sent"
        # In TLS 1.3 the server judges the client when the client is done, and all of it is hidden
        accepted = of_peers and mutual and row.outcome == "completed" and row.version != "TLSv1.3"
        by_client = row.alert if of_peers and row.alert_from == "client" else ""
        by_server = row.alert if mutual and row.alert_from == "server" else ""
        words = f" ({row.verify_text})" if row.verify_text else ""
        code = "" if row.verify_code is None else f"{row.tool} gave the verify return code {row.verify_code}{words}"
        found.setdefault((called.name, client.name), []).append(Shown(accepted, by_client, code, row.time, row.source))
        found.setdefault((client.name, called.name), []).append(Shown(accepted, by_server, "", row.time, row.source))
    for pair, refusal in _logged(cluster):
        found.setdefault(pair, []).append(refusal)
    return {pair: tuple(sorted(rows, key=lambda row: row.time or _LONG_AGO)) for pair, rows in found.items()}


# TLS client: In state certify at ssl_handshake.erl:2111 generated CLIENT ALERT: Fatal - Unknown CA
_LOGGED_ALERT = re.compile(r"\b(?P<how>generated|received) (?:CLIENT|SERVER) ALERT: \w+ - (?P<alert>[A-Za-z ]{1,40})")


def _logged(cluster: Cluster) -> Iterator[tuple[tuple[str, str], Shown]]:
    """Yield the alerts that logs tell of: one that a peer generated is its own refusal, one it received the other's."""
    for row in cluster.rows["peer_links"]:
        match = _LOGGED_ALERT.search(row.detail)
        here = cluster.peer_of(row.source) if match else None
        there = cluster.find(row.remote) if match and row.remote else None
        if match and here and there and there.name != here:
            pair = (there.name, here) if match["how"] == "generated" else (here, there.name)
            alert = "_".join(match["alert"].lower().split())
            yield pair, Shown(False, alert, "", row.time, row.source)
