"""Where a mesh keeps its things is decided in one place."""

from pathlib import Path

import pytest

from weft.base.places import PlaceError, places

HOME = {"HOME": "/home/me"}


@pytest.mark.parametrize(
    ("environment", "root", "state"),
    [
        (HOME, True, "/var/lib/weft/shop"),
        (HOME, False, "/home/me/.local/state/weft/shop"),
        ({**HOME, "XDG_STATE_HOME": "/state"}, False, "/state/weft/shop"),
        ({**HOME, "XDG_STATE_HOME": "state"}, False, "/home/me/.local/state/weft/shop"),
        ({**HOME, "XDG_STATE_HOME": ""}, False, "/home/me/.local/state/weft/shop"),
        ({**HOME, "XDG_STATE_HOME": "/state"}, True, "/var/lib/weft/shop"),
        ({**HOME, "WEFT_STATE_DIR": "/mesh"}, True, "/mesh"),
        ({**HOME, "WEFT_STATE_DIR": ""}, True, "/var/lib/weft/shop"),
    ],
)
def test_the_state_folder(environment: dict[str, str], root: bool, state: str) -> None:
    assert places("shop", environment=environment, root=root).state == Path(state)


def test_what_the_user_names_wins_and_is_made_absolute() -> None:
    found = places("shop", "mine", environment={"WEFT_STATE_DIR": "/mesh"}, root=True)
    assert found.state == Path.cwd() / "mine"
    assert found.controller_socket == found.state / "controller.sock"
    assert found.node == found.state / "node"


def test_without_a_home_the_way_out_is_told() -> None:
    with pytest.raises(PlaceError, match="set HOME or WEFT_STATE_DIR"):
        places("shop", environment={}, root=False)


@pytest.mark.parametrize("mesh", ["", ".", "..", "a/b", "A", "-a", "a-", "a" * 41, "shop-0123456789", "a b", "a\n"])
def test_names_that_no_mesh_can_have(mesh: str) -> None:
    with pytest.raises(PlaceError, match="can't be the name of a mesh"):
        places(mesh, environment=HOME, root=True)
