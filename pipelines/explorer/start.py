"""Counts what the start page of the explorer tells a newcomer: how much there is, and how it stands.

Each figure is a few rows with a label, a count and where a click leads. How it looks does not belong here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from pipelines.explorer.tables import DATABASE, HAS

OVERVIEW = f"/{DATABASE}/recommendation_overview"
Arguments = Callable[[Any], dict[str, Any]]
#: Rows of a figure whose groups are many.
_MOST = 8


@dataclass(frozen=True, slots=True)
class Count:
    """A number with its words, and where its rows are."""

    number: int
    words: str
    link: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A group of a figure: `done` of its `count` are completed (None: not what is counted here).

    `shade` says which colour a follow-up status has: its place in the vocabulary, `unknown` or `none`.
    """

    label: str
    count: int
    done: int | None
    link: str
    shade: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Bars under a title, with one line that says how to read them."""

    title: str
    words: str
    bars: list[Bar]
    more: str = ""
    #: The longest bar.
    most: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "most", max((bar.count for bar in self.bars), default=0))


@dataclass(frozen=True, slots=True)
class Start:
    """What the start page shows."""

    observed: str
    quality: str
    counts: list[Count]
    statuses: list[Bar]
    recommendations: int
    figures: list[Figure]
    countries: list[str]


def read_start(connection: sqlite3.Connection) -> Start:
    """Count it all; the tables that are counted are small or have an index."""
    about = dict(connection.execute("SELECT name, value FROM about").fetchall())
    total = _number(connection, "SELECT count(*) FROM recommendations")
    return Start(
        observed=about["newest observation"],
        quality=about["data quality"],
        counts=_counts(connection, total),
        statuses=_statuses(connection),
        recommendations=total,
        figures=_figures(connection),
        countries=[
            name for (name,) in _rows(connection, "SELECT country_name FROM country_profile ORDER BY country_name")
        ],
    )


def _counts(connection: sqlite3.Connection, recommendations: int) -> list[Count]:
    open_ones = _number(connection, "SELECT count(*) FROM open_recommendations")
    items = _number(connection, "SELECT count(*) FROM action_items WHERE scope = 'country'")
    return [
        Count(recommendations, _plural(recommendations, "recommendation"), OVERVIEW),
        Count(open_ones, "of them open", f"/{DATABASE}/open_recommendations"),
        Count(items, f"{_plural(items, 'action item')} for named countries", f"/{DATABASE}/country_action_items"),
        *(
            Count(number, _plural(number, words), f"/{DATABASE}/{table}")
            for table, words in (
                ("lessons", "lesson"),
                ("good_practices", "good practice"),
                ("evaluations", "evaluation"),
            )
            for number in [_number(connection, f"SELECT count(*) FROM {table}")]
        ),
    ]


def _plural(number: int, words: str) -> str:
    return words if number == 1 else f"{words}s"


def _statuses(connection: sqlite3.Connection) -> list[Bar]:
    """Every follow-up status that occurs, from done to rejected, then those that no vocabulary has, then none."""
    rows = _rows(
        connection,
        "SELECT overview.management_response_label, count(*), max(responses.sort_order) "
        "FROM recommendation_overview AS overview LEFT JOIN management_responses AS responses "
        "USING (management_response_code) GROUP BY 1 "
        "ORDER BY max(responses.sort_order) NULLS LAST, overview.management_response_label IS NULL, 1",
    )
    return [
        Bar(
            label or "Not stated",
            count,
            None,
            f"{OVERVIEW}?"
            + urlencode({"management_response_label": label} if label else {"management_response_label__isnull": 1}),
            str(place or ("unknown" if label else "none")),
        )
        for label, count, place in rows
    ]


def _figures(connection: sqlite3.Connection) -> list[Figure]:
    read = "Recommendations; the dark part is completed."
    return [
        Figure(
            "By year of the response",
            read,
            _implementation(
                connection,
                "SELECT label, recommendations, completed, year FROM implementation_by_year "
                "WHERE NOT is_total AND year IS NOT NULL ORDER BY year DESC LIMIT 12",
                lambda year: {"response_date__startswith": year},
            ),
            f"/{DATABASE}/ask-completed_by_year",
        ),
        Figure(
            "By region",
            read,
            _implementation(
                connection,
                "SELECT label, recommendations, completed, label FROM implementation_by_region "
                f"WHERE NOT is_total AND label <> 'Not stated' ORDER BY recommendations DESC, label LIMIT {_MOST}",
                lambda region: {HAS: f"regions:{region}"},
            ),
            f"/{DATABASE}/ask-completed_by_region",
        ),
        Figure(
            "By theme",
            read,
            _implementation(
                connection,
                "SELECT topic_label, recommendations, completed, label FROM implementation_by_theme "
                f"WHERE topic_label IS NOT NULL ORDER BY recommendations DESC, label LIMIT {_MOST}",
                lambda theme: {HAS: f"themes:{theme}"},
            ),
            f"/{DATABASE}/ask-completed_by_theme",
        ),
        Figure(
            "By responsible office",
            read,
            _implementation(
                connection,
                "SELECT label, recommendations, completed, label FROM implementation_by_admin_unit "
                f"WHERE NOT is_total AND label <> 'Not stated' ORDER BY recommendations DESC, label LIMIT {_MOST}",
                lambda office: {HAS: f"admin_units:{office}"},
            ),
            f"/{DATABASE}/ask-completed_by_office",
        ),
        Figure(
            "What is promised by name",
            "Action items about each country, also of evaluations that are filed elsewhere.",
            [
                Bar(name, count, None, f"/{DATABASE}/countries/{iso3}")
                for name, count, iso3 in _rows(
                    connection,
                    "SELECT country_name, action_items_naming_it, country_iso3 FROM country_profile "
                    "WHERE action_items_naming_it > 0 "
                    f"ORDER BY action_items_naming_it DESC, country_name LIMIT {_MOST}",
                )
            ],
            f"/{DATABASE}/country_profile",
        ),
    ]


def _implementation(connection: sqlite3.Connection, sql: str, arguments: Arguments) -> list[Bar]:
    return [
        Bar(str(label), count, done, f"{OVERVIEW}?{urlencode(arguments(value))}")
        for label, count, done, value in _rows(connection, sql)
    ]


def _rows(connection: sqlite3.Connection, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(sql).fetchall()]


def _number(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])
