"""Answers of the REST API: whose they are, which endpoint, and nothing of them lost."""

from __future__ import annotations

import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import expdiag
from expdiag.intake.rest.document import Array, Document, Node, Object
from expdiag.scenarios import authority
from expdiag.scenarios.spec import healthy
from expdiag.scenarios.write import write_case

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def plain(node: Node | None) -> object:
    """Return a document as the library would, but with texts for scalars."""
    if isinstance(node, Object):
        return {name: plain(child) for name, child in node.members}
    if isinstance(node, Array):
        return [plain(item) for item in node.items]
    return node.value if node else None


def texts(value: object) -> object:
    if isinstance(value, dict):
        return {key: texts(child) for key, child in value.items()}
    if isinstance(value, list):
        return [texts(child) for child in value]
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


@given(VALUES, st.sampled_from([None, 1, 4]), st.booleans())
def test_a_document_says_what_the_library_says(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    document = Document(text)

    assert document.broken is None
    assert plain(document.root) == texts(json.loads(text))


@given(VALUES, st.data())
@settings(max_examples=60)
def test_a_cut_document_says_so_and_invents_nothing(value: object, data: st.DataObject) -> None:
    text = json.dumps([value])
    cut = text[: data.draw(st.integers(0, len(text) - 1))]

    document = Document(cut)

    assert document.broken is not None
    assert document.broken.at_end
    assert str(plain(document.root)).count(":") <= str(texts([value])).count(":")


@given(st.text(max_size=200))
def test_any_text_is_a_document_or_broken(text: str) -> None:
    if text.strip()[-1:].isdigit():
        return  # a number at the very end may go on, so it is not taken for whole
    document = Document(text)

    assert (document.broken is None) == _is_json(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=lambda name: 1 / 0)
    except (ValueError, ZeroDivisionError, RecursionError):
        return False
    return True


def test_lines_are_those_of_the_values(files) -> None:
    text = '\n{\n  "SystemHostName": "e1",\r\n  "DomainName":\n    "example.com"\n}\n'

    case = expdiag.load(files({"dns.json": text}))

    rows = [(row.path, case.sources[row.source]) for row in case.dossier.rows["settings"]]
    assert [(path.rpartition(" ")[2], source.line) for path, source in rows] == [
        ("SystemHostName", 3),
        ("DomainName", 5),
    ]
    assert rows[0][1].text == '"SystemHostName": "e1"'


def test_a_folder_of_a_peer_belongs_to_it_whatever_name_it_has(tmp_path) -> None:
    folder = tmp_path / "case"
    write_case(healthy(), folder)
    shutil.rmtree(folder / "rest")
    names = {"e1": "e1", "E2.edge.example.com": "e2", "10.0.1.13": "e3", "Edge 2": "e2"}
    for name in names:
        answer = folder / "rest" / name / "provisioning" / "common" / "protocol" / "sip" / "configuration.json"
        answer.parent.mkdir(parents=True)
        answer.write_text('{"SipMode": "On"}')

    case = expdiag.load(folder)
    found = case.tables["settings"]

    rest = found[found.tree == "rest"]
    files = [case.sources[source].file.split("/")[1] for source in rest.source]
    assert dict(zip(files, rest.peer, strict=True)) == names
    assert [peer.name for peer in case.cluster.peers] == ["e1", "e2", "e3"]


def test_a_list_per_peer_is_parted(tmp_path) -> None:
    folder = tmp_path / "case"
    write_case(healthy(), folder)
    answer = [
        {
            "peer": "localhost",
            "records": [{"id": "20006", "total_count": 1, "first_raised": 1, "last_raised": 1777636800}],
        },
        {
            "peer": "10.0.1.12",
            "records": [{"id": "20004", "total_count": 1, "first_raised": 1, "last_raised": 1777636800}],
        },
        {"peer": "e3", "records": [{"id": "20003", "total_count": 0, "first_raised": 1, "last_raised": 1777636800}]},
    ]
    (folder / "rest" / "e1" / "management" / "status").mkdir(parents=True)
    (folder / "rest" / "e1" / "management" / "status" / "alarm.json").write_text(json.dumps(answer))

    alarms = expdiag.load(folder).tables["alarms"]

    found = {row.peer: (row.number, row.still_up) for row in alarms.itertuples() if row.number in (20003, 20004, 20006)}
    assert found == {"e1": (20006, True), "e2": (20004, True), "e3": (20003, False)}


def test_an_answer_of_this_machine_that_lies_nowhere_is_not_given_to_another_peer(tmp_path) -> None:
    folder = tmp_path / "case"
    write_case(healthy(), folder)
    shutil.rmtree(folder / "rest")
    (folder / "loose").mkdir()
    answer = [
        {"peer": "localhost", "records": [{"id": "20006", "last_raised": 1777636800, "first_raised": 1777636800}]},
        {"peer": "e2", "records": [{"id": "20004", "last_raised": 1777636800, "first_raised": 1777636800}]},
    ]
    (folder / "loose" / "alarm.json").write_text(json.dumps(answer))

    case = expdiag.load(folder)

    assert [issue.kind for issue in case.all_issues] == ["unassigned"]
    alarms = case.tables["alarms"]
    assert alarms[alarms.number == 20006].peer.isna().all()


def test_json_that_is_no_answer_is_an_issue(files) -> None:
    case = expdiag.load(files({"x.json": '{"some": ["thing", 1]}', "case.toml": ""}))

    assert [issue.kind for issue in case.all_issues] == ["unrecognised"]


def test_an_endpoint_nobody_knows_is_read_where_its_path_shows_it(files) -> None:
    case = expdiag.load(files({"rest/e1/api/v1/provisioning/common/newthing.json": '{"A": 1}'}))

    assert [row[:3] for row in case.dossier.rows["settings"]] == [("rest", "provisioning/common/newthing A", "1")]


def test_certificates_in_an_answer_are_rows_and_a_key_is_not_kept(files) -> None:
    pem = authority.server_pem(healthy().peers[0].certificate).decode()
    key = "-----BEGIN PRIVATE KEY-----\nMIIB\nc2VjcmV0\n-----END PRIVATE KEY-----\n"

    case = expdiag.load(
        files(
            {
                "rest/e1/provisioning/certs/server.json": json.dumps(pem + key),
                "rest/e1/provisioning/certs/root.json": json.dumps({"pem": authority.root_pem().decode()}),
            }
        )
    )

    assert [(row.role, row.self_signed) for row in case.dossier.rows["certificates"]] == [
        ("ca", True),
        ("server", False),
    ]
    assert [issue.kind for issue in case.all_issues] == ["secret"]
    assert len(case.dossier.rows["settings"]) == 0


def test_hostile_documents_are_refused_in_time(files) -> None:
    texts_ = {
        "deep.json": '{"a":' * 5000,
        "long.json": '["' + "\\\\" * 200_000,
        "keys.json": "{" + ",".join(f'"{"k" * 5000}{n}": {{"x": 1}}' for n in range(200)) + "}",
        "number.json": '{"Index": '
        + "9" * 5000
        + ', "Priority": 1e999, "Action": "x", "Address": "", "PrefixLength": 1}',
    }

    case = expdiag.load(files({f"rest/e1/{name}": text for name, text in texts_.items()}))

    assert {issue.kind for issue in case.all_issues} <= {"truncated", "broken"}
    assert all(len(row.path) < 1000 for row in case.dossier.rows["settings"])


def per_peer(*peers: str) -> str:
    def alarm(number: int) -> dict[str, object]:
        return {"id": str(number), "first_raised": 1777636800, "last_raised": 1777636800, "total_count": 1}

    numbers = (20003, 20004, 20006)
    return json.dumps([{"peer": p, "records": [alarm(n)]} for p, n in zip(peers, numbers, strict=True)])


@pytest.mark.parametrize(
    ("folder", "order"),
    [
        ("e2", ("10.0.1.11", "10.0.1.12", "10.0.1.13")),
        ("e2", ("e3.edge.example.com", "e1.edge.example.com", "e2.edge.example.com")),
        ("e3", ("e1", "localhost", "10.0.1.12")),
        ("2001:db8::1", ("e1", "e2", "e3")),
    ],
)
def test_the_order_of_a_list_of_peers_does_not_matter(tmp_path, folder: str, order: tuple[str, ...]) -> None:
    case_folder = tmp_path / "case"
    write_case(healthy(), case_folder)
    answers = case_folder / "rest" / folder / "management" / "status"
    answers.mkdir(parents=True)
    (answers / "alarm.json").write_text(per_peer(*order))

    case = expdiag.load(case_folder)

    owners = {"10.0.1.11": "e1", "10.0.1.12": "e2", "10.0.1.13": "e3", "localhost": folder}
    wanted = {
        number: owners.get(peer, peer.partition(".")[0])
        for number, peer in zip((20003, 20004, 20006), order, strict=True)
    }
    alarms = case.tables["alarms"]
    assert {row.number: row.peer for row in alarms.itertuples() if row.number in wanted} == wanted
    assert [peer.name for peer in case.cluster.peers] == ["e1", "e2", "e3"]


def test_another_address_of_a_peer_means_it_too(tmp_path) -> None:
    case_folder = tmp_path / "case"
    write_case(healthy(), case_folder)
    shutil.rmtree(case_folder / "rest")
    (case_folder / "rest" / "10.0.2.12").mkdir(parents=True)
    (case_folder / "rest" / "10.0.2.12" / "peers.json").write_text('[{"PeerAddress": "x"}]')

    case = expdiag.load(case_folder)

    assert [peer.name for peer in case.cluster.peers] == ["e1", "e2", "e3"]
    rest = case.tables["settings"].query("tree == 'rest'")
    assert set(rest.peer) == {"e2"}


def test_rules_of_the_page_are_in_the_order_of_their_priority(files) -> None:
    rules = [
        {"Priority": 2, "Action": "Drop", "PrefixLength": 0},
        {"Priority": 1, "Action": "Allow", "PrefixLength": 0},
    ]

    case = expdiag.load(files({"rest/e1/provisioning/common/firewallrules/configuration.json": json.dumps(rules)}))

    assert [(r.position, r.priority, r.action) for r in case.dossier.rows["firewall_rules"]] == [
        (1, 1, "accept"),
        (2, 2, "drop"),
    ]
