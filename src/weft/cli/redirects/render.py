"""`weft redirect render`. Needs neither root, nor a mesh, nor Linux."""

import os
import shlex
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from msgspec.structs import replace

from weft.cli.errors import Misuse
from weft.cli.output import structured
from weft.redirect import iptables, nft
from weft.redirect.checks import OrderError
from weft.redirect.istio_flags import FlagError, Reading, name_of, read_flags
from weft.redirect.plan import Plan
from weft.redirect.sidecar import sidecar_plan

_FORMS: Final = ("iptables-restore", "ip6tables-restore", "nft", "json")
_RESOLVER: Final = Path("/etc/resolv.conf")


@click.command("render")
@click.option("--istio-iptables", "flags", metavar="FLAGS", required=True, help="Flags of istio-iptables, as one text.")
@click.option("--dns-servers", metavar="LIST", help="Servers whose DNS is captured; else those of /etc/resolv.conf.")
@click.option("--ipv6", is_flag=True, help="Rules for IPv6, too.")
@click.option("-o", "--output", type=click.Choice(_FORMS), default=_FORMS[0], show_default=True, help="Form of output.")
def render(flags: str, dns_servers: str | None, output: str, *, ipv6: bool) -> None:
    """Write the rules that FLAGS ask for. The variables of istio-iptables count, too; a flag wins over a variable.

    Nothing is changed on this machine. FLAGS may also have --dns-servers LIST and --ipv6.
    """
    more = ["--dns-servers", dns_servers] if dns_servers is not None else []
    more += ["--ipv6"] if ipv6 or output == "ip6tables-restore" else []
    try:
        reading = _with_servers(read_flags(f"{flags} {shlex.join(more)}", os.environ))
    except FlagError as error:
        raise Misuse(str(error)) from error
    plan = _plan(reading)
    for note in (*reading.notes, *_besides(plan)):
        click.echo(f"note: {note}", err=True)
    click.echo(_text(plan, output), nl=False)


def _plan(reading: Reading) -> Plan:
    try:
        return sidecar_plan(reading.order)
    except OrderError as error:
        where = reading.said.get(error.field) or name_of(error.field)
        raise Misuse(f"{where}: {error.reason}") from error


def _with_servers(reading: Reading) -> Reading:
    """The same; where DNS is captured and no server is named, those that this machine asks."""
    order, servers = reading.order, tuple(_resolvers())
    if not order.capture_dns or order.capture_all_dns or order.dns_servers or not servers:
        return reading
    note = f"DNS servers {', '.join(servers)} are taken from {_RESOLVER}: --dns-servers names others"
    return replace(reading, order=replace(order, dns_servers=servers), notes=(*reading.notes, note))


def _resolvers() -> Iterator[str]:
    try:
        lines = _RESOLVER.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                # A zone (fe80::1%eth0) is for the resolver alone: rules have no such thing.
                yield str(ip_address(words[1].partition("%")[0]))
            except ValueError:
                continue


def _besides(plan: Plan) -> Iterator[str]:
    """What the rules need that is no rule."""
    if not plan.rulesets:
        yield "there is nothing to redirect: no rules are written"
    for address in plan.loopback_addresses:
        yield f"these rules also need: ip address add {address} dev lo"
    if plan.route:
        for ruleset in plan.rulesets:
            option, everything = ("-4", "0.0.0.0/0") if ruleset.family == "ip" else ("-6", "::/0")
            yield f"these rules also need: ip {option} rule add fwmark {plan.route.mark} lookup {plan.route.table}"
            yield f"these rules also need: ip {option} route add local {everything} dev lo table {plan.route.table}"


def _text(plan: Plan, output: str) -> str:
    if output == "json":
        plain: Any = msgspec.to_builtins(plan, enc_hook=str)
        return structured(plain, "json") + "\n"
    if output == "nft":
        return nft.render(plan.rulesets)
    return iptables.render(plan.ruleset("ip6" if output == "ip6tables-restore" else "ip"))
