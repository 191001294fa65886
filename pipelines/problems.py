"""The closed list of what can be wrong with a page, with its severity and its meaning in words.

A problem is never an exception: the page is loaded as far as it goes and the problem becomes a row of `main.problems`.
The list is loaded as the reference table `main.problem_codes`. Where problems are found does not belong here.
"""

from __future__ import annotations

from typing import NamedTuple

NOTE, WARNING, ERROR = "note", "warning", "error"


class Problem(NamedTuple):
    """One thing that is wrong on a page: the line (from 1) and field where known, a code of PROBLEM_CODES, details."""

    line_number: int | None
    field: str | None
    problem_code: str
    detail: str


#: problem_code -> (severity, meaning)
PROBLEM_CODES: dict[str, tuple[str, str]] = {
    # the page as a whole
    "not_a_page": (ERROR, "The text has no key of an i-eval page: refused, its text stays in raw.pages."),
    "too_many_lines": (ERROR, "More lines than any page has: refused, its text stays in raw.pages."),
    "list_page": (NOTE, "A list of records and not a record: recognised, its entries counted, refused."),
    "cut_before_first_key": (WARNING, "The page ends before its first key: nothing to load."),
    "no_record_block": (WARNING, "The page ends before its recommendation, lesson or good practice begins."),
    "not_utf8": (WARNING, "The page is not UTF-8: read as well as can be, its bytes are kept in raw.pages."),
    # keys and lines
    "unknown_key": (WARNING, "A key that i-eval pages are not known to have; its text is kept in raw.page_fields."),
    "repeated_key": (WARNING, "A key that its block already has; its text is kept in raw.page_fields."),
    "unexpected_line": (WARNING, "A line where a key is expected; its text is kept in raw.page_fields."),
    "text_after_footer": (WARNING, "A line after the footer; its text is kept in raw.page_fields."),
    # where a page is cut
    "cut_in_footer": (NOTE, "The page is cut inside its footer: nothing but the footer is missing."),
    "cut_in_key": (WARNING, "The page is cut inside a key: the line is neither text nor an unknown key."),
    "cut_in_text": (WARNING, "The page is cut inside a text: kept as far as it goes."),
    "cut_in_value": (WARNING, "The page is cut in or after a controlled value: the value is not trusted, code NULL."),
    # identity and values
    "no_record_id": (WARNING, "No complete url and no i-eval address as source: no row in the core tables."),
    "bad_number": (WARNING, "Not a whole number of at most 18 digits: NULL."),
    "bad_date": (WARNING, "Not a date of the form 2023-01-16 00:00:00.0: NULL."),
    "location_without_country": (WARNING, "A region without a country or scope beside it: no row in the core tables."),
    # labels that our vocabularies do not know, or that contradict them
    "unknown_country": (WARNING, "A country label that is no known name or scope: label kept, code NULL."),
    "unknown_region": (WARNING, "A region label that regions.csv does not have: label kept, code NULL."),
    "wrong_region": (WARNING, "The region printed beside a country is not its ILO region: kept as printed."),
    "unknown_theme": (WARNING, "A pair of group and topic that themes.csv does not have: labels kept, code NULL."),
    "unknown_management_response": (WARNING, "A label that management_responses.csv does not have: code NULL."),
    "unknown_progress": (WARNING, "A label that progress_levels.csv does not have: code NULL."),
    "unknown_information_source": (WARNING, "A label that information_sources.csv does not have: code NULL."),
    "unknown_admin_unit": (WARNING, "A label that admin_units.csv does not have: label kept, code NULL."),
    "unknown_project_symbol": (NOTE, "A project symbol of no known form: the symbol is kept, its parts are NULL."),
    "unknown_project_area": (NOTE, "The first part of a project symbol is in no reference table: area_kind NULL."),
    "unknown_project_donor": (NOTE, "The last part of a project symbol is not in project_donors.csv."),
}
