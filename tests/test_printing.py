"""Answers as tables, CSV, JSON and Excel: what they hold comes from pages and must do no harm."""

from __future__ import annotations

import csv
import datetime
import decimal
import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from pipelines.printing import print_csv, print_json, print_table, printable, write_excel
from pipelines.questions import Answer

MOMENT = datetime.datetime(2023, 1, 16, 23, 30, tzinfo=datetime.UTC)
NASTY = "\x1b]0;pwned\x07\x1b[2J\x9b31m\x7f\r\u202eevil\u2066"
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "http://example.org", "{=1}", "'x"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/Lima"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def table(answer: Answer, file: io.StringIO | None = None) -> str:
    file = file or io.StringIO()
    print_table(answer, file)
    return file.getvalue()


# ---- text for people


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Côte d’Ivoire – 👩‍🏫\ttab\nline", "Côte d’Ivoire – 👩‍🏫\ttab\nline"),
        ("a\x1b[31mb", "a\ufffd[31mb"),
        ("\x9b2J\x00\x7f", "\ufffd2J\ufffd\ufffd"),
        ("\u202eevil\u2066", "\ufffdevil\ufffd"),
        ("one\rtwo", "one\ufffdtwo"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_small_table() -> None:
    answer = Answer(
        ["country_name", "rows", "share", "is_closed", "day", "seen_at", "nothing"],
        [("Côte d’Ivoire", 2, 0.256, True, MOMENT.date(), MOMENT, None), ("Peru", 1200, 1.0, False, None, None, None)],
    )
    text = table(answer)
    # A header may take two lines.
    *header, rule, first, second = text.rstrip("\n").split("\n")
    assert sorted(" ".join(header).split()) == sorted(" ".join(answer.columns).replace("_", " ").split())
    assert set(rule) == {"─"}
    assert first.split() == ["Côte", "d’Ivoire", "2", "0.26", "yes", "2023-01-16", "2023-01-16", "23:30"]
    assert second.split() == ["Peru", "1200", "1.00", "no"]
    assert not re.search(" $", text, re.MULTILINE)
    # Numbers end below each other.
    assert first.index(" 2 ") == second.index("1200") + 2


def test_wide_rows_become_blocks() -> None:
    words = "Word " * 60
    text = table(Answer([f"column_{n}" for n in range(12)], [(words, *range(1, 12)), (None, *range(1, 12))]))
    first, second = text.split("\n\n")
    assert first.startswith("column_0   Word Word")
    assert max(map(len, text.split("\n"))) <= 100
    assert re.sub(r"\s+", " ", first).count("Word") == 60
    assert "column_0" not in second
    assert "column_11  11" in second


def test_no_rows() -> None:
    assert table(Answer(["a", "b"], [])).split()[:2] == ["a", "b"]


def test_markup_is_text() -> None:
    assert "[bold]x[/bold] [link=http://x]y" in table(Answer(["a"], [("[bold]x[/bold] [link=http://x]y",)]))


@pytest.mark.parametrize("width", [1, 30], ids=["table", "blocks"])
@pytest.mark.parametrize("file", [io.StringIO, Terminal])
def test_table_lets_nothing_through_that_a_terminal_obeys(width: int, file: type[io.StringIO]) -> None:
    text = table(Answer(["a"] * width, [(NASTY,) * width]), file())
    # Rich's own colours are of this form.
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", plain)
    assert "]0;pwned" in text


def test_names_of_columns_neither() -> None:
    text = table(Answer(["a\x1b[2J"], [("x",)]), Terminal())
    assert "\x1b[2J" not in text


@pytest.mark.parametrize("print_", [print_csv, print_json])
def test_on_a_terminal_data_do_no_harm_either(print_: Any) -> None:
    terminal = Terminal()
    print_(Answer(["a"], [(NASTY,)]), terminal)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", terminal.getvalue())


# ---- CSV and JSON


VALUES: list[Any] = ["", "a,b", 'say "x"', "two\nlines\r\n", NASTY, *FORMULAS, None, 0, -7, 2**62, 0.1, True, False]


def test_csv_gives_everything_back() -> None:
    file = io.StringIO()
    print_csv(Answer(["n", "value"], list(enumerate(VALUES))), file)
    header, *rows = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert header == ["n", "value"]
    assert [value for _, value in rows] == ["" if value is None else str(value) for value in VALUES]


def test_json_gives_everything_back() -> None:
    file = io.StringIO()
    print_json(Answer(["n", "value"], list(enumerate(VALUES))), file)
    assert json.loads(file.getvalue()) == [{"n": n, "value": value} for n, value in enumerate(VALUES)]


def _not_json(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_json_has_no_infinity(number: float) -> None:
    file = io.StringIO()
    print_json(Answer(["a"], [(number,)]), file)
    json.loads(file.getvalue(), parse_constant=_not_json)


def test_json_loses_no_column() -> None:
    file = io.StringIO()
    print_json(Answer(["a", "a"], [(1, 2)]), file)
    (row,) = json.loads(file.getvalue())
    assert sorted(row.values()) == [1, 2]


def test_json_keeps_lists() -> None:
    file = io.StringIO()
    print_json(Answer(["a", "b"], [([1, "x"], {"k": None})]), file)
    assert json.loads(file.getvalue()) == [{"a": [1, "x"], "b": {"k": None}}]


@pytest.mark.parametrize("print_", [print_csv, print_json])
def test_times_are_utc_everywhere(time_zone: str, print_: Any) -> None:
    file = io.StringIO()
    print_(Answer(["a", "b"], [(MOMENT, MOMENT.date())]), file)
    assert "2023-01-16T23:30:00+00:00" in file.getvalue()
    assert re.search(r"2023-01-16(?!T)", file.getvalue())


@pytest.mark.parametrize("print_", [print_csv, print_json, print_table])
def test_times_without_zone_are_left_alone(time_zone: str, print_: Any) -> None:
    file = io.StringIO()
    print_(Answer(["a"], [(MOMENT.replace(tzinfo=None),)]), file)
    assert re.search("2023-01-16[T ]23:30", file.getvalue())


def test_csv_of_other_types() -> None:
    file = io.StringIO()
    print_csv(Answer(["a", "b"], [(decimal.Decimal("1.50"), datetime.timedelta(1))]), file)
    assert file.getvalue() == 'a,b\n1.50,"1 day, 0:00:00"\n'


# ---- Excel

_NS = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def read_excel(path: Path) -> tuple[list[list[Any]], ElementTree.Element]:
    """The cells of the first sheet: texts, numbers, and formulas as ("formula", …); and the sheet."""
    with zipfile.ZipFile(path) as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
        shared = []
        if "xl/sharedStrings.xml" in archive.namelist():
            for item in ElementTree.fromstring(archive.read("xl/sharedStrings.xml")).iterfind("x:si", _NS):
                shared.append("".join(text.text or "" for text in item.iterfind(".//x:t", _NS)))
    rows = []
    for row in sheet.iterfind(".//x:row", _NS):
        cells: list[Any] = []
        for cell in row.iterfind("x:c", _NS):
            value = cell.findtext("x:v", None, _NS)
            if cell.find("x:f", _NS) is not None:
                cells.append(("formula", cell.findtext("x:f", None, _NS)))
            elif cell.get("t") == "s":
                cells.append(shared[int(value or 0)])
            elif cell.get("t") == "b":
                cells.append(value == "1")
            else:
                cells.append(None if value is None else float(value))
        rows.append(cells)
    return rows, sheet


def test_excel(tmp_path: Path) -> None:
    path = tmp_path / "answer.xlsx"
    answer = Answer(["label", "n", "share", "is_new"], [("é", 2, 0.5, True), ("two\nlines", -1, 1.0, False)])
    write_excel(answer, path)
    rows, sheet = read_excel(path)
    assert rows == [["label", "n", "share", "is_new"], ["é", 2, 0.5, True], ["two\nlines", -1, 1, False]]
    pane = sheet.find(".//x:pane", _NS)
    assert pane is not None
    assert (pane.get("ySplit"), pane.get("state")) == ("1", "frozen")
    assert sheet.find("x:autoFilter", _NS).get("ref") == "A1:D3"  # type: ignore[union-attr]
    assert len(sheet.findall(".//x:col", _NS)) > 0


@pytest.mark.parametrize("text", FORMULAS)
def test_excel_never_makes_a_formula_of_a_text(tmp_path: Path, text: str) -> None:
    write_excel(Answer([text], [(text,)]), tmp_path / "answer.xlsx")
    rows, sheet = read_excel(tmp_path / "answer.xlsx")
    assert rows == [[text], [text]]
    assert sheet.find(".//x:hyperlink", _NS) is None


def test_excel_takes_control_characters(tmp_path: Path) -> None:
    write_excel(Answer(["a"], [(f"before {NASTY} after \x00\ufffe",)]), tmp_path / "answer.xlsx")
    ((_,), (text,)), _ = read_excel(tmp_path / "answer.xlsx")
    assert text.startswith("before ")
    assert "pwned" in text
    assert "after" in text


@pytest.mark.parametrize("length", [32_767, 32_768, 40_000])
def test_excel_shortens_what_no_cell_holds(tmp_path: Path, length: int) -> None:
    write_excel(Answer(["a"], [("x" * length,)]), tmp_path / "answer.xlsx")
    ((_,), (text,)), _ = read_excel(tmp_path / "answer.xlsx")
    assert len(text) == 32_767
    assert text.endswith("…") == (length > 32_767)


def test_excel_of_nothing(tmp_path: Path) -> None:
    write_excel(Answer(["a", "b"], []), tmp_path / "answer.xlsx")
    assert read_excel(tmp_path / "answer.xlsx")[0] == [["a", "b"]]


def test_excel_times_are_utc(tmp_path: Path, time_zone: str) -> None:
    write_excel(Answer(["a", "b"], [(MOMENT, MOMENT.date())]), tmp_path / "answer.xlsx")
    (_, (moment, day)), _ = read_excel(tmp_path / "answer.xlsx")
    expected = (datetime.datetime(2023, 1, 16, 23, 30) - datetime.datetime(1899, 12, 30)) / datetime.timedelta(1)
    assert moment == pytest.approx(expected, rel=1e-9)
    assert day == int(expected)


def test_excel_leaves_times_without_zone_alone(tmp_path: Path, time_zone: str) -> None:
    write_excel(Answer(["a"], [(MOMENT.replace(tzinfo=None),)]), tmp_path / "answer.xlsx")
    (_, (plain,)), _ = read_excel(tmp_path / "answer.xlsx")
    expected = (datetime.datetime(2023, 1, 16, 23, 30) - datetime.datetime(1899, 12, 30)) / datetime.timedelta(1)
    assert plain == pytest.approx(expected, rel=1e-9)


def test_excel_of_other_values(tmp_path: Path) -> None:
    row = (float("inf"), None, decimal.Decimal("1.5"), [1, 2], 2**62)
    write_excel(Answer(list("abcde"), [row, (None,) * 5]), tmp_path / "answer.xlsx")
    rows, _ = read_excel(tmp_path / "answer.xlsx")
    assert len(rows) >= 2
