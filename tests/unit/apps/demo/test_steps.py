"""Progress is lines where there is no terminal, and bars on one."""

import io

from rich.console import Console

from weft.apps.demo.steps import Steps, shown_steps


def run(console: Console) -> None:
    with shown_steps(console) as steps:
        walk(steps)


def walk(steps: Steps) -> None:
    steps.begin("start the controller")
    steps.begin("start pods", 2)
    steps.advance(0, 2, "waiting for a, b")
    steps.advance(0, 2, "waiting for a, b")
    steps.advance(1, 2, "waiting for b")
    steps.advance(2, 2)
    steps.begin("ask for pages", 400)
    for number in range(400):
        steps.advance(number + 1)
    steps.end()


def test_lines_tell_news_once_and_the_end_of_each_step() -> None:
    output = io.StringIO()
    run(Console(file=output, width=100))
    assert [line.partition(" s  ")[2] for line in output.getvalue().splitlines()] == [
        "start the controller: done",
        "start pods: 0 of 2, waiting for a, b",
        "start pods: 1 of 2, waiting for b",
        "start pods: 2 of 2",
        "ask for pages: 400 of 400",
    ]


def test_bars_end_full_and_without_notes() -> None:
    output = io.StringIO()
    run(Console(file=output, width=100, force_terminal=True, no_color=True, _environ={"TERM": "xterm"}))
    last = output.getvalue().rpartition("start the controller")[2]
    assert "2/2" in last
    assert "400/400" in last
    assert "waiting" not in last
