"""Codes of issues."""

from weft.model import codes


def test_every_code_means_one_thing() -> None:
    stated = [value for name, value in vars(codes).items() if name.isupper()]
    assert len(stated) == len(set(stated))
