"""Certificates that libraries refuse: each field that can be had is in the row, each that cannot is named."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from datetime import UTC, datetime

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from expdiag.evidence import FileSources
from expdiag.intake import certificates
from expdiag.intake.certificates.der import DerError
from expdiag.intake.certificates.x509 import parse
from expdiag.intake.reading import Harvest
from expdiag.tables import Certificate, frame, problems
from tests.odd_certificates import (
    CA,
    ED25519,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    MD5_RSA,
    SAN,
    SERVER_AUTH,
    SHA1_RSA,
    SHA256_RSA,
    certificate,
    chain,
    cn,
    ec_key,
    ed25519_key,
    extension,
    integer,
    name,
    oid,
    purposes,
    rsa_key,
    san,
    spki,
    tlv,
)

USAGE = extension(KEY_USAGE, tlv(0x03, b"\x05\xa0"))
UNKNOWN_KEY = tlv(0x30, tlv(0x30, oid("1.2.3.4")), tlv(0x03, b"\0key"))
UNKNOWN_CURVE = tlv(0x30, tlv(0x30, oid("1.2.840.10045.2.1"), oid("1.2.3.5")), tlv(0x03, b"\0\x04" + bytes(64)))
CN, ORGANISATION = "2.5.4.3", "2.5.4.10"

# what it is: its bytes, what the row says, and which fields are named
ODD: dict[str, tuple[bytes, dict[str, object], list[str]]] = {
    "negative serial": (certificate(serial=-5), {"serial": "-5"}, []),
    "serial zero": (certificate(serial=0), {"serial": "0"}, []),
    "serial of 20 bytes": (certificate(serial=1 << 158), {"serial": f"{1 << 158:x}"}, []),
    "serial of 600 bytes": (certificate(serial=1 << 4800), {"serial": ""}, ["serial number"]),
    "version 1": (certificate(version=1, extensions=None), {"usages": None, "purposes": None, "serial": "7"}, []),
    "md5": (certificate(algorithm=MD5_RSA), {"signature_hash": "md5"}, []),
    "sha1, 1024 bit": (
        certificate(algorithm=SHA1_RSA, signer=rsa_key("small", 1024)),
        {"signature_hash": "sha1", "key_bits": 1024, "key_type": "RSA"},
        [],
    ),
    "512 bit": (certificate(signer=rsa_key("tiny", 512), algorithm=SHA1_RSA), {"key_bits": 512}, []),
    "CN that is no UTF-8": (
        certificate(subject=name((ORGANISATION, 0x0C, b"Org"), (CN, 0x0C, b"a\xff")), issuer=cn("x")),
        {"subject": "CN=#0c0261ff,O=Org", "common_name": "", "issuer": "CN=x"},
        ["subject"],
    ),
    "organisation that is no UTF-8": (
        certificate(subject=name((ORGANISATION, 0x0C, b"\xff"), (CN, 0x0C, b"a"))),
        {"subject": "CN=a,O=#0c01ff", "common_name": "a", "self_signed": True},
        ["subject", "issuer"],
    ),
    "name that is none": (
        certificate(subject=tlv(0x04, b"x"), issuer=cn("x")),
        {"subject": "", "issuer": "CN=x"},
        ["subject"],
    ),
    "no name": (
        certificate(subject=name(), issuer=cn("x"), extensions=(san(b"a"),)),
        {"subject": "", "dns_names": ("a",)},
        [],
    ),
    "UTF-8 name": (certificate(subject=cn("Zürich ☃")), {"common_name": "Zürich ☃", "subject": "CN=Zürich ☃"}, []),
    "BMP name": (
        certificate(subject=name((CN, 0x1E, "Zürich".encode("utf-16-be")))),
        {"common_name": "Zürich"},
        [],
    ),
    "teletex name in Latin-1": (
        certificate(subject=name((CN, 0x14, "Zürich".encode("latin-1")))),
        {"common_name": "Zürich"},
        [],
    ),
    "name to be escaped": (certificate(subject=cn(' #a+b,"c" ')), {"subject": 'CN=\\ #a\\+b\\,\\"c\\"\\ '}, []),
    "SAN that is none": (
        certificate(extensions=(extension(SAN, b"\x30\x50abc"), purposes(SERVER_AUTH))),
        {"dns_names": (), "purposes": ("serverAuth",)},
        ["SAN"],
    ),
    "SAN with a name that is no text": (
        certificate(extensions=(san(b"a.example.com", b"\xff.example.com", b"b.example.com"), USAGE)),
        {"dns_names": ("a.example.com", "b.example.com"), "usages": ("digital_signature", "key_encipherment")},
        ["SAN"],
    ),
    "SAN with addresses, one written as text": (
        certificate(
            extensions=(
                extension(
                    SAN,
                    tlv(0x30, tlv(0x87, bytes([10, 0, 0, 1])), tlv(0x87, b"10.0.0.2"), tlv(0x87, bytes(15) + b"\1")),
                ),
            )
        ),
        {"ip_addresses": ("10.0.0.1", "::1")},
        ["SAN"],
    ),
    "the same extension twice": (
        certificate(extensions=(purposes(SERVER_AUTH), USAGE, purposes("1.3.6.1.5.5.7.3.2"), san(b"a"))),
        {"purposes": (), "usages": ("digital_signature", "key_encipherment"), "dns_names": ("a",)},
        ["extended key usage"],
    ),
    "an unknown extension twice": (
        certificate(extensions=(extension("1.2.3", b"a"), extension("1.2.3", b"b"), san(b"a"))),
        {"dns_names": ("a",)},
        ["extension 1.2.3"],
    ),
    "an extension that is none": (
        certificate(extensions=(tlv(0x30, integer(1)), san(b"a"))),
        {"dns_names": ("a",)},
        ["an extension"],
    ),
    "key usage that is none": (
        certificate(extensions=(extension(KEY_USAGE, tlv(0x04, b"x")), CA)),
        {"usages": (), "is_authority": True},
        ["key usage"],
    ),
    "unknown purpose": (
        certificate(extensions=(purposes("1.2.3.4", SERVER_AUTH),)),
        {"purposes": ("1.2.3.4", "serverAuth")},
        [],
    ),
    "purposes that are none": (
        certificate(extensions=(extension(EXTENDED_KEY_USAGE, b""),)),
        {"purposes": ()},
        ["extended key usage"],
    ),
    "unknown key type": (certificate(key=UNKNOWN_KEY), {"key_type": "1.2.3.4", "key_bits": None}, ["public key"]),
    "unknown curve": (certificate(key=UNKNOWN_CURVE), {"key_type": "EC", "key_bits": None}, ["public key"]),
    "key that is none": (certificate(key=tlv(0x30)), {"key_type": "", "key_bits": None}, ["public key"]),
    "unknown signature": (
        certificate(algorithm="1.2.3.6"),
        {"signature_hash": "", "key_type": "RSA"},
        ["signature"],
    ),
    "two signature algorithms": (certificate(inner=SHA1_RSA), {"signature_hash": "sha256"}, ["signature"]),
    "end in no calendar": (
        certificate(end=tlv(0x17, b"270231000000Z")),
        {"not_before": datetime(2026, 1, 1, tzinfo=UTC), "not_after": None},
        ["end of validity"],
    ),
    "times that are text": (
        certificate(start=tlv(0x0C, b"today"), end=tlv(0x17, b"never")),
        {"not_before": None, "not_after": None},
        ["start of validity", "end of validity"],
    ),
    "times without seconds, with a zone, in the last century": (
        certificate(start=tlv(0x17, b"5001010000Z"), end=tlv(0x17, b"260101013000+0130")),
        {"not_before": datetime(1950, 1, 1, tzinfo=UTC), "not_after": datetime(2026, 1, 1, tzinfo=UTC)},
        [],
    ),
    "without an end (RFC 5280)": (
        certificate(end=tlv(0x18, b"99991231235959Z")),
        {"not_after": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)},
        [],
    ),
    "wildcard in the SAN": (certificate(extensions=(san(b"*.example.com"),)), {"wildcard": True}, []),
    "wildcard in the CN": (certificate(subject=cn("*.example.com")), {"wildcard": True}, []),
    "no wildcard": (certificate(extensions=(san(b"a.example.com"),)), {"wildcard": False}, []),
}


def harvested(*ders: bytes, role: str = "presented") -> Harvest:
    harvest = Harvest(FileSources(0, "x"))
    certificates.from_der(ders, role, harvest, 5)
    return harvest


@pytest.mark.parametrize("what", ODD)
def test_as_much_as_can_be_had(what: str) -> None:
    data, expected, named = ODD[what]

    harvest = harvested(data)

    (row,) = harvest.rows["certificates"]
    assert {field: getattr(row, field) for field in expected} == expected
    assert [issue.text.split(": ")[1].split(" (")[0] for issue in harvest.issues if issue.kind == "broken"] == named
    assert all(issue.line == 5 for issue in harvest.issues)
    assert problems("certificates", frame("certificates", [row])) == []


@pytest.mark.parametrize("what", ODD)
def test_odd_ones_agree_with_openssl(what: str) -> None:
    tool = shutil.which("openssl")
    if not tool:
        pytest.skip("openssl is not installed")
    data, _, _ = ODD[what]
    said = subprocess.run(
        [
            tool,
            "x509",
            "-inform",
            "DER",
            "-noout",
            "-serial",
            "-fingerprint",
            "-sha256",
            "-dates",
            "-nameopt",
            "RFC2253,-esc_msb,utf8",
            "-subject",
        ],
        input=data,
        capture_output=True,
        check=False,
    )
    if said.returncode:
        return  # openssl refuses this one
    shown = dict(line.split("=", 1) for line in said.stdout.decode(errors="replace").splitlines() if "=" in line)
    (row,) = harvested(data).rows["certificates"]

    assert shown["sha256 Fingerprint"].replace(":", "").lower() == row.fingerprint
    if row.serial:
        assert int(shown["serial"], 16) == int(row.serial, 16)
    for key, time in (("notBefore", row.not_before), ("notAfter", row.not_after)):
        assert time is None or shown[key] == f"{time:%b} {time.day:2} {time:%H:%M:%S} {time.year} GMT"
    if "#" not in row.subject and row.subject:
        assert shown["subject"] == row.subject


LIBRARY = {
    "subject": lambda known: known.subject.rfc4514_string(),
    "issuer": lambda known: known.issuer.rfc4514_string(),
    "serial": lambda known: f"{known.serial_number:x}",
    "not_before": lambda known: known.not_valid_before_utc,
    "not_after": lambda known: known.not_valid_after_utc,
    "dns_names": lambda known: tuple(
        known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    ),
    "is_authority": lambda known: known.extensions.get_extension_for_class(x509.BasicConstraints).value.ca,
    "key_bits": lambda known: known.public_key().key_size,
}


def library_says(data: bytes) -> dict[str, object]:
    """Return the fields the `cryptography` library can decode; it refuses many."""
    found: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for field, decode in LIBRARY.items():
            try:
                found[field] = decode(x509.load_der_x509_certificate(data))
            except Exception:
                continue
    return found


WHOLE = [*chain(), certificate(signer=ec_key(3), algorithm="1.2.840.10045.4.3.2"), *(odd[0] for odd in ODD.values())]


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=3))
def test_flipped_bytes_agree_with_the_library_or_are_named(data: bytes, flips: list[tuple[int, int]]) -> None:
    mutated = bytearray(data)
    for place, byte in flips:
        mutated[place % len(mutated)] = byte
    known = library_says(bytes(mutated))

    try:
        parsed = parse(bytes(mutated))
    except DerError:
        assert not known
        return
    assert problems("certificates", frame("certificates", [parsed.row])) == []
    for field, value in known.items():
        ours = getattr(parsed.row, field)
        # the library takes a string of a type no name may have for UTF-8, and a number of any length for a serial
        assert (
            ours == value
            or (field in ("subject", "issuer") and "#" in ours)
            or (field, ours)
            == (
                "serial",
                "",
            )
        ), field


@settings(deadline=None, max_examples=100)
@given(
    st.one_of(
        st.binary(max_size=200), st.sampled_from(WHOLE).flatmap(lambda d: st.integers(0, len(d)).map(lambda n: d[:n]))
    )
)
def test_any_bytes_are_a_row_or_an_issue(data: bytes) -> None:
    harvest = harvested(data)

    assert len(harvest.rows.get("certificates", [])) + sum("cannot be decoded" in i.text for i in harvest.issues) == 1


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa_key("odd"), SHA256_RSA),
        (rsa_key("odd"), MD5_RSA),
        (rsa_key("tiny", 512), SHA1_RSA),
        (ec_key(3), "1.2.840.10045.4.3.2"),
        (ed25519_key(4), ED25519),
    ],
)
def test_who_signed_is_checked_with_every_kind_of_key(key: object, algorithm: str) -> None:
    issuer = certificate(subject=cn("CA"), signer=key, algorithm=algorithm, extensions=(CA,))
    child = certificate(issuer=cn("CA"), key=spki(rsa_key("odd")), signer=key, algorithm=algorithm)
    forged = bytearray(child)
    forged[-1] ^= 1

    assert [row.issued_by for row in harvested(child, issuer).rows["certificates"]] == [2, None]
    assert [row.issued_by for row in harvested(bytes(forged), issuer).rows["certificates"]] == [None, None]


def test_names_are_the_same_whatever_their_case_and_type() -> None:
    issuer = certificate(
        subject=name((CN, 0x13, b"Some  CA")), signer=ed25519_key(9), algorithm=ED25519, extensions=(CA,)
    )
    child = certificate(issuer=cn("some ca"), signer=ed25519_key(9), algorithm=ED25519, key=spki(rsa_key("odd")))

    assert [row.issued_by for row in harvested(child, issuer).rows["certificates"]] == [2, None]


def test_a_key_that_cannot_be_used_leaves_it_open() -> None:
    issuer = certificate(subject=cn("CA"), issuer=cn("Root"), key=UNKNOWN_KEY, extensions=(CA,))
    child = certificate(issuer=cn("CA"))

    harvest = harvested(child, issuer)

    assert [row.issued_by for row in harvest.rows["certificates"]] == [None, None]
    assert [issue.text for issue in harvest.issues if issue.kind == "chain"] == [
        "whether certificate 2 signed certificate 1 cannot be checked with its key"
    ]


def test_positions_go_on_in_the_next_presentation_of_a_file() -> None:
    server, middle, root = chain()
    harvest = harvested(server, middle)
    more = certificates.from_der([middle, root], "presented", harvest, 9)

    assert [(row.position, row.issued_by) for row in harvest.rows["certificates"]] == [
        (1, 2),
        (2, None),
        (3, 4),
        (4, None),
    ]
    assert all(isinstance(row, Certificate) for row in more)
    assert harvest.issues == []
