"""Gathers from an export what belongs to one record, evaluation or country, so that it can be read in one view.

Texts come in pieces: where a country is named, the piece says which and what it is there for. Offsets are code points,
as Python counts them. How it looks does not belong here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.tables import RECORD_TABLES, TABLES

Rows = list[sqlite3.Row]

#: The texts of a record by its table: heading, column.
TEXTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "recommendations": (("Recommendation", "title"), ("Comments of management", "comments")),
    "lessons": (
        ("Lesson", "description"),
        ("Context", "context"),
        ("Challenges", "challenges"),
        ("Success", "success"),
        ("ILO administrative issues", "administrative_issues"),
        ("Whom it is for", "target_users"),
    ),
    "good_practices": (
        ("Good practice", "description"),
        ("Context", "context"),
        ("Cause and effect", "cause_effect"),
        ("Where it could be replicated", "replication"),
        ("Measurable impact", "indicators"),
        ("Links to higher ILO goals", "links"),
    ),
}
KINDS = {table: kind for kind, table in RECORD_TABLES.items()}
KEYS = {table: TABLES[table].primary_key[0] for table in KINDS}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words in a row; `countries` and `role` where they name one (two, where one name means two)."""

    text: str
    countries: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A text of a record under its heading."""

    heading: str
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Item:
    """An action item: `heading` only where it is another one than that of the item before."""

    number: int
    marker: str | None
    heading: str | None
    pieces: list[Piece]
    countries: Rows


@dataclass(frozen=True, slots=True)
class Record:
    """A recommendation, lesson or good practice with all that belongs to it."""

    kind: str
    number: int
    row: sqlite3.Row
    sections: list[Section]
    items: list[Item]
    #: An action plan without items.
    plan: list[Piece]
    evaluation: sqlite3.Row | None
    locations: Rows
    themes: Rows
    units: Rows
    projects: Rows
    history: Rows
    page: sqlite3.Row
    problems: Rows


def pieces(text: str, mentions: Iterable[Mapping[str, Any] | sqlite3.Row], start: int, end: int) -> list[Piece]:
    """The characters from `start` to `end` of a text, cut where the mentions (sorted by start) begin and end."""
    spans: dict[tuple[int, int], list[Any]] = {}
    for mention in mentions:
        if start <= mention["char_start"] and mention["char_end"] <= end:
            spans.setdefault((mention["char_start"], mention["char_end"]), []).append(mention)
    found, position = [], start
    for (first, after), same in spans.items():
        if first < position:  # inside the one before
            continue
        if position < first:
            found.append(Piece(text[position:first]))
        names = ", ".join(dict.fromkeys(mention["name"] for mention in same))
        found.append(Piece(text[first:after], names, same[0]["role"]))
        position = after
    if position < end:
        found.append(Piece(text[position:end]))
    return found


def read_record(connection: sqlite3.Connection, table: str, number: int) -> Record | None:
    """Everything about the record of a table; None if there is none of this number."""
    kind = KINDS[table]
    row = _one(connection, f"SELECT * FROM {table} WHERE {KEYS[table]} = ?", number)
    if row is None:
        return None
    mentions = _all(
        connection,
        "SELECT field, char_start, char_end, role, name FROM country_mentions JOIN countries USING (country_iso3) "
        "WHERE record_kind = ? AND record_id = ? ORDER BY field, char_start, char_end DESC, name",
        kind,
        number,
    )
    of_plan = [mention for mention in mentions if mention["field"] == "action_plan"]
    is_recommendation = table == "recommendations"
    items = _items(connection, row, of_plan) if is_recommendation else []
    plan = row["action_plan"] if is_recommendation and not items else None
    return Record(
        kind=kind.replace("_", " "),
        number=number,
        row=_one(connection, _STATUSES, number) or row if is_recommendation else row,
        sections=[
            Section(heading, pieces(row[field], [m for m in mentions if m["field"] == field], 0, len(row[field])))
            for heading, field in TEXTS[table]
            if row[field]
        ],
        items=items,
        plan=pieces(plan, of_plan, 0, len(plan)) if plan else [],
        evaluation=_one(connection, "SELECT * FROM evaluations WHERE eval_number = ?", row["eval_number"]),
        locations=_locations(connection, row["eval_number"]),
        themes=_all(
            connection,
            "SELECT * FROM record_themes WHERE record_kind = ? AND record_id = ? ORDER BY position",
            kind,
            number,
        ),
        units=_all(connection, _UNITS, number) if is_recommendation else [],
        projects=_all(connection, _PROJECTS, number) if is_recommendation else [],
        history=_all(connection, _HISTORY, number) if is_recommendation else [],
        page=_all(connection, "SELECT * FROM pages WHERE page_id = ?", row["page_id"])[0],
        problems=_all(connection, _PROBLEMS, row["page_id"]),
    )


_STATUSES = (
    "SELECT recommendations.*, is_closed, age_days, sources.label AS source FROM recommendations "
    "JOIN recommendation_overview AS overview USING (recommendation_id) "
    "LEFT JOIN information_sources AS sources "
    "ON sources.information_source_code = recommendations.information_source_code "
    "WHERE recommendation_id = ?"
)
_UNITS = (
    "SELECT admin_unit_label AS label FROM recommendation_admin_units WHERE recommendation_id = ? ORDER BY position"
)
_PROJECTS = (
    "SELECT project_symbol AS symbol, meaning AS donor FROM recommendation_projects "
    "JOIN projects USING (project_symbol) LEFT JOIN project_donors USING (donor_code) "
    "WHERE recommendation_id = ? ORDER BY position"
)
_HISTORY = (
    "SELECT valid_from, valid_to, is_current, responses.label AS response, levels.label AS progress "
    "FROM recommendation_status_history AS history "
    "LEFT JOIN management_responses AS responses USING (management_response_code) "
    "LEFT JOIN progress_levels AS levels ON levels.progress_code = history.progress_code "
    "WHERE recommendation_id = ? ORDER BY valid_from DESC"
)
_PROBLEMS = (
    "SELECT problems.severity, detail, line_number, meaning FROM problems JOIN problem_codes USING (problem_code) "
    "WHERE page_id = ? ORDER BY problem_number"
)


def _items(connection: sqlite3.Connection, row: sqlite3.Row, mentions: Rows) -> list[Item]:
    number, plan = row["recommendation_id"], row["action_plan"]
    by_item: dict[int, Rows] = {}
    for country in _all(
        connection,
        "SELECT item_number, country_iso3, name, evidence, mention_text FROM action_item_countries "
        "JOIN countries USING (country_iso3) WHERE recommendation_id = ? ORDER BY item_number, char_start, name",
        number,
    ):
        by_item.setdefault(country["item_number"], []).append(country)
    found, above = [], None
    for item in _all(connection, "SELECT * FROM action_items WHERE recommendation_id = ? ORDER BY item_number", number):
        heading = item["heading_text"]
        found.append(
            Item(
                item["item_number"],
                item["marker"],
                heading if heading != above else None,
                pieces(plan, mentions, item["char_start"], item["char_end"]),
                by_item.get(item["item_number"], []),
            )
        )
        above = heading
    return found


def _locations(connection: sqlite3.Connection, eval_number: int | None) -> Rows:
    return _all(
        connection,
        "SELECT country_label, region_label, scope, country_iso3 FROM evaluation_locations "
        "WHERE eval_number = ? ORDER BY country_label",
        eval_number,
    )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation with what was read of it."""

    row: sqlite3.Row
    locations: Rows
    recommendations: Rows
    lessons: Rows
    good_practices: Rows


def read_evaluation(connection: sqlite3.Connection, number: int) -> Evaluation | None:
    """An evaluation and the beginnings of its records; None if there is none of this number."""
    row = _one(connection, "SELECT * FROM evaluations WHERE eval_number = ?", number)
    if row is None:
        return None
    return Evaluation(
        row,
        _locations(connection, number),
        _all(
            connection,
            "SELECT recommendation_id AS number, title AS text, management_response_label AS status, is_closed "
            "FROM recommendation_overview WHERE eval_number = ? ORDER BY recommendation_id",
            number,
        ),
        _all(
            connection,
            "SELECT lesson_id AS number, description AS text FROM lessons WHERE eval_number = ? ORDER BY lesson_id",
            number,
        ),
        _all(
            connection,
            "SELECT practice_id AS number, description AS text FROM good_practices WHERE eval_number = ? "
            "ORDER BY practice_id",
            number,
        ),
    )


@dataclass(frozen=True, slots=True)
class Country:
    """A country, what it counts, and the newest promises that name it."""

    row: sqlite3.Row
    profile: sqlite3.Row | None
    promises: Rows


#: Promises on the page of a country; the question lists them all.
PROMISES = 20


def read_country(connection: sqlite3.Connection, iso3: str) -> Country | None:
    """A country by its code; None if there is no such code."""
    row = _one(connection, "SELECT * FROM countries WHERE country_iso3 = ?", iso3)
    if row is None:
        return None
    return Country(
        row,
        _one(connection, "SELECT * FROM country_profile WHERE country_iso3 = ?", iso3),
        _all(
            connection,
            "SELECT recommendation_id, item_number, item_text, mention_text, management_response_label AS status, "
            "is_closed, response_date, eval_title FROM country_action_items "
            "WHERE country_iso3 = ? AND basis = 'named in the text' "
            f"ORDER BY response_date DESC NULLS LAST, recommendation_id, item_number LIMIT {PROMISES}",
            iso3,
        ),
    )


def _one(connection: sqlite3.Connection, sql: str, *values: object) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(sql, values).fetchone()
    return row


def _all(connection: sqlite3.Connection, sql: str, *values: object) -> Rows:
    return connection.execute(sql, values).fetchall()


def short(text: str | None, length: int = 300) -> str:
    """The beginning of a text in one line."""
    line = " ".join((text or "").split())
    return line if len(line) <= length else f"{line[:length].rstrip()}…"
