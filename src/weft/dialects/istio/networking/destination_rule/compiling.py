"""A DestinationRule as a traffic policy (IR T1)."""

from msgspec import Struct
from msgspec.structs import replace

from weft.dialects.checks import check_name, check_port
from weft.dialects.compiled import Compiled, Lookup
from weft.dialects.istio.networking.checks import check_count, check_duration, check_export_to, check_labels
from weft.dialects.istio.networking.client_tls import client_tls
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.destination_rule.balancing import with_balancing
from weft.dialects.istio.networking.destination_rule.ejection import with_ejection
from weft.dialects.istio.networking.destination_rule.pools import with_pool
from weft.dialects.istio.networking.hosts import is_host_pattern
from weft.dialects.names import label_terms, visible_to
from weft.ir.routing import SubsetTerms
from weft.ir.traffic import TrafficPolicy, TrafficSettings
from weft.ir.values import Selector
from weft.model import istio_destination_rule as api
from weft.model.istio_type import WorkloadSelector
from weft.model.objects import Object

_RETRY_SHARE = 20.0
_RETRY_LEAST = 3
_RETRY_WINDOW = 10_000
"""Defaults of Istio's RetryBudget: 20 per cent, at least 3 at once, counted over 10 s."""

PortSettings = tuple[tuple[int, TrafficSettings], ...]


class _Level(Struct, frozen=True):
    """A traffic policy of the API: its settings, and those of single ports."""

    settings: TrafficSettings
    ports: PortSettings


def compile_destination_rule(subject: Object[api.DestinationRule], lookup: Lookup) -> Compiled:
    """One traffic policy for the rule's host; settings say only what the object says."""
    context, spec = Context.of(subject, lookup), subject.spec
    _check(spec, context)
    base = _level(spec.traffic_policy, "spec.trafficPolicy", context)
    subsets = [
        (subset.name, _level(subset.traffic_policy, f"spec.subsets[{index}].trafficPolicy", context))
        for index, subset in enumerate(spec.subsets)
        if subset.traffic_policy is not None
    ]
    policy = TrafficPolicy(
        source=subject.provenance("spec"),
        host=context.host(spec.host),
        settings=base.settings,
        port_settings=base.ports,
        subsets=tuple(SubsetTerms(subset.name, label_terms(subset.labels)) for subset in spec.subsets),
        subset_settings=tuple((name, level.settings) for name, level in subsets),
        subset_port_settings=tuple((name, *port) for name, level in subsets for port in level.ports),
        clients=_clients(spec.workload_selector, context),
        visible_to=visible_to(spec.export_to, context.namespace, context.settings.policies_visible_to),
    )
    return context.report.compiled(policy)


def _check(spec: api.DestinationRule, context: Context) -> None:
    report = context.report
    if not spec.host:
        report.invalid("spec.host", "there is no host", "name the service that the rule is for")
    elif not is_host_pattern(spec.host):
        report.invalid("spec.host", f"{spec.host!r} is no host")
    check_export_to(report, spec.export_to)
    names = [subset.name for subset in spec.subsets]
    for index, subset in enumerate(spec.subsets):
        path = f"spec.subsets[{index}]"
        check_name(report, f"{path}.name", subset.name)
        check_labels(report, f"{path}.labels", subset.labels)
        if subset.name in names[:index]:
            report.invalid(f"{path}.name", f"there is a subset {subset.name!r} already")


def _level(policy: api.TrafficPolicy | None, path: str, context: Context) -> _Level:
    if policy is None:
        return _Level(TrafficSettings(), ())
    if policy.tunnel is not None:
        effect = "connections go to the host directly"
        context.report.unsupported(f"{path}.tunnel", effect=effect, advice="route to the proxy by a VirtualService")
    settings = _groups(policy, path, context)
    if policy.proxy_protocol is not None:
        settings = replace(settings, proxy_header=int(policy.proxy_protocol.version.removeprefix("V")))
    if policy.retry_budget is not None:
        settings = _with_budget(settings, policy.retry_budget, f"{path}.retryBudget", context)
    return _Level(settings, _ports(policy, f"{path}.portLevelSettings", context))


def _ports(policy: api.TrafficPolicy, path: str, context: Context) -> PortSettings:
    found: dict[int, TrafficSettings] = {}
    for index, each in enumerate(policy.port_level_settings):
        at = f"{path}[{index}]"
        number = each.port.number if each.port is not None else 0
        if check_port(context.report, f"{at}.port.number", number) and number in found:
            context.report.invalid(f"{at}.port.number", f"there are settings for port {number} already")
        found[number] = _groups(each, at, context)
    return tuple(sorted(found.items(), key=lambda item: item[0]))


def _groups(policy: api.TrafficPolicy | api.PortTrafficPolicy, path: str, context: Context) -> TrafficSettings:
    """The groups of settings that a port can have too."""
    for field, given in (("loadBalancer", policy.load_balancer), ("connectionPool", policy.connection_pool)):
        if given in (api.LoadBalancerSettings(), api.ConnectionPoolSettings()):
            context.report.ineffective(f"{path}.{field}", "nothing is stated", effect="outer settings stay in force")
    said = with_balancing(TrafficSettings(), policy.load_balancer, f"{path}.loadBalancer", context)
    said = with_pool(said, policy.connection_pool, f"{path}.connectionPool", context)
    said = with_ejection(said, policy.outlier_detection, f"{path}.outlierDetection", context)
    return replace(said, tls=client_tls(policy.tls, f"{path}.tls", context))


def _with_budget(said: TrafficSettings, budget: api.RetryBudget, path: str, context: Context) -> TrafficSettings:
    percent = _RETRY_SHARE if budget.percent is None else budget.percent
    if not 0 <= percent <= 100:
        context.report.invalid(f"{path}.percent", f"{percent:g} is no percentage: give 0 to 100")
    check_count(context.report, f"{path}.minRetryConcurrency", budget.min_retry_concurrency)
    window = check_duration(context.report, f"{path}.budgetInterval", budget.budget_interval)
    if window is not None:
        effect = "the share is of the requests that are active at the time"
        context.report.unsupported(f"{path}.budgetInterval", effect=effect)
    least = budget.min_retry_concurrency or _RETRY_LEAST
    return replace(said, retry_budget=(percent / 100, least, window or _RETRY_WINDOW))


def _clients(selector: WorkloadSelector | None, context: Context) -> Selector | None:
    if selector is None or not selector.match_labels:
        return None
    check_labels(context.report, "spec.workloadSelector.matchLabels", selector.match_labels)
    return Selector(namespaces=(context.namespace,), labels=label_terms(selector.match_labels))
