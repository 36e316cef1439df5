"""Captures that would settle an unknown, each as something a customer can do."""

from __future__ import annotations

from collections.abc import Iterable

from expdiag import knowledge
from expdiag.findings import Want
from expdiag.model.network.ports import Ports
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


def ports(start: Peer, end: Peer, numbers: Iterable[Ports]) -> Want:
    """Ask whether one peer reaches ports of another."""
    text = (
        f"on {start}, as root: {_nc(target(end), numbers)}; everything they print saved as "
        f"probes/{start}/ports-{end}.txt"
    )
    return Want("ports", start.name, text)


def ports_from_outside(peer: Peer, addresses: Iterable[str], numbers: Iterable[Ports]) -> Want:
    """Ask whether the ports of a peer can be reached from beyond the customer's firewall."""
    tcp = ",".join(str(one.low) for one in numbers if one.transport == "tcp" and one.low)
    where = " ".join(addresses) or f"the public address of {peer}"
    text = (
        f"from a machine on the Internet: nmap -Pn -n --reason -p {tcp} {where}, its output saved as "
        f"probes/outside/ports-{peer}.txt"
    )
    return Want("ports", OUTSIDE, text)


def _nc(address: str, numbers: Iterable[Ports]) -> str:
    tries = {one.transport: [] for one in numbers if one.low}  # type: dict[str, list[str]]
    for one in numbers:
        if one.low:
            tries[one.transport].append(str(one.low))
    return "; ".join(
        f"nc -{'zvu' if transport == 'udp' else 'zv'} -w 5 {address} {port}"
        for transport, of_it in tries.items()
        for port in of_it
    )


def ras(start: Peer, end: Peer) -> Want:
    """Ask for a capture that shows whether RAS from one peer to another is answered."""
    text = (
        f"on {start}: Maintenance > Diagnostics > Diagnostic logging with tcpdump, no filter, five minutes in which a "
        f"call is placed that {end} may take; the archive into the case folder (RAS on UDP 1719 has to be answered)"
    )
    return Want("packets", start.name, text)


def trace(start: Peer, end: Peer) -> Want:
    """Ask for the way packets take from one peer to another."""
    text = (
        f"on {start}, as root: traceroute -n {target(end)} and ping -c 20 {target(end)}, saved as "
        f"probes/{start}/traceroute-{end}.txt and probes/{start}/ping-{end}.txt"
    )
    return Want("ports", start.name, text)


def firewall_rules(peer: Peer, version: int = 4) -> Want:
    """Ask for the firewall rules of a peer itself."""
    tool = "ip6tables-save" if version == 6 else "iptables-save"
    text = (
        f"on {peer}, as root: {tool}, its output saved as probes/{peer}/{tool}.txt; or, with an administrator's "
        f"account, https://{peer}/api/provisioning/common/firewallrules/configuration saved as "
        f"rest/{peer}/provisioning/common/firewallrules/configuration.json"
    )
    return Want("export", peer.name, text)


def dig(peer: Peer, about: str, *questions: str) -> Want:
    """Ask what the DNS servers of a peer answer.

    Args:
        about: a word for the name of the file.
        questions: as `dig` takes them: `name type`, `-x address`.
    """
    text = (
        f"on {peer}, as root: dig {' '.join(questions)}, without @server so that its own DNS servers are asked; save "
        f"all it prints as probes/{peer}/dig-{about}.txt (or Maintenance > Tools > Network utilities > DNS lookup for "
        "each, the table pasted into that file with its head; the page does not show why a lookup failed)"
    )
    return Want("lookup", peer.name, text)


def dig_outside(about: str, *questions: str) -> Want:
    """Ask what public DNS answers; questions as for `dig`."""
    text = (
        f"from outside the customer's network: dig {' '.join(questions)}; save all it prints as "
        f"probes/outside/dig-{about}.txt"
    )
    return Want("lookup", OUTSIDE, text)


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


def licensing(peer: Peer) -> Want:
    """Ask whether a peer is licensed by smart licensing."""
    text = (
        f"on {peer}: save what https://{target(peer)}/api/v1/status/common/smartlicensing/licensing answers as "
        f"rest/{peer}/status/common/smartlicensing/licensing.json (Maintenance > Smart licensing shows the same)"
    )
    return Want("export", peer.name, text)


def platform(peer: Peer) -> Want:
    """Ask for the platform of a peer."""
    return fact(
        f"on {peer}: note Status > System > Information, VM size or model, in case.toml as "
        f'[peers."{peer}"] platform = "..."'
    )


def tms(key: str, example: str, where: str) -> Want:
    """Ask for something only Cisco TMS shows.

    Args:
        key: key of `case.toml` that states it.
        example: how it may look there.
        where: the page of TMS that shows it.
    """
    return Want("fact", TMS, f"in Cisco TMS: note {where} in case.toml as [tms] {key} = {example}")


def configuration_log(peer: Peer) -> Want:
    """Ask for the log of a peer that reaches back to when it was set up."""
    text = (
        f"on {peer}: Status > Logs > Configuration Log, or `configlog` at its command line, back to the day it was "
        f"set up and joined; save it as {peer}/loggingsnapshot_{peer}_configuration.txt"
    )
    return Want("log", peer.name, text)


def configuration(peer: Peer) -> Want:
    """Ask for the whole configuration of a peer."""
    if not peer.seen:
        return bundle(peer)
    text = (
        f"on {peer}: the diagnostic log archive with xconf_dump (text and XML), or https://{peer}/configuration.xml "
        f"saved as {peer}/configuration.xml in the case folder; take those of all peers within the same hour"
    )
    return Want("export", peer.name, text)
