"""A mesh that an ordinary user runs, for all tests of a module."""

from collections.abc import Iterator

import pytest
from tests.e2e.isolation.meshes import UserMesh
from tests.e2e.isolation.users import User, ordinary_user


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    """An ordinary user."""
    with ordinary_user() as found:
        yield found


@pytest.fixture(scope="module")
def mesh(user: User) -> Iterator[UserMesh]:
    """A mesh in namespaces of his own."""
    found = UserMesh(user, ["--isolation", "userns"])
    user.own(user.home)
    try:
        found.start()
        yield found
    finally:
        found.abandon()
