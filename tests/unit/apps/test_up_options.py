"""weft.apps.up_options: options survive the way through a command line; a mesh keeps its isolation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from weft.apps.up_options import UpOptions, arguments_of, chosen_isolation, up_options, up_options_in
from weft.base.places import Places
from weft.cli.options import chosen_places, mesh_options
from weft.node.choice import IsolationError
from weft.node.settings import node_settings, store_isolation, stored_isolation


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places("shop", tmp_path / "state")


@pytest.fixture
def parse() -> Callable[..., dict[str, Any]]:
    """What a command is given by arguments; `options` are those of a mesh."""

    def parse(*arguments: str, **environment: str) -> dict[str, Any]:
        seen: dict[str, Any] = {}

        @click.command()
        @click.argument("folder", type=click.Path(path_type=Path))
        @mesh_options
        @up_options
        @click.pass_context
        def command(context: click.Context, /, **given: Any) -> None:
            seen.update(given)
            if given["isolation"] != "auto":
                seen["options"] = up_options_in(given, chosen_places(context), given["isolation"])

        result = CliRunner().invoke(command, arguments, env=environment, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return seen

    return parse


def test_options_come_through_a_command_line_as_they_were(
    parse: Callable[..., dict[str, Any]], places: Places, tmp_path: Path
) -> None:
    options = UpOptions(
        places=places,
        folder=tmp_path,
        isolation="userns",
        recursive=True,
        envoy=Path("/bin/sh"),
        certificate_seconds=60,
        gateway_address="0.0.0.0",
        families=("IPv6", "IPv4"),
    )
    assert parse(*arguments_of(options))["options"] == options
    plain = UpOptions(places=places, folder=tmp_path)
    assert parse(*arguments_of(plain))["options"] == plain


def test_the_environment_names_an_isolation_that_an_option_overrides(parse: Callable[..., dict[str, Any]]) -> None:
    assert parse("x", WEFT_ISOLATION="")["isolation"] == "auto"
    assert parse("x", WEFT_ISOLATION="loopback")["isolation"] == "loopback"
    assert parse("x", "--isolation", "netns", WEFT_ISOLATION="loopback")["isolation"] == "netns"


def test_a_mesh_keeps_the_isolation_that_it_was_started_with(places: Places) -> None:
    places.node.mkdir(parents=True)
    assert stored_isolation(places) == "netns"  # made before there were others
    store_isolation(places, "userns")
    assert chosen_isolation("auto", places).isolation == "userns"
    assert chosen_isolation("userns", places).isolation == "userns"
    with pytest.raises(IsolationError, match="started with isolation userns: `weft down` ends it first"):
        chosen_isolation("netns", places)


def test_processes_of_meshes_of_one_name_are_told_apart_where_namespaces_are_ones_own(places: Places) -> None:
    other = Places(places.mesh, places.state.with_name("other"))
    assert node_settings(places).mark == node_settings(other).mark == "weft-shop"
    for each in (places, other):
        each.state.mkdir()
        store_isolation(each, "userns")
    assert node_settings(places).mark != node_settings(other).mark
