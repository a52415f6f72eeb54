"""`proxy-config clusters|listeners|routes|endpoints|bootstrap`."""

from typing import Any, Final

import click

from weft.cli.proxy import clusters as cluster_table
from weft.cli.proxy import endpoints as endpoint_table
from weft.cli.proxy import listeners as listener_table
from weft.cli.proxy import routes as route_table
from weft.cli.proxy.clusters import ClusterFilter
from weft.cli.proxy.command import Form, View, of_proxy, output_option, show
from weft.cli.proxy.dump import Dump, Json
from weft.cli.proxy.endpoints import Endpoint, EndpointFilter
from weft.cli.proxy.listeners import ListenerFilter
from weft.cli.proxy.source import Source

_BOOTSTRAP_HEADER: Final = ("NODE", "CLUSTER", "ENVOY VERSION")
_DIRECTIONS: Final = click.Choice(["inbound", "outbound", "inbound-vip"])
_LISTENER_TYPES: Final = click.Choice(["", "HTTP", "TCP", "HTTP+TCP"], case_sensitive=False)
_port: Final = click.option("--port", type=click.IntRange(0, 65535), help="Only those of this port.")


@click.command("clusters")
@of_proxy
@output_option()
@click.option("--fqdn", default="", help="Only those of this host, or part of it.")
@_port
@click.option("--subset", help="Only those of this subset.")
@click.option("--direction", type=_DIRECTIONS, help="Only those of this direction.")
def clusters(source: Source, output: Form, **wanted: Any) -> None:
    """Show the destinations that the Envoy knows."""
    show(cluster_view(source.dump(), ClusterFilter(**wanted)), output)


@click.command("listeners")
@of_proxy
@output_option()
@click.option("--address", default="", help="Only those of this address.")
@_port
@click.option("--type", type=_LISTENER_TYPES, default="", help="Only those with such filters.")
def listeners(source: Source, output: Form, **wanted: Any) -> None:
    """Show what the Envoy listens on, and where connections go."""
    show(listener_view(source.dump(), ListenerFilter(**wanted)), output)


@click.command("routes")
@of_proxy
@output_option()
@click.option("--name", help="Only the route table of this name.")
def routes(source: Source, output: Form, name: str | None) -> None:
    """Show the rules by which the Envoy routes requests."""
    show(route_view(source.dump(), name), output)


@click.command("endpoints")
@of_proxy
@output_option()
@click.option("--address", default="", help="Only those of this address.")
@_port
@click.option("--cluster", default="", help="Only those of this cluster.")
@click.option("--status", default="", help="Only those that are so: HEALTHY, UNHEALTHY, DRAINING... (comma-separated).")
def endpoints(source: Source, output: Form, status: str, **wanted: Any) -> None:
    """Show the addresses behind the clusters, and how they are."""
    states = tuple(filter(None, status.split(",")))
    show(endpoint_view(source.endpoints(), EndpointFilter(status=states, **wanted)), output)


@click.command("bootstrap")
@of_proxy
@output_option("json")
def bootstrap(source: Source, output: Form) -> None:
    """Show the configuration that the Envoy was started with."""
    found = source.dump().bootstrap
    show(View(_BOOTSTRAP_HEADER, lambda: [_bootstrap_row(found.get("node", {}))], {"bootstrap": found}), output)


def cluster_view(dump: Dump, wanted: ClusterFilter) -> View:
    """The clusters that are meant. Raises DumpError."""
    found = cluster_table.select(dump.clusters, wanted)
    return View(cluster_table.HEADER, lambda: cluster_table.rows(found), found)


def listener_view(dump: Dump, wanted: ListenerFilter) -> View:
    """The listeners that are meant. Raises DumpError."""
    found = listener_table.select(dump.listeners, wanted)
    return View(listener_table.HEADER, lambda: listener_table.rows(found), found)


def route_view(dump: Dump, name: str | None) -> View:
    """The route tables that are meant. Raises DumpError."""
    found = route_table.select(dump.routes, name)
    return View(route_table.HEADER, lambda: route_table.rows(found), found)


def endpoint_view(endpoints: list[Endpoint], wanted: EndpointFilter) -> View:
    """The endpoints that are meant."""
    found = endpoint_table.select(endpoints, wanted)
    return View(endpoint_table.HEADER, lambda: endpoint_table.rows(found), [endpoint.resource for endpoint in found])


def _bootstrap_row(node: Json) -> tuple[str, ...]:
    version = node.get("user_agent_build_version", {}).get("version", {})
    number = ".".join(str(version.get(part, 0)) for part in ("major_number", "minor_number", "patch"))
    return str(node.get("id", "")), str(node.get("cluster", "")), number
