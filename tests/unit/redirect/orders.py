"""Orders of any kind, for hypothesis."""

from hypothesis import strategies as st

from weft.model.local import RedirectOrder

_PORTS = st.lists(st.integers(1, 65_535).map(str), max_size=3, unique=True).map(tuple)
_CIDRS = st.lists(
    st.sampled_from(
        ["10.0.0.0/8", "10.96.0.10/32", "0.0.0.0/0", "127.0.0.1/32", "fd00::/8", "::1/128", "2001:db8::5/128"]
    ),
    max_size=3,
    unique=True,
).map(tuple)
_OWNERS = st.lists(st.integers(0, 70_000), min_size=1, max_size=3, unique=True).map(tuple)
_INTERFACES = st.lists(st.sampled_from(["eth1", "net+", "k6t-0", "a.b"]), max_size=2, unique=True).map(tuple)
_EVERYTHING = st.just(("*",))
_PORT = st.integers(1, 65_535)
_MARK = st.integers(1, 2**32 - 1)


def orders(*, ipv6: bool = True) -> st.SearchStrategy[RedirectOrder]:
    """All that an order may say at once."""
    return st.builds(
        RedirectOrder,
        interception=st.sampled_from(["redirect", "tproxy"]),
        proxy_users=_OWNERS,
        proxy_groups=st.none() | _OWNERS,
        outbound_port=_PORT,
        inbound_port=_PORT,
        tunnel_port=_PORT,
        tproxy_mark=_MARK,
        include_outbound_cidrs=_EVERYTHING | _CIDRS,
        exclude_outbound_cidrs=_CIDRS,
        include_outbound_ports=_PORTS,
        exclude_outbound_ports=_PORTS,
        include_inbound_ports=_EVERYTHING | _PORTS,
        exclude_inbound_ports=_PORTS,
        include_owner_groups=_EVERYTHING | _OWNERS,
        exclude_interfaces=_INTERFACES,
        virtual_interfaces=_INTERFACES,
        loopback_cidr=st.sampled_from(["127.0.0.1/32", "127.0.0.0/8", "127.0.0.1/16"]),
        capture_dns=st.booleans(),
        capture_all_dns=st.booleans(),
        dns_servers=st.sampled_from([("10.96.0.10",), ("fd00::10",), ("10.96.0.10", "fd00::10", "127.0.0.53")]),
        drop_invalid=st.booleans(),
        ipv6=st.just(ipv6),
    )
