"""`proxy-config secrets|all`: apart from the others, because reading certificates takes a large library."""

from datetime import UTC, datetime

import click

from weft.cli.output import structured
from weft.cli.proxy import secrets as secret_table
from weft.cli.proxy.clusters import ClusterFilter
from weft.cli.proxy.command import Form, View, of_proxy, output_option, show
from weft.cli.proxy.dump import Dump
from weft.cli.proxy.endpoints import EndpointFilter
from weft.cli.proxy.listeners import ListenerFilter
from weft.cli.proxy.resources import cluster_view, endpoint_view, listener_view, route_view
from weft.cli.proxy.source import Source


@click.command("secrets")
@of_proxy
@output_option()
def secrets(source: Source, output: Form) -> None:
    """Show the certificates that the Envoy holds; it gives no private keys away."""
    show(secret_view(source.dump()), output)


@click.command("all")
@of_proxy
@output_option()
def everything(source: Source, output: Form) -> None:
    """Show all tables; as JSON or YAML, the whole dump."""
    if output != "short":
        click.echo(structured(source.whole(), output))
        return
    dump = source.dump()
    views = (
        cluster_view(dump, ClusterFilter()),
        listener_view(dump, ListenerFilter()),
        route_view(dump, None),
        endpoint_view(source.endpoints(), EndpointFilter()),
        secret_view(dump),
    )
    click.echo("\n\n".join(view.table for view in views))


def secret_view(dump: Dump) -> View:
    """All secrets. Raises DumpError."""
    rows = lambda: secret_table.rows(dump.secrets, datetime.now(UTC))  # noqa: E731
    return View(secret_table.HEADER, rows, secret_table.resources(dump.secrets))
