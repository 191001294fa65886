"""Lists the labels in the warehouse that no vocabulary has, in the shape of the CSV file that wants them.

A code is proposed where it is only the label in small letters; what needs judgement is left empty. Deciding what a
label means does not belong here.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable

import duckdb

from pipelines.reference import FILES

#: file -> (statement that returns the unknown labels, label -> row of the file)
_UNKNOWN: dict[str, tuple[str, Callable[[str], list[str]]]] = {
    "country_names.csv": (
        "SELECT DISTINCT country_label FROM main.evaluation_locations WHERE scope IS NULL",
        lambda label: [label, "", "name", "en"],
    ),
    "regions.csv": (
        "SELECT DISTINCT region_label FROM main.evaluation_locations WHERE region_code IS NULL",
        lambda label: [_slug(label), label, "region"],
    ),
    "themes.csv": (
        # A theme may have lost one of its halves.
        "SELECT DISTINCT coalesce(group_label, '') || chr(31) || coalesce(topic_label, '') FROM main.record_themes "
        "WHERE theme_code IS NULL",
        lambda label: [".".join(map(_slug, label.split("\x1f"))), *label.split("\x1f")],
    ),
    "admin_units.csv": (
        "SELECT DISTINCT admin_unit_label FROM main.recommendation_admin_units WHERE admin_unit_code IS NULL",
        lambda label: [_slug(label), label, "", "", ""],
    ),
    "management_responses.csv": (
        "SELECT DISTINCT management_response_label FROM main.recommendations WHERE management_response_code IS NULL",
        lambda label: [_slug(label), label, "", ""],
    ),
    "progress_levels.csv": (
        "SELECT DISTINCT progress_label FROM main.recommendations WHERE progress_code IS NULL",
        lambda label: [_slug(label), label, ""],
    ),
    "project_areas.csv": (
        "SELECT DISTINCT split_part(detail, ' is not in', 1) FROM main.problems "
        "WHERE problem_code = 'unknown_project_area'",
        lambda label: [label, "", "", ""],
    ),
    "project_donors.csv": (
        "SELECT DISTINCT split_part(detail, ' is not in', 1) FROM main.problems "
        "WHERE problem_code = 'unknown_project_donor'",
        lambda label: [label, "", "", ""],
    ),
    "information_sources.csv": (
        "SELECT DISTINCT information_source_label FROM main.recommendations WHERE information_source_code IS NULL",
        lambda label: [_slug(label), label],
    ),
}


def _slug(label: str) -> str:
    """The label in small letters and underscores, as our codes are."""
    ascii_text = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_text.lower()).strip("_")


def unknown_labels(connection: duckdb.DuckDBPyConnection) -> str:
    """The unknown labels as CSV, one block a file under a comment that names it; empty if every label is known."""
    out = io.StringIO()
    for file, (statement, row) in _UNKNOWN.items():
        labels = sorted(label for (label,) in connection.execute(statement).fetchall() if label)
        if labels:
            out.write(f"# seeds/reference/{file}\n{','.join(FILES[file].columns)}\n")
            csv.writer(out, lineterminator="\n").writerows(map(row, labels))
    return out.getvalue()
