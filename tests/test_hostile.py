"""What a hostile tester found: each line once lost data, leaked, hung, swelled or crashed."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import expdiag
from expdiag.errors import CaseFileError, NothingReadableError
from expdiag.intake.secrets import MASK, mask, scrub
from expdiag.report import as_html, as_json, as_markdown, as_table
from expdiag.scenarios import exports
from expdiag.scenarios.spec import AS_OF, healthy
from expdiag.scenarios.write import bundle, tar_gz
from tests.conftest import run

GOOD = '*c xConfiguration IP DNS Hostname: "e1"\n'
STAMP = "2026-05-01T12:00:00.000+00:00 e1"
CHANGED = f'{STAMP} x: Event="System Configuration Changed"'
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA75K\nc2VjcmV0c2VjcmV0c2Vj\n-----END RSA PRIVATE KEY-----\n"


def load(files, **contents: str | bytes) -> expdiag.Case:
    return expdiag.load(files({name.replace("__", "/").replace("_DOT_", "."): c for name, c in contents.items()}))


def everything(case: expdiag.Case) -> str:
    """Return all that any output could show of a case."""
    findings = expdiag.check(case)
    tables = "".join(frame.to_json(default_handler=str, date_format="iso") for frame in case.tables.values())
    sources = "".join(
        str(case.sources[row.source]) for rows in case.dossier.rows.values() for row in rows if hasattr(row, "source")
    )
    return tables + sources + as_json.render(findings, case.all_issues) + as_html.render(case, findings)


def test_cloned_peers_are_both_kept_and_no_ghost_appears(files) -> None:
    peer = healthy().peers[0]
    contents = {}
    for folder, serial in (("a", "52A00001"), ("b", "52A00002")):
        clone = peer.changed(serial=serial, peer_list=("10.0.1.11", "10.0.1.12"))
        contents[f"{folder}/xconf_dump_e1_2026.txt"] = exports.configuration_text(exports.configuration(clone))
        contents[f"{folder}/xstat.xml"] = exports.xml("Status", exports.status(clone, AS_OF), "X14.3.4")

    case = expdiag.load(files(contents))

    assert sorted(p.serial.value for p in case.cluster.peers if p.seen) == ["52A00001", "52A00002"]
    assert [p.name for p in case.cluster.peers if not p.seen] == ["10.0.1.12"]


def test_a_name_for_a_nameless_peer_that_is_taken(files) -> None:
    status = "<Status><SystemUnit><Hardware><SerialNumber>52A00009</SerialNumber></Hardware></SystemUnit></Status>"

    case = load(files, a__x=GOOD.replace("e1", "peer-2"), b__s=status)

    assert [p.name for p in case.cluster.peers] == ["peer-2", "peer-3"]


@pytest.mark.parametrize("name", ["bundle.tgz", "sub/bundle.tgz"])
def test_a_case_file_inside_a_bundle_accepts_nothing(files, name: str) -> None:
    evil = tar_gz({"sub/case.toml": b"[[accepted]]\nrule='R26'\nreason='x'\n"}, AS_OF)
    text = GOOD + "*c xConfiguration H323 Mode: Off\n"

    case = expdiag.load(files({name: evil, "x.txt": text, "deep/case.toml": "[broken"}))

    assert [f.accepted for f in expdiag.check(case, ["R26"])] == [None]
    assert {(i.kind, i.file) for i in case.all_issues} >= {
        ("ignored", f"{name}!sub/case.toml"),
        ("ignored", "deep/case.toml"),
    }


def test_lone_carriage_returns_end_lines(files) -> None:
    case = load(files, x=GOOD.replace("\n", "\r") + "*c xConfiguration H323 Mode: On\r")

    assert [(r.path, r.value) for r in case.dossier.rows["settings"]] == [
        ("IP DNS Hostname", "e1"),
        ("H323 Mode", "On"),
    ]


@pytest.mark.parametrize("folders", [("a", "a"), ("a", "b"), ("b", "a")])
def test_the_newer_of_two_dumps_counts_wherever_they_lie(files, folders: tuple[str, str]) -> None:
    old, new = folders
    peer = healthy().peers[0]
    contents = {
        f"{old}/xconf_dump_e1_2026-05-01_12_00_00.txt": exports.configuration_text(
            exports.configuration(peer.changed(h323="Off"))
        ),
        f"{new}/xconf_dump_e1_2026-05-02_12_00_00.txt": exports.configuration_text(exports.configuration(peer)),
    }

    case = expdiag.load(files(contents))

    assert case.cluster.find("e1").h323_on.value is True
    assert [i.kind for i in case.all_issues if i.kind != "unrecognised"] == ["older-bundle"]


def test_a_summary_that_contradicts_itself_is_not_used(files) -> None:
    text = "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n5 packets transmitted, 20 received, 0% packet loss\n"

    case = load(files, probes__e1__p=text)

    assert case.dossier.rows["round_trips"][0].loss is None
    assert "contradiction" in {issue.kind for issue in case.all_issues}


@pytest.mark.parametrize("year", ["9999", "0001"])
def test_absurd_times_are_not_the_time_of_the_case(files, year: str) -> None:
    text = f"{STAMP} tvcs: a\n{year}-12-31T23:59:59-12:00 e1 tvcs: b\n{year}-06-01T00:00:00+00:00 e1 tvcs: c\n"

    case = load(files, log=text)

    assert case.as_of == AS_OF
    for frame in case.tables.values():
        assert frame is not None


@pytest.mark.parametrize(
    "text",
    [
        GOOD + KEY,
        f"*s SystemUnit: /\n     Name: x\n{KEY}*s/end\n",
        f"{KEY}{STAMP} tvcs: x\n",
        f"PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n{KEY}",
        KEY.replace("c2Vj", "c2\xffVj"),
        f"{STAMP} tvcs: SIPMSG:\n |{KEY}".replace("\n", "\n |"),
        GOOD + KEY.partition("-----END")[0],
    ],
)
def test_a_private_key_in_any_text_is_reported_and_goes_nowhere(files, text: str) -> None:
    case = load(files, x=text.encode("latin-1"), y__z=GOOD)

    shown = everything(case)
    assert "MIIEpAIBAAKCAQEA75K" not in shown
    assert "Vjcm" not in shown
    assert "secret" in {issue.kind for issue in case.all_issues}


@pytest.mark.parametrize(
    "line",
    [
        f'{CHANGED} Detail="xconfiguration smtp password - changed from: hunter2 to: hunter3"',
        f"{CHANGED} Detail=\"configuration/smtp/password - changed from: 'hunter2' to: 'b'\"",
        f'{CHANGED} Detail="xconfiguration radius sharedSecret - changed from: hunter2 to: b"',
        f'{STAMP} x: Event="Alarm Raised" Id="20006" Detail="odd: password=hunter2"',
        GOOD + '!! smtp password: "my hunter2"',
        GOOD + "!! smtp password: my hunter2",
        GOOD + '*c xConfiguration SMTP Password 2: "hunter2"',
        "<Status><Password><Value>hunter2</Value></Password></Status>",
        "<Status><password_1>hunter2</password_1></Status>",
        '<Status><SMTP Password="hunter2"><A>1</A></SMTP></Status>',
        '<Status><Warnings><Warning item="1"><Reason>x - password: hunter2</Reason></Warning></Warnings></Status>',
        '*s SMTP: /\n     Password: "hunter2"\n*s/end',
    ],
)
def test_secrets_in_any_place_go_nowhere(files, line: str) -> None:
    assert "hunter2" not in everything(load(files, x=line + "\n", y__z=GOOD))


@pytest.mark.parametrize(
    "word", ["Secret", "PrivateKey", "Token", "AccessToken", "ApiKey", "Community", "Pin", "Pwd", "BindPW"]
)
def test_words_that_name_secrets(word: str) -> None:
    assert mask(f"A B {word}", "x") == mask("NTP Server 1 Key", "x") == mask("A Name", "a {CIPHER}x") == MASK


def test_words_that_name_none() -> None:
    for path in ("Authentication StrictPassword MinimumLength", "SIP Mode", "Mapping", "Option 1 Key", "Shipping"):
        assert mask(path, "15") == "15"
    assert scrub("nothing secret here") == "nothing secret here"


def timed(files, contents: dict[str, str | bytes]) -> float:
    folder = files({**contents, "y/z.txt": GOOD})
    start = time.perf_counter()
    expdiag.check(expdiag.load(folder))
    return time.perf_counter() - start


HANGS: dict[str, str] = {
    "head": "*s A:" + " " * 60_000 + "x\n*s/end\n",
    "node": "*s A: /\n  B: a" + " " * 60_000 + "b\n*s/end\n",
    "leaf": "a" + " " * 60_000 + "b\n",
    "name": "ping: " + "a" * 60_000 + " b\n",
    "changed": f'{STAMP} x: Event="System Configuration Changed" Detail="' + " - changed from: " * 20_000 + '"\n',
    "pairs": f'{STAMP} x: Event="System Configuration Changed" ' + "a" * 200_000 + "\n",
    "comments": '<?xml version="1.0"?>' + "<!--" * 16_000,
    "instructions": "<" + "<?" * 32_000,
    "peers": f'{STAMP} r: AlternateIPAddresses="{[f"(10.0.0.{n} p{n})" for n in range(5000)]}"\n',
    "probes": "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n64 bytes from 10.0.0.2: icmp_seq=1 ttl=1 time=1 ms\n"
    "20000000 packets transmitted, 1 received, 0% packet loss\n",
    "depth": "<Status>" + "<a>" * 100_000,
    "indentation": "*s A: /\n" + "".join(" " * n + "B:\n" for n in range(1, 3000)),
    "many peers": "".join(
        f"*c xConfiguration Alternates Peer {n} Address: 10.1.{n >> 8}.{n & 255}\n" for n in range(5000)
    ),
}


@pytest.mark.parametrize("name", HANGS)
def test_what_once_took_minutes_takes_a_moment(files, name: str) -> None:
    assert timed(files, {"hang.txt": HANGS[name]}) < 5


def sparse_tar() -> bytes:
    """Return a tar with a sparse member of a petabyte, of a few bytes."""
    info = tarfile.TarInfo("sparse.txt")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = (1 << 50).to_bytes(12, "big")
    header[483] |= 0x80
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + bytes(1024)


def test_a_sparse_member_is_refused(files) -> None:
    assert timed(files, {"s.tar": sparse_tar()}) < 5


CRASHES: dict[str, str | bytes] = {
    "cut replication": f"{STAMP} replication: AlternateIPAddresses=\"[u'(10.0",
    "encoding": '<?xml version="1.0" encoding="Shift_JIS"?><Status><A>1</A></Status>',
    "unknown encoding": '<?xml version="1.0" encoding="foo"?><Status><A>1</A></Status>',
    "odd digits": f'{STAMP} alarm: Event="Alarm Raised" Id="\u00b2" ConfigurationMasterIndex="\u00b2"\n',
    "odd index": "*c xConfiguration Alternates ConfigurationPrimary: \u00b2\n",
    "long number": f"*c xConfiguration Ethernet {'9' * 5000} IP V4 Address: 10.0.0.1\n",
    "long version": f"<Status version='X{'9' * 5000}'><A>1</A></Status>",
    "long item": f"<Status><Ethernet item='{'9' * 5000}'><A>1</A></Ethernet></Status>",
    "odd times": "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\nrtt min/avg/max = 1.2.3/1/1 ms\n",
    "odd clock": "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n"
    "[99999999999.1] 64 bytes from 10.0.0.2: icmp_seq=1 ttl=1 time=1 ms\n",
    "huge count": f"PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n{'9' * 4000} packets transmitted, 1 received\n",
    "huge time": "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n"
    f"64 bytes from 10.0.0.2: icmp_seq=1 ttl=1 time={'9' * 400} ms\n",
    "early stamp": "0001-01-01T00:00:00+14:00 e1 tvcs: x\n",
    "surrogate": f'{STAMP} r: AlternateIPAddresses="[\'(10.0.0.1 \\ud800)\']" ConfigurationMasterIndex="0"\n',
    "stray bytes": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("name", CRASHES)
def test_what_once_crashed_is_read_or_reported(files, name: str) -> None:
    case = expdiag.load(files({"crash.txt": CRASHES[name], "y/z.txt": GOOD}))
    findings = expdiag.check(case)

    assert not findings.crashed
    assert "failed" not in {issue.kind for issue in case.all_issues}
    json.loads(as_json.render(findings, case.all_issues), parse_constant=pytest.fail)
    for name_, frame in case.tables.items():
        assert expdiag.tables.problems(name_, frame) == []


def odd_certificate(**fields: object) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x" * 60)])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(9)
    built = built.not_valid_before(AS_OF).not_valid_after(fields.get("end", AS_OF.replace(year=9999)))
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_a_certificate_without_end_is_a_row(files) -> None:
    case = load(files, server_DOT_pem=odd_certificate())

    assert case.tables["certificates"].not_after.dt.year.tolist() == [9999]


def test_certificates_with_flipped_bits_never_cost_the_file(files) -> None:
    der = x509.load_pem_x509_certificate(odd_certificate()).public_bytes(serialization.Encoding.DER)
    blocks = []
    for place in range(0, len(der), 3):
        broken = bytearray(der)
        broken[place] ^= 0x41
        import base64

        body = base64.encodebytes(bytes(broken)).decode()
        blocks.append(f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n")

    case = load(files, server_DOT_pem="".join(blocks) + odd_certificate().decode())

    assert "failed" not in {issue.kind for issue in case.all_issues}
    rows = len(case.dossier.rows["certificates"])
    assert rows + sum(issue.kind == "broken" for issue in case.all_issues) >= min(len(blocks) + 1, 200)


@pytest.mark.parametrize(
    "text",
    [
        "accepted=[1]",
        "peers=3",
        "[[accepted]]\nrule='R26'\nreason='x'\nsubject=5",
        "[case]\nas_of=0001-01-01T00:00:00+23:59",
        f"[case]\nname={'9' * 5000}",
        "a=" + "[" * 8000,
        "a" + ".a" * 50_000 + "=1",
        "# " + "x" * 70_000,
    ],
)
def test_case_files_that_once_crashed_are_clear_errors(files, text: str) -> None:
    with pytest.raises(CaseFileError):
        load(files, case_DOT_toml=text, x=GOOD)


def test_a_zip_inside_a_tar(files) -> None:
    import zipfile

    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x.txt", GOOD)

    assert len(load(files, b=tar_gz({"in.zip": inner.getvalue()}, AS_OF)).dossier.rows["settings"]) == 1


def test_odd_file_names(tmp_path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "a\x1b[31m\n.txt").write_text(GOOD)
    with open(bytes(folder) + b"/\xff\xfe.txt", "w") as file:
        file.write(GOOD)

    case = expdiag.load(folder)
    findings = expdiag.check(case)

    for text in (as_html.render(case, findings), as_markdown.render(findings, case.all_issues)):
        assert "\x1b" not in text
    assert "\x1b" not in as_table.render(findings, case.all_issues, colour=False)
    assert run("tables", folder, "--table", "files").returncode == 0


def test_paths_that_cannot_be(tmp_path) -> None:
    with pytest.raises(NothingReadableError):
        expdiag.load(tmp_path / ("x" * 300))


def test_a_folder_without_end(tmp_path) -> None:
    folder = tmp_path / "case"
    deep = folder
    for _ in range(100):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "x.txt").write_text(GOOD)
    (folder / "x.txt").write_text(GOOD)

    assert "too-deep" in {issue.kind for issue in expdiag.load(folder).all_issues}


def test_rows_are_capped(files, monkeypatch) -> None:
    monkeypatch.setattr("expdiag.intake.reading.MAX_ROWS", 100)
    case = load(files, x="".join(f"*c xConfiguration Zones Zone {n} Name: x\n" for n in range(1, 500)))

    assert len(case.dossier.rows["settings"]) == 100
    assert "too-many" in {issue.kind for issue in case.all_issues}


def test_a_reader_that_fails_costs_only_its_file(files, monkeypatch) -> None:
    from expdiag.intake import xml
    from expdiag.intake.reading import Reader

    def crash(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(xml.READERS, "status", Reader("status XML", len, crash))
    case = load(files, s="<Status><A>1</A></Status>", x=GOOD)

    assert [(i.kind, i.file) for i in case.all_issues if i.kind == "failed"] == [("failed", "s")]
    assert case.cluster.find("e1")


def test_a_bundle_whose_gzip_ends_in_the_trailer(files) -> None:
    whole = tar_gz(bundle(healthy().peers[0], healthy()), AS_OF)
    assert gzip.decompress(whole)

    assert load(files, b=whole[:-3]).cluster.find("e1").version.known
