"""Which action a rule of HTTP takes, and what may stand beside it."""

from typing import Final, Literal

from weft.dialects.istio.networking.context import Context
from weft.model.istio_virtual_service import HttpRoute

Role = Literal["plain", "root", "delegate"]
"""A rule that stands alone, one that delegates, one that is delegated to."""

_FORWARD_ONLY: Final = ("fault", "rewrite", "mirror", "mirrors")


def role_of(route: HttpRoute, *, in_delegate: bool) -> Role:
    """The part that a rule plays in delegation."""
    if in_delegate:
        return "delegate"
    return "root" if route.delegate is not None else "plain"


def check_action(route: HttpRoute, path: str, context: Context, *, in_delegate: bool = False) -> bool:
    """Whether a rule has exactly one action, and only settings that this action can have (Istio, validateHTTPRoute)."""
    report = context.report
    role = role_of(route, in_delegate=in_delegate)
    if role == "delegate" and route.delegate is not None:
        report.invalid(f"{path}.delegate", "a delegate can't delegate further")
    actions = _actions(route)
    if not actions:
        report.invalid(path, "the rule does nothing", "give route, redirect, directResponse or delegate")
    if len(actions) > 1:
        report.invalid(path, f"{' and '.join(actions)} exclude each other")
    if actions in (["redirect"], ["directResponse"]):
        for field in _FORWARD_ONLY:
            if getattr(route, field):
                report.invalid(f"{path}.{field}", f"{field} and {actions[0]} exclude each other")
    if route.mirror is not None and route.mirrors:
        report.invalid(f"{path}.mirrors", "mirror and mirrors exclude each other")
    return len(actions) == 1


def _actions(route: HttpRoute) -> list[str]:
    stated = {
        "route": bool(route.route),
        "redirect": route.redirect is not None,
        "directResponse": route.direct_response is not None,
        "delegate": route.delegate is not None,
    }
    return [name for name, there in stated.items() if there]
