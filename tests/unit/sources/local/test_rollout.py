"""Replacing pods: what may never happen, whatever else does, and that it comes to an end."""

from hypothesis import given
from hypothesis import strategies as st

from weft.sources.local.rollout import RolloutPod, Step, Wanted, next_step


def wanted(template: str = "new", replicas: int = 1, surge: int = 1, unavailable: int = 0, **more: bool) -> Wanted:
    return Wanted(template=template, replicas=replicas, surge=surge, unavailable=unavailable, **more)


def pods(**templates: bool) -> list[RolloutPod]:
    """Pods by name, the part before the first `_` being their template; the value is whether they are ready."""
    return [RolloutPod(name, name.partition("_")[0], ready, 0) for name, ready in templates.items()]


@st.composite
def wishes(draw: st.DrawFn) -> Wanted:
    surge, unavailable = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    replicas = draw(st.integers(0, 6))
    return Wanted(
        template=draw(st.sampled_from("abc")),
        replicas=replicas,
        surge=surge,
        unavailable=min(unavailable or (0 if surge else 1), replicas),
        recreate=draw(st.booleans()),
    )


POPULATIONS = st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.integers(0, 3)), max_size=10).map(
    lambda found: [RolloutPod(f"pod-{number}", *each) for number, each in enumerate(found)]
)


class Play:
    """A Deployment whose pods are told by the test how they are."""

    def __init__(self, population: list[RolloutPod]) -> None:
        self.pods = {pod.name: pod for pod in population}
        self.made = 0

    def step(self, wish: Wanted) -> Step:
        """Takes one step, and checks all that holds for every step."""
        step = next_step(wish, list(self.pods.values()))
        least, before = wish.replicas - wish.unavailable, self.ready()
        for name in step.delete:
            del self.pods[name]
        for _ in range(step.create):
            self.made += 1
            self.pods[f"new-{self.made}"] = RolloutPod(f"new-{self.made}", wish.template, False, 10 + self.made)
        assert len(self.pods) <= wish.replicas + (0 if wish.recreate else wish.surge)
        if not wish.recreate:
            assert self.ready() >= min(before, least)
        return step

    def ready(self) -> int:
        return sum(pod.ready for pod in self.pods.values())

    def set(self, name: str, ready: bool) -> None:
        old = self.pods[name]
        self.pods[name] = RolloutPod(old.name, old.template, ready, old.created)

    def rest(self, wish: Wanted) -> None:
        """Steps until there is nothing to do."""
        for _ in range(50):
            if not self.step(wish):
                return
        raise AssertionError(f"{wish} goes on for ever with {list(self.pods.values())}")


@given(POPULATIONS, st.lists(st.tuples(wishes(), st.lists(st.tuples(st.integers(0, 9), st.booleans()))), max_size=6))
def test_bounds_hold_and_steps_end_whatever_becomes_ready_or_unready_or_changes(
    population: list[RolloutPod], story: list[tuple[Wanted, list[tuple[int, bool]]]]
) -> None:
    play = Play(population)
    for wish, changes in story:
        play.rest(wish)
        for number, ready in changes:
            if play.pods:
                play.set(sorted(play.pods)[number % len(play.pods)], ready)
                play.rest(wish)


@given(POPULATIONS, wishes())
def test_a_rollout_converges_once_new_pods_become_ready(population: list[RolloutPod], wish: Wanted) -> None:
    play = Play(population)
    for _ in range(50):
        play.rest(wish)
        waiting = [name for name, pod in play.pods.items() if pod.template == wish.template and not pod.ready]
        if not waiting:
            break
        play.set(waiting[0], True)
    assert [pod.template for pod in play.pods.values()] == [wish.template] * wish.replicas


def test_an_update_that_corrects_a_broken_one_gets_its_room() -> None:
    play = Play(pods(old=True, broken=False))
    play.rest(wanted())
    assert sorted(pod.template for pod in play.pods.values()) == ["new", "old"]


def test_a_broken_update_leaves_the_old_pods_and_stops() -> None:
    play = Play(pods(old_1=True, old_2=True, old_3=True, old_4=True))
    play.rest(wanted(replicas=4, surge=1, unavailable=1))
    assert play.ready() == 3
    assert len(play.pods) == 5


def test_pods_that_are_all_unready_for_a_moment_are_not_all_ended() -> None:
    play = Play(pods(old_1=False, old_2=False, old_3=False, old_4=False))
    play.rest(wanted(replicas=4, surge=1, unavailable=1))
    assert sum(pod.template == "old" for pod in play.pods.values()) == 3


def test_fewer_replicas_cost_the_pods_that_are_missed_least() -> None:
    found = [
        RolloutPod("older", "new", True, 1),
        RolloutPod("younger", "new", True, 2),
        RolloutPod("unready", "new", False, 0),
    ]
    assert next_step(wanted(replicas=1), found) == Step(0, ("unready", "younger"))


def test_recreate_waits_until_the_old_pods_are_gone() -> None:
    wish = wanted(replicas=2, recreate=True)
    assert next_step(wish, pods(old_1=True, old_2=True)) == Step(0, ("old_1", "old_2"))
    assert next_step(wish, [], ending=1) == Step(0, ())
    assert next_step(wish, []) == Step(2, ())


def test_no_replicas_end_everything() -> None:
    found = pods(old=True, new=True, broken=False)
    assert set(next_step(wanted(replicas=0, surge=0, unavailable=0), found).delete) == {"old", "new", "broken"}
