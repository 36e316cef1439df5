"""A certificate field by field: one that cannot be decoded is named, and costs no other.

The `cryptography` library refuses a whole certificate, or all its extensions, for one bad byte; what is wrong with
it is just what a support engineer has to see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NamedTuple, TypeVar

from expdiag.intake.certificates import names, oids
from expdiag.intake.certificates.der import (
    BOOLEAN,
    INTEGER,
    OCTET_STRING,
    DerError,
    Item,
    bit_length,
    bits,
    boolean,
    expect,
    hexadecimal,
    item,
    oid,
    parts,
    time,
)
from expdiag.tables import Certificate

_A = TypeVar("_A")
_T = TypeVar("_T")
_U = TypeVar("_U")
_V = TypeVar("_V")
_EXPLICIT_0, _EXPLICIT_3 = 0xA0, 0xA3
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87


class Signature(NamedTuple):
    """What tells who signed: the algorithm, its hash (empty where it has none), the bytes signed, the signature."""

    algorithm: str
    hash: str
    signed: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Parsed:
    """A certificate as far as it can be decoded.

    Attributes:
        row: all that does not depend on the file around it; role, position and source are not set.
        problems: the fields that cannot be decoded, and why.
        version: 1, 2 or 3.
        subject: name of the owner, in a form that compares.
        issuer: name of the issuer, in a form that compares.
        key: the public key (SPKI) in DER.
        path_length: most authorities that may follow below it; None where nothing limits them.
        data: the whole certificate in DER.
        signature: how it is signed.
    """

    row: Certificate
    problems: tuple[str, ...]
    version: int
    subject: Hashable
    issuer: Hashable
    key: bytes
    signature: Signature
    path_length: int | None
    data: bytes


def parse(data: bytes) -> Parsed:
    """Decode a certificate; bytes behind its end are not looked at.

    Raises:
        DerError: it is not built like a certificate.
    """
    whole = item(data)
    signed, algorithm, signature = parts(whole, least=3)[:3]
    version, fields = 1, parts(signed, least=6)
    if fields[0].tag == _EXPLICIT_0:
        version, fields = 1 + int(hexadecimal(item(fields[0].value)), 16), fields[1:]
    if len(fields) < 6:
        raise DerError("a field is missing")
    serial, inner_algorithm, issuer, validity, subject, key, *optional = fields
    decoder = _Decoder()
    extensions = decoder.extensions(optional)
    subject_name, issuer_name = decoder.name("subject", subject), decoder.name("issuer", issuer)
    start, end = decoder.attempt("validity", _pair, validity, (None, None))
    common_name, (dns_names, addresses) = names.common_name(subject_name), decoder.alternative_names(extensions)
    key_type, key_bits = decoder.key(key)
    how = decoder.signature(signed, inner_algorithm, algorithm, signature)
    same_subject, same_issuer = names.comparable(subject_name), names.comparable(issuer_name)
    row = Certificate(
        role="",
        position=0,
        issued_by=None,
        subject=names.rfc4514(subject_name),
        common_name=common_name,
        dns_names=dns_names,
        ip_addresses=addresses,
        issuer=names.rfc4514(issuer_name),
        not_before=decoder.attempt("start of validity", time, start, None) if start else None,
        not_after=decoder.attempt("end of validity", time, end, None) if end else None,
        serial=decoder.attempt("serial number", hexadecimal, serial, ""),
        fingerprint=hashlib.sha256(whole.raw).hexdigest(),
        key_fingerprint=hashlib.sha256(key.raw).hexdigest(),
        key_type=key_type,
        key_bits=key_bits,
        signature_hash=how.hash,
        is_authority=decoder.extension(extensions, _BASIC_CONSTRAINTS, _is_authority, False, False),
        self_signed=same_subject == same_issuer,
        wildcard=any("*" in name for name in (common_name, *dns_names)),
        usages=decoder.extension(extensions, _USAGES, _usages, None, ()),
        purposes=decoder.extension(extensions, _PURPOSES, _purposes, None, ()),
        source=0,
    )
    path_length = decoder.extension(extensions, _BASIC_CONSTRAINTS, _path_length, None, None)
    return Parsed(
        row=row,
        problems=tuple(dict.fromkeys(decoder.problems)),
        version=version,
        subject=same_subject,
        issuer=same_issuer,
        key=key.raw,
        signature=how,
        path_length=path_length,
        data=whole.raw,
    )


_BASIC_CONSTRAINTS, _USAGES, _NAMES, _PURPOSES = "2.5.29.19", "2.5.29.15", "2.5.29.17", "2.5.29.37"
_CALLED = {
    _BASIC_CONSTRAINTS: "basic constraints",
    _USAGES: "key usage",
    _NAMES: "SAN",
    _PURPOSES: "extended key usage",
}


@dataclass(slots=True)
class _Decoder:
    """Decodes fields, and gathers what is wrong with them."""

    problems: list[str] = field(default_factory=list)

    def attempt(self, what: str, decode: Callable[[_A], _T], argument: _A, otherwise: _U) -> _T | _U:
        """Return a field, or what stands for it where it cannot be decoded."""
        try:
            return decode(argument)
        except DerError as error:
            self.problems.append(f"{what}: {error}")
            return otherwise

    def name(self, what: str, whole: Item) -> names.Name:
        found = self.attempt(what, names.read, whole, ())
        self.problems += [f"{what}: its {short} is no text" for short in names.undecoded(found)]
        return found

    def key(self, whole: Item) -> tuple[str, int | None]:
        """Return the type of a public key and its size."""
        kind = self.attempt("public key", _algorithm_of_key, whole, "")
        if kind and kind not in oids.KEYS:
            self.problems.append(f"public key: the type {kind} is not known")
        size = self.attempt("public key", _KEY_SIZES[kind], whole, None) if kind in _KEY_SIZES else None
        return oids.KEYS.get(kind, kind), size

    def signature(self, signed: Item, inner: Item, outer: Item, value: Item) -> Signature:
        if inner.raw != outer.raw:
            self.problems.append("signature: its algorithm is told twice, not the same")
        algorithm, hash_ = self.attempt("signature", _signing, outer, ("", ""))
        if algorithm and algorithm not in oids.SIGNINGS and algorithm != oids.RSA_PSS:
            self.problems.append(f"signature: the algorithm {algorithm} is not known")
        return Signature(algorithm, hash_, signed.raw, self.attempt("signature", bits, value, b""))

    def extensions(self, optional: list[Item]) -> dict[str, list[bytes]]:
        """Return the extensions by number; one that is there twice is a problem, whichever it is."""
        found: dict[str, list[bytes]] = {}
        for tagged in optional:
            if tagged.tag != _EXPLICIT_3:
                continue
            for whole in self.attempt("extensions", _sequence, tagged.value, []):
                number, value = self.attempt("an extension", _extension, whole, ("", b""))
                found.setdefault(number, []).append(value)
        self.problems += [
            f"{_CALLED.get(number, f'extension {number}')}: it is there {len(values)} times"
            for number, values in found.items()
            if number and len(values) > 1
        ]
        return found

    def extension(
        self, found: dict[str, list[bytes]], number: str, decode: Callable[[bytes], _T], absent: _U, broken: _V
    ) -> _T | _U | _V:
        values = found.get(number, [])
        if len(values) != 1:
            return broken if values else absent
        return self.attempt(_CALLED[number], decode, values[0], broken)

    def alternative_names(self, found: dict[str, list[bytes]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the DNS names and the addresses of the SAN that can be decoded."""
        dns_names, addresses = [], []
        for place, entry in enumerate(self.extension(found, _NAMES, _sequence, [], []), start=1):
            if entry.tag == _DNS_NAME:
                dns_names.append(self.attempt(f"SAN: entry {place}", _dns_name, entry, ""))
            elif entry.tag == _IP_ADDRESS:
                addresses.append(self.attempt(f"SAN: entry {place}", _address, entry, ""))
        return tuple(filter(None, dns_names)), tuple(filter(None, addresses))


def _pair(whole: Item) -> tuple[Item | None, Item | None]:
    first, second = parts(whole, least=2)[:2]
    return first, second


def _sequence(data: bytes) -> list[Item]:
    return parts(item(data))


def _extension(whole: Item) -> tuple[str, bytes]:
    number, *rest = parts(whole, least=2)
    return oid(number), expect(rest[-1], OCTET_STRING)


def _is_authority(data: bytes) -> bool:
    found = _sequence(data)
    return bool(found) and found[0].tag == BOOLEAN and boolean(found[0])


def _path_length(data: bytes) -> int | None:
    found = _sequence(data)
    return int(hexadecimal(found[1]), 16) if len(found) > 1 and found[1].tag == INTEGER else None


def _usages(data: bytes) -> tuple[str, ...]:
    flags = bits(item(data))
    return tuple(
        name for bit, name in enumerate(oids.USAGES) if bit < 8 * len(flags) and flags[bit // 8] & 0x80 >> bit % 8
    )


def _purposes(data: bytes) -> tuple[str, ...]:
    return tuple(oids.PURPOSES.get(number, number) for number in map(oid, _sequence(data)))


def _dns_name(entry: Item) -> str:
    try:
        return entry.value.decode()
    except UnicodeDecodeError:
        raise DerError("a DNS name that is no text") from None


def _address(entry: Item) -> str:
    if len(entry.value) not in (4, 16):
        raise DerError(f"an IP address of {len(entry.value)} bytes")
    return str(ip_address(entry.value))


def _algorithm_of_key(whole: Item) -> str:
    return oid(parts(parts(whole, least=2)[0], least=1)[0])


def _rsa_size(whole: Item) -> int | None:
    modulus, *_ = parts(item(bits(parts(whole)[1])), least=2)
    return bit_length(modulus)


def _ec_size(whole: Item) -> int | None:
    _, curve, *_ = parts(parts(whole)[0], least=2)
    try:
        return oids.CURVE_BITS[oid(curve)]
    except KeyError:
        raise DerError(f"the curve {oid(curve)} is not known") from None


def _dsa_size(whole: Item) -> int | None:
    _, parameters, *_ = parts(parts(whole)[0], least=2)
    return bit_length(parts(parameters, least=3)[0])


_KEY_SIZES = {oids.RSA: _rsa_size, oids.RSA_PSS: _rsa_size, oids.EC: _ec_size, oids.DSA: _dsa_size}


def _signing(whole: Item) -> tuple[str, str]:
    """Return the algorithm of a signature and its hash."""
    number, *parameters = parts(whole, least=1)
    algorithm = oid(number)
    if algorithm != oids.RSA_PSS:
        return algorithm, oids.SIGNINGS[algorithm].hash if algorithm in oids.SIGNINGS else ""
    hashes = [tagged.value for tagged in (parts(parameters[0]) if parameters else []) if tagged.tag == _EXPLICIT_0]
    hash_ = oid(_sequence(hashes[0])[0]) if hashes and _sequence(hashes[0]) else oids.SHA1
    if hash_ not in oids.HASHES:
        raise DerError(f"the hash {hash_} is not known")
    return algorithm, oids.HASHES[hash_]
