"""Makes the figures of what became of recommendations: by group, how long open ones wait, and contradictions.

A sentence says what the numbers say and no more: of none it says so, of one it tells that one, and it compares only
groups whose percentages mean something. What is counted is said in `sql/report`; how charts are drawn does not belong
here.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipelines.report import colours
from pipelines.report.model import (
    MOST_ROWS,
    Bar,
    Bars,
    Cell,
    Cells,
    Columns,
    Figure,
    Link,
    Matrix,
    Part,
    Row,
    Table,
    ask,
    more_rows,
)
from pipelines.report.words import FEW, clean, count, day, many, percent, sentence, share, shorten, years

#: The follow-up statuses in their usual order: column, words, colour.
STATUSES = (
    ("completed", "Completed", colours.BLUE),
    ("partially_completed", "Partially completed", colours.SKY),
    ("action_not_yet_taken", "Action not yet taken", colours.ORANGE),
    ("no_action_planned", "No action planned", colours.GREY),
    ("rejected", "Rejected", colours.DARK_GREY),
    ("unknown_response", "Status unknown", colours.PALE),
)
_OPEN = ("partially_completed", "action_not_yet_taken", "unknown_response")
#: Longest text of a page in a table.
_TEXT = 280


# ---- by group


@dataclass(frozen=True, slots=True)
class Grouping:
    """A way of grouping recommendations, which is a file of sql/report and a view, and the words of its figure."""

    name: str
    view: str
    title: str
    thing: str
    records: str
    of_one: str
    most: int = 12


GROUPINGS = (
    Grouping(
        "by_theme", "implementation_by_theme", "By theme", "theme", "counted in every theme it has", "its theme is {}"
    ),
    Grouping(
        "by_region",
        "implementation_by_region",
        "By region",
        "region",
        "counted in every region of its evaluation",
        "its region is {}",
    ),
    Grouping(
        "by_year",
        "implementation_by_year",
        "By year of the response",
        "year",
        "counted once",
        "it was answered in {}",
        20,
    ),
    Grouping(
        "by_office",
        "implementation_by_admin_unit",
        "By responsible office",
        "office",
        "counted for every office or unit that is responsible",
        "{} is responsible",
    ),
)


def by_group(connection: duckdb.DuckDBPyConnection, grouping: Grouping) -> Figure:
    """The share of each follow-up status in each group, the largest groups first, years in their order."""
    rows: list[Row] = [{**row, "label": shorten(clean(row["label"]), _TEXT)} for row in ask(connection, grouping.name)]
    totals = [row for row in rows if row["is_total"]]
    if not totals:
        return Figure(grouping.name, grouping.title, "There is no recommendation in this warehouse yet.", "n = 0")
    (total,) = totals
    groups = [row for row in rows if not row["is_total"] and not row["is_part"]]
    shown, rest = groups[: grouping.most], groups[grouping.most :]
    known = _known(total)
    is_marked = known >= FEW and len(groups) > 1
    each = "" if total["recommendations"] == 1 else f", each {grouping.records}"
    return Figure(
        grouping.name,
        grouping.title,
        _group_reading(grouping, total, [row for row in groups if not row["is_not_stated"]]),
        f"n = {count(total['recommendations'], 'recommendation')}{each}",
        Bars(
            [_status_bar(row) for row in ([total, *shown] if len(groups) > 1 else shown)],
            ("Completed", "Number"),
            full=1,
            mark=total["completed"] / known if is_marked else None,
        ),
        f"Horizontal bars, one a {grouping.thing}, divided by follow-up status.",
        [(fill, words) for column, words, fill in STATUSES if total[column]],
        [*(["The tick on a bar is the share of all recommendations."] if is_marked else []), *_rest(grouping, rest)],
        _status_table(grouping, rows),
    )


def _known(row: Row) -> int:
    return int(row["recommendations"] - row["unknown_response"])


def _rest(grouping: Grouping, rest: Sequence[Row]) -> list[str]:
    """The tail that the chart leaves out."""
    if not rest:
        return []
    total = sum(row["recommendations"] for row in rest)
    if len(rest) == 1:
        return [f"One more {grouping.thing}, with {count(total, 'recommendation')}, is not drawn."]
    most = max(row["recommendations"] for row in rest)
    return [f"{len(rest)} more {grouping.thing}s, with at most {most:,} each, are not drawn."]


def _status_bar(row: Row) -> Bar:
    whole, known = row["recommendations"], _known(row)
    parts = [
        Part(
            row[column] / whole,
            fill,
            f"{row['label']}: {words.lower()}, {row[column]:,} of {whole:,}"
            + (f" ({percent(row[column], whole)})" if whole >= FEW else ""),
        )
        for column, words, fill in STATUSES
    ]
    completed = share(row["completed"], known) if known else "–"
    return Bar(row["label"], parts, (completed, f"{whole:,}"), row["is_total"])


def _status_table(grouping: Grouping, rows: Sequence[Row]) -> Table:
    cells: Cells = []
    for row in rows[:MOST_ROWS]:
        label = ("– " if row["is_part"] else "") + row["label"]
        known = _known(row)
        completed = share(row["completed"], known) if known else "–"
        cells.append([label, row["recommendations"], *(row[column] for column, _, _ in STATUSES), completed])
    columns = [grouping.thing.capitalize(), "All", *(words for _, words, _ in STATUSES), "Completed, of known"]
    return Table(columns, cells, more_rows(rows, f"mart.{grouping.view}"))


def _group_reading(grouping: Grouping, total: Row, groups: Sequence[Row]) -> str:
    known = _known(total)
    if total["recommendations"] == 1:
        (status,) = [words.lower() for column, words, _ in STATUSES if total[column]]
        of = f"; {grouping.of_one.format(shorten(groups[0]['label'], 60))}" if len(groups) == 1 else ""
        return f"There is one recommendation: {status}{of}."
    if not known:
        return f"No follow-up status is known of {total['recommendations']:,} recommendations."
    comparable = [row for row in groups if _known(row) >= FEW]
    if len(comparable) < 2:
        example = ""
        if len(groups) > 1:
            most = max(groups, key=_known)
            label = shorten(most["label"], 60)
            example = f"; in the {grouping.thing} with the most, {label}, {most['completed']:,} of {_known(most):,}"
        return (
            f"{_completed(total['completed'], known)}{example}. Only {grouping.thing}s with {FEW} or more are compared."
        )
    if grouping.name == "by_year":
        last, first = comparable[0], comparable[-1]
        return (
            f"Of the recommendations answered in {last['label']}, {_share_of(last)} are completed; of those answered "
            f"in {first['label']}, {_share_of(first)}."
        )
    order = sorted(comparable, key=lambda row: (-row["completed"] / _known(row), row["label"]))
    best, worst = order[0], order[-1]
    if best["completed"] * _known(worst) == worst["completed"] * _known(best):
        return f"The share completed is the same in every {grouping.thing} that has {FEW} or more: {_share_of(best)}."
    scope = "" if len(comparable) == len(groups) else f" Only {grouping.thing}s with {FEW} or more are compared."
    return (
        f"The share completed is highest for {shorten(best['label'], 60)} ({_share_of(best)}) and lowest for "
        f"{shorten(worst['label'], 60)} ({_share_of(worst)}); of all it is {percent(total['completed'], known)}.{scope}"
    )


def _share_of(row: Row) -> str:
    return f"{percent(row['completed'], _known(row))} of {_known(row):,}"


def _completed(completed: int, known: int) -> str:
    if known == 1:
        return f"The one recommendation with a known status is {'' if completed else 'not '}completed"
    verb = "is" if completed < 2 else "are"
    return sentence(f"{many(completed)} of {known:,} recommendations with a known status {verb} completed")


# ---- ageing


def ageing(connection: duckdb.DuckDBPyConnection, oldest: datetime.date | None) -> Figure:
    """How many open recommendations have waited for how many years. `oldest` is the earliest of their dates."""
    name, title = "ageing", "How long they have waited"
    rows = ask(connection, "ageing")
    total = sum(row["recommendations"] for row in rows)
    if not total:
        return Figure(name, title, "No recommendation is open.", "n = 0")
    dated = [row for row in rows if row["years"] is not None]
    most = 10  # in a column of their own; all older ones share one
    ages = range(min(most, max((row["years"] for row in dated), default=-1)) + 1)
    groups = [
        (
            f"{age}+" if age == most else str(age or "<1"),
            years(age),
            [row for row in dated if min(row["years"], most) == age],
        )
        for age in ages
    ]
    if len(dated) < len(rows):
        groups.append(("no date", "nobody knows how long", [row for row in rows if row["years"] is None]))
    columns, cells = [], Cells()
    for label, age, members in groups:
        sums = [sum(row[column] for row in members) for column in _OPEN]
        parts = [
            Part(amount, fill, f"{words}, open for {age}{' or more' if label.endswith('+') else ''}: {amount:,}")
            for amount, (_, words, fill) in zip(sums, _statuses(_OPEN), strict=True)
        ]
        columns.append(Bar(label, parts, [f"{sum(sums):,}"]))
        cells.append([label, sum(sums), *sums])
    return Figure(
        name,
        title,
        _ageing_reading(dated, total, oldest),
        f"n = {count(total, 'open recommendation')}",
        Columns(columns, "Whole years since the response", 2, "two years or more"),
        "Columns, one a year of age, divided by follow-up status.",
        [(fill, words) for column, words, fill in _statuses(_OPEN) if any(row[column] for row in rows)],
        table=Table(["Years since the response", "All", *(words for _, words, _ in _statuses(_OPEN))], cells),
    )


def _statuses(columns: Sequence[str]) -> list[tuple[str, str, str]]:
    return [status for status in STATUSES if status[0] in columns]


def _ageing_reading(dated: Sequence[Row], total: int, oldest: datetime.date | None) -> str:
    if not dated or oldest is None:
        return f"{'It has' if total == 1 else f'All {total:,} have'} no date of response, so nobody knows."
    if total == 1:
        waited = years(dated[0]["years"])
        return f"The one open recommendation was answered on {day(oldest)}, {waited} before the newest page was read."
    old = sum(row["recommendations"] for row in dated if row["years"] >= 2)
    seen, half = 0, sum(row["recommendations"] for row in dated) / 2
    for row in sorted(dated, key=lambda row: -row["years"]):
        seen += row["recommendations"]
        if seen >= half:
            break
    middle = f", and half of them for {years(row['years'])} or longer" if row["years"] > 2 else ""
    amount = sentence(f"{many(old) if total < FEW or not old else percent(old, total)} of {total:,}")
    have = "has" if old < 2 else "have"
    return f"{amount} {have} waited for two years or more{middle}. The oldest response is of {day(oldest)}."


# ---- contradictions


def contradictions(connection: duckdb.DuckDBPyConnection, is_demo: bool) -> list[Figure]:
    """How often which follow-up status stands beside which progress, and recommendations whose two do not fit.

    `is_demo`: their addresses are invented, and nothing leads there.
    """
    name, title = "status_pairs", "Follow-up status against progress"
    rows = ask(connection, "status_pairs")
    known = sum(row["recommendations"] for row in rows)
    if not known:
        return [Figure(name, title, "No recommendation has both statuses, so there is nothing to compare.", "n = 0")]
    against = [row for row in rows if row["is_contradiction"]]
    most = max((row["recommendations"] for row in against), default=0)
    responses = list(dict.fromkeys(row["management_response"] for row in rows))
    levels = list(dict.fromkeys(row["progress"] for row in rows))
    pairs = {(row["management_response"], row["progress"]): row for row in rows}
    words = {True: "yes", False: "no", None: "–"}
    matrix = Figure(
        name,
        title,
        _pairs_reading(against, known),
        f"n = {count(known, 'recommendation')} of which both are known",
        Matrix(
            responses,
            levels,
            [[_pair_cell(pairs[response, level], most) for level in levels] for response in responses],
            "Follow-up status",
            "Progress",
        ),
        "A table of follow-up statuses by progress; contradictions are coloured.",
        [
            *([(colours.AMOUNTS[0], "agree")] if known > sum(row["recommendations"] for row in against) else []),
            *([(colours.VERMILION, "contradict each other")] if against else []),
        ],
        table=Table(
            ["Follow-up status", "Progress", "Recommendations", "Contradiction"],
            [
                [row["management_response"], row["progress"], row["recommendations"], words[row["is_contradiction"]]]
                for row in rows
            ],
        ),
    )
    return (
        [matrix, _newest(connection, is_demo, sum(row["recommendations"] for row in against))] if against else [matrix]
    )


def _pair_cell(row: Row, most: int) -> Cell:
    words = f"{row['management_response']}, {row['progress']}: {count(row['recommendations'], 'recommendation')}"
    if not row["recommendations"]:
        return Cell("·", colours.TRACK, False, words)
    if not row["is_contradiction"]:
        return Cell(f"{row['recommendations']:,}", colours.AMOUNTS[0], False, words)
    is_many = row["recommendations"] * 2 >= most
    fill = colours.VERMILION if is_many else colours.PALE_VERMILION
    return Cell(f"{row['recommendations']:,}", fill, is_many, f"{words}, a contradiction")


def _pairs_reading(against: Sequence[Row], known: int) -> str:
    total = sum(row["recommendations"] for row in against)
    if known == 1:
        return f"The two statuses of the one recommendation {'contradict each other' if total else 'agree'}."
    if not total:
        return f"The two statuses agree in all {known:,} recommendations that have both."
    first = max(against, key=lambda row: row["recommendations"])
    pair = f"“{first['management_response']}” with “{first['progress']}”"
    often = f"most often {pair} ({first['recommendations']:,})" if len(against) > 1 else pair
    amount = f"{total:,} of {known:,}" if known < FEW else f"{percent(total, known)} of {known:,}"
    return f"The two statuses contradict each other in {amount} recommendations: {often}."


def _newest(connection: duckdb.DuckDBPyConnection, is_demo: bool, total: int) -> Figure:
    """The contradictions that were answered last, each with the way to its page."""
    rows = ask(connection, "contradictions")
    cells: Cells = [
        [
            _link(row["recommendation_id"], None if is_demo else row["url"]),
            str(row["response_date"] or "–"),
            shorten(clean(row["management_response_label"] or "–"), 60),
            shorten(clean(row["progress_label"] or "–"), 60),
            shorten(clean(row["title"] or "–"), _TEXT),
        ]
        for row in rows
    ]
    left = total - len(rows)
    which = f"These {len(rows)} of {total:,} were answered last" if left else "These are all of them"
    return Figure(
        "contradictions",
        "Worth a question",
        "Its two statuses cannot both be right."
        if total == 1
        else f"{which}; their two statuses cannot both be right.",
        f"n = {count(total, 'recommendation')}",
        table=Table(
            ["Number", "Response", "Follow-up status", "Progress", "Recommendation"],
            cells,
            f"{left:,} more are in the view mart.status_conflicts of the warehouse." if left else "",
        ),
    )


def _link(recommendation_id: int, url: str | None) -> str | Link:
    """The number, leading to the page of the recommendation if its address is one: a page may print anything."""
    is_address = url is not None and re.fullmatch(r"https?://[\w.-]+/[\w/.?=&%-]*", url, re.ASCII)
    return Link(str(recommendation_id), str(url)) if is_address else str(recommendation_id)
