"""Whatever a readable object says, compiling it ends with fragments or with findings, and never with a crash."""

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect
from tests.unit.dialects.compiling import COMPILERS, World

from weft.base.issues import Ref
from weft.dialects.istio.networking.mesh_settings import mesh_settings
from weft.model import istio_networking, kubernetes
from weft.model.istio_mesh import MeshConfig, decode_mesh_config
from weft.model.objects import Kind, Metadata, Object

WORDS = st.sampled_from(
    [
        *(
            "",
            "a",
            "A",
            "*",
            "~",
            ".",
            "./*",
            "*/*",
            "~/*",
            "a/b",
            "~a/b",
            "*.a.test",
            "a.test",
            "mesh",
            "a b",
            "\n",
            "é",
        ),
        *("5s", "-1s", "0s", "1ms", "9" * 400 + "s", "1h1h", "10.0.0.1", "10.0.0.0/8", "::1", "unix:///a", "unix://"),
        *("http", "HTTPS", "TLS", "TCP", "80", "503", "5xx", "UNAVAILABLE", "(", "a+", "\\1", "%", "%%", "GET", "None"),
        *(
            "127.0.0.1:80",
            "eu/a/b",
            "eu/*/b",
            "secret",
            "sds://a",
            "kubernetes://a",
            "system",
            "@request.auth.claims.a",
        ),
    ]
)
NUMBERS = st.sampled_from([0, 1, 2, 80, 443, 100, 301, 503, -1, 65_535, 65_536, 2**31, 2**63])
FRACTIONS = st.sampled_from([0.0, 0.5, 50.0, 100.0, 101.0, -1.0, float("inf")])


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of JSON types that a type accepts."""
    match kind:
        case inspect.StructType():
            return st.deferred(lambda: structures(kind))
        case inspect.UnionType():
            return st.one_of(*(values(member) for member in kind.types))
        case inspect.VarTupleType():
            return st.lists(values(kind.item_type), max_size=2)
        case inspect.DictType():
            return st.dictionaries(WORDS, values(kind.value_type), max_size=2)
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return NUMBERS
        case inspect.FloatType():
            return FRACTIONS
        case inspect.BytesType():
            return st.just("aGk=")
    return WORDS


def structures(kind: inspect.StructType) -> st.SearchStrategy[dict[str, Any]]:
    required = {each.encode_name: values(each.type) for each in kind.fields if each.required}
    optional = {each.encode_name: values(each.type) for each in kind.fields if not each.required}
    return st.fixed_dictionaries(required, optional=optional)


def objects(kind: Kind) -> st.SearchStrategy[Object[Any]]:
    def built(spec: dict[str, Any], status: dict[str, Any]) -> Object[Any]:
        metadata = Metadata(name="subject", namespace="shop")
        read = msgspec.convert(status, kind.status) if kind.status else None
        return Object(kind.key, metadata, msgspec.convert(spec, kind.spec), read)

    status = values(inspect.type_info(kind.status)) if kind.status else st.just({})
    return st.builds(built, values(inspect.type_info(kind.spec)), status)


COMPILED = [kind for kind in (*istio_networking.KINDS, *kubernetes.KINDS) if kind.key in COMPILERS]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.one_of(*(objects(kind) for kind in COMPILED)))
def test_an_object_never_crashes_its_dialect(subject: Object[Any]) -> None:
    result = COMPILERS[subject.kind](subject, World(subject))
    for issue in result.issues:
        assert issue.ref == subject.ref
        assert issue.message
    if any(issue.severity == "error" for issue in result.issues):
        assert result.fragments == ()
    hash(result.fragments)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values(inspect.type_info(MeshConfig)))
def test_a_mesh_config_never_crashes(config: dict[str, Any]) -> None:
    found, _ = mesh_settings(msgspec.convert(config, MeshConfig), Ref("ConfigMap", "istio-system", "istio"))
    hash(found)


@given(st.text(max_size=60))
def test_no_text_crashes_the_reader_of_a_mesh_config(text: str) -> None:
    decoded = decode_mesh_config(text, Ref("ConfigMap", "istio-system", "istio"))
    assert isinstance(decoded.config, MeshConfig)
