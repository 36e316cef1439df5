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


def log(peer: Peer) -> Want:
    """Ask for a diagnostic log of a peer that covers what was done to the cluster."""
    text = (
        f"on {peer}: Maintenance > Diagnostics > Diagnostic logging, the archive that covers the time of the change; "
        f"or Status > Logs > Event log of that time, saved as {peer}/eventlog_{peer}.txt in the case folder"
    )
    return Want("log", peer.name, text)


def change() -> Want:
    """Ask whether a procedure is, or was, under way."""
    text = (
        "note in case.toml what is, or was, being done to the cluster and when (UTC): [change] kind = "
        '"forming", "adding-peer", "removing-peer", "upgrading", "changing-primary" or "enforcing-tls"; start = ...; '
        "end = ..."
    )
    return fact(text)


def long_ping(start: Peer, end: Peer) -> Want:
    """Ask for round trips that show their time, while a procedure is under way."""
    text = (
        f"on {start}, as root, while the procedure is under way: ping -D -i 0.2 -c 600 {target(end)}, its output "
        f"saved as probes/{start}/ping-{end}-change.txt (-D shows the time of each answer)"
    )
    return Want("ping", start.name, text)


def tracepath(start: Peer, end: Peer) -> Want:
    """Ask for the path MTU from one peer to another."""
    text = (
        f"on {start}: Maintenance > Tools > Network utilities > Tracepath, or as root tracepath -n {target(end)}, its "
        f"output saved as probes/{start}/tracepath-{end}.txt"
    )
    return Want("trace", start.name, text)


def status(peer: Peer) -> Want:
    """Ask for the whole status, which lists the alarms that are up."""
    if not peer.seen:
        return bundle(peer)
    text = (
        f"on {peer}: xStatus, whole, saved as {peer}/xstat_dump_{peer}.txt, or the diagnostic log archive, which "
        "holds it"
    )
    return Want("export", peer.name, text)


def clock(peer: Peer) -> Want:
    """Ask for what a peer and its time servers say to each other."""
    text = (
        f"on {peer}, as root: tcpdump -i any -c 20 -w ntp.pcap udp port 123, left running for some minutes, its output "
        f"saved as probes/{peer}/ntp.pcap"
    )
    return Want("packets", peer.name, text)
