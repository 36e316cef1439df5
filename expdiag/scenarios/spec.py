"""A made-up cluster as values: change a field to seed a fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from expdiag.scenarios import products

AS_OF = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
BOTH_PURPOSES = ("serverAuth", "clientAuth")


@dataclass(frozen=True, slots=True)
class AuthoritySpec:
    """An authority of the training; its issuer is itself where none is given.

    Attributes:
        key: name of its key, its own name where none is given; two keys make two authorities of one name.
        path_length: most authorities below it, None without a limit.
        signs: whether its key may sign certificates; None leaves the key usage out.
    """

    name: str
    issuer: AuthoritySpec | None = None
    key: str = ""
    not_before: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    not_after: datetime = datetime(2040, 1, 1, tzinfo=UTC)
    path_length: int | None = None
    signs: bool | None = None


ROOT = AuthoritySpec("Training Root CA", path_length=0)


@dataclass(frozen=True, slots=True)
class CertificateSpec:
    """A certificate of a peer, issued by the training authority unless another is given.

    Attributes:
        chain: authorities whose certificates stand in the file of the certificate, too.
        issuer: who signed it; None for a certificate that signed itself.
    """

    common_name: str
    dns_names: tuple[str, ...]
    key: str
    not_before: datetime = AS_OF - timedelta(days=100)
    not_after: datetime = AS_OF + timedelta(days=265)
    purposes: tuple[str, ...] | None = BOTH_PURPOSES
    usages: tuple[str, ...] = ("digital_signature", "key_encipherment")
    issuer: AuthoritySpec | None = field(default=ROOT, repr=False)
    chain: tuple[AuthoritySpec, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """An alarm that is up: number, UUID, title, detail, severity."""

    number: int
    uuid: str
    title: str
    detail: str
    severity: str = "warning"


@dataclass(frozen=True, slots=True)
class PeerSpec:
    """One peer: what its exports will say.

    Attributes:
        client_certificate: what it presents where it calls, from X15.5 on; a copy of the other where none is given.
        trusted: the authorities in its trust store.
        settings: further configuration by path, in place of what would stand there.
        state: further status by path, likewise.
        events: further records of its log: when, and what follows the host name.
        members: further files of its archive by name.
        option_keys: what its option keys open, as codes such as `J00`.
        traversal_peers: what its traversal client zone lists.
    """

    host_name: str
    domain: str
    ipv4: str
    certificate: CertificateSpec
    client_certificate: CertificateSpec | None = None
    trusted: tuple[AuthoritySpec, ...] = (ROOT,)
    type: str = "E"
    system_name: str = ""
    version: str = "X14.3.4"
    build: str = "oak_v14.3.4_rc_2"
    hardware: str = "VMware"
    serial: str = "0A1B2C3D"
    platform: str | None = "Medium"
    ipv6: str = ""
    lan2_ipv4: str = ""
    static_nat: Mapping[int, str] = field(default_factory=dict)
    h323: str = "On"
    dns_servers: tuple[str, ...] = ("10.0.1.53",)
    ntp_servers: tuple[str, ...] = ("10.0.1.123",)
    cluster_name: str = ""
    primary: int = 1
    peer_list: tuple[str, ...] = ()
    alarms: tuple[AlarmSpec, ...] = ()
    uptime: int = 864_000
    synchronised: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    events: tuple[tuple[datetime, str], ...] = ()
    members: Mapping[str, str] = field(default_factory=dict)
    option_keys: tuple[str, ...] = ()
    traversal_peers: tuple[str, ...] = ()
    fips: str = "off"

    @property
    def fqdn(self) -> str:
        """Host name and domain."""
        return f"{self.host_name}.{self.domain}"

    def changed(self, **fields: object) -> PeerSpec:
        """Return the peer with some fields changed."""
        return replace(self, **fields)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """A cluster.

    Attributes:
        round_trips: milliseconds by unordered pair of host names.
        tls_mode: as `case.toml` states it; None leaves it out.
        mapping: cluster address mapping, by FQDN.
        facts: sections of `case.toml` and what they say, in place of what would stand there.
        files: further files of the case folder, by path.
    """

    name: str
    peers: tuple[PeerSpec, ...]
    round_trips: Mapping[frozenset[str], float]
    tls_mode: str | None = "Enforce"
    mapping: Mapping[str, str] = field(default_factory=dict)
    as_of: datetime = AS_OF
    facts: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def changed(self, host_name: str, /, **fields: object) -> ClusterSpec:
        """Return the cluster with some fields of one peer changed."""
        peers = tuple(p.changed(**fields) if p.host_name == host_name else p for p in self.peers)
        return replace(self, peers=peers)

    def stating(self, section: str, /, **facts: object) -> ClusterSpec:
        """Return the cluster with some facts of a section of `case.toml` changed."""
        return replace(self, facts={**self.facts, section: {**self.facts.get(section, {}), **facts}})

    def without_mra(self) -> ClusterSpec:
        """Return the cluster without Mobile and Remote Access, in its exports and in `case.toml`."""
        off = {"CollaborationEdge Enabled": "Off"}
        peers = tuple(peer.changed(settings={**peer.settings, **off}) for peer in self.peers)
        return replace(self, peers=peers).stating("services", mra=False)

    def with_files(self, files: Mapping[str, str]) -> ClusterSpec:
        """Return the cluster with further files in its folder, by path."""
        return replace(self, files={**self.files, **files})

    def with_round_trip(self, one: str, other: str, milliseconds: float) -> ClusterSpec:
        """Return the cluster with one path of another length."""
        return replace(self, round_trips={**self.round_trips, frozenset({one, other}): milliseconds})


def healthy(
    size: int = 3,
    *,
    type: str = "E",
    name: str = "healthy-e",
    domain: str = "edge.example.com",
    version: str = "X14.3.4",
) -> ClusterSpec:
    """Return a cluster without a fault: names in the peer lists, mapped to private addresses, static NAT on LAN 2."""
    letter = type.lower()
    hosts = [f"{letter}{number}" for number in range(1, size + 1)]
    fqdns = tuple(f"{host}.{domain}" for host in hosts)
    peers = tuple(
        PeerSpec(
            host_name=host,
            domain=domain,
            ipv4=f"10.0.1.{10 + number}",
            certificate=CertificateSpec(f"cluster.{domain}", (f"{host}.{domain}", f"cluster.{domain}"), host),
            type=type,
            system_name=f"Edge {number}" if type == "E" else f"Core {number}",
            version=version,
            build=f"oak_v{version.removeprefix('X')}_rc_2",
            serial=f"0A1B2C{number:02X}",
            lan2_ipv4=f"10.0.2.{10 + number}" if type == "E" else "",
            static_nat={2: f"203.0.113.{10 + number}"} if type == "E" else {},
            cluster_name=f"cluster.{domain}",
            peer_list=fqdns,
            option_keys=products.option_keys(version, type),
            traversal_peers=products.traversal_peers(size, type, domain),
        )
        for number, host in enumerate(hosts, start=1)
    )
    return ClusterSpec(
        name=name,
        peers=peers,
        round_trips={
            frozenset({a, b}): 9.0 + 4 * (i + j) for i, a in enumerate(hosts) for j, b in enumerate(hosts) if i < j
        },
        mapping={peer.fqdn: peer.ipv4 for peer in peers},
    )
