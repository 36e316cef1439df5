"""Large dumps are taken in bulk: with the same rows, words, lines and issues as line by line and element by element."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expdiag import case as cases
from expdiag.errors import NothingReadableError
from expdiag.evidence import SourceBook
from expdiag.intake import plain, reading, skim, xconfiguration, xml
from expdiag.intake.member import CutShortError, Member
from expdiag.intake.reading import Harvest
from expdiag.intake.secrets import MASK
from expdiag.model.places import tells
from expdiag.model.settings import Settings
from expdiag.scenarios import exports
from expdiag.scenarios.spec import AS_OF, AlarmSpec, healthy
from expdiag.tables import Block, frame, problems

ALARM = AlarmSpec(20012, "", "Cluster replication error", "settings do not match")
PEER = healthy().peers[0].changed(alarms=(ALARM, ALARM))
ZONE = [
    ("Name", "a & b <c>"),
    ("Neighbor Authentication Password", "{cipher}abc"),
    ("Neighbor Peer 1 Address", "10.1.1.7"),
    ("Neighbor Peer 2 Address", ""),
    ("SIP Port", "5061"),
    ("Match", "token: x"),
    ("Key 7", "116341Y50-1-60BAD5CD"),
]
CONFIGURATION = [
    *exports.configuration(PEER),
    *((f"Zones Zone {n} {word}", value) for n in range(1, 40) for word, value in ZONE),
]
STATUS = [*exports.status(PEER, AS_OF), *((f"Zones Zone {n} SIP Mode", "On") for n in range(1, 40))]


def harvested(reader: reading.Reader, data: bytes, chunk: int = 1 << 20, cut: bool = False) -> tuple[Any, ...]:
    """Return all that reading gives, each row with its source opened."""
    left = [data[at : at + chunk] for at in range(0, len(data), chunk)]

    def read(_: int) -> bytes:
        if not left and cut:
            raise CutShortError("cut")
        return left.pop(0) if left else b""

    harvest = Harvest(SourceBook().open("x"))
    error = None
    try:
        reader.read(Member("x", left.pop(0) if left else b"", read), harvest)
    except (CutShortError, reading.TooMuchError) as raised:
        error = str(raised)
    book = harvest.sources
    rows = {table: [(row[:-1], book.at(row[-1])) for row in found] for table, found in harvest.rows.items()}
    return rows, harvest.issues, error, harvest.complete, harvest.last_time, harvest.lines


def closely(reader: reading.Reader, data: bytes, **how: Any) -> tuple[Any, ...]:
    """Return what reading gives where nothing is taken in bulk."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(skim.Skimmer, "skim", lambda *_: None)
        patched.setattr(xconfiguration, "_form", lambda _: None)
        return harvested(reader, data, **how)


def blocks(reader: reading.Reader, data: bytes) -> int:
    """Return how many settings are taken in bulk."""
    harvest = Harvest(SourceBook().open("x"))
    reader.read(Member("x", data, lambda _: b""), harvest)
    return sum(len(part) for part in harvest.rows["settings"]._parts if isinstance(part, Block))


TEXT = exports.configuration_text(CONFIGURATION).encode()
XML = exports.xml("Configuration", CONFIGURATION, "X14.3.4").encode()
STATUS_XML = exports.xml("Status", STATUS, "X14.3.4").encode()
SAMPLES = {
    "text": (xconfiguration.READER, TEXT),
    "configuration": (xml.READERS["configuration"], XML),
    "status": (xml.READERS["status"], STATUS_XML),
    "status on one line": (xml.READERS["status"], b"".join(line.strip() for line in STATUS_XML.splitlines())),
    "without items": (xml.READERS["configuration"], XML.replace(b' item="1"', b"")),
    "empty elements": (xml.READERS["configuration"], XML.replace(b"></Address>", b"/>").replace(b'"/>', b'" />', 3)),
    "windows": (xml.READERS["configuration"], XML.replace(b"\n", b"\r\n")),
    "other encoding": (
        xml.READERS["configuration"],
        XML.replace(b"UTF-8", b"iso-8859-1").replace(b"a &amp; b", b"caf\xe9"),
    ),
    "text of a terminal": (xconfiguration.READER, TEXT.replace(b"\n", b"\r\n").replace(b"*c ", b"", 40)),
}
PIECES = (
    *('"', " ", "\n", "\r\n", "\r", "\t", ":", ": ", '"On"', "*c ", "xConfiguration ", "\0", "\1", "\x85", "&amp;"),
    *(
        "&#65;",
        "&x;",
        "<!-- x -->",
        "<![CDATA[",
        "]]>",
        "<?x?>",
        "</",
        "<",
        ">",
        "/>",
        "<A>",
        "</A>",
        "<B/>",
        "=",
        "%s",
    ),
    *('<A item="5">x</A>', ' item="2"', " a='b'", "token: x", "{cipher}", "-1-60BAD5CD", "\n\n", "é", "\ufffd", "٣"),
    *(
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "-----END RSA PRIVATE KEY-----\n",
        "Password",
        "<!DOCTYPE a>",
        "password: y",
    ),
    *("</Zone>", "</Zones>", "</Configuration>", "<Warning item='3'><Reason>x</Reason></Warning>", "<x:A>1</x:A>"),
    *("</>", "</zone>", "</Name >", "</Name\n>", '</Name item="1">', "<1>x</1>", '<A item="5" item="6">x</A>', "<x:A>"),
    *(
        "\x0b",
        "\x1c",
        "\x7f",
        "\ufffe",
        "\ufeff",
        "&lt",
        "&nbsp;",
        '="12"',
        ' item="12"',
        'item="&#10;"',
        "{0}",
        "{",
        "%",
    ),
    *(
        '<A item="12"><B item="34">x</B></A>',
        '<A item="12"/>',
        "<A/></A>",
        "<A></A>",
        "</A><A>",
        "<A>x</A>y",
        ">",
        "\xa0",
    ),
)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("piece", [1 << 20, 3000, 501])
def test_bulk_gives_what_a_close_look_gives(monkeypatch, name: str, piece: int) -> None:
    monkeypatch.setattr(xml, "_FEED", min(piece, 1 << 16))
    reader, data = SAMPLES[name]

    assert harvested(reader, data, chunk=piece) == closely(reader, data, chunk=piece)
    assert len(harvested(reader, data)[0]["settings"]) >= 60


@pytest.mark.parametrize(("name", "least"), [("text", 322), ("configuration", 260), ("empty elements", 250)])
def test_most_of_a_plain_dump_is_taken_in_bulk(monkeypatch, name: str, least: int) -> None:
    monkeypatch.setattr(xml, "_FEED", 2000)

    assert blocks(*SAMPLES[name]) >= least


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(PIECES)), max_size=4),
    st.integers(200, 4000),
    st.floats(0.05, 1),
    st.booleans(),
)
def test_whatever_stands_in_a_dump(
    name: str, edits: list[tuple[float, int, str]], piece: int, end: float, cut: bool
) -> None:
    reader, data = SAMPLES[name]
    for place, gone, text in edits:
        at = int(place * len(data))
        data = data[:at] + text.encode() + data[at + gone :]
    data = data[: int(end * len(data))]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(xml, "_FEED", piece)
        assert harvested(reader, data, chunk=piece, cut=cut) == closely(reader, data, chunk=piece, cut=cut)


def test_the_real_status(real, monkeypatch) -> None:
    monkeypatch.setattr(xml, "_FEED", 4000)
    data = (real / "samples" / "status-x8.11.3-vm-standalone.xml").read_bytes()

    assert harvested(xml.READERS["status"], data) == closely(xml.READERS["status"], data)
    assert blocks(xml.READERS["status"], data) > 500


@pytest.mark.parametrize("name", ["text", "configuration"])
@pytest.mark.parametrize("most", [1, 50, 100, 315])
def test_no_more_rows_than_are_allowed(monkeypatch, name: str, most: int) -> None:
    monkeypatch.setattr(reading, "MAX_ROWS", most)
    monkeypatch.setattr(xml, "_FEED", 3000)
    reader, data = SAMPLES[name]
    found = harvested(reader, data)

    assert found == closely(reader, data)
    assert len(found[0]["settings"]) == most
    assert "more than" in found[2]


def test_no_secret_is_kept_in_bulk() -> None:
    for name in ("text", "configuration"):
        reader, data = SAMPLES[name]
        harvest = Harvest(SourceBook().open("x"))
        reader.read(Member("x", data, lambda _: b""), harvest)
        kept = "".join(repr(part) for part in harvest.rows["settings"]._parts)

        assert MASK in kept
        assert "cipher" not in kept
        assert "token: x" not in kept
        assert "60BAD5CD" not in kept


def test_rows_are_found_by_number_and_slice() -> None:
    reader, data = SAMPLES["text"]
    harvest = Harvest(SourceBook().open("x"))
    reader.read(Member("x", b"OK\nx\n" + data + b'xConfiguration  A  B: "1"\n' + data, lambda _: b""), harvest)
    rows = harvest.rows["settings"]
    plainly = [*rows]

    assert len(rows._parts) == 3
    assert [rows[n] for n in range(len(rows))] == plainly
    assert rows[-1] == plainly[-1]
    assert list(rows[315:330]) == plainly[315:330]
    assert problems("settings", frame("settings", rows)) == []
    assert rows.last_sources(lambda _: 0) == {0: plainly[-1].source}
    with pytest.raises(IndexError):
        rows[len(rows)]


def test_the_model_looks_at_every_row_that_a_field_may_stand_in(monkeypatch) -> None:
    reader, data = SAMPLES["text"]
    harvest = Harvest(SourceBook().open("x"))
    odd = b'*c xConfiguration Foo Cluster-Configuration TLS_Verify: "On"\n*c ETHERNET 123456789 IP_ V4 Address: "1"\n'
    reader.read(Member("x", data + odd, lambda _: b""), harvest)
    rows = harvest.rows["settings"]
    few, every = Settings(rows.where(tells)), Settings(rows)

    assert 20 < sum(1 for _ in rows.where(tells)) < len(rows) / 2
    for field in ("tls_verification_mode", "host_name", "h323_mode", "cluster_name"):
        assert few.value(field) == every.value(field)
        assert few.value(field).known
    for field in ("ipv4", "peer_address", "dns_server"):
        assert few.values(field) == every.values(field)


def test_a_doctype_is_refused_whatever_follows(tmp_path: Path) -> None:
    dump = tmp_path / "x.xml"
    dump.write_bytes(XML.replace(b"<Configuration", b"<!DOCTYPE a>\n<Configuration", 1))

    with pytest.raises(NothingReadableError, match="DOCTYPE"):
        cases.load(dump)


def test_a_line_with_a_placeholder_is_looked_at_closely() -> None:
    parts = [
        *plain.split('*c xConfiguration A B: "\1"', 7, "configuration", xconfiguration._form, SourceBook().open("x"))
    ]

    assert parts == [(7, '*c xConfiguration A B: "\1"')]
