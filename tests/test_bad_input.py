"""Bad input of every kind: a clear issue or error, the exit status of the contract, the rest still judged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import expdiag
from expdiag.errors import ExpdiagError
from expdiag.intake.detect import text_readers
from expdiag.intake.prompts import prompt
from expdiag.intake.xml import READERS as XML_READERS
from expdiag.scenarios import authority
from expdiag.scenarios.spec import AS_OF, healthy
from expdiag.scenarios.write import bundle, tar_gz
from tests.conftest import CASES, ROOT, run

CLUSTER = healthy()
GOOD = tar_gz(bundle(CLUSTER.peers[0], CLUSTER), AS_OF)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 40


def check(folder: Path, *arguments: str) -> tuple[int, dict, str]:
    done = run("check", folder, "--format", "json", *arguments)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def test_an_empty_folder(tmp_path: Path) -> None:
    status, said, error = check(tmp_path)

    assert (status, said["findings"], said["peers"]) == (3, [], [])
    assert "nothing readable" in error


def test_a_folder_of_holiday_photos(files) -> None:
    status, said, _ = check(files({"beach.jpg": JPEG, "dinner/cake.png": b"\x89PNG\r\n\x1a\n" + bytes(100)}))

    assert status == 3
    assert {(issue["kind"], issue["file"]) for issue in said["issues"]} == {
        ("foreign", "beach.jpg"),
        ("foreign", "dinner/cake.png"),
    }


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    status, _, error = check(tmp_path / "nowhere")

    assert status == 3
    assert "nowhere" in error


def test_photos_beside_a_bundle_do_not_disturb(files) -> None:
    status, said, _ = check(files({"e1.tar.gz": GOOD, "beach.jpg": JPEG}))

    assert status == 0
    assert [peer["peer"] for peer in said["peers"]] == ["e1", "e2", "e3"]


def test_a_bundle_with_only_the_log_in_it(files) -> None:
    members = {n: c for n, c in bundle(CLUSTER.peers[1], CLUSTER).items() if n.startswith("logging")}

    status, said, _ = check(files({"e2.tar.gz": tar_gz(members, AS_OF)}))

    assert status == 0
    assert [(peer["peer"], peer["version"]) for peer in said["peers"]] == [("e1", None), ("e2", None), ("e3", None)]
    assert {f["outcome"] for f in said["findings"] if f["rule"] == "software-versions-match"} == {"unknown"}


@pytest.mark.parametrize("padding", [0, 200_000])
def test_a_doctype_is_refused_wherever_it_stands(files, padding: int) -> None:
    bomb = (
        f"<!--{'x' * padding}-->" + '<!DOCTYPE Status [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
        "<Status><SystemUnit><Name>&b;</Name></SystemUnit></Status>"
    )

    status, said, _ = check(files({"s.xml": bomb, "e1.tar.gz": GOOD}))

    assert status == 0
    assert next(issue["kind"] for issue in said["issues"] if issue["file"] == "s.xml") == "doctype"


@pytest.mark.parametrize("ending", ["", "</Status", "<Name>e1", '<Name item="1'])
def test_xml_that_ends_too_early_keeps_what_it_said(files, ending: str) -> None:
    text = f"<Status><SystemUnit><Software><Version>X14.3.4</Version></Software>{ending}"

    case = expdiag.load(files({"e1/s.xml": text, "x.txt": "*c xConfiguration H323 Mode: On\n"}))

    assert "truncated" in {issue.kind for issue in case.all_issues if issue.file == "e1/s.xml"}
    assert "X14.3.4" in {row.value for row in case.dossier.rows["settings"]}


def test_two_bundles_of_one_peer_the_newer_counts(files) -> None:
    old = CLUSTER.changed("e1", version="X14.3.1", h323="Off")
    old = type(old)(**{name: getattr(old, name) for name in old.__slots__} | {"as_of": AS_OF.replace(day=1, month=3)})
    folder = files({"a.tar.gz": GOOD, "b.tar.gz": tar_gz(bundle(old.peers[0], old), AS_OF)})

    status, said, _ = check(folder)

    assert status == 0
    assert [peer["peer"] for peer in said["peers"]] == ["e1", "e2", "e3"]
    assert said["peers"][0]["version"] == "X14.3.4"
    assert {issue["file"].partition("!")[0] for issue in said["issues"]} == {"b.tar.gz"}
    assert "older-bundle" in {issue["kind"] for issue in said["issues"]}


@pytest.fixture(scope="module")
def gigabyte(tmp_path_factory) -> Path:
    """Return a case with a bundle and a file of 1 GB without a line end; tests change how it begins."""
    folder = tmp_path_factory.mktemp("gigabyte")
    (folder / "e1.tar.gz").write_bytes(GOOD)
    with (folder / "huge.txt").open("wb") as file:
        for _ in range(1024):
            file.write(b"x" * (1 << 20))
    yield folder
    (folder / "huge.txt").unlink()


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        ("*c xConfiguration SystemUnit Name: ", "line-too-long"),
        ("<Status><SystemUnit><Name>", "line-too-long"),
        ('<Status><SystemUnit Name="', "line-too-long"),
        ("-----BEGIN CERTIFICATE-----\n", "line-too-long"),
        ("2026-05-01T12:00:00.000+00:00 e1 tvcs: ", "line-too-long"),
        ("\0", "foreign"),
    ],
)
def test_a_gigabyte_on_one_line(gigabyte: Path, start: str, kind: str) -> None:
    with (gigabyte / "huge.txt").open("r+b") as file:
        file.write(start.encode().ljust(100, b"x"))
    program = (
        "import sys; from expdiag.cli import main; status = main(sys.argv[1:]);"
        "own = open('/proc/self/status').read();"  # a fresh process inherits the peak that getrusage would tell
        "print(own.partition('VmHWM:')[2].split()[0], file=sys.stderr); sys.exit(status)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, "check", gigabyte, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert kind in {issue["kind"] for issue in said["issues"] if issue["file"] == "huge.txt"}
    assert int(done.stderr.split()[-1]) < 200_000, "peak memory in kB"


def test_a_file_without_read_permission(files) -> None:
    """Root may read everything, so the capability to do so is taken away for the run."""
    folder = files({"e1.tar.gz": GOOD, "closed/x.txt": "*c xConfiguration H323 Mode: On\n"})
    (folder / "closed" / "x.txt").chmod(0)
    command = [sys.executable, "-m", "expdiag", "check", folder, "--format", "json"]
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("running as root, and setpriv is not installed to give that up")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]

    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    assert ("unreadable", "closed/x.txt") in {(i["kind"], i["file"]) for i in json.loads(done.stdout)["issues"]}


def test_a_lone_private_key(files) -> None:
    status, said, _ = check(files({"key.pem": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"}))

    assert status == 3
    assert [issue["kind"] for issue in said["issues"]] == ["secret"]


def test_the_dump_of_an_endpoint_is_called_that(files) -> None:
    text = '*s Call 3 Status: "Connected"\n*s Audio Volume: 50\n** end\n'

    _, said, _ = check(files({"xstatus.txt": text}))

    assert "endpoint" in said["issues"][0]["text"]


def test_text_that_two_readers_claim_alike_is_not_guessed(files) -> None:
    text = "begun\n*c xConfiguration H323 Mode: On\n--- 10.0.0.1 ping statistics ---\n"

    _, said, _ = check(files({"mixed.txt": text}))

    assert [issue["kind"] for issue in said["issues"]] == ["ambiguous"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[case]\nnam = 'x'\n", ["'nam'", "'name'"]),
        ("[clusters]\n", ["'clusters'", "'cluster'"]),
        ("[peers.e1]\nplatfrom = 'Medium'\n", ["'platfrom'", "'platform'"]),
        ("[peers.e1]\nplatform = 'Huge'\n", ["Huge", "Medium"]),
        ("[cluster]\ntls_verification_mode = 'on'\n", ["Enforce", "Permissive"]),
        ("[services]\nmra = 'yes'\n", ["services.mra", "true or false"]),
        ("[[accepted]]\nrule = 'h323-mode'\nreason = 'x'\n", ["h323-mode", "h323-mode-on"]),
        ("[[accepted]]\nrule = 'R26'\n", ["reason"]),
        ("[change]\nstart = 2026-05-01T08:00:00Z\n", ["kind"]),
        ("[case]\nas_of = 'yesterday'\n", ["case.as_of"]),
        ("case = 3\n", ["[case]"]),
        ("[case\n", ["not valid TOML"]),
    ],
)
def test_a_case_file_that_cannot_be_used_says_why(files, text: str, words: list[str]) -> None:
    done = run("check", files({"e1.tar.gz": GOOD, "case.toml": text}))

    assert done.returncode == 2
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


SAMPLES = [
    *(content for member in bundle(CLUSTER.peers[0], CLUSTER).items() for content in [member[1][:3000]]),
    (CASES / "healthy-e" / "probes" / "e1" / "ping-e2.txt").read_bytes(),
    authority.root_pem(),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SAMPLES), st.data())
def test_any_bytes_give_rows_or_issues_and_no_other_exception(tmp_path_factory, sample: bytes, data) -> None:
    cut = data.draw(st.integers(0, len(sample)))
    junk = data.draw(st.binary(max_size=60))
    content = sample[:cut] + junk + sample[cut + data.draw(st.integers(0, 80)) :]
    folder = tmp_path_factory.mktemp("any")
    (folder / "any.txt").write_bytes(content)
    try:
        case = expdiag.load(folder)
    except ExpdiagError:
        return
    expdiag.check(case)
    for name, frame in case.tables.items():
        assert expdiag.tables.problems(name, frame) == []


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    '*c xConfiguration H323 Mode: "On"',
                    "OK",
                    "",
                    "*c xConfiguration",
                    "Ethernet 1 Speed: Auto",
                    "nonsense",
                ]
            ),
            st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=40),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_every_line_of_a_configuration_is_a_row_an_issue_or_blank(tmp_path_factory, text: list[str]) -> None:
    folder = tmp_path_factory.mktemp("lines")
    lines = ['*c xConfiguration SystemUnit Name: "a"'] * (len(text) + 1) + text
    (folder / "x.txt").write_text("\n".join(lines), encoding="utf-8")

    case = expdiag.load(folder)

    rows = {case.sources[row.source].line for row in case.dossier.rows["settings"]}
    issues = {issue.line for issue in case.all_issues}
    for number, line in enumerate(lines, start=1):
        said = line.strip().casefold()
        structure = said in ("", "ok", "*c/end") or said.startswith("xconfiguration") or prompt(line)
        assert structure or number in rows | issues, line


def test_every_reader_has_a_name_of_its_own() -> None:
    kinds = [reader.kind for reader in (*text_readers(), *XML_READERS.values())]

    assert len(set(kinds)) == len(kinds)
