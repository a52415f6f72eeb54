"""The rules of the stream, one by one."""

import pytest
from tests.unit.serve.ads.client import WHOLE, Client, Response, bad, item, request

from weft.envoy.resource import Resource
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, SDS
from weft.serve.ads import stream as stream_module
from weft.serve.ads.messages import DeltaRequest, RequestError
from weft.serve.ads.stream import DeltaStream, Pacing
from weft.serve.ads.views import ResourceTable


class Mesh:
    """A table, a stream that shows it, and a client."""

    def __init__(self, *resources: Resource) -> None:
        self.table = ResourceTable(WHOLE)
        self.table.update(resources)
        self.client = Client(DeltaStream(self.table, 0.0, Pacing(ack=5.0, removal=10.0)))

    def change(self, *resources: Resource, removed: tuple[tuple[str, str], ...] = ()) -> None:
        self.client.stream.changed(self.table.update(resources, removed))

    def next(self) -> Response:
        response = self.client.poll()
        assert response is not None, "a response was expected"
        return response

    def idle(self) -> bool:
        return self.client.poll() is None

    def settled(self, *types: str) -> "Mesh":
        """With these types subscribed (EDS and RDS by all their names) and everything taken."""
        for type_url in types:
            names = () if type_url in WHOLE else tuple(self.table._tables.get(type_url, {}))
            self.client.subscribe(type_url, *names)
            self.client.settle()
        return self


def test_an_empty_first_request_gets_all_clusters() -> None:
    mesh = Mesh(item(CDS, "a"), item(CDS, "b"), item(LDS, "l"))
    mesh.client.subscribe(CDS)
    response = mesh.next()
    assert (response.type_url, set(response.versions)) == (CDS, {"a", "b"})


def test_a_star_gets_all_listeners() -> None:
    mesh = Mesh(item(LDS, "l"))
    mesh.client.subscribe(LDS, "*")
    assert set(mesh.next().versions) == {"l"}


def test_named_types_get_the_named_ones_only() -> None:
    mesh = Mesh(item(EDS, "a"), item(EDS, "b"))
    mesh.client.subscribe(EDS, "a")
    assert set(mesh.next().versions) == {"a"}
    mesh.change(item(EDS, "b", "2"))
    mesh.client.answer()
    assert mesh.idle()


def test_an_empty_subscription_of_a_named_type_gets_nothing_but_an_answer() -> None:
    mesh = Mesh(item(EDS, "a"))
    mesh.client.subscribe(EDS)
    response = mesh.next()
    assert not response.versions
    assert not response.removed
    mesh.client.answer()
    mesh.change(item(EDS, "a", "2"))
    assert mesh.idle()


def test_the_first_request_is_answered_though_there_is_nothing() -> None:
    mesh = Mesh()
    mesh.client.subscribe("type.googleapis.com/istio.security.Authorization")
    response = mesh.next()
    assert not response.versions
    mesh.client.answer()
    assert mesh.idle()


def test_an_unknown_name_is_told_to_be_gone_and_sent_when_it_appears() -> None:
    mesh = Mesh()
    mesh.client.subscribe(EDS, "a")
    assert mesh.next().removed == ["a"]
    mesh.client.answer()
    mesh.change(item(EDS, "a"))
    assert set(mesh.next().versions) == {"a"}


def test_a_cluster_that_waits_for_unknown_endpoints_is_not_kept_waiting() -> None:
    mesh = Mesh(item(CDS, "a")).settled(CDS)
    mesh.client.subscribe(EDS, "a")
    mesh.client.settle()
    mesh.change(item(CDS, "a", "2"), item(CDS, "b"))
    assert mesh.next().type_url == CDS
    mesh.client.subscribe(EDS, "b")
    response = mesh.next()
    assert (response.type_url, response.removed) == (EDS, ["a", "b"]), "it answers for the clusters only after these"


def test_a_name_that_is_subscribed_to_again_is_sent_again() -> None:
    mesh = Mesh(item(EDS, "a")).settled(EDS)
    mesh.client.subscribe(EDS, "a")
    assert set(mesh.next().versions) == {"a"}


def test_a_name_that_is_no_longer_wanted_is_not_sent() -> None:
    mesh = Mesh(item(EDS, "a"), item(EDS, "b")).settled(EDS)
    mesh.client.subscribe(EDS, unsubscribe=["a"])
    mesh.change(item(EDS, "a", "2"))
    assert mesh.idle()


def test_what_the_wildcard_still_covers_is_sent_again_after_an_unsubscription() -> None:
    mesh = Mesh(item(CDS, "a"))
    mesh.client.subscribe(CDS, "*", "a", "gone")
    mesh.client.settle()
    mesh.client.subscribe(CDS, unsubscribe=["a", "gone"])
    response = mesh.next()
    assert set(response.versions) == {"a"}
    assert response.removed == ["gone"]


def test_naming_a_cluster_ends_the_wildcard_that_was_never_named() -> None:
    mesh = Mesh(item(CDS, "a"), item(CDS, "b")).settled(CDS)
    mesh.client.subscribe(CDS, "a")
    mesh.client.settle()
    mesh.change(item(CDS, "b", "2"))
    assert mesh.idle()


def test_a_reconnecting_client_gets_what_differs_only() -> None:
    same, new, other = item(CDS, "same"), item(CDS, "new"), item(CDS, "other", "2")
    mesh = Mesh(same, new, other)
    versions = {"same": same.version, "other": item(CDS, "other", "1").version, "gone": "1"}
    mesh.client.send(CDS, initial_resource_versions=versions)
    assert set(mesh.next().versions) == {"new", "other"}


def test_a_reconnecting_client_that_has_everything_gets_nothing() -> None:
    mesh = Mesh(item(CDS, "a"), item(EDS, "a")).settled(CDS, EDS)
    mesh.client.reconnect(DeltaStream(mesh.table, 0.0))
    assert mesh.idle()
    assert mesh.client.stream.wake_at(0.0) is None


def test_a_reconnecting_client_that_never_saw_a_name_is_told_that_it_is_gone() -> None:
    mesh = Mesh()
    mesh.client.send(EDS, resource_names_subscribe=["a"], initial_resource_versions={"b": "1"})
    mesh.client.time = 20.0
    assert mesh.next().removed == ["a"]


def test_clusters_go_before_endpoints_listeners_routes_and_secrets() -> None:
    mesh = Mesh(*(item(type_url, "a") for type_url in (SDS, RDS, LDS, EDS, CDS)))
    for type_url in (SDS, RDS, LDS, EDS, CDS):
        mesh.client.send(type_url, resource_names_subscribe=["a"])
    order = []
    while (response := mesh.client.poll()) is not None or mesh.client.inbox:
        if response is not None:
            order.append(response.type_url)
        else:
            refused = mesh.client.inbox.popleft()
            mesh.client.send(refused.type_url, response_nonce=refused.nonce)
    assert order == [CDS, EDS, SDS, LDS, RDS]


def test_changes_merge_while_an_answer_is_awaited() -> None:
    mesh = Mesh(item(EDS, "a"), item(EDS, "b")).settled(EDS)
    mesh.change(item(EDS, "a", "2"))
    mesh.next()
    for content in ("3", "4"):
        mesh.change(item(EDS, "a", content), item(EDS, "b", content))
        assert mesh.idle(), "one response at a time"
    mesh.client.answer()
    assert mesh.next().versions == {"a": item(EDS, "a", "4").version, "b": item(EDS, "b", "4").version}


def test_a_client_that_does_not_answer_does_not_hold_up_changes_for_ever() -> None:
    mesh = Mesh(item(CDS, "a"), item(RDS, "r")).settled(CDS, RDS)
    mesh.change(item(CDS, "b"))
    mesh.next()
    mesh.change(item(CDS, "c"), item(RDS, "r", "2"))
    assert mesh.idle()
    assert mesh.client.stream.wake_at(0.0) == 5.0
    mesh.client.time = 5.0
    assert set(mesh.next().versions) == {"c"}
    mesh.client.time = 10.0
    assert mesh.next().type_url == RDS


def test_what_is_never_answered_ends_after_a_few_responses() -> None:
    mesh = Mesh(item(EDS, "a")).settled(EDS)
    sent = 0
    for round_ in range(20):
        mesh.change(item(EDS, "a", f"r{round_}"))
        mesh.client.time += 6.0
        sent += mesh.client.poll() is not None
    assert sent == 4
    assert mesh.client.stream.wake_at(mesh.client.time) is None


def test_endpoints_wait_for_nothing() -> None:
    mesh = Mesh(item(CDS, "a"), item(EDS, "a")).settled(CDS, EDS)
    mesh.change(item(CDS, "b"))
    mesh.next()
    mesh.change(item(EDS, "a", "2"))
    assert mesh.next().type_url == EDS


def test_a_changed_cluster_gets_its_endpoints_again() -> None:
    mesh = Mesh(item(CDS, "a"), item(CDS, "b"), item(EDS, "a"), item(EDS, "b")).settled(CDS, EDS)
    mesh.change(item(CDS, "a", "2"))
    assert mesh.next().type_url == CDS
    response = mesh.next()
    assert (response.type_url, set(response.versions)) == (EDS, {"a"})


def test_a_cluster_that_changed_between_two_streams_gets_its_endpoints_again() -> None:
    mesh = Mesh(item(CDS, "a"), item(EDS, "a")).settled(CDS, EDS)
    mesh.change(item(CDS, "a", "2"))
    mesh.client.stream = DeltaStream(mesh.table, 0.0)
    mesh.client.nonces.clear()
    mesh.client.send(CDS, initial_resource_versions={"a": item(CDS, "a").version})
    assert mesh.next().type_url == CDS
    mesh.client.send(EDS, resource_names_subscribe=["a"], initial_resource_versions={"a": item(EDS, "a").version})
    assert set(mesh.next().versions) == {"a"}


def test_a_route_to_a_new_cluster_waits_until_the_cluster_was_taken() -> None:
    mesh = Mesh(item(CDS, "a"), item(EDS, "a"), item(LDS, "l"), item(RDS, "r")).settled(CDS, EDS, LDS, RDS)
    mesh.change(item(CDS, "b"), item(RDS, "r", "to b"))
    assert mesh.next().type_url == CDS
    assert mesh.idle(), "a route to a cluster that is still warming fails requests"
    mesh.client.answer()
    assert mesh.next().type_url == RDS


def test_a_cluster_is_removed_after_the_route_that_used_it_was_replaced() -> None:
    mesh = Mesh(item(CDS, "a"), item(CDS, "b"), item(LDS, "l"), item(RDS, "r")).settled(CDS, LDS, RDS)
    mesh.change(item(RDS, "r", "to b"), removed=((CDS, "a"),))
    assert mesh.next().type_url == RDS
    assert mesh.idle()
    mesh.client.answer()
    response = mesh.next()
    assert (response.type_url, response.removed) == (CDS, ["a"])


def test_a_removal_is_not_held_for_ever() -> None:
    mesh = Mesh(item(CDS, "a"), item(RDS, "r")).settled(CDS, RDS)
    mesh.change(item(RDS, "r", "2"), removed=((CDS, "a"),))
    assert mesh.next().type_url == RDS
    mesh.client.time = 9.9
    assert mesh.idle()
    mesh.client.time = mesh.client.stream.wake_at(9.9) or 0.0
    assert mesh.client.time == 10.0
    assert mesh.next().removed == ["a"]


def test_additions_do_not_wait_for_held_removals() -> None:
    mesh = Mesh(item(CDS, "a"), item(RDS, "r")).settled(CDS, RDS)
    mesh.change(item(RDS, "r", "2"))
    mesh.next()
    mesh.change(item(CDS, "b"), removed=((CDS, "a"),))
    response = mesh.next()
    assert (set(response.versions), response.removed) == ({"b"}, [])


def test_after_a_reconnection_removals_wait_for_routes_that_were_not_asked_for_yet() -> None:
    mesh = Mesh(item(CDS, "b"), item(RDS, "r", "to b"))
    mesh.client.send(CDS, initial_resource_versions={"a": "1", "b": item(CDS, "b").version})
    assert mesh.idle()
    for type_url in (LDS, RDS):
        mesh.client.send(type_url, resource_names_subscribe=["r"], initial_resource_versions={"r": "1"})
    order = []
    while (response := mesh.client.poll()) is not None:
        order.append((response.type_url, response.removed))
        mesh.client.inbox.clear()
        mesh.client.send(response.type_url, response_nonce=response.nonce)
    assert (RDS, []) in order
    assert order[-1] == (CDS, ["a"])


def test_much_is_told_in_several_responses_and_routes_wait_for_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.serve.ads.batches.MAX_RESPONSE_BYTES", 1_000)
    mesh = Mesh(item(LDS, "l"), item(RDS, "r")).settled(LDS, RDS)
    mesh.client.subscribe(CDS)
    mesh.client.settle()
    mesh.change(*(item(CDS, f"c{number:02}", "x" * 300) for number in range(6)), item(RDS, "r", "to c05"))
    order = []
    while (response := mesh.client.poll()) is not None:
        order.append((response.type_url, sorted(response.versions)))
        mesh.client.answer()
    assert order == [(CDS, ["c00", "c01"]), (CDS, ["c02", "c03"]), (CDS, ["c04", "c05"]), (RDS, ["r"])]


def test_a_large_resource_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.serve.ads.batches.MAX_RESPONSE_BYTES", 1_000)
    mesh = Mesh(item(EDS, "a", "x" * 5_000), item(EDS, "b"))
    mesh.client.subscribe(EDS, "a", "b")
    assert set(mesh.next().versions) == {"a"}
    mesh.client.answer()
    assert set(mesh.next().versions) == {"b"}


def test_listeners_come_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Envoy opens its ready port after the first response with listeners."""
    monkeypatch.setattr("weft.serve.ads.batches.MAX_RESPONSE_BYTES", 100)
    mesh = Mesh(*(item(LDS, f"l{number}") for number in range(9)))
    mesh.client.subscribe(LDS)
    assert len(mesh.next().versions) == 9


def test_a_refusal_is_reported_with_what_was_in_the_response() -> None:
    mesh = Mesh(bad(CDS, "a"))
    mesh.client.subscribe(CDS)
    mesh.next()
    refusal = mesh.client.answer()
    assert (refusal.type_url, refusal.names, refusal.message) == (CDS, ("a",), "refused ['a']")


def test_a_refused_resource_is_sent_again_only_when_it_changes() -> None:
    mesh = Mesh(bad(CDS, "a"))
    mesh.client.subscribe(CDS)
    mesh.client.settle()
    assert len(mesh.client.seen) == 1
    mesh.change(item(CDS, "other"))
    assert set(mesh.next().versions) == {"other"}
    mesh.client.settle()
    mesh.change(item(CDS, "a", "good"))
    assert set(mesh.next().versions) == {"a"}


def test_good_resources_are_not_lost_with_a_bad_one() -> None:
    good = [item(RDS, f"r{number:02}") for number in range(31)]
    mesh = Mesh(*good, bad(RDS, "x"))
    mesh.client.subscribe(RDS, *(f"r{number:02}" for number in range(31)), "x")
    responses = mesh.client.settle()
    assert mesh.client.kept[RDS].versions == {resource.name: resource.version for resource in good}
    assert responses <= 1 + 2 * 5, "halving finds one bad among 32 in 5 steps"
    assert mesh.client.stream.subscriptions[0].refused == {"x"}


def test_a_part_that_is_no_longer_wanted_does_not_hold_up_what_is() -> None:
    mesh = Mesh(bad(RDS, "a"), item(RDS, "b"), item(RDS, "c"))
    mesh.client.subscribe(RDS, "a", "b")
    mesh.next()
    mesh.client.answer()
    mesh.client.subscribe(RDS, "b", "c", unsubscribe=["a"])
    mesh.client.settle()
    assert mesh.client.kept[RDS].versions.keys() == {"b", "c"}


def test_what_is_left_of_a_refused_response_is_not_taken_for_bad() -> None:
    mesh = Mesh(bad(EDS, "a"), item(EDS, "b"))
    mesh.client.subscribe(EDS, "a", "b")
    mesh.next()
    mesh.change(item(EDS, "a", "good now"))
    mesh.client.settle()
    assert mesh.client.kept[EDS].versions.keys() == {"a", "b"}


def test_a_stale_nonce_counts_for_nothing() -> None:
    mesh = Mesh(item(EDS, "a")).settled(EDS)
    mesh.change(item(EDS, "a", "2"))
    mesh.next()
    assert mesh.client.send(EDS, response_nonce="77", error_detail={"code": 3, "message": "no"}) is None
    mesh.change(item(EDS, "a", "3"))
    assert mesh.idle(), "the answer that is awaited did not come yet"


def test_an_answer_may_change_the_subscription() -> None:
    mesh = Mesh(item(EDS, "a"), item(EDS, "b"))
    mesh.client.subscribe(EDS, "a")
    nonce = mesh.next().nonce
    mesh.client.send(EDS, response_nonce=nonce, resource_names_subscribe=["b"])
    assert set(mesh.next().versions) == {"b"}


def test_moving_to_another_view_sends_what_differs() -> None:
    mesh = Mesh(item(CDS, "same"), item(CDS, "old"), item(CDS, "both", "1"), item(EDS, "same")).settled(CDS, EDS)
    other = ResourceTable(WHOLE)
    other.update([item(CDS, "same"), item(CDS, "both", "2"), item(CDS, "new"), item(EDS, "same")])
    mesh.client.stream.move(other)
    response = mesh.next()
    assert set(response.versions) == {"both", "new"}
    assert response.removed == ["old"]
    mesh.client.answer()
    assert mesh.idle()


def test_too_many_types_end_the_stream() -> None:
    mesh = Mesh()
    for number in range(32):
        mesh.client.stream.receive(request(f"type.googleapis.com/x{number}"), 0.0)
    with pytest.raises(RequestError, match="32 types"):
        mesh.client.stream.receive(request("type.googleapis.com/y"), 0.0)


def test_too_many_names_end_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.serve.ads.subscription.MAX_NAMES", 3)
    mesh = Mesh()
    mesh.client.stream.receive(request(EDS, "a", "b"), 0.0)
    with pytest.raises(RequestError, match="subscribe to 3"):
        mesh.client.stream.receive(DeltaRequest(EDS, subscribe=frozenset("cd")), 0.0)


def test_every_push_order_rule_ends() -> None:
    """No two types wait for each other: neither additions nor removals."""
    for rules in (stream_module._ADDED_AFTER, stream_module._REMOVED_AFTER):
        left = dict(rules)
        while left:
            free = [type_url for type_url, others in left.items() if not set(others) & left.keys()]
            assert free, f"they wait for each other: {sorted(left)}"
            for type_url in free:
                del left[type_url]
