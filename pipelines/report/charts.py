"""Draws the charts of the report: what a chart shows becomes a Vega-Lite specification, and that a picture in SVG.

The pictures are drawn here and now, so the report needs no script: it opens in a mail program's preview and where
scripts are blocked, prints as it looks, weighs less than half of Vega's scripts alone, and nothing that a page says can
run in it. Every chart comes in two widths, for a desk and for a telephone; pointing at a part of it shows its words.
Measures are fixed and labels are cut by counting, so that the picture does not depend on the fonts of the machine. What
the numbers are and which are shown does not belong here.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from pipelines import settings
from pipelines.report.colours import FAINT, GREY, INK, LAND, TRACK
from pipelines.report.model import Bar, Bars, Chart, Columns, Matrix, ReportError, WorldMap
from pipelines.report.words import shorten

#: Widths of a picture in CSS pixels: on a desk or on paper, and on a telephone of 360.
WIDE, NARROW = 760, 328
_SVG = "http://www.w3.org/2000/svg"
_LINE = 15
Specification = dict[str, Any]


def draw(chart: Chart, words: str) -> list[tuple[str, str]]:
    """The chart as SVG, as (`wide` or `narrow`, markup); a map serves for both. `words` is its alternative text.

    Raises ReportError where the library that draws is not installed.
    """
    if isinstance(chart, WorldMap):
        return [("any", _svg(_world_map(chart), words))]
    drawn = []
    for name, width in (("wide", WIDE), ("narrow", NARROW)):
        match chart:
            case Bars():
                specification = _bars(chart, width)
            case Columns():
                specification = _columns(chart, width)
            case Matrix():
                specification = _matrix(chart, width)
        drawn.append((name, _svg(specification, words)))
    return drawn


def _lines(text: str, width: int, most: int = 2) -> list[str]:
    """The text on at most `most` lines of `width` columns, broken between words where it has any."""
    lines: list[str] = []
    rest = text
    while cell_len(rest) > width and len(lines) < most - 1:
        head = set_cell_size(rest, width + 1)
        broken = head.rpartition(" ")[0] or set_cell_size(rest, width).rstrip()
        lines.append(broken)
        rest = rest[len(broken) :].lstrip()
    return [*lines, shorten(rest, width)]


# ---- specifications


def _text(x: float, y: float | Specification, align: str = "left", **options: Any) -> Specification:
    """A layer of text at a fixed place across, taken from the field `text`, in the colour and weight of the row."""
    return {
        "mark": {"type": "text", "align": align, "baseline": "middle", "lineHeight": _LINE, "aria": False, **options},
        "encoding": {
            "x": {"value": x},
            "y": {"value": y} if isinstance(y, int | float) else y,
            "text": {"field": "text"},
        },
    }


def _chart(width: float, height: float, padding: tuple[float, float, float, float], layers: Any) -> Specification:
    """A specification with fixed measures: `padding` is left, top, right, bottom."""
    return {
        "width": width,
        "height": height,
        "padding": dict(zip(("left", "top", "right", "bottom"), padding, strict=True)),
        "autosize": "none",
        "background": None,
        "layer": list(layers),
        "config": {
            "view": {"stroke": None},
            "text": {"fontSize": 13, "fill": INK},
            "axis": {"disable": True},
            "legend": {"disable": True},
            "scale": {"bandPaddingInner": 0, "bandPaddingOuter": 0},
        },
    }


def _pieces(bars: Sequence[Bar]) -> list[Specification]:
    """One row a part of a bar that has any length: where it is, from where to where, colour, words."""
    rows = []
    for position, bar in enumerate(bars):
        start = 0.0
        for part in bar.parts:
            if part.length:
                rows.append(
                    {"at": position, "from": start, "to": start + part.length, "fill": part.fill, "words": part.words}
                )
            start += part.length
    return rows


_FILL = {"field": "fill", "type": "nominal", "scale": None}
_WORDS = {"field": "words"}


def _order(bars: Sequence[Bar]) -> Specification:
    """The scale of places one after another, also of those at which there is nothing."""
    return {"field": "at", "type": "ordinal", "scale": {"domain": list(range(len(bars)))}}


def _bars(chart: Bars, width: int) -> Specification:
    is_wide = width == WIDE
    column = 88 if is_wide else 62
    values = column * len(chart.headings)
    left = 268 if is_wide else 0
    plot = width - left - values if is_wide else width
    room = 38 if is_wide else 30
    labels = [_lines(bar.label, room) for bar in chart.bars]
    tallest = max(map(len, labels), default=1)
    thick = 20 if is_wide else 14
    # On a telephone the words stand above their bar.
    step = max(30, tallest * _LINE + 8) if is_wide else tallest * _LINE + thick + 14
    above, below = (0, 0) if is_wide else (-(thick + 6) / 2, (tallest * _LINE) / 2 + 1)
    at = _order(chart.bars)
    across = {"type": "quantitative", "scale": {"domain": [0, chart.full or 1], "nice": False}}
    bar = {"type": "bar", "height": thick, "yOffset": below}
    layers: list[Specification] = [
        {
            "data": {"values": [{"at": place} for place in range(len(chart.bars))]},
            "mark": {**bar, "fill": TRACK, "aria": False},
            "encoding": {"y": at, "x": {"value": 0}, "x2": {"value": plot}},
        },
        {
            "data": {"values": _pieces(chart.bars)},
            "mark": {**bar, "stroke": "white", "strokeWidth": 1},
            "encoding": {
                "y": at,
                "x": {"field": "from", **across},
                "x2": {"field": "to"},
                "fill": _FILL,
                "description": _WORDS,
            },
        },
    ]
    if chart.mark is not None:
        others = [{"at": place} for place, bar in enumerate(chart.bars) if not bar.is_total]
        tick = {"type": "tick", "orient": "vertical", "thickness": 1.5, "size": thick + 8, "fill": INK, "aria": False}
        where = {"y": at, "x": {"value": round(plot * chart.mark / (chart.full or 1), 1)}}
        layers.append({"data": {"values": others}, "mark": {**tick, "yOffset": below}, "encoding": where})
    texts: dict[tuple[int, bool, int], list[Specification]] = {}
    for place, (one, label) in enumerate(zip(chart.bars, labels, strict=True)):
        for number, text in enumerate([label, *one.values], -1):
            # Lines above their bar stand on it, lines beside it are centred.
            lines = len(label) if number < 0 else 1
            texts.setdefault((number, one.is_total, lines), []).append({"at": place, "text": text})
    for (number, is_total, lines), rows in texts.items():
        x, align = (-left, "left") if number < 0 else (width - left - values + column * (number + 1), "right")
        options = {
            "fontWeight": 600 if is_total else 400,
            "limit": room * 7 if number < 0 else column - 2,
            "yOffset": above,
            "dy": -(lines - 1) * _LINE / 2 + (0 if is_wide else (tallest - lines) * _LINE / 2),
        }
        layers.append({"data": {"values": rows}, **_text(x, at, align, **options)})
    for number, heading in enumerate(chart.headings, 1):
        layer = _text(width - left - values + column * number, -12, "right", fill=FAINT, fontSize=12)
        layers.append({"data": {"values": [{"text": heading}]}, **layer})
    return _chart(plot, step * max(1, len(chart.bars)), (left, 24, width - left - plot, 4), layers)


def _columns(chart: Columns, width: int) -> Specification:
    is_wide = width == WIDE
    count = max(1, len(chart.columns))
    tallest = max((sum(part.length for part in column.parts) for column in chart.columns), default=0) or 1
    # A column of one record is no tower.
    height = min(220 if is_wide else 190, 56 + 16 * tallest)
    at = _order(chart.columns)
    step = min(80.0, width / count)
    plot = step * count
    up = {"type": "quantitative", "scale": {"domain": [0, tallest], "nice": False}}
    tops = [
        {"at": position, "sum": sum(part.length for part in column.parts), "text": column.values[0]}
        for position, column in enumerate(chart.columns)
    ]
    layers = [
        {
            "data": {"values": _pieces(chart.columns)},
            "mark": {"type": "bar", "width": {"band": 0.78}, "stroke": "white", "strokeWidth": 1},
            "encoding": {
                "x": at,
                "y": {"field": "from", **up},
                "y2": {"field": "to"},
                "fill": _FILL,
                "description": _WORDS,
            },
        },
        {
            "data": {"values": tops},
            "mark": {"type": "text", "baseline": "bottom", "dy": -4, "aria": False, "fontSize": 13 if is_wide else 11},
            "encoding": {"x": at, "y": {"field": "sum", **up}, "text": {"field": "text"}},
        },
        {
            "data": {"values": [{}]},
            "mark": {"type": "rule", "stroke": GREY, "aria": False},
            "encoding": {"x": {"value": 0}, "x2": {"value": plot}, "y": {"value": height}},
        },
        {
            "data": {"values": [{"at": p, "text": c.label} for p, c in enumerate(chart.columns)]},
            "mark": {"type": "text", "baseline": "top", "aria": False, "fontSize": 13 if is_wide else 11},
            "encoding": {"x": at, "y": {"value": height + 6}, "text": {"field": "text"}},
        },
        {"data": {"values": [{"text": chart.axis}]}, **_text(0, height + 34, fill=FAINT, fontSize=12)},
    ]
    if 0 < chart.since < len(chart.columns):
        place = step * chart.since
        layers += [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "stroke": INK, "strokeDash": [3, 3], "aria": False},
                "encoding": {"x": {"value": place}, "y": {"value": -44}, "y2": {"value": height}},
            },
            {
                "data": {"values": [{"text": chart.since_words}]},
                **_text(place + 6, -38, fontSize=12 if is_wide else 11),
            },
        ]
    return _chart(plot, height, (0, 48, width - plot, 44), layers)


def _matrix(chart: Matrix, width: int) -> Specification:
    is_wide = width == WIDE
    left, cell, small, letter = (190, 132, 13, 7) if is_wide else (88, 80, 11, 5.6)
    step = 42
    x = {"field": "x", "type": "ordinal", "sort": None}
    y = {"field": "y", "type": "ordinal", "sort": None}
    fields = [
        {"x": column, "y": row, "text": field.text, "fill": field.fill, "dark": field.is_dark, "words": field.words}
        for row, fields in enumerate(chart.cells)
        for column, field in enumerate(fields)
    ]
    layers: list[Specification] = [
        {
            "data": {"values": fields},
            "mark": {"type": "rect", "stroke": "white", "strokeWidth": 3},
            "encoding": {"x": x, "y": y, "fill": _FILL, "description": _WORDS},
        }
    ]
    for is_dark, ink in ((False, INK), (True, "white")):
        layers.append(
            {
                "data": {"values": [field for field in fields if field["dark"] == is_dark]},
                "mark": {"type": "text", "fontSize": 15, "fontWeight": 600, "fill": ink, "aria": False},
                "encoding": {"x": x, "y": y, "text": {"field": "text"}},
            }
        )
    for row, label in enumerate(chart.rows):
        lines = _lines(label, int(left / letter))
        layer = _text(-left, y, fontSize=small, dy=-(len(lines) - 1) * _LINE / 2)
        layers.append({"data": {"values": [{"y": row, "text": lines}]}, **layer})
    for column, label in enumerate(chart.columns):
        lines = _lines(label, int(cell / letter))
        layer = _text(0, -12 - (len(lines) - 1) * _LINE, "center", fontSize=small)
        layer["encoding"]["x"] = x
        layers.append({"data": {"values": [{"x": column, "text": lines}]}, **layer})
    layers += [
        {"data": {"values": [{"text": chart.column_axis}]}, **_text(0, -52, fill=FAINT, fontSize=12)},
        {"data": {"values": [{"text": chart.row_axis}]}, **_text(-left, -12, fill=FAINT, fontSize=small)},
    ]
    plot = cell * len(chart.columns)
    return _chart(plot, step * len(chart.rows), (left, 62, width - left - plot, 2), layers)


def _world_map(chart: WorldMap) -> Specification:
    topology = json.loads((settings.MAP / "world.json").read_text(encoding="utf-8"))
    shapes, dots = topology["objects"]["countries"], topology["objects"]["dots"]
    dots["geometries"] = [dot for dot in dots["geometries"] if dot["id"] in chart.fills]
    for place in [*shapes["geometries"], *dots["geometries"]]:
        place["properties"] = dict(zip(("fill", "words"), chart.fills.get(place["id"], (LAND, "")), strict=True))
    # Of equal areas, so that size does not exaggerate; land lies between 84° N and 56° S.
    projection = {"type": "equalEarth", "scale": 142, "translate": [WIDE / 2, 189], "pointRadius": 3.5}
    fill = {"field": "properties.fill", "type": "nominal", "scale": None}
    layers = [
        {
            "data": {"values": topology, "format": {"type": "topojson", "feature": feature}},
            "projection": projection,
            "mark": {"type": "geoshape", "clip": False, "stroke": stroke, "strokeWidth": thickness},
            "encoding": {"fill": fill, "description": {"field": "properties.words"}},
        }
        for feature, stroke, thickness in (("countries", "white", 0.6), ("dots", INK, 0.7))
    ]
    return _chart(WIDE, 338, (0, 0, 0, 0), layers)


def places() -> tuple[set[str], set[str]]:
    """The alpha-3 codes of the countries that the map shows as shapes, and of those that it shows as dots (or both)."""
    objects = json.loads((settings.MAP / "world.json").read_text(encoding="utf-8"))["objects"]
    shapes, dots = ({place["id"] for place in objects[name]["geometries"]} for name in ("countries", "dots"))
    return shapes, dots


# ---- pictures

_ELEMENTS = {"svg", "g", "path", "rect", "line", "text", "tspan", "title"}
#: What Vega writes for scripts and for readers of single marks, and what the page's own style says.
_NEEDLESS = {"class", "role", "pointer-events", "stroke-miterlimit", "version", "font-family", "aria-roledescription"}
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")


def _svg(specification: Specification, words: str) -> str:
    """The picture as an `svg` element for an HTML page, with an alternative text. Raises ReportError."""
    try:
        import vl_convert
    except ImportError as error:
        raise ReportError(
            "the report needs vl-convert, which draws its charts: pip install 'ieval-warehouse[report]'"
        ) from error
    drawn = vl_convert.vegalite_to_svg(specification, vl_version="6.4", allowed_base_urls=[])
    root = ElementTree.fromstring(drawn)
    _tidy(root)
    root.set("role", "img")
    root.set("aria-label", words)
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(element: ElementTree.Element) -> None:
    """Keep what is seen, and turn the words of a mark into the title that a browser shows on pointing at it."""
    element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    if element.tag not in _ELEMENTS:
        raise ReportError(f"a chart has an element that no chart needs: {element.tag}")
    if element.tag == "svg":
        element.set("xmlns", _SVG)
    words = element.get("aria-label")
    for name in [name for name in element.attrib if name in _NEEDLESS or name.startswith("aria-")]:
        del element.attrib[name]
    for name in ("d", "transform", "x2", "y2"):
        if name in element.attrib:
            element.set(name, _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.1f}", element.attrib[name]))
    if element.get("opacity") == "1":
        del element.attrib["opacity"]
    children = list(_seen(element))
    for child in children:
        _tidy(child)
    element[:] = children
    if words and element.tag in ("path", "rect"):
        title = ElementTree.Element("title")
        title.text = words
        element.insert(0, title)


def _seen(element: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """The children that are seen."""
    for child in element:
        if child.get("class") not in ("background", "foreground") and child.get("display") != "none":
            yield child
