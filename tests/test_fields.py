"""Every fact of a peer: where it was found, where else it was looked for, and what contradicts it."""

from __future__ import annotations

import pytest

import expdiag
from expdiag.model import places
from expdiag.model.facts import Fact
from expdiag.model.settings import Settings
from expdiag.model.versions import release
from expdiag.tables import Alarm, ConfigurationChange, Setting
from tests.conftest import CASES


def field(case: expdiag.Case, name: str, peer: str | None = None):
    rows = [row for row in case.tables.rows("fields") if row.field == name and peer in (None, row.peer)]
    assert rows
    return rows[0]


def test_every_peer_has_a_row_for_every_field() -> None:
    table = expdiag.load(CASES / "troubled-e").tables["fields"]

    assert set(table.peer) == {"e1", "e2", "e3"}
    assert set(table.groupby("peer").field.nunique()) == {len(places.fields())}
    assert {"tls_verification_mode", "cluster_ip_version", "address_mapping_name", "type", "platform", "mtu"} <= set(
        table.field
    )


def test_a_field_tells_where_it_was_found_and_where_else_it_was_looked_for() -> None:
    case = expdiag.load(CASES / "healthy-e")

    found = field(case, "host_name", "e1")
    missing = field(case, "mtu", "e1")

    assert (found.value, found.found) == ("e1", "configuration: IP DNS Hostname")
    assert "status: IP DNS Hostname" in found.looked
    assert case.sources[found.source].context == "IP DNS Hostname"
    assert (missing.value, missing.found, missing.source) == (None, "", None)
    assert len(missing.looked) == len(places.places("mtu"))


def test_what_case_toml_states_is_told_and_an_export_comes_first(files) -> None:
    stated = '[cluster]\ntls_verification_mode = "Permissive"\naddress_mapping = { "e2.x" = "10.0.0.2" }\n'
    dump = '*c xConfiguration SystemUnit Name: "a"\n*c xConfiguration IP DNS Hostname: "e1"\n'
    folder = files({"case.toml": stated, "e1/x.txt": dump})

    silent = field(expdiag.load(folder), "tls_verification_mode")
    mapped = field(expdiag.load(folder), "address_mapping_address")
    files({"e1/x.txt": dump + '*c xConfiguration ClusterConfiguration tls_verify: "Enforcing"\n'})
    case = expdiag.load(folder)
    told = field(case, "tls_verification_mode")

    assert (silent.value, silent.found) == ("Permissive", "case.toml: cluster.tls_verification_mode")
    assert (mapped.number, mapped.value) == (1, "10.0.0.2")
    assert (told.value, told.conflicts) == (
        "Enforce",
        ("case.toml: cluster.tls_verification_mode says 'Permissive'",),
    )
    assert "conflict" in {issue.kind for issue in case.all_issues}


TLS = "*c xConfiguration ClusterConfiguration tls_verify: {}\n"
LOG = (
    '2026-05-01T10:00:00.000+00:00 e1 Event="System Configuration Changed" Detail="xconfiguration '
    'clusterConfiguration tls_verify - changed from: {} to: {}" UTCTime="2026-05-01 10:00:00,000"\n'
)
ALARM = (
    '2026-05-01T09:00:00.000+00:00 e1 alarm: Event="Alarm Raised" Id="40049" Detail="t: d" '
    'UTCTime="2026-05-01 09:00:00,000"\n'
)


@pytest.mark.parametrize(
    ("dump", "log", "value", "found", "conflicts"),
    [
        ("Enforcing", "", "Enforce", "configuration", 0),
        ("", LOG.format("Permissive", "Enforcing"), "Enforce", "log", 0),
        ("", ALARM, "Permissive", "alarm", 0),
        ("", ALARM + LOG.format("Permissive", "Enforcing"), "Enforce", "log", 1),
        ("Permissive", ALARM, "Permissive", "configuration", 0),
        ("Enforcing", ALARM, "Enforce", "configuration", 1),
        ("Permissive", LOG.format("Permissive", "Enforcing"), "Permissive", "configuration", 1),
    ],
)
def test_dump_before_log_before_alarm_and_conflicts_are_issues(files, dump, log, value, found, conflicts) -> None:
    text = '*c xConfiguration IP DNS Hostname: "e1"\n' + (TLS.format(dump) if dump else "")
    case = expdiag.load(files({"e1/xconf.txt": text, "e1/log.txt": log} if log else {"e1/xconf.txt": text}))

    row = field(case, "tls_verification_mode")

    assert (row.value, row.found.partition(":")[0], len(row.conflicts)) == (value, found, conflicts)
    assert len([issue for issue in case.all_issues if issue.kind == "conflict"]) == conflicts


def test_an_older_bundle_is_no_conflict(files) -> None:
    def status(time: str, version: str) -> str:
        return (
            f"<Status><SystemUnit><SystemTime>{time}</SystemTime><Software><Version>{version}</Version></Software>"
            "<Hardware><SerialNumber>0A1B2C01</SerialNumber></Hardware></SystemUnit></Status>"
        )

    case = expdiag.load(
        files(
            {"old/s.xml": status("2026-04-01 10:00:00", "X14.0"), "new/s.xml": status("2026-05-01 10:00:00", "X14.3")}
        )
    )

    row = field(case, "version")
    assert (row.value, row.conflicts) == ("X14.3", ())
    assert [issue.kind for issue in case.all_issues] == ["older-bundle"]


def test_two_places_that_differ_by_index_are_a_conflict(files) -> None:
    dump = '*c xConfiguration IP DNS Hostname: "e1"\n*c xConfiguration Ethernet 2 IP V4 Address: "10.0.2.11"\n'
    status = '*s Ethernet 2: /\n  IPv4:\n    Address: "10.0.2.99"\n*s/end\n'

    case = expdiag.load(files({"e1/c.txt": dump, "e1/s.txt": status}))

    row = field(case, "ipv4")
    assert (row.number, row.value) == (2, "10.0.2.11")
    assert row.conflicts == ("status: Ethernet * IPv4 Address says '10.0.2.99' (e1/s.txt:3)",)


@pytest.mark.parametrize(
    ("said", "again", "name"),
    [
        ('SystemUnit Name: "Edge 1"', 'systemunit name: "Edge 2"', "system name"),
        ('Ethernet 2 IP V4 Address: "10.0.2.11"', 'ethernet 2 ip v4 address: "10.0.2.12"', "ipv4 2"),
        ('Ethernet 2 IP V4 Address: "10.0.2.11"', 'Ethernet 2 IP V4 Address: "10.0.2.12"', "ipv4 2"),
    ],
)
def test_one_place_that_says_two_things_is_a_conflict(files, said: str, again: str, name: str) -> None:
    head = '*c xConfiguration IP DNS Hostname: "e1"\n'

    def conflicts(*lines: str) -> list[str]:
        dump = head + "".join(f"*c xConfiguration {line}\n" for line in lines)
        case = expdiag.load(files({"e1/c.txt": dump}))
        return [issue.text for issue in case.all_issues if issue.kind == "conflict"]

    assert conflicts(said) == []
    (text,) = conflicts(said, again)
    assert text.startswith(f"{name} is ")


def test_the_mapping_an_export_shows_leads_to_peers(files) -> None:
    mapping = (
        '*c xConfiguration Cluster AddressMapping 1 Fqdn: "e2.example.com"\n'
        '*c xConfiguration Cluster AddressMapping 1 IpAddress: "10.0.0.2"\n'
    )
    case = expdiag.load(files({"e1/c.txt": '*c xConfiguration IP DNS Hostname: "e1"\n' + mapping}))

    assert case.cluster.directory.mapped("e2.example.com") is not None


def test_places_of_other_releases_come_last() -> None:
    new, old = places.places("ntp_server", release("X14.0")), places.places("ntp_server", release("X6.1"))

    assert str(new[-1]) == "configuration: NTP Address"
    assert all(place.fits(release("X6.1")) for place in old)
    assert not new[-1].fits(release("X14.0"))
    assert places.places("tls_verification_mode", release("X8.7"))[-1].tree == "log"


def test_only_alarms_that_are_up_and_the_newest_change_count() -> None:
    def change(time: str | None, new: str) -> ConfigurationChange:
        from datetime import datetime

        return ConfigurationChange(
            datetime.fromisoformat(time) if time else None, "cluster tls_verify", "x", new, "", 7
        )

    lowered = Alarm(40049, "", None, "raised", False, "", "", "", None, 9)
    changes = [change("2026-05-01T10:00:00+00:00", "Permissive"), change("2026-05-01T11:00:00+00:00", "Enforcing")]

    assert Settings((), changes=changes, alarms=[lowered]).value("tls_verification_mode") == Fact("Enforce", (7,))
    assert Settings((), alarms=[lowered]).value("tls_verification_mode") == Fact()


@pytest.mark.parametrize("name", places.fields())
def test_every_place_is_well_formed(name: str) -> None:
    assert places.page(name)
    for place in places.places(name):
        assert place.tree in ("configuration", "status", "rest", "log", "alarm")
        row = Setting(place.tree, place.path.replace("… ", "Some Beginning ").replace("*", "3"), "x", 1)
        settings = Settings([row])
        assert [found.path for found in settings.at(place)] == [row.path]
