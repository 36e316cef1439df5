"""Faults of basic configuration, DNS and drift as a customer makes them: each is found once, where it belongs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, VIOLATION
from expdiag.scenarios.lookups import asked_by, digs, inner_zone
from expdiag.scenarios.spec import AS_OF, AuthoritySpec, ClusterSpec, healthy
from expdiag.scenarios.write import write_case
from tests.judging import finding

BASE = healthy(name="acceptance")
CORE = healthy(type="C", name="core", domain="core.example.com")
DOMAIN = "edge.example.com"


def judged(spec: ClusterSpec, folder: Path) -> expdiag.Case:
    write_case(spec, folder)
    return expdiag.load(folder)


def violated(case: expdiag.Case) -> dict[str, set[str]]:
    """Return who is at fault by the number of each violated rule."""
    found: dict[str, set[str]] = {}
    for one in expdiag.check(case):
        if one.outcome == VIOLATION:
            found.setdefault(one.requirement.number, set()).update(one.verdict.at_fault)
    return found


def test_a_domain_that_departs_is_one_fault_though_dns_and_certificate_have_the_right_name(tmp_path):
    for number, domain in enumerate(("other.example.com", "")):
        spec = BASE.changed("e2", settings={"IP DNS Domain Name": domain}, state={"IP DNS Domain Name": domain})
        case = judged(spec, tmp_path / str(number))
        assert violated(case) == {"R17": {"e2"}}
        assert f"e2.{DOMAIN} is an alternative name" in finding(case, "R22", "e2").verdict.reason
        assert {finding(case, "R32", peer).outcome for peer in ("e1", "e2", "e3")} == {PASS}


def test_records_for_another_domain_are_still_asked_for_where_somebody_looked_them_up(tmp_path):
    spec = BASE.changed("e2", settings={"IP DNS Domain Name": "other.example.com"})
    path = "probes/e1/dig-other.txt"
    spec = spec.with_files({path: digs([("e2.other.example.com", "A")], {}, "10.0.1.53", AS_OF)})
    assert violated(judged(spec, tmp_path)) == {"R17": {"e2"}, "R32": {"e1"}}


def test_a_zone_to_a_peer_on_one_peer_only_is_no_drift(tmp_path):
    zone = {
        "Zones Zone 7 Name": "Loop",
        "Zones Zone 7 Type": "Neighbor",
        "Zones Zone 7 Neighbor Peer 1 Address": "10.0.1.12",
    }
    case = judged(BASE.changed("e1", settings=zone), tmp_path)
    assert violated(case) == {"E08": {"e1"}}
    assert "see E08" in finding(case, "E15").verdict.reason


def test_a_zone_to_others_on_one_peer_only_is_drift(tmp_path):
    zone = {
        "Zones Zone 7 Name": "Partner",
        "Zones Zone 7 Type": "Neighbor",
        "Zones Zone 7 Neighbor Peer 1 Address": "192.0.2.9",
    }
    assert violated(judged(BASE.changed("e2", settings=zone), tmp_path)) == {"E15": {"e2"}}


def test_a_name_one_peer_cannot_resolve_is_no_fault_of_the_service_records(tmp_path):
    peer = CORE.peers[0]
    zone = dict(inner_zone(CORE))
    gone = CORE.peers[2].fqdn
    record = (f"_sips._tcp.{peer.domain}", "SRV")
    zone[record] = tuple(f"10 10 5061 {one.fqdn}." for one in CORE.peers)
    asked = [*asked_by(peer, CORE), record]
    whole = {f"probes/{peer.host_name}/dig.txt": digs(asked, zone, "10.0.1.53", AS_OF)}
    assert finding(judged(CORE.with_files(whole), tmp_path / "whole"), "R42").outcome == PASS
    answers = {question: answer for question, answer in zone.items() if question[0] != gone}
    partly = {f"probes/{peer.host_name}/dig.txt": digs(asked, answers, "10.0.1.53", AS_OF)}
    case = judged(CORE.with_files(partly), tmp_path / "partly")
    assert violated(case) == {"R32": {"c1"}}
    assert "see R32" in finding(case, "R42").verdict.reason


def test_a_peer_without_dns_servers_breaks_one_rule_and_nobody_is_sent_to_ask_them(tmp_path):
    names = {
        "ExternalManager Address": "tms.example.com",
        "Login Remote LDAP Server Address": "ldap.example.com",
        "NTP Server 1 Address": "ntp.example.com",
    }
    peers = tuple(peer.changed(settings=names) for peer in BASE.peers)
    spec = replace(BASE, peers=peers).changed("e2", dns_servers=())
    case = judged(spec, tmp_path)
    assert violated(case) == {"R29": {"e2"}}
    for number in ("R30", "R31", "R32", "R33", "R34", "R35", "R37", "R38"):
        told = finding(case, number, "e2")
        assert (told.outcome, "see R29" in told.verdict.reason) == (NOT_APPLICABLE, True), number


def test_a_zone_with_several_peers_and_two_names_of_one_time_zone_contradict_nothing(tmp_path):
    zone = {
        "Zones Zone 1 Name": "Edge",
        "Zones Zone 1 Type": "TraversalClient",
        **{f"Zones Zone 1 TraversalClient Peer {n} Address": f"e{n}.{DOMAIN}" for n in (1, 2, 3)},
    }
    spec = CORE.changed("c1", settings=zone, state={"SystemUnit TimeZone": "UTC"})
    assert [issue for issue in judged(spec, tmp_path).all_issues if issue.kind == "conflict"] == []


def test_a_mapping_to_a_public_address_is_mended_in_the_mapping(tmp_path):
    spec = replace(BASE, mapping={**BASE.mapping, f"e3.{DOMAIN}": "203.0.113.13"})
    fix = finding(judged(spec, tmp_path), "R10", "e1", "e3").verdict.fix
    assert "in the peer list" not in fix
    assert f"address mapping lead e3.{DOMAIN} to 10.0.1.13" in fix


def test_a_key_on_one_peer_only_is_taken_off_before_others_are_bought(tmp_path):
    spec = healthy(type="C", name="keys", version="X12.7.1")
    keys = spec.peers[1].option_keys
    found = finding(judged(spec.changed("c2", option_keys=(*keys, "J00")), tmp_path), "R24").verdict
    assert found.at_fault == ("c2",)
    assert found.fix.index("on c2: where the feature is not used") < found.fix.index("on c1: add a key")


def test_a_peer_nobody_trusts_gets_another_certificate_first(tmp_path):
    stranger = AuthoritySpec("Stranger")
    changed = replace(BASE.peers[2].certificate, issuer=stranger)
    found = finding(judged(BASE.changed("e3", certificate=changed), tmp_path), "R20", "e3", "e1").verdict
    assert (found.outcome, found.at_fault) == (VIOLATION, ("e3",))
    assert found.fix.index("have a certificate for e3 signed") < found.fix.index("on e1: append")


def test_the_cluster_name_of_the_others_is_entered_where_it_is_missing(tmp_path):
    found = finding(judged(BASE.changed("e3", cluster_name="").stating("services", b2b=True), tmp_path), "E06").verdict
    assert (found.outcome, found.at_fault) == (VIOLATION, ("e3",))
    assert f"on e3: enter the cluster name of the other peers, cluster.{DOMAIN}" in found.fix


def test_a_rule_that_lets_others_in_is_deleted(tmp_path):
    rules = [
        {"Priority": 10, "Address": "10.0.0.0", "PrefixLength": 8, "Action": "Allow"},
        {"Priority": 50000, "Address": "0.0.0.0", "PrefixLength": 0, "Action": "Drop"},
    ]
    common = {"Service": "Custom", "Transport": "TCP", "StartPort": 4371, "EndPort": 4372}
    page = [{"Index": n, "Interface": lan, **rule, **common} for n, rule in enumerate(rules, 1) for lan in ("LAN1",)]
    spec = BASE.with_files({"rest/e2/provisioning/common/firewallrules/configuration.json": json.dumps(page)})
    found = finding(judged(spec, tmp_path), "R27", "e2").verdict
    assert found.outcome == VIOLATION
    assert "delete the rule of priority 10" in found.fix


def test_servers_that_do_not_answer_are_mended_before_records(tmp_path):
    peers = tuple(peer.changed(settings={"NTP Server 1 Address": "ntp.example.com"}) for peer in BASE.peers)
    text = "; <<>> DiG 9.18.24 <<>> ntp.example.com A\n;; global options: +cmd\n;; no servers could be reached\n"
    case = judged(replace(BASE, peers=peers).with_files({"probes/e2/dig-ntp.txt": text}), tmp_path)
    found = finding(case, "R34", "e2").verdict
    assert (found.outcome, found.at_fault) == (VIOLATION, ("e2",))
    assert found.fix.index("answer at all") < found.fix.index("add the address records")
