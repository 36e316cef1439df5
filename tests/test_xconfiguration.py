"""xConfiguration text: prefix, quotes, spellings, and lines that are none."""

from __future__ import annotations

import pytest

import expdiag


def settings(case: expdiag.Case) -> dict[str, str]:
    return {row.path: row.value for row in case.dossier.rows["settings"]}


@pytest.mark.parametrize(
    ("line", "path", "value"),
    [
        (
            '*c xConfiguration Zones Zone 6 DNS SIP TLS Verify Mode: "On"',
            "Zones Zone 6 DNS SIP TLS Verify Mode",
            "On",
        ),
        ("*c xConfiguration Ethernet 1 IP V4 StaticNAT Mode: On", "Ethernet 1 IP V4 StaticNAT Mode", "On"),
        ("xconfiguration H323 Mode: On", "H323 Mode", "On"),
        ('IP DNS Hostname : "e1"', "IP DNS Hostname", "e1"),
        ('*c IP DNS Server 1 Address: "10.0.0.3"', "IP DNS Server 1 Address", "10.0.0.3"),
        (
            'xConfiguration Alternates 1 Peer Address: "c1.example.com"',
            "Alternates 1 Peer Address",
            "c1.example.com",
        ),
        (
            '*c xConfiguration SIP Advanced SipTlsVersions: "TLSv1:TLSv1.1:TLSv1.2"',
            "SIP Advanced SipTlsVersions",
            "TLSv1:TLSv1.1:TLSv1.2",
        ),
        (
            '*c xConfiguration IP DNS SearchDomains: "a.int" "b.int"',
            "IP DNS SearchDomains",
            '"a.int" "b.int"',
        ),
        ('*c xConfiguration DNS Server 2 Address: ""', "DNS Server 2 Address", ""),
        ("*c xConfiguration SystemUnit Name:", "SystemUnit Name", ""),
        ('*c xConfiguration SystemUnit Name: "say "hi""', "SystemUnit Name", 'say "hi"'),
        ('*c xConfiguration SystemUnit Name: "caf\u00e9 \u6771"', "SystemUnit Name", "caf\u00e9 \u6771"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_becomes_a_setting(files, line: str, path: str, value: str, end: str) -> None:
    case = expdiag.load(files({"x.txt": f"{line}{end}OK{end}"}))

    assert settings(case) == {path: value}
    assert case.all_issues == () or {i.kind for i in case.all_issues} == {"unassigned"}


def test_every_other_line_is_an_issue_with_its_number(files) -> None:
    text = (
        "admin@e1 > xConfiguration //\nxConfiguration\n*c xConfiguration H323 Mode: On\n\nWelcome to: the machine\nOK\n"
    )

    case = expdiag.load(files({"x.txt": text}))

    assert settings(case) == {"H323 Mode": "On"}
    assert [(i.line, i.text) for i in case.all_issues if i.kind == "unrecognised"] == [
        (5, "Welcome to: the machine"),
    ]


def test_a_row_knows_its_file_line_and_words(files) -> None:
    case = expdiag.load(files({"peer/x.txt": '\n*c xConfiguration H323 Mode: "On"\n'}))

    (row,) = case.dossier.rows["settings"]
    assert case.sources[row.source][:4] == ("peer/x.txt", 2, None, '*c xConfiguration H323 Mode: "On"')


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ('*c xConfiguration Authentication Password: "hunter2"', "hunter2"),
        ('*c xConfiguration Login Remote LDAP VCS BindPassword: "s3cret"', "s3cret"),
        ('*c xConfiguration SNMP CommunityName: "private1"', "private1"),
        ('*c xConfiguration Alarm Notification SMTP Server Password: "{cipher}$01abc$1$xX+X="', "abc$1$xX"),
        ('*c xConfiguration Option 1 Key: "116341Y50-1-60BAD5CD"', "60BAD5CD"),
    ],
)
def test_secrets_are_not_kept(files, line: str, secret: str) -> None:
    case = expdiag.load(files({"x.txt": f"{line}\n*c xConfiguration H323 Mode: On\n"}))

    kept = case.tables["settings"].to_json() + "".join(
        case.sources[row.source].text for row in case.dossier.rows["settings"]
    )
    assert secret not in kept


def test_words_that_only_speak_of_passwords_stay_readable(files) -> None:
    case = expdiag.load(files({"x.txt": '*c xConfiguration Authentication StrictPassword MinimumLength: "15"\n'}))

    assert settings(case) == {"Authentication StrictPassword MinimumLength": "15"}


def test_every_path_of_the_command_reference_is_read_back(files, real) -> None:
    lines = (real / "samples" / "xconfiguration-reference-x15.0.tsv").read_text(encoding="utf-8").splitlines()
    paths = [line.split("\t")[0] for line in lines]
    written = []
    for path in paths:
        for pick in (0, -1):
            words = [w.strip("[]").split("..")[pick] if w.startswith("[") else w for w in path.split()]
            written.append(" ".join({"n": "9", "<index>": "1"}.get(w, w) for w in words))
    text = "".join(f'*c xConfiguration {path}: "value of {n}"\n' for n, path in enumerate(written))

    case = expdiag.load(files({"x.txt": text}))

    assert [row.path for row in case.dossier.rows["settings"]] == written
    assert not [issue for issue in case.all_issues if issue.kind == "unrecognised"]
    assert len(paths) == 596
