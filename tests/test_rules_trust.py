"""R18 to R23 and the TLS mode: certificates of every sort, both stores of X15.5, what handshakes say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.knowledge import requirements
from expdiag.model.certificates import verification
from expdiag.scenarios import authority
from expdiag.scenarios.spec import AS_OF, ROOT, AlarmSpec, AuthoritySpec, CertificateSpec, ClusterSpec, healthy
from expdiag.scenarios.write import bundle, case_toml
from tests.judging import Outcomes, changed, finding, outcomes

ALL = ("e1", "e2", "e3")
EACH = {requirement.number: requirement.each for requirement in requirements()}
DAY = timedelta(days=1)
Change = Callable[[ClusterSpec], ClusterSpec]
OTHER = AuthoritySpec("Other Root CA")
MIDDLE = AuthoritySpec("Other Issuing CA", OTHER)
E2_PAIRS = {("R20", ("e2", "e1")), ("R20", ("e2", "e3"))}


def certificate(host: str, **fields: object) -> Change:
    """Return a change of one peer's certificate."""

    def change(cluster: ClusterSpec) -> ClusterSpec:
        peer = next(peer for peer in cluster.peers if peer.host_name == host)
        return cluster.changed(host, certificate=replace(peer.certificate, **fields))

    return change


def everybody(**fields: object) -> Change:
    """Return a change of all peers."""
    return lambda cluster: replace(cluster, peers=tuple(p.changed(**fields) for p in cluster.peers))


def issued(by: AuthoritySpec, *chain: AuthoritySpec) -> Change:
    """Return a change of the issuer of all certificates, and what stands beside them in their files."""

    def change(cluster: ClusterSpec) -> ClusterSpec:
        peers = (p.changed(certificate=replace(p.certificate, issuer=by, chain=chain)) for p in cluster.peers)
        return replace(cluster, peers=tuple(peers))

    return change


def both(*changes: Change) -> Change:
    """Return several changes as one."""

    def change(cluster: ClusterSpec) -> ClusterSpec:
        for each in changes:
            cluster = each(cluster)
        return cluster

    return change


def alarm(number: int, title: str, detail: str) -> tuple[AlarmSpec, ...]:
    """Return an alarm that is up."""
    return (AlarmSpec(number, "", title, detail),)


def of(outcome: str, keys: set[tuple[str, tuple[str, ...]]]) -> Outcomes:
    """Return the same outcome for several subjects."""
    return dict.fromkeys(keys, outcome)


def to(verifier: str, *presenters: str) -> set[tuple[str, tuple[str, ...]]]:
    return {("R20", (presenter, verifier)) for presenter in presenters}


RESTART = alarm(20020, "Restart required", "TLS verification configuration does not match active status.")
NEW = alarm(15028, "Restart required", "Server certificate and private key have been changed, a restart is required")
NO_CN = alarm(40052, "Certificate error", "Server certificate does not have a Common Name (CN) attribute.")
EXPIRED = alarm(40068, "Server certificate validity", "Server certificate expired")
EXPIRING = alarm(40069, "Server certificate validity", "Server certificate expires in 20 days")
PERMISSIVE = alarm(40049, "Cluster TLS permissive", "Cluster TLS verification mode permits invalid certificates")
expired_middle = replace(MIDDLE, not_after=AS_OF - DAY)
renewed_root = replace(ROOT, key="renewed")

# what is changed in the healthy cluster; the outcomes that become others; who is at fault
FAULTS: dict[str, tuple[Change, Outcomes, tuple[str, ...]]] = {
    "a store without the root": (
        lambda c: c.changed("e3", trusted=(OTHER,)),
        of(VIOLATION, to("e3", "e1", "e2")),
        ("e3",),
    ),
    "a store with a renewed root of another key": (
        lambda c: c.changed("e3", trusted=(renewed_root,)),
        of(VIOLATION, to("e3", "e1", "e2")),
        ("e3",),
    ),
    "a store with an expired root": (
        lambda c: c.changed("e3", trusted=(replace(ROOT, not_after=AS_OF - DAY),)),
        of(VIOLATION, to("e3", "e1", "e2")),
        ("e3",),
    ),
    "a store with both roots": (lambda c: c.changed("e3", trusted=(renewed_root, OTHER, ROOT)), {}, ()),
    "a certificate of another authority": (certificate("e2", issuer=OTHER), of(VIOLATION, E2_PAIRS), ("e2",)),
    "a primary of another authority": (
        certificate("e1", issuer=OTHER),
        of(VIOLATION, {("R20", ("e1", "e2")), ("R20", ("e1", "e3"))}),
        ("e2", "e3"),
    ),
    "a certificate that signed itself": (certificate("e2", issuer=None), of(VIOLATION, E2_PAIRS), ("e2",)),
    "an intermediate in the stores": (both(issued(MIDDLE), everybody(trusted=(MIDDLE, OTHER))), {}, ()),
    "an intermediate that is sent": (both(issued(MIDDLE, MIDDLE), everybody(trusted=(OTHER,))), {}, ()),
    "no intermediate in one store": (
        both(issued(MIDDLE), everybody(trusted=(MIDDLE, OTHER)), lambda c: c.changed("e2", trusted=(OTHER,))),
        of(VIOLATION, to("e2", "e1", "e3")),
        ("e2",),
    ),
    "only the intermediate in one store": (
        both(issued(MIDDLE), everybody(trusted=(MIDDLE, OTHER)), lambda c: c.changed("e2", trusted=(MIDDLE,))),
        of(VIOLATION, to("e2", "e1", "e3")),
        ("e2",),
    ),
    "an expired intermediate is sent": (
        both(issued(MIDDLE, MIDDLE), everybody(trusted=(OTHER,)), certificate("e2", chain=(expired_middle,))),
        of(VIOLATION, E2_PAIRS),
        ("e2",),
    ),
    "an intermediate that may not sign": (
        both(certificate("e2", issuer=MIDDLE, chain=(replace(MIDDLE, signs=False),)), everybody(trusted=(ROOT, OTHER))),
        of(VIOLATION, E2_PAIRS),
        ("e2",),
    ),
    "a root that allows no intermediate": (
        certificate("e2", issuer=AuthoritySpec("Sub CA", ROOT), chain=(AuthoritySpec("Sub CA", ROOT),)),
        of(VIOLATION, E2_PAIRS),
        ("e2",),
    ),
    "cross-signed": (
        both(
            issued(ROOT, replace(ROOT, issuer=OTHER)),
            everybody(trusted=(OTHER,)),
        ),
        {},
        (),
    ),
    "a common name of nobody": (certificate("e2", common_name="vcs"), {}, ()),
    "the common name of the peer": (certificate("e2", common_name="e2.edge.example.com"), {}, ()),
    "alarm of no common name": (lambda c: c.changed("e2", alarms=NO_CN), {("R18", ("e2",)): VIOLATION}, ("e2",)),
    "alarm of an expired certificate": (
        lambda c: c.changed("e2", alarms=EXPIRED),
        {("R19", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "alarm of a certificate that expires": (lambda c: c.changed("e2", alarms=EXPIRING), {}, ()),
    "alarm of a mode that is not active": (
        lambda c: c.changed("e2", alarms=RESTART),
        {("R19", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "alarm of a new certificate": (lambda c: c.changed("e2", alarms=NEW), {("R19", ("e2",)): UNKNOWN}, ()),
    "addresses in the lists": (
        everybody(peer_list=("10.0.1.11", "10.0.1.12", "10.0.1.13")),
        {**{("R19", (p,)): VIOLATION for p in ALL}, ("R41", ALL): NOT_APPLICABLE},
        ALL,
    ),
    "names in odd spelling": (
        everybody(peer_list=("E1.EDGE.example.com.", "e2.edge.EXAMPLE.com", "e3.edge.example.com.")),
        {},
        (),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_changes_its_rules_and_no_other(case_of, name: str) -> None:
    change, expected, at_fault = FAULTS[name]
    sound = outcomes(case_of(healthy()))

    case = case_of(change(healthy()))

    assert changed(sound, outcomes(case)) == expected
    found = [f for f in expdiag.check(case) if f.outcome == VIOLATION]
    assert {who for f in found for who in f.verdict.at_fault} == set(at_fault)
    assert all(f.verdict.fix and f.sources for f in found)
    unknowns = [f for f in expdiag.check(case) if f.outcome == UNKNOWN]
    assert all(f.verdict.want for f in unknowns)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault[1]])
def test_permissive_says_what_enforce_would_do(case_of, name: str) -> None:
    change, expected, _ = FAULTS[name]
    case = case_of(change(replace(healthy(), tls_mode="Permissive")))

    for number, peers in expected:
        found = finding(case, number, *peers)
        if number in ("R19", "R20") and "a mode" not in name and "a new" not in name:
            assert found.outcome == NOT_APPLICABLE
            assert "not ready" in found.verdict.reason or "does not trust" in found.verdict.reason


X15 = {"version": "X15.5", "name": "x"}


def client(host: str, **fields: object) -> Change:
    """Return a change of one peer's client certificate, which else is a copy of the server's."""

    def change(cluster: ClusterSpec) -> ClusterSpec:
        peer = next(peer for peer in cluster.peers if peer.host_name == host)
        own = replace(peer.certificate, key=f"{host} client", **fields)
        return cluster.changed(host, client_certificate=own)

    return change


X15_FAULTS: dict[str, tuple[Change, Outcomes]] = {
    "one of its own": (client("e2"), {}),
    "for clients only": (both(client("e2", purposes=("clientAuth",)), certificate("e2", purposes=("serverAuth",))), {}),
    "the server's for clients only": (certificate("e2", purposes=("clientAuth",)), {("R19", ("e2",)): VIOLATION}),
    "expired": (client("e2", not_after=AS_OF - DAY), {("R19", ("e2",)): VIOLATION}),
    "of another authority": (client("e2", issuer=OTHER), of(VIOLATION, E2_PAIRS)),
    "that names another": (
        client("e2", common_name="old.example.com", dns_names=("old.example.com",)),
        {("R18", ("e2",)): VIOLATION, ("R19", ("e2",)): VIOLATION, ("R22", ("e2",)): VIOLATION},
    ),
    "of the key of another": (
        lambda c: c.changed("e2", client_certificate=replace(c.peers[1].certificate, key="e1")),
        {("R23", ALL): VIOLATION},
    ),
}


@pytest.mark.parametrize("name", X15_FAULTS)
def test_the_client_certificate_of_x15_5_is_held_to_the_same(case_of, name: str) -> None:
    change, expected = X15_FAULTS[name]
    sound = outcomes(case_of(healthy(**X15)))

    assert changed(sound, outcomes(case_of(change(healthy(**X15))))) == expected


def test_a_client_certificate_counts_from_x15_5_on_only(case_of) -> None:
    old = {f"client_{host}.pem": authority.server_pem(CertificateSpec("x", ("x",), "x")).decode() for host in ALL}
    cluster = healthy(version="X15.4", name="x")
    for host in ALL:
        cluster = cluster.changed(host, members={f"client_{host}.pem": old[f"client_{host}.pem"]})

    assert changed(outcomes(case_of(healthy(version="X15.4", name="x"))), outcomes(case_of(cluster))) == {}


def folder(files, cluster: ClusterSpec, leave_out: Callable[[str, str], bool], more: dict[str, str] | None = None):
    """Load the bundles of a cluster as folders, but for the members that are left out."""
    contents: dict[str, bytes | str] = {"case.toml": case_toml(cluster), **(more or {})}
    for peer in cluster.peers:
        for name, content in bundle(peer, cluster).items():
            if not leave_out(peer.host_name, name):
                contents[f"{peer.host_name}/{name}"] = content
    return expdiag.load(files(contents))


MISSING: dict[str, tuple[dict[str, str], Callable[[str, str], bool], Outcomes, Callable[[], dict[str, bytes]]]] = {
    "a trust store": (
        {},
        lambda host, name: host == "e3" and name.startswith("ca_"),
        of(UNKNOWN, to("e3", "e1", "e2")),
        lambda: {"ca_e3.pem": authority.root_pem()},
    ),
    "a certificate": (
        {},
        lambda host, name: host == "e3" and name.startswith("server_"),
        of(UNKNOWN, {("R20", ("e3", "e1")), ("R20", ("e3", "e2")), ("R23", ALL)})
        | of(UNKNOWN, {(rule, ("e3",)) for rule in ("R18", "R19", "R21", "R22")}),
        lambda: {"server_e3.pem": authority.server_pem(healthy().peers[2].certificate)},
    ),
    "a client certificate, where others have theirs": (
        X15,
        lambda host, name: host == "e3" and name.startswith("client_"),
        of(UNKNOWN, {("R20", ("e3", "e1")), ("R20", ("e3", "e2")), ("R19", ("e3",))}),
        lambda: {"client_e3.pem": authority.server_pem(healthy(**X15).peers[2].certificate)},
    ),
    "all client certificates": (X15, lambda _, name: name.startswith("client_"), {}, dict),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_left_out_is_unknown_and_what_is_asked_for_settles_it(files, tmp_path, name: str) -> None:
    how, leave_out, expected, asked = MISSING[name]
    sound = outcomes(folder(files, healthy(**how), lambda *_: False))
    for path in (tmp_path / "case").rglob("*.pem"):
        if leave_out(path.parent.name, path.name):
            path.unlink()

    case = expdiag.load(tmp_path / "case")
    assert changed(sound, outcomes(case)) == expected
    for number, peers in expected:
        wants = [want.text for want in finding(case, number, *peers).verdict.want]
        assert any(saved in text for text in wants for saved in asked())

    for saved, content in asked().items():
        (tmp_path / "case" / saved).write_bytes(content)
    assert outcomes(expdiag.load(tmp_path / "case")) == sound


def test_the_mode_is_unknown_for_pairs_as_well(case_of) -> None:
    case = case_of(certificate("e2", issuer=OTHER)(replace(healthy(), tls_mode=None)))

    assert {finding(case, "R20", a, b).outcome for a in ALL for b in ALL if a != b} == {UNKNOWN}
    assert "e1 does not trust" in finding(case, "R20", "e2", "e1").verdict.reason


def test_a_cut_trust_store_is_not_judged_as_if_it_were_whole(files) -> None:
    cluster = healthy().changed("e3", trusted=(OTHER, ROOT))
    pem = authority.store_pem((OTHER, ROOT))
    cut = pem[: len(authority.authority_pem(OTHER)) + 300].decode()

    case = folder(files, cluster, lambda host, name: host == "e3" and name.startswith("ca_"), {"e3/ca_e3.pem": cut})

    assert finding(case, "R20", "e1", "e3").outcome == UNKNOWN
    assert finding(case, "R20", "e3", "e1").outcome == PASS


def test_releases_up_to_x15_3_need_authorities_that_allow_clients(case_of) -> None:
    for version, outcome in (("X14.3.4", VIOLATION), ("X15.4", PASS)):
        case = case_of(certificate("e2", purposes=("serverAuth",))(healthy(version=version, name="x")))
        assert finding(case, "R19", "e2").outcome == outcome
        assert finding(case, "R20", "e2", "e1").outcome == PASS


def test_a_clock_that_is_before_the_certificate_of_the_same_export(case_of) -> None:
    early = {"SystemUnit SystemTime": "2020-01-01 00:00:12"}
    case = case_of(healthy().changed("e2", state=early))

    assert finding(case, "R19", "e2").outcome == VIOLATION
    assert "clock of e2 shows 2020-01-01" in finding(case, "R19", "e2").verdict.reason
    assert finding(case, "R19", "e1").outcome == PASS


def test_shared_certificates_say_whether_they_list_all_their_names(case_of) -> None:
    one = healthy().peers[0].certificate
    for names, words in ((("e1", "e2"), "which lists all their names"), (("e1",), "which does not list e2.edge")):
        listing = tuple(f"{name}.edge.example.com" for name in names)
        shared = replace(one, dns_names=(*listing, "cluster.edge.example.com"))
        cluster = healthy().changed("e1", certificate=shared).changed("e2", certificate=shared)
        assert words in finding(case_of(cluster), "R23").verdict.reason


def test_the_advice_on_the_common_name_says_that_the_guides_disagree(case_of) -> None:
    assert "cluster FQDN" in finding(case_of(healthy()), "R21", "e1").verdict.reason
    own = case_of(certificate("e1", common_name="e1.edge.example.com")(healthy()))
    assert "advises the cluster FQDN" in finding(own, "R21", "e1").verdict.reason
    nobody = finding(case_of(certificate("e1", common_name="vcs")(healthy())), "R21", "e1")
    assert (nobody.outcome, "guides disagree" in nobody.verdict.reason) == (PASS, True)
    nameless = finding(case_of(everybody(cluster_name="")(healthy())), "R21", "e1")
    assert nameless.outcome == PASS


LOG_CHANGE = (
    'UTCTime="2026-05-01 11:5{minute}:00,000" Event="System Configuration Changed" '
    'Node="clusterdb@{host}.edge.example.com" PID="<0.345.0>" '
    'Detail="xconfiguration clusterConfiguration tls_verify - changed from: {old} to: {new}"'
)
DUMP = "Configuration ClusterConfiguration tls_verify"


def logged(host: str, old: str, new: str, minute: int = 5) -> Change:
    """Return a change of the mode in the log of a peer."""
    when = AS_OF - timedelta(minutes=10 - minute)
    words = LOG_CHANGE.format(host=host, old=old, new=new, minute=minute)
    return lambda c: c.changed(host, events=((when, words),))


MODES: dict[str, tuple[str | None, Change, str | None, str]] = {
    "case.toml": ("Enforce", lambda c: c, "Enforce", ""),
    "a dump": (None, everybody(settings={DUMP: "Enforcing"}), "Enforce", ""),
    "a log": (None, logged("e1", "Permissive", "Enforcing"), "Enforce", ""),
    "a dump that a log has overtaken": (
        None,
        both(everybody(settings={DUMP: "Permissive"}), logged("e1", "Permissive", "Enforcing")),
        "Enforce",
        "its configuration says Permissive",
    ),
    "a dump after a log": (
        None,
        both(everybody(settings={DUMP: "Enforcing"}), logged("e1", "Permissive", "Enforcing")),
        "Enforce",
        "",
    ),
    "a dump against an alarm": (
        None,
        everybody(settings={DUMP: "Enforcing"}, alarms=PERMISSIVE),
        None,
        "alarm 40049",
    ),
    "a dump against an alarm, and case.toml": (
        "Enforce",
        both(everybody(settings={DUMP: "Enforcing"}), lambda c: c.changed("e1", alarms=PERMISSIVE)),
        "Enforce",
        "alarm 40049",
    ),
    "a dump against an alarm before a restart": (
        None,
        both(everybody(settings={DUMP: "Enforcing"}), lambda c: c.changed("e1", alarms=(*PERMISSIVE, *RESTART))),
        "Enforce",
        "alarm 40049",
    ),
    "an alarm against case.toml": ("Enforce", everybody(alarms=PERMISSIVE), "Permissive", "case.toml says Enforce"),
}


@pytest.mark.parametrize("name", MODES)
def test_what_tells_the_mode_is_weighed(case_of, name: str) -> None:
    stated, change, expected, against = MODES[name]
    case = case_of(change(replace(healthy(), tls_mode=stated)))

    mode = verification.modes(case.cluster)["e1"]

    assert mode.value == expected
    assert against in "; ".join(map(str, (*mode.against, *mode.said)))
    found = finding(case, "R19", "e1")
    wanted = {"Enforce": PASS, "Permissive": NOT_APPLICABLE, None: UNKNOWN}[expected]
    assert found.outcome == (VIOLATION if mode.restart else wanted)
    assert against in found.verdict.reason


def test_one_peer_that_verifies_is_enough(case_of) -> None:
    cluster = replace(healthy(), tls_mode=None).changed("e1", settings={DUMP: "Enforcing"})
    for host in ("e2", "e3"):
        cluster = cluster.changed(host, settings={DUMP: "Permissive"})
    case = case_of(certificate("e2", not_after=AS_OF - DAY)(cluster))

    assert finding(case, "R19", "e2").outcome == VIOLATION
    assert finding(case, "R20", "e2", "e1").outcome == PASS
    assert finding(case, "R20", "e1", "e2").outcome == NOT_APPLICABLE


def renamed(cluster: ClusterSpec, names: dict[str, str]) -> ClusterSpec:
    """Return a cluster whose peers have other host names, in their certificates and lists, too."""

    def fqdn(text: str) -> str:
        host, dot, rest = text.partition(".")
        return f"{names.get(host, host)}{dot}{rest}"

    def own(spec: CertificateSpec) -> CertificateSpec:
        return replace(spec, common_name=fqdn(spec.common_name), dns_names=tuple(map(fqdn, spec.dns_names)))

    peers = tuple(
        peer.changed(
            host_name=names[peer.host_name],
            certificate=own(peer.certificate),
            peer_list=tuple(map(fqdn, peer.peer_list)),
        )
        for peer in cluster.peers
    )
    trips = {frozenset(names[host] for host in pair): time for pair, time in cluster.round_trips.items()}
    mapping = {fqdn(name): at for name, at in cluster.mapping.items()}
    return replace(cluster, peers=peers, round_trips=trips, mapping=mapping)


@pytest.mark.parametrize("name", ["a store without the root", "an expired intermediate is sent", "cross-signed"])
def test_renaming_peers_only_renames(case_of, name: str) -> None:
    names = {"e1": "zulu", "e2": "mike", "e3": "alpha"}
    cluster = FAULTS[name][0](healthy())

    before, after = (outcomes(case_of(each)) for each in (cluster, renamed(cluster, names)))

    def key(rule: str, peers: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        found = tuple(names[peer] for peer in peers)
        return rule, found if EACH[rule] == "ordered pair" else tuple(sorted(found))

    assert {key(*subject): outcome for subject, outcome in before.items()} == after


@pytest.mark.parametrize("name", ["a store without the root", "no intermediate in one store", "addresses in the lists"])
def test_the_order_of_files_does_not_matter(tmp_path, name: str) -> None:
    cluster = FAULTS[name][0](healthy())
    found = []
    for prefixes in (("1", "2", "3"), ("3", "1", "2")):
        folder_ = tmp_path / "".join(prefixes)
        for prefix, peer in zip(prefixes, cluster.peers, strict=True):
            for number, (member, content) in enumerate(sorted(bundle(peer, cluster).items(), reverse=prefix == "3")):
                path = folder_ / f"{prefix}-{peer.host_name}" / f"{number}" / member
                path.parent.mkdir(parents=True)
                path.write_bytes(content)
        (folder_ / "case.toml").write_text(case_toml(cluster))
        found.append(outcomes(expdiag.load(folder_)))

    assert found[0] == found[1]


def test_no_common_name_and_an_expired_one_say_so(case_of) -> None:
    nameless = case_of(certificate("e2", common_name="")(healthy()))
    assert finding(nameless, "R18", "e2").outcome == VIOLATION
    assert "no common name" in finding(nameless, "R18", "e2").verdict.reason

    hours = case_of(certificate("e2", not_after=AS_OF - timedelta(hours=2))(healthy()))
    assert (
        "expired on 2026-05-01 10:00, and the case is of 2026-05-01 12:00" in finding(hours, "R19", "e2").verdict.reason
    )


def test_restarts_that_a_change_of_the_mode_explains_are_expected(case_of) -> None:
    cluster = healthy().changed("e2", alarms=RESTART)
    during = case_of(cluster.stating("change", kind="enforcing-tls"))
    after = case_of(cluster.stating("change", kind="enforcing-tls", end=AS_OF - DAY))

    assert finding(during, "R19", "e2").outcome == PASS
    assert "as expected" in finding(during, "R19", "e2").verdict.reason
    assert finding(after, "R19", "e2").outcome == VIOLATION


def test_a_name_of_the_lists_in_another_alphabet_is_the_same(case_of) -> None:
    cluster = healthy(2, domain="xn--bcher-kva.example", name="i")
    listed = ("e1.b\u00fccher.example", "E2.b\u00fccher.example.")
    case = case_of(everybody(peer_list=listed)(cluster))

    assert {finding(case, "R19", peer).outcome for peer in ("e1", "e2")} == {PASS}


def test_the_verifier_is_to_blame_that_does_not_trust_its_own_certificate(case_of) -> None:
    case = case_of(healthy(2, name="t").changed("e1", trusted=(OTHER,)))

    assert finding(case, "R20", "e2", "e1").verdict.at_fault == ("e1",)
    assert finding(case, "R20", "e1", "e2").outcome == PASS
