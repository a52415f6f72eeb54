"""The two languages of an RBAC policy: permissions (what is asked) and principals (who asks). They differ in
names only. A term is the fields of one message.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from weft.ir.values import Condition, Selector, Text

Term = dict[str, Any]
Leaf = Callable[[Text | Selector | str], Term]
"""The term for one value of a condition."""


class Language(Struct, frozen=True):
    """Names of the fields for conjunction, disjunction, negation, and for the list in the first two."""

    all_of: str
    any_of: str
    negated: str
    list: str

    def every(self, terms: Sequence[Term]) -> Term:
        """Returns the conjunction; without terms it always holds."""
        if not terms:
            return {"any": True}
        return terms[0] if len(terms) == 1 else {self.all_of: {self.list: list(terms)}}

    def some(self, terms: Sequence[Term]) -> Term:
        """Returns the disjunction; without terms it never holds."""
        if not terms:
            return self.never()
        return terms[0] if len(terms) == 1 else {self.any_of: {self.list: list(terms)}}

    def no(self, term: Term) -> Term:
        """Returns the negation."""
        return {self.negated: term}

    def never(self) -> Term:
        """Returns a term that never holds."""
        return self.no({"any": True})

    def condition(self, condition: Condition, leaf: Leaf) -> Term:
        """Returns a condition, of whose values `leaf` makes terms that are false where the attribute is absent (A4)."""
        terms = []
        if condition.any_of is not None:
            terms.append(self.some([leaf(value) for value in condition.any_of]))
        if condition.none_of:
            terms.append(self.no(self.some([leaf(value) for value in condition.none_of])))
        return self.every(terms)


PERMISSION: Final = Language("and_rules", "or_rules", "not_rule", "rules")
"""Of envoy.config.rbac.v3.Permission."""

PRINCIPAL: Final = Language("and_ids", "or_ids", "not_id", "ids")
"""Of envoy.config.rbac.v3.Principal."""
