"""Each rule: passing, violating, unknown, not applicable; and that no other rule changes its mind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.knowledge import requirements
from expdiag.rules import engine
from expdiag.scenarios.spec import AS_OF, AlarmSpec, ClusterSpec, healthy
from expdiag.scenarios.write import bundle, case_toml, write_case
from tests.judging import changed, finding, outcomes

ALL = ("e1", "e2", "e3")
Change = Callable[[ClusterSpec], ClusterSpec]


def certificate(host: str, **fields: object) -> Change:
    """Return a change of one peer's certificate."""

    def change(cluster: ClusterSpec) -> ClusterSpec:
        peer = next(peer for peer in cluster.peers if peer.host_name == host)
        return cluster.changed(host, certificate=replace(peer.certificate, **fields))

    return change


def peer(host: str, **fields: object) -> Change:
    """Return a change of one peer."""
    return lambda cluster: cluster.changed(host, **fields)


def everybody(**fields: object) -> Change:
    """Return a change of all peers."""
    return lambda cluster: replace(cluster, peers=tuple(p.changed(**fields) for p in cluster.peers))


def alarm(number: int, title: str, detail: str) -> tuple[AlarmSpec, ...]:
    """Return an alarm that is up."""
    return (AlarmSpec(number, "", title, detail),)


def appliance(serial: str, platform: str | None) -> Change:
    """Return a change of e3 into an appliance, with what `case.toml` says of its size."""
    return peer("e3", serial=serial, hardware="UCSC-C220", platform=platform)


def shared_key(cluster: ClusterSpec) -> ClusterSpec:
    """Let e2 present the certificate of e1, which names both."""
    one = cluster.peers[0].certificate
    both = replace(one, dns_names=(*one.dns_names, cluster.peers[1].fqdn))
    return cluster.changed("e1", certificate=both).changed("e2", certificate=both)


FQDNS = healthy().peers[0].peer_list
NAT_LIST = (FQDNS[0], "203.0.113.12", FQDNS[2])
DIFFER = "This peer's cluster configuration settings do not match the configuration primary peer's settings"

# what is changed in the healthy cluster; the outcomes that become others, by rule and subject; who is at fault
FAULTS: dict[str, tuple[Change, dict[tuple[str, tuple[str, ...]], str], tuple[str, ...]]] = {
    "R01 another type": (
        peer("e3", type="C"),
        {("R01", ALL): VIOLATION, **{(r, ("e3",)): NOT_APPLICABLE for r in ("R39", "R40", "R43")}},
        ("e3",),
    ),
    "R02 another version": (
        peer("e2", version="X14.3.5"),
        {("R02", ALL): VIOLATION, ("R03", ALL): VIOLATION},
        ("e2",),
    ),
    "R02 the same release but one number": (
        peer("e2", version="X14.3"),
        {("R02", ALL): VIOLATION, ("R03", ALL): VIOLATION},
        ("e2",),
    ),
    "R02 another build": (peer("e2", build="oak_v14.3.4_rc_9"), {("R02", ALL): UNKNOWN}, ()),
    "R04 a large one": (peer("e2", platform="Large"), {("R04", ALL): VIOLATION}, ("e2",)),
    "R04 a small primary": (peer("e1", platform="Small"), {("R04", ALL): VIOLATION}, ("e2", "e3")),
    "R04 a CE1200 among VMs": (appliance("52E10001", None), {("R04", ALL): UNKNOWN, ("R51", ("e3",)): PASS}, ()),
    "R04 a CE1000 among Medium": (appliance("52B00001", None), {("R51", ("e3",)): VIOLATION}, ("e3",)),
    "R04 a CE1200 set up as Medium": (appliance("52E10001", "Medium"), {("R51", ("e3",)): PASS}, ()),
    "R04 a CE1200 set up as Large": (
        appliance("52E10001", "Large"),
        {("R04", ALL): VIOLATION, ("R51", ("e3",)): PASS},
        ("e3",),
    ),
    "R04 an appliance, says case.toml of a VM": (peer("e3", platform="CE1000"), {("R04", ALL): UNKNOWN}, ()),
    "R04 no platform": (peer("e3", platform=None), {("R04", ALL): UNKNOWN}, ()),
    "R05 a cloned LAN 2": (peer("e3", lan2_ipv4="10.0.2.11"), {("R05", ALL): VIOLATION}, ("e3",)),
    "R05 an unused LAN 2 on all": (
        everybody(lan2_ipv4="", static_nat={}),
        {("E09", (p,)): NOT_APPLICABLE for p in ALL} | {("R12", (p,)): UNKNOWN for p in ALL},
        (),
    ),
    "R07 a long way": (
        lambda c: c.with_round_trip("e1", "e3", 95),
        {("R07", ("e1", "e3")): VIOLATION, ("R08", ("e1", "e3")): VIOLATION},
        ("e3",),
    ),
    "R07 one far from two": (
        lambda c: c.with_round_trip("e1", "e2", 95).with_round_trip("e1", "e3", 99),
        {(r, ("e1", p)): VIOLATION for r in ("R07", "R08") for p in ("e2", "e3")},
        ("e1",),
    ),
    "R07 just within": (lambda c: c.with_round_trip("e1", "e3", 78), {}, ()),
    "R10 a static NAT address": (
        everybody(peer_list=NAT_LIST),
        {
            **{("R10", ("e1", "e2")): VIOLATION, ("R10", ("e3", "e2")): VIOLATION},
            **{("R19", ("e2",)): VIOLATION, ("R40", ("e2",)): VIOLATION},
        },
        ("e1", "e2", "e3"),
    ),
    "R16 one name twice": (peer("e3", system_name=" EDGE 1"), {("R16", ALL): VIOLATION}, ("e3",)),
    "R16 no names": (everybody(system_name=""), {("R16", ALL): VIOLATION}, ("e2", "e3")),
    "R17 only letters differ": (peer("e3", domain="Edge.Example.COM"), {}, ()),
    "R18 names another": (
        certificate("e2", common_name="old.example.com", dns_names=("old.example.com",)),
        {("R18", ("e2",)): VIOLATION, ("R19", ("e2",)): VIOLATION, ("R22", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "R18 only a wildcard": (
        certificate("e2", common_name="*.edge.example.com", dns_names=("*.edge.example.com",)),
        {("R18", ("e2",)): VIOLATION, ("R19", ("e2",)): VIOLATION, ("R22", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "R19 expired": (certificate("e2", not_after=AS_OF - timedelta(days=1)), {("R19", ("e2",)): VIOLATION}, ("e2",)),
    "R19 not yet valid": (
        certificate("e2", not_before=AS_OF + timedelta(days=1)),
        {("R19", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "R19 for servers only": (certificate("e2", purposes=("serverAuth",)), {("R19", ("e2",)): VIOLATION}, ("e2",)),
    "R19 for any purpose": (certificate("e2", purposes=None), {}, ()),
    "R22 only the common name": (
        certificate("e2", common_name=FQDNS[1], dns_names=("cluster.edge.example.com",)),
        {("R22", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "R22 letters do not matter": (certificate("e2", dns_names=("E2.EDGE.example.com",)), {}, ()),
    "R23 one certificate": (shared_key, {("R23", ALL): VIOLATION}, ("e2",)),
    "R26 off": (everybody(h323="Off"), {("R26", (p,)): VIOLATION for p in ALL}, ALL),
    "R29 no servers": (
        peer("e3", dns_servers=()),
        {("R29", ("e3",)): VIOLATION, ("R32", ("e3",)): NOT_APPLICABLE, ("R33", ("e3",)): NOT_APPLICABLE},
        ("e3",),
    ),
    "E02 another cluster name": (peer("e3", cluster_name="other"), {("E02", ALL): VIOLATION}, ("e3",)),
    "E02 another primary": (peer("e3", primary=2), {("E02", ALL): VIOLATION}, ("e3",)),
    "E02 another order": (peer("e3", peer_list=FQDNS[::-1]), {("E02", ALL): VIOLATION}, ("e3",)),
    "E02 the device says so": (
        peer("e2", alarms=alarm(20012, "Cluster replication error", DIFFER)),
        {("E02", ALL): VIOLATION},
        ("e2",),
    ),
    "E04 another address in its place": (
        peer("e3", peer_list=(*FQDNS[:2], "10.0.1.99")),
        {("E04", ("e3",)): VIOLATION, ("E02", ALL): VIOLATION},
        ("e3",),
    ),
    "E04 a name only DNS knows in its place": (
        peer("e3", peer_list=(*FQDNS[:2], "e3.other.example.com")),
        {("E04", ("e3",)): UNKNOWN, ("E02", ALL): VIOLATION},
        ("e3",),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_changes_its_rules_and_no_other(case_of, name: str) -> None:
    change, expected, at_fault = FAULTS[name]
    sound = outcomes(case_of(healthy()))

    case = case_of(change(healthy()))

    assert changed(sound, outcomes(case)) == expected
    blamed = {who for f in expdiag.check(case) for who in f.verdict.at_fault}
    assert blamed == set(at_fault)


def test_a_healthy_cluster_passes_every_rule_there_is(case_of) -> None:
    said = outcomes(case_of(healthy()))

    assert set(said.values()) == {PASS, NOT_APPLICABLE}
    assert {number for number, _ in said} == set(engine.RULES)


@pytest.mark.parametrize("size", [2, 4, 6])
@pytest.mark.parametrize("kind", ["C", "E"])
@pytest.mark.parametrize("version", ["X8.11.4", "X12.6", "X14.0.7", "X15.5"])
def test_healthy_clusters_of_any_size_type_and_release_have_no_violation(
    case_of, size: int, kind: str, version: str
) -> None:
    said = outcomes(case_of(healthy(size, type=kind, version=version, name="any")))

    assert set(said.values()) - {PASS, NOT_APPLICABLE} <= ({UNKNOWN} if version == "X8.11.4" else set())


def test_a_cluster_of_one(case_of) -> None:
    said = outcomes(case_of(healthy(1)))

    assert {number for (number, _), outcome in said.items() if outcome == NOT_APPLICABLE} == {
        *("R01", "R02", "R03", "R04", "R05", "R06", "R14", "R15", "R16", "R17", "R23", "R24", "R25", "R28"),
        *("R30", "R31", "R34", "R35", "R36", "R37", "R38", "R41", "R44", "R45", "R46", "R47", "R48", "R49"),
        *("R50", "R51", "E01", "E02", "E12", "E15", "E16", "E17", "E18"),
    }
    assert not {number for number, _ in said} & {r.number for r in requirements() if "pair" in r.each}
    assert {outcome for (number, _), outcome in said.items() if number in ("R18", "R19", "R26", "E04")} == {PASS}


def test_permissive_makes_validity_not_applicable_and_says_what_enforce_would_do(case_of) -> None:
    permissive = replace(healthy(), tls_mode="Permissive")
    case = case_of(certificate("e2", not_after=AS_OF - timedelta(days=1))(permissive))

    assert finding(case, "R19", "e2").outcome == NOT_APPLICABLE
    assert "not ready for Enforce: it expired" in finding(case, "R19", "e2").verdict.reason
    assert "ready for Enforce" in finding(case, "R19", "e1").verdict.reason


def test_the_mode_may_come_from_an_alarm_or_a_log(case_of) -> None:
    silent = replace(healthy(), tls_mode=None)
    assert {finding(case_of(silent), "R19", p).outcome for p in ALL} == {UNKNOWN}

    alarmed = silent.changed("e2", alarms=alarm(40049, "Cluster TLS permissive", "permits invalid certificates"))
    assert finding(case_of(alarmed), "R19", "e1").outcome == NOT_APPLICABLE


@pytest.mark.parametrize(
    ("version", "round_trip", "outcome"),
    [
        ("X8.5.2", 28, PASS),
        ("X8.5.2", 40, VIOLATION),
        ("X8.11.4", 28, PASS),
        ("X8.11.4", 50, UNKNOWN),
        ("X8.11.4", 90, VIOLATION),
        ("X12.6", 50, PASS),
        ("X15.4", 79, PASS),
        ("X15.4", 81, VIOLATION),
    ],
)
def test_the_delay_limit_is_that_of_the_release(case_of, version: str, round_trip: float, outcome: str) -> None:
    case = case_of(healthy(2, version=version, name="v").with_round_trip("e1", "e2", round_trip))

    assert finding(case, "R07").outcome == outcome


@pytest.mark.parametrize(
    ("version", "outcome"), [("X14.3.4", VIOLATION), ("X15.3.2", VIOLATION), ("X15.4", PASS), ("X15.5", PASS)]
)
def test_the_client_purpose_is_needed_up_to_a_release(case_of, version: str, outcome: str) -> None:
    cluster = healthy(2, version=version, name="v")
    case = case_of(certificate("e2", purposes=("serverAuth",))(cluster))

    assert finding(case, "R19", "e2").outcome == outcome


def rewrite(tmp_path, cluster: ClusterSpec, texts: dict[str, str]) -> expdiag.Case:
    """Write a cluster, replace some files of its folder, and load it; an empty text takes the file away."""
    write_case(cluster, tmp_path / "c")
    for name, text in texts.items():
        path = tmp_path / "c" / name
        if text:
            path.write_text(text)
        else:
            path.unlink()
    return expdiag.load(tmp_path / "c")


def summary(sent: int, received: int, low: float, mean: float, high: float) -> str:
    """Return what `ping -q` prints."""
    return (
        "PING 10.0.1.12 (10.0.1.12) 56(84) bytes of data.\n\n--- 10.0.1.12 ping statistics ---\n"
        f"{sent} packets transmitted, {received} received, {100 * (sent - received) // sent}% packet loss, time 9ms\n"
        + (f"rtt min/avg/max/mdev = {low}/{mean}/{high}/1.0 ms\n" if received else "")
    )


@pytest.mark.parametrize(
    ("text", "outcome", "words"),
    [
        (summary(20, 20, 10, 12, 30), PASS, "30 ms at most"),
        (summary(20, 20, 85, 90, 99), VIOLATION, "over the limit"),
        (summary(20, 20, 10, 12, 99), UNKNOWN, "both sides of the limit"),
        (summary(20, 3, 10, 12, 30), UNKNOWN, "only 3 of 20"),
        (summary(20, 0, 0, 0, 0), UNKNOWN, "only 0 of 20"),
        ("", UNKNOWN, "no round trip"),
    ],
)
def test_what_a_summary_alone_can_settle(tmp_path, text: str, outcome: str, words: str) -> None:
    names = {"probes/e1/ping-e2.txt": text, "probes/e2/ping-e1.txt": ""}

    found = finding(rewrite(tmp_path, healthy(2, name="s"), names), "R07")

    assert (found.outcome, words in found.verdict.reason) == (outcome, True), found.verdict.reason
    assert bool(found.verdict.want) == (outcome == UNKNOWN)


def test_the_slower_direction_counts(tmp_path) -> None:
    found = finding(
        rewrite(tmp_path, healthy(2, name="s"), {"probes/e1/ping-e2.txt": summary(9, 9, 82, 84, 86)}), "R07"
    )

    assert (found.outcome, found.verdict.measured) == (VIOLATION, 82)


def test_a_probe_from_elsewhere_says_nothing_about_peers(tmp_path) -> None:
    case = rewrite(tmp_path, healthy(2, name="s"), {"probes/e1/ping-e2.txt": "", "probes/e2/ping-e1.txt": ""})
    folder = tmp_path / "c" / "probes" / "outside"
    folder.mkdir(exist_ok=True)
    (folder / "ping.txt").write_text(summary(9, 9, 82, 84, 86))

    assert finding(case, "R07").outcome == finding(expdiag.load(tmp_path / "c"), "R07").outcome == UNKNOWN


def test_a_peer_that_sent_nothing_leaves_unknowns_that_ask_for_its_bundle(tmp_path) -> None:
    write_case(replace(healthy(), peers=healthy().peers[:2]), tmp_path / "c")
    case = expdiag.load(tmp_path / "c")
    said = outcomes(case)

    assert said["R01", ALL] == said["R02", ALL] == said["E02", ALL] == said["R26", ("e3",)] == UNKNOWN
    assert said["R07", ("e1", "e2")] == said["R26", ("e1",)] == PASS
    assert all("on e3" in want.text for want in finding(case, "R02").verdict.want)
    assert said["R10", ("e1", "e3")] == UNKNOWN


def test_two_that_differ_are_a_violation_even_if_a_third_is_silent(tmp_path) -> None:
    cluster = healthy().changed("e2", version="X14.2", system_name="Edge 1")
    write_case(replace(cluster, peers=cluster.peers[:2]), tmp_path / "c")
    said = outcomes(expdiag.load(tmp_path / "c"))

    assert said["R02", ALL] == said["R16", ALL] == VIOLATION


@pytest.mark.parametrize(
    ("window", "outcome"),
    [
        ('[change]\nkind = "upgrading"\n', PASS),
        ('[change]\nkind = "upgrading"\nend = 2026-04-30T00:00:00Z\n', VIOLATION),
        ('[change]\nkind = "forming"\n', VIOLATION),
    ],
)
def test_versions_may_differ_while_an_upgrade_is_said_to_be_under_way(tmp_path, window: str, outcome: str) -> None:
    cluster = healthy().changed("e3", version="X14.3.3")
    case = rewrite(tmp_path, cluster, {"case.toml": case_toml(cluster) + window})

    assert finding(case, "R02").outcome == outcome


def test_versions_may_differ_while_replication_is_off_for_an_upgrade(case_of) -> None:
    detail = "Automatic replication of configuration has been temporarily disabled because an upgrade is in progress"
    cluster = healthy().changed("e3", version="X14.3.3", alarms=alarm(20008, "Cluster replication error", detail))

    assert finding(case_of(cluster), "R02").outcome == PASS


def test_another_domain_is_a_violation(tmp_path) -> None:
    cluster = healthy().changed("e3", domain="core.example.com")
    write_case(cluster, tmp_path / "c")
    found = finding(expdiag.load(tmp_path / "c"), "R17")

    assert (found.outcome, found.verdict.at_fault) == (VIOLATION, ("e3",))


def test_h323_is_not_assumed_off_and_an_alarm_tells(files) -> None:
    text = "*c xConfiguration IP DNS Hostname: e1\n"
    case = expdiag.load(files({"x.txt": text}))
    assert finding(case, "R26").outcome == UNKNOWN

    status = (
        '*s Warnings: /\n     Warning 7:\n       ID: "x"\n'
        '       Reason: "Invalid clustering configuration - H.323 mode must be turned On"\n*s/end\n'
    )
    case = expdiag.load(files({"x.txt": text, "s.txt": status}))
    assert finding(case, "R26").outcome == VIOLATION
    assert finding(case, "R26").sources[0].file == "s.txt"


ACCEPT = '[[accepted]]\nrule = "{rule}"\nsubject = {subject}\nreason = "planned"\nuntil = {until}\n'


@pytest.mark.parametrize(
    ("rule", "subject", "until", "accepted"),
    [
        ("dns-servers-configured", '["e3"]', "2026-12-31", True),
        ("R29", '["e3.edge.example.com"]', "2026-12-31", True),
        ("R29", "[]", "2026-12-31", True),
        ("R29", '["e2"]', "2026-12-31", False),
        ("R29", '["e3"]', "2026-04-30", False),
        ("R26", '["e3"]', "2026-12-31", False),
    ],
)
def test_an_accepted_deviation_is_shown_as_accepted(
    tmp_path, rule: str, subject: str, until: str, accepted: bool
) -> None:
    cluster = healthy().changed("e3", dns_servers=())
    toml = case_toml(cluster) + ACCEPT.format(rule=rule, subject=subject, until=until)

    found = finding(rewrite(tmp_path, cluster, {"case.toml": toml}), "R29", "e3")

    assert found.outcome == VIOLATION
    assert (found.accepted is not None) == accepted
    assert found.is_open_violation != accepted


def test_a_rule_that_crashes_costs_only_its_own_verdicts(case_of, monkeypatch) -> None:
    case = case_of(healthy())

    def crash(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(engine.RULES, "R26", replace(engine.RULES["R26"], judge=crash))
    findings = expdiag.check(case)

    assert findings.crashed
    assert {f.verdict.reason for f in findings if f.requirement.number == "R26"} == {
        "the rule crashed (ZeroDivisionError: planted)"
    }
    assert finding(case, "R01").outcome == PASS


@pytest.mark.parametrize("number", sorted(engine.RULES))
def test_every_rule_has_a_manual_page_with_its_parts(number: str) -> None:
    manual = engine.RULES[number].manual

    assert all(f"{part}:" in manual for part in ("Why", "Passes", "Violates", "Unknown")), manual


def test_every_violation_has_evidence_a_fix_and_a_reason(case_of) -> None:
    for change, _, _ in FAULTS.values():
        for found in expdiag.check(case_of(change(healthy()))):
            verdict = found.verdict
            assert verdict.reason
            assert verdict.outcome != UNKNOWN or verdict.want
            if verdict.outcome == VIOLATION:
                assert verdict.fix
                assert found.sources
                assert all(source.text for source in found.sources)


def without(members: dict[str, bytes], kind: str) -> dict[str, bytes]:
    """Return the members of a bundle but those of a kind."""
    return {name: content for name, content in members.items() if not name.startswith(kind)}


def folder_of(files, cluster: ClusterSpec, change: Callable[[str, dict[str, bytes]], dict[str, bytes]]):
    """Write each peer's bundle as a folder after a change of its members."""
    contents: dict[str, bytes | str] = {"case.toml": case_toml(cluster)}
    for peer_ in cluster.peers:
        for name, content in change(peer_.host_name, bundle(peer_, cluster)).items():
            contents[f"{peer_.host_name}/{name}"] = content
    return expdiag.load(files(contents))


@pytest.mark.parametrize("silent", ["e1", "e3"])
def test_the_looked_up_addresses_of_a_log_are_not_taken_for_configured_entries(files, silent: str) -> None:
    case = folder_of(files, healthy(), lambda host, m: without(m, "x") if host == silent else m)
    said = outcomes(case)

    assert set(said.values()) == {PASS, UNKNOWN, NOT_APPLICABLE}
    assert said["E02", ALL] == said["E04", (silent,)] == UNKNOWN
    assert case.cluster.primary.name == "e1"


CUTS = {
    "xml inside the list": ("xconf_dump_e2_2026-05-01_12:00:00.xml", b'<Address item="1">e2.edge'),
    "text inside an entry": ("xconf_dump_e2_2026-05-01_12:00:00.txt", b'Alternates Peer 2 Address: "e2.edge'),
    "text between entries": ("xconf_dump_e2_2026-05-01_12:00:00.txt", b"*c xConfiguration Alternates Peer 2 Addr"),
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_dump_is_not_judged_as_if_it_were_whole(files, cut: str) -> None:
    name, mark = CUTS[cut]

    def change(host: str, members: dict[str, bytes]) -> dict[str, bytes]:
        if host != "e2":
            return members
        kept = without(without(members, "xconf"), "logging")
        return {**kept, name: members[name][: members[name].index(mark) + len(mark)]}

    said = outcomes(folder_of(files, healthy(), change))

    assert VIOLATION not in said.values()
    assert said["E02", ALL] == said["E04", ("e2",)] == UNKNOWN


@pytest.mark.parametrize("address", ["10.0.2.12", "203.0.113.12"])
def test_the_way_to_an_address_that_is_not_clustered_on_is_another_way(tmp_path, address: str) -> None:
    slow = summary(9, 9, 94, 95, 96).replace("10.0.1.12", address)
    case = rewrite(tmp_path, healthy(2, name="s"), {"probes/e1/ping-e2.txt": slow})
    assert finding(case, "R07").outcome == PASS

    (tmp_path / "c" / "probes" / "e2" / "ping-e1.txt").unlink()
    assert finding(expdiag.load(tmp_path / "c"), "R07").outcome == UNKNOWN


@pytest.mark.parametrize("mapped", ["10.99.99.99", "10.0.1.11"])
def test_a_mapping_that_leads_elsewhere_fails_the_identity_test_of_enforce(case_of, mapped: str) -> None:
    cluster = replace(healthy(), mapping={**healthy().mapping, FQDNS[1]: mapped})
    case = case_of(cluster)

    assert finding(case, "R19", "e2").outcome == VIOLATION
    assert mapped in finding(case, "R19", "e2").verdict.reason
    assert finding(case, "R10", "e1", "e2").outcome == UNKNOWN


def test_one_slow_answer_of_twenty_is_not_the_95th_percentile(tmp_path) -> None:
    lines = "".join(
        f"64 bytes from 10.0.1.12: icmp_seq={n} ttl=62 time={500 if n == 9 else 20}.0 ms\n" for n in range(1, 21)
    )
    text = summary(20, 20, 20, 44, 500).replace("\n\n", f"\n{lines}\n", 1)

    found = finding(rewrite(tmp_path, healthy(2, name="s"), {"probes/e1/ping-e2.txt": text}), "R07")

    assert (found.outcome, found.verdict.measured) == (PASS, 20)


def test_a_shared_factory_address_counts_where_lan_2_is_in_use(case_of) -> None:
    used = everybody(lan2_ipv4="192.168.0.100")(healthy())

    assert finding(case_of(used), "R05").outcome == VIOLATION


def test_a_key_that_may_not_sign_fails_where_peers_verify_each_other(case_of) -> None:
    case = case_of(certificate("e2", usages=("crl_sign",))(healthy()))

    assert finding(case, "R19", "e2").outcome == VIOLATION
    assert "key usage" in finding(case, "R19", "e2").verdict.reason


def test_a_list_of_dns_servers_at_the_very_end_may_go_on(files) -> None:
    text = '*c xConfiguration IP DNS Hostname: "e1"\n*c xConfiguration DNS Server 1 Address: ""\n'

    assert finding(expdiag.load(files({"x.txt": text})), "R29").outcome == UNKNOWN
    case = expdiag.load(files({"x.txt": text + "*c xConfiguration H323 Mode: On\n"}))
    assert finding(case, "R29").outcome == VIOLATION
