"""Makes the figures of data quality: how much of the pages was understood, and which problems were met while reading.

What is counted is said in `sql/marts/data_quality.sql`; how charts are drawn does not belong here.
"""

from __future__ import annotations

import duckdb

from pipelines.report import colours
from pipelines.report.model import Bar, Bars, Figure, Part, Row, Table, ask
from pipelines.report.words import count, fine_percent

_SEVERITIES = {"error": colours.VERMILION, "warning": colours.ORANGE, "note": colours.GREY}
#: Kinds of problem in the chart.
_MOST = 12


def completeness(connection: duckdb.DuckDBPyConnection, pages: int) -> Figure:
    """How much of what was looked for is there and known. `pages` is the number of pages of records."""
    name, title = "completeness", "How much of the pages was understood"
    rows = [row for row in ask(connection, "completeness") if row["share"] is not None]
    if not rows:
        return Figure(name, title, "There is no page of a record in this warehouse yet.", "n = 0")
    bars = []
    for row in rows:
        there, missing = row["share"], 1 - row["share"]
        words = f"{row['metric']}: {fine_percent(there)}. {row['meaning']}"
        parts = [Part(there, colours.AMOUNTS[1], words), Part(missing, colours.VERMILION, f"Missing from {words}")]
        bars.append(Bar(row["metric"].capitalize(), parts, (fine_percent(there), f"{row['occurrences']:,}")))
    lines = [row for row in rows if row["metric"] == "lines accounted for"]
    others = [row for row in rows if row["metric"] != "lines accounted for"]
    readings = []
    for row in lines:
        is_all = row["share"] == 1
        every = (
            f"Every one of {count(row['occurrences'], 'line')} is"
            if is_all
            else f"{fine_percent(row['share'])} of all lines are"
        )
        readings.append(f"{every} accounted for.")
    if others:
        least = min(others, key=lambda row: row["share"])
        amount = f"Least complete: {least['metric']}, {fine_percent(least['share'])}."
        readings.append("Nothing that was looked for is missing or unknown." if least["share"] == 1 else amount)
    return Figure(
        name,
        title,
        " ".join(readings),
        f"n = {count(pages, 'page of a record/pages of records')}",
        Bars(bars, ("Share", "Count"), 1),
        "Horizontal bars, one a measure, from nothing to everything.",
        [
            (colours.AMOUNTS[1], "there and understood"),
            *([(colours.VERMILION, "missing or unknown")] if any(row["share"] < 1 for row in rows) else []),
        ],
        table=Table(
            ["Measure", "Share", "Count", "What is counted"],
            [[row["metric"], fine_percent(row["share"]), row["occurrences"], row["meaning"]] for row in rows],
        ),
    )


def problems(connection: duckdb.DuckDBPyConnection, totals: Row) -> Figure:
    """Problems by kind. `totals` is the row of sql/report/totals.sql."""
    name, title = "problems", "Problems met while reading"
    rows = [{**row, "problem": row["problem_code"].replace("_", " ")} for row in ask(connection, "problems")]
    records = f"n = {count(totals['pages'], 'page')} read"
    if not rows:
        reading = "No problem was met." if totals["pages"] else "No page has been read yet."
        return Figure(name, title, reading, records)
    shown, rest = rows[:_MOST], rows[_MOST:]
    bars = [
        Bar(
            row["problem"].capitalize(),
            [
                Part(
                    row["occurrences"],
                    _SEVERITIES[row["severity"]],
                    f"{row['problem']} ({row['severity']}), {count(row['occurrences'], 'time')}. {row['meaning']}",
                )
            ],
            (f"{row['occurrences']:,}", f"{row['pages']:,}"),
        )
        for row in shown
    ]
    errors = totals["errors"]
    some = f"{errors:,} of them {'an error' if errors == 1 else 'errors'}" if errors else "none of them an error"
    problem = "problem" if totals["problems"] == 1 else f"problems, {some},"
    often = f"; the most frequent: {rows[0]['problem']}" if len(rows) > 1 else f": {rows[0]['problem']}"
    on = f"on {totals['pages_with_problems']:,} of {count(totals['pages'], 'page')}"
    notes = []
    if rest:
        kinds = "One more kind, met" if len(rest) == 1 else f"{len(rest)} more kinds, each met at most"
        verb = "is" if len(rest) == 1 else "are"
        notes.append(f"{kinds} {count(rest[0]['occurrences'], 'time')}, {verb} not drawn.")
    return Figure(
        name,
        title,
        f"{totals['problems']:,} {problem} {on}{often}.",
        records,
        Bars(bars, ("Times", "Pages"), rows[0]["occurrences"]),
        "Horizontal bars, one a kind of problem, coloured by how bad it is.",
        [
            (fill, severity)
            for severity, fill in _SEVERITIES.items()
            if any(row["severity"] == severity for row in shown)
        ],
        notes,
        Table(
            ["Problem", "How bad", "Times", "Pages", "What it means"],
            [[row["problem"], row["severity"], row["occurrences"], row["pages"], row["meaning"]] for row in rows],
        ),
    )
