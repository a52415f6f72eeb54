"""Names in RBAC configuration, and how access logs tell who decided.

A denial by a rule names its policy in `%RESPONSE_CODE_DETAILS%`, for bytes in `%CONNECTION_TERMINATION_DETAILS%`:
`rbac_access_denied_matched_policy[ns[shop]-policy[no-deletes]-rule[0]]`. A denial because no rule allows says `[none]`
there; which policies close is then in CLOSED_BY.
"""

import re
from collections.abc import Iterable
from typing import Final

from weft.base.provenance import Provenance
from weft.ir.access import Authorization

METADATA: Final = "weft.access"
"""Route metadata about authorization."""

CLOSED_BY_KEY: Final = "closed_by"
CLOSED_BY: Final = f"%METADATA(ROUTE:{METADATA}:{CLOSED_BY_KEY})%"
"""Access log operator for HTTP: the policies that refuse what none of their rules allows; `-` where there are none."""

AUDIT_PREFIX: Final = "weft_audit_"
DRY_RUN_DENY_PREFIX: Final = "istio_dry_run_deny_"
DRY_RUN_ALLOW_PREFIX: Final = "istio_dry_run_allow_"
"""Prefixes of statistics and of dynamic metadata; those of dry runs are Istio's (task "Dry Run")."""

HTTP_AUDITED_BY: Final = f"%DYNAMIC_METADATA(envoy.filters.http.rbac:{AUDIT_PREFIX}enforced_effective_policy_id)%"
NETWORK_AUDITED_BY: Final = f"%DYNAMIC_METADATA(envoy.filters.network.rbac:{AUDIT_PREFIX}shadow_effective_policy_id)%"
"""Access log operators: the rule of an AUDIT policy that matched, `-` where none did."""

_RULE: Final = re.compile(r"\.rules(\[\d+\])$")


def policy_name(source: Provenance) -> str:
    """Returns the name under which a rule, or a policy as a whole, appears in logs, in Istio's form."""
    rule = _RULE.search(source.path)
    name = f"ns[{source.namespace}]-policy[{source.name}]"
    return f"{name}-rule{rule[1]}" if rule else name


def closed_by(authorizations: Iterable[Authorization]) -> str:
    """Returns the names of the policies that refuse what none of their rules allows, joined by commas."""
    return ",".join(policy_name(each.source) for each in authorizations if each.closes and each.enforced)
