"""Status and configuration XML, with or without namespace and `item` attributes, streamed.

The same facts give the same rows as text. A DOCTYPE is refused outright, so there are no entities to expand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from xml.parsers import expat

from expdiag import knowledge
from expdiag.intake import trees
from expdiag.intake.member import CutShortError, Member
from expdiag.intake.reading import Harvest, Reader, as_utf8, is_wide
from expdiag.intake.secrets import mask, scrub
from expdiag.intake.skim import Node, Skimmed, Skimmer
from expdiag.intake.wellformed import RefusedXMLError, reported

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
        self._paths: list[Node] = []  # the open elements
        self._skimmer = Skimmer("", self._indexed)
        self._is_leaf = True
        self._text: list[str] = []
        self._text_size = 0
        self._line = self._start_byte = self._window_byte = 0
        self._window = b""
        self._fed = self._last_end = 0
        self._between_tags = False
        self._is_utf8 = True
        self._has_prefixes = False
        self.parser = expat.ParserCreate(encoding)
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.XmlDeclHandler = self._declaration
        self._follow(closely=True)

    def _follow(self, *, closely: bool) -> None:
        """Have the parser tell of every element, or only check what it is fed."""
        self.parser.StartElementHandler = self._start if closely else None
        self.parser.EndElementHandler = self._end if closely else None
        self.parser.CharacterDataHandler = self._characters if closely else None

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self._is_utf8 = encoding is None or encoding.lower() == "utf-8"

    def _doctype(self, *_: object) -> None:
        raise RefusedXMLError(
            "doctype", "an XML document with a DOCTYPE is not read; exports of an Expressway have none"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._line, self._start_byte = self.parser.CurrentLineNumber, self.parser.CurrentByteIndex
        self._report_stray_text()
        if len(self._paths) > trees.MAX_DEPTH:
            raise RefusedXMLError("too-deep", f"elements nested more than {trees.MAX_DEPTH} levels deep")
        if not self._paths:
            self._take_root(name)
            if version := attributes.get("version"):
                self._grower.leaf("@version", version, self._note(self._quote()))
        else:
            self._enter(tag, name, attributes)
        self._is_leaf = True
        self._text.clear()
        self._text_size = 0

    def _take_root(self, name: str) -> None:
        tree = _TREES.get(name.lower())
        if tree is None:
            raise RefusedXMLError("unrecognised", f"XML with the root element <{name}>")
        self._grower = trees.Grower(tree, self._harvest)
        self._indexed = knowledge.indexed_paths(tree)
        self._skimmer = Skimmer(tree, self._indexed)
        self._paths.append(Node("", ""))

    def _enter(self, tag: str, name: str, attributes: dict[str, str]) -> None:
        node = self._paths[-1].child(name, attributes.get("item"), self._indexed)
        self._paths.append(node)
        self._has_prefixes |= node.name != tag
        path = node.path
        for key, value in attributes.items():
            if key not in _OWN_ATTRIBUTES and ":" not in key:
                self._grower.leaf(f"{path} {key}", value, self._note(f'<{name} {key}="{mask(key, value)}">'))

    def _characters(self, text: str) -> None:
        self._text_size += len(text)
        if self._text_size <= _MAX_TEXT:
            self._text.append(text)
        elif self._text_size > _MAX_UNPARSED:
            raise RefusedXMLError("line-too-long", _TOO_LONG)

    def _end(self, tag: str) -> None:
        self._last_end = self.parser.CurrentByteIndex
        path = self._paths.pop().path
        if self._is_leaf and path:
            value = "".join(self._text).strip()
            if self._text_size > _MAX_TEXT:
                self._harvest.issue("line-too-long", f"{path}: value cut at {_MAX_TEXT >> 10} kB", self._line)
            masked = mask(path, value)
            quoted = scrub(self._quote()) if masked == value else f"<{tag}>{masked}</{tag}>"
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

    def feed(self, piece: bytes) -> None:
        """Parse a piece of the file: plain leaves in bulk, anything else element by element."""
        if skimmed := self._skim(piece):
            self._follow(closely=False)
            self._pass_over(skimmed)
        else:
            self._follow(closely=True)
            self._walk(piece)
            tag = piece.rfind(b"</")
            ends_with_tag = tag >= 0 and piece.find(b">", tag) == len(piece) - 1 and b"\n" not in piece[tag:]
            self._between_tags = ends_with_tag and self._last_end == self._fed + tag and bool(self._paths)
            self._fed += len(piece)
            if self._fed - self.parser.CurrentByteIndex > _MAX_UNPARSED:
                raise RefusedXMLError("line-too-long", _TOO_LONG)

    def _skim(self, piece: bytes) -> Skimmed | None:
        if not self._between_tags or not self._is_utf8 or self._has_prefixes:
            return None
        return self._skimmer.skim(piece, self._paths[-1], self.parser.CurrentLineNumber, self._harvest.sources.next)

    def _pass_over(self, skimmed: Skimmed) -> None:
        """Take a piece; of it the parser is only shown on which line it ends, and which elements are open then."""
        before, self._paths = self._paths, skimmed.inside.lineage()
        shared = sum(
            1 for _ in takewhile(lambda both: both[0].name == both[1].name, zip(before, self._paths, strict=False))
        )
        ends = "".join(f"</{node.name}>" for node in reversed(before[shared:]))
        begins = "".join(f"<{node.name}>" for node in self._paths[shared:])
        lines = "\n" * skimmed.line_ends
        shown = f"{lines}{ends}{begins}<?passed?>".encode()
        self.parser.Parse(shown, False)
        self._fed += len(shown)
        self._window, self._window_byte, self._start_byte = b"", self._fed, self._fed
        if skimmed.block:
            self._harvest.add_block(skimmed.block)

    def _walk(self, piece: bytes) -> None:
        passed = max(self._start_byte - self._window_byte, len(self._window) - _MAX_UNPARSED)
        self._window = self._window[passed:]
        self._window_byte += passed
        self._window += piece
        self.parser.Parse(piece, False)

    def finish(self) -> None:
        """Hand over what only the whole tree tells."""
        self._grower.finish()


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content in pieces of up to 64 kB that end with a closing tag, as far as they hold one."""
    rest = b""
    try:
        for chunk in chunks:
            data, at = rest + chunk, 0
            while len(data) - at >= _FEED:
                limit = at + _FEED
                tag = data.rfind(b"</", at, data.rfind(b">", at, limit) + 1)
                end = data.find(b">", tag) + 1 if tag >= 0 else limit
                yield data[at:end]
                at = end
            rest = data[at:]
    except CutShortError:
        yield rest
        raise
    yield rest


def _read(member: Member, harvest: Harvest) -> None:
    wide = is_wide(member.head)
    walker = _Walker(harvest, "utf-8" if wide else None)
    try:
        with reported(walker.parser, harvest):
            for piece in _pieces(as_utf8(member, harvest) if wide else member.chunks()):
                walker.feed(piece)
            walker.parser.Parse(b"", True)
    finally:
        walker.finish()


READERS = {root: Reader(f"{root} XML", lambda _: 0, _read) for root in _TREES}
UNDECIDED = Reader("XML", lambda _: 0, _read)  # its root element stands beyond the head
