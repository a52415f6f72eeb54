"""Label selectors of Deployments."""

import pytest

from weft.model.kubernetes import LabelSelector, LabelSelectorRequirement
from weft.sources.local.labels import selector_holds

LABELS = {"app": "web", "tier": "front"}


@pytest.mark.parametrize(
    ("key", "operator", "values", "holds"),
    [
        ("app", "In", ("web", "api"), True),
        ("app", "In", ("api",), False),
        ("app", "NotIn", ("api",), True),
        ("none", "NotIn", ("api",), True),
        ("app", "NotIn", ("web",), False),
        ("app", "Exists", (), True),
        ("none", "Exists", (), False),
        ("none", "DoesNotExist", (), True),
        ("app", "DoesNotExist", (), False),
    ],
)
def test_every_operator(key: str, operator: str, values: tuple[str, ...], holds: bool) -> None:
    requirement = LabelSelectorRequirement(key, operator, values)  # type: ignore[arg-type]
    assert selector_holds(LabelSelector({}, (requirement,)), LABELS) is holds


def test_all_requirements_have_to_hold() -> None:
    also = LabelSelectorRequirement("tier", "In", ("front",))
    assert selector_holds(LabelSelector({"app": "web"}, (also,)), LABELS)
    assert not selector_holds(LabelSelector({"app": "api"}, (also,)), LABELS)
