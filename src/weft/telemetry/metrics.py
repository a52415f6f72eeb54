"""Every metric of the controller. Where istiod has one of the same meaning, its name is taken, and its labels.

Source: `istiod`'s metrics as documented for pilot-discovery (istio.io, reference/commands/pilot-discovery). Its bounds
of times begin at 0.1 s; finer ones are added below, so that queries which name istiod's bounds still hold.
"""

from typing import Final, Literal

from msgspec import Struct

_FINE: Final = (0.001, 0.005, 0.01, 0.025, 0.05)
_PROXY_TIMES: Final = (*_FINE, 0.1, 0.5, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0)
_PUSH_TIMES: Final = (0.0001, *_FINE, 0.1, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0)
_SIZES: Final = (1.0, 10_000.0, 1_000_000.0, 4_000_000.0, 10_000_000.0, 40_000_000.0)


class Metric(Struct, frozen=True):
    """One metric. `labels` are their names; `bounds` the upper ones of a histogram's buckets, ascending."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    text: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


# ---- proxies and pushes, named as istiod's
XDS: Final = Metric(
    "pilot_xds", "gauge", "Streams of proxies that are open, by the version of their Envoy.", ("version",)
)
PUSHES: Final = Metric("pilot_xds_pushes", "counter", "Responses that were sent, by type of resource.", ("type",))
CONVERGENCE: Final = Metric(
    "pilot_proxy_convergence_time",
    "histogram",
    "Seconds from when a change was heard of to when a proxy was sent all that follows.",
    bounds=_PROXY_TIMES,
)
QUEUE: Final = Metric(
    "pilot_proxy_queue_time", "histogram", "Seconds that a stream waited for its turn.", bounds=_PROXY_TIMES
)
PUSH_TIME: Final = Metric(
    "pilot_xds_push_time",
    "histogram",
    "Seconds that a response took to be made and sent, by type of resource.",
    ("type",),
    _PUSH_TIMES,
)
SEND_TIME: Final = Metric(
    "pilot_xds_send_time", "histogram", "Seconds that it took to hand a response to the transport.", bounds=_PUSH_TIMES
)
CONFIG_SIZE: Final = Metric(
    "pilot_xds_config_size_bytes", "histogram", "Bytes of a response, by type of resource.", ("type",), _SIZES
)
DEBOUNCE: Final = Metric(
    "pilot_debounce_time", "histogram", "Seconds from the first change of a push to its start.", bounds=_PROXY_TIMES
)
REJECTS: Final = Metric(
    "pilot_total_xds_rejects", "counter", "Responses that proxies refused (NACK), by type of resource.", ("type",)
)
CDS_REJECT: Final = Metric("pilot_xds_cds_reject", "gauge", "Clusters: refused responses since the start.")
EDS_REJECT: Final = Metric("pilot_xds_eds_reject", "gauge", "Endpoints: refused responses since the start.")
LDS_REJECT: Final = Metric("pilot_xds_lds_reject", "gauge", "Listeners: refused responses since the start.")
RDS_REJECT: Final = Metric("pilot_xds_rds_reject", "gauge", "Route tables: refused responses since the start.")
EXPIRED_NONCE: Final = Metric(
    "pilot_xds_expired_nonce", "counter", "Answers to no response that is waited for, by type of resource.", ("type",)
)
INBOUND: Final = Metric(
    "pilot_inbound_updates",
    "counter",
    "Changes of objects: `svc` of Services, `eds` of pods and other endpoints, `config` of all else.",
    ("type",),
)
SERVICES: Final = Metric("pilot_services", "gauge", "Services that are known, with those of ServiceEntries.")
VIRTUAL_SERVICES: Final = Metric("pilot_virt_services", "gauge", "VirtualServices that are known.")
INFO: Final = Metric("pilot_info", "gauge", "1, with the version of the controller.", ("version",))

# ---- the authority, named as istiod's
CSRS: Final = Metric("citadel_server_csr_count", "counter", "Certificates of workloads that were asked for.")
ISSUED: Final = Metric(
    "citadel_server_success_cert_issuance_count", "counter", "Certificates of workloads that were issued."
)
SIGN_ERRORS: Final = Metric(
    "citadel_server_csr_sign_err_count", "counter", "Certificates of workloads that could not be issued."
)
AUTHENTICATION_FAILURES: Final = Metric(
    "citadel_server_authentication_failure_count", "counter", "Calls whose token was refused."
)
ROOT_EXPIRY: Final = Metric(
    "citadel_server_root_cert_expiry_timestamp", "gauge", "When the signer's root ends, in Unix seconds."
)
CHAIN_EXPIRY: Final = Metric(
    "citadel_server_cert_chain_expiry_timestamp", "gauge", "When the signer's own certificate ends, in Unix seconds."
)

# ---- what istiod does not have
GRAPH_NODES: Final = Metric("weft_graph_nodes", "gauge", "Values that the graph holds, by table.", ("table",))
GRAPH_COMPUTED: Final = Metric(
    "weft_graph_recomputations_total", "counter", "Values that were computed, by table.", ("table",)
)
GRAPH_CUT_OFF: Final = Metric(
    "weft_graph_cutoffs_total",
    "counter",
    "Values that were found to be as they were without computing them, by table.",
    ("table",),
)
STALLED: Final = Metric("weft_xds_stalled_streams", "gauge", "Streams that wait for a proxy to read.")
CONNECTIONS: Final = Metric("weft_xds_connections", "gauge", "Connections of proxies that are open.")
CONNECTION_LIMIT: Final = Metric("weft_xds_connections_limit", "gauge", "Connections that may be open at once.")
HANDSHAKES: Final = Metric("weft_xds_handshakes", "gauge", "TLS handshakes under way.")
HANDSHAKE_LIMIT: Final = Metric("weft_xds_handshakes_limit", "gauge", "TLS handshakes that may be under way at once.")

METRICS: Final = (
    *(XDS, PUSHES, CONVERGENCE, QUEUE, PUSH_TIME, SEND_TIME, CONFIG_SIZE, DEBOUNCE),
    *(REJECTS, CDS_REJECT, EDS_REJECT, LDS_REJECT, RDS_REJECT, EXPIRED_NONCE),
    *(INBOUND, SERVICES, VIRTUAL_SERVICES, INFO),
    *(CSRS, ISSUED, SIGN_ERRORS, AUTHENTICATION_FAILURES, ROOT_EXPIRY, CHAIN_EXPIRY),
    *(GRAPH_NODES, GRAPH_COMPUTED, GRAPH_CUT_OFF),
    *(STALLED, CONNECTIONS, CONNECTION_LIMIT, HANDSHAKES, HANDSHAKE_LIMIT),
)
"""All of them, in the order of the reference."""
