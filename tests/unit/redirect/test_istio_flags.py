"""weft.redirect: the command line of istio-iptables means here what it means there."""

import pytest

from weft.model.local import RedirectOrder
from weft.redirect.istio_flags import FlagError, name_of, read_flags

# What Istio's injection template gives to its init container.
INJECTED = (
    "istio-iptables -p 15001 -z 15006 -u 1337 -m REDIRECT -i '*' -x '' -b '*' -d 15090,15021,15020 "
    "--log_output_level=default:info"
)


def order(flags: str, **environment: str) -> RedirectOrder:
    return read_flags(flags, environment).order


def test_what_istio_injects_is_the_default_order() -> None:
    assert order(INJECTED) == RedirectOrder(proxy_users=("1337",))


def test_without_flags_nothing_is_captured() -> None:
    empty = order("")
    assert (empty.include_inbound_ports, empty.include_outbound_cidrs, empty.exclude_inbound_ports) == ((), (), ())


@pytest.mark.parametrize("flags", ["-p 16001", "-p16001", "-p=16001", "--envoy-port 16001", "--envoy-port=16001"])
def test_all_ways_to_write_a_flag(flags: str) -> None:
    assert order(flags).outbound_port == 16001


def test_every_option_has_its_flag() -> None:
    flags = (
        "-p 1 -z 2 -e 3 -u 4,root -g 5 -m TPROXY -t 0x6 -r 7 -b 8 -d 9 -c eth0 -i 10.0.0.0/8 -x 10.1.0.0/16 "
        "-q 10 -o 11 -k k6t0 --redirect-dns --capture-all-dns --dns-servers 10.96.0.10 --drop-invalid --dual-stack"
    )
    assert order(flags) == RedirectOrder(
        outbound_port=1,
        inbound_port=2,
        tunnel_port=3,
        proxy_users=("4", "root"),
        proxy_groups=("5",),
        interception="tproxy",
        tproxy_mark=6,
        tproxy_table=7,
        include_inbound_ports=("8",),
        exclude_inbound_ports=("9",),
        exclude_interfaces=("eth0",),
        include_outbound_cidrs=("10.0.0.0/8",),
        exclude_outbound_cidrs=("10.1.0.0/16",),
        include_outbound_ports=("10",),
        exclude_outbound_ports=("11",),
        virtual_interfaces=("k6t0",),
        capture_dns=True,
        capture_all_dns=True,
        dns_servers=("10.96.0.10",),
        drop_invalid=True,
        ipv6=True,
    )


@pytest.mark.parametrize(
    ("variable", "value", "field", "wanted"),
    [
        ("ENVOY_PORT", "1", "outbound_port", 1),
        ("INBOUND_CAPTURE_PORT", "2", "inbound_port", 2),
        ("PROXY_UID", "3,4", "proxy_users", ("3", "4")),
        ("PROXY_GID", "3", "proxy_groups", ("3",)),
        ("ENVOY_USER", "envoy", "proxy_users", ("envoy",)),
        ("ISTIO_INBOUND_INTERCEPTION_MODE", "TPROXY", "interception", "tproxy"),
        ("ISTIO_INBOUND_PORTS", "*", "include_inbound_ports", ("*",)),
        ("ISTIO_LOCAL_EXCLUDE_PORTS", "22", "exclude_inbound_ports", ("22",)),
        ("ISTIO_SERVICE_CIDR", "10.0.0.0/8", "include_outbound_cidrs", ("10.0.0.0/8",)),
        ("ISTIO_OUTBOUND_OWNER_GROUPS", "java,202", "include_owner_groups", ("java", "202")),
        ("ISTIO_OUTBOUND_OWNER_GROUPS", "", "include_owner_groups", ()),
        ("ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE", "root", "exclude_owner_groups", ("root",)),
        ("ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR", "127.0.0.1/8", "loopback_cidr", "127.0.0.1/8"),
        ("HOST_IPV4_LOOPBACK_CIDR", "127.0.0.1/8", "loopback_cidr", "127.0.0.1/8"),
        ("ISTIO_META_DNS_CAPTURE", "true", "capture_dns", True),
        ("CAPTURE_ALL_DNS", "1", "capture_all_dns", True),
        ("INVALID_DROP", "true", "drop_invalid", True),
        ("ISTIO_DUAL_STACK", "T", "ipv6", True),
    ],
)
def test_variables_count_and_are_said_to(variable: str, value: str, field: str, wanted: object) -> None:
    reading = read_flags("", {variable: value})
    assert getattr(reading.order, field) == wanted
    assert reading.said[field] == variable
    assert f"{variable} is taken from the environment" in reading.notes


def test_a_flag_wins_over_a_variable() -> None:
    assert order("-b 80", ISTIO_INBOUND_PORTS="*").include_inbound_ports == ("80",)
    assert order("--redirect-dns=false", ISTIO_META_DNS_CAPTURE="true").capture_dns is False


def test_empty_users_and_groups_are_as_if_not_given() -> None:
    assert (order("-u '' -g ''").proxy_users, order("-u '' -g ''").proxy_groups) == (("1337",), None)


@pytest.mark.parametrize(
    "flag",
    ["-n", "--dry-run", "--probe-timeout 5s", "--run-validation=false", "--network-namespace=/x", "--native-nftables"],
)
def test_flags_without_use_are_accepted_and_said_to_do_nothing(flag: str) -> None:
    reading = read_flags(f"{flag} -b 80", {})
    assert reading.order.include_inbound_ports == ("80",)
    assert "has no effect: rules are only shown" in reading.notes[0]


@pytest.mark.parametrize(
    ("flags", "note"),
    [
        ("-b 80 -d 90", "--istio-local-exclude-ports (-d) has no effect without -b '*'"),
        ("--capture-all-dns", "--capture-all-dns and --dns-servers have no effect without --redirect-dns"),
        ("--redirect-dns --capture-all-dns --dns-servers 1.1.1.1", "--dns-servers has no effect beside"),
    ],
)
def test_flags_that_do_nothing_beside_others_are_said_to(flags: str, note: str) -> None:
    assert any(text.startswith(note) for text in read_flags(flags, {}).notes)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--envoyport 1", "--envoyport is no flag of istio-iptables"),
        ("-y", "-y is no flag of istio-iptables"),
        ("-p", "-p needs a value"),
        ("-p http", "--envoy-port (-p): 'http' is no number"),
        ("-m BOTH", "--istio-inbound-interception-mode (-m): 'BOTH' is no way of interception"),
        ("--redirect-dns=yes", "--redirect-dns: 'yes' is neither true nor false"),
        ("--redirect-dns true", "'true' belongs to no flag"),
        ("-b '80", "the flags can't be read: No closing quotation"),
    ],
)
def test_what_means_nothing_is_refused_by_name(flags: str, message: str) -> None:
    with pytest.raises(FlagError) as caught:
        read_flags(flags, {})
    assert message in str(caught.value)


def test_bad_variables_are_refused_by_name() -> None:
    with pytest.raises(FlagError, match="DROP_INVALID: 'maybe' is neither"):
        read_flags("", {"DROP_INVALID": "maybe"})


def test_every_field_has_a_name_for_errors() -> None:
    assert name_of("include_inbound_ports") == "--istio-inbound-ports (-b)"
    assert name_of("include_owner_groups") == "ISTIO_OUTBOUND_OWNER_GROUPS"
