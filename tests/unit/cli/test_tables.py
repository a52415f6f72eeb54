"""Tables and ages as kubectl shows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.cli.ages import age, duration
from weft.cli.columns import columns
from weft.cli.pods import pod_ready, pod_restarts, pod_status
from weft.cli.table import render

MINUTE, HOUR, DAY, YEAR = 60, 3_600, 86_400, 365 * 86_400


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (2 * MINUTE, "2m"),
        (5 * MINUTE + 30, "5m30s"),
        (10 * MINUTE + 30, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 20 * MINUTE, "3h20m"),
        (8 * HOUR + 20 * MINUTE, "8h"),
        (2 * DAY - 1, "47h"),
        (2 * DAY + 4 * HOUR, "2d4h"),
        (8 * DAY + 4 * HOUR, "8d"),
        (2 * YEAR - 1, "729d"),
        (2 * YEAR, "2y"),
        (3 * YEAR + 10 * DAY, "3y10d"),
        (9 * YEAR + 10 * DAY, "9y"),
    ],
)
def test_durations_are_short(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@given(st.floats(min_value=0, max_value=1e11))
def test_every_duration_has_a_form(seconds: float) -> None:
    assert 2 <= len(duration(seconds)) <= 8


@pytest.mark.parametrize("since", [None, 0])
def test_an_age_may_be_unknown(since: float | None) -> None:
    assert age(since, 5) == "<unknown>"


def test_columns_are_as_wide_as_their_widest_cell_with_three_spaces_between() -> None:
    assert (
        render(["NAME", "AGE"], [["a", "5m"], ["longer-name", ""]])
        == "NAME          AGE\na             5m\nlonger-name"
    )


def test_headers_may_be_left_out() -> None:
    assert render(["NAME", "AGE"], [["a", "5m"]], headers=False) == "a   5m"
    assert render(["NAME"], [], headers=False) == ""


def test_what_could_steer_a_terminal_is_replaced() -> None:
    assert render(["A"], [["\x1b[31mred\n\u202e"]]) == "A\n�[31mred��"


def container(name: str = "app", **fields: object) -> dict[str, object]:
    return {"name": name, "ready": False, "restartCount": 0, "state": {"running": {}}, **fields}


def pod(*containers: dict[str, object], **status: object) -> dict[str, object]:
    return {"metadata": {}, "status": {"phase": "Running", "containerStatuses": list(containers), **status}}


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("Running", pod(container())),
        ("Pending", pod(phase="Pending")),
        ("Evicted", pod(reason="Evicted", phase="Failed")),
        ("CrashLoopBackOff", pod(container(), container(state={"waiting": {"reason": "CrashLoopBackOff"}}))),
        (
            "CrashLoopBackOff",
            pod(
                container(state={"waiting": {"reason": "ContainerCreating"}}),
                container("istio-proxy", state={"waiting": {"reason": "CrashLoopBackOff"}}),
            ),
        ),
        ("Completed", pod(container(state={"terminated": {"reason": "Completed", "exitCode": 0}}))),
        ("ExitCode:3", pod(container(state={"terminated": {"exitCode": 3}}))),
        ("Terminating", {**pod(container()), "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
        ("Unknown", {}),
    ],
)
def test_the_status_of_a_pod_names_what_is_wrong(shown: str, found: dict[str, object]) -> None:
    assert pod_status(found) == shown


def test_sidecars_among_init_containers_count_and_others_do_not() -> None:
    found = pod(container(ready=True))
    found["spec"] = {"initContainers": [{"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}]}
    found["status"]["initContainerStatuses"] = [container("setup"), container("proxy", ready=True)]  # type: ignore[index]
    assert pod_ready(found) == "2/2"


def test_restarts_tell_when_the_last_one_was() -> None:
    ended = {"terminated": {"finishedAt": "1970-01-01T00:01:40Z"}}
    found = pod(container(restartCount=2, lastState=ended), container(restartCount=1))
    assert pod_restarts(found, now=400) == "3 (5m ago)"
    assert pod_restarts(pod(container(restartCount=2)), now=400) == "2"


@pytest.mark.parametrize(
    "kind", ["Pod", "Service", "Deployment.apps", "Job.batch", "VirtualService.networking.istio.io", "Other.x"]
)
@pytest.mark.parametrize("item", [{}, {"metadata": None, "spec": [], "status": "x"}, {"metadata": {"labels": []}}])
def test_objects_with_nothing_in_them_have_rows(kind: str, item: dict[str, object]) -> None:
    assert all(isinstance(column.cell(item, 0), str) for column in columns(kind, wide=True))


@pytest.mark.parametrize(
    ("spec", "status", "shown"),
    [
        ({"completions": 3}, {"succeeded": 1}, ("Running", "1/3", "100s")),
        ({}, {}, ("Running", "0/1", "100s")),
        ({"parallelism": 2}, {"succeeded": 0}, ("Running", "0/1 of 2", "100s")),
        ({"completions": 1}, {"succeeded": 1, "completionTime": "1970-01-01T00:05:30Z"}, ("Complete", "1/1", "30s")),
        ({"completions": 1}, {"failed": 7}, ("Failed", "0/1", "100s")),
        ({"suspend": True}, {"startTime": None}, ("Suspended", "0/1", "")),
    ],
)
def test_jobs_are_shown_as_kubectl_does(
    spec: dict[str, object], status: dict[str, object], shown: tuple[str, str, str]
) -> None:
    conditions = [] if shown[0] == "Running" else [{"type": shown[0], "status": "True"}]
    found = {"spec": spec, "status": {"startTime": "1970-01-01T00:05:00Z", "conditions": conditions, **status}}
    cells = {column.title: column.cell(found, 400) for column in columns("Job.batch", wide=False)}
    assert list(cells) == ["NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE"]
    assert (cells["STATUS"], cells["COMPLETIONS"], cells["DURATION"]) == shown


def test_ports_and_external_addresses_of_services() -> None:
    spec = {
        "ports": [{"port": 80, "nodePort": 31000}, {"port": 53, "protocol": "UDP"}],
        "externalIPs": ["1.2.3.4"],
        "selector": {"app": "web", "tier": "front"},
    }
    service = {"metadata": {"name": "web"}, "spec": spec, "status": {"loadBalancer": {"ingress": [{"ip": "5.6.7.8"}]}}}
    cells = {column.title: column.cell(service, 0) for column in columns("Service", wide=True)}
    assert cells["PORT(S)"] == "80:31000/TCP,53/UDP"
    assert cells["EXTERNAL-IP"] == "1.2.3.4,5.6.7.8"
    assert cells["SELECTOR"] == "app=web,tier=front"
