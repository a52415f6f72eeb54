"""Checks across objects: each finding once, on the object that is wrong, with its code."""

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from tests.pem import CERTIFICATE, KEY
from tests.unit.mesh.world import World, host_of, policy, rule, service, source, table, workload

from weft.analyze.analyzer import Analysis
from weft.base.issues import Ref
from weft.ir.access import Authentication, Authorization, AuthzRule
from weft.ir.edge import Gateway, Listener
from weft.ir.inventory import ServicePort
from weft.ir.routing import Backend, SubsetTerms
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Condition, LabelTerm, Protocol, Selector, Target, Tls
from weft.model.kubernetes import Secret
from weft.model.objects import Metadata, Object

REVIEWS = host_of("reviews")
_OTHER = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = _OTHER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
ENCRYPTED_KEY = _OTHER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
V1 = SubsetTerms("v1", (("version", "in", ("v1",)),))


def findings(world: World) -> list[tuple[str, str]]:
    return [
        (issue.code, issue.ref.name if issue.ref else "") for issue in Analysis(world.fragments, world.mesh).issues()
    ]


def sound_world() -> World:
    world = World()
    world.put(service("reviews"), name="service")
    world.put(workload("reviews-1", {"app": "reviews", "version": "v1"}), name="pod")
    world.put(policy(REVIEWS, settings=TrafficSettings(), subsets=(V1,)), name="rule")
    world.put(table(REVIEWS, rule(Backend(REVIEWS, 80, "v1"))), name="routes")
    return world


def selecting(**labels: str) -> Selector:
    terms: tuple[LabelTerm, ...] = tuple((key, "in", (value,)) for key, value in labels.items())
    return Selector(namespaces=("default",), labels=terms)


def test_a_sound_mesh_has_no_findings() -> None:
    assert findings(sound_world()) == []


def test_a_destination_that_does_not_exist_is_named() -> None:
    for backend, missing in (
        (Backend(host_of("nobody")), "host 'nobody"),
        (Backend(REVIEWS, 81), "port 81"),
        (Backend(REVIEWS, 80, "v9"), "subset 'v9'"),
    ):
        world = sound_world()
        world.put(table(REVIEWS, rule(backend)), name="routes")
        (issue,) = Analysis(world.fragments, world.mesh).issues()
        assert (issue.code, issue.severity) == ("IST0101", "error")
        assert missing in issue.message


def test_a_gateway_that_does_not_exist_is_named() -> None:
    world = sound_world()
    attached: dict[str, Any] = {"attach": Target("gateway", "default", "front")}
    world.put(table("shop.example", rule(Backend(REVIEWS)), **attached), name="front-routes")
    assert findings(world) == [("IST0101", "front-routes")]
    edge = Gateway(source("front"), "edge", selecting(app="reviews"))
    world.put(edge, name="front")
    assert findings(world) == []


def test_the_younger_of_two_tables_for_a_host_is_told() -> None:
    world = sound_world()
    world.put(table(REVIEWS, rule(Backend(REVIEWS)), name="younger", created=9), name="younger")
    assert findings(world) == [("IST0109", "younger")]


def test_a_policy_for_an_unknown_host_is_told() -> None:
    world = sound_world()
    world.put(policy(host_of("nobody"), settings=TrafficSettings()), name="lost")
    assert findings(world) == [("IST0174", "lost")]


def test_a_subset_without_endpoints_is_told() -> None:
    world = sound_world()
    v9 = SubsetTerms("v9", (("version", "in", ("v9",)),))
    world.put(policy(REVIEWS, settings=TrafficSettings(), subsets=(V1, v9)), name="rule")
    assert findings(world) == [("IST0173", "rule")]


def test_a_selector_that_selects_nothing_is_told() -> None:
    world = sound_world()
    target = Target("workloads", "default", select=selecting(app="nobody"))
    world.put(Authentication(source("strict"), target, mutual="require"), name="strict")
    assert findings(world) == [("IST0127", "strict")]


def test_a_rule_about_requests_is_told_where_a_port_serves_bytes() -> None:
    world = sound_world()
    only_get = AuthzRule(source("p"), "allow", operations=((Condition("request.method", (("exact", "GET"),)),),))
    target = Target("workloads", "default", select=selecting(app="reviews"))
    allow = Authorization(source("p"), "request", 2, "in", target, (only_get,), closes=True)
    world.put(allow, name="p")
    assert findings(world) == []
    world.put(service("reviews", ports=(ServicePort(80, "tcp", "tcp", 8080),)), name="service")
    assert findings(world) == [("WEFT0305", "p")]


def test_what_an_older_policy_of_the_same_host_leaves_unused_is_told() -> None:
    world = sound_world()
    world.put(policy(REVIEWS, name="more", created=1, settings=TrafficSettings(pending=1), subsets=(V1,)), name="more")
    (issue,) = Analysis(world.fragments, world.mesh).issues()
    assert (issue.code, issue.ref and issue.ref.name) == ("WEFT0501", "more")
    assert issue.effect == "not used of this object: subset 'v1'"
    settings = TrafficSettings(pending=2)
    world.put(policy(REVIEWS, name="last", created=2, settings=settings), name="last")
    (last,) = [each for each in Analysis(world.fragments, world.mesh).issues() if each.ref and each.ref.name == "last"]
    assert last.effect == "not used of this object: the traffic policy"
    hidden = msgspec.structs.replace(
        policy(REVIEWS, name="last", created=2, settings=settings), visible_to=("default",)
    )
    world.put(hidden, name="last")
    (last,) = [each for each in Analysis(world.fragments, world.mesh).issues() if each.ref and each.ref.name == "last"]
    assert last.effect == "not used of this object: all of it, where both are exported to"


def test_policies_of_one_host_that_add_to_each_other_are_fine() -> None:
    world = sound_world()
    chosen = policy(REVIEWS, name="chosen", settings=TrafficSettings(pending=1), clients=selecting(app="reviews"))
    world.put(chosen, name="chosen")
    world.put(policy(REVIEWS, name="more", created=1, settings=TrafficSettings(pending=1)), name="more")
    assert findings(world) == []


def test_bytes_to_a_service_that_has_no_address_and_no_endpoints_of_its_own_are_told() -> None:
    """A name for a host outside, for example; of a headless service each endpoint has a listener."""
    world = sound_world()
    protocols: tuple[Protocol, ...] = ("http", "udp", "tcp", "detect")
    for protocol in protocols:
        world.put(service("db", protocol=protocol, addresses=(), resolution="dns"), name="db")
        assert findings(world) == ([("WEFT0502", "db")] if protocol == "tcp" else [])
        world.put(service("db", protocol=protocol, addresses=(), headless=True), name="db")
        assert findings(world) == []


def test_endpoints_of_the_own_node_can_not_be_told_where_there_are_several() -> None:
    world = sound_world()
    world.put(service("near", near="node"), name="near")
    for number, node in enumerate(("a", "a", "b")):
        assert findings(world) == []
        world.put(workload(f"near-{number}", {"app": "near"}, node=node), name=f"near-{number}")
    assert findings(world) == [("WEFT0101", "near")]


def test_the_younger_of_two_services_that_nothing_tells_apart_is_told() -> None:
    world = sound_world()
    tcp: dict[str, Any] = {"protocol": "tcp", "port": 3306, "addresses": (), "members": None, "registry": "external"}
    world.put(service("a", source=source("a", created=2), **tcp), name="a")
    world.put(service("b", source=source("b", created=1), **tcp), name="b")
    assert findings(world) == [("IST0134", "a")]
    shared = {**tcp, "addresses": (("", "10.97.0.1"),)}
    world.put(service("a", source=source("a", created=2), **shared), name="a")
    assert findings(world) == []
    world.put(service("b", source=source("b", created=1), **shared), name="b")
    assert findings(world) == [("WEFT0501", "a")]
    world.put(service("b", source=source("b"), visible_to=("x",), **shared), name="b")
    world.put(service("a", source=source("a"), visible_to=("y",), **shared), name="a")
    assert findings(world) == []


def edge_world(*listeners: Listener) -> World:
    world = sound_world()
    select = Selector(labels=(("app", "in", ("reviews",)),))
    for each in listeners:
        name = each.gateway.name
        world.put(Gateway(each.source, "edge", select), each, name=name)
    return world


def server(gateway: str, port: int, *hosts: str, protocol: Protocol = "http", tls: Tls | None = None) -> Listener:
    target = Target("gateway", "default", gateway)
    return Listener(source(gateway), target, "name", port, protocol, tuple(f"*/{host}" for host in hosts), tls=tls)


def test_a_server_whose_place_an_older_one_has_is_told() -> None:
    tls = Tls("one_way", ("file:/c~/k",))
    sound = edge_world(
        server("a", 80, "*"), server("b", 80, "*"), server("c", 443, "x", tls=tls), server("d", 443, "y", tls=tls)
    )
    assert findings(sound) == []
    same_name = edge_world(server("a", 443, "x", "y", tls=tls), server("b", 443, "y", "z", tls=tls))
    (issue,) = Analysis(same_name.fragments, same_name.mesh).issues()
    assert (issue.code, issue.ref and issue.ref.name) == ("IST0145", "b")
    assert issue.message == "port 443 is already served by the gateway default/a for y"
    bytes_beside_http = edge_world(server("a", 80, "*", protocol="tcp"), server("b", 80, "*"))
    assert findings(bytes_beside_http) == [("IST0145", "a")]


def test_a_gateway_whose_certificate_is_missing_or_incomplete_is_told() -> None:
    world = edge_world(server("a", 443, "x", tls=Tls("mutual", ("secret:/cert",), "secret:/cert-cacert")))
    assert findings(world) == [("IST0101", "a")]
    chain, key = CERTIFICATE.encode(), KEY.encode()
    for data, expected in (
        ({"tls.crt": chain}, [("IST0161", "a")]),
        ({"tls.crt": chain, "tls.key": key}, [("IST0101", "a")]),
        ({"tls.crt": chain, "tls.key": key, "ca.crt": chain}, []),
    ):
        set_secret(world, data)
        assert findings(world) == expected


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tls.crt": b"certificate"}, "tls.crt is no certificate in PEM"),
        ({"tls.crt": b""}, "lacks what is asked of it"),
        ({"tls.key": b"key"}, "tls.key is no private key in PEM"),
        ({"tls.key": OTHER_KEY}, "tls.key is not the key of the first certificate"),
        ({"tls.key": ENCRYPTED_KEY}, "tls.key is encrypted, and there is no password for it"),
        ({"ca.crt": KEY.encode()}, "ca.crt is no certificate in PEM"),
    ],
)
def test_a_gateway_whose_certificate_is_no_pem_is_told_and_it_is_not_sent(changed: dict[str, bytes], said: str) -> None:
    world = edge_world(server("a", 443, "x", tls=Tls("mutual", ("secret:/cert",), "secret:/cert-cacert")))
    good = {"tls.crt": CERTIFICATE.encode(), "tls.key": KEY.encode(), "ca.crt": CERTIFICATE.encode()}
    set_secret(world, good | changed)
    (issue,) = Analysis(world.fragments, world.mesh).issues()
    assert (issue.code, issue.severity) == ("IST0161", "error")
    assert "Secret 'cert' in namespace 'default'" in issue.message
    assert said in issue.message
    broken = "secret:/cert-cacert" if "ca.crt" in changed else "secret:/cert"
    assert world.mesh.credential("default", broken) is None


def set_secret(world: World, data: dict[str, bytes]) -> None:
    secret = Object("Secret", Metadata(name="cert", namespace="default"), Secret(data=data))
    world.objects.set(Ref("Secret", "default", "cert"), secret)


def authentication(name: str, created: int, target: Target) -> Authentication:
    return Authentication(source(name, created=created, kind="PeerAuthentication"), target, mutual="require")


def test_the_younger_of_two_authentications_of_one_level_is_told() -> None:
    world = sound_world()
    selected = Target("workloads", "default", select=selecting(app="reviews"))
    world.put(authentication("old", 1, selected), name="old")
    world.put(authentication("of-namespace", 1, Target("namespace", "default")), name="of-namespace")
    assert findings(world) == []
    also_selected = Target("workloads", "default", select=selecting(version="v1"))
    world.put(authentication("young", 2, also_selected), name="young")
    assert findings(world) == [("WEFT0501", "young")]


def test_a_rule_about_requests_is_told_where_a_gateway_serves_bytes() -> None:
    world = edge_world(server("a", 3306, "*", protocol="tcp"), server("b", 80, "*"))
    world.put(table("*", rule(Backend(REVIEWS, 80)), attach=Target("gateway", "default", "a"), level="stream"))
    about_requests = AuthzRule(
        source("policy"), "allow", conditions=(Condition("request.method", (("exact", "GET"),)),)
    )
    target = Target("workloads", "default", select=selecting(app="reviews"))
    world.put(Authorization(source("policy"), "request", 2, "in", target, (about_requests,), True), name="policy")
    (issue,) = Analysis(world.fragments, world.mesh).issues()
    assert issue.code == "WEFT0305"
    assert "port 3306 serves bytes" in issue.message


def test_bytes_of_a_service_without_any_address_are_told() -> None:
    world = sound_world()
    protocols: tuple[Protocol, ...] = ("tcp", "detect", "tls", "http")
    for protocol in protocols:
        world.put(service("db", protocol=protocol, addresses=(), resolution="dns", members=None), name="db")
        assert findings(world) == ([("WEFT0502", "db")] if protocol == "tcp" else [])


def test_a_destination_of_several_ports_must_name_one_unless_it_is_what_was_called() -> None:
    world = sound_world()
    ports = (ServicePort(80, "http", "http", 80), ServicePort(81, "admin", "http", 81))
    world.put(service("many", ports=ports), name="many")
    world.put(table(host_of("many"), rule(Backend(host_of("many")))), name="routes")
    assert findings(world) == []
    world.put(table(REVIEWS, rule(Backend(host_of("many")))), name="routes")
    assert findings(world) == [("IST0112", "routes")]
    world.put(table(REVIEWS, rule(Backend(host_of("many"), 81))), name="routes")
    assert findings(world) == []


def test_what_is_said_of_another_name_for_a_service_is_told() -> None:
    world = sound_world()
    alias = service("friend", alias_of=REVIEWS, ports=(), addresses=(), members=None, resolution="dns")
    world.put(alias, name="friend")
    assert findings(world) == []
    world.put(policy(alias.host, settings=TrafficSettings(pending=1)), name="settings")
    world.put(table(alias.host, rule(Backend(REVIEWS, 80))), name="routes")
    assert findings(world) == [("IST0133", "routes"), ("IST0133", "settings")]


def test_a_route_to_another_name_is_judged_by_the_service() -> None:
    world = sound_world()
    alias = service("friend", alias_of=REVIEWS, addresses=(), members=None, resolution="dns")
    world.put(alias, name="friend")
    world.put(table("shop.example", rule(Backend(alias.host, 80))), name="routes")
    assert findings(world) == []
    world.put(table("shop.example", rule(Backend(alias.host, 81))), name="routes")
    assert findings(world) == [("IST0101", "routes")]
