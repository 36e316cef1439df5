"""A capture of fragments says the same as one of the packets they were made of; what is missing is said."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable, Sequence

import dns.message
import dns.rrset
import pytest

from expdiag.intake.capture import fragments
from tests.capturing import Read, read
from tests.traffic import MS, START, Frame, Talk, der, framed, ip, pcap, tls12, udp

FOUR, SIX = ("10.0.1.11", "10.0.1.53"), ("2001:db8::11", "2001:db8::53")
SAME = ("connections", "tls_handshakes", "dns_messages", "round_trips", "reachability", "icmp_errors")


def pieces(packet: bytes, size: int = 480, number: int = 7, before: bytes = b"") -> list[bytes]:
    """Cut an IP packet into fragments; `before` stands behind the fragment header of IPv6, as another header."""
    if packet[0] >> 4 == 4:
        head, data = bytearray(packet[:20]), packet[20:]
    else:
        head, data = bytearray(packet[:40]), before + packet[40:]
        following, head[6] = (60 if before else head[6]), 44
    cut = []
    for at in range(0, len(data), size):
        part, more = data[at : at + size], at + size < len(data)
        if packet[0] >> 4 == 4:
            head[2:8] = struct.pack(">HHH", 20 + len(part), number, more << 13 | at // 8)
            cut.append(bytes(head) + part)
        else:
            head[4:6] = struct.pack(">H", 8 + len(part))
            cut.append(bytes(head) + struct.pack(">BBHI", following, 0, at | more, number) + part)
    return cut


def cut_up(frames: Iterable[Frame], arrange=list, **how) -> list[Frame]:
    """Cut packets that are too long; all fragments of one come at its time, in the order `arrange` gives."""
    found = []
    for number, (time, packet) in enumerate(frames):
        parts = arrange(pieces(packet, number=number, **how)) if len(packet) > 600 else [packet]
        found += [(time, part) for part in parts]
    return found


def lookup(ends: Sequence[str] = FOUR, records: int = 60) -> list[Frame]:
    """A question and a long answer."""
    client, server = ends
    question = dns.message.make_query("many.example.net", "A", id=77)
    answer = dns.message.make_response(question)
    values = [f"192.0.2.{number + 1}" for number in range(records)]
    answer.answer.append(dns.rrset.from_text("many.example.net.", 60, "IN", "A", *values))
    return [
        (START, ip(client, server, 17, udp(40000, 53, question.to_wire()))),
        (START + 20 * MS, ip(server, client, 17, udp(53, 40000, answer.to_wire(max_size=65535)))),
    ]


def handshake(ends: Sequence[str] = FOUR) -> list[Frame]:
    client, server = ends
    talk = Talk((client, 30001), (server, 4372), mss=1400).open()
    return tls12(talk, "e2.example", [der("e2.example", 3000)]).close().frames


def shuffled(parts: list[bytes]) -> list[bytes]:
    return random.Random(3).sample(parts, len(parts))


def rows(frames: Iterable[Frame]) -> Read:
    return read(pcap(framed(frames)))


@pytest.mark.parametrize("arrange", [list, lambda parts: parts[::-1], shuffled], ids=["in order", "reversed", "mixed"])
@pytest.mark.parametrize("ends", [FOUR, SIX], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("make", [lookup, handshake])
def test_fragments_say_what_the_packet_said(make, ends, arrange) -> None:
    frames = make(ends)
    whole, parted = rows(frames), rows(cut_up(frames, arrange))

    assert without_sources(parted) == without_sources(whole)
    assert parted.issues == whole.issues == []
    assert sum(row.packets_in + row.packets_out for row in parted["endpoints"]) == parted["captures"][0].packets


def without_sources(found: Read) -> dict[str, list[dict]]:
    """Return the rows; fragments have other packet numbers."""
    numbers = ("source", "p95_line")
    return {
        table: [row._replace(**dict.fromkeys(set(numbers) & set(row._fields), 0)) for row in found[table]]
        for table in SAME
    }


def test_the_whole_answer_is_read() -> None:
    (row,) = rows(cut_up(lookup()))["dns_messages"]

    assert (row.status, len(row.answers), row.rtt) == ("NOERROR", 60, 20.0)


def test_a_header_behind_that_of_the_fragment_belongs_to_the_datagram() -> None:
    options = struct.pack(">BB", 17, 0) + bytes([1, 4, 0, 0, 0, 0])

    (row,) = rows(cut_up(lookup(SIX), lambda parts: parts[::-1], before=options))["dns_messages"]

    assert (row.status, len(row.answers)) == ("NOERROR", 60)


@pytest.mark.parametrize("missing", [1, 2])
def test_what_a_lost_fragment_said_is_missing_and_said_to_be(missing: int) -> None:
    found = rows(cut_up(lookup(), lambda parts: [part for n, part in enumerate(parts) if n != missing]))
    (row,) = found["dns_messages"]

    assert (row.status, row.answers, row.rtt) == ("NOERROR", None, 20.0)
    assert found.kinds == {"unread"}
    assert found.issues[0][1].startswith("of 1 datagrams or segments")


def test_without_its_first_fragment_nobody_knows_what_it_was() -> None:
    found = rows(cut_up(lookup(), lambda parts: parts[1:]))
    (row,) = found["dns_messages"]

    assert (row.status, row.answers) == ("cut", None)
    assert found.issues == []


def test_a_number_that_comes_again_is_another_datagram() -> None:
    (_, question), (_, answer) = lookup()
    first, *_ = pieces(answer)
    frames = [(START, question), (START + 20 * MS, first)]
    frames += [(START + 40_000 * MS, question)]
    frames += [(START + 40_020 * MS, part) for part in pieces(answer)]

    whole, parted = rows(frames)["dns_messages"][::-1], rows(frames).kinds

    assert parted == {"unread"}
    assert sorted(len(row.answers or ()) for row in whole) == [0, 60]


def test_repeated_fragments_change_nothing() -> None:
    (asked, question), (answered, answer) = lookup()
    parts = pieces(answer)

    found = rows([(asked, question), *((answered, part) for part in (*parts[:2], *parts[:2], *parts[2:]))])

    (row,) = found["dns_messages"]
    assert (row.status, len(row.answers)) == ("NOERROR", 60)


def test_fragments_of_a_ping_of_death_and_of_nothing_are_no_harm() -> None:
    _, (_, answer) = lookup()
    first, *_ = pieces(answer)
    beyond = bytearray(first)
    beyond[6:8] = struct.pack(">H", 0x1FFF)
    empty = bytearray(first[:20])
    empty[2:8] = struct.pack(">HHH", 20, 7, 1)

    found = rows([(START, first), (START, bytes(beyond)), (START, bytes(empty))])

    assert found.kinds == {"unread"}


def test_what_waits_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "_MOST_DATAGRAMS", 10)
    _, (_, answer) = lookup()
    frames = [(START + number, pieces(answer, number=number)[0]) for number in range(100)]
    joiner = fragments.Fragments()
    monkeypatch.setattr(fragments, "Fragments", lambda: joiner)

    rows(frames)

    assert len(joiner._waiting) <= 10


def test_media_in_fragments_is_left_alone() -> None:
    media = ip(*FOUR, 17, udp(36000, 36002, bytes(1400)))
    found = rows([(START + n * MS, part) for n in range(50) for part in pieces(media, number=n)])

    assert found.issues == []
    assert sum(row.packets_in + row.packets_out for row in found["endpoints"]) == 150


def test_a_cut_fragment_makes_a_cut_datagram() -> None:
    (asked, question), (answered, answer) = lookup()
    found = read(pcap(framed([(asked, question), *((answered, part) for part in pieces(answer))]), snap=200))
    (row,) = found["dns_messages"]

    assert (row.status, row.answers) == ("NOERROR", None)
    assert found.kinds == {"cut-packets"}
