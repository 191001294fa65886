"""The charts of the report: pictures of nothing but shapes and text, the same every time, with every record in them."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from conftest import PROJECT

from pipelines import settings
from pipelines.reference import read_reference
from pipelines.report.charts import NARROW, WIDE, _lines, draw, places
from pipelines.report.model import Bar, Bars, Cell, Chart, Columns, Matrix, Part, ReportError, WorldMap

NASTY = '</svg></script><script>alert(1)</script><img src=x onerror="alert(1)"> & \'"'
WORD = "W" * 10_000


def _bar(label: str, is_total: bool = False) -> Bar:
    return Bar(label, [Part(0.25, "#0072b2", f"{label}: part"), Part(0.75, "#56b4e9", label)], ("25%", "4"), is_total)


CHARTS: dict[str, Chart] = {
    "bars": Bars(
        [_bar("All", True), _bar("One"), _bar(NASTY), _bar(WORD), _bar("שלום 世界 " * 9)], ("Share", "n"), 1, 0.3
    ),
    "one bar": Bars([_bar("One")], ("Share", "n"), 1),
    "columns": Columns([_bar("<1"), _bar(NASTY), _bar("10+")], "Years", 2, "two years or more"),
    "one column": Columns([_bar("<1")], "Years", 2, "two years or more"),
    "matrix": Matrix(
        ["Completed", NASTY], ["Achieved", WORD], [[Cell("1", "#fff", False, NASTY)] * 2] * 2, "Status", "Progress"
    ),
    "map": WorldMap({"KEN": ("#0072b2", NASTY), "FJI": ("#56b4e9", "Fiji: 1 item")}),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_picture_is_shapes_and_text(name: str) -> None:
    drawn = draw(CHARTS[name], f"In words: {NASTY}")
    assert [width for width, _ in drawn] == (["any"] if name == "map" else ["wide", "narrow"])
    for width, svg in drawn:
        root = ElementTree.fromstring(svg)
        elements = list(root.iter())
        tags = {element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in elements}
        assert tags <= {"svg", "g", "path", "rect", "line", "text", "tspan", "title"}
        names = {attribute for element in elements for attribute in element.attrib}
        assert not [
            name for name in names if name.startswith("on") or "href" in name or name in ("style", "id", "class")
        ]
        assert root.get("aria-label") == f"In words: {NASTY}"
        assert root.get("role") == "img"
        assert root.get("width") == str(NARROW if width == "narrow" else WIDE)
        assert "<script" not in svg
        assert len(svg) < 150_000


@pytest.mark.parametrize("name", CHARTS)
def test_a_picture_is_the_same_every_time(name: str) -> None:
    assert draw(CHARTS[name], "words") == draw(CHARTS[name], "words")


def test_pointing_at_a_part_shows_its_words() -> None:
    (_, svg), _ = draw(Bars([_bar("One")], ("Share", "n"), 1), "words")
    assert re.findall("<title>(.*?)</title>", svg) == ["One: part", "One"]


def test_lengths_are_in_proportion() -> None:
    (_, svg), _ = draw(Bars([_bar("One")], ("Share", "n"), 1), "words")
    first, second = re.findall(r'<path d="M[\d.]+,[\d.]+h([\d.]+)v[\d.]+h[-\d.]+Z"[^>]*><title>', svg)
    assert float(second) / float(first) == pytest.approx(3, rel=0.01)


def test_every_country_has_a_place() -> None:
    shapes, dots = places()
    countries = {row["iso3"] for row in read_reference(settings.REFERENCE)["countries.csv"]}
    assert shapes | dots == countries - {"ATA"}


def test_every_place_can_be_coloured() -> None:
    """None is dropped on the way from the file through the projection to the picture."""
    shapes, dots = places()
    everywhere = WorldMap({code: ("#0072b2", f"{code}: 1 item") for code in shapes | dots})
    ((_, svg),) = draw(everywhere, "words")
    titles = re.findall("<title>([A-Z]{3}): 1 item</title>", svg)
    assert sorted(titles) == sorted([*shapes, *dots])
    for path, title in re.findall(r'<path[^>]* d="([^"]*)"[^>]*><title>([A-Z]{3})', svg):
        assert path, title


def test_the_map_is_small_and_has_a_source() -> None:
    assert (settings.MAP / "world.json").stat().st_size < 250_000
    assert "public domain" in (PROJECT / "seeds" / "map" / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("Employment", ["Employment"]),
        ("Child labour, forced labour, human trafficking", ["Child labour, forced", "labour, human traff…"]),
        ("x" * 50, ["x" * 20, "x" * 19 + "…"]),
        ("世" * 12, ["世" * 10, "世" * 2]),
    ],
)
def test_lines(text: str, lines: list[str]) -> None:
    assert _lines(text, 20) == lines


def test_without_the_library_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(ReportError, match=r"pip install 'ieval-warehouse\[report\]'"):
        draw(CHARTS["one bar"], "words")
