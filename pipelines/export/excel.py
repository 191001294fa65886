"""Writes the rows of an export as one Excel workbook: a cover, then a sheet a mart or table, ready to filter and print.

Text stays text, whatever it begins with. What a cell or a sheet cannot hold is cut with a mark or split over sheets,
and tables that would make the workbook too large to work with are left to the other formats, which the cover says.
XlsxWriter is driven row by row, for pandas writes by columns and would hold whole tables. Which rows there are does not
belong here.
"""

from __future__ import annotations

import datetime
import itertools
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.export.source import EXPORTABLE, About, Rows
from pipelines.tables import BOOLEAN, DATE, DOUBLE, TEXT, TIMESTAMP, Column, Table

FILE = "ieval.xlsx"
COVER = "About"
#: Excel's limits: characters a cell (it counts UTF-16), rows a sheet (header included), links a sheet, letters a name.
CELL_CHARACTERS, SHEET_ROWS, SHEET_LINKS, SHEET_NAME = 32_767, 1_048_576, 65_530, 31
LINK_CHARACTERS = 2079
#: Excel counts in doubles: a longer number would lose its last digits. An earlier day has no number, or a wrong one.
_EXACT, _FIRST_DAY = 10**15, datetime.date(1900, 3, 1)
#: A workbook of more cells takes Excel minutes to open. Half a minute to write.
WORKBOOK_CELLS = 3_000_000
#: Height of a row with long texts in points, width of such a column and of a printed page in characters.
_ROW_HEIGHT, _TEXT_WIDTH, _PRINT_WIDTH = 60, 60, 170
_HEADER = {"bold": True, "text_wrap": True, "bg_color": "#1F4E79", "font_color": "#FFFFFF", "border": 1}
_LINKED = {"font_color": "#0563C1", "underline": 1}
_SECTIONS = {"marts": "Ready to read", "core": "The tables behind", "reference": "Vocabularies", "raw": "The pages"}

# XML refuses some control characters, and a carriage return comes back as one only in some programs.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_LINK = re.compile(r"https?://[^\s\x00-\x20\"<>]+")
_FORMULA = ("=", "+", "-", "@", "\t")


def choose_sheets(tables: Sequence[Table], counts: Mapping[str, int]) -> dict[str, str]:
    """The tables that are left out of a workbook of these, and why: none where somebody has chosen among the tables.

    They are taken in their order as long as they fit: marts, then core tables, then the vocabularies.
    """
    if len(tables) < len(EXPORTABLE):
        return {}
    left_out = {}
    room = WORKBOOK_CELLS
    for table in tables:
        cells = counts[table.name] * len(table.columns)
        if table.group == "raw":
            left_out[table.name] = "pages as they were read, for machines"
        elif cells > room:
            left_out[table.name] = f"{cells:,} cells, more than Excel opens in reasonable time"
        else:
            room -= cells
    return left_out


def write(
    source: Iterable[Rows], tables: Sequence[Table], about: About, folder: Path, counts: Mapping[str, int]
) -> None:
    """Write `ieval.xlsx`; `counts` says how many rows the tables have.

    The same rows give the same bytes, from the same release of XlsxWriter.
    """
    left_out = choose_sheets(tables, counts)
    with tempfile.TemporaryDirectory(prefix=".excel-", dir=folder) as scratch:
        options = {"constant_memory": True, "tmpdir": scratch, "remove_timezone": True}
        with xlsxwriter.Workbook(str(folder / FILE), options) as workbook:
            workbook.use_zip64()
            workbook.set_properties(
                {
                    "title": about.title,
                    "author": "ieval-warehouse",
                    "comments": about.citation,
                    "created": (about.observed_at or datetime.datetime(1980, 1, 1)).replace(tzinfo=None),
                }
            )
            look = _Look(workbook)
            cover = workbook.add_worksheet(COVER)
            sheets: dict[str, list[str]] = {}
            for rows in source:
                if rows.table.name not in left_out:
                    sheets[rows.table.name] = _write_table(workbook, look, rows, about.is_demo)
            _write_cover(cover, look, about, counts, sheets, left_out)


@dataclass(slots=True)
class _Look:
    """The formats of the workbook, each made once."""

    workbook: xlsxwriter.Workbook
    made: dict[tuple[tuple[str, Any], ...], Format] = field(default_factory=dict)

    def get(self, **properties: Any) -> Format:
        key = tuple(sorted(properties.items()))
        if key not in self.made:
            self.made[key] = self.workbook.add_format({"valign": "top", **properties})
        return self.made[key]


# ---- values


def cell_text(text: str, table: str, column: str) -> str:
    """The text as a cell can hold it: line ends as LF, no control characters, cut with a mark that says where it is."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    if len(text) > CELL_CHARACTERS // 2 and len(units := text.encode("utf-16-le")) > CELL_CHARACTERS * 2:
        mark = f" […] [cut: {len(text):,} characters, whole in column {column} of table {table} in the other formats]"
        text = units[: (CELL_CHARACTERS - len(mark)) * 2].decode("utf-16-le", "ignore") + mark
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "  # XlsxWriter would take it for XML of its own and write it as it is
    return text


_Writer = Callable[[Worksheet, int, int, Any], object]


def _writer(column: Column, table: Table, look: _Look, is_long: bool, is_demo: bool) -> _Writer:
    """A function that puts a value, never NULL, of the column into a cell."""
    if column.type == TEXT:
        plain, guarded = (look.get(text_wrap=is_long, quote_prefix=quoted) for quoted in (False, True))
        links = itertools.count(1)

        def write_text(sheet: Worksheet, row: int, position: int, value: str) -> object:
            text = cell_text(value, table.name, column.name)
            # Also after somebody has edited the cell it is no formula.
            return sheet.write_string(row, position, text, guarded if text.startswith(_FORMULA) else plain)

        def write_link(sheet: Worksheet, row: int, position: int, value: str) -> object:
            if len(value) <= LINK_CHARACTERS and _LINK.fullmatch(value) and next(links) <= SHEET_LINKS:
                return sheet.write_url(row, position, value, look.get(**_LINKED))
            return write_text(sheet, row, position, value)

        return write_link if column.name == "url" and not is_demo else write_text  # an invented address leads astray
    if column.type == BOOLEAN:
        centred = look.get(align="center")
        return lambda sheet, row, position, value: sheet.write_boolean(row, position, value, centred)
    if column.type in (DATE, TIMESTAMP):
        style = look.get(num_format="yyyy-mm-dd" if column.type == DATE else "yyyy-mm-dd hh:mm:ss", align="left")

        def write_day(sheet: Worksheet, row: int, position: int, value: datetime.date) -> object:
            day = value.date() if isinstance(value, datetime.datetime) else value
            if day < _FIRST_DAY:
                return sheet.write_string(row, position, value.isoformat(), style)
            return sheet.write_datetime(row, position, value, style)

        return write_day
    style = _number_style(column, look)

    def write_number(sheet: Worksheet, row: int, position: int, value: float) -> object:
        if not abs(value) < _EXACT:  # nor is there a number for NaN and infinity
            return sheet.write_string(row, position, str(value), look.get(align="right"))
        return sheet.write_number(row, position, value, style)

    return write_number


def _number_style(column: Column, look: _Look) -> Format:
    if column.type == DOUBLE:
        return look.get(num_format="0.0%" if column.name.endswith("share") else "0.00")
    if column.key or column.references or column.name.endswith(("_id", "_number", "year")):
        return look.get(num_format="0", align="left")  # a name, not an amount
    return look.get(num_format="#,##0")


# ---- sheets


def _write_table(workbook: xlsxwriter.Workbook, look: _Look, rows: Rows, is_demo: bool) -> list[str]:
    """Write a table on one sheet, or on as many as it takes; returns their names."""
    table = rows.table
    first = next(rows.batches, None)
    batches = rows.batches if first is None else itertools.chain([first], rows.batches)
    samples = [[]] * len(table.columns) if first is None else [column.to_pylist() for column in first.columns]
    widths = [_width(column, sample) for column, sample in zip(table.columns, samples, strict=True)]
    lines = itertools.chain.from_iterable(map(_lines, batches))
    line = next(lines, None)
    names: list[str] = []
    while line is not None or not names:
        suffix = f" ({len(names) + 1})" if names else ""
        names.append(table.name[: SHEET_NAME - len(suffix)] + suffix)
        sheet = workbook.add_worksheet(names[-1])
        _write_header(sheet, look, table, widths)
        writers = [
            _writer(column, table, look, width >= _TEXT_WIDTH, is_demo)
            for column, width in zip(table.columns, widths, strict=True)
        ]
        row = 1
        while line is not None and row < SHEET_ROWS:
            for position, value in enumerate(line):
                if value is not None:
                    writers[position](sheet, row, position, value)
            line = next(lines, None)
            row += 1
        sheet.autofilter(0, 0, max(1, row - 1), len(table.columns) - 1)
    return names


def _lines(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _width(column: Column, values: Iterable[Any]) -> float:
    """Width of a column in characters, from its name and a sample of its values; long texts wrap."""
    texts = [str(value) for value in values if value is not None]
    if column.type in (DATE, TIMESTAMP):
        need = 11 if column.type == DATE else 19
    elif any("\n" in text for text in texts):
        need = _TEXT_WIDTH
    else:
        need = max(map(len, texts), default=0) + 2
    return min(_TEXT_WIDTH, max(need, len(column.name) + 4))  # beside the name stands the button of the filter


def _write_header(sheet: Worksheet, look: _Look, table: Table, widths: list[float]) -> None:
    """Names of the columns with their words as notes; the first column and the names stay in sight."""
    if max(widths) >= _TEXT_WIDTH:
        sheet.set_default_row(_ROW_HEIGHT)  # else a long text would fill the screen
    sheet.set_row(0, 20)
    for position, (column, width) in enumerate(zip(table.columns, widths, strict=True)):
        sheet.set_column(position, position, width)
        sheet.write_string(0, position, column.name, look.get(**_HEADER))
        height = 22 + 16 * (len(column.words) // 42 + 1)
        sheet.write_comment(0, position, column.words, {"width": 300, "height": height, "font_size": 9})
    sheet.freeze_panes(1, 1)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})  # codes like 004
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(max(1, round(sum(widths) / _PRINT_WIDTH)), 0)
    sheet.repeat_rows(0)
    sheet.repeat_columns(0)
    sheet.hide_gridlines(0)  # not even in print
    sheet.set_footer("&L&A&R&P / &N")


# ---- the cover


def _write_cover(
    sheet: Worksheet,
    look: _Look,
    about: About,
    counts: Mapping[str, int],
    sheets: Mapping[str, list[str]],
    left_out: Mapping[str, str],
) -> None:
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 14)
    sheet.set_column(2, 2, 110)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    label, text = look.get(bold=True), look.get(text_wrap=True)
    row = itertools.count()
    sheet.write_string(next(row), 0, about.title, look.get(bold=True, font_size=16, font_color="#1F4E79"))
    next(row)
    facts = [
        ("What", "Recommendations, lessons and good practices of ILO evaluations, as tables."),
        ("When", f"Newest observation: {about.observed}. All times are UTC."),
        ("Source", about.source_url or about.source),
        ("How to cite", about.citation),
        ("Terms", about.terms),
        ("Data quality", about.quality),
        ("Reading", _READING),
    ]
    for name, words in facts:
        here = next(row)
        sheet.set_row(here, 15 * (len(words) // 115 + 1))
        sheet.write_string(here, 0, name, label)
        if words == about.source_url:
            sheet.write_url(here, 2, words, look.get(**_LINKED))
        else:
            sheet.write_string(here, 2, words, text)
    next(row)
    here = next(row)
    for position, name in enumerate(("Sheet", "Rows", "What a row is")):
        sheet.write_string(here, position, name, look.get(**_HEADER, align="right" if position == 1 else "left"))
    amount, text = look.get(num_format="#,##0"), look.get(text_wrap=True, align="left", indent=1)
    section = None
    for table, names in sheets.items():
        if section != (section := EXPORTABLE[table].group):
            sheet.write_string(next(row), 0, _SECTIONS[section], label)
        for name in names:
            here = next(row)
            sheet.write_url(here, 0, f"internal:'{name}'!A1", look.get(**_LINKED), name)
            if name == names[0]:
                sheet.write_number(here, 1, counts[table], amount)
            sheet.write_string(here, 2, EXPORTABLE[table].words, text)
            sheet.set_row(here, 15 * (len(EXPORTABLE[table].words) // 115 + 1))
    if left_out:
        next(row)
        sheet.write_string(next(row), 0, "Not in this workbook", label)
        for table, why in left_out.items():
            here = next(row)
            sheet.write_string(here, 0, table)
            sheet.write_number(here, 1, counts[table], amount)
            sheet.write_string(
                here, 2, f"{why}: open parquet/{table}.parquet or the table in ieval.sqlite instead", text
            )


_READING = (
    "Point at the name of a column to read what it means. Columns that end in _label, and plain words, are the "
    "source's own; _code and country_iso3 are ours. Lists in a cell are joined by '; '. A text that a cell cannot "
    "hold ends in [cut]. Rows have a fixed height: make one higher to read on."
)
