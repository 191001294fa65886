"""Says what a report is made of: key figures, and figures with a sentence, a chart, a table; and asks for their rows.

Which figures there are, what their colours mean and how charts are drawn does not belong here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines import settings
from pipelines.sql_files import read_folder


class ReportError(RuntimeError):
    """A report that cannot be made; the message says what to do."""


Row = Mapping[str, Any]
#: Colours and what they stand for.
Legend = Sequence[tuple[str, str]]
#: Rows in the table below a figure; what is left out is counted.
MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: how long it is, its colour, and the words that pointing at it shows."""

    length: float
    fill: str
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its label to the left and numbers, as text, to the right."""

    label: str
    parts: Sequence[Part]
    values: Sequence[str]
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars under each other. `full` is the length across the chart; a line across all bars marks `mark`."""

    bars: Sequence[Bar]
    headings: Sequence[str]
    full: float
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns side by side with their sums on top. From column `since` on they stand under the words `since_words`."""

    columns: Sequence[Bar]
    axis: str
    since: int
    since_words: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A field of a matrix: its number and colour, whether the text on it is light, and its words."""

    text: str
    fill: str
    is_dark: bool
    words: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Fields in rows and columns, with a label each; `row_axis` and `column_axis` say what the labels are."""

    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[Cell]]
    row_axis: str
    column_axis: str


@dataclass(frozen=True, slots=True)
class WorldMap:
    """Countries by alpha-3 code with the colour and words of those that have any."""

    fills: Mapping[str, tuple[str, str]]


Chart = Bars | Columns | Matrix | WorldMap


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads to a page of the source."""

    text: str
    url: str


Cells = list[list[str | int | Link]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts and numbers; `more` says what was left out, if anything was."""

    columns: Sequence[str]
    rows: Cells
    more: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: a sentence that says what is to be seen, of how many records, and a chart and its table if there is
    anything to show. `shape` says what the chart looks like, to those who cannot see it."""

    name: str
    title: str
    reading: str
    records: str
    chart: Chart | None = None
    shape: str = ""
    legend: Legend = ()
    notes: Sequence[str] = ()
    table: Table | None = None

    @property
    def alternative(self) -> str:
        """The chart in words."""
        return f"{self.shape} {self.reading}" if self.chart else ""


@dataclass(frozen=True, slots=True)
class Section:
    """Figures under one heading."""

    name: str
    title: str
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Key:
    """A number to see first, its name, and the rest of the sentence."""

    value: str
    name: str
    reading: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows. `newest_observation` is the day on which the newest page was read; empty if none was.

    `is_demo`: the texts are invented.
    """

    title: str
    subject: str
    newest_observation: str
    keys: Sequence[Key]
    sections: Sequence[Section]
    is_demo: bool


def ask(connection: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    """The rows of a file of sql/report, by column."""
    cursor = connection.execute(read_folder(settings.SQL / "report")[name].statement)
    columns = [column[0] for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def more_rows(rows: Sequence[Row], view: str) -> str:
    """What the table below a figure leaves out, and where it is."""
    left = len(rows) - MOST_ROWS
    return f"{left:,} more rows are in the view {view} of the warehouse." if left > 0 else ""
