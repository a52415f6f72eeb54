"""weft.cli.redirects: rules are written without a mesh, and bad flags are refused by name."""

import json

import pytest
from tests.unit.cli.conftest import Run

from weft.base.places import Places
from weft.model.local import RedirectOrder
from weft.redirect import iptables_parse, nft_parse
from weft.redirect.sidecar import sidecar_plan

INJECTED = "-p 15001 -z 15006 -u 1337 -m REDIRECT -i '*' -x '' -b '*' -d 15090,15021,15020"
VARIABLES = ("PROXY_UID", "ISTIO_INBOUND_PORTS", "ISTIO_OUTBOUND_OWNER_GROUPS", "ISTIO_META_DNS_CAPTURE")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_what_is_written_is_the_plan_in_every_form(run: Run) -> None:
    plan = sidecar_plan(RedirectOrder(ipv6=True))
    for form, family in (("iptables-restore", "ip"), ("ip6tables-restore", "ip6")):
        text = run("redirect", "render", "--istio-iptables", INJECTED, "-o", form).stdout
        assert iptables_parse.parse(text, plan.ruleset("ip" if family == "ip" else "ip6").family).rules in plan.rulesets
    text = run("redirect", "render", "--istio-iptables", f"{INJECTED} --ipv6", "-o", "nft").stdout
    assert [nft_parse.parse(text, rules.family).rules for rules in plan.rulesets] == list(plan.rulesets)
    shown = json.loads(run("redirect", "render", "--istio-iptables", INJECTED, "-o", "json").stdout)
    [table] = shown["rulesets"][0]["tables"]
    assert table["name"] == "nat"
    assert {"type": "RedirectTo", "port": 15001} in [r["verdict"] for c in table["chains"] for r in c["rules"]]


def test_what_rules_need_besides_is_said_on_standard_error(run: Run) -> None:
    result = run("redirect", "render", "--istio-iptables", "-i '*' -b '*' -m TPROXY --dry-run", "--ipv6")
    assert "--dry-run has no effect" in result.stderr
    assert "ip -4 rule add fwmark 1337 lookup 133" in result.stderr
    assert "ip -6 route add local ::/0 dev lo table 133" in result.stderr
    assert "ip address add ::6 dev lo" in result.stderr
    assert "note" not in result.stdout


def test_servers_of_this_machine_are_taken_where_none_are_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, places: Places
) -> None:
    resolver = places.state / "resolv.conf"
    resolver.write_text("search x\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\nnameserver bad\n")
    monkeypatch.setattr("weft.cli.redirects.render._RESOLVER", resolver)
    result = run("redirect", "render", "--istio-iptables", "--redirect-dns")
    assert "DNS servers 10.0.0.53, fe80::1 are taken from" in result.stderr
    assert "-d 10.0.0.53/32 -p udp -m udp --dport 53 -j REDIRECT --to-ports 15053" in result.stdout
    named = run("redirect", "render", "--istio-iptables", "--redirect-dns", "--dns-servers", "192.0.2.1")
    assert "192.0.2.1/32" in named.stdout
    assert "10.0.0.53" not in named.stdout
    resolver.unlink()
    assert run("redirect", "render", "--istio-iptables", "--redirect-dns").exit_code == 2


def test_variables_count(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTIO_OUTBOUND_OWNER_GROUPS", "java,202")
    result = run("redirect", "render", "--istio-iptables", "-i '*'")
    assert "-m owner ! --gid-owner java -m owner ! --gid-owner 202 -j RETURN" in result.stdout
    assert "ISTIO_OUTBOUND_OWNER_GROUPS is taken from the environment" in result.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("-b 80x", "--istio-inbound-ports (-b): '80x' is no port"),
        ("-i 10/8x", "--istio-service-cidr (-i): '10/8x' is no address range"),
        ("--nonsense", "--nonsense is no flag of istio-iptables"),
        ("-c 'eth0;rm'", "--istio-exclude-interfaces (-c): 'eth0;rm' is no interface"),
        ("--redirect-dns --dns-servers here", "--dns-servers: 'here' is no address"),
    ],
)
def test_bad_flags_are_refused_by_name(run: Run, flags: str, message: str) -> None:
    result = run("redirect", "render", "--istio-iptables", flags)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_bad_variables_are_refused_by_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTIO_OUTBOUND_OWNER_GROUPS", "java;rm")
    result = run("redirect", "render", "--istio-iptables", "-i '*'")
    assert result.exit_code == 2
    assert "ISTIO_OUTBOUND_OWNER_GROUPS: 'java;rm' is no user or group" in result.stderr
