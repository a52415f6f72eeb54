"""`weft proxy-status`: istioctl's table of connected proxies."""

import time
from collections.abc import Sequence
from typing import Any, Final

import click

from weft.base.places import Places
from weft.cli.ages import age
from weft.cli.api import Controller
from weft.cli.completing import complete_target
from weft.cli.errors import Failure
from weft.cli.options import chosen_places, mesh_options, namespace_option
from weft.cli.output import structured
from weft.cli.table import printable, render
from weft.cli.targets import find_pod
from weft.envoy.type_urls import CDS, ECDS, EDS, LDS, RDS, SDS, SHORT_NAMES, VHDS
from weft.serve.ads.states import ProxyState, TypeState

HEADER: Final = ("NAME", "CLUSTER", "ISTIOD", "VERSION", "SUBSCRIBED TYPES")
TYPE_HEADER: Final = ("TYPE", "STATUS", "RESOURCES", "SENT", "ACCEPTED")

_ORDER: Final = (CDS, LDS, EDS, RDS, VHDS, ECDS, SDS)
_CONTROLLER: Final = "controller"
_NOTHING: Final = "-"

Row = tuple[str, ...]


@click.command("proxy-status")
@click.argument("target", metavar="[POD[.NAMESPACE]|deploy/NAME]", default="", shell_complete=complete_target)
@click.option("-v", "--verbosity", type=click.IntRange(0, 1), default=0, help="1: the status of each type.")
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="Form of the output.")
@namespace_option
@mesh_options
@click.pass_context
def proxy_status(context: click.Context, /, target: str, verbosity: int, **options: Any) -> None:
    """Show how far connected proxies have got with their configuration, or how far one has with what it refused."""
    places = chosen_places(context)
    found = Controller(places).fetch("/v1/proxies", tuple[ProxyState, ...])
    states = tuple(sorted(found, key=lambda state: (state.pod, state.namespace)))
    if target:
        states = _of_pod(places, states, target, options["namespace"])
    if options["output"]:
        click.echo(structured(states, options["output"]))
    elif target:
        click.echo("\n\n".join(_details(state, time.time()) for state in states))
    elif not states:
        click.echo("No proxies are connected.", err=True)
    else:
        click.echo(render(*_table(states, places.mesh, verbosity)))


def rows(states: Sequence[ProxyState], mesh: str) -> list[Row]:
    """One row a proxy, with the types that it subscribed to. The mesh is the cluster."""
    return [(*_head(state, mesh), _subscribed(state)) for state in states]


def verbose_rows(states: Sequence[ProxyState], mesh: str, now: float) -> tuple[Row, list[Row]]:
    """Header and rows with a column for each type that any proxy subscribed to; `now` in Unix seconds."""
    present = {state.type_url for proxy in states for state in proxy.types}
    types = [url for url in _ORDER if url in present]
    header = (*HEADER[:-1], *(SHORT_NAMES[url] for url in types))
    return header, [(*_head(proxy, mesh), *(_status(proxy, url, now) for url in types)) for proxy in states]


def type_rows(proxy: ProxyState, now: float) -> list[Row]:
    """One row a type of one proxy; `now` in Unix seconds."""
    return [
        (
            _short(state),
            state.status,
            "all" if state.subscribed is None else str(state.subscribed),
            age(state.sent, now) if state.sent else _NOTHING,
            age(state.accepted, now) if state.accepted else _NOTHING,
        )
        for state in _sorted(proxy)
    ]


def _table(states: Sequence[ProxyState], mesh: str, verbosity: int) -> tuple[Row, list[Row]]:
    return verbose_rows(states, mesh, time.time()) if verbosity else (HEADER, rows(states, mesh))


def _of_pod(places: Places, states: Sequence[ProxyState], target: str, namespace: str) -> tuple[ProxyState, ...]:
    pod = find_pod(places, target, namespace)
    found = tuple(state for state in states if (state.namespace, state.pod) == (pod.namespace, pod.name))
    if not found:
        hint = f"`weft logs {pod.name} -n {pod.namespace} -c istio-proxy` may tell why"
        raise Failure(f"the Envoy of pod {pod.namespace}/{pod.name} is not connected", hint=hint)
    return found


def _details(proxy: ProxyState, now: float) -> str:
    lines = [f"{proxy.pod}.{proxy.namespace}: connected for {age(proxy.connected, now)} from {proxy.address}"]
    lines.append(render(TYPE_HEADER, type_rows(proxy, now)))
    for state in _sorted(proxy):
        if state.refusal:
            over = "" if state.refused else ", not any more"
            lines.append(
                f"{_short(state)} refused {age(state.refusal_time, now)} ago{over}: {printable(state.refusal)}"
            )
    return "\n".join(lines)


def _head(proxy: ProxyState, mesh: str) -> Row:
    return f"{proxy.pod}.{proxy.namespace}", mesh, _CONTROLLER, proxy.version or _NOTHING


def _subscribed(proxy: ProxyState) -> str:
    names = [_short(state) for state in _sorted(proxy)]
    return f"{len(names)} ({','.join(names)})"


def _status(proxy: ProxyState, type_url: str, now: float) -> str:
    state = next((state for state in proxy.types if state.type_url == type_url), None)
    if state is None:
        return _NOTHING
    return (
        f"{state.status} ({age(state.accepted, now)})" if state.status == "SYNCED" and state.accepted else state.status
    )


def _sorted(proxy: ProxyState) -> list[TypeState]:
    """The types in istioctl's order; those that it does not know come last."""
    order = {url: number for number, url in enumerate(_ORDER)}
    return sorted(proxy.types, key=lambda state: (order.get(state.type_url, len(order)), state.type_url))


def _short(state: TypeState) -> str:
    return SHORT_NAMES.get(state.type_url, state.type_url.rpartition(".")[2])
