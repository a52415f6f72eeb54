"""Which statistics are kept, and which part of a statistic's name is a label in Prometheus."""

from typing import Any, Final

_TAGS: Final = {
    "cluster_name": r"^cluster\.((.+?);\.)",
    "http_conn_manager_prefix": r"^(?:listener\..+?\.)?http\.((.+?);\.)",
    "listener_address": r"^listener\.((.+?_\d+)\.)",
    "response_code": r"_rq(_(\d{3}))$",
    "response_code_class": r"_rq(_(\dxx))$",
    "route_config": r"\.rds\.((.+)\.)\w+$",
    "tcp_prefix": r"^tcp\.((.+?);\.)",
    "worker": r"\.(worker_(\d+)\.)",
}
"""Names of labels, most of them Istio's, and what they are taken from: the first group goes from the statistic's name,
the second is the value.

Envoy's own rules end a name at its first dot, but names of hosts hold dots: ours end with a semicolon instead
(`names.statistics_prefix`). Its rules can't be changed one by one, so these replace all of them.
"""


_SILENT: Final = (
    r"circuit_breakers\.high\.",  # all traffic has the default priority
    r"lb_(subsets_|zone_|local_cluster_not_ok|recalculate_zone_structures)",  # subsets are clusters here
    r"(default|tlsMode-\w+)\.total_match_count",
    r"ssl\.(ocsp_staple_|certificate\.)",  # the same for every cluster; listeners tell when certificates end
    r"client_ssl_socket_factory\.",
    r"assignment_(stale|timeout_received|use_cached)",
    r"update_(attempt|duration|empty|failure|no_rebuild|success|time)$",  # the control plane's stream has its own
    r"version(_text)?$",
    r"max_host_weight$",
)
"""What is not kept of clusters: half of the statistics of one that is not used, and nothing that says how it is."""


def statistics() -> dict[str, Any]:
    """Returns the Bootstrap's fields on statistics. Those of a cluster's traffic are made when it is first used."""
    silent = {"safe_regex": {"regex": rf"cluster\.[^;]+;\.({'|'.join(_SILENT)}).*"}}
    rejected = {"exclusion_list": {"patterns": [silent]}}
    tags = [{"tag_name": name, "regex": regex} for name, regex in _TAGS.items()]
    return {
        "stats_config": {"stats_tags": tags, "use_all_default_tags": {"value": False}, "stats_matcher": rejected},
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
    }
