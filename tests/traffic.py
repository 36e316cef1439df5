"""Builds packet captures byte by byte, the same each time: frames, connections, TLS handshakes, files of any format."""

from __future__ import annotations

import ipaddress
import random
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

START = 1_790_000_000_000_000_000  # nanoseconds: 2026-09-21 14:13:20 UTC
MS = 1_000_000
SYN, ACK, PSH, FIN, RST = 0x02, 0x10, 0x08, 0x01, 0x04
MACS = bytes.fromhex("020000000001020000000002")

Frame = tuple[int, bytes]  # nanoseconds, bytes


def ip(source: str, target: str, protocol: int, payload: bytes, *, ttl: int = 64, flags: int = 0x4000) -> bytes:
    one, other = ipaddress.ip_address(source), ipaddress.ip_address(target)
    if one.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(payload), protocol, ttl) + one.packed + other.packed + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, flags, ttl, protocol, 0)
    return head + one.packed + other.packed + payload


def ethernet(packet: bytes, tags: Sequence[int] = ()) -> bytes:
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    return MACS + b"".join(struct.pack(">HH", tag, 7) for tag in tags) + struct.pack(">H", kind) + packet


def cooked(packet: bytes) -> bytes:
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    return struct.pack(">HHH8sH", 4, 1, 6, MACS[:6] + b"\0\0", kind) + packet


def cooked2(packet: bytes) -> bytes:
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    return struct.pack(">HHIHBB8s", kind, 0, 2, 1, 4, 6, MACS[:6] + b"\0\0") + packet


def udp(source_port: int, target_port: int, payload: bytes) -> bytes:
    return struct.pack(">HHHH", source_port, target_port, 8 + len(payload), 0) + payload


def tcp(
    ports: tuple[int, int], sequence: int, acknowledged: int, flags: int, payload: bytes = b"", mss: int = 0
) -> bytes:
    options = struct.pack(">BBH", 2, 4, mss) if mss else b""
    offset = (20 + len(options)) // 4 << 4
    head = struct.pack(">HHIIBBHHH", *ports, sequence % 2**32, acknowledged % 2**32, offset, flags, 64240, 0, 0)
    return head + options + payload


def echo(kind: int, identifier: int, sequence: int, six: bool = False, size: int = 56) -> bytes:
    if six:
        return struct.pack(">BBHHH", {8: 128, 0: 129}[kind], 0, 0, identifier, sequence) + bytes(size)
    summed = (kind << 8) + identifier + sequence  # tshark matches no echo with a wrong checksum
    checksum = ~((summed & 0xFFFF) + (summed >> 16)) & 0xFFFF
    return struct.pack(">BBHHH", kind, 0, checksum, identifier, sequence) + bytes(size)


@dataclass
class Talk:
    """A TCP connection as the capture point sees it, `far` and `near` milliseconds from its ends and back."""

    client: tuple[str, int]
    server: tuple[str, int]
    start: int = START
    far: float = 20.0
    near: float = 0.0
    mss: int = 1460
    ttls: tuple[int, int] = (64, 61)
    isn: int = 4_294_967_000  # wraps soon
    frames: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = self.start
        self.sent = {True: self.isn, False: 77}

    def packet(self, to_server: bool, flags: int, payload: bytes = b"", *, mss: int = 0, sequence: int | None = None):
        (source, source_port), (target, target_port) = (
            (self.client, self.server) if to_server else (self.server, self.client)
        )
        segment = tcp(
            (source_port, target_port),
            self.sent[to_server] if sequence is None else sequence,
            self.sent[not to_server] if flags & ACK else 0,
            flags,
            payload,
            mss,
        )
        self.frames.append((self.now, ip(source, target, 6, segment, ttl=self.ttls[not to_server])))
        return self

    def wait(self, milliseconds: float):
        self.now += round(milliseconds * MS)
        return self

    def open(self):
        self.packet(True, SYN, mss=self.mss).wait(self.far)
        self.sent[True] += 1
        self.packet(False, SYN | ACK, mss=self.mss).wait(self.near)
        self.sent[False] += 1
        return self.packet(True, ACK).wait(0.1)

    def say(self, to_server: bool, data: bytes):
        for at in range(0, len(data), self.mss):
            piece = data[at : at + self.mss]
            self.packet(to_server, ACK | PSH, piece).wait(0.01)
            self.sent[to_server] += len(piece)
        self.packet(not to_server, ACK).wait(self.far if to_server else self.near)
        return self

    def close(self):
        for to_server in (True, False):
            self.packet(to_server, FIN | ACK).wait(1)
            self.sent[to_server] += 1
        return self.packet(True, ACK)

    def reset(self, by_server: bool = True):
        return self.packet(not by_server, RST | ACK)


# TLS, in clear as far as a capture shows it


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    pieces = [body[at : at + 16384] for at in range(0, len(body), 16384)] or [b""]
    return b"".join(struct.pack(">BHH", kind, version, len(piece)) + piece for piece in pieces)


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def _sized(width: int, body: bytes) -> bytes:
    return len(body).to_bytes(width, "big") + body


def client_hello(name: str = "", versions: Sequence[int] = (0x0303,)) -> bytes:
    extensions = b""
    if name:
        extensions += struct.pack(">H", 0) + _sized(2, _sized(2, b"\0" + _sized(2, name.encode())))
    if max(versions) > 0x0303:
        offered = _sized(1, b"".join(struct.pack(">H", version) for version in (0x3A3A, *versions)))
        extensions += struct.pack(">H", 43) + _sized(2, offered)
    body = struct.pack(">H", min(max(versions), 0x0303)) + bytes(range(32)) + _sized(1, b"")
    body += _sized(2, struct.pack(">HH", 0xC030, 0x1302)) + _sized(1, b"\0") + _sized(2, extensions)
    return record(22, message(1, body), 0x0301)


def server_hello(version: int = 0x0303, cipher: int = 0xC030) -> bytes:
    extensions = struct.pack(">HHH", 43, 2, version) if version > 0x0303 else b""
    body = struct.pack(">H", min(version, 0x0303)) + bytes(range(32)) + _sized(1, b"")
    return message(2, body + struct.pack(">HB", cipher, 0) + _sized(2, extensions))


def certificate(ders: Iterable[bytes]) -> bytes:
    return message(11, _sized(3, b"".join(_sized(3, der) for der in ders)))


CHANGE = record(20, b"\1")
FINISHED = CHANGE + record(22, bytes(40))
REQUEST = message(13, _sized(1, b"\x01") + _sized(2, b"\x04\x01") + _sized(2, b""))
DONE = message(14, b"")


def tls12(talk: Talk, name: str, server: Sequence[bytes], client: Sequence[bytes] | None = None) -> Talk:
    """A whole handshake of TLS 1.2; with certificates of the client the server asks for them."""
    talk.say(True, client_hello(name, (0x0303, 0x0304)))
    asked = REQUEST if client is not None else b""
    talk.say(False, record(22, server_hello() + certificate(server) + message(12, bytes(100)) + asked + DONE))
    sent = certificate(client) if client is not None else b""
    proof = message(15, b"\x04\x01" + _sized(2, bytes(64))) if client else b""
    talk.say(True, record(22, sent + message(16, bytes(66)) + proof) + FINISHED)
    talk.say(False, FINISHED)
    return talk


def tls13(talk: Talk, name: str, refused_by: str = "") -> Talk:
    """A handshake of TLS 1.3; only the sizes of its records tell how it ended."""
    talk.say(True, client_hello(name, (0x0304, 0x0303)))
    talk.say(False, record(22, server_hello(0x0304, 0x1302)) + CHANGE + record(23, bytes(1500)) + record(23, bytes(69)))
    if refused_by == "client":
        return talk.say(True, CHANGE + record(23, bytes(19))).close()
    talk.say(True, CHANGE + record(23, bytes(1200)) + record(23, bytes(69)))
    if refused_by == "server":
        return talk.say(False, record(23, bytes(19))).close()
    return talk.say(False, record(23, bytes(255)))


@cache
def der(name: str, padding: int = 0) -> bytes:
    """A certificate for a name, made larger by so many bytes; the same each time."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.x509.oid import NameOID, ObjectIdentifier

    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(
        issuer_name=subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=1 + sum(name.encode()),
        not_valid_before=start,
        not_valid_after=start + timedelta(days=365),
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    if padding:
        filler = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\4" + bytes(padding))
        builder = builder.add_extension(filler, critical=False)
    from cryptography.hazmat.primitives.serialization import Encoding

    return builder.sign(key, None).public_bytes(Encoding.DER)


# Files


def pcap(frames: Iterable[Frame], *, link: int = 1, order: str = "<", nano: bool = False, snap: int = 262144) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snap, link)]
    for time, frame in frames:
        fraction = time % 10**9 // (1 if nano else 1000)
        kept = frame[:snap]
        parts.append(struct.pack(f"{order}IIII", time // 10**9, fraction, len(kept), len(frame)) + kept)
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = len(body) + 12
    return struct.pack(f"{order}II", kind, size) + body + struct.pack(f"{order}I", size)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(
    frames: Iterable[Frame],
    *,
    link: int = 1,
    order: str = "<",
    resolution: int = 9,
    name: str = "eth0",
    capture_filter: str = "",
    dropped: int | None = None,
) -> bytes:
    ticks = 2 ** (resolution & 127) if resolution & 128 else 10**resolution
    options = option(2, name.encode(), order) + option(9, bytes([resolution]), order)
    if capture_filter:
        options += option(11, b"\0" + capture_filter.encode(), order)
    parts = [
        block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order),
        block(1, struct.pack(f"{order}HHI", link, 0, 0) + options + option(0, b"", order), order),
    ]
    for time, frame in frames:
        units = time * ticks // 10**9
        head = struct.pack(f"{order}IIIII", 0, units >> 32, units & 0xFFFFFFFF, len(frame), len(frame))
        parts.append(block(6, head + frame, order))
    if dropped is not None:
        counted = option(5, struct.pack(f"{order}Q", dropped), order) + option(0, b"", order)
        parts.append(block(5, struct.pack(f"{order}III", 0, 0, 0) + counted, order))
    return b"".join(parts)


def framed(frames: Iterable[Frame], link=ethernet) -> list[Frame]:
    """Put IP packets into frames, in order of time."""
    return [(time, link(packet)) for time, packet in sorted(frames, key=lambda frame: frame[0])]


# What a bench needs: media most of the time, now and then what matters


def write_large(path: Path, megabytes: float, seed: int = 5) -> None:
    """Write a classic capture of about a size: RTP, SIP over UDP, and per megabyte some handshakes, echoes and RAS."""
    chance = random.Random(seed)
    noise = chance.randbytes(1 << 20)
    peers = [f"10.77.{n}.10" for n in range(1, 7)]
    phones = [f"10.80.{n // 250}.{n % 250 + 1}" for n in range(100)]
    now = START
    with path.open("wb") as file:
        file.write(pcap(()))
        for number in range(round(megabytes * 10)):
            frames: list[Frame] = []
            one, other = chance.sample(peers, 2)
            for _ in range(number % 10 < 8):
                port = chance.choice((4371, 4372, 443, 5061))
                talk = Talk((one, chance.randint(30000, 35999)), (other, port), now, far=chance.uniform(10, 40))
                talk.isn = chance.getrandbits(32)
                talk.__post_init__()
                talk.open()
                if chance.random() < 0.37:
                    tls12(talk, f"e{other[6]}.lab.test", (der(f"e{other[6]}.lab.test"),), (der(f"e{one[6]}.lab.test"),))
                frames += talk.close().frames
            for sequence in range(number % 10 < 7):
                asked = now + sequence * MS
                frames.append((asked, ip(one, other, 1, echo(8, number % 65536, sequence))))
                frames.append(
                    (
                        asked + round(chance.uniform(10, 40) * MS),
                        ip(other, one, 1, echo(0, number % 65536, sequence), ttl=61),
                    )
                )
            size = 0
            while size < 95_000:
                now += 90_000
                at = chance.randrange(len(noise) - 2000)
                length = chance.choice((172, 172, 172, 172, 700, 1200))
                packet = ip(
                    chance.choice(phones),
                    one,
                    17,
                    udp(chance.randint(18000, 20000) * 2, chance.randint(18000, 20000) * 2, noise[at : at + length]),
                )
                size += len(packet) + 30
                frames.append((now, packet))
            file.write(pcap(framed(frames))[24:])
