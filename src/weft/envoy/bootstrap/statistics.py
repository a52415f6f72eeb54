"""Which part of a statistic's name is a label in Prometheus."""

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


def statistics() -> dict[str, Any]:
    """Returns the Bootstrap's fields on statistics. Those of a cluster are made when it is first used."""
    tags = [{"tag_name": name, "regex": regex} for name, regex in _TAGS.items()]
    return {
        "stats_config": {"stats_tags": tags, "use_all_default_tags": {"value": False}},
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
    }
