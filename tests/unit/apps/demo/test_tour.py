"""Who is awaited is said in short."""

import pytest

from weft.apps.demo.tour import awaited


@pytest.mark.parametrize(
    ("waiting", "text"),
    [
        ((), ""),
        (("bookshop/details-a59-wttmw: ContainerCreating",), "waiting for details"),
        (
            tuple(f"bookshop/reviews-v{n}-a59-wttmw" for n in (1, 2, 3)),
            "waiting for reviews-v1, reviews-v2, reviews-v3",
        ),
        (tuple(f"bookshop/a{n}-b-c" for n in range(5)), "waiting for a0, a1, a2 and 2 more"),
    ],
)
def test_names_of_pods_without_what_makes_them_unique(waiting: tuple[str, ...], text: str) -> None:
    assert awaited(waiting) == text
