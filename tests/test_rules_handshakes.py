"""What captures and probes on the clustering ports say of certificates, beside or against the exports."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.scenarios import authority
from expdiag.scenarios.spec import AS_OF, AlarmSpec, AuthoritySpec, CertificateSpec, ClusterSpec, healthy
from expdiag.scenarios.write import bundle, case_toml
from tests import traffic
from tests.judging import Outcomes, changed, finding, outcomes
from tests.traffic import Talk, client_hello, framed, pcap, record, server_hello, tls12

E1, E2 = "10.0.1.11", "10.0.1.12"
ALL, DAY = ("e1", "e2", "e3"), timedelta(days=1)
OTHER = AuthoritySpec("Other Root CA")
MIDDLE = AuthoritySpec("Other Issuing CA", OTHER)
NEW = (AlarmSpec(15028, "", "Restart required", "Server certificate and private key have been changed, restart"),)


def beside_the_way(said: Outcomes) -> Outcomes:
    """Return outcomes without R09: a handshake shows that there is a way, which is not what these tests are about."""
    return {key: outcome for key, outcome in said.items() if key[0] != "R09"}


def ders(spec: CertificateSpec) -> list[bytes]:
    """Return the certificates of a file of the training authority."""
    blocks = authority.server_pem(spec).decode().split("-----BEGIN CERTIFICATE-----")[1:]
    return [base64.b64decode(block.partition("-----END")[0]) for block in blocks]


def of(cluster: ClusterSpec, host: str) -> CertificateSpec:
    return next(peer.certificate for peer in cluster.peers if peer.host_name == host)


def write(folder: Path, cluster: ClusterSpec, leave_out: Callable[[str, str], bool] = lambda *_: False) -> None:
    """Write the bundles of a cluster as folders."""
    shutil.rmtree(folder, ignore_errors=True)
    for peer in cluster.peers:
        for name, content in bundle(peer, cluster).items():
            if not leave_out(peer.host_name, name):
                path = folder / peer.host_name / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    (folder / "case.toml").write_text(case_toml(cluster))


def capture(*talks: Talk) -> bytes:
    return pcap(framed([frame for talk in talks for frame in talk.frames]))


def call(port: int = 30001) -> Talk:
    """Return a connection from e1 to e2."""
    return Talk((E1, port), (E2, 4372)).open()


def refusal(cluster: ClusterSpec, number: int, by: str, client: str | None = "e1", talk: Talk | None = None) -> Talk:
    """Return a handshake from e1 to e2 that one of them ends with an alert."""
    talk = (talk or call()).say(True, client_hello(""))
    sent = server_hello() + traffic.certificate(ders(of(cluster, "e2"))) + traffic.REQUEST + traffic.DONE
    talk.say(False, record(22, sent))
    if by == "server":
        talk.say(True, record(22, traffic.certificate(ders(of(cluster, client)) if client else [])))
    return talk.say(by == "client", record(21, bytes([2, number]))).close()


def with_capture(folder: Path, *talks: Talk) -> expdiag.Case:
    path = folder / "probes" / "e1" / "x.pcap"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(capture(*talks))
    return expdiag.load(folder)


UNKNOWN_CA, BAD, EXPIRED, UNSUPPORTED = 48, 42, 45, 43


@pytest.mark.parametrize(
    ("number", "by", "client", "expected"),
    [
        (UNKNOWN_CA, "client", "e1", {("R20", ("e2", "e1")): VIOLATION}),
        (UNKNOWN_CA, "server", "e1", {("R20", ("e1", "e2")): VIOLATION}),
        (UNKNOWN_CA, "server", None, {}),  # nothing was presented, as by a probe
        (BAD, "client", "e1", {("R20", ("e2", "e1")): VIOLATION}),
        (EXPIRED, "client", "e1", {("R19", ("e2",)): VIOLATION}),
        (UNSUPPORTED, "server", "e1", {("R19", ("e1",)): VIOLATION}),
        (70, "client", "e1", {}),
    ],
)
def test_an_alert_on_the_clustering_port_counts(tmp_path, number: int, by: str, client, expected) -> None:
    write(tmp_path / "c", healthy())
    sound = outcomes(expdiag.load(tmp_path / "c"))

    case = with_capture(tmp_path / "c", refusal(healthy(), number, by, client))

    assert beside_the_way(changed(sound, outcomes(case))) == expected
    for rule, peers in expected:
        found = finding(case, rule, *peers)
        assert "though" in found.verdict.reason
        assert any(source.packet for source in found.sources)


def test_an_alert_that_the_exports_explain_is_one_fault(tmp_path) -> None:
    old = replace(of(healthy(), "e2"), not_after=AS_OF - timedelta(days=1))
    cluster = healthy().changed("e2", certificate=old)
    write(tmp_path / "c", cluster)
    before = outcomes(expdiag.load(tmp_path / "c"))

    for number in (EXPIRED, BAD):
        case = with_capture(tmp_path / "c", refusal(cluster, number, "client"))
        assert beside_the_way(changed(before, outcomes(case))) == {}
        assert "refused" in finding(case, "R20", "e2", "e1").verdict.reason

    other = healthy().changed("e2", certificate=replace(of(healthy(), "e2"), issuer=OTHER))
    write(tmp_path / "c", other)
    case = with_capture(tmp_path / "c", refusal(other, UNKNOWN_CA, "client"))
    assert finding(case, "R19", "e2").outcome == PASS
    assert "though" not in finding(case, "R20", "e2", "e1").verdict.reason


def test_a_later_handshake_that_goes_on_outweighs_an_alert(tmp_path) -> None:
    cluster = healthy()
    write(tmp_path / "c", cluster)
    early = refusal(cluster, UNKNOWN_CA, "client")
    late = tls12(call(30002), "", ders(of(cluster, "e2")), ders(of(cluster, "e1")))
    offset = early.frames[-1][0] - late.frames[0][0] + 10**9
    late.frames[:] = [(time + offset, *rest) for time, *rest in late.frames]

    assert finding(with_capture(tmp_path / "c", early, late), "R20", "e2", "e1").outcome == PASS


def test_a_handshake_stands_in_for_a_store_that_is_missing(tmp_path) -> None:
    cluster = healthy()
    write(tmp_path / "c", cluster, lambda host, name: host == "e1" and name.startswith("ca_"))
    assert finding(expdiag.load(tmp_path / "c"), "R20", "e2", "e1").outcome == UNKNOWN

    case = with_capture(tmp_path / "c", tls12(call(), "", ders(of(cluster, "e2")), ders(of(cluster, "e1"))))

    assert finding(case, "R20", "e2", "e1").outcome == PASS
    assert finding(case, "R20", "e3", "e1").outcome == UNKNOWN


def test_a_handshake_does_not_mend_a_store(tmp_path) -> None:
    cluster = healthy().changed("e1", trusted=(OTHER,))
    write(tmp_path / "c", cluster)

    case = with_capture(tmp_path / "c", tls12(call(), "", ders(of(cluster, "e2")), ders(of(cluster, "e1"))))

    found = finding(case, "R20", "e2", "e1")
    assert (found.outcome, "still went on" in found.verdict.reason) == (VIOLATION, True)


def s_client(specs: CertificateSpec, code: str = "0 (ok)", options: str = "-showcerts", host: str = E2) -> str:
    """Return what openssl s_client prints."""
    pem = authority.server_pem(specs).decode()
    return (
        f"[root@e1 ~]# openssl s_client -connect {host}:4372 {options} </dev/null\nCONNECTED(00000003)\n---\n"
        f"Certificate chain\n{pem}---\nNo client certificate CA names sent\n---\n"
        "SSL handshake has read 2048 bytes and written 400 bytes\n---\n"
        "New, TLSv1.2, Cipher is ECDHE-RSA-AES256-GCM-SHA384\nSSL-Session:\n    Protocol  : TLSv1.2\n"
        "    Cipher    : ECDHE-RSA-AES256-GCM-SHA384\n"
        f"    Start Time: {int(AS_OF.timestamp())}\n    Timeout   : 7200 (sec)\n"
        f"    Verify return code: {code}\n---\nDONE\n"
    )


def with_s_client(folder: Path, text: str) -> expdiag.Case:
    path = folder / "probes" / "e1" / "s_client-e2.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return expdiag.load(folder)


def test_the_authorities_of_s_client_are_not_those_of_the_peer(tmp_path) -> None:
    write(tmp_path / "c", healthy())
    sound = outcomes(expdiag.load(tmp_path / "c"))
    text = s_client(of(healthy(), "e2"), "20 (unable to get local issuer certificate)")

    case = with_s_client(tmp_path / "c", text)

    assert beside_the_way(changed(sound, outcomes(case))) == {}
    assert "verify return code 20" in finding(case, "R20", "e2", "e1").verdict.reason


def test_what_s_client_shows_stands_in_for_a_certificate_that_is_missing(tmp_path) -> None:
    one = replace(of(healthy(), "e2"), issuer=MIDDLE, chain=(MIDDLE,))
    cluster = healthy().changed("e2", certificate=one)
    cluster = replace(cluster, peers=tuple(p.changed(trusted=(*p.trusted, OTHER)) for p in cluster.peers))
    write(tmp_path / "c", cluster, lambda host, name: host == "e2" and name.startswith("server_"))
    assert finding(expdiag.load(tmp_path / "c"), "R20", "e2", "e1").outcome == UNKNOWN

    said = outcomes(with_s_client(tmp_path / "c", s_client(one)))

    assert {outcome for (rule, _), outcome in said.items() if rule in ("R18", "R19", "R20", "R21", "R22", "R23")} == {
        PASS
    }


OLD = CertificateSpec("old.example.com", ("old.example.com",), "old", issuer=OTHER)


def test_a_certificate_that_is_presented_and_is_not_the_one_in_the_export(tmp_path) -> None:
    write(tmp_path / "c", healthy())
    sound = outcomes(expdiag.load(tmp_path / "c"))

    case = with_s_client(tmp_path / "c", s_client(OLD))

    assert beside_the_way(changed(sound, outcomes(case))) == {
        ("R20", ("e2", "e1")): VIOLATION,
        ("R20", ("e2", "e3")): VIOLATION,
        ("R19", ("e2",)): VIOLATION,
    }
    fits = replace(of(healthy(), "e2"), key="before")
    case = with_s_client(tmp_path / "c", s_client(fits))
    assert beside_the_way(changed(sound, outcomes(case))) == {}
    assert "another one" in finding(case, "R19", "e2").verdict.reason


def test_what_alarm_15028_leaves_open_a_handshake_settles(tmp_path) -> None:
    cluster = healthy().changed("e2", alarms=NEW)
    write(tmp_path / "c", cluster)
    found = finding(expdiag.load(tmp_path / "c"), "R19", "e2")
    assert found.outcome == UNKNOWN
    assert "probes/e1/s_client-e2.txt" in found.verdict.want[0].text

    case = with_s_client(tmp_path / "c", s_client(of(cluster, "e2")))
    assert finding(case, "R19", "e2").outcome == PASS


def test_wrong_answers_of_dns_are_said_and_left_to_their_own_rule(tmp_path) -> None:
    cluster = replace(healthy(type="C"), mapping={})
    write(tmp_path / "c", cluster)
    text = (
        "; <<>> DiG 9.16 <<>> c2.edge.example.com\n;; global options: +cmd\n;; Got answer:\n"
        ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 5\n"
        ";; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0\n\n;; QUESTION SECTION:\n"
        ";c2.edge.example.com.\t\tIN\tA\n\n;; ANSWER SECTION:\nc2.edge.example.com.\t3600\tIN\tA\t203.0.113.99\n\n"
        ";; Query time: 1 msec\n;; SERVER: 10.0.1.53#53(10.0.1.53)\n;; WHEN: Fri May 01 11:00:00 UTC 2026\n"
        ";; MSG SIZE  rcvd: 62\n"
    )
    path = tmp_path / "c" / "probes" / "c1" / "dig.txt"
    path.parent.mkdir(parents=True)
    path.write_text(text)

    found = finding(expdiag.load(tmp_path / "c"), "R19", "c2")

    assert found.outcome == PASS
    assert "on c1 DNS leads c2.edge.example.com to 203.0.113.99" in found.verdict.reason


ERLANG = (
    'UTCTime="2026-05-01 11:55:00,000" Module="developer.clusterdb.synchronise" Level="WARN" '
    'Node="clusterdb@e1.edge.example.com" PID="<0.14215.425>" Detail="Failed connecting to node" '
    'Node="clusterdb@e2.edge.example.com" Reason="{ tls_alert, { unknown_ca, TLS client: In state certify at '
    'ssl_handshake.erl:2111 HOW CLIENT ALERT: Fatal - Unknown CA } }"'
)


@pytest.mark.parametrize(("how", "pair"), [("generated", ("e2", "e1")), ("received", ("e1", "e2")), ("sees", None)])
def test_an_alert_in_a_log_counts_where_it_says_whose_it_is(case_of, how: str, pair) -> None:
    sound = outcomes(case_of(healthy()))
    events = ((AS_OF - timedelta(minutes=5), ERLANG.replace("HOW", how)),)

    after = outcomes(case_of(healthy().changed("e1", events=events)))

    mine = {key: outcome for key, outcome in changed(sound, after).items() if key[0] in ("R18", "R19", "R20")}
    assert mine == ({("R20", pair): VIOLATION} if pair else {})


def test_a_handshake_from_before_the_certificate_was_made_is_about_another_one(tmp_path) -> None:
    renewed = replace(of(healthy(), "e2"), not_before=datetime(2026, 10, 1, tzinfo=UTC))
    later = datetime(2026, 11, 1, tzinfo=UTC)
    cluster = replace(healthy(), as_of=later).changed("e2", certificate=replace(renewed, not_after=later + DAY))
    write(tmp_path / "c", cluster)
    sound = outcomes(expdiag.load(tmp_path / "c"))
    before = healthy().changed("e2", certificate=OLD)

    after = outcomes(with_capture(tmp_path / "c", refusal(before, UNKNOWN_CA, "client")))
    assert beside_the_way(changed(sound, after)) == {}


def test_a_refusal_under_permissive_is_said(tmp_path) -> None:
    cluster = replace(healthy(), tls_mode="Permissive")
    write(tmp_path / "c", cluster)

    found = finding(with_capture(tmp_path / "c", refusal(cluster, UNKNOWN_CA, "client")), "R20", "e2", "e1")

    assert (found.outcome, "so it verified then" in found.verdict.reason) == (NOT_APPLICABLE, True)
