"""What shells complete: names of what the running mesh has. Without a mesh that is nothing, and no error."""

from collections.abc import Callable, Iterable
from typing import Final

import click
from click.shell_completion import CompletionItem

from weft.cli.api import Controller
from weft.cli.errors import Failure
from weft.cli.manifests import dig
from weft.cli.options import chosen_places

_PATIENCE: Final = 1.0
_OWNERS: Final = {"deploy": "deployments", "job": "jobs"}


def complete_resource(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Kinds for the first word of a parameter that takes several, then names of objects of that kind."""
    given = context.params.get(parameter.name or "") or ()
    controller = _controller(context)
    if given:
        return _fitting(incomplete, lambda: _names(controller, given[0], context.params.get("namespace") or "default"))
    return _fitting(incomplete, lambda: (kind.plural for kind in controller.kinds()))


def complete_target(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Pods by name, Deployments as `deploy/NAME` and Jobs as `job/NAME`."""
    controller = _controller(context)
    namespace = context.params.get("namespace") or "default"
    kind = incomplete.partition("/")[0]
    if "/" in incomplete and kind in _OWNERS:
        return _fitting(incomplete, lambda: (f"{kind}/{name}" for name in _names(controller, _OWNERS[kind], namespace)))
    return _fitting(incomplete, lambda: [*_names(controller, "pods", namespace), *(f"{kind}/" for kind in _OWNERS)])


def _fitting(incomplete: str, words: Callable[[], Iterable[str]]) -> list[CompletionItem]:
    try:
        return [CompletionItem(word) for word in words() if word.startswith(incomplete)]
    except Failure:
        return []


def _names(controller: Controller, kind: str, namespace: str) -> list[str]:
    return [str(dig(item, "metadata", "name")) for item in controller.objects(kind, namespace).items]


def _controller(context: click.Context) -> Controller:
    return Controller(chosen_places(context), timeout=_PATIENCE)
