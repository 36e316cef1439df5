"""What the peers of the lab would send beside the probes: archives with the captures in them, and `case.toml`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from expdiag.scenarios import write
from expdiag.scenarios.spec import ClusterSpec, PeerSpec, healthy
from tests.lab import plan
from tests.lab.plan import address, reached_at
from tests.lab.probes import PLACES
from tests.lab.services import certificate, fqdn


def cluster(now: datetime) -> ClusterSpec:
    """Return the cluster the four peers would be: the one behind the NAT is listed at the address the others reach."""
    model = healthy(len(plan.PEERS), domain=plan.DOMAIN, name="lab").peers
    peers = tuple(_peer(spec, name, now) for spec, name in zip(model, plan.PEERS, strict=True))
    mapping = {fqdn(name): reached_at(name, plan.DNS) for name in plan.PEERS}
    return ClusterSpec("lab", peers, round_trips={}, mapping=mapping, as_of=now)


def _peer(model: PeerSpec, name: str, now: datetime) -> PeerSpec:
    return replace(
        model,
        host_name=name,
        ipv4=address(name),
        ipv6=address(name, 6),
        lan2_ipv4="",
        static_nat={1: plan.NAT.public} if name == plan.NAT.host else {},
        certificate=certificate(name, now),
        dns_servers=(address(plan.DNS),),
        ntp_servers=(address(plan.DNS),),
    )


def write_case(folder: Path, captures: Path, now: datetime) -> None:
    """Write the case around the probes that lie in the folder already."""
    spec = cluster(now)
    (folder / "case.toml").write_text(write.case_toml(spec), encoding="utf-8")
    for peer in spec.peers:
        members = write.bundle(peer, spec)
        for place in PLACES:
            if place.node == peer.host_name:
                tail = f"{peer.host_name}_{now:%Y-%m-%d_%H:%M:%S}"
                members[f"eth0_diagnostic_logging_tcpdump00_{tail}.pcap"] = (captures / place.file).read_bytes()
        archive = folder / f"diagnostic_log_{peer.host_name}_{now:%Y-%m-%d_%H_%M_%S}.tar.gz"
        archive.write_bytes(write.tar_gz(members, now))
    for place in PLACES:
        if place.node not in plan.PEERS:
            (folder / "probes" / place.node).mkdir(parents=True, exist_ok=True)
            (folder / "probes" / place.node / f"{place.interface}.pcap").write_bytes(
                (captures / place.file).read_bytes()
            )
