"""What proxies in use lack because it could not be built, as issues of the objects that it comes from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from weft.base.issues import Issue, Ref
from weft.base.provenance import Provenance
from weft.envoy.built import BuildFailure
from weft.envoy.resources import ProxyResources
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, SDS
from weft.graph.watch import Watcher
from weft.ir.settings import ProxyKey
from weft.mesh.reader import Mesh
from weft.model import codes
from weft.model.kinds import Kinds

_NAMES: Final = {CDS: "cluster", EDS: "endpoints", LDS: "listener", RDS: "routes", SDS: "secret"}
_MAKERS: Final = {CDS: "DestinationRule", RDS: "VirtualService"}
"""The kind whose settings a resource is mostly made of, where several objects take part."""
_SHOWN: Final = 3


class BuildIssues:
    """Asks what could not be built: of proxies that are connected only, and at the cost of what changed."""

    def __init__(self, mesh: Mesh, resources: ProxyResources, kinds: Kinds) -> None:
        self._mesh = mesh
        self._failures = Watcher(resources.failures)
        self._found: dict[ProxyKey, tuple[BuildFailure, ...]] = {}
        self._kinds = kinds

    def issues(self, proxies: Mapping[ProxyKey, Sequence[str]]) -> Iterator[Issue]:
        """One issue for each resource; `proxies` are the names of those in use by what decides their configuration."""
        self._follow(proxies)
        lacking: dict[BuildFailure, list[ProxyKey]] = {}
        for key in proxies:
            for failure in self._found[key]:
                lacking.setdefault(failure, []).append(key)
        for failure, keys in lacking.items():
            names = sorted({name for key in keys for name in proxies[key]})
            yield self._issue(failure, self._mesh.explain(keys[0].scope, failure.name), names)

    def _follow(self, proxies: Collection[ProxyKey]) -> None:
        """Looks at what has changed since the last time, at proxies that are new, and at none that left."""
        for key in self._found.keys() - proxies:
            self._failures.remove(key)
            del self._found[key]
        self._found.update(self._failures.changes())
        for key in proxies:
            if key not in self._found:
                self._found[key] = self._failures.add(key)

    def _issue(self, failure: BuildFailure, sources: Sequence[Provenance], proxies: Sequence[str]) -> Issue:
        what = f"the {_NAMES[failure.type_url]} {failure.name} can't be built: {failure.message}"
        made_of = ", ".join(f"{each.kind} {each.namespace}/{each.name}" for each in sources)
        some = ", ".join(proxies[:_SHOWN]) + (f" and {len(proxies) - _SHOWN} more" if len(proxies) > _SHOWN else "")
        advice = f"write it otherwise (it is made of {made_of}), and report this" if made_of else "report this"
        ref, path = self._maker(failure, sources)
        return Issue(codes.NOT_BUILT, "error", ref, path, what, f"these proxies go without it: {some}", advice)

    def _maker(self, failure: BuildFailure, sources: Sequence[Provenance]) -> tuple[Ref | None, str]:
        if not sources:
            return None, ""
        wanted = _MAKERS.get(failure.type_url)
        source = next((each for each in sources if each.kind == wanted), sources[0])
        return Ref(self._kinds.named(source.kind).key, source.namespace, source.name), source.path
