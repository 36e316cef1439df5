"""What names lead to: answers by server and time, aliases, views of peers and of the public, the address mapping."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest

import expdiag
from expdiag.model.dns.answers import DENIED, DISPUTED, FAILED, FOUND, UNASKED, View, from_message, from_query
from expdiag.model.dns.resolver import mapped_to, reach, resolver
from expdiag.model.dns.scope import is_private
from expdiag.model.dns.service_records import call_services, domains, external_addresses, records
from expdiag.scenarios.lookups import digs, inner_zone, outer_zone
from expdiag.scenarios.spec import AS_OF, healthy
from expdiag.tables import DnsMessage, DnsQuery, DnsRecord

LATER = AS_OF + timedelta(hours=1)
FILE = 1 << 32  # a source id one file further


def query(name: str, kind: str, status: str = "NOERROR", **fields: object) -> DnsQuery:
    given = {"vantage": "e1", "server": "10.0.1.53", "source": 1, "time": None, "answers": None, **fields}
    return DnsQuery(
        name=name, type=kind, status=status, authoritative=None, rtt=None, transport="", tool="dig", **given
    )


def record(name: str, kind: str, value: str, section: str = "answer", numbers=(None, None, None)) -> DnsRecord:
    return DnsRecord(1, section, name, 300, kind, value, *numbers, source=2)


def view(*questions: tuple[DnsQuery, list[DnsRecord]]) -> View:
    return View(answer for asked, shown in questions for answer in from_query(asked, shown))


def a(value: str, **fields: object) -> tuple[DnsQuery, list[DnsRecord]]:
    """An answer to `a.test A` with one address; none for an empty text."""
    shown = [record("a.test", "A", value)] if value else []
    return query("a.test", "A", answers=len(shown), **fields), shown


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        ("NXDOMAIN", DENIED, "NXDOMAIN"),
        ("NOERROR", DENIED, "no A record"),
        ("SERVFAIL", FAILED, "SERVFAIL"),
        ("REFUSED", FAILED, "REFUSED"),
        ("TIMEOUT", FAILED, "no answer"),
        ("CONNECTION-REFUSED", FAILED, "CONNECTION-REFUSED"),
    ],
)
def test_what_is_no_address_is_a_result(status: str, state: str, said: str) -> None:
    result = view((query("a.test", "A", status, answers=0), [])).ask("A.test.", "A")

    assert (result.state, result.said) == (state, said)
    assert view().ask("a.test", "A").state == UNASKED


def test_aliases_are_followed_to_the_address_and_to_nothing() -> None:
    chain = [
        record("a.test", "CNAME", "b.test"),
        record("b.test", "CNAME", "c.test"),
        record("c.test", "A", "10.0.0.1"),
    ]

    found = view((query("a.test", "A"), chain)).ask("a.test", "A")
    dangling = view((query("a.test", "A"), chain[:2])).ask("a.test", "A")
    circle = view((query("a.test", "A"), [chain[0], record("b.test", "CNAME", "a.test")])).ask("a.test", "A")

    assert (found.values, found.aliases) == (("10.0.0.1",), ("b.test", "c.test"))
    assert (dangling.state, dangling.said) == (DENIED, "no A record for c.test, which it is an alias of")
    assert circle.state == DENIED


def test_the_newest_answer_of_a_server_counts_and_the_older_one_is_said() -> None:
    old, new = a("10.0.0.1", time=AS_OF), a("10.0.0.2", time=LATER, source=FILE)

    for questions in ((old, new), (new, old)):
        result = view(*questions).ask("a.test", "A")
        assert (result.values, result.earlier) == (("10.0.0.2",), "an earlier answer was 10.0.0.1")


def test_without_times_the_order_in_a_file_tells_and_two_files_do_not() -> None:
    same = view(a("10.0.0.1", source=5), a("10.0.0.2", source=9)).ask("a.test", "A")
    other = view(a("10.0.0.1", source=5), a("10.0.0.2", source=FILE)).ask("a.test", "A")
    alike = view(a("10.0.0.1", source=5), a("10.0.0.1", source=FILE)).ask("a.test", "A")

    assert same.values == ("10.0.0.2",)
    assert other.state == DISPUTED
    assert (alike.state, alike.older) == (FOUND, ())


def test_servers_that_disagree_are_all_heard() -> None:
    def of(*answers: tuple[DnsQuery, list[DnsRecord]]):
        return view(*answers).ask("a.test", "A")

    denied = query("a.test", "A", "NXDOMAIN", server="10.0.1.54", answers=0), list[DnsRecord]()
    silent = query("a.test", "A", "TIMEOUT", server="10.0.1.54"), list[DnsRecord]()

    assert (of(a("10.0.0.1"), denied).state, of(a("10.0.0.1"), silent).state) == (DENIED, FOUND)
    assert of(a("10.0.0.1"), denied).said == "10.0.0.1 says 10.0.1.53; NXDOMAIN says 10.0.1.54"
    assert of(a("10.0.0.1"), a("10.0.0.2", server="10.0.1.54")).values == ("10.0.0.1", "10.0.0.2")
    assert of(a("10.0.0.1", source=5), a("", server="", source=9)).state == DENIED  # the later one of one server


def test_a_family_that_is_missing_does_not_matter_where_the_other_is_there() -> None:
    six = query("a.test", "AAAA", answers=1), [record("a.test", "AAAA", "FD00::0:1")]

    both = view(a(""), six)
    assert both.addresses("a.test").values == ("fd00::1",)
    assert both.addresses("a.test", ("A",)).state == DENIED
    assert view(a("")).addresses("a.test").state == UNASKED
    assert view((query("a.test", "A", "NXDOMAIN", answers=0), [])).addresses("a.test").state == DENIED


def test_reverse_names_of_both_families_and_through_a_delegation() -> None:
    four, six = ipaddress.ip_address("10.0.0.1").reverse_pointer, ipaddress.ip_address("fd00::1").reverse_pointer
    classless = "1.0-25.0.0.10.in-addr.arpa"
    asked = view(
        (query(four, "PTR"), [record(four, "CNAME", classless), record(classless, "PTR", "a.test")]),
        (query(six, "PTR"), [record(six, "PTR", "A.test.")]),
    )

    assert asked.reverse("10.0.0.1").values == asked.reverse("FD00::1").values == ("a.test",)
    assert asked.named("a.test").state == FOUND
    assert asked.reverse("10.0.0.2").state == asked.reverse("no address").state == UNASKED


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.test", "A"),
        ("a.test", "AAAA"),
        ("1.0.0.10.in-addr.arpa", "PTR"),
        ("10.0.0.1", "PTR"),
        ("_s._tcp.test", "SRV"),
    ],
)
def test_a_failure_without_a_type_is_one_of_the_type_such_a_name_is_asked_for(name: str, kind: str) -> None:
    asked = view((query(name, "", "NXDOMAIN", answers=0), []))

    owner = "1.0.0.10.in-addr.arpa" if kind == "PTR" else name
    assert asked.ask(owner, kind).state == DENIED


def test_services_with_their_numbers_and_the_addresses_beside() -> None:
    shown = [
        record("_s._tcp.test", "SRV", "a.test", numbers=(10, 20, 5061)),
        record("a.test", "A", "10.0.0.1", "additional"),
    ]

    asked = view((query("_s._tcp.test", "SRV"), shown))

    (service,) = asked.ask("_s._tcp.test", "SRV").services
    assert (service.target, service.port, service.priority, service.weight) == ("a.test", 5061, 10, 20)
    assert asked.ask("a.test", "A").values == ("10.0.0.1",)


def test_a_packet_is_an_answer_too() -> None:
    def message(status: str, answers: tuple[str, ...] | None, kind: str = "A", truncated: bool = False) -> DnsMessage:
        return DnsMessage("10.0.1.11", "10.0.1.53", 7, "a.test", kind, status, truncated, answers, 1, 2.0, AS_OF, 3)

    found = from_message(message("NOERROR", ("CNAME b.test.", "A 10.0.0.1")))
    service = from_message(message("NOERROR", ("SRV 10 20 5061 A.test.",), "SRV"))

    assert found is not None
    assert (found.values, found.aliases) == (("10.0.0.1",), ("b.test",))
    assert from_message(message("no-answer", None)).state == FAILED
    assert from_message(message("NXDOMAIN", ())).state == DENIED
    assert from_message(message("cut", None)) is from_message(message("NOERROR", None)) is None
    assert from_message(message("NOERROR", (), truncated=True)) is None
    assert [(s.target, s.port) for s in service.services] == [("a.test", 5061)]


@pytest.mark.parametrize(
    "text", ["10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1", "169.254.1.1", "fd00::1", "fe80::1"]
)
def test_private_addresses(text: str) -> None:
    assert is_private(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text", ["203.0.113.1", "198.51.100.1", "192.0.2.1", "2001:db8::1", "8.8.8.8", "172.32.0.1", "100.128.0.1"]
)
def test_public_addresses_and_those_that_stand_for_them(text: str) -> None:
    assert not is_private(ipaddress.ip_address(text))


ASKED = [("x.test", "A")]


def resolving(tmp_path, case_of, files: dict[str, str], **fields: object):
    cluster = healthy(2, name="r")
    for host in ("e1", "e2"):
        files = {f"probes/{host}/dig.txt": "", **files}
    return case_of(cluster.with_files(files).changed("e1", **fields)).cluster


@pytest.mark.parametrize(
    ("vantage", "server", "own", "foreign", "public"),
    [
        ("e1", "10.0.1.53", True, False, False),
        ("e1.edge.example.com", "10.0.1.53", True, False, False),
        ("10.0.1.11", "10.0.1.53", True, False, False),
        ("e1", "10.9.9.9", False, True, False),
        ("e1", "127.0.0.1", True, False, False),
        ("e1", "198.51.100.1", False, True, True),
        ("outside", "192.168.1.1", False, False, True),
        ("laptop", "10.0.1.53", False, False, False),
        ("laptop", "8.8.8.8", False, False, True),
    ],
)
def test_whose_view_an_answer_is(tmp_path, case_of, vantage, server, own, foreign, public) -> None:
    text = digs(ASKED, {("x.test", "A"): ("10.5.5.5",)}, server, AS_OF)

    cluster = resolving(tmp_path, case_of, {f"probes/{vantage}/x.txt": text})

    views, e1 = resolver(cluster), cluster.find("e1")
    of_e1 = views.of(e1)
    found = [v.ask("x.test", "A").state == FOUND for v in (of_e1.own, of_e1.foreign, views.public)]
    assert found == [own, foreign, public]
    assert views.of(cluster.find("e2")).own.ask("x.test", "A").state == UNASKED


def test_a_peer_whose_servers_are_not_shown_is_believed(files) -> None:
    text = digs(ASKED, {("x.test", "A"): ("10.5.5.5",)}, "10.9.9.9", AS_OF)
    dump = '*c xConfiguration IP DNS Hostname: "e1"\n*c xConfiguration SystemUnit Name: "a"\n'

    cluster = expdiag.load(files({"e1/x.txt": dump, "probes/e1/x.txt": text})).cluster

    assert resolver(cluster).of(cluster.peers[0]).own.ask("x.test", "A").state == FOUND


def test_the_mapping_comes_before_dns_and_only_where_the_release_has_it(case_of) -> None:
    name = "e2.edge.example.com"

    def lead(version: str, mapping: dict[str, str]):
        spec = healthy(2, version=version, name="m")
        zone = {**inner_zone(spec), (name, "A"): ("10.7.7.7",)}
        text = digs([(name, "A")], zone, "10.0.1.53", AS_OF)
        from dataclasses import replace

        cluster = case_of(replace(spec, mapping=mapping).with_files({"probes/e1/dig.txt": text})).cluster
        return reach(cluster, cluster.find("e1"), name)

    mapped, old, unmapped = (
        lead("X14.0", {name: "10.0.1.12"}),
        lead("X8.8", {name: "10.0.1.12"}),
        lead("X14.0", {}),
    )

    assert (mapped.by, [str(at) for at in mapped.addresses]) == ("mapping", ["10.0.1.12"])
    assert (old.by, [str(at) for at in old.addresses]) == ("dns", ["10.7.7.7"])
    assert (unmapped.by, [str(at) for at in unmapped.addresses]) == ("dns", ["10.7.7.7"])


def test_a_mapping_an_export_says_is_off_leads_nowhere(case_of) -> None:
    cluster = case_of(healthy(2, name="o").changed("e1", settings={"Cluster AddressMapping Mode": "Off"})).cluster

    assert mapped_to(cluster, "e2.edge.example.com") is None


def test_targets_mean_peers_by_name_else_by_public_address(case_of) -> None:
    spec = healthy(2, name="t")
    zone = {
        **outer_zone(spec),
        ("_sip._tcp.edge.example.com", "SRV"): (
            "10 10 5060 e1.edge.example.com.",
            "10 5 5060 public-e2.example.com.",
            "20 10 5060 e9.edge.example.com.",
        ),
        ("public-e2.example.com", "A"): ("203.0.113.12",),
    }
    text = digs([*zone], zone, "198.51.100.53", datetime(2026, 5, 1, tzinfo=UTC))

    cluster = case_of(spec.with_files({"probes/outside/dig.txt": text})).cluster

    found = records(cluster, resolver(cluster).public, call_services())
    record_ = next(r for r in found if r.name == "_sip._tcp.edge.example.com")
    assert [target.peer.name if target.peer else None for target in record_.targets] == ["e1", "e2", None]
    assert [target.service.priority for target in record_.uneven("priority")] == [20]
    assert [target.service.weight for target in record_.uneven("weight")] == [5]
    assert domains(cluster) == ("edge.example.com", "cluster.edge.example.com")
    assert [str(at) for at in external_addresses(cluster.find("e1"))] == ["203.0.113.11"]
