"""What was seen, as tables for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from weft.apps.demo import expected
from weft.apps.demo.calls import OUTSIDE, Call, Edge
from weft.apps.demo.checks import Check
from weft.apps.demo.observation import Observation, Refusal, reason
from weft.cli.table import printable

WIDTH: Final = 100

_NOBODY: Final = "none"
_OUTSIDE: Final = "none: not in the mesh"
_UNKNOWN: Final = "the log does not know"
_IDENTITIES: Final = "bookshop/details is short for spiffe://cluster.local/ns/bookshop/sa/details in the certificate."
_POLICIES: Final = "The policies are in 30-security.yaml: what none of their rules allows is refused."
_PASSED_BY: Final = (
    "{} was refused at the address of {}'s Envoy. At the application's own address it got {}: in isolation loopback "
    "nothing can prevent that."
)


def show_report(console: Console, seen: Observation, checks: Sequence[Check]) -> None:
    """Writes all tables, and which checks failed."""
    parts: tuple[tuple[str, Table, str], ...] = (
        ("Who called whom, as the Envoy of the called pod saw it", called_table(seen.calls), _IDENTITIES),
        ("How pages were split over the versions of reviews", split_table(seen), ""),
        ("What was refused, and because of which policy", refused_table(seen.refusals()), _refusals_legend(seen)),
    )
    for title, table, legend in parts:
        console.print(Text(title, "bold"))
        console.print(table)
        if legend:
            console.print(Text(legend, "dim"))
        console.print()
    console.print(verdict(checks, seen))


def _refusals_legend(seen: Observation) -> str:
    found = ((tried.attempt.caller, tried.attempt.called, printable(tried.answer)) for tried in seen.passed_by)
    return "\n".join((_POLICIES, *(_PASSED_BY.format(*each) for each in found)))


def called_table(calls: Sequence[Call]) -> Table:
    """Who called whom: everything that was answered, or failed."""
    table = _table("caller", "its identity", "called")
    table.add_column("calls", justify="right")
    table.add_column("mutual TLS", no_wrap=True)
    table.add_column("answer")
    taken = [call for call in calls if call.outcome in ("answered", "failed")]
    for edge in _in_order({call.edge for call in taken}):
        table.add_row(*_called_row(edge, [call for call in taken if call.edge == edge]))
    return table


def _called_row(edge: Edge, calls: Sequence[Call]) -> Iterator[Text]:
    answers = Counter(_answer(call) for call in calls)
    failed = any(call.outcome == "failed" for call in calls)
    said = ", ".join(f"{answer} ({count})" if len(answers) > 1 else answer for answer, count in answers.items())
    yield _text(edge.caller)
    yield _text(_short(edge.identity) or (_OUTSIDE if edge.caller == OUTSIDE else _NOBODY))
    yield _text(f"{edge.called} (TCP)" if edge.protocol == "TCP" else edge.called)
    yield _text(str(len(calls)))
    yield _secured(edge)
    yield _text(said, "red" if failed else "green")


def split_table(seen: Observation) -> Table:
    """How pages were split over the versions of reviews."""
    table = _table("version", "asked by")
    for title in ("pages", "share", "expected"):
        table.add_column(title, justify="right")
    _add_split(table, "anybody", [page.version for page in seen.pages], expected.SHARES)
    _add_split(table, "tester", [page.version for page in seen.tester_pages], {expected.TESTERS_VERSION: 1.0})
    return table


def _add_split(table: Table, who: str, versions: Sequence[str], shares: expected.Shares) -> None:
    counts = Counter(versions)
    for version in (*shares, *sorted(counts.keys() - shares.keys())):
        share = counts[version] / max(len(versions), 1)
        wanted = f"{shares.get(version, 0):.0%}"
        table.add_row(_text(version or "none"), who, str(counts[version]), f"{share:.1%}", wanted)


def refused_table(refusals: Sequence[Refusal]) -> Table:
    """What was refused, how that looked to the caller, and by which policy."""
    table = _table("its identity", "called", "got")
    table.add_column("because")
    for refusal in refusals:
        attempt, call = refusal.attempt, refusal.call
        identity = _short(call.identity) if call and call.identity else f"{attempt.caller} (no certificate)"
        called = " ".join(filter(None, (attempt.called, attempt.what)))
        tcp = call is not None and call.protocol == "TCP" and attempt.outcome != "plain text"
        table.add_row(
            _text(identity),
            _text(f"{called} (TCP)" if tcp else called),
            _text(refusal.answer, "green" if refusal.answer in attempt.answers else "red"),
            _text(reason(call.outcome, refusal.policies) if call else _UNKNOWN, "" if refusal.is_expected else "red"),
        )
    return table


def verdict(checks: Sequence[Check], seen: Observation) -> Text | Table:
    """How many checks passed, and all that did not."""
    failed = [check for check in checks if check.problem]
    if not failed:
        but = ", but for what isolation loopback can't prevent" if seen.passed_by else ""
        return Text(f"All {len(checks)} checks passed: this is what the bookshop's files ask for{but}.", "green")
    table = Table.grid("", "", padding=(0, 2, 0, 0))
    for check in failed:
        table.add_row(_text("FAILED", "red"), _text(check.claim, "bold"))
        table.add_row("", _text(check.problem))
    table.add_row(_text(f"{len(failed)} of {len(checks)}", "red"), "checks failed.")
    return table


def _table(*titles: str) -> Table:
    """A table whose first columns have these titles."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for title in titles:
        table.add_column(title, no_wrap=True)
    return table


def _in_order(edges: set[Edge]) -> list[Edge]:
    """As requests go; what is not expected comes last."""
    places = {pair: place for place, pair in enumerate(expected.CALLS)}
    return sorted(
        edges, key=lambda edge: (places.get((edge.caller, edge.called), len(places)), edge.caller, edge.called)
    )


def _answer(call: Call) -> str:
    if call.protocol == "TCP":
        return "bytes" if call.outcome == "answered" else "closed"
    return str(call.status) if call.status else "none"


def _secured(edge: Edge) -> Text:
    if edge.identity:
        return _text("yes", "green")
    return _text("no", "" if edge.caller == OUTSIDE else "red")


def _short(identity: str) -> str:
    """`bookshop/details` of `ns/bookshop/sa/details`; another form as it is."""
    parts = identity.split("/")
    return f"{parts[1]}/{parts[3]}" if len(parts) == 4 and (parts[0], parts[2]) == ("ns", "sa") else identity


def _text(text: str, style: str = "") -> Text:
    return Text(printable(text), style)
