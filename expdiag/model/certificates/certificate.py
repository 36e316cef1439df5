"""What a certificate says about its peer."""

from __future__ import annotations

from collections.abc import Sequence

from expdiag import knowledge
from expdiag.model.certificates.trust import allows
from expdiag.model.names import address, canonical, same_name
from expdiag.model.versions import Release, row_for
from expdiag.tables import Certificate

CLIENT_AUTH, SERVER_AUTH = "clientAuth", "serverAuth"


def names(certificate: Certificate) -> tuple[str, ...]:
    """Return the names a certificate identifies its owner by: alternative names, then the common name."""
    return (*certificate.dns_names, *([certificate.common_name] if certificate.common_name else []))


def identifies(certificate: Certificate, fqdn: str) -> bool:
    """Whether a certificate names a peer; a wildcard names no peer in particular."""
    return any(same_name(name, fqdn) for name in names(certificate))


def has_address(certificate: Certificate, *wanted: str) -> bool:
    """Whether a certificate has one of some addresses among its alternative names, however it is written."""
    return bool({address(text) for text in wanted} & {address(text) for text in certificate.ip_addresses} - {None})


def lists(certificate: Certificate, fqdn: str) -> bool:
    """Whether a certificate has a name among its alternative names."""
    return any(same_name(name, fqdn) for name in certificate.dns_names)


def has_wildcard_for(certificate: Certificate, fqdn: str) -> bool:
    """Whether only a wildcard of a certificate would cover a name."""
    domain = canonical(fqdn).partition(".")[2]
    return any(canonical(name) == f"*.{domain}" for name in names(certificate))


def may_sign(certificate: Certificate) -> bool:
    """Whether the key may sign handshakes, as verified connections need; without the extension it may."""
    return certificate.usages is None or "digital_signature" in certificate.usages


def missing_purposes(certificate: Certificate, roles: Sequence[str], release: Release | None) -> tuple[str, ...]:
    """Return the purposes a peer's certificate lacks for verified connections between peers.

    A certificate without the extension serves any purpose (RFC 5280, 4.2.1.12).

    Args:
        certificate: the certificate.
        roles: `server`, `client` or both: as what the peer presents it.
        release: of the peers.
    """
    return tuple(purpose for purpose in needed_purposes(roles, release) if not allows(certificate, (purpose,)))


def needed_purposes(roles: Sequence[str], release: Release | None) -> tuple[str, ...]:
    """Return the purposes a certificate needs in some roles, in a release."""
    client_needed = row_for(knowledge.load("limits")["client_purpose"], release)["needed"]
    needed = {"server": (SERVER_AUTH,), "client": (CLIENT_AUTH,) if client_needed else ()}
    return tuple(purpose for role in roles for purpose in needed[role])
