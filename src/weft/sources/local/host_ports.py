"""Ports of the machine that several pods of its network ask for: a cluster's scheduler would run one of them here."""

from collections.abc import Iterable, Iterator

from weft.base.issues import Issue
from weft.model import codes
from weft.sources.local.pods import PodRecord


def taken_ports(records: Iterable[PodRecord]) -> Iterator[Issue]:
    """The pods of the host's network with a declared port that an older one of them has.

    Source: Kubernetes, "ContainerPort.hostPort": with hostNetwork it is the container's port.
    """
    owners: dict[tuple[str, int], PodRecord] = {}
    hosted = (each for each in records if each.deleted is None and each.content.spec.host_network)
    for record in sorted(hosted, key=lambda each: (each.created, each.ref)):
        ports = (port for container in record.content.spec.containers for port in container.ports)
        for key in dict.fromkeys((port.protocol, port.container_port) for port in ports):
            owner = owners.setdefault(key, record)
            if owner is not record:
                yield _issue(record, owner, *key)


def _issue(record: PodRecord, owner: PodRecord, protocol: str, port: int) -> Issue:
    return Issue(
        codes.HOST_PORT_TAKEN,
        "warning",
        record.owner or record.ref,
        "",
        f"the pod {record.name} has {protocol} port {port} of the machine, as {owner.namespace}/{owner.name} has",
        effect="only one of them can listen there",
        advice="give each its own port, or leave hostNetwork out",
    )
