"""Option keys as what they open, wherever an export lists them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import expdiag
from expdiag.model.products.options import Option, compares_as, decode, is_smart_only, options, still_needed
from expdiag.model.versions import release

NAMED = '*c xConfiguration IP DNS Hostname: "e1"\n*c xConfiguration SystemUnit Name: "a"\n'


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("116341T00-1-ABCDEF12", "T00"),
        ("116341Y05-1-********", "Y5"),
        ("116341i1800-2-12345678", "I1800"),
        ("1X4757T5-1-60BAD5CD", "T5"),
        ("1234567890123456", None),
        ("116341T00", None),
        ("", None),
        ("T00", None),
    ],
)
def test_the_code_of_a_key(key: str, code: str | None) -> None:
    found = decode(key)

    assert (found.code if found else None) == code


def test_licences_of_several_keys_add_up_and_release_keys_are_no_options() -> None:
    found = options(["116341Y5-1-********", "116341Y10-2-********", "", "1234567890123456", "what is this"])

    assert found.by_letter == {"Y": Option("Y", 15)}
    assert found.strange == ("what is this",)
    assert str(found) == "rich media sessions (Y15), what is this"


@pytest.mark.parametrize(
    ("letter", "version", "how"),
    [
        ("Y", "X8.11.4", "exempt"),
        ("A", "X14.0", "exempt"),
        ("V", "X8.5.2", "exempt"),
        ("J", "X14.0.7", "same"),
        ("L", "X12.5.3", "same"),
        ("L", "X12.5.4", "default"),
        ("G", None, "default or same"),
        ("I", "X8.11.4", "same"),
        ("I", "X12.6", "default"),
        ("R", "X12.6", "unclear"),
        ("Q", "X12.6", "strange"),
    ],
)
def test_how_keys_compare_by_release(letter: str, version: str | None, how: str) -> None:
    assert compares_as(letter, release(version) if version else None) == how


def test_the_type_key_of_which_two_sources_say_different_things() -> None:
    said = {text: still_needed("T", of) for text in ("X12.5.3", "X12.5.4", "X12.5.9", "X12.6") if (of := release(text))}

    assert said == {"X12.5.3": False, "X12.5.4": True, "X12.5.9": True, "X12.6": False}
    assert not still_needed("L", release("X12.5.7"))


def test_smart_licensing_is_all_there_is_from_a_release_on() -> None:
    assert [is_smart_only(release(text)) for text in ("X14.1.2", "X14.2", "X15.0")] == [False, True, True]


TEXT = NAMED + '*c xConfiguration Option 1 Key: "116341T00-1-ABCDEF12"\n*c xConfiguration Option 2 Key: ""\n'
STATUS = """*s SystemUnit: /
     Product: "TANDBERG VCS"
*s/end
*s IP: /
     DNS:
       Hostname: "e1"
*s/end
*s Options: /
     Option 1:
       Key: "116341T00-1-ABCDEF12"
       Description: "Traversal Server"
*s/end

OK
"""
XML = (
    '<Status xmlns="http://www.tandberg.no/XML/CUIL/1.0" version="X8.11.3">'
    '<IP item="1"><DNS item="1"><Hostname item="1">e1</Hostname></DNS></IP>'
    '<Options item="1"><Option item="7"><Key item="1">116341T00-1-ABCDEF12</Key></Option></Options></Status>'
)
REST = '[{"Key": "116341T00-1-ABCDEF12", "Description": "Traversal Server"}]'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.txt", TEXT),
        ("s.txt", STATUS),
        ("s.xml", XML),
        ("rest/e1/provisioning/optionkey.json", REST),
        ("rest/e1/provisioning/optionkey.json", '{"OptionKeys": ["116341T00-1-ABCDEF12"]}'),
        ("rest/e1/provisioning/optionkey.json", '["116341T00-1-ABCDEF12"]'),
    ],
)
def test_a_key_is_understood_in_every_form_and_its_licence_is_shown_in_none(files, name: str, text: str) -> None:
    case = expdiag.load(files({name: text}))
    (peer,) = case.cluster.peers

    assert peer.options.value is not None
    assert str(peer.options.value) == "Traversal Server (T00)"
    shown = " ".join(str(row) for table in case.tables for row in case.tables.rows(table))
    shown += " ".join(case.sources[source].text for source in peer.options.sources)
    assert "ABCDEF12" not in shown


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (NAMED, False),
        (NAMED + '*c xConfiguration Option 1 Key: ""\n', True),
        (XML.replace("<Option item", "<X item").replace("</Option>", "</X>"), False),
        (re.sub(r"<Options.*</Options>", '<Options item="1"/>', XML), True),
    ],
)
def test_no_key_at_all_is_told_apart_from_nothing_said(files, text: str, known: bool) -> None:
    (peer,) = expdiag.load(files({f"x.{'xml' if text.startswith('<') else 'txt'}": text})).cluster.peers

    assert peer.options.known is known
    assert not known or not peer.options.value.by_letter


@pytest.mark.parametrize(("version", "type_"), [("X8.11.4", "E"), ("X12.5.9", "E"), ("X12.6", None), ("X14.0.7", None)])
def test_the_type_key_tells_the_type_up_to_a_release(files, version: str, type_: str | None) -> None:
    status = STATUS.replace('Product: "TANDBERG VCS"', f'Software:\n       Version: "{version}"')
    (peer,) = expdiag.load(files({"s.txt": status})).cluster.peers

    assert (str(peer.version.value), peer.type.value) == (version, type_)


@given(st.text(max_size=60))
def test_any_text_is_a_key_or_is_not(text: str) -> None:
    found = decode(text)

    assert found is None or (len(found.letter) == 1 and found.letter.isalpha())
