"""Which Envoy is meant."""

import click

from weft.cli.node_files import PodFiles
from weft.cli.options import chosen_places
from weft.cli.proxy.source import AdminSource
from weft.cli.targets import find_pod


def admin_source(context: click.Context, target: str, namespace: str) -> AdminSource:
    """The Envoy of the pod that `target` means. Raises Failure."""
    places = chosen_places(context)
    pod = find_pod(places, target, namespace)
    return AdminSource(PodFiles(places, pod.namespace, pod.name).admin_socket(), pod.name)
