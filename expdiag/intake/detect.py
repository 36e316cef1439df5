"""Which reader takes a member: its bytes decide, never its name alone."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cache

from expdiag.intake import capture, certificates, logs, session, xconfiguration, xml, xstatus
from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest, Reader, first_lines, is_wide

_EXPORTS = (certificates.READER, logs.READER, xstatus.READER, xconfiguration.READER)
# Readers of what probe commands print and of what few cases hold: more code than all others, loaded where it is needed
_OTHERS = (
    ("ping", "READER"),
    ("names", "READER"),
    ("firewall", "READER"),
    ("ports", "PROBES"),
    ("trace", "READER"),
    ("system_key", "READER"),
)

_PICTURE = "a picture, nothing of an Expressway"
_KEY_STORE = "a store of private keys; it was not read. Treat its keys as compromised, and send certificates only"
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xd8\xff", "foreign", _PICTURE),
    (b"\x89PNG", "foreign", _PICTURE),
    (b"GIF8", "foreign", _PICTURE),
    (b"%PDF", "foreign", "a PDF; send the text it was printed from"),
    (b"\xd0\xcf\x11\xe0", "foreign", "an Office document; send the text it was made from"),
    (b"\xfe\xed\xfe\xed", "secret", _KEY_STORE),
    (b"\xce\xce\xce\xce", "secret", _KEY_STORE),
    (b"PuTTY-User-Key-File", "secret", _KEY_STORE),
    (b"Salted__", "encrypted", "an encrypted backup; send it without a password"),
    (b"7z\xbc\xaf", "foreign", "a 7z archive; send tar.gz or zip"),
    (b"Rar!", "foreign", "a RAR archive; send tar.gz or zip"),
    (b"BZh", "foreign", "a bzip2 archive; send tar.gz or zip"),
    (b"\xfd7zXZ", "foreign", "an xz archive; send tar.gz or zip"),
)
# An object, a list, or one text that holds a PEM block, as answers of the REST API do
_JSON = re.compile(r'\{\s*(?:"|\}|$)|\[\s*(?:[\[{"\]]|$)|"-----BEGIN')
# {"report": {"mtr": {
_MTR = re.compile(r'\{\s*"(?:report"\s*:\s*\{\s*"mtr|mtr)"\s*:\s*\{')
_LEAST_TEXT = 0.7  # a restart without a shutdown leaves blocks of NUL in a log
_TEXT_CONTROL = frozenset(b"\t\n\r\f\x1b\x08\x07")


@dataclass(frozen=True, slots=True)
class Foreign:
    """Content no reader takes: the issue to raise."""

    kind: str
    text: str


def _reader(module: str, name: str = "READER") -> Reader:
    """Return a reader of a module that is only loaded where it is needed."""
    reader: Reader = getattr(importlib.import_module(f"expdiag.intake.{module}"), name)
    return reader


@cache
def text_readers() -> tuple[Reader, ...]:
    """Return all readers of text."""
    return (*_EXPORTS, *(_reader(module, name) for module, name in _OTHERS))


def detect(head: bytes) -> Reader | Foreign:
    """Return the reader for content that begins with these bytes, or why there is none."""
    if not head.strip():
        return Foreign("empty", "the file is empty" if not head else "the file holds only blanks")
    if head.startswith(capture.MAGIC):
        return capture.READER
    for magic, kind, text in _MAGIC:
        if head.startswith(magic):
            return Foreign(kind, text)
    if (root := xml.root_name(head)) is not None:
        return _xml(head, root)
    if certificates.is_der(head):
        return certificates.DER
    if _is_binary(head):
        return Foreign("foreign", "binary content in no known format")
    first = first_lines(head)
    begin = "\n".join(line.strip() for line in first[:50]).lstrip()
    if _JSON.match(begin):
        return _reader("trace" if _MTR.match(begin) else "rest")
    return SESSION if session.is_mixed(first, _one_that_knows) else _text(first)


def _one_that_knows(lines: list[str]) -> Reader | None:
    found = _text(lines)
    return found if isinstance(found, Reader) else None


def _read_session(member: Member, harvest: Harvest) -> None:
    session.read(member, harvest, _one_that_knows)


SESSION = Reader("terminal session", lambda _: 0, _read_session)


def _xml(head: bytes, root: str) -> Reader | Foreign:
    if root == "nmaprun":
        return _reader("ports", "NMAP_XML")  # has a DOCTYPE, an empty one
    if b"<!DOCTYPE" in head.replace(b"\0", b""):
        return Foreign("doctype", "an XML document with a DOCTYPE is not read; Expressway exports have none")
    if root == "mtr":
        return _reader("trace")
    if root in xml.READERS:
        return xml.READERS[root]
    if not root:
        return xml.UNDECIDED
    if root == "xpatherror":
        return Foreign("refused-query", "the Expressway answered that there is nothing at this location")
    if root == "html":
        return Foreign("foreign", "a web page; save the export itself, not the page")
    return Foreign("unrecognised", f"XML with the root element <{root}>, expected <Status> or <Configuration>")


def _text(first: list[str]) -> Reader | Foreign:
    """Return the reader that claims most lines; an export that alone claims the first one needs no comparison."""
    begin = next(([line] for line in first if line.strip()), [])
    exports = [reader for reader in _EXPORTS if reader.claims(begin)]
    if len(exports) == 1:
        return exports[0]
    claims = sorted(((reader.claims(first), reader) for reader in text_readers()), key=lambda claim: -claim[0])
    best, second = claims[0], claims[1]
    if best[0] == 0:
        if any(line.strip() == "** end" or line.startswith("*s ") for line in first):
            return Foreign("foreign", "looks like the status of an endpoint, not of an Expressway")
        return Foreign("unrecognised", f"text in no known format, {len(first)} lines or more looked at")
    if best[0] == second[0]:
        kinds = f"{best[1].kind} and {second[1].kind}"
        return Foreign("ambiguous", f"looks as much like {kinds}; put the two into files of their own")
    return best[1]


def _is_binary(head: bytes) -> bool:
    """UTF-16 text has a byte order mark; other text has hardly any control characters."""
    if is_wide(head):
        return False
    sample = head[:4096].replace(b"\0", b"")
    if len(sample) < len(head[:4096]) * _LEAST_TEXT or (len(sample) < len(head[:4096]) and b"\n" not in head):
        return True
    control = sum(1 for byte in sample if byte < 32 and byte not in _TEXT_CONTROL)
    return control > len(sample) // 50
