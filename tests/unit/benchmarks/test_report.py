"""How figures are shown: tables, picture, and their place in the documentation."""

import xml.etree.ElementTree as ElementTree
from typing import Any

import msgspec
import pytest
from benchmarks.lab.drawing import Group, bar_chart
from benchmarks.lab.markers import END, begin, with_figures
from benchmarks.lab.page import picture
from benchmarks.lab.paths import DIRECT, MESH, STATIC
from benchmarks.lab.propagation import reload_time
from benchmarks.lab.results import Footprint, Point, Propagation, Result, Sample
from benchmarks.lab.tables import markdown, number, table

MACHINE: dict[str, Any] = {
    "date": "2026-01-02",
    "processors": 2,
    "processor": "p",
    "kernel": "6",
    "envoy": "1.40.0",
    "weft": "0",
    "load": 0.5,
}


def point(way: str, *rates: float, load: str = "http1", kind: str = "requests", protocol: str = "HTTP/1.1") -> Point:
    return Point(load, kind, protocol, way, tuple(Sample(rate, 1.0, 2.0, 100 / rate) for rate in rates))


def result(*points: Point, **fields: Any) -> Result:
    return Result(machine=MACHINE, seconds=1.0, rounds=3, points=points, **fields)


BEGIN, OTHER = begin("one"), begin("other")
MEASURED = result(
    point(DIRECT, 9_000, 9_000, 9_000),
    point(STATIC, 1_000, 500, 1_000),
    point(MESH, 900, 450, 950),
    footprints=(Footprint(1_000, 2.0, 33.34),),
    propagations=(Propagation(10, (50.0, 40.0, 60.0), (90.0, 100.0, 80.0)),),
)


def test_columns_of_a_table_are_aligned() -> None:
    lines = table(["", "b"], [["one", "1"], ["three", "1,000"]]).splitlines()
    assert lines == ["|       |     b |", "| ----- | ----: |", "| one   |     1 |", "| three | 1,000 |"]


@pytest.mark.parametrize(("value", "text"), [(12345.6, "12,346"), (12.34, "12.3"), (1.234, "1.23"), (0.1234, "0.123")])
def test_numbers_have_the_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


def test_the_tables_say_medians_and_the_ratio_of_rounds() -> None:
    lines = markdown(MEASURED).splitlines()
    rates = next(line for line in lines if line.startswith("| HTTP/1.1") and "9,000" in line)
    assert [cell.strip() for cell in rates.split("|")[2:-1]] == ["9,000", "1,000", "900", "0.90 (0.90-0.95)"]


def test_the_tables_say_memory_and_propagation() -> None:
    text = markdown(MEASURED)
    assert "| 1,000    |                33.3 |            2.0 |" in text
    assert [cell.strip() for cell in text.splitlines()[-1].split("|")[1:-1]] == ["10", "50", "90", "80", "100"]


def test_what_was_not_measured_is_left_out() -> None:
    text = markdown(result())
    assert "###" not in text
    assert "###" in markdown(result(footprints=(Footprint(10, 1.0, 1.0),)))


def test_without_the_pair_there_is_no_ratio_and_no_picture() -> None:
    alone = result(point(MESH, 900.0))
    assert "/ static" not in markdown(alone)
    assert picture(alone) is None


def test_the_picture_has_bars_in_relation_to_the_pair() -> None:
    drawn = picture(MEASURED)
    assert drawn is not None
    texts = [each.text for each in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [f"Requests a second, in relation to the {STATIC}", STATIC, MESH, "HTTP/1.1", "1.00", "0.90"]


def test_a_bar_is_as_long_as_its_value_and_names_are_text() -> None:
    drawn = bar_chart("a < b", ["x & y"], [Group("<g>", (1.0,)), Group("h", (2.0,))], mark=1.0)
    root = ElementTree.fromstring(drawn)
    bars = [float(each.attrib["width"]) for each in root.iter("{http://www.w3.org/2000/svg}rect") if "x" in each.attrib]
    assert bars[1] * 2 == pytest.approx(bars[2])


def test_figures_go_between_the_markers_and_nothing_else_changes() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = with_figures(page, "one", "new\n")
    assert once == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert with_figures(once, "one", "new\n") == once


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}", f"{BEGIN}{OTHER}{END}"])
def test_a_page_without_its_markers_is_left_alone(page: str) -> None:
    with pytest.raises(ValueError, match="figures"):
        with_figures(page, "one", "new")


def test_figures_can_be_kept_and_shown_again() -> None:
    assert msgspec.json.decode(msgspec.json.encode(MEASURED), type=Result) == MEASURED


def test_the_time_of_a_new_table_is_the_last_one() -> None:
    name = "rds.8080.config_reload_time_ms"
    assert reload_time(f"http.outbound_0.0.0.0_8080;.{name}: 1700\nhttp.b.{name}: 1900\n") == 1900
    assert reload_time("") == 0
