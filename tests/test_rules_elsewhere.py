"""Rules stated outside Cisco's page, and alarms that speak of addresses and H.323: every "
"outcome, and who else moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.scenarios.spec import ClusterSpec, healthy
from expdiag.scenarios.write import case_toml
from tests.judging import changed, finding, outcomes
from tests.test_drift import members, zone
from tests.test_rules import ALL, FQDNS, alarm, everybody, peer
from tests.test_staleness import change

Change = Callable[[ClusterSpec], ClusterSpec]
GAPPED = (FQDNS[0], "", *FQDNS[1:])


def settings(**fields: str) -> Change:
    """Return a change of settings of all peers, underscores in the place of blanks."""
    return everybody(settings={path.replace("_", " "): value for path, value in fields.items()})


def of_c(cluster: ClusterSpec) -> ClusterSpec:
    """Return a healthy cluster of Expressway-C."""
    return healthy(3, type="C", name="healthy-c")


SSO = {"CollaborationEdge SsoEnabled": "On"}
METADATA = alarm(35016, "SAML metadata has been modified", "export it")


def templates(*said: str) -> Change:
    """Return a Conference Factory that is on, with the template of each peer."""

    def change_(cluster: ClusterSpec) -> ClusterSpec:
        pairs = zip(cluster.peers, said, strict=True)
        own = {"Applications ConferenceFactory Mode": "On"}
        return replace(
            cluster,
            peers=tuple(
                p.changed(settings={**own, "Applications ConferenceFactory Template": text}) for p, text in pairs
            ),
        )

    return change_


def of_each(rule: str, outcome: str = VIOLATION) -> dict[tuple[str, tuple[str, ...]], str]:
    return {(rule, (name,)): outcome for name in ALL}


# what is changed in the healthy cluster; the outcomes that become others; who is at fault
FAULTS: dict[str, tuple[Change, dict[tuple[str, tuple[str, ...]], str], set[str]]] = {
    "E02 a name and an address of one peer": (
        peer("e3", peer_list=(FQDNS[0], "10.0.1.12", FQDNS[2])),
        {("E02", ALL): VIOLATION},
        {"e3"},
    ),
    "E02 the primary is not the same, says an alarm": (
        peer("e2", alarms=alarm(20017, "Cluster replication error", "Configuration primary ID is inconsistent, x")),
        {("E02", ALL): VIOLATION},
        {"e2"},
    ),
    "E03 a gap on all": (
        everybody(peer_list=GAPPED),
        of_each("E03"),
        set(ALL),
    ),
    "E03 a gap on one": (peer("e3", peer_list=GAPPED), {("E03", ("e3",)): VIOLATION}, {"e3"}),
    "E04 the alarm alone": (
        peer(
            "e2",
            alarms=alarm(
                20015, "Cluster replication error", "The local Expressway does not appear in the list of peers"
            ),
        ),
        {("E04", ("e2",)): VIOLATION},
        {"e2"},
    ),
    "E06 an underscore": (everybody(cluster_name="my_cluster.example.com"), {("E06", ALL): UNKNOWN}, set()),
    "E06 a blank": (everybody(cluster_name="my cluster"), {("E06", ALL): VIOLATION}, set(ALL)),
    "E06 no full name": (everybody(cluster_name="Regional"), {}, set()),
    "E06 an alarm": (
        peer("e1", alarms=alarm(20019, "Cluster name not configured", "If FindMe or clustering are in use")),
        {("E06", ALL): VIOLATION},
        {"e1"},
    ),
    "E06 the B2BUA says so": (
        peer("e1", alarms=alarm(55130, "B2BUA misconfiguration", "Invalid cluster name")),
        {("E06", ALL): VIOLATION},
        {"e1"},
    ),
    "E08 an address of a peer": (
        everybody(settings=zone(1, "A", Neighbor__Peer__1__Address="10.0.1.12")),
        of_each("E08"),
        set(ALL),
    ),
    "E08 a name of a peer in a traversal zone": (
        everybody(settings=zone(1, "A", Type="TraversalClient", TraversalClient__Peer__2__Address=FQDNS[2].upper())),
        of_each("E08"),
        set(ALL),
    ),
    "E08 the name of the cluster": (
        everybody(settings=zone(1, "A", Neighbor__Peer__1__Address="cluster.edge.example.com")),
        of_each("E08"),
        set(ALL),
    ),
    "E08 another system": (everybody(settings=zone(1, "A", Neighbor__Peer__1__Address="cucm.example.com")), {}, set()),
    "E14 the default": (settings(H323_Gatekeeper_TimeToLive="1800"), of_each("E14"), set(ALL)),
    "E14 the default on one": (
        peer("e3", settings={"H323 Gatekeeper TimeToLive": "1800"}),
        {("E14", ("e3",)): VIOLATION},
        {"e3"},
    ),
    "E14 another low value on one is drift": (
        peer("e3", settings={"H323 Gatekeeper TimeToLive": "120"}),
        {("E15", ALL): VIOLATION},
        {"e3"},
    ),
    "E14 calls stay in the signalling": (settings(Call_Routed_Mode="Always"), of_each("E14"), set(ALL)),
    "E17 one template": (templates("a-%%", "b-%%", "A-%%"), {("E17", ALL): VIOLATION}, {"e3"}),
    "E17 a template each": (templates("a-%%", "b-%%", "c-%%"), {("E17", ALL): PASS}, set()),
    "R05 addresses used twice, says an alarm": (
        peer("e2", alarms=alarm(20003, "Invalid cluster configuration", "The cluster configuration is invalid")),
        {("R05", ALL): VIOLATION},
        {"e2"},
    ),
    "R05 an invalid address, says an alarm": (
        peer("e2", alarms=alarm(20005, "Invalid peer address", "One or more peer addresses are invalid")),
        {("R05", ALL): VIOLATION},
        {"e2"},
    ),
    "R05 the alarm speaks of E04": (
        peer(
            "e3",
            peer_list=(*FQDNS[:2], "10.0.1.99"),
            alarms=alarm(20003, "Invalid cluster configuration", "The cluster configuration is invalid"),
        ),
        {("E04", ("e3",)): VIOLATION, ("E02", ALL): VIOLATION},
        {"e3"},
    ),
    "R26 the alarm against the configuration": (
        peer("e2", alarms=alarm(20018, "Invalid clustering configuration", "H.323 mode must be turned On")),
        {("R26", ("e2",)): VIOLATION},
        {"e2"},
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_changes_its_rules_and_no_other(case_of, name: str) -> None:
    change_, expected, at_fault = FAULTS[name]
    sound = outcomes(case_of(healthy()))

    case = case_of(change_(healthy()))

    assert changed(sound, outcomes(case)) == expected
    findings = [found for found in expdiag.check(case) if found.outcome == VIOLATION]
    assert {who for found in findings for who in found.verdict.at_fault} == at_fault
    for found in findings:
        assert found.verdict.fix
        assert found.sources
        assert all(source.text for source in found.sources)


SINGLE_SIGN_ON: dict[str, tuple[Change, str]] = {
    "off": (of_c, NOT_APPLICABLE),
    "on": (lambda _: everybody(settings=SSO)(of_c(healthy())), PASS),
    "on, changed since": (
        lambda _: everybody(settings=SSO)(of_c(healthy())).changed("c2", alarms=METADATA),
        VIOLATION,
    ),
    "an Expressway-E": (everybody(settings=SSO), NOT_APPLICABLE),
    "no MRA": (
        lambda _: everybody(settings={**SSO, "CollaborationEdge Enabled": "Off"})(of_c(healthy())),
        NOT_APPLICABLE,
    ),
}


@pytest.mark.parametrize("name", SINGLE_SIGN_ON)
def test_metadata_of_single_sign_on(case_of, name: str) -> None:
    change_, outcome = SINGLE_SIGN_ON[name]
    cluster = change_(healthy())
    without = replace(
        cluster,
        peers=tuple(p.changed(alarms=(), settings={}) for p in cluster.peers),
    )
    sound = outcomes(case_of(without))
    case = case_of(cluster)

    assert finding(case, "E16").outcome == outcome, finding(case, "E16").verdict.reason
    assert {number for number, _ in changed(sound, outcomes(case))} <= {"E16", "E18"}


def test_metadata_is_unknown_without_a_status_or_without_single_sign_on_in_evidence(files) -> None:
    cluster = everybody(settings=SSO)(of_c(healthy()))
    case = members(files, cluster, lambda host, name: host != "c2" or "xstat" not in name)
    found = finding(case, "E16")
    assert (found.outcome, {want.place for want in found.verdict.want}) == (UNKNOWN, {"c2"})


def test_no_cluster_name(case_of) -> None:
    unnamed = everybody(cluster_name="")(healthy())
    sound = outcomes(case_of(healthy()))

    with_video = case_of(unnamed.stating("services", b2b=True))
    assert changed(sound, outcomes(with_video)).get(("E06", ALL)) == VIOLATION
    for_mra = case_of(unnamed)
    assert finding(for_mra, "E06").outcome == UNKNOWN
    assert "not applicable" in finding(for_mra, "E06").verdict.reason.replace("\n", " ")
    assert finding(case_of(unnamed.stating("services", mra=False)), "E06").outcome == VIOLATION


SINGLE = '*c xConfiguration IP DNS Hostname: "e1"\n*c xConfiguration Alternates Cluster Name: ""\n' + "".join(
    f'*c xConfiguration Alternates Peer {n} Address: ""\n' for n in range(1, 7)
)


def test_an_expressway_by_itself(files) -> None:
    text = (
        SINGLE + '*c xConfiguration Zones DefaultZone SIP TLS Verify Mode: "Off"\n*c xConfiguration H323 Mode: "On"\n'
    )
    case = expdiag.load(files({"x.txt": text}))
    said = {f.requirement.number: f.outcome for f in expdiag.check(case) if f.requirement.number.startswith("E")}

    assert {number for number in ("E03", "E04", "E06", "E08", "E11", "E14") if said[number] != NOT_APPLICABLE} == set()


@pytest.mark.parametrize("number", ["E03", "E06", "E08", "E11", "E14", "E17"])
def test_what_is_not_in_the_evidence_is_unknown_and_wanted_from_that_peer(files, number: str) -> None:
    case = members(files, healthy(), lambda host, name: host != "e2" or not name.startswith("xconf"))
    found = [f for f in expdiag.check(case, [number]) if f.subject.kind == "cluster" or f.subject.peers == ("e2",)]

    assert [f.outcome for f in found] == [NOT_APPLICABLE if number == "E17" else UNKNOWN]
    assert number == "E17" or {want.place for want in found[0].verdict.want} == {"e2"}
    others = [f for f in expdiag.check(case, [number]) if f.subject.peers == ("e1",)]
    assert all(f.outcome == PASS for f in others)


def test_a_template_is_unknown_where_two_peers_may_use_it(files) -> None:
    cluster = templates("a", "b", "c")(healthy())
    found = finding(members(files, cluster, lambda host, name: host != "e2" or "xconf" not in name), "E17")

    assert found.outcome == UNKNOWN


def test_no_peer_list_at_all(files) -> None:
    assert finding(expdiag.load(files({"x.txt": "*c xConfiguration IP DNS Hostname: e1\n"})), "E05").outcome == UNKNOWN


def seven(cluster: ClusterSpec) -> dict[str, str]:
    """Return the answer of each peer about its peers: seven of them."""
    listed = ", ".join(f'{{"PeerAddress": "10.0.1.{n}"}}' for n in range(11, 18))
    return {f"rest/{p.host_name}/provisioning/common/cluster/peers.json": f"[{listed}]" for p in cluster.peers}


def test_seven_peers_are_one_too_many(files) -> None:
    found = finding(expdiag.load(files(seven(healthy()))), "E05")

    assert (found.outcome, found.verdict.measured, found.verdict.wanted) == (VIOLATION, 7, 6)
    assert "factory settings" in found.verdict.fix


@pytest.mark.parametrize("size", [1, 2, 6])
def test_up_to_six_peers_pass(case_of, size: int) -> None:
    assert finding(case_of(healthy(size)), "E05").outcome == PASS


def test_a_peer_of_two_clusters(case_of) -> None:
    stranger = (
        healthy()
        .peers[0]
        .changed(
            host_name="x1",
            system_name="Other 1",
            ipv4="10.0.5.11",
            lan2_ipv4="10.0.6.11",
            serial="0A1B2CF1",
            static_nat={2: "203.0.113.99"},
            cluster_name="other.example.com",
            peer_list=("10.0.5.11", FQDNS[2]),
        )
    )
    cluster = healthy()
    case = case_of(replace(cluster, peers=(*cluster.peers, stranger)))
    said = {f.subject.peers[0]: f.outcome for f in expdiag.check(case, ["E11"])}

    assert said == {"e1": PASS, "e2": PASS, "e3": VIOLATION, "x1": PASS}
    assert "other.example.com" in finding(case, "E11", "e3").verdict.reason


def test_a_mistyped_cluster_name_is_no_second_cluster(case_of) -> None:
    case = case_of(healthy().changed("e3", cluster_name="other"))

    assert {f.outcome for f in expdiag.check(case, ["E11"])} == {PASS}


def test_one_name_mapped_to_two_addresses(files) -> None:
    def mapping(address: str) -> dict[str, str]:
        return {"Cluster AddressMapping 1 Fqdn": FQDNS[1], "Cluster AddressMapping 1 IpAddress": address}

    cluster = replace(everybody(settings=mapping("10.0.1.12"))(healthy()), mapping={})
    sound = outcomes(members(files, cluster, lambda *_: True))
    odd = cluster.changed("e3", settings=mapping("10.0.1.99"))
    found = finding(members(files, odd, lambda *_: True), "E02")

    assert sound["E02", ALL] == PASS
    assert (found.outcome, found.verdict.at_fault) == (VIOLATION, ("e3",))
    assert "10.0.1.99 on e3" in found.verdict.reason


def test_an_alarm_that_contradicts_the_mode_is_said(case_of) -> None:
    enforced = {"ClusterConfiguration tls_verify": "Enforcing"}
    cluster = everybody(settings=enforced)(healthy())
    case = case_of(cluster.changed("e2", alarms=alarm(40049, "Cluster TLS permissive", "permits invalid certificates")))

    assert "alarm 40049 on e2 says Permissive" in finding(case, "E02").verdict.reason


def test_a_later_change_of_the_cluster_name_counts(case_of) -> None:
    name = healthy().peers[0].cluster_name
    mended = healthy().changed(
        "e3", cluster_name="old", events=(change("alternatesConfiguration cluster_name", "old", name),)
    )
    found = finding(case_of(mended), "E02")

    assert found.outcome == PASS
    assert "stale evidence: Alternates Cluster Name of e3" in found.verdict.reason


def test_names_that_break_other_things_are_said(case_of) -> None:
    case = case_of(healthy().changed("e2", domain="Edge.example.com"))
    assert "spelled differently" in finding(case, "R17").verdict.reason

    hosts = healthy(2, name="h")
    renamed = hosts.changed("e2", host_name="e_2", peer_list=hosts.peers[0].peer_list)
    toml = replace(renamed, round_trips={}, mapping={})
    case = case_of(toml)
    assert "e_2 breaks SSH tunnels" in finding(case, "R17").verdict.reason
    assert case_toml(toml)


def test_a_gap_shown_by_the_rest_api(files) -> None:
    listed = '[{"PeerAddress": "10.0.1.11"}, {"PeerAddress": ""}, {"PeerAddress": "10.0.1.13"}]'
    case = expdiag.load(files({"rest/e1/provisioning/common/cluster/peers.json": listed}))

    assert finding(case, "E03", "e1").outcome == VIOLATION


ZONES_REST = '[{{"Name": "A", "PeerAddress": ["10.9.9.9", "{}"]}}]'


@pytest.mark.parametrize(("address", "outcome"), [("10.0.1.12", VIOLATION), ("10.9.9.8", PASS)])
def test_zones_shown_by_the_rest_api(files, address: str, outcome: str) -> None:
    contents = seven(healthy())
    contents["rest/e1/provisioning/common/zone/neighborzone.json"] = ZONES_REST.format(address)
    contents["e2.txt"] = (
        '*c xConfiguration IP DNS Hostname: "e2"\n*c xConfiguration Ethernet 1 IP V4 Address: "10.0.1.12"\n'
    )

    assert finding(expdiag.load(files(contents)), "E08", "e1").outcome == outcome
