"""Reference pages say what the code says now."""

from difflib import unified_diff

import pytest
from tests.docs.pages import ROOT
from tools.reference.fields import outline, text_of
from tools.reference.findings import notes
from tools.reference.pages import FOLDER, pages

from weft.apps.pipeline import all_kinds
from weft.model.istio_virtual_service import HttpRedirect, HttpRoute


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The pages as the code makes them now."""
    return pages()


def test_pages_are_current(made: dict[str, str]) -> None:
    changes = [
        line
        for name, text in made.items()
        for line in unified_diff((ROOT / FOLDER / name).read_text().splitlines(), text.splitlines(), name, name, n=0)
    ]
    assert not changes, "run `python -m tools.reference`"


def test_no_page_is_left_of_a_former_generator(made: dict[str, str]) -> None:
    assert {path.name for path in (ROOT / FOLDER).iterdir()} == made.keys()


def test_an_outline_shows_every_field_with_its_values() -> None:
    lines = [text_of(line) for line in outline(HttpRedirect)]
    assert lines[:2] == ["uri: TEXT", "authority: TEXT"]
    assert "derivePort: FROM_PROTOCOL_DEFAULT | FROM_REQUEST_PORT" in lines


def test_a_structure_that_comes_again_refers_to_its_first_place() -> None:
    lines = [text_of(line) for line in outline(HttpRoute, "spec.http[]")]
    assert "mirror: {...}   # as http.route.destination" in lines


@pytest.mark.parametrize(
    ("kind", "path", "effect"),
    [
        ("Gateway", "spec.servers[].defaultEndpoint", "requests without a route get 404"),
        ("Deployment", "spec.template.spec.initContainers", "these are not run: example"),
        ("Service", "spec.externalIPs", "the service is not served on these addresses"),
    ],
)
def test_what_weft_says_of_a_field_is_found_by_setting_it(kind: str, path: str, effect: str) -> None:
    found = notes(next(each for each in all_kinds() if each.name == kind))
    assert [note.effect for note in found[path]] == [effect]


def test_a_note_names_the_values_that_it_is_about() -> None:
    found = notes(next(each for each in all_kinds() if each.name == "Service"))
    assert [note.values for note in found["spec.ports[].protocol"]] == [("SCTP",)]
    assert "spec.ports[].name" not in found
