"""Puts answers on paper: a table for people, CSV, JSON or Excel for everything else.

Text that came from a page is data: no control character of it reaches a terminal, and in Excel it is never a formula.
What is printed does not belong here.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.settings import columns_when_piped

if TYPE_CHECKING:  # so that nobody who prints has to import DuckDB
    from pipelines.questions import Answer

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: Longest text that an Excel cell holds.
_EXCEL_LIMIT = 32_767
#: A column of running text narrower than this is no pleasure to read.
_READABLE = 15
#: Characters between two columns.
_BETWEEN = 3


def printable(text: str) -> str:
    """The text without characters that move a cursor or turn the writing direction."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def on_one_line(text: str) -> str:
    """The same without whatever ends a line, U+2028 included: so that no text begins a line of its own."""
    return printable("\N{REPLACEMENT CHARACTER}".join(text.splitlines()))


def console(file: TextIO) -> Console:
    """A console on a stream: on a terminal in colours and of its width, in a pipe plain and of COLUMNS, else 100."""
    if file.isatty():
        return Console(file=file, highlight=False)
    return Console(file=file, highlight=False, width=columns_when_piped(), no_color=True)


def print_table(answer: Answer, file: TextIO) -> None:
    """A table for people: numbers to the right; where the columns would be too narrow to read, a block a row."""
    with paper(file) as target:
        _print_table(answer, target)


def _print_table(answer: Answer, target: Console) -> None:
    rows = [[_words(value) for value in row] for row in answer.rows]
    names = [printable(name).replace("_", " ") for name in answer.columns]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    needs = [
        max(max(map(len, name.split()), default=1), min(_READABLE, max(map(len, column), default=1)))
        for name, column in zip(names, columns, strict=True)
    ]
    spare = target.width - sum(needs) - _BETWEEN * (len(needs) - 1)
    if spare < 0:
        for position, block in enumerate(_blocks(answer, rows)):
            if position:
                target.print()
            target.print(block)
        return
    widths = []
    for name, need, column in zip(
        names, needs, columns, strict=True
    ):  # what is to spare goes to those that wrap, from the left
        more = max(0, min(spare, max(map(len, [name, *column])) - need))
        widths.append(need + more)
        spare -= more
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for position, name in enumerate(names):
        values = [row[position] for row in answer.rows]
        is_number = all(isinstance(value, int | float | None) and not isinstance(value, bool) for value in values)
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(Text(name), justify=justify, overflow="fold", width=widths[position])
    for row in rows:
        table.add_row(*map(Text, row))
    target.print(table)


@contextlib.contextmanager
def paper(file: TextIO) -> Iterator[Console]:
    """A console whose lines have no blanks at their ends in a pipe, where they are noise."""
    target = console(file)
    with target.capture() as capture:
        yield target
    text = capture.get()
    file.write(text if target.is_terminal else re.sub(r" +$", "", text, flags=re.MULTILINE))


def _blocks(answer: Answer, rows: list[list[str]]) -> Iterator[Table]:
    """Each row as lines `column  value`, long values wrapped beside their name."""
    for row in rows:
        block = Table.grid(padding=(0, 2))
        block.add_column(style="bold", no_wrap=True)
        block.add_column(overflow="fold")
        for name, value in zip(answer.columns, row, strict=True):
            if value:
                block.add_row(Text(printable(name)), Text(value))
        yield block


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, datetime.datetime):
        return _utc(value).strftime("%Y-%m-%d %H:%M")
    return printable(str(value))


def _utc(value: datetime.datetime) -> datetime.datetime:
    """A time with its zone in UTC; one without stays as it is, for nobody knows its zone."""
    return value if value.tzinfo is None else value.astimezone(datetime.UTC)


def print_csv(answer: Answer, file: TextIO) -> None:
    """CSV with a header, NULL as nothing, timestamps as ISO 8601 in UTC."""
    out = io.StringIO()
    plain = csv.writer(out, lineterminator="\n")
    # A carriage return that ends no line is not quoted of itself, and then nobody can read the file again.
    quoted = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in [answer.columns, *answer.rows]:
        values = ["" if value is None else _plain(value) for value in row]
        has_return = any(isinstance(value, str) and "\r" in value for value in values)
        (quoted if has_return else plain).writerow(values)
    _write(out.getvalue(), file)


def print_json(answer: Answer, file: TextIO) -> None:
    """A JSON array of objects; a column whose name stands already is numbered."""
    names: list[str] = []
    for name in answer.columns:
        names.append(name if name not in names else f"{name}_{answer.columns[: len(names) + 1].count(name)}")
    rows = [dict(zip(names, map(_json, row), strict=True)) for row in answer.rows]
    _write(json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False) + "\n", file)


def _write(text: str, file: TextIO) -> None:
    """Exact into a file or pipe; on a terminal without the characters that it would obey."""
    file.write(printable(text) if file.isatty() else text)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return _utc(value).isoformat()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return json.dumps(_json(value), ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def _json(value: Any) -> Any:
    """A value as JSON has it: lists and structs as they are, no NaN and no infinity."""
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _plain(value)


def write_excel(answer: Answer, path: Path) -> None:
    """One sheet with a frozen, filterable header. Texts over Excel's limit end in `…`; times are UTC."""
    import pandas as pd

    rows = [[_cell(value) for value in row] for row in answer.rows]
    frame = pd.DataFrame(rows, columns=answer.columns)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    with pd.ExcelWriter(path, engine="xlsxwriter", engine_kwargs={"options": options}) as writer:
        frame.to_excel(writer, sheet_name="answer", index=False, freeze_panes=(1, 0))
        sheet = writer.sheets["answer"]
        sheet.autofilter(0, 0, max(1, len(rows)), max(0, len(answer.columns) - 1))
        sheet.autofit(400)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return _utc(value).replace(tzinfo=None)  # Excel knows no time zones
    if isinstance(value, str) and len(value) > _EXCEL_LIMIT:
        return value[: _EXCEL_LIMIT - 1] + "…"
    return value
