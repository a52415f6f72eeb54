"""weft.node: state, locks, logs, the Envoy binary and settings."""

import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from weft.model.local import ProxyOrder
from weft.node.addresses import NetworkRecord
from weft.node.envoy import NoEnvoyError, envoy_command, find_envoy, fits_in_argument, usable_by_others
from weft.node.hub import stored_network
from weft.node.lock import NodeRunningError, locked
from weft.node.logs import begin_run, complaint, parts_of, previous_run, rotate
from weft.node.settings import NodeSettings
from weft.node.state import PodFolder, StateFolder, pod_id, read_record, write_record


def test_records_survive_and_what_can_t_be_read_is_none(tmp_path: Path) -> None:
    network = NetworkRecord("weft-a", ("10.1.0.0/16",))
    write_record(tmp_path / "r", network, durable=True)
    assert read_record(tmp_path / "r", NetworkRecord) == network
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o600
    (tmp_path / "r").write_bytes(b'{"namespace": "weft-')
    assert read_record(tmp_path / "r", NetworkRecord) is None
    (tmp_path / "r").write_bytes(b'{"namespace": "weft-a", "cidr": "10.1.0.0/16"}')
    assert read_record(tmp_path / "r", NetworkRecord) is None
    assert read_record(tmp_path / "none", NetworkRecord) is None


def test_a_network_that_means_nothing_is_chosen_anew(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    write_record(state.network, NetworkRecord("weft-a", ("nonsense",)))
    assert stored_network(state) is None
    write_record(state.network, NetworkRecord("weft-a", ("10.1.0.0/16", "fd00::/64")))
    found = stored_network(state)
    assert found is not None
    assert found.families == ("IPv4", "IPv6")


def test_the_state_folder_is_nobody_elses(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "a/b")
    state.create()
    folder = state.pod("uid-1")
    folder.create()
    assert state.root.stat().st_mode & 0o777 == 0o700
    assert [found.root for found in state.pods()] == [folder.root]
    assert folder.root.name == pod_id("uid-1")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "A"])
def test_no_container_name_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no valid name"):
        PodFolder(tmp_path).container_record(name)
    with pytest.raises(ValueError, match="no valid name"):
        PodFolder(tmp_path).log(name)


def test_there_is_one_node_for_a_state_folder(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"), pytest.raises(NodeRunningError), locked(tmp_path / "lock"):
        pass
    with locked(tmp_path / "lock"):
        pass


def test_a_log_is_cut_under_the_process_that_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with open(path, "ab", buffering=0) as log:
        for number in range(1, 6):
            log.write(b"%d" % number)
            if number < 5:
                rotate(path, files=3)
    assert [part.read_text() for part in parts_of(path)] == ["3", "4", "5"]
    assert (tmp_path / "app.log.1").stat().st_mode & 0o077 == 0


def test_a_bootstrap_that_is_too_long_for_an_argument_is_read_from_a_file() -> None:
    short = envoy_command(ProxyOrder(bootstrap="{}", concurrency=2, drain=1_500))
    assert short[:3] == ("./envoy", "--config-yaml", "{}")
    assert short[short.index("--drain-time-s") + 1] == "2"
    assert short[short.index("--concurrency") + 1] == "2"
    assert "--concurrency" not in envoy_command(ProxyOrder(bootstrap="{}", concurrency=0)), "as many as processors"
    long = envoy_command(ProxyOrder(bootstrap='"' + "ü" * 70_000 + '"'))
    assert long[:3] == ("./envoy", "--config-path", "bootstrap.json")
    assert fits_in_argument("x" * (128 * 1024 - 1))
    assert not fits_in_argument("x" * (128 * 1024))


def test_the_named_envoy_comes_first_and_must_be_a_program(tmp_path: Path) -> None:
    named = tmp_path / "my-envoy"
    named.write_text("#!/bin/sh\n")
    with pytest.raises(NoEnvoyError, match="WEFT_ENVOY"):
        find_envoy(named, "/usr/bin")
    named.chmod(0o755)
    assert find_envoy(named, "/usr/bin") == named


def test_an_envoy_that_others_may_not_run_is_copied_once(tmp_path: Path) -> None:
    binary, copy = tmp_path / "envoy", tmp_path / "state-envoy"
    binary.write_text("one")
    binary.chmod(0o700)
    assert usable_by_others(binary, copy) == copy
    assert copy.stat().st_mode & 0o777 == 0o755
    inode = copy.stat().st_ino
    assert usable_by_others(binary, copy) == copy
    assert copy.stat().st_ino == inode
    binary.write_text("another one")
    usable_by_others(binary, copy)
    assert copy.read_text() == "another one"
    binary.chmod(0o755)
    assert usable_by_others(binary, copy) == binary


@pytest.mark.parametrize("mesh", ["", "-a", "A", "a/b", "a" * 41, "demo-0123456789"])
def test_a_mesh_has_a_name_that_can_be_one_of_a_namespace(mesh: str) -> None:
    with pytest.raises(ValueError, match="can't be the name of a mesh"):
        NodeSettings(mesh=mesh, state=Path("/s"), controller=Path("/c"))


def test_a_range_must_hold_pods() -> None:
    with pytest.raises(ValueError, match="can't hold the pods"):
        NodeSettings(mesh="a", state=Path("/s"), controller=Path("/c"), pod_cidrs=(IPv4Network("10.0.0.0/30"),))
    with pytest.raises(ValueError, match="between 8 and 124"):
        NodeSettings(mesh="a", state=Path("/s"), controller=Path("/c"), pod_cidrs=(IPv6Network("fd00::/126"),))


def test_the_wheels_envoy_is_found_without_a_name() -> None:
    assert os.access(find_envoy(None, "/nowhere"), os.X_OK)


def test_a_new_run_puts_the_output_of_the_former_one_aside(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    begin_run(log)
    for run in ("first", "second"):
        log.write_text(f"{run}, older part")
        rotate(log, 3)
        log.write_text(run)
        begin_run(log)
    assert [part.read_text() for part in parts_of(previous_run(log))] == ["second, older part", "second"]
    assert parts_of(log) == []


def test_of_what_a_process_said_the_first_line_with_the_mark_is_told_without_its_fields(tmp_path: Path) -> None:
    log = tmp_path / "envoy.log"
    assert complaint(log, "[critical]") == ""
    log.write_text("[2026-11-23 14:24:27.059][7][warning][main] [source/a.cc:1] well\n")
    assert complaint(log, "[critical]") == ""
    with log.open("a") as file:
        file.write("[2026-11-23 14:24:27.059][7][critical][assert] [source/b.cc:25] failure: fd [1] >= 0\n")
        file.write("[2026-11-23 14:24:27.060][7][critical][backtrace] [source/c.cc:25] Backtrace\n")
    assert complaint(log, "[critical]") == "failure: fd [1] >= 0"


def test_only_the_end_of_a_long_output_is_looked_at_and_long_lines_are_cut(tmp_path: Path) -> None:
    log = tmp_path / "envoy.log"
    log.write_text("[critical] long ago\n" + "x\n" * 100_000 + f"[critical] {'y' * 1_000}\n")
    assert set(complaint(log, "[critical]")) == {"y"}
    assert len(complaint(log, "[critical]")) < 400
