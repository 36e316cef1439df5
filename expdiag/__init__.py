"""Diagnoses Cisco Expressway clusters from what customers send: tables, verdicts with evidence, pictures.

case = expdiag.load("data/cases/troubled-e")
findings = expdiag.check(case)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Case", "Findings", "__version__", "check", "load"]

if TYPE_CHECKING:
    from expdiag.case import Case, load
    from expdiag.findings import Findings
    from expdiag.rules.engine import check

_HOMES = {
    "Case": "expdiag.case",
    "load": "expdiag.case",
    "Findings": "expdiag.findings",
    "check": "expdiag.rules.engine",
}


def __getattr__(name: str) -> Any:
    """Load the public names when they are first used, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
