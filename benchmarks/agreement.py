"""Two warehouses of the same pages → where they disagree about what is printed on them, or nothing.

Compared is what every peer makes: the records of each kind with their fields, and their themes, units, projects,
evaluations and locations, all of them value by value. What only some make (codes, items, countries, problems) does not
belong here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

#: Table -> the columns that all peers have.
COMPARED = {
    "recommendations": "recommendation_id, eval_number, response_date, title, action_plan, comments, "
    "management_response_label, progress_label, information_source_label, url, page_id",
    "lessons": "lesson_id, eval_number, description, context, challenges, success, administrative_issues, "
    "target_users, url, page_id",
    "good_practices": "practice_id, eval_number, description, context, cause_effect, replication, indicators, links, "
    "url, page_id",
    "record_themes": "record_kind, record_id, position, group_label, topic_label",
    "recommendation_admin_units": "recommendation_id, position, admin_unit_label",
    "recommendation_projects": "recommendation_id, position, project_symbol",
    "evaluations": "eval_number, title, url",
    "evaluation_locations": "eval_number, country_label, region_label",
}
#: A cut page without a record's number tells of an evaluation, but makes no row of ours.
_WITH_RECORD = """WHERE eval_number IN (
    SELECT eval_number FROM {0}.recommendations UNION ALL SELECT eval_number FROM {0}.lessons
    UNION ALL SELECT eval_number FROM {0}.good_practices)"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A table that two warehouses do not have alike: rows in ours, and rows that only one of them has."""

    table: str
    rows: int
    only_ours: int
    only_theirs: int

    @property
    def share(self) -> float:
        """Rows that differ to rows that we have; 1 where we have none."""
        return max(self.only_ours, self.only_theirs) / self.rows if self.rows else 1.0

    def __str__(self) -> str:
        if not self.rows:
            return f"{self.table}: no rows to compare"
        return f"{self.table}: of {self.rows:,} rows {self.only_ours:,} only in ours, {self.only_theirs:,} in theirs"


def differences(ours: Path, theirs: Path) -> list[Difference]:
    """The tables in which two DuckDB files differ, or of which there is nothing to compare, as in COMPARED."""
    found = []
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{ours}' AS ours (READ_ONLY); ATTACH '{theirs}' AS theirs (READ_ONLY)")
        for table, columns in COMPARED.items():
            # By name, for the types of columns differ: a date may be a text, a number narrow.
            texts = ", ".join(f"CAST({column} AS VARCHAR) AS {column}" for column in columns.split(", "))
            rows = {
                side: f"SELECT {texts} FROM {side}.{table} "
                + (_WITH_RECORD.format(side) if table.startswith("evaluation") else "")
                for side in ("ours", "theirs")
            }
            counts = [
                _count(connection, f"({rows[one]}) EXCEPT ALL ({rows[other]})")
                for one, other in (("ours", "theirs"), ("theirs", "ours"))
            ]
            difference = Difference(table, _count(connection, rows["ours"]), *counts)
            if any(counts) or not difference.rows:
                found.append(difference)
    return found


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM ({query})").fetchone()
    return int(row[0]) if row else 0
