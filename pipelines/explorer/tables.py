"""Renders the declared tables and views as Datasette's metadata: words, keys' labels, facets, order, and the questions.

Everything comes from `tables.py`, `marts.py` and `sql/queries`; how a page looks does not belong here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.explorer.questions import sqlite_questions
from pipelines.export.source import EXPORTABLE, SOURCE_TITLE, SOURCE_URL, TITLE
from pipelines.tables import TIMESTAMP, Table

DATABASE = "ieval"
#: Where a worked question is: some have the name of a table.
QUESTION = "ask-"
#: The argument that filters lists; a value of it is `column:value`.
HAS = "_has"
#: What people narrow a table down by, in this order, where it has the column: how its values are told apart.
_FACETS: Mapping[str, str] = {
    "management_response_label": "column",
    "progress_label": "column",
    "response_date": "year",
    "regions": "list",
    "region_label": "column",
    "countries": "list",
    "country_name": "column",
    "themes": "list",
    "group_label": "column",
    "topic_label": "column",
    "admin_units": "list",
    "admin_unit_label": "column",
    "problem_code": "column",
    "donor_code": "column",
    "income_group": "column",
    "language": "column",
}
#: What a row is called where another table refers to it; elsewhere its key says enough, and a whole text would not.
_LABELS: Mapping[str, str] = {
    "evaluations": "title",
    "countries": "name",
    "regions": "label",
    "themes": "topic_label",
    "management_responses": "label",
    "progress_levels": "label",
    "information_sources": "label",
    "admin_units": "label",
    "project_areas": "meaning",
    "project_donors": "meaning",
}
#: What a wide table shows first; the rest is one link away.
_LEADING: Mapping[str, tuple[str, ...]] = {
    "recommendation_overview": (
        "recommendation_id",
        "title",
        "management_response_label",
        "progress_label",
        "response_date",
        "countries",
        "countries_in_plan",
        "themes",
        "admin_units",
        "eval_title",
    ),
    "open_recommendations": (
        "recommendation_id",
        "age_days",
        "title",
        "management_response_label",
        "response_date",
        "countries",
        "admin_units",
        "eval_title",
    ),
    "country_action_items": (
        "country_name",
        "item_text",
        "basis",
        "mention_text",
        "management_response_label",
        "response_date",
        "eval_title",
        "recommendation_id",
    ),
    "country_profile": (
        "country_name",
        "region_label",
        "recommendations",
        "open_recommendations",
        "action_items_naming_it",
        "lessons",
        "good_practices",
        "mentions",
    ),
    "recommendations": (
        "recommendation_id",
        "title",
        "management_response_label",
        "progress_label",
        "response_date",
        "eval_number",
        "language",
    ),
    "lessons": ("lesson_id", "description", "challenges", "success", "eval_number", "language"),
    "good_practices": ("practice_id", "description", "cause_effect", "replication", "eval_number", "language"),
}
#: Newest or largest first, where that is what one looks for.
_DESCENDING: Mapping[str, str] = {
    "recommendation_overview": "response_date",
    "recommendations": "response_date",
    "country_action_items": "response_date",
    "country_profile": "action_items_naming_it",
    "open_recommendations": "age_days",
    "status_changes": "changed_at",
    "recommendation_status_history": "valid_from",
}


def metadata() -> dict[str, Any]:
    """What Datasette takes as its metadata."""
    return {
        "title": TITLE,
        "source": SOURCE_TITLE,
        "source_url": SOURCE_URL,
        "license": "Texts: the ILO's terms of use. Codes, countries and counts: Apache License 2.0",
        "databases": {
            DATABASE: {
                "title": TITLE,
                "tables": {name: _table(table) for name, table in EXPORTABLE.items()}
                | {"about": {"hidden": True, "description": "What the export is."}},
                "queries": {f"{QUESTION}{name}": _question(name) for name in sqlite_questions()},
            }
        },
    }


def _table(table: Table) -> dict[str, Any]:
    described: dict[str, Any] = {
        "title": title_of(table.name),
        "description": table.words,
        "columns": {column.name: column.words for column in table.columns},
        "facets": _facets(table),
        "label_column": _LABELS.get(table.name, table.primary_key[0]),
        "leading": list(_LEADING.get(table.name, ())),
    }
    if table.name in _DESCENDING:
        described["sort_desc"] = _DESCENDING[table.name]
    return described


def _facets(table: Table) -> list[Any]:
    """What Datasette counts beside the rows: known columns first, then those whose values are a closed list."""
    columns = {column.name: column for column in table.columns}
    ways = {name: way for name, way in _FACETS.items() if name in columns}
    ways |= {column.name: "column" for column in table.columns if column.values and column.name not in ways}
    return [name if way == "column" else {way: name} for name, way in ways.items()]


def _question(name: str) -> dict[str, Any]:
    question = sqlite_questions()[name]
    return {
        "sql": question.sql,
        "title": question.title,
        "description": question.words,
        "hide_sql": True,
        "params": [parameter.name for parameter in question.parameters],
    }


def title_of(name: str) -> str:
    """A table's name as a title."""
    return name.replace("_", " ").capitalize()


def times(table: str | None) -> frozenset[str]:
    """The columns of a table that hold times."""
    columns = EXPORTABLE[table].columns if table is not None and table in EXPORTABLE else ()
    return frozenset(column.name for column in columns if column.type == TIMESTAMP)


def groups() -> list[tuple[str, str, list[Table]]]:
    """The tables by what they are for: title, words, tables."""
    titles = (
        ("marts", "Ready to read", "Made for people: one readable row a thing, lists as text, numbers counted."),
        ("core", "The facts", "One table a kind of thing, with keys that lead from one to the other."),
        ("reference", "The vocabularies", "What labels mean, and our codes of them."),
        ("raw", "The pages", "Every page as it was read, and every field of it."),
    )
    return [
        (title, words, [table for table in EXPORTABLE.values() if table.group == group])
        for group, title, words in titles
    ]
