"""String matches."""

from collections.abc import Iterable

from weft.dialects.istio.networking.checks import check_regex, stated
from weft.dialects.report import Report
from weft.ir.values import Text
from weft.model.istio_virtual_service import StringMatch


def text_match(report: Report, path: str, match: StringMatch | None, *, ignore_case: bool = False) -> Text | None:
    """A string match as a condition; None matches every text.

    `ignore_case` concerns exact and prefix matches only (Istio, HTTPMatchRequest.ignoreUriCase).
    """
    if match is None:
        return None
    kinds = stated(exact=match.exact, prefix=match.prefix, regex=match.regex)
    if len(kinds) > 1:
        report.invalid(path, f"{' and '.join(kinds)} exclude each other")
        return None
    if match.exact is not None:
        return ("iexact" if ignore_case else "exact"), match.exact
    if match.prefix:
        return ("iprefix" if ignore_case else "prefix"), match.prefix
    if match.regex is not None:
        check_regex(report, path, match.regex)
        return "regex", match.regex
    return None


def present_or_match(report: Report, path: str, match: StringMatch | None) -> Text:
    """A match of a header or parameter, where an empty one and the regular expression `*` mean "is there" (Istio)."""
    if match is not None and match.regex == "*":
        return "present", ""
    return text_match(report, path, match) or ("present", "")


def exact_texts(names: Iterable[str]) -> tuple[Text, ...] | None:
    """Names of which any may match; None where none is stated."""
    found: tuple[Text, ...] = tuple(("exact", name) for name in names)
    return found or None
