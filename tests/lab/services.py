"""What answers in the network: TLS on the peers, a resolver."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from expdiag.scenarios import authority
from expdiag.scenarios.spec import CertificateSpec
from tests.lab import plan
from tests.lab.network import on

SIPS = f"_sips._tcp.{plan.DOMAIN}"
COLLAB_EDGE = f"_collab-edge._tls.{plan.DOMAIN}"
DANGLING = f"_cisco-uds._tcp.{plan.DOMAIN}"
ALIAS = f"exp.{plan.DOMAIN}"


def fqdn(peer: str) -> str:
    """Return the name of a peer."""
    return f"{peer}.{plan.DOMAIN}"


def certificate(peer: str, now: datetime) -> CertificateSpec:
    """Return the certificate of a peer: one is over, one has another name."""
    name = plan.WRONG_NAME if peer == plan.MISNAMED else fqdn(peer)
    end = now - timedelta(days=1) if peer == plan.EXPIRED else now + timedelta(days=200)
    start = (now - timedelta(days=300)).replace(microsecond=0)
    return CertificateSpec(name, (name, plan.CLUSTER), peer, not_before=start, not_after=end.replace(microsecond=0))


def write_keys(folder: Path, now: datetime) -> None:
    """Write the authority's certificate, and each peer's certificate and key."""
    (folder / "ca.pem").write_bytes(authority.root_pem())
    for peer in plan.PEERS:
        spec = certificate(peer, now)
        (folder / f"{peer}.pem").write_bytes(authority.server_pem(spec))
        (folder / f"{peer}.key").write_bytes(authority.key_pem(spec))


def start(folder: Path) -> None:
    """Start them; they end with the lab."""
    for peer in plan.PEERS:
        for port in plan.CLUSTER_PORTS:
            _serve(peer, port, folder, ["-Verify", "2", "-verify_return_error"])
        _serve(peer, plan.SIP_TLS, folder, [])
    settings = folder / "dnsmasq.conf"
    settings.write_text(_zone())
    _daemon(plan.DNS, ["dnsmasq", "-C", str(settings)], folder / "dnsmasq.log")


def _serve(peer: str, port: int, folder: Path, verify: Sequence[str]) -> None:
    only = "-tls1_3" if peer == plan.ONLY_TLS13 else "-tls1_2"
    own = ["-cert", f"{folder}/{peer}.pem", "-key", f"{folder}/{peer}.key", "-cert_chain", f"{folder}/ca.pem"]
    command = ["openssl", "s_server", "-accept", str(port), *own, "-CAfile", f"{folder}/ca.pem", *verify, only]
    _daemon(peer, [*command, "-rev", "-quiet"], folder / f"{peer}-{port}.log")


def _daemon(node: str, command: Sequence[str], log: Path) -> None:
    with log.open("w") as out:
        subprocess.Popen(on(node, *command), stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def _zone() -> str:
    lines = [
        *("no-resolv", "no-hosts", "no-daemon", "bind-interfaces", "user=root", "pid-file=", "auth-ttl=300"),
        f"listen-address={plan.address(plan.DNS)}",
        f"local=/{plan.DOMAIN}/",
    ]
    for peer in plan.PEERS:
        addresses = [plan.reached_at(peer, plan.DNS), plan.address(peer, 6)]
        lines.append(f"host-record={','.join([fqdn(peer), *filter(None, addresses)])}")
        lines.append(f"address=/{plan.CLUSTER}/{addresses[0]}")
        lines.append(f"srv-host={SIPS},{fqdn(peer)},{plan.SIP_TLS},10,{peer[1]}")
    lines += [
        f"cname={ALIAS},{fqdn('e1')}",
        f"srv-host={COLLAB_EDGE},{fqdn('e3')},8443,20,5",
        f"srv-host={DANGLING},missing.{plan.DOMAIN},8443,20,5",
    ]
    return "\n".join(lines) + "\n"
