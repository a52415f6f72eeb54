"""Markup is escaped by construction."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from weft.examples.bookshop.bookshop.markup import Markup, element


class Reader(HTMLParser):
    """Collects the elements and texts of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(text=st.text(), value=st.text(min_size=1))
def test_text_and_attributes_are_read_back_as_they_were(text: str, value: str) -> None:
    reader = Reader()
    reader.feed(element("p", element("b", text), title=value))
    reader.close()
    assert reader.elements == [("p", {"title": value}), ("b", {})]
    assert reader.text == text


def test_attributes_are_named_as_in_html_and_left_out_when_empty() -> None:
    assert element("p", class_="a", aria_label="b", id="") == '<p class="a" aria-label="b"></p>'


def test_void_elements_have_no_end() -> None:
    assert element("meta", name="a") == '<meta name="a">'


def test_markup_is_not_escaped_again() -> None:
    assert element("p", Markup("&amp;"), "&") == "<p>&amp;&amp;</p>"
