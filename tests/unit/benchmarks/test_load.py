"""What the programs that make load are told, and what is read from what they say."""

from pathlib import Path

import pytest
from benchmarks.lab.load import RATE, LoadError, command, grpc_message, h2load_outcome, loads, prepare, wrk_outcome
from benchmarks.lab.rounds import sample

H2LOAD = """
finished in 1.00s, 4.00 req/s, 4.10KB/s
requests: 5 total, 5 started, 4 done, {done} succeeded, {failed} failed, {errored} errored, 0 timeout
status codes: 4 2xx, 0 3xx, 0 4xx, 0 5xx
"""
RECORD = ["1700000000000000\t200\t1000", "1700000000000001\t200\t2000", "1\t200\t3000", "1\t200\t40000"]
WRK = """
Running 2s test @ http://10.96.1.1:8080/
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   500.00us    0.91ms  10.71ms   70.44%
  Latency Distribution
     50%  750.00us
     75%    6.40ms
     99%    1.50s
  3000 requests in 1.50s, 654.49KB read
Requests/sec:   2000.00
"""


def test_percentiles_come_from_the_record_of_all_requests() -> None:
    found = h2load_outcome(H2LOAD.format(done=4, failed=0, errored=0), RECORD, 2.0)
    assert (found.requests, found.seconds, found.p50, found.p99) == (4, 2.0, 2.0, 40.0)


@pytest.mark.parametrize(("done", "failed", "errored"), [(4, 1, 0), (4, 0, 1), (0, 0, 0)])
def test_failed_requests_are_no_figures(done: int, failed: int, errored: int) -> None:
    with pytest.raises(LoadError):
        h2load_outcome(H2LOAD.format(done=done, failed=failed, errored=errored), RECORD, 1.0)


def test_wrk_says_times_in_units() -> None:
    found = wrk_outcome(WRK)
    assert (found.requests, found.seconds, found.p50, found.p99) == (3000, 1.5, 0.75, 1500.0)


@pytest.mark.parametrize(
    "line", ["  Socket errors: connect 0, read 3, write 0, timeout 0", "  Non-2xx or 3xx responses: 1"]
)
def test_wrk_says_what_failed(line: str) -> None:
    with pytest.raises(LoadError, match=line.strip()):
        wrk_outcome(f"{WRK}{line}\n")


def test_processor_time_is_for_a_thousand_requests() -> None:
    found = sample(wrk_outcome(WRK), cpu=0.6)
    assert found.rate == 2_000
    assert found.cpu == pytest.approx(0.2)


def test_names_of_loads_are_theirs_alone_and_every_protocol_has_every_measure() -> None:
    names = [load.name for load in loads()]
    assert len(set(names)) == len(names)
    for kind in ("requests", "rate"):
        assert [load.protocol for load in loads() if load.kind == kind] == ["HTTP/1.1", "HTTP/2", "gRPC", "TCP"]


def test_clients_speak_the_protocol_that_is_measured(tmp_path: Path) -> None:
    by_name = {load.name: load for load in loads()}
    commands = {
        name: " ".join(command(load, "10.0.0.1:1", "echo", seconds=1.5, folder=tmp_path))
        for name, load in by_name.items()
    }
    assert "--h1" in commands["http1"]
    assert "--h1" in commands["tcp"]
    assert "--h1" not in commands["http2"]
    assert "application/grpc" in commands["grpc"]
    assert commands["connections"].startswith("wrk ")
    assert "connection: close" in commands["connections"]


def test_a_fixed_rate_is_that_of_all_connections(tmp_path: Path) -> None:
    for load in loads():
        words = command(load, "10.0.0.1:1", "echo", seconds=1.0, folder=tmp_path)
        stated = [float(word.partition("=")[2]) for word in words if word.startswith("--rps=")]
        assert [each * load.connections for each in stated] == ([RATE] if load.kind == "rate" else [])


def test_a_message_of_grpc_has_its_length_before_it(tmp_path: Path) -> None:
    assert grpc_message(b"abc") == b"\x00\x00\x00\x00\x03abc"
    prepare(tmp_path)
    assert (tmp_path / "message").read_bytes()[:5] == b"\x00\x00\x00\x00\x10"
