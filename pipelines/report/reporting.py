"""Writes the report: figures of the published warehouse, drawn and laid out as one file to mail around.

The file is written beside its place and moved there. What is in it does not belong here.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.questions import open_warehouse
from pipelines.report.browser import find_browser, print_page
from pipelines.report.charts import draw
from pipelines.report.figures import key_figures, read_report
from pipelines.report.model import ReportError
from pipelines.report.page import page
from pipelines.settings import Settings
from pipelines.stages import stage

FORMATS = ("html", "pdf", "png")


@dataclass(frozen=True, slots=True)
class Written:
    """The file that was written, its size, and the key figures that it begins with."""

    path: Path
    bytes: int
    key_figures: dict[str, int | float | None]


def write_report(knobs: Settings, target: Path | None = None, form: str = "html") -> Written:
    """Write the report of the published warehouse to `target`, by default `report.<form>` in the warehouse's folder.

    `form` is one of FORMATS. The same warehouse gives the same HTML. Raises ReportError where it cannot be made or
    written, and questions.QuestionError where there is no warehouse.
    """
    target = target or knobs.warehouse / f"report.{form}"
    if form != "html":
        find_browser()  # before any work
    with stage("asking the warehouse"), open_warehouse(knobs) as connection:
        try:
            report = read_report(connection, knobs.is_demo)
            numbers = key_figures(connection)
        except duckdb.Error as error:  # a warehouse of another version
            reason = str(error).partition("\n")[0]
            raise ReportError(f"{knobs.database} has no answer ({reason}); `ieval run` makes it anew") from None
    figures = [figure for section in report.sections for figure in section.figures]
    pictures = {}
    with stage("drawing charts", len(figures)) as advance:
        for figure in figures:
            if figure.chart:
                pictures[figure.name] = draw(figure.chart, figure.alternative)
            advance(1)
    html = page(report, pictures)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            stage("writing" if form == "html" else "printing"),
            tempfile.TemporaryDirectory(prefix="report-", dir=target.parent, ignore_cleanup_errors=True) as folder,
        ):
            made = Path(folder) / "report.html"
            if form == "html":
                made.write_text(html, encoding="utf-8", newline="\n")
            else:
                made = print_page(html, form, Path(folder))
            made.replace(target)
    except OSError as error:
        raise ReportError(f"{target} cannot be written: {error.strerror or error}") from None
    return Written(target, target.stat().st_size, numbers)
