"""What a finding over several lookups says of each of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from expdiag.findings import PASS, UNKNOWN, VIOLATION, Finding
from expdiag.model.dns.answers import DENIED, DISPUTED, FOUND, UNASKED, Result
from expdiag.show.judged import names

_SEVERAL = "; "


def share(finding: Finding, results: Mapping[str, Result], asked: Mapping[str, str]) -> dict[str, str | None]:
    """Return by label the outcome of a finding for the lookups its reason names.

    A lookup nobody made has no part in a pass.

    Args:
        results: by label, what came of each lookup.
        asked: by label, the name or address that was asked for.
    """
    if finding.outcome not in (VIOLATION, UNKNOWN):
        is_pass = finding.outcome == PASS
        return {label: None if is_pass and r.state == UNASKED else finding.outcome for label, r in results.items()}
    any_found = any(result.state == FOUND for result in results.values())
    blamed = {label for label, result in results.items() if _is_blamed(finding, asked[label], result, any_found)}
    blamed = blamed or _most_likely(results)
    others = {FOUND: PASS, UNASKED: UNKNOWN, DISPUTED: UNKNOWN}
    return {label: finding.outcome if label in blamed else others.get(r.state) for label, r in results.items()}


def _most_likely(results: Mapping[str, Result]) -> set[str]:
    """Return what is to blame where the reason names none: lookups that failed, of service records those that did not,
    because what their targets lead to is judged with them."""
    are_services = any(answer.type == "SRV" for result in results.values() for answer in result.answers)
    chosen = {label for label, result in results.items() if (result.state == FOUND) == are_services}
    return chosen or set(results)


def _is_blamed(finding: Finding, name: str, result: Result, any_found: bool) -> bool:
    """Whether the reason of a finding names a lookup and, but for service records, its answer."""
    parts = [part for part in finding.verdict.reason.split(_SEVERAL) if names(part, name)]
    if result.state == UNASKED:
        return finding.outcome == UNKNOWN and bool(parts)
    if any(answer.type == "SRV" for answer in result.answers):
        return bool(parts) and not (result.state == DENIED and any_found)
    if result.state == FOUND:  # `NAME: …` then only remarks who said what
        remark = re.compile(rf"{re.escape(name)}(?: \([^)]*\))?: ")
        parts = [part for part in parts if not remark.search(part)]
    said = {answer.said for answer in result.answers} | {", ".join(result.values)}
    if finding.outcome == VIOLATION:
        said = {words for words in said if words in str(finding.verdict.measured)}
    return any(names(part, words) for part in parts for words in said)
