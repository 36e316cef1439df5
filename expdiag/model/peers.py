"""A peer: what the evidence says it is, each fact with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from expdiag.model.facts import Fact
from expdiag.model.names import Address, canonical, join, usable
from expdiag.model.products.options import Options, installed, smart, type_by_key
from expdiag.model.products.platforms import (
    from_hardware,
    from_serial,
    from_size,
    is_ambiguous,
    is_generated,
    is_virtual,
    size_by,
)
from expdiag.model.settings import Settings
from expdiag.model.versions import Release, release
from expdiag.tables import Alarm, Certificate, Replication

TLS_MODES = ("Enforce", "Permissive")
TYPES = ("C", "E")


@dataclass(frozen=True, slots=True)
class Interface:
    """One LAN interface."""

    number: int
    ipv4: Fact[str] = field(default_factory=Fact)
    ipv6: Fact[str] = field(default_factory=Fact)
    static_nat_on: Fact[bool] = field(default_factory=Fact)
    static_nat_address: Fact[str] = field(default_factory=Fact)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Its usable addresses."""
        return tuple(a for fact in (self.ipv4, self.ipv6) if (a := usable(fact.value)))


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer of the cluster.

    Attributes:
        name: what the reports call it: host name in lower case; LAN address where two share one; else system name.
        seen: whether any export of it is in the case; otherwise it is only known from the others' peer lists.
        listed: the configured peer list by place, counted from 1; an empty text where a place is empty.
        replicated: what replication says in a log: the addresses of the peers in order, which are looked up and not
            the configured entries.
        deployment: the size an appliance or virtual machine is set up as, where that is told apart from the model.
        is_virtual: whether its hardware is a virtual machine.
        options: what its option keys open.
        smart_licensing: whether it is licensed by smart licensing instead.
        address_mapping: names of the cluster address mapping and the addresses they lead to, as its exports show it.
        settings: everything its exports say, by field.
        aliases: further texts that mean this peer, such as the entries of peer lists that lead to it.
    """

    name: str
    seen: bool
    files: frozenset[int] = frozenset()
    host_name: Fact[str] = field(default_factory=Fact)
    domain: Fact[str] = field(default_factory=Fact)
    system_name: Fact[str] = field(default_factory=Fact)
    type: Fact[str] = field(default_factory=Fact)
    version: Fact[Release] = field(default_factory=Fact)
    build: Fact[str] = field(default_factory=Fact)
    serial: Fact[str] = field(default_factory=Fact)
    platform: Fact[str] = field(default_factory=Fact)
    deployment: Fact[str] = field(default_factory=Fact)
    is_virtual: Fact[bool] = field(default_factory=Fact)
    options: Fact[Options] = field(default_factory=Fact)
    smart_licensing: Fact[bool] = field(default_factory=Fact)
    interfaces: tuple[Interface, ...] = ()
    dual_interfaces: Fact[bool] = field(default_factory=Fact)
    cluster_name: Fact[str] = field(default_factory=Fact)
    primary_index: Fact[int] = field(default_factory=Fact)
    external_interface: Fact[str] = field(default_factory=Fact)
    listed: dict[int, Fact[str]] = field(default_factory=dict)
    list_is_cut: bool = False
    replicated: dict[int, Fact[str]] = field(default_factory=dict)
    tls_mode: Fact[str] = field(default_factory=Fact)
    ip_version: Fact[str] = field(default_factory=Fact)
    ip_protocol: Fact[str] = field(default_factory=Fact)
    h323_on: Fact[bool] = field(default_factory=Fact)
    dns_servers: dict[int, Fact[str]] = field(default_factory=dict)
    dns_is_cut: bool = False
    certificates: tuple[Certificate, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    aliases: tuple[str, ...] = ()
    address_mapping: Mapping[str, Fact[str]] = field(default_factory=dict)
    settings: Settings = field(default_factory=lambda: Settings(()), repr=False, compare=False)

    @property
    def fqdn(self) -> Fact[str]:
        """Host name and domain as one name."""
        if not self.host_name.value or self.domain.value is None or not self.domain.value.strip("."):
            return Fact()
        name = canonical(join(self.host_name.value, self.domain.value))
        return Fact(name, self.host_name.sources + self.domain.sources)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Usable addresses of all interfaces, LAN 1 first."""
        return tuple(address for interface in self.interfaces for address in interface.addresses)

    @property
    def lan(self) -> Interface:
        """LAN 1, the interface for clustering."""
        return next((i for i in self.interfaces if i.number == 1), Interface(1))

    @property
    def nat_addresses(self) -> dict[Address, Interface]:
        """Public addresses that static NAT puts in front of an interface."""
        return {
            address: interface
            for interface in self.interfaces
            if interface.static_nat_on.value and (address := usable(interface.static_nat_address.value))
        }

    @property
    def server_certificate(self) -> Certificate | None:
        """The certificate it presents, None where no PEM of it is in the case."""
        return next((c for c in self.certificates if c.role == "server"), None)

    @property
    def size(self) -> Fact[str]:
        """What its platform counts as: the size it is set up as where the model may be several, else the platform."""
        return self.deployment if self.deployment.known and is_ambiguous(self.platform.value) else self.platform

    @property
    def peer_list(self) -> tuple[str, ...]:
        """Entries of its own peer list in order, empty places left out."""
        return tuple(fact.value for _, fact in sorted(self.listed.items()) if fact.value)

    def raised(self, number: int) -> tuple[Alarm, ...]:
        """Return the alarms of a number that are up in the status, or were last raised in the log."""
        mine = [alarm for alarm in self.alarms if alarm.number == number]
        if mine and mine[-1].state == "lowered":
            return ()
        return tuple(alarm for alarm in mine if alarm.still_up)

    def __str__(self) -> str:
        return self.name


def describe(
    settings: Settings,
    alarms: tuple[Alarm, ...],
    certificates: tuple[Certificate, ...],
    replication: tuple[Replication, ...],
    files: frozenset[int],
    name_of_files: Fact[str],
) -> Peer:
    """Return a peer, still without a name, from what its bundle says.

    The names of its files carry its host name too; they are heard where no dump names the peer in any way.
    """
    system_name = settings.value("system_name")
    if system_name.value:
        name_of_files = Fact()
    ordered = tuple(sorted(alarms, key=lambda alarm: (alarm.time is not None, alarm.time or 0)))
    called = next((row for row in settings.own_names() if not usable(row.value)), None)
    listed, dns_servers = settings.values("peer_address"), settings.values("dns_server")
    options = installed(settings)
    return Peer(
        name="",
        seen=True,
        files=files,
        host_name=_text(settings.value("host_name")).or_else(
            Fact(called.value.partition(".")[0], (called.source,)) if called else name_of_files
        ),
        domain=settings.value("domain"),
        system_name=system_name,
        type=settings.value("type")
        .map(lambda text: text if text in TYPES else None)
        .or_else(type_by_key(options, settings.release)),
        version=_text(settings.value("version")).map(release),
        build=_text(settings.value("build")),
        serial=_text(settings.value("serial")),
        platform=_platform(settings),
        deployment=_deployment(settings),
        is_virtual=_is_virtual(settings),
        options=options,
        smart_licensing=smart(settings),
        interfaces=_interfaces(settings),
        dual_interfaces=settings.value("dual_interfaces").map(_flag),
        cluster_name=settings.value("cluster_name"),
        primary_index=_primary(settings, replication),
        external_interface=_text(settings.value("external_interface")),
        listed=listed,
        list_is_cut=settings.ends_in(listed),
        replicated=_replicated(replication),
        tls_mode=settings.value("tls_verification_mode").map(lambda text: text if text in TLS_MODES else None),
        ip_version=_text(settings.value("cluster_ip_version")),
        ip_protocol=_text(settings.value("ip_protocol")),
        h323_on=settings.value("h323_mode").map(_flag),
        dns_servers=dns_servers,
        dns_is_cut=settings.ends_in(dns_servers, full=5),
        certificates=certificates,
        alarms=ordered,
        aliases=_own_entries(replication),
        address_mapping=_address_mapping(settings),
        settings=settings,
    )


def _address_mapping(settings: Settings) -> dict[str, Fact[str]]:
    names, addresses = settings.values("address_mapping_name"), settings.values("address_mapping_address")
    return {
        fact.value: Fact(addresses[number].value, fact.sources + addresses[number].sources)
        for number, fact in names.items()
        if fact.value and number in addresses and usable(addresses[number].value)
    }


def _own_entries(replication: tuple[Replication, ...]) -> tuple[str, ...]:
    """Return what replication calls the peer it runs on."""
    found = {
        text
        for row in replication
        if row.local and row.local <= len(row.addresses)
        for text in (row.addresses[row.local - 1], row.names[row.local - 1])
        if text
    }
    return tuple(sorted(found))


def _text(fact: Fact[str]) -> Fact[str]:
    """An empty text tells nothing for these fields."""
    return fact if fact.value else Fact()


def _small_number(text: str) -> int | None:
    return int(text) if len(text) <= 3 and text.isascii() and text.isdigit() else None


def _flag(text: str) -> bool | None:
    return {"on": True, "true": True, "off": False, "false": False}.get(text.strip().lower())


def _is_virtual(settings: Settings) -> Fact[bool]:
    """Return whether it is a virtual machine: by its hardware, else by a serial number that is no appliance's."""
    hardware, serial = _text(settings.value("hardware")), _text(settings.value("serial"))
    if hardware.known:
        return hardware.map(is_virtual)
    return serial.map(lambda text: True if is_generated(text) else None)


def _platform(settings: Settings) -> Fact[str]:
    hardware = settings.value("hardware")
    model = _text(settings.value("serial")).map(lambda text: from_serial(text, hardware.value))
    if model.known:
        return Fact(model.value, model.sources + hardware.sources)
    named = hardware.map(from_hardware)
    if named.known:
        return named
    physical = hardware.value and not is_virtual(hardware.value)
    return _deployment(settings, () if physical else ("processors", "memory"))


_LIMITS = {"registrations": "registration_limit", "calls": "call_limit", "relays": "relay_limit"}


def _deployment(settings: Settings, further: tuple[str, ...] = ()) -> Fact[str]:
    """Return the size a machine is set up as: what says so, else what the limits it has fit.

    Args:
        settings: what its exports say.
        further: fields that tell the size of a virtual machine, too, but not how an appliance is set up.
    """
    said = _text(settings.value("deployment_size")).map(from_size)
    if said.known:
        return said
    shown = {name: _text(settings.value(at)) for name, at in (*_LIMITS.items(), *((name, name) for name in further))}
    measures = {name: fact.value for name, fact in shown.items() if fact.value}
    size = size_by(measures)
    return Fact(size, tuple(s for fact in shown.values() for s in fact.sources)) if size else Fact()


def _interfaces(settings: Settings) -> tuple[Interface, ...]:
    ipv4, ipv6 = settings.values("ipv4"), settings.values("ipv6")
    mode, nat = settings.values("static_nat_mode"), settings.values("static_nat_address")
    nothing: Fact[str] = Fact()
    return tuple(
        Interface(
            number,
            _text(ipv4.get(number, nothing)),
            _text(ipv6.get(number, nothing)),
            mode.get(number, nothing).map(_flag),
            _text(nat.get(number, nothing)),
        )
        for number in sorted(ipv4.keys() | ipv6.keys() | mode.keys())
    )


def _primary(settings: Settings, replication: tuple[Replication, ...]) -> Fact[int]:
    configured = settings.value("primary_index").map(_small_number)
    if configured.known:
        return configured
    said = [row for row in replication if row.primary]
    return Fact(said[-1].primary, (said[-1].source,)) if said else Fact()


def _replicated(replication: tuple[Replication, ...]) -> dict[int, Fact[str]]:
    if not replication:
        return {}
    last = replication[-1]
    return {n: Fact(address, (last.source,)) for n, address in enumerate(last.addresses, start=1)}
