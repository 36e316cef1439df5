"""Chains of certificates: what is wrong with each, held against `openssl verify`."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from expdiag.intake.certificates.x509 import parse
from expdiag.model.certificates.trust import Chain, Fault, Store, Trust
from expdiag.tables import Certificate
from tests import odd_certificates as odd

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@cache
def key(name: str) -> Any:
    """Return a key by name; the beginning of the name tells its type."""
    if name.startswith("ec"):
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate() if name.startswith("ed") else odd.rsa_key(name)


@dataclass(frozen=True)
class Made:
    """A certificate to be made: its issuer is a name and a key."""

    name: str
    issuer: str
    key: str
    signer: str
    authority: bool = True
    start: datetime = NOW - 100 * DAY
    end: datetime = NOW + 100 * DAY
    path_length: int | None = None
    signs: bool | None = None
    purposes: tuple[x509.ObjectIdentifier, ...] = ()
    pss: bool = False
    permitted: tuple[x509.GeneralName, ...] = ()
    excluded: tuple[x509.GeneralName, ...] = ()
    key_ids: bool = True

    def der(self) -> bytes:
        signer = key(self.signer)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.issuer)]))
            .public_key(key(self.key).public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.start)
            .not_valid_after(self.end)
            .add_extension(x509.BasicConstraints(self.authority, self.path_length), critical=True)
        )
        if self.key_ids:
            own, other = key(self.key).public_key(), signer.public_key()
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
            builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(other), critical=False)
        if not self.authority:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(self.name)]), critical=False)
        if self.signs is not None:
            flags = dict.fromkeys(
                ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
            )
            usage = x509.KeyUsage(True, key_cert_sign=self.signs, encipher_only=False, decipher_only=False, **flags)
            builder = builder.add_extension(usage, critical=True)
        if self.purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(self.purposes), critical=False)
        if self.permitted or self.excluded:
            limits = x509.NameConstraints(self.permitted or None, self.excluded or None)
            builder = builder.add_extension(limits, critical=True)
        how = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        extra: dict[str, Any] = {}
        if self.pss and isinstance(signer, rsa.RSAPrivateKey):
            extra["rsa_padding"] = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return builder.sign(signer, how, **extra).public_bytes(Encoding.DER)


def root(name: str = "Root", key: str = "root", **more: Any) -> Made:
    return Made(name, name, key, key, **more)


def middle(name: str = "Middle", **more: Any) -> Made:
    return Made(name, **{"issuer": "Root", "key": "middle", "signer": "root", **more})


def leaf(issuer: str = "Middle", signer: str = "middle", **more: Any) -> Made:
    return Made("e1.example.com", issuer, more.pop("key", "leaf"), signer, authority=False, **more)


ROOT, MIDDLE, LEAF = root(), middle(), leaf()
ONE_ROOT = (MIDDLE, ROOT)
ALONE = root("e1.example.com", "leaf", authority=False)
# the certificate, what comes with it, the store, what is wrong
CASES: dict[str, tuple[Made, tuple[Made, ...], tuple[Made, ...], set[Fault]]] = {
    "signed by the root": (leaf("Root", "root"), (), (ROOT,), set()),
    "the intermediate is sent": (LEAF, (MIDDLE,), (ROOT,), set()),
    "the intermediate is in the store": (LEAF, (), ONE_ROOT, set()),
    "the root is sent, too": (LEAF, ONE_ROOT, (ROOT,), set()),
    "no root": (LEAF, (MIDDLE,), (), {Fault.NO_ISSUER}),
    "only the intermediate is in the store": (LEAF, (), (MIDDLE,), {Fault.NO_ISSUER}),
    "a root that is only sent": (LEAF, ONE_ROOT, (), {Fault.NOT_IN_STORE}),
    "no intermediate": (LEAF, (), (ROOT,), {Fault.NO_ISSUER}),
    "an expired intermediate": (LEAF, (middle(end=NOW - DAY),), (ROOT,), {Fault.EXPIRED}),
    "an intermediate of tomorrow": (LEAF, (middle(start=NOW + DAY),), (ROOT,), {Fault.NOT_YET_VALID}),
    "an expired root": (LEAF, (MIDDLE,), (root(end=NOW - DAY),), {Fault.EXPIRED}),
    "an expired and a renewed intermediate": (LEAF, (middle(end=NOW - DAY), MIDDLE), (ROOT,), set()),
    "a renewed root of the same key": (LEAF, (MIDDLE,), (root(end=NOW - DAY), ROOT), set()),
    "a renewed root with another key": (LEAF, (MIDDLE,), (root(key="root 2"),), {Fault.OTHER_KEY}),
    "both roots of one name": (LEAF, (MIDDLE,), (root(key="root 2"), ROOT), set()),
    "cross-signed, the other root is trusted": (
        LEAF,
        (MIDDLE, Made("Root", "Old Root", "root", "old root")),
        (root("Old Root", "old root"),),
        set(),
    ),
    "cross-signed, and both roots are trusted": (
        LEAF,
        (MIDDLE, Made("Root", "Old Root", "root", "old root")),
        (root("Old Root", "old root", end=NOW - DAY), ROOT),
        set(),
    ),
    "an intermediate that is no authority": (LEAF, (middle(authority=False),), (ROOT,), {Fault.NO_AUTHORITY}),
    "an intermediate whose key may not sign": (LEAF, (middle(signs=False),), (ROOT,), {Fault.MAY_NOT_SIGN}),
    "a root whose key may sign": (LEAF, (MIDDLE,), (root(signs=True),), set()),
    "a root for one level": (LEAF, (MIDDLE,), (root(path_length=0),), {Fault.TOO_LONG}),
    "a root for two levels": (LEAF, (MIDDLE,), (root(path_length=1),), set()),
    "a name that is permitted": (LEAF, (middle(permitted=(x509.DNSName("example.com"),)),), (ROOT,), set()),
    "a name that is not permitted": (
        LEAF,
        (middle(permitted=(x509.DNSName("example.org"),)),),
        (ROOT,),
        {Fault.NAME_NOT_PERMITTED},
    ),
    "a name that is excluded": (
        LEAF,
        (middle(excluded=(x509.DNSName("example.com"),)),),
        (ROOT,),
        {Fault.NAME_NOT_PERMITTED},
    ),
    "addresses that are limited": (
        LEAF,
        (middle(permitted=(x509.IPAddress(ip_network("10.0.0.0/8")),)),),
        (ROOT,),
        set(),
    ),
    "an authority for servers": (LEAF, (middle(purposes=(SERVER,)),), (ROOT,), set()),
    "an authority for clients": (LEAF, (middle(purposes=(CLIENT,)),), (ROOT,), {Fault.PURPOSE}),
    "elliptic curves": (leaf("Root", "ec root", key="ec leaf"), (), (root(key="ec root"),), set()),
    "Ed25519": (leaf("Root", "ed root", key="ed leaf"), (), (root(key="ed root"),), set()),
    "RSA-PSS": (leaf("Root", "root", pss=True), (), (root(pss=True),), set()),
    "the wrong elliptic key": (leaf("Root", "ec a"), (), (root(key="ec b"),), {Fault.OTHER_KEY}),
    "self-signed": (ALONE, (), (ROOT,), {Fault.NOT_IN_STORE}),
    "self-signed and in the store": (ALONE, (), (ALONE,), set()),
    "without key identifiers": (
        leaf(key_ids=False),
        (middle(key_ids=False),),
        (root(key_ids=False),),
        set(),
    ),
}


def judged(made: Made, sent: tuple[Made, ...], store: tuple[Made, ...]) -> tuple[Chain, list[list[bytes]]]:
    """Return the chain of a certificate and the bytes of all: it, what is sent, the store."""
    once: dict[int, bytes] = {}
    groups = [[once.setdefault(id(each), each.der()) for each in group] for group in ((made,), sent, store)]
    certificates = {parse(data).row.fingerprint: data for group in groups for data in group}
    (own,), with_it, trusted = ([parse(data).row for data in group] for group in groups)
    return Trust(certificates).chain(own, with_it, Store.of(trusted), NOW, ("serverAuth",)), groups


def openssl(folder: Path, groups: list[list[bytes]], *options: str) -> bool:
    """Whether openssl trusts the certificate."""
    for name, group in zip(("leaf", "sent", "store"), groups, strict=True):
        (folder / f"{name}.pem").write_text("".join(map(odd.pem, group)))
    command = ["openssl", "verify", "-no-CApath", "-no-CAstore", "-attime", str(int(NOW.timestamp())), *options]
    store = ["-CAfile", str(folder / "store.pem")] if groups[2] else ["-no-CAfile"]
    sent = ["-untrusted", str(folder / "sent.pem")] if groups[1] else []
    done = subprocess.run([*command, *store, *sent, str(folder / "leaf.pem")], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("name", CASES)
def test_a_chain_is_judged_as_openssl_does(name: str, tmp_path) -> None:
    made, sent, store, expected = CASES[name]

    chain, groups = judged(made, sent, store)

    assert {problem.fault for problem in chain.problems} == expected
    assert openssl(tmp_path, groups, "-purpose", "sslserver") == chain.is_trusted


def test_a_chain_that_ends_in_an_intermediate_of_the_store_is_a_partial_one(tmp_path) -> None:
    chain, groups = judged(LEAF, (), (MIDDLE,))

    assert not chain.is_trusted
    assert not openssl(tmp_path, groups)
    assert openssl(tmp_path, groups, "-partial_chain")


@pytest.mark.parametrize("algorithm", [odd.MD5_RSA, odd.SHA1_RSA])
def test_an_old_hash_is_followed_and_called_weak(tmp_path, algorithm: str) -> None:
    authority = odd.rsa_key("odd")
    top = odd.certificate(subject=odd.cn("Odd"), extensions=(odd.CA,), signer=authority)
    own = odd.certificate(issuer=odd.cn("Odd"), signer=authority, algorithm=algorithm, key=odd.spki(odd.ec_key(5)))
    rows = [parse(data).row for data in (own, top)]

    chain = Trust({row.fingerprint: data for row, data in zip(rows, (own, top), strict=True)}).chain(
        rows[0], (), Store.of(rows[1:]), NOW
    )

    assert chain.is_trusted
    assert chain.weak == (rows[0],)
    assert openssl(tmp_path, [[own], [], [top]])


def test_no_time_leaves_dates_out() -> None:
    rows = {name: made.der() for name, made in (("leaf", LEAF), ("middle", middle(end=NOW - DAY)), ("root", ROOT))}
    found = {name: parse(data).row for name, data in rows.items()}
    trust = Trust({found[name].fingerprint: data for name, data in rows.items()})
    store = Store.of([found["root"]])

    assert trust.chain(found["leaf"], [found["middle"]], store, None).is_trusted
    assert not trust.chain(found["leaf"], [found["middle"]], store, NOW).is_trusted


def test_what_cannot_be_checked_is_neither_trusted_nor_refused() -> None:
    data = {name: made.der() for name, made in (("leaf", leaf("Root", "root")), ("root", ROOT))}
    rows = {name: parse(der).row for name, der in data.items()}
    trust = Trust({rows["leaf"].fingerprint: data["leaf"]})  # the bytes of the root are not there

    chain = trust.chain(rows["leaf"], (), Store.of([rows["root"]]), NOW)

    assert {problem.fault for problem in chain.problems} == {Fault.UNCHECKED}
    assert not chain.is_certain


def test_authorities_that_sign_each_other_come_to_an_end() -> None:
    ring: list[Certificate] = []
    certificates = {}
    for a in range(6):
        for b in range(6):
            if a != b:
                data = Made(f"CA {a}", f"CA {b}", f"ca {a % 2}", f"ca {b % 2}").der()
                row = parse(data).row
                certificates[row.fingerprint] = data
                ring.append(row)
    own = leaf("CA 0", "ca 0").der()
    row = parse(own).row

    chain = Trust({**certificates, row.fingerprint: own}).chain(row, ring, Store.of([]), NOW)

    assert not chain.is_trusted
