"""TLS handshakes: made by hand, by OpenSSL, cut, shuffled, refused, with a certificate of a megabyte."""

from __future__ import annotations

import hashlib
import random
import ssl
import subprocess
from pathlib import Path

import pytest

import expdiag
from expdiag.scenarios.spec import healthy
from expdiag.scenarios.write import write_case
from tests import traffic
from tests.capturing import Read, read, tshark
from tests.judging import outcomes
from tests.traffic import MS, START, Talk, client_hello, der, framed, ip, pcap, record, server_hello, tls12, tls13, udp

A, B = "10.0.1.11", "10.0.1.12"
LATER = (START + 60_000 * MS, ip(A, B, 17, udp(36000, 36002, b"the capture goes on")))


def talk(port: int = 4372, mss: int = 1460) -> Talk:
    return Talk((A, 30001), (B, port), mss=mss).open()


def handshake(carrier: Talk, *, later: bool = True):
    found = read(pcap(framed([*carrier.frames, LATER] if later else carrier.frames)))
    (row,) = found["tls_handshakes"]
    return row, found


def prints(*ders: bytes) -> tuple[str, ...]:
    return tuple(hashlib.sha256(each).hexdigest() for each in ders)


@pytest.mark.parametrize("mss", [1460, 536, 7, 1])
def test_tls12_shows_the_certificates_of_both_sides_over_any_number_of_segments(mss: int) -> None:
    server, client = (der("e2.lab.test"), der("ca")), (der("e1.lab.test"),)

    row, found = handshake(tls12(talk(mss=mss), "e2.lab.test", server, client))

    assert (row.client, row.server, row.port, row.server_name) == (A, B, 4372, "e2.lab.test")
    assert (row.offered, row.version, row.cipher) == ("TLSv1.3", "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384")
    assert (row.outcome, row.client_certificate, row.alert) == ("completed", "sent", "")
    assert (row.server_certificates, row.client_certificates) == (prints(*server), prints(*client))
    assert row.duration > 20
    shown = [(each.role, each.position, each.common_name, each.fingerprint) for each in found["certificates"]]
    assert shown == [
        ("presented", 1, "e2.lab.test", prints(server[0])[0]),
        ("presented", 2, "ca", prints(server[1])[0]),
        ("presented", 3, "e1.lab.test", prints(client[0])[0]),
    ]
    assert (
        "10.0.1.12 as server on 4372: certificate 1: subject CN=e2.lab.test"
        in found.source(found["certificates"][0])[1]
    )


@pytest.mark.parametrize(("client", "expected"), [(None, "not requested"), ((), "requested"), ((der("e1"),), "sent")])
def test_what_became_of_the_certificate_of_the_client(client, expected: str) -> None:
    row, _ = handshake(tls12(talk(), "e2", [der("e2")], client))

    assert row.client_certificate == expected
    assert row.client_certificates == (prints(*client) if client is not None else None)


def test_tls13_hides_the_certificates() -> None:
    row, found = handshake(tls13(talk(), "e2.lab.test"))

    assert (row.offered, row.version, row.cipher) == ("TLSv1.3", "TLSv1.3", "TLS_AES_256_GCM_SHA384")
    assert (row.outcome, row.client_certificate) == ("completed", "hidden")
    assert (row.server_certificates, row.client_certificates) == (None, None)
    assert not found["certificates"]


@pytest.mark.parametrize("side", ["client", "server"])
def test_tls13_an_alert_shows_by_its_size_and_direction(side: str) -> None:
    row, _ = handshake(tls13(talk(), "e2", refused_by=side))

    assert (row.outcome, row.alert, row.alert_from) == ("alert", "hidden", side)


@pytest.mark.parametrize(
    ("to_server", "number", "name"), [(True, 48, "unknown_ca"), (False, 42, "bad_certificate"), (False, 200, "200")]
)
def test_an_alert_says_which_and_from_whom(to_server: bool, number: int, name: str) -> None:
    carrier = talk().say(True, client_hello("e2"))
    carrier.say(False, record(22, server_hello() + traffic.certificate([der("e2")]) + traffic.REQUEST + traffic.DONE))
    row, _ = handshake(carrier.say(to_server, record(21, bytes([2, number]))).close())

    assert (row.outcome, row.alert, row.alert_from) == ("alert", name, "client" if to_server else "server")
    assert row.server_certificates == prints(der("e2"))


def test_a_warning_does_not_end_a_handshake() -> None:
    carrier = talk().say(True, client_hello("e2")).say(False, record(21, bytes([1, 112])))
    carrier.say(False, record(22, server_hello() + traffic.certificate([der("e2")]) + traffic.DONE))
    carrier.say(True, record(22, traffic.message(16, bytes(66))) + traffic.FINISHED).say(False, traffic.FINISHED)

    assert handshake(carrier)[0].outcome == "completed"


@pytest.mark.parametrize("end", ["reset", "closed", "no-answer", "cut"])
def test_how_a_handshake_ended_without_an_alert(end: str) -> None:
    carrier = talk().say(True, client_hello("e2"))
    if end in ("reset", "closed"):
        carrier = carrier.reset() if end == "reset" else carrier.close()
    row, _ = handshake(carrier, later=end != "cut")

    assert (row.outcome, row.server_name, row.version) == (end, "e2", "")


def test_a_server_that_answers_with_something_else() -> None:
    row, _ = handshake(talk(443).say(True, client_hello("e2")).say(False, b"HTTP/1.1 400 Bad Request\r\n").close())

    assert (row.outcome, row.version) == ("closed", "")


@pytest.mark.parametrize("first", [b"SSH-2.0-x\r\n", b"OPTIONS sip:x SIP/2.0\r\n", b"\x16\x01\x00"])
def test_what_is_no_tls_is_no_handshake(first: bytes) -> None:
    assert not read(pcap(framed(talk().say(True, first).say(False, first).frames)))["tls_handshakes"]


def test_a_second_client_hello_that_the_server_asks_for() -> None:
    retry = traffic.message(2, b"\x03\x03" + hashlib.sha256(b"HelloRetryRequest").digest() + server_hello(0x0304)[38:])
    carrier = talk().say(True, client_hello("e2", (0x0304,))).say(False, record(22, retry) + traffic.CHANGE)

    row, _ = handshake(tls13(carrier, "e2"))

    assert (row.outcome, row.version) == ("completed", "TLSv1.3")


@pytest.mark.parametrize("seed", range(8))
def test_segments_in_any_order_and_sent_again(seed: int) -> None:
    """As long as nothing is missing, order and repetition on the way change nothing."""
    server, client = (der("e2.lab.test", padding=9000),), (der("e1.lab.test", padding=9000),)
    carrier = tls12(talk(mss=536), "e2.lab.test", server, client)
    chance = random.Random(seed)
    frames = framed(carrier.frames)
    opening, rest = frames[:3], frames[3:]
    last = rest.pop(), rest.pop()
    sent = [*rest, *chance.sample(rest, len(rest) // 3)]
    chance.shuffle(sent)

    found = read(pcap([*opening, *sent, *reversed(last)]))

    (row,) = found["tls_handshakes"]
    assert row.server_certificates == prints(*server)
    assert row.client_certificates == prints(*client)
    assert row.outcome == "completed"


def test_a_lost_segment_is_not_made_up() -> None:
    carrier = tls12(talk(mss=536), "e2.lab.test", (der("e2.lab.test", padding=9000),))
    frames = framed(carrier.frames)
    del frames[12]

    (row,) = read(pcap([*frames]))["tls_handshakes"]

    assert (row.outcome, row.server_certificates) == ("cut", None)


def test_a_certificate_of_a_megabyte() -> None:
    large = der("e2.lab.test", padding=1_000_000)
    row, found = handshake(tls12(talk(), "e2.lab.test", (large,), (der("e1.lab.test"),)))

    assert (row.outcome, row.server_certificates) == ("completed", prints(large))
    assert found["certificates"][0].common_name == "e2.lab.test"


def test_a_handshake_that_swells_without_end_is_given_up() -> None:
    carrier = talk(mss=60000).say(True, client_hello("e2"))
    endless = b"\x0b\xff\xff\xff" + bytes(5_000_000)
    row, _ = handshake(carrier.say(False, record(22, server_hello() + endless)))

    assert (row.outcome, row.version, row.server_certificates) == ("cut", "TLSv1.2", None)


def test_what_is_no_certificate_is_an_issue() -> None:
    row, found = handshake(tls12(talk(), "e2", (b"\x30\x82no certificate",)))

    assert row.server_certificates == prints(b"\x30\x82no certificate")
    assert not found["certificates"]
    assert "broken" in found.kinds


# OpenSSL says what a handshake is; the capture has to tell the same


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("server", "client"):
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
                *("-subj", f"/CN={name}.lab.test", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"),
            ],
            check=True,
            capture_output=True,
        )
    return folder


def converse(
    keys: Path, version: ssl.TLSVersion, *, client_trusts: bool, server_trusts: bool
) -> tuple[Read, Talk, dict]:
    """Let two TLS ends of OpenSSL talk through a connection; return what is read of it and what they say of it."""
    server_side, client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for context, own, other, trusts in (
        (server_side, "server", "client", server_trusts),
        (client_side, "client", "server", client_trusts),
    ):
        context.load_cert_chain(keys / f"{own}.pem", keys / f"{own}.key")
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = False
        context.load_verify_locations(keys / f"{other if trusts else own}.pem")
        context.minimum_version = context.maximum_version = version
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname="server.lab.test")
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    carrier, failed = talk(), ""
    for _ in range(6):
        for end, out, to in ((client, to_server, True), (server, to_client, False)):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                failed = failed or f"{'client' if to else 'server'}: {error.reason}"
            sent = out.read()
            if sent:
                carrier.say(to, sent)
                out.write(sent)
        if failed:
            break
    said = {"failed": failed, "cipher": client.cipher(), "version": client.version()}
    return read(pcap(framed([*carrier.close().frames, LATER]))), carrier, said


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("trust", ["both", "client does not", "server does not"])
def test_what_openssl_does_is_what_is_read(keys: Path, version: ssl.TLSVersion, trust: str) -> None:
    found, _, said = converse(
        keys, version, client_trusts=trust != "client does not", server_trusts=trust != "server does not"
    )
    (row,) = found["tls_handshakes"]
    ders = {name: ssl.PEM_cert_to_DER_cert((keys / f"{name}.pem").read_text()) for name in ("server", "client")}

    assert row.server_name == "server.lab.test"
    assert row.version == version.name.replace("v1_", "v1.")
    if trust == "both":
        assert said["failed"] == ""
        assert (row.outcome, row.cipher) == ("completed", said["cipher"][0])
    else:
        assert (row.outcome, row.alert_from) == ("alert", trust.partition(" ")[0])
        assert said["failed"].startswith(trust.partition(" ")[0])
        hidden = version is ssl.TLSVersion.TLSv1_3 and trust == "server does not"  # a client still speaks in clear
        assert row.alert == ("hidden" if hidden else "unknown_ca")
    if version is ssl.TLSVersion.TLSv1_2:
        assert row.server_certificates == prints(ders["server"])
        assert row.client_certificates == (None if trust == "client does not" else prints(ders["client"]))
    else:
        assert (row.client_certificate, row.server_certificates) == ("hidden", None)


def test_tshark_reads_the_handshakes_made_by_hand(tmp_path: Path) -> None:
    """The oracle has to see in the made-up traffic what the tests above take it for."""
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(framed(tls12(talk(), "e2.lab.test", [der("e2.lab.test")], [der("e1.lab.test")]).frames)))

    rows = tshark(path, "tls.handshake.type", "tls.handshake.extensions_server_name", "x509sat.uTF8String")

    types = [kind for row in rows for kind in row[0].split(";") if kind]
    assert [kind for kind in types if kind in ("1", "2", "11", "13", "14", "15", "16")] == [
        *("1", "2", "11", "13", "14"),
        *("11", "16", "15"),
    ]
    assert {row[1] for row in rows} == {"", "e2.lab.test"}
    assert {name for row in rows for name in row[2].split(";") if name} == {"e2.lab.test", "e1.lab.test"}


@pytest.mark.parametrize(("far", "near"), [(30, 0), (0.01, 30), (12, 18)])
def test_a_handshake_is_a_round_trip_with_what_the_server_computes(far: float, near: float) -> None:
    talk = traffic.Talk(("10.0.1.11", 30001), ("10.0.1.12", 4371), far=far, near=near).open()
    found = read(pcap(framed(tls12(talk.wait(5), "e2.example", [der("e2.example")]).close().frames)))

    (run,) = [row for row in found["round_trips"] if row.method == "tls"]
    assert (run.vantage, run.address, run.port, run.sent, run.answered) == ("10.0.1.11", "10.0.1.12", 4371, 1, 1)
    assert run.min == pytest.approx(far + near, abs=0.1)  # `Talk` takes 0.01 ms a segment


def test_a_handshake_with_data_sent_again_has_no_round_trip() -> None:
    talk = traffic.Talk(("10.0.1.11", 30001), ("10.0.1.12", 4371)).open()
    hello = traffic.client_hello("e2.example")
    talk.packet(True, traffic.ACK, hello).wait(1000)
    talk.say(True, hello).say(False, traffic.record(22, traffic.server_hello())).close()

    found = read(pcap(framed(talk.frames)))

    assert found["tls_handshakes"][0].version == "TLSv1.2"
    assert [row.method for row in found["round_trips"]] == ["tcp-syn"]


def test_what_a_server_computes_is_no_delay_of_the_path(tmp_path: Path) -> None:
    cluster = healthy()
    write_case(cluster, tmp_path / "case")
    before = outcomes(expdiag.load(tmp_path / "case"))
    one, other = (peer.ipv4 for peer in cluster.peers[:2])
    frames = []
    for number in range(6):
        start = START + number * 10_000 * MS
        talk = Talk((one, 30001 + number), (other, 4371), start=start, far=5, isn=1000 + number).open()
        talk.packet(True, traffic.ACK, client_hello()).wait(900)
        talk.say(False, record(22, server_hello()))
        frames += talk.frames
    (tmp_path / "case" / "probes" / "e1").mkdir(parents=True, exist_ok=True)
    (tmp_path / "case" / "probes" / "e1" / "eth0.pcap").write_bytes(pcap(framed(frames)))

    case = expdiag.load(tmp_path / "case")

    assert {row.method: round(row.min) for row in case.tables.rows("round_trips") if row.tool == "capture"} == {
        "tcp-syn": 5,
        "tls": 900,
    }
    assert outcomes(case) == before
