"""Files of certificates: PEM as it comes, DER, PKCS#7, keys, roles and the order of chains."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

import expdiag
from expdiag.evidence import FileSources
from expdiag.intake import certificates
from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest
from tests.odd_certificates import (
    CA,
    CLIENT_AUTH,
    certificate,
    chain,
    cn,
    ec_key,
    ed25519_key,
    pem,
    pkcs7,
    purposes,
    rsa_key,
    signed,
)

SERVER, MIDDLE, ROOT = chain()
OTHER = signed(cn("Other CA"), cn("Other CA"), ed25519_key(8), ed25519_key(8), (CA,))
RENEWED = signed(cn("Odd Middle CA"), cn("Odd Root CA"), ed25519_key(9), ed25519_key(1), (CA,))
GOOD = '*c xConfiguration IP DNS Hostname: "e1"\n'


def load(files, content: str | bytes, name: str = "server_e1.pem") -> tuple[list[expdiag.tables.Certificate], list]:
    case = expdiag.load(files({name: content, "z/z.txt": GOOD}))
    return list(case.dossier.rows["certificates"]), [
        issue for issue in case.all_issues if issue.file == name and issue.kind != "unassigned"
    ]


WHOLE = pem(SERVER) + pem(MIDDLE)
TOLERATED: dict[str, str | bytes] = {
    "as it is": WHOLE,
    "line ends of Windows": WHOLE.replace("\n", "\r\n"),
    "line ends of old Macs": WHOLE.replace("\n", "\r"),
    "no line end at the end": WHOLE.rstrip(),
    "indented": "".join(f"  \t{line}\n" for line in WHOLE.splitlines()),
    "blanks at the end": WHOLE.replace("\n", " \t\n"),
    "blank lines": WHOLE.replace("\n", "\n\n"),
    "run together": WHOLE.replace("-----\n-----BEGIN", "----------BEGIN"),
    "on one line": WHOLE.replace("\n", ""),
    "UTF-16": WHOLE.encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + WHOLE.encode("utf-16-be"),
    "byte order mark": b"\xef\xbb\xbf" + WHOLE.encode(),
    "headers": WHOLE.replace("CERTIFICATE-----\nM", "CERTIFICATE-----\nX-Peer: e1\nX-Use: server\n\nM"),
    "bags": f"Bag Attributes\n    friendlyName: e1\n    localKeyID: D7 47 \n    1.3.6.1.4.1.311.17.3.20: 7A 16\n"
    f"    Microsoft CSP Name: x y\nsubject=CN = e1\nissuer=CN = x\n{pem(SERVER)}"
    f"Key Attributes: <No Attributes>\n{pem(MIDDLE)}",
    "comments and subjects": f"# server\n 0 s:CN = a\n   i:CN = b\n{pem(SERVER)}"
    f"subject= /CN=b\nissuer= /CN=c\n{pem(MIDDLE)}",
    "old label": WHOLE.replace(" CERTIFICATE-", " X509 CERTIFICATE-"),
    "trusted": pem(SERVER + bytes.fromhex("300c300a06082b06010505070301"), "TRUSTED CERTIFICATE") + pem(MIDDLE),
}


@pytest.mark.parametrize("what", TOLERATED)
def test_what_stands_around_certificates_does_not_matter(files, what: str) -> None:
    rows, issues = load(files, TOLERATED[what])

    assert [(r.role, r.position, r.issued_by, r.common_name) for r in rows] == [
        ("server", 1, 2, "e1.example.com"),
        ("chain", 2, None, "Odd Middle CA"),
    ]
    assert issues == []


def test_certificates_printed_before_their_blocks(files, openssl: str) -> None:
    said = subprocess.run([openssl, "x509", "-text"], input=pem(SERVER).encode(), capture_output=True, check=True)

    rows, issues = load(files, said.stdout)

    assert ([row.common_name for row in rows], issues) == (["e1.example.com"], [])


def test_other_lines_are_reported_one_by_one(files) -> None:
    rows, issues = load(files, f"one\n{pem(SERVER)}\ntwo password=hunter2\n{'A' * 64}\n")

    assert len(rows) == 1
    lines = len(pem(SERVER).splitlines())
    assert [(i.kind, i.line, i.text) for i in issues] == [
        ("unrecognised", 1, "one"),
        ("unrecognised", lines + 3, "two password=‹secret›"),
        ("unrecognised", lines + 4, "a line of base64 that is in no block"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (pem(SERVER).replace("M", "*", 1) + pem(MIDDLE), [("broken", 1)]),
        (pem(SERVER)[:200] + "\n" + pem(MIDDLE), [("truncated", 1)]),
        (pem(MIDDLE) + pem(SERVER)[:200], [("truncated", len(pem(MIDDLE).splitlines()) + 1)]),
        (pem(b"\x30\x03abc") + pem(MIDDLE), [("broken", 1)]),
        (pem(b"") + pem(MIDDLE), [("broken", 1)]),
        (pem(b"csr", "CERTIFICATE REQUEST") + pem(MIDDLE), [("unrecognised", 1)]),
        ("-----END CERTIFICATE-----\n" + pem(MIDDLE), [("truncated", 1)]),
        (pem(MIDDLE) + pem(pkcs7(SERVER)[:-40], "PKCS7"), [("truncated", len(pem(MIDDLE).splitlines()) + 1)]),
    ],
)
def test_one_broken_block_does_not_cost_another(files, text: str, expected: list[tuple[str, int]]) -> None:
    rows, issues = load(files, text)

    assert [row.common_name for row in rows] == ["Odd Middle CA"]
    assert [(i.kind, i.line) for i in issues] == expected


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("e1.cer", SERVER, [("server", 1, None)]),
        ("e1.der", SERVER + MIDDLE, [("server", 1, 2), ("chain", 2, None)]),
        ("e1.p7b", pkcs7(SERVER, MIDDLE, ROOT), [("server", 1, 2), ("chain", 2, 3), ("chain", 3, None)]),
        ("e1.p7b", pkcs7(ROOT, SERVER, MIDDLE), [("chain", 1, None), ("server", 2, 3), ("chain", 3, 1)]),
        ("e1.p7c", pem(pkcs7(MIDDLE, SERVER), "PKCS7"), [("chain", 1, None), ("server", 2, 1)]),
        ("cas.p7b", pkcs7(ROOT, MIDDLE), [("ca", 1, None), ("ca", 2, 1)]),
        ("none.p7b", pkcs7(), []),
    ],
)
def test_der_and_pkcs7(files, name: str, content: str | bytes, expected: list[tuple]) -> None:
    rows, issues = load(files, content, name)

    assert [(row.role, row.position, row.issued_by) for row in rows] == expected
    assert [issue.kind for issue in issues] == ([] if expected else ["empty"])


def test_pkcs7_of_openssl(files, openssl: str, tmp_path: Path) -> None:
    (tmp_path / "all.pem").write_text(pem(SERVER) + pem(MIDDLE))
    made = subprocess.run(
        [openssl, "crl2pkcs7", "-nocrl", "-certfile", tmp_path / "all.pem", "-outform", "DER"],
        capture_output=True,
        check=True,
    ).stdout

    rows, issues = load(files, made, "x.p7b")

    assert ([row.issued_by for row in rows], issues) == ([2, None], [])


def test_a_cut_der_file_keeps_what_came_before(files) -> None:
    rows, issues = load(files, pkcs7(SERVER, MIDDLE)[:-60], "x.p7b")

    assert [row.common_name for row in rows] == ["e1.example.com"]
    assert [issue.kind for issue in issues] == ["truncated"]


ENCODING, FORMAT = serialization.Encoding, serialization.PrivateFormat
OPEN, LOCKED = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"x")
KEYS = {
    "PKCS#8": rsa_key("odd").private_bytes(ENCODING.DER, FORMAT.PKCS8, OPEN),
    "PKCS#8, Ed25519": ed25519_key(7).private_bytes(ENCODING.DER, FORMAT.PKCS8, OPEN),
    "PKCS#8, encrypted": ec_key(7).private_bytes(ENCODING.DER, FORMAT.PKCS8, LOCKED),
    "PKCS#1": rsa_key("odd").private_bytes(ENCODING.DER, FORMAT.TraditionalOpenSSL, OPEN),
    "SEC 1": ec_key(7).private_bytes(ENCODING.DER, FORMAT.TraditionalOpenSSL, OPEN),
    "PKCS#12": pkcs12.serialize_key_and_certificates(
        b"e1", ed25519_key(3), x509.load_der_x509_certificate(SERVER), None, LOCKED
    ),
    "Java": b"\xfe\xed\xfe\xed\0\0\0\2" + b"secret" * 40,
    "PuTTY": b"PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nPrivate-Lines: 1\nc2VjcmV0c2VjcmV0\n",
}


@pytest.mark.parametrize("cut", [None, 40])
@pytest.mark.parametrize("what", KEYS)
def test_keys_are_reported_and_nothing_of_them_is_kept(files, what: str, cut: int | None) -> None:
    data = KEYS[what][:cut]
    case = expdiag.load(files({"key.der": data, "z.txt": GOOD}))

    assert [i.kind for i in case.all_issues if i.file == "key.der"] == ["secret"]
    shown = "".join(frame.to_json(default_handler=str, date_format="iso") for frame in case.tables.values())
    for start in range(len(data) - 12, 24, -12):
        piece = data[start : start + 12]
        assert piece.hex() not in shown
        assert base64.b64encode(piece).decode() not in shown


KEY = pem(KEYS["PKCS#8"], "PRIVATE KEY")


@pytest.mark.parametrize(
    "text",
    [
        pem(SERVER) + KEY + pem(MIDDLE),
        (pem(SERVER) + KEY + pem(MIDDLE)).replace("-----\n-----BEGIN", "----------BEGIN"),
        (pem(SERVER) + KEY + pem(MIDDLE)).replace("\n", ""),
        pem(SERVER) + KEY.replace("PRIVATE", "ENCRYPTED PRIVATE") + pem(MIDDLE),
        pem(SERVER) + KEY.replace("PRIVATE KEY", "PGP PRIVATE KEY BLOCK") + pem(MIDDLE),
        pem(SERVER) + pem(KEYS["PKCS#1"], "CERTIFICATE") + pem(MIDDLE),
        pem(SERVER) + KEY.partition("\n")[2] + pem(MIDDLE),
        pem(SERVER) + "".join(f" > {line}\n" for line in KEY.splitlines()[3:]) + pem(MIDDLE),
        pem(SERVER) + pem(KEYS["PKCS#12"], "PKCS12") + pem(MIDDLE),
        pem(SERVER) + KEY.rpartition("-----END")[0] + pem(MIDDLE),
        pem(SERVER) + "".join(f"\t{line}\n" for line in KEY.splitlines()) + pem(MIDDLE),
    ],
)
def test_a_key_between_certificates_costs_none_of_them(files, text: str) -> None:
    case = expdiag.load(files({"server_e1.pem": text, "z.txt": GOOD}))

    assert [row.issued_by for row in case.dossier.rows["certificates"]] == [2, None]
    assert "secret" in {issue.kind for issue in case.all_issues}
    shown = "".join(frame.to_json(default_handler=str, date_format="iso") for frame in case.tables.values())
    assert not any(line in shown for line in KEY.splitlines()[1:-1])


BOTH = pem(SERVER) + pem(MIDDLE)
LONE_CLIENT = signed(cn("e1"), cn("Odd Middle CA"), ed25519_key(5), ed25519_key(2), (purposes(CLIENT_AUTH),))
OLD_ROOT = certificate(version=1, extensions=None, subject=cn("Old Root"))


@pytest.mark.parametrize(
    ("name", "content", "roles"),
    [
        ("server_e1_2026-05-01_12:00:00.pem", BOTH, ["server", "chain"]),
        ("client_e1_2026-05-01_12:00:00.pem", BOTH, ["client", "chain"]),
        ("e1.tar!clientcert.pem", BOTH, ["client", "chain"]),
        ("ca_e1_2026-05-01_12:00:00.pem", BOTH, ["ca", "ca"]),
        ("trust_store.pem", BOTH, ["ca", "ca"]),
        ("rest/e1/api/provisioning/certs/root", BOTH, ["ca", "ca"]),
        ("rest/e1/provisioning_certs_root.txt", BOTH, ["ca", "ca"]),
        ("rest/e1/api/provisioning/certs/server", pem(ROOT), ["server"]),
        ("rest/e1/api/provisioning/certs/client.pem", BOTH, ["client", "chain"]),
        ("clients/e1.pem", BOTH, ["server", "chain"]),
        ("call.pem", BOTH, ["server", "chain"]),
        ("x.pem", pem(MIDDLE) + pem(ROOT), ["ca", "ca"]),
        ("x.pem", pem(OLD_ROOT) + pem(ROOT), ["ca", "ca"]),
        ("x.pem", pem(OLD_ROOT), ["server"]),
        ("x.pem", pem(LONE_CLIENT), ["client"]),
        ("client_x.pem", pem(ROOT), ["client"]),
    ],
)
def test_roles(files, name: str, content: str, roles: list[str]) -> None:
    rows, _ = load(files, content, name)

    assert [row.role for row in rows] == roles


@pytest.mark.parametrize(
    ("ders", "issued_by", "said"),
    [
        ([SERVER], [None], []),
        ([SERVER, MIDDLE, ROOT], [2, 3, None], []),
        ([SERVER, ROOT, MIDDLE], [3, None, 2], ["chain is not in order"]),
        ([MIDDLE, SERVER], [None, 1], ["chain is not in order"]),
        ([SERVER, MIDDLE, OTHER], [2, None, None], ["certificate 3 (CN=Other CA) does not belong"]),
        ([SERVER, OTHER, MIDDLE], [3, None, None], ["certificate 2 (CN=Other CA) does not belong"]),
        ([SERVER, RENEWED], [None, None], ["it has the name of the issuer of certificate 1, but another key"]),
        ([SERVER, RENEWED, MIDDLE], [3, None, None], ["certificate 2 (CN=Odd Middle CA) does not belong"]),
        ([SERVER, MIDDLE, MIDDLE], [2, None, None], ["certificate 3 (CN=Odd Middle CA) is there a second time"]),
        ([SERVER, ROOT], [None, None], ["certificate 2 (CN=Odd Root CA) does not belong"]),
    ],
)
def test_the_order_of_a_chain(files, ders: list[bytes], issued_by: list[int | None], said: list[str]) -> None:
    rows, issues = load(files, "".join(map(pem, ders)))

    assert [row.issued_by for row in rows] == issued_by
    assert [issue.kind for issue in issues] == ["chain"] * len(said)
    assert all(words in issue.text for words, issue in zip(said, issues, strict=True))


def test_a_store_has_no_order(files) -> None:
    rows, issues = load(files, pem(ROOT) + pem(OTHER) + pem(SERVER) + pem(MIDDLE), "ca_e1.pem")

    assert ([row.issued_by for row in rows], issues) == ([None, None, 4, 1], [])


def test_what_may_be_missing_does_not_make_another_a_stranger(files) -> None:
    _, issues = load(files, pem(SERVER) + pem(MIDDLE[:-9]) + pem(ROOT))

    assert [issue.kind for issue in issues] == ["broken"]


def test_who_signed_agrees_with_openssl(tmp_path: Path, openssl: str) -> None:
    for name, data in (("server", SERVER), ("middle", MIDDLE), ("root", ROOT), ("renewed", RENEWED)):
        (tmp_path / name).write_text(pem(data))

    def verified(middle: str) -> bool:
        command = [openssl, "verify", "-attime", "1777636800", "-CAfile", "root", "-untrusted", middle, "server"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0

    assert verified("middle")
    assert not verified("renewed")


def test_other_formats_can_hand_over_what_they_quote() -> None:
    harvest = Harvest(FileSources(0, "s_client.txt"))
    numbered = list(enumerate(BOTH.splitlines(), start=20))

    first = certificates.from_pem(numbered, "presented", harvest)
    second = certificates.from_der([ROOT], "ca", harvest, -7)

    assert [(r.role, r.position, r.issued_by) for r in (*first, *second)] == [
        ("presented", 1, 2),
        ("presented", 2, None),
        ("ca", 3, None),
    ]
    assert harvest.rows["certificates"] == [*first, *second]
    lines = [harvest.sources.at(place).line for place in range(2)]
    assert (lines, len(harvest.sources), harvest.issues) == ([20, 20 + len(pem(SERVER).splitlines())], 3, [])


@pytest.mark.parametrize("first", ["CONNECTED(00000003)", "Can't use SSL_get_servername\nCONNECTED(00000003)"])
def test_the_output_of_a_tls_client_is_not_for_this_reader(first: str) -> None:
    text = f"{first}\n---\nCertificate chain\n 0 s:CN = x\n{BOTH}---\nSSL handshake has read 3 bytes\n"

    assert certificates.READER.claims(text.splitlines()) == 0
    assert certificates.READER.claims(BOTH.splitlines()) == len(BOTH.splitlines())


def test_a_store_of_150_is_read_in_a_moment(files) -> None:
    roots = [
        signed(cn(f"Root {n % 140}"), cn(f"Root {n % 140}"), ed25519_key(n), ed25519_key(n), (CA,)) for n in range(150)
    ]
    folder = files({"ca_e1.pem": "".join(map(pem, roots))})
    expdiag.load(folder)
    start = time.process_time()
    rows = expdiag.load(folder).dossier.rows["certificates"]

    assert time.process_time() - start < 0.3
    assert len(rows) == 150


def test_a_file_of_one_name_does_not_cost_minutes(files) -> None:
    same = [signed(cn("X"), cn("X"), ed25519_key(n % 250), ed25519_key(251), (CA,)) for n in range(900)]
    start = time.process_time()
    rows, _ = load(files, "".join(map(pem, same)), "ca_x.pem")

    assert time.process_time() - start < 5
    assert len(rows) == 900


def read(data: bytes) -> Harvest:
    harvest = Harvest(FileSources(0, "server_x.pem"))
    certificates.READER.read(Member("server_x.pem", data, lambda _: b""), harvest)
    return harvest


def test_every_cut_keeps_what_came_before() -> None:
    for sixteenth in range(17):
        cut = WHOLE[: len(WHOLE) * sixteenth // 16]
        harvest = read(cut.encode())
        assert len(harvest.rows.get("certificates", [])) == cut.count("-----END CERTIFICATE-----")
        assert bool(harvest.issues) == (cut.rstrip() not in ("", pem(SERVER).rstrip(), WHOLE.rstrip()))


LINES = st.sampled_from(
    [*WHOLE.splitlines(), *KEY.splitlines()[:3], "x", "", "  subject=a", "-----BEGIN X-----", "-----END Y-----"]
)


@settings(deadline=None, max_examples=150)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=100).map(str.encode),
        st.lists(LINES, max_size=30).map(lambda x: "\n".join(x).encode()),
    )
)
def test_any_lines_are_rows_or_issues(data: bytes) -> None:
    harvest = read(data)

    text = data.decode(errors="replace").removeprefix("\ufeff")
    plain = [line.strip() for line in text.replace("\r", "\n").split("\n")]
    if any(line not in ("", "subject=a") and not line.startswith("#") for line in plain):
        assert harvest.rows.get("certificates") or harvest.issues


SAMPLES = Path(__file__).parent / "samples" / "certificates"


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_samples(sample: Path) -> None:
    (raw,) = (path for path in SAMPLES.glob(f"{sample.stem}.*") if path.suffix != ".json")

    case = expdiag.load(raw)

    rows = [
        {field: value for field, value in row._asdict().items() if field != "source"}
        for row in case.dossier.rows["certificates"]
    ]
    assert json.loads(json.dumps(rows, default=str)) == json.loads(sample.read_text())


@pytest.fixture
def openssl() -> str:
    found = shutil.which("openssl")
    if not found:
        pytest.skip("openssl is not installed")
    return found
