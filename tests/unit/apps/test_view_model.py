"""However changes, computing and telling interleave: what a proxy was told of last is what there is."""

from collections.abc import Iterator

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.unit.apps.test_pipeline import SERVICE, put
from tests.unit.apps.test_views import World, pod

from weft.base.issues import Ref
from weft.envoy.resource import Resource
from weft.envoy.type_urls import CDS, EDS, LDS, RDS
from weft.serve.ads.views import Changes, View

TYPES = (CDS, EDS, LDS, RDS)
services = st.sampled_from(("web", "api", "db"))


class Proxy:
    """Holds what it was told of, as it was when it was told."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.held: dict[tuple[str, str], Resource | None] = {}
        view.attach(self)

    def changed(self, changes: Changes) -> None:
        for type_url, names in changes.items():
            for name in names:
                self.held[type_url, name] = self.view.source.named(type_url, name)
        clusters = {name for type_url, name in self.held if type_url == CDS and self.held[type_url, name] is not None}
        for name in changes.get(CDS, ()):
            if name in clusters and name.startswith("outbound"):
                assert self.view.source.named(EDS, name) is not None, "a cluster came before its endpoints"


class ViewMachine(RuleBasedStateMachine):
    """Two proxies of different views in one scope."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.steps: Iterator[None] = iter(())

    @initialize()
    def start(self) -> None:
        self.world.put(f"{pod('web-1')}---{pod('other', 'app: other', 4)}")
        self.proxies = [Proxy(self.world.view(name)) for name in ("web-1", "other")]

    @rule(name=services, protocol=st.sampled_from(("http", "tcp")))
    def put_service(self, name: str, protocol: str) -> None:
        address = {"web": "10.96.0.1", "api": "10.96.0.2", "db": "10.96.0.3"}[name]
        text = SERVICE.replace("name: web", f"name: {name}").replace("10.96.0.1", address)
        put(self.world.pipeline, text.replace("name: http", f"name: {protocol}"))

    @rule(name=services)
    def remove_service(self, name: str) -> None:
        ref = Ref("Service", "shop", name)
        if self.world.pipeline.objects.get(ref) is not None:
            self.world.pipeline.objects.remove(ref)

    @rule(ready=st.booleans(), address=st.integers(2, 3))
    def change_pod(self, ready: bool, address: int) -> None:
        text = pod("web-1", address=address)
        put(self.world.pipeline, text if ready else text.replace('"True"', '"False"'))

    @rule()
    def push_endpoints(self) -> None:
        self.world.views.publish_endpoints()

    @rule(count=st.integers(1, 4))
    def compute_a_little(self, count: int) -> None:
        self.steps = self.world.views.compute()
        for _ in range(count):
            next(self.steps, None)

    @rule()
    def push(self) -> None:
        for _ in self.world.views.compute():
            pass
        self.world.views.publish_endpoints()
        self.world.views.publish()
        self.compare()

    @rule()
    def one_more_view(self) -> None:
        self.world.view("other", "router")

    @invariant()
    def nobody_is_told_of_a_cluster_late(self) -> None:
        """Endpoints never go while their cluster stays."""
        for proxy in getattr(self, "proxies", ()):
            for (type_url, name), resource in proxy.held.items():
                if type_url == EDS and resource is None:
                    assert proxy.held.get((CDS, name)) is None

    def compare(self) -> None:
        fresh = self.world.pipeline.resources
        for proxy in self.proxies:
            key = next(key for key, view in self.world.views._views.items() if view is proxy.view)
            for type_url in TYPES:
                contents = fresh.contents.get((key, type_url))
                for name in contents.keys() | {name for kind, name in proxy.held if kind == type_url}:
                    assert proxy.view.source.named(type_url, name) == contents.get(name)
                    if (type_url, name) in proxy.held:
                        assert proxy.held[type_url, name] == contents.get(name), f"{name} was not told"

    def teardown(self) -> None:
        self.push()


TestViews = ViewMachine.TestCase
TestViews.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
