"""weft.base.protobuf: the private pool, the typed constructor, wire and JSON forms."""

import subprocess
import sys
from datetime import timedelta
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.base.protobuf import (
    ProtobufError,
    duration,
    from_dict,
    message_class,
    new,
    pack,
    parse,
    serialize,
    struct,
    to_dict,
    type_url,
    unpack,
)

CLUSTER = "envoy.config.cluster.v3.Cluster"
METADATA = "envoy.config.core.v3.Metadata"

# In another process, so that nothing this one has imported counts.
BESIDE_THE_DEFAULT_POOL = """
import sys
from weft.base import protobuf
mine = protobuf.pack(protobuf.new("envoy.config.cluster.v3.Cluster", name="a"))
assert "google.protobuf.any_pb2" not in sys.modules, "the default pool's Any was loaded"
from google.protobuf import any_pb2, descriptor_pool, duration_pb2
try:
    descriptor_pool.Default().FindMessageTypeByName("envoy.config.cluster.v3.Cluster")
except KeyError:
    pass
else:
    raise AssertionError("Envoy's messages are in the default pool")
theirs = any_pb2.Any()
theirs.Pack(duration_pb2.Duration(seconds=1))
assert theirs.type_url == "type.googleapis.com/google.protobuf.Duration"
assert type(theirs) is not type(mine)
assert protobuf.unpack(protobuf.parse("google.protobuf.Any", theirs.SerializeToString())) == protobuf.duration(1000)
try:
    protobuf.new("envoy.config.cluster.v3.Cluster", connect_timeout=duration_pb2.Duration(seconds=1))
except protobuf.ProtobufError as error:
    assert "connect_timeout" in str(error)
else:
    raise AssertionError("a message of the default pool was taken as a value")
"""


def test_private_pool_and_default_pool_do_not_touch() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", BESIDE_THE_DEFAULT_POOL], check=True, timeout=60)


def test_descriptor_file_stays_small() -> None:
    size = len((files("weft.base") / "descriptors.binpb").read_bytes())
    print(f"descriptors.binpb: {size} bytes")
    assert 100_000 < size < 1_500_000


def test_loading_is_fast_enough_for_a_command_line() -> None:
    script = f"""
import time
from weft.base.protobuf import message_class
start = time.process_time()
message_class({CLUSTER!r})
print(time.process_time() - start)
"""
    result = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60)
    seconds = float(result.stdout)
    print(f"descriptors loaded in {seconds * 1000:.0f} ms of CPU")
    assert seconds < 0.25  # 0.02 on a quiet machine


@pytest.mark.parametrize(
    "name",
    [
        "envoy.admin.v3.ConfigDump",
        "envoy.config.bootstrap.v3.Bootstrap",
        "envoy.extensions.filters.http.router.v3.Router",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "envoy.extensions.http.injected_credentials.generic.v3.Generic",
        "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "envoy.service.discovery.v3.DeltaDiscoveryRequest",
        "envoy.service.status.v3.ClientStatusResponse",
        "google.rpc.Status",
        "istio.networking.nds.v1.NameTable",
        "istio.security.Authorization",
        "istio.v1.auth.IstioCertificateRequest",
        "istio.v1.auth.IstioCertificateResponse",
        "istio.workload.Address",
        "istio.workload.zds.WorkloadRequest",
        "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest",
        "xds.type.matcher.v3.Matcher",
    ],
)
def test_message_is_there(name: str) -> None:
    assert message_class(name).DESCRIPTOR.full_name == name


def test_unknown_message_is_named() -> None:
    with pytest.raises(ProtobufError, match="no protobuf message is named 'Nothing'"):
        message_class("Nothing")


def test_new_takes_nested_values_as_plain_python() -> None:
    cluster = new(
        CLUSTER,
        name="reviews",
        type="EDS",
        connect_timeout={"seconds": 1},
        alt_stat_name=None,
        eds_cluster_config={"eds_config": {"ads": {}, "resource_api_version": "V3"}},
        circuit_breakers={"thresholds": [{"max_connections": {"value": 7}}, {"priority": "HIGH"}]},
        typed_extension_protocol_options={"a": pack(duration(1500))},
        metadata={"filter_metadata": {"weft": struct({"version": "v1", "ports": [80, 443], "none": None})}},
    )
    assert to_dict(cluster) == {
        "name": "reviews",
        "type": "EDS",
        "connectTimeout": "1s",
        "edsClusterConfig": {"edsConfig": {"ads": {}, "resourceApiVersion": "V3"}},
        "circuitBreakers": {"thresholds": [{"maxConnections": 7}, {"priority": "HIGH"}]},
        "typedExtensionProtocolOptions": {"a": {"@type": type_url("google.protobuf.Duration"), "value": "1.500s"}},
        "metadata": {"filterMetadata": {"weft": {"version": "v1", "ports": [80.0, 443.0], "none": None}}},
    }


def test_new_takes_dicts_as_values_of_a_map() -> None:
    rbac = new("envoy.config.rbac.v3.RBAC", policies={"all": {"permissions": [{"any": True}]}})
    assert to_dict(rbac) == {"policies": {"all": {"permissions": [{"any": True}]}}}


def test_new_takes_plain_json_for_a_struct_field() -> None:
    node = new("envoy.config.core.v3.Node", id="a", metadata={"NAMESPACE": "default", "PORTS": [1]})
    assert to_dict(node)["metadata"] == {"NAMESPACE": "default", "PORTS": [1.0]}


def test_new_takes_a_timedelta_for_a_duration() -> None:
    assert new(CLUSTER, connect_timeout=timedelta(milliseconds=250)) == new(CLUSTER, connect_timeout=duration(250))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"nmae": "a"}, "nmae"),
        ({"name": "a", "load_assignment": {"endpoints": [{"hosts": []}]}}, "hosts"),
        ({"name": 5}, "Cluster, field name"),
        ({"type": "EDSS"}, "EDSS"),
        ({"load_assignment": duration(1)}, "load_assignment"),
    ],
)
def test_new_names_the_field_it_refuses(fields: dict[str, object], named: str) -> None:
    with pytest.raises(ProtobufError, match=named):
        new(CLUSTER, **fields)


@given(st.integers(-(10**12), 10**12))
def test_duration_keeps_milliseconds_and_one_sign(milliseconds: int) -> None:
    value = to_dict(new(CLUSTER, connect_timeout=duration(milliseconds)))["connectTimeout"]
    assert round(float(value.removesuffix("s")) * 1000) == milliseconds


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values))
def test_struct_survives_wire_and_json(values: dict[str, object]) -> None:
    metadata = new(METADATA, filter_metadata={"a": struct(values)}, typed_filter_metadata={"b": pack(struct(values))})
    assert parse(METADATA, serialize(metadata)) == metadata
    assert from_dict(METADATA, to_dict(metadata)) == metadata
    assert to_dict(struct(values)) == values


@given(st.permutations(["a", "b", "c", "d", "e", "f"]))
def test_bytes_do_not_depend_on_the_order_of_a_map(keys: list[str]) -> None:
    message = new(METADATA, filter_metadata={key: struct({"key": key}) for key in keys})
    assert serialize(message) == serialize(new(METADATA, filter_metadata={k: struct({"key": k}) for k in sorted(keys)}))


def test_pack_and_unpack() -> None:
    packed = pack(new(CLUSTER, name="a"))
    assert to_dict(packed) == {"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "a"}
    assert unpack(packed) == new(CLUSTER, name="a")


def test_unknown_any_is_named_and_refused() -> None:
    packed = new("google.protobuf.Any", type_url="type.googleapis.com/acme.Filter", value=b"\x0a\x01a")
    with pytest.raises(ProtobufError, match=r"acme\.Filter"):
        unpack(packed)
    with pytest.raises(ProtobufError, match=r"acme\.Filter"):
        to_dict(packed)


def test_broken_bytes_are_refused_with_the_message_named() -> None:
    with pytest.raises(ProtobufError, match=CLUSTER):
        parse(CLUSTER, b"\xff")
    with pytest.raises(ProtobufError, match=CLUSTER):
        unpack(new("google.protobuf.Any", type_url=type_url(CLUSTER), value=b"\xff"))


def test_json_with_an_unknown_field_names_it_and_where_it_is() -> None:
    with pytest.raises(ProtobufError, match=r'"hosts" at "Cluster.loadAssignment.endpoints\[0\]"'):
        from_dict(CLUSTER, {"loadAssignment": {"endpoints": [{"hosts": []}]}})


def test_json_any_inside_any_has_the_bytes_of_pack() -> None:
    inner = new(METADATA, filter_metadata={key: struct({"key": key}) for key in "hgfedcba"})
    filters = {"http_filters": [{"name": "a", "typed_config": pack(inner)}]}
    manager = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    outer = new("envoy.config.listener.v3.Filter", name="b", typed_config=pack(new(manager, **filters)))
    assert serialize(from_dict("envoy.config.listener.v3.Filter", to_dict(outer))) == serialize(outer)


# Written out by hand from the field numbers of Istio's API.
@pytest.mark.parametrize(
    ("name", "fields", "wire"),
    [
        (
            "istio.workload.Address",
            {"workload": {"uid": "u", "addresses": [b"\x0a\x00\x00\x01"], "tunnel_protocol": "HBONE"}},
            b"\x0a\x0c\x1a\x04\x0a\x00\x00\x01\x28\x01\xa2\x01\x01u",
        ),
        (
            "istio.security.Authorization",
            {"scope": "WORKLOAD_SELECTOR", "action": "DENY", "groups": [{"rules": [{}]}]},
            b"\x18\x02\x20\x01\x2a\x02\x0a\x00",
        ),
        ("istio.v1.auth.IstioCertificateRequest", {"csr": "c", "validity_duration": 60}, b"\x0a\x01c\x18\x3c"),
        ("istio.workload.zds.WorkloadRequest", {"keep": {"uid": "u"}}, b"\x2a\x03\x0a\x01u"),
        ("istio.networking.nds.v1.NameTable", {"table": {"h": {"ips": ["i"]}}}, b"\x0a\x08\x0a\x01h\x12\x03\x0a\x01i"),
    ],
)
def test_own_messages_have_istios_wire_form(name: str, fields: dict[str, object], wire: bytes) -> None:
    assert serialize(new(name, **fields)) == wire


def test_service_methods_are_in_the_descriptors() -> None:
    service = message_class("istio.v1.auth.IstioCertificateRequest").DESCRIPTOR.file.services_by_name
    assert list(service["IstioCertificateService"].methods_by_name) == ["CreateCertificate"]
