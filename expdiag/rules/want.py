"""Captures that would settle an unknown, each as something a customer can do."""

from __future__ import annotations

from expdiag.model.peers import Peer
from expdiag.model.places import page


def bundle(peer: Peer) -> str:
    """Ask for the diagnostic log archive of one peer."""
    return (
        f"on {peer}: Maintenance > Diagnostics > Diagnostic logging, start, stop, collect and download the log; "
        "put the archive into the case folder (each archive holds one peer only)"
    )


def field(peer: Peer, name: str) -> str:
    """Ask for the export that shows one field of a peer."""
    if not peer.seen:
        return bundle(peer)
    return f"on {peer}: the diagnostic log archive, or a screenshot's worth of {page(name)} noted in case.toml"


def export(peer: Peer, name: str) -> str:
    """Ask for the configuration or status dump that shows one field of a peer."""
    if not peer.seen:
        return bundle(peer)
    return f"on {peer}: the diagnostic log archive with xconf_dump and xstat_dump (it shows {page(name)})"


def certificate(peer: Peer) -> str:
    """Ask for the server certificate of a peer."""
    return (
        f"on {peer}: Maintenance > Security > Server certificate, show the PEM file and save it as "
        f"server_{peer}.pem in the case folder; the diagnostic log archive holds it too"
    )


def ping(start: Peer, end: Peer) -> str:
    """Ask for round trips from one peer to another."""
    target = end.addresses[0] if end.addresses else (end.aliases[0] if end.aliases else end.name)
    return (
        f"on {start}, as root: ping -c 20 {target}, its output saved as probes/{start}/ping-{end}.txt "
        "(Linux ping, each answer shown)"
    )


def lookup(peer: Peer, name: str) -> str:
    """Ask what a name leads to on a peer: the address mapping, else DNS as that peer asks it."""
    return (
        f"on {peer}: the address {name} leads to, from System > Clustering, cluster address mapping, else from "
        "Maintenance > Tools > Network utilities > DNS lookup; note it in case.toml as "
        f'[cluster] address_mapping = {{ "{name}" = "..." }}'
    )


def tls_mode() -> str:
    """Ask for the TLS verification mode."""
    return (
        "on the primary: note System > Clustering, TLS verification mode, in case.toml as "
        '[cluster] tls_verification_mode = "Enforce" or "Permissive"'
    )
