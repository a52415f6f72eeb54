"""Why something was pushed: changes are told with the pushes that they led to."""

from weft.telemetry.push_log import PUSHES, Push, PushLog

EDS, CDS = "eds", "cds"


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def tell(log: PushLog, name: str, lane: str = "everything") -> None:
    log.begin("everything" if lane == "everything" else "endpoints", 0.5)
    with log.telling("everything" if lane == "everything" else "endpoints"):
        log.record({"scope": {CDS: {name}}})


def newest(log: PushLog) -> Push:
    return next(iter(log))


def test_a_push_has_the_changes_since_the_former_one() -> None:
    log = PushLog(Clock())
    log.changed("first")
    tell(log, "a")
    log.changed("second")
    log.changed("second")
    tell(log, "b")
    assert [(push.changes, push.told) for push in log] == [
        (("second",), {("scope", CDS): ("b",)}),
        (("first",), {("scope", CDS): ("a",)}),
    ]


def test_both_lanes_tell_of_the_same_change() -> None:
    log = PushLog()
    log.changed("pod")
    tell(log, "a", "endpoints")
    tell(log, "b", "everything")
    assert [(push.lane, push.changes) for push in log] == [("everything", ("pod",)), ("endpoints", ("pod",))]


def test_endpoints_that_overtake_do_not_take_the_reasons_away() -> None:
    log = PushLog()
    log.changed("route")
    log.begin("everything", 0)
    log.changed("pod")
    tell(log, "endpoints of pod", "endpoints")
    with log.telling("everything"):
        log.record({"scope": {CDS: {"a"}}})
    assert newest(log).changes == ("route", "pod"), "what changed while it was computed may have its part in it"
    tell(log, "b")
    assert newest(log).changes == ("pod",), "and may have come too late for it"


def test_what_a_proxy_that_comes_makes_known_has_the_changes_that_wait() -> None:
    log = PushLog()
    tell(log, "a")
    log.changed("route")
    log.record({"scope": {CDS: {"b"}}})
    assert newest(log).changes == ("route",)
    tell(log, "c")
    assert newest(log).changes == ("route",)


def test_a_push_that_told_nothing_is_not_remembered() -> None:
    log = PushLog()
    log.changed("status")
    log.begin("everything", 0)
    with log.telling("everything"):
        log.record({})
        log.record({"scope": {CDS: set()}})
    assert list(log) == []


def test_memory_is_bounded_and_what_is_left_out_is_counted() -> None:
    log = PushLog()
    for number in range(1_000):
        log.changed(number)
    log.begin("everything", 0)
    with log.telling("everything"):
        for _ in range(PUSHES + 10):
            log.record({"scope": {CDS: {str(name) for name in range(5_000)}, EDS: {"x"}}})
    assert len(list(log)) == PUSHES
    push = newest(log)
    assert (len(push.changes), push.more_changes, push.names) == (64, 936, 5_001)
    assert sum(map(len, push.told.values())) == 2_000
