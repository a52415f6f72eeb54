"""Answers are remembered as long as the tables are the same."""

from tests.unit.serve.ads.client import item

from weft.apps.recollection import Recollection
from weft.envoy.type_urls import EDS
from weft.ir.settings import ProxyScope

SCOPE = ProxyScope(role="own", namespace="a")


class Asked:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


def test_a_question_is_answered_once_for_the_same_tables() -> None:
    recollection, ask = Recollection(), Asked()
    table, equal = {"a": item(EDS, "a")}, {"a": item(EDS, "a")}
    question, other = ("rule", frozenset("a")), ("rule", frozenset("b"))
    answers = [
        recollection.answer((SCOPE, EDS), tables, each, ask)
        for tables, each in (
            ((table,), question),
            ((table,), question),
            ((table,), other),
            ((equal,), question),
            ((equal, table), question),
        )
    ]
    assert answers == [1, 1, 2, 3, 4]


def test_what_was_forgotten_is_asked_again() -> None:
    recollection, ask = Recollection(), Asked()
    table = {"a": item(EDS, "a")}
    recollection.answer((SCOPE, EDS), (table,), ("rule", frozenset("a")), ask)
    recollection.forget()
    assert recollection.answer((SCOPE, EDS), (table,), ("rule", frozenset("a")), ask) == 2
