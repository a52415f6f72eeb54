"""Preference for near endpoints, of a DestinationRule and of the mesh."""

from typing import Final

from msgspec.structs import replace

from weft.dialects.istio.networking.context import Context
from weft.dialects.report import within
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Labels
from weft.model.istio_destination_rule import LocalityDistribute, LocalityFailover, LocalityLoadBalancerSetting

_WHOLE: Final = 100


def with_localities(
    said: TrafficSettings, setting: LocalityLoadBalancerSetting | None, path: str, context: Context
) -> TrafficSettings:
    """`said` with shares by locality, or with the order in which localities stand in for each other."""
    if setting is None:
        return said
    if setting.distribute and (setting.failover or setting.failover_priority):
        context.report.invalid(path, "distribute excludes failover and failoverPriority")
    if setting.failover_priority:
        effect = "endpoints are ordered by region, zone and sub-zone"
        context.report.unsupported(f"{path}.failoverPriority", effect=effect, advice="use failover")
    for index, rule in enumerate(setting.failover):
        _check_failover(rule, f"{path}.failover[{index}]", context)
    return replace(
        said,
        locality=setting.enabled,
        spread=tuple(
            (rule.from_, _shares(rule, f"{path}.distribute[{index}]", context))
            for index, rule in enumerate(setting.distribute)
        ),
        failover=tuple((rule.from_, rule.to) for rule in setting.failover),
        prefer=setting.failover_priority,
    )


def _shares(rule: LocalityDistribute, path: str, context: Context) -> Labels:
    _check_locality(rule.from_, f"{path}.from", context)
    for locality, weight in rule.to.items():
        at = within(f"{path}.to", locality)
        _check_locality(locality, at, context)
        if not 0 < weight <= _WHOLE:
            context.report.invalid(at, f"{weight} is no share: give 1 to 100")
    if sum(rule.to.values()) != _WHOLE:
        context.report.invalid(f"{path}.to", f"the shares add up to {sum(rule.to.values())}, not to 100")
    return tuple(sorted((locality, str(weight)) for locality, weight in rule.to.items()))


def _check_failover(rule: LocalityFailover, path: str, context: Context) -> None:
    if not rule.from_ or not rule.to:
        context.report.invalid(path, "give from and to, each a region")
    for field, region in (("from", rule.from_), ("to", rule.to)):
        if "/" in region or "*" in region:
            context.report.invalid(f"{path}.{field}", f"{region!r} is no region", "failover is between regions only")
    if rule.from_ == rule.to:
        context.report.invalid(f"{path}.to", "a region can't stand in for itself")


def _check_locality(text: str, path: str, context: Context) -> None:
    parts = text.split("/")
    if len(parts) > 3 or not all(parts) or "*" in parts[:-1]:
        context.report.invalid(
            path, f"{text!r} is no locality", "write region/zone/subzone; the last part may be * for all"
        )
