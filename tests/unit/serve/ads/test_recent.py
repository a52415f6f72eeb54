"""What is kept of what streams have in common, and for how long."""

from weft.serve.ads.recent import Recent


def test_what_was_used_last_stays() -> None:
    recent: Recent[str, int] = Recent(3)
    for number, key in enumerate("abc"):
        recent.put(key, number, 1)
    assert recent.get("a") == 0
    recent.put("d", 3, 1)
    assert [recent.get(key) for key in "abcd"] == [0, None, 2, 3]


def test_what_is_too_large_is_not_kept() -> None:
    recent: Recent[str, int] = Recent(3)
    assert recent.put("large", 1, 4) == 1
    assert recent.get("large") is None
    recent.put("small", 2, 3)
    assert recent.get("small") == 2
