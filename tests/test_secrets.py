"""What may never leave the evidence: looked for in every table and every source of a case."""

from __future__ import annotations

import pytest

import expdiag

SECRET = "hunter2"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIBaGVsbG8=\n-----END PRIVATE KEY-----"
RECORD = '2026-05-01T12:00:00.000+00:00 e1 tvcs: Event="X" {} UTCTime="2026-05-01 12:00:00,000"\n'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("log.txt", RECORD.format(f'PreSharedKey="{SECRET}"')),
        ("log.txt", RECORD.format(f'access_key="{SECRET}"')),
        ("log.txt", RECORD.format(f'credentials="{SECRET}"')),
        ("log.txt", RECORD.format(f'community="{SECRET}"')),
        ("log.txt", RECORD.format(f'Detail="fetching https://admin:{SECRET}@10.0.0.1/x"')),
        ("xconf.txt", f'*c xConfiguration Applications Smtp password_hash: "{SECRET}"\n'),
        ("xconf.txt", f'*c xConfiguration SNMP snmp_community: "{SECRET}"\n'),
        ("xconf.txt", f'*c xConfiguration Remote Syslog 1 Address: "https://u:{SECRET}@h/"\n'),
        ("xconf.txt", f"*c xConfiguration H323 Mode: On\nxConfiguration Foo Password {SECRET}\n"),
        ("status.xml", f'<Status><A><B password="{SECRET}">x</B></A></Status>'),
        ("status.xml", f"<Status><A><B>{KEY}</B></A></Status>"),
        ("rest/e1/provisioning/common/x.json", f'{{"Passwords": ["{SECRET}"], "sharedkey": "{SECRET}"}}'),
    ],
)
def test_no_secret_leaves_the_evidence(files, name: str, text: str) -> None:
    case = expdiag.load(files({name: text, "case.toml": ""}))

    shown = [str(list(rows)) for rows in case.dossier.rows.values()]
    shown += [str(case.sources[row.source]) for row in case.dossier.rows["settings"]]
    shown += [str(case.sources[row.source]) for row in case.dossier.rows["events"]]
    assert len(case.dossier.rows["settings"]) + len(case.dossier.rows["events"]) > 0
    assert not [words for words in shown if SECRET in words or "MIIB" in words]
