"""Rows of what an Expressway exports: dumps, certificates, firewall rules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NamedTuple

from expdiag.tables.schema import Column, SourceId


class Setting(NamedTuple):
    """One leaf of a configuration or status tree, whatever dialect it came in."""

    tree: Annotated[str, Column("`configuration` or `status`")]
    path: Annotated[str, Column("words of the path with their indexes, as xConfiguration prints them")]
    value: Annotated[str, Column("the value without quotes; `‹secret›` where it may not be shown")]
    source: SourceId


class Certificate(NamedTuple):
    """One certificate of a file, or as a capture or probe saw it presented."""

    role: Annotated[
        str,
        Column("`server` or `client` (the peer's own), `chain` (sent with it), `ca` (trust store), `presented` (seen)"),
    ]
    position: Annotated[int, Column("place in the file, counted from 1")]
    issued_by: Annotated[
        int | None, Column("position of its issuer in the same file; missing where it is not there or it is itself")
    ]
    subject: Annotated[str, Column("RFC 4514 subject; bytes that are no text stand in hexadecimal, after a `#`")]
    common_name: Annotated[str, Column("CN of the subject, empty where it has none or it is no text")]
    dns_names: Annotated[tuple[str, ...], Column("dNSName entries of the SAN")]
    ip_addresses: Annotated[tuple[str, ...], Column("iPAddress entries of the SAN")]
    issuer: Annotated[str, Column("RFC 4514 issuer")]
    not_before: Annotated[datetime | None, Column("start of validity; missing where it cannot be decoded")]
    not_after: Annotated[datetime | None, Column("end of validity; missing where it cannot be decoded")]
    serial: Annotated[str, Column("serial number in hexadecimal, with a `-` where it is negative")]
    fingerprint: Annotated[str, Column("SHA-256 of the certificate in hexadecimal")]
    key_fingerprint: Annotated[str, Column("SHA-256 of the public key (SPKI) in hexadecimal")]
    key_type: Annotated[str, Column("such as `RSA`; the number (OID) of a type that has no name here")]
    key_bits: Annotated[
        int | None, Column("size of the key; missing for keys of one fixed size, and where it is not known", "bit")
    ]
    signature_hash: Annotated[str, Column("hash of the signature, empty where it has none or it is not known")]
    is_authority: Annotated[bool, Column("basic constraints say it may issue certificates")]
    self_signed: Annotated[bool, Column("issuer equals subject")]
    wildcard: Annotated[bool, Column("the CN or a dNSName holds a `*`")]
    usages: Annotated[
        tuple[str, ...] | None,
        Column("key usage; missing where the extension is absent, empty where it cannot be decoded"),
    ]
    purposes: Annotated[
        tuple[str, ...] | None,
        Column("extended key usage; missing where the extension is absent, empty where it cannot be decoded"),
    ]
    source: SourceId


class FirewallRule(NamedTuple):
    """One firewall rule, or the default of a chain, in the order a packet meets it.

    A condition that no column holds stands in `conditions`: whoever follows a packet through the rules must not pass
    over it. A leading `!` means everything else, and holds for the whole list behind it. A chain only met by jumps has
    `return` as its default.
    """

    device: Annotated[str, Column("whose rule it is, as the case names it; empty where it is the exporting peer")]
    origin: Annotated[str, Column("`page` (rules as the web page lists them), `iptables` or `nftables`")]
    family: Annotated[str, Column("`ipv4`, `ipv6` or `both`; empty where nothing tells")]
    table: Annotated[
        str, Column("table of the chain, `inet filter` with its family for nftables; empty for rules of the page")
    ]
    chain: Annotated[str, Column("chain, empty for rules of the page")]
    hook: Annotated[
        str, Column("where packets enter the chain: `input`, `forward`, …; empty where only jumps lead to it")
    ]
    position: Annotated[int | None, Column("place in the chain, counted from 1; missing for the default")]
    priority: Annotated[
        int | None, Column("priority on the page or of an nftables chain, the lowest is met first; missing elsewhere")
    ]
    action: Annotated[
        str,
        Column(
            "`accept`, `drop`, `reject`, `jump`, `goto`, `return`, `none` (only counts), "
            "`vmap` (its conditions decide), `unknown` (the line could not be read), else as printed"
        ),
    ]
    target: Annotated[str, Column("chain of a jump, how a reject answers, else what the action has for options")]
    source_network: Annotated[
        str, Column("where the packet comes from, CIDR, several with a comma; empty for anywhere")
    ]
    destination_network: Annotated[str, Column("where it goes, CIDR, several with a comma; empty for anywhere")]
    interface: Annotated[str, Column("interface it comes in on, `eth*` for all that begin so, empty for any")]
    out_interface: Annotated[str, Column("interface it leaves by, empty for any")]
    transport: Annotated[str, Column("`tcp`, `udp`, `icmp`, …, empty for any")]
    source_ports: Annotated[str, Column("`1024-65535,5060`, empty for any; never negated")]
    ports: Annotated[str, Column("destination ports, `4371-4372,5061`, empty for any; never negated")]
    states: Annotated[tuple[str, ...], Column("connection states it asks for, lower case; empty for any")]
    packets: Annotated[
        int | None, Column("packets it has met, rounded where the print rounds (`12K`); missing where not counted")
    ]
    bytes: Annotated[int | None, Column("bytes it has met, rounded likewise; missing where not counted", "B")]
    conditions: Annotated[
        str,
        Column(
            "further conditions, as they stand, with `; ` between them; `interfaces not shown` and `line may be cut` "
            "where the print leaves that open"
        ),
    ]
    remarks: Annotated[str, Column("its comment and what it does besides, such as logging; never a condition")]
    source: SourceId
