"""Name constraints (RFC 5280, 4.2.1.10): whether an authority may sign for the names of a certificate."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from expdiag.model.names import address, canonical
from expdiag.tables import Certificate

if TYPE_CHECKING:
    from cryptography import x509

_EXTENSION = b"\x06\x03\x55\x1d\x1e"  # its number, 2.5.29.30, in DER


def permits(authority: bytes, certificate: Certificate) -> bool | None:
    """Whether the name constraints of an authority, in DER, let it sign for the names and addresses of a certificate.

    A certificate without alternative names is held against them by its common name. None where the constraints
    cannot be read, or are about other kinds of names.
    """
    if _EXTENSION not in authority:
        return True
    from cryptography import x509

    try:
        extensions = x509.load_der_x509_certificate(authority).extensions
        found = extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return True
    except Exception:  # the library has many, for extensions that are anything
        return None
    excluded, permitted = found.excluded_subtrees or [], found.permitted_subtrees or []
    if any(not isinstance(tree, (x509.DNSName, x509.IPAddress)) for tree in (*excluded, *permitted)):
        return None
    names = certificate.dns_names or (() if certificate.ip_addresses else (certificate.common_name,))
    return all(_is_permitted(name, permitted, x509.DNSName) and not _is_in(name, excluded) for name in names) and all(
        _is_permitted(at, permitted, x509.IPAddress) and not _is_in(at, excluded) for at in certificate.ip_addresses
    )


def _is_permitted(name: str, permitted: list[x509.GeneralName], kind: type[x509.GeneralName]) -> bool:
    """Whether a name is in one of the subtrees of its kind; without any of its kind all are permitted."""
    trees = [tree for tree in permitted if isinstance(tree, kind)]
    return not trees or _is_in(name, trees)


def _is_in(name: str, trees: list[x509.GeneralName]) -> bool:
    at, plain = address(name), canonical(name)
    for tree in trees:
        value = tree.value
        if isinstance(value, (IPv4Network, IPv6Network)):
            if at is not None and at in value:
                return True
        elif at is None:
            domain = canonical(str(value))
            below = domain if domain.startswith(".") else f".{domain}"
            if not domain or plain == domain or plain.endswith(below):
                return True
    return False
