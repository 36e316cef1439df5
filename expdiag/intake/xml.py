"""Status and configuration XML, with or without namespace and `item` attributes, streamed.

The same facts give the same rows as text. A DOCTYPE is refused outright, so there are no entities to expand.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from expdiag import knowledge
from expdiag.intake import trees
from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest, Reader, as_utf8, is_wide
from expdiag.intake.secrets import mask

# What Cisco TMS compares between peers, `/alternatesconfiguration.xml`, is configuration by another name
_TREES = {
    "status": "status",
    "configuration": "configuration",
    "alternatesconfiguration": "configuration",
    "history": "history",
}
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([\w.-]+)")
_MAX_TEXT = 1 << 16
_MAX_UNPARSED = 8 << 20
_TOO_LONG = "an element of more than 8 MB is not read"
_FEED = 1 << 16
_OWN_ATTRIBUTES = frozenset({"item", "valueSpaceRef", "xmlns", "product"})


class _RefusedXMLError(Exception):
    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        super().__init__(text)


def root_name(head: bytes) -> str | None:
    """Return the local name of the root element in lower case, None where these bytes are not XML."""
    if is_wide(head):
        head = head.decode("utf-16", errors="replace").encode()
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text.startswith(b"<"):
        return None
    at = 0
    while (at := text.find(b"<", at)) >= 0:
        for opening, closing in ((b"<!--", b"-->"), (b"<?", b"?>"), (b"<!", b">")):
            if text.startswith(opening, at):
                at = text.find(closing, at + len(opening))
                break
        else:
            match = _ROOT.match(text, at)
            return match[1].decode("ascii", errors="replace").lower() if match else ""
        if at < 0:
            return ""
    return ""


class _Walker:
    """Follows the parser through the tree and hands leaves to the grower.

    `_window` keeps the bytes from the last opening tag on, so that evidence can quote a leaf as it stands.
    """

    def __init__(self, harvest: Harvest, encoding: str | None) -> None:
        self._harvest = harvest
        self._grower = trees.Grower("", harvest)
        self._indexed: frozenset[str] = frozenset()
        self._paths: list[tuple[str, str]] = []  # path and its skeleton, per open element
        self._is_leaf = True
        self._text: list[str] = []
        self._text_size = 0
        self._line = self._start_byte = self._window_byte = 0
        self._window = b""
        self.parser = expat.ParserCreate(encoding)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_: object) -> None:
        raise _RefusedXMLError(
            "doctype", "an XML document with a DOCTYPE is not read; exports of an Expressway have none"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._line, self._start_byte = self.parser.CurrentLineNumber, self.parser.CurrentByteIndex
        self._report_stray_text()
        if len(self._paths) > trees.MAX_DEPTH:
            raise _RefusedXMLError("too-deep", f"elements nested more than {trees.MAX_DEPTH} levels deep")
        if not self._paths:
            self._take_root(name)
            if version := attributes.get("version"):
                self._grower.leaf("@version", version, self._note(self._quote()))
        else:
            self._enter(name, attributes)
        self._is_leaf = True
        self._text.clear()
        self._text_size = 0

    def _take_root(self, name: str) -> None:
        tree = _TREES.get(name.lower())
        if tree is None:
            raise _RefusedXMLError("unrecognised", f"XML with the root element <{name}>")
        self._grower = trees.Grower(tree, self._harvest)
        self._indexed = knowledge.indexed_paths(tree)
        self._paths.append(("", ""))

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        path, skeleton = self._paths[-1]
        path = f"{path} {name}" if path else name
        skeleton = f"{skeleton} {name.lower()}" if skeleton else name.lower()
        item = attributes.get("item")
        if item is not None and (item != "1" or f"{skeleton} *" in self._indexed):
            path, skeleton = f"{path} {item}", f"{skeleton} *"
        self._paths.append((path, skeleton))
        for key, value in attributes.items():
            if key not in _OWN_ATTRIBUTES and ":" not in key:
                self._grower.leaf(f"{path} {key}", value, self._note(f'<{name} {key}="{mask(key, value)}">'))

    def _characters(self, text: str) -> None:
        self._text_size += len(text)
        if self._text_size <= _MAX_TEXT:
            self._text.append(text)
        elif self._text_size > _MAX_UNPARSED:
            raise _RefusedXMLError("line-too-long", _TOO_LONG)

    def _end(self, tag: str) -> None:
        path, _ = self._paths.pop()
        if self._is_leaf and path:
            value = "".join(self._text).strip()
            if self._text_size > _MAX_TEXT:
                self._harvest.issue("line-too-long", f"{path}: value cut at {_MAX_TEXT >> 10} kB", self._line)
            masked = mask(path, value)
            quoted = self._quote() if masked == value else f"<{tag}>{masked}</{tag}>"
            self._grower.leaf(path, value, self._harvest.note(self._line, quoted, path))
        else:
            self._report_stray_text()
        self._is_leaf = False
        self._text.clear()
        self._text_size = 0

    def _report_stray_text(self) -> None:
        """Report text beside child elements, which no export has."""
        if stray := "".join(self._text).strip():
            self._harvest.issue("unrecognised", stray, self.parser.CurrentLineNumber)

    def _quote(self) -> str:
        """Return what stands in the file from the last opening tag to the end of the tag the parser is at."""
        start = max(self._start_byte - self._window_byte, 0)
        at = self.parser.CurrentByteIndex - self._window_byte
        is_empty_tag = not self._text_size and self._window[at - 2 : at] == b"/>"
        end = at if is_empty_tag else self._window.find(b">", at) + 1
        return self._window[start:end].decode("utf-8", errors="replace")

    def _note(self, text: str) -> int:
        return self._harvest.note(self._line, text)

    def feed(self, data: bytes) -> None:
        """Parse a piece of the file."""
        passed = max(self._start_byte - self._window_byte, len(self._window) - _MAX_UNPARSED)
        self._window = self._window[passed:]
        self._window_byte += passed
        self._window += data
        self.parser.Parse(data, False)

    def finish(self) -> None:
        """Hand over what only the whole tree tells."""
        self._grower.finish()


def _read(member: Member, harvest: Harvest) -> None:
    wide = is_wide(member.head)
    walker = _Walker(harvest, "utf-8" if wide else None)
    fed = 0
    try:
        for chunk in as_utf8(member) if wide else member.chunks():
            for start in range(0, len(chunk), _FEED):
                walker.feed(chunk[start : start + _FEED])
            fed += len(chunk)
            if fed - walker.parser.CurrentByteIndex > _MAX_UNPARSED:
                raise _RefusedXMLError("line-too-long", _TOO_LONG)
        walker.parser.Parse(b"", True)
    except _RefusedXMLError as refused:
        harvest.issue(refused.kind, str(refused), walker.parser.CurrentLineNumber)
    except expat.ExpatError as error:
        kind = "truncated" if error.code in _CUT else "broken"
        harvest.issue(kind, f"the XML is not well formed: {expat.ErrorString(error.code)}", error.lineno)
    except (LookupError, ValueError) as error:
        harvest.issue("broken", f"the XML declares an encoding that cannot be used: {error}")
    finally:
        walker.finish()


_CUT = frozenset(
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)

READERS = {root: Reader(f"{root} XML", lambda _: 0, _read) for root in _TREES}
UNDECIDED = Reader("XML", lambda _: 0, _read)  # its root element stands beyond the head
