"""Status and configuration as text and as XML: the same facts give the same rows."""

from __future__ import annotations

import pytest

import expdiag
from expdiag.scenarios import exports
from expdiag.scenarios.spec import AS_OF, AlarmSpec, healthy

ALARM = AlarmSpec(
    20012, "", "Cluster replication error", "This peer's cluster configuration settings do not match the primary's"
)


def rows(case: expdiag.Case, tree: str) -> list[tuple[str, str]]:
    return [(r.path, r.value) for r in case.dossier.rows["settings"] if r.tree == tree and r.path != "@version"]


def test_status_text_and_xml_give_the_same_rows(files) -> None:
    leaves = exports.status(healthy().peers[0].changed(alarms=(ALARM, ALARM)), AS_OF)

    text = expdiag.load(files({"text/s.txt": exports.status_text(leaves)}))
    xml = expdiag.load(files({"text/s.txt": exports.xml("Status", leaves, "X14.3.4")}))

    assert rows(text, "status") == rows(xml, "status") == leaves
    assert [a[:6] for a in text.dossier.rows["alarms"]] == [a[:6] for a in xml.dossier.rows["alarms"]]
    assert [a.number for a in text.dossier.rows["alarms"]] == [20012, 20012]
    assert text.as_of == xml.as_of == AS_OF


def test_configuration_text_and_xml_give_the_same_rows(files) -> None:
    leaves = exports.configuration(healthy().peers[0])

    text = expdiag.load(files({"c/x": exports.configuration_text(leaves)}))
    xml = expdiag.load(files({"c/x": exports.xml("Configuration", leaves, "X14.3.4")}))

    assert rows(text, "configuration") == rows(xml, "configuration") == leaves


@pytest.mark.parametrize("step", [1, 2, 4, 7])
@pytest.mark.parametrize("slash", ["", " /"])
@pytest.mark.parametrize("quotes", ["", '"'])
def test_status_text_of_any_width_and_quoting(files, step: int, slash: str, quotes: str) -> None:
    def pad(depth: int) -> str:
        return " " * (5 + step * depth)

    text = (
        f"xstatus\r\n*s SystemUnit:{slash}\r\n{pad(0)}Software:{slash}\r\n"
        f"{pad(1)}Version: {quotes}X14.3.4{quotes}\r\n{pad(1)}Configuration:\r\n"
        f"{pad(2)}Expressway: {quotes}True{quotes}\r\n{pad(0)}Hardware:\r\n"
        f"{pad(1)}SerialNumber: {quotes}52E1ABCD{quotes}\r\n*s/end\r\n"
        f"*s Alternates: /\r\n*s/end\r\n\r\nOK\r\n"
    )

    case = expdiag.load(files({"s.txt": text}))

    assert rows(case, "status") == [
        ("SystemUnit Software Version", "X14.3.4"),
        ("SystemUnit Software Configuration Expressway", "True"),
        ("SystemUnit Hardware SerialNumber", "52E1ABCD"),
        ("Alternates", ""),
    ]
    assert not [i for i in case.all_issues if i.kind == "unrecognised"]


def test_attributes_of_old_releases_are_children(files) -> None:
    text = "*s ExternalManager (status=Failed):\n     Cause: down\n*s/end\n*s Feedback 1 (status=Off): /\n*s/end\n"

    case = expdiag.load(files({"s.txt": text}))

    assert rows(case, "status") == [
        ("ExternalManager status", "Failed"),
        ("ExternalManager Cause", "down"),
        ("Feedback 1 status", "Off"),
    ]


@pytest.mark.parametrize("namespace", ["", ' xmlns="http://www.tandberg.no/XML/CUIL/1.0"'])
@pytest.mark.parametrize("item", ["", ' item="1"'])
def test_xml_with_and_without_namespace_and_items(files, namespace: str, item: str) -> None:
    text = (
        f'<?xml version="1.0"?>\n<Status{namespace}>\n<SystemUnit{item}><Software{item}>'
        f"<Version{item}>X12.6</Version></Software></SystemUnit></Status>"
    )

    case = expdiag.load(files({"s.xml": text}))

    assert rows(case, "status") == [("SystemUnit Software Version", "X12.6")]
    assert case.sources[case.dossier.rows["settings"][0].source].line == 3


def test_xml_values_are_unescaped_and_their_words_kept_on_the_line_they_stand(files) -> None:
    text = "<Status>\n<SystemUnit>\n<Name>a &amp; b &lt;c&gt;</Name></SystemUnit></Status>"

    case = expdiag.load(files({"s.xml": text}))

    assert rows(case, "status") == [("SystemUnit Name", "a & b <c>")]
    assert case.sources[case.dossier.rows["settings"][0].source].line == 3


def test_the_real_status_is_read_whole(real) -> None:
    case = expdiag.load(real / "samples" / "status-x8.11.3-vm-standalone.xml")
    found = dict(rows(case, "status"))

    assert case.all_issues == ()
    assert found["SystemUnit Software Version"] == "X8.11.3"
    assert found["Ethernet 2 IPv4 Address"] == "192.168.0.100"
    assert found["Alternates"] == ""
    assert found["IP DNS Server 5 Address"] == ""
    assert found["Zones Zone 2 TraversalClient Peer 1 SIP Port"] == "7099"
    assert [(a.number, a.title) for a in case.dossier.rows["alarms"]] == [
        (None, "Invalid release key"),
        (25021, "NTP server not available"),
        (25002, "Date and time not validated"),
    ]
    assert f"{case.as_of:%Y-%m-%d %H:%M:%S}" == "2018-12-18 21:32:46"


def test_the_real_status_printed_as_text_gives_the_same_rows(real, files) -> None:
    case = expdiag.load(real / "samples" / "status-x8.11.3-vm-standalone.xml")
    leaves = rows(case, "status")

    printed = expdiag.load(files({"s.txt": exports.status_text(leaves)}))

    assert sorted(rows(printed, "status")) == sorted(leaves)


def test_the_number_of_leaves_of_the_real_status_agrees_with_another_parser(real) -> None:
    from xml.etree import ElementTree

    path = real / "samples" / "status-x8.11.3-vm-standalone.xml"
    leaves = [element for element in ElementTree.parse(path).iter() if not len(element)]

    assert len(rows(expdiag.load(path), "status")) == len(leaves)


def test_evidence_of_xml_is_quoted_as_it_stands(files) -> None:
    text = (
        '<?xml version="1.0"?>\n<Status xmlns="urn:x" product="TANDBERG VCS" version="X14.3.4">\n'
        "  <SystemUnit item='1'><Name\n item='1'>a &amp; b</Name><Build/></SystemUnit>\n</Status>\n"
    )

    case = expdiag.load(files({"s.xml": text}))

    quoted = [case.sources[row.source] for row in case.dossier.rows["settings"]]
    assert [(source.line, source.text) for source in quoted] == [
        (2, '<Status xmlns="urn:x" product="TANDBERG VCS" version="X14.3.4">'),
        (3, "<Name\n item='1'>a &amp; b</Name>"),
        (4, "<Build/>"),
    ]


@pytest.mark.parametrize("size", [100, 65_530, 70_000, 200_000])
def test_evidence_is_quoted_whole_wherever_the_pieces_of_a_file_are_parted(files, size: int) -> None:
    leaves = "".join(f"<Name item='{n}'>value {n}</Name>" for n in range(2, size // 30))

    case = expdiag.load(files({"s.xml": f"<Status><!--{'x' * size}-->{leaves}</Status>"}))

    assert all(
        case.sources[row.source].text == f"<Name item='{row.path.split()[-1]}'>{row.value}</Name>"
        for row in case.dossier.rows["settings"]
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_xml_with_a_byte_order_mark(files, encoding: str) -> None:
    text = "<Status><SystemUnit><Name>caf\u00e9</Name></SystemUnit></Status>"

    assert rows(expdiag.load(files({"s.xml": text.encode(encoding)})), "status") == [("SystemUnit Name", "caf\u00e9")]


def test_both_dumps_in_one_capture_of_a_session(files) -> None:
    peer = healthy().peers[0]
    settings, state = exports.configuration(peer), exports.status(peer, AS_OF)
    text = (
        f"login: admin\ntandberg:~$ xConfiguration\n{exports.configuration_text(settings)}OK\n"
        f"tandberg:~$ xStatus\n{exports.status_text(state)}"
    ).replace("\n", "\r\n")

    case = expdiag.load(files({"session.txt": text}))

    assert rows(case, "configuration") == settings
    assert rows(case, "status") == state
    assert [issue.line for issue in case.all_issues if issue.kind == "unrecognised"] == [1]  # login


def test_secrets_in_a_status_are_not_kept(files) -> None:
    text = '*s Policy: /\n     Server 1:\n       Password: "hunter2"\n*s/end\n'

    case = expdiag.load(files({"s.txt": text}))

    (row,) = case.dossier.rows["settings"]
    assert "hunter2" not in row.value + case.sources[row.source].text
