"""What every reader of XML refuses, and what the parser's own complaints are called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from xml.parsers import expat

from expdiag.intake.reading import Harvest


class RefusedXMLError(Exception):
    """A document that is not read further, and why."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        super().__init__(text)


@contextmanager
def reported(parser: expat.XMLParserType, harvest: Harvest) -> Iterator[None]:
    """Turn what is refused and what is not well formed into issues; what was read before counts."""
    try:
        yield
    except RefusedXMLError as refused:
        harvest.issue(refused.kind, str(refused), parser.CurrentLineNumber)
    except expat.ExpatError as error:
        kind = "truncated" if error.code in _CUT else "broken"
        harvest.issue(kind, f"the XML is not well formed: {expat.ErrorString(error.code)}", error.lineno)
    except (LookupError, ValueError) as error:
        harvest.issue("broken", f"the XML declares an encoding that cannot be used: {error}")


_CUT = frozenset(
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)
