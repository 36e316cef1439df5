"""Captures that would settle an unknown, each as something a customer can do."""

from __future__ import annotations

from expdiag import knowledge
from expdiag.findings import Want
from expdiag.model.peers import Peer
from expdiag.model.places import page

CASE_FILE, OUTSIDE, TMS = "case.toml", "outside", "tms"  # places that are no peer


def bundle(peer: Peer) -> Want:
    """Ask for the diagnostic log archive of one peer."""
    return Want("bundle", peer.name, knowledge.load("captures")["archive"]["how"].format(peer=peer))


def field(peer: Peer, name: str) -> Want:
    """Ask for the export that shows one field of a peer."""
    if not peer.seen:
        return bundle(peer)
    text = f"on {peer}: the diagnostic log archive, or a screenshot's worth of {page(name)} noted in case.toml"
    return Want("export", peer.name, text)


def export(peer: Peer, name: str) -> Want:
    """Ask for the configuration or status dump that shows one field of a peer."""
    if not peer.seen:
        return bundle(peer)
    text = f"on {peer}: the diagnostic log archive with xconf_dump and xstat_dump (it shows {page(name)})"
    return Want("export", peer.name, text)


def certificate(peer: Peer) -> Want:
    """Ask for the server certificate of a peer."""
    text = (
        f"on {peer}: Maintenance > Security > Server certificate, show the PEM file and save it as "
        f"server_{peer}.pem in the case folder; the diagnostic log archive holds it too"
    )
    return Want("certificate", peer.name, text)


def ping(start: Peer, end: Peer) -> Want:
    """Ask for round trips from one peer to another."""
    text = (
        f"on {start}, as root: ping -c 20 {target(end)}, its output saved as probes/{start}/ping-{end}.txt "
        "(Linux ping, each answer shown)"
    )
    return Want("ping", start.name, text)


def target(peer: Peer) -> str:
    """Return what a probe of a peer is given: an address of it where one is known, else a name."""
    return str(peer.addresses[0]) if peer.addresses else (peer.aliases[0] if peer.aliases else peer.name)


def lookup(peer: Peer, name: str) -> Want:
    """Ask what a name leads to on a peer: the address mapping, else DNS as that peer asks it."""
    text = (
        f"on {peer}: the address {name} leads to, from System > Clustering, cluster address mapping, else from "
        "Maintenance > Tools > Network utilities > DNS lookup; note it in case.toml as "
        f'[cluster] address_mapping = {{ "{name}" = "..." }}'
    )
    return Want("lookup", peer.name, text)


def tls_mode() -> Want:
    """Ask for the TLS verification mode."""
    text = (
        "on the primary: note System > Clustering, TLS verification mode, in case.toml as "
        '[cluster] tls_verification_mode = "Enforce" or "Permissive"'
    )
    return fact(text)


def fact(text: str) -> Want:
    """Ask for something only a person can note in `case.toml`."""
    return Want("fact", CASE_FILE, text)


def support(question: str) -> Want:
    """Ask what only the vendor can answer."""
    return Want("fact", "the vendor's support", f"ask the vendor's support {question}")


def client_certificate(peer: Peer) -> Want:
    """Ask for the client certificate of a peer that keeps one of its own."""
    text = (
        f"on {peer}: Maintenance > Security, the client certificate, show the PEM file and save it as "
        f"client_{peer}.pem in the case folder; the diagnostic log archive of X15.5 holds it too"
    )
    return Want("certificate", peer.name, text)


def trust_store(peer: Peer) -> Want:
    """Ask for the authorities a peer trusts."""
    text = (
        f"on {peer}: Maintenance > Security > Trusted CA certificate, show all as a PEM file and save it as "
        f"ca_{peer}.pem in the case folder; the diagnostic log archive holds it too"
    )
    return Want("certificate", peer.name, text)


def handshake(start: Peer, end: Peer) -> Want:
    """Ask which certificate a peer presents to another."""
    text = (
        f"on {start}, as root: openssl s_client -connect {target(end)}:4372 -showcerts </dev/null, the command and its "
        f"output saved as probes/{start}/s_client-{end}.txt"
    )
    return Want("certificate", start.name, text)


def as_of() -> Want:
    """Ask for the time of the case."""
    return fact("note the time of the case in case.toml as [case] as_of = 2026-05-01T12:00:00Z, with its own date")
