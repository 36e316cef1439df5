"""Captures that would settle an unknown, each as something a customer can do."""

from __future__ import annotations

from expdiag.findings import Want
from expdiag.model.peers import Peer
from expdiag.model.places import page

CASE_FILE, OUTSIDE, TMS = "case.toml", "outside", "tms"  # places that are no peer


def bundle(peer: Peer) -> Want:
    """Ask for the diagnostic log archive of one peer."""
    text = (
        f"on {peer}: Maintenance > Diagnostics > Diagnostic logging, start, stop, collect and download the log; "
        "put the archive into the case folder (each archive holds one peer only)"
    )
    return Want("bundle", peer.name, text)


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


def configuration(peer: Peer) -> Want:
    """Ask for the whole configuration of a peer."""
    if not peer.seen:
        return bundle(peer)
    text = (
        f"on {peer}: the diagnostic log archive with xconf_dump (text and XML), or https://{peer}/configuration.xml "
        f"saved as {peer}/configuration.xml in the case folder; take those of all peers within the same hour"
    )
    return Want("export", peer.name, text)


def status(peer: Peer) -> Want:
    """Ask for the status of a peer, which lists the alarms that are up."""
    if not peer.seen:
        return bundle(peer)
    text = (
        f"on {peer}: the diagnostic log archive with xstat_dump, or https://{peer}/status.xml saved as "
        f"{peer}/status.xml in the case folder (it lists the alarms that are up)"
    )
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
