"""Puts answers on paper: a table for people, CSV, JSON or Excel for everything else.

Text that came from a page is data: no control character of it reaches a terminal, and in Excel it is never a formula.
What is printed does not belong here.
"""

from __future__ import annotations

import csv
import datetime
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.questions import Answer

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: Longest text that an Excel cell holds.
_EXCEL_LIMIT = 32_767
_WIDTH_WHEN_PIPED = 100
#: A column of running text narrower than this is no pleasure to read.
_READABLE = 15
#: Characters between two columns.
_BETWEEN = 3


def printable(text: str) -> str:
    """The text without characters that move a cursor or turn the writing direction."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def console(file: TextIO) -> Console:
    """A console on a stream: colours and its own width on a terminal, plain and 100 columns wide in a pipe."""
    if file.isatty():
        return Console(file=file, highlight=False)
    width = int(os.environ.get("COLUMNS") or _WIDTH_WHEN_PIPED)
    return Console(file=file, highlight=False, width=width, no_color=True)


def print_table(answer: Answer, file: TextIO) -> None:
    """A table for people: numbers to the right; where the columns would be too narrow to read, a block a row."""
    target = console(file)
    rows = [[_words(value) for value in row] for row in answer.rows]
    names = [name.replace("_", " ") for name in answer.columns]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    needs = [
        max(max(map(len, name.split()), default=1), min(_READABLE, max(map(len, column), default=1)))
        for name, column in zip(names, columns, strict=True)
    ]
    spare = target.width - sum(needs) - _BETWEEN * (len(needs) - 1)
    if spare < 0:
        _print(_blocks(answer, rows), target)
        return
    widths = []
    for need, column in zip(needs, columns, strict=True):  # what is to spare goes to those that wrap, from the left
        more = max(0, min(spare, max(map(len, column), default=1) - need))
        widths.append(need + more)
        spare -= more
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for position, name in enumerate(names):
        is_number = all(isinstance(row[position], int | float | None) for row in answer.rows)
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(Text(name), justify=justify, overflow="fold", width=widths[position])
    for row in rows:
        table.add_row(*map(Text, row))
    _print([table], target)


def _print(tables: Iterable[Table], target: Console) -> None:
    with target.capture() as capture:
        for position, table in enumerate(tables):
            if position:
                target.print()
            target.print(table)
    text = capture.get()
    # In a pipe, blanks at the ends of lines are noise.
    target.file.write(text if target.is_terminal else re.sub(r" +$", "", text, flags=re.MULTILINE))


def _blocks(answer: Answer, rows: list[list[str]]) -> Iterator[Table]:
    """Each row as lines `column  value`, long values wrapped beside their name."""
    for row in rows:
        block = Table.grid(padding=(0, 2))
        block.add_column(style="bold", no_wrap=True)
        block.add_column(overflow="fold")
        for name, value in zip(answer.columns, row, strict=True):
            if value:
                block.add_row(Text(name), Text(value))
        yield block


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M")
    return printable(str(value))


def print_csv(answer: Answer, file: TextIO) -> None:
    """CSV with a header, NULL as nothing, timestamps as ISO 8601 in UTC."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows([["" if value is None else _plain(value) for value in row] for row in answer.rows])


def print_json(answer: Answer, file: TextIO) -> None:
    """A JSON array of objects."""
    rows = [dict(zip(answer.columns, map(_plain, row), strict=True)) for row in answer.rows]
    file.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


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
        return value.astimezone(datetime.UTC).replace(tzinfo=None)  # Excel knows no time zones
    if isinstance(value, str) and len(value) > _EXCEL_LIMIT:
        return value[: _EXCEL_LIMIT - 1] + "…"
    return value
