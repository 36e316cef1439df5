"""Certificates: a peer's own with its chain, trust stores, and those other formats quote; PEM, DER and PKCS#7.

A private key is an issue, never a row, and nothing of it is decoded or kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from expdiag.intake.certificates import bundles, pem, shapes
from expdiag.intake.certificates.gather import Gathering
from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest, Reader, lines, report_key
from expdiag.tables import Certificate

__all__ = ["DER", "READER", "from_der", "from_pem", "is_der"]

_MAX_BYTES = 16 << 20
_CERTIFICATE_LABELS = ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")
_PKCS7_LABELS = ("PKCS7", "PKCS #7 SIGNED DATA", "CMS")
# ca_e1_2026-05-01_12:00:00.pem | cacert.pem | client_e1_….pem | rest/e1/provisioning/certs/root.txt
_ROLES = (
    ("ca", re.compile(r"(?<![a-z])certs[/_.-]root(?![a-z])|(?:^|/)(?:ca[_.-]|cacerts?\b|trust)[^/]*$")),
    ("client", re.compile(r"(?<![a-z])certs[/_.-]client(?![a-z])|(?:^|/)client[^/]*$")),
    ("server", re.compile(r"(?<![a-z])certs[/_.-]server(?![a-z])|(?:^|/)server[^/]*$")),
)


def from_pem(numbered: Iterable[tuple[int, str]], role: str, harvest: Harvest) -> list[Certificate]:
    """Add the certificates of one presentation in PEM, as another format quotes them, and return their rows.

    Args:
        numbered: the lines of the blocks with their numbers, without what the other format puts around them.
        role: `presented` or `ca` for each; `server` or `client` for the one it is about, `chain` for the others.
        harvest: takes rows and issues; positions go on from the last certificate in it.
    """
    gathering = Gathering(harvest)
    return gathering.rows(_in_blocks(numbered, gathering), role)


def from_der(
    certificates: Iterable[bytes], role: str, harvest: Harvest, line: int, about: str = ""
) -> list[Certificate]:
    """Add the certificates of one presentation in DER, as another format holds them, and return their rows.

    Args:
        certificates: the bytes of each, in the order they were sent.
        role: as for `from_pem`.
        harvest: as for `from_pem`.
        line: where they stand, as `Harvest.note` takes it.
        about: words before those each is shown with, such as who presented it.
    """
    return Gathering(harvest, about=about).rows(((data, line) for data in certificates), role)


def is_der(head: bytes) -> bool:
    """Whether content begins like DER of a certificate, of several, or of a key."""
    return bool(shapes.shape(head)[0])


def role_by_name(name: str) -> str:
    """Return the role a file name tells, or the path of the REST interface it was fetched from; empty for neither."""
    path = name.replace("!", "/").lower()
    return next((role for role, pattern in _ROLES if pattern.search(path)), "")


def _read_pem(member: Member, harvest: Harvest) -> None:
    gathering = Gathering(harvest)
    gathering.rows(_in_blocks(lines(member, harvest), gathering), role_by_name(member.name))


def _read_der(member: Member, harvest: Harvest) -> None:
    data = b""
    for chunk in member.chunks():
        data += chunk
        if len(data) > _MAX_BYTES:
            harvest.issue("too-large", f"certificates of more than {_MAX_BYTES >> 20} MB are not read")
            return
    gathering = Gathering(harvest, ordered=False)
    found = ((certificate, 0) for certificate in bundles.certificates(data, harvest))
    gathering.rows(found, role_by_name(member.name))


def _in_blocks(numbered: Iterable[tuple[int, str]], gathering: Gathering) -> Iterator[tuple[bytes, int]]:
    """Yield the certificates of blocks with the lines they begin at."""
    harvest = gathering.harvest
    for label, data, line in pem.blocks(numbered, harvest):
        kind, _ = shapes.shape(data or b"")
        if "PRIVATE" in label or kind == shapes.SECRET:
            report_key(line, harvest)
        elif data is None:
            gathering.undecoded += label in _CERTIFICATE_LABELS
        elif label in _CERTIFICATE_LABELS and kind in (shapes.CERTIFICATE, ""):
            yield data, line
        elif label in (*_CERTIFICATE_LABELS, *_PKCS7_LABELS):
            gathering.ordered &= kind != shapes.CERTIFICATES
            yield from ((certificate, line) for certificate in bundles.certificates(data, harvest, line))
        else:
            harvest.issue("unrecognised", f"a PEM block {label}", line)


READER = Reader("PEM", pem.claims, _read_pem)
DER = Reader("DER", lambda _: 0, _read_der)
