"""Declares every view of the schema `mart`, made of the core tables for people who look and query, with its words.

What a view selects is in `sql/marts/<view>.sql`; comments, the data dictionary and the tests that compare the two are
rendered from here. A column of the core tables keeps its name, type and meaning in every view. How a number is counted,
and anything that is stored, does not belong here.
"""

from __future__ import annotations

from pipelines.tables import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Column,
    Table,
    key,
    may,
    need,
)

_RECOMMENDATION_ID = "The ILO's number of the recommendation."
_EVAL_NUMBER = "The ILO's number of the evaluation that made it."
_EVAL_TITLE = "Title of the evaluation."
_RESPONSE_DATE = "Date of the response; all recommendations of an evaluation share it."
_TITLE = "The recommendation in words."
_ACTION_PLAN = "What management says it will do or has done."
_COMMENTS = "Comments of management."
_RESPONSE_LABEL = "Follow-up status as printed (not acceptance)."
_RESPONSE_CODE = "Follow-up status, our code; NULL if unknown."
_PROGRESS_LABEL = "Progress as printed."
_PROGRESS_CODE = "Progress, our code; NULL if unknown."
_IS_CLOSED = "Whether nothing more is to be expected: completed, no action planned or rejected. Unknown counts as open."
_CONFLICT = "Whether the two statuses contradict each other; NULL if either is unknown."
_THEMES = "Themes as `group: topic`, as printed, sorted, joined by '; '."
_COUNTRIES = "Countries that the evaluation is filed under, sorted, joined by '; '; scopes are in filed_under."
_COUNTRIES_IN_PLAN = "Countries that the action plan makes promises for, sorted, joined by '; '."
_REGIONS = "ILO regions of these countries, or as printed beside scopes and unknown labels, sorted, joined by '; '."
_UNITS = "ILO offices and units responsible, as printed, sorted, joined by '; '."
_DONORS = "Donors of the projects, read from their symbols, sorted, joined by '; '."
_AGE_DAYS = "Days from the response date to the newest observation, the last sighting in raw.page_sightings."
_URL = "Address of the recommendation on i-eval Discovery."

#: What all views of implementation count; a recommendation counts once in a row.
_COUNTS: tuple[Column, ...] = (
    need("recommendations", INTEGER, "Recommendations of this group, each once."),
    need("completed", INTEGER, "Of them, follow-up status Completed."),
    need("partially_completed", INTEGER, "Of them, follow-up status Partially Completed."),
    need("action_not_yet_taken", INTEGER, "Of them, follow-up status Action not yet taken."),
    need("no_action_planned", INTEGER, "Of them, follow-up status No Action Planned."),
    need("rejected", INTEGER, "Of them, follow-up status Rejected."),
    need("unknown_response", INTEGER, "Of them, follow-up status missing or unknown."),
    need("achieved", INTEGER, "Of them, progress Achieved."),
    need("partially_achieved", INTEGER, "Of them, progress Partially achieved."),
    need("no_implementation", INTEGER, "Of them, progress No implementation."),
    need("unknown_progress", INTEGER, "Of them, progress missing or unknown."),
    may(
        "completed_share",
        DOUBLE,
        "completed, from 0 to 1, of the recommendations whose follow-up status is known; NULL if there are none.",
    ),
    may(
        "implemented_share",
        DOUBLE,
        "achieved and partially_achieved, from 0 to 1, of those whose progress is known; NULL if there are none.",
    ),
)
_IS_TOTAL = need(
    "is_total",
    BOOLEAN,
    "Whether this row is all recommendations, each once. The others share some: do not add them up.",
)


def _implementation(name: str, words: str, label_words: str, *columns: Column) -> Table:
    """A view of counts and shares by group, whose rows have a label, columns of their own, and the counts."""
    label = key("label", TEXT, f"{label_words}, `Not stated`, or `All recommendations`.")
    return Table("mart", name, words, (label, _IS_TOTAL, *columns, *_COUNTS), group="marts")


_VIEWS = (
    Table(
        "mart",
        "recommendation_overview",
        "One row a recommendation, ready to read in a BI tool or in Excel: lists are texts joined by '; '.",
        (
            key("recommendation_id", INTEGER, _RECOMMENDATION_ID),
            may("eval_number", INTEGER, _EVAL_NUMBER),
            may("eval_title", TEXT, _EVAL_TITLE),
            may("eval_timing", TEXT, "When in the project's life it evaluates: midterm, final, ex-post, interim."),
            may("response_date", DATE, _RESPONSE_DATE),
            may("title", TEXT, _TITLE),
            may("action_plan", TEXT, _ACTION_PLAN),
            may("comments", TEXT, _COMMENTS),
            may("management_response_label", TEXT, _RESPONSE_LABEL),
            may("management_response_code", TEXT, _RESPONSE_CODE),
            may("progress_label", TEXT, _PROGRESS_LABEL),
            may("progress_code", TEXT, _PROGRESS_CODE),
            need("is_closed", BOOLEAN, _IS_CLOSED),
            may("has_status_conflict", BOOLEAN, _CONFLICT),
            may("information_source_label", TEXT, "Who reported, as printed."),
            may("themes", TEXT, _THEMES),
            may("countries", TEXT, _COUNTRIES),
            may("country_codes", TEXT, "ISO 3166-1 alpha-3 codes of these countries, sorted, joined by '; '."),
            may("filed_under", TEXT, "Everything in the country slot as printed, scopes included, joined by '; '."),
            may("regions", TEXT, _REGIONS),
            may("admin_units", TEXT, _UNITS),
            may("project_symbols", TEXT, "Project symbols as printed, sorted, joined by '; '."),
            may("donors", TEXT, _DONORS),
            need("step_count", INTEGER, "Bullets or numbered lines inside the recommendation's title."),
            need("action_item_count", INTEGER, "Action items of the plan."),
            need("country_action_item_count", INTEGER, "Of them, those that are about named countries."),
            may("countries_in_plan", TEXT, _COUNTRIES_IN_PLAN),
            may("country_codes_in_plan", TEXT, "ISO 3166-1 alpha-3 codes of these countries, joined by '; '."),
            may("age_days", INTEGER, _AGE_DAYS),
            may("language", TEXT, "Language of the texts: en, fr, es, other; NULL if there are too few words to tell."),
            may("url", TEXT, _URL),
            need("page_id", TEXT, "The page (copy) that the row was read from, in raw.pages."),
        ),
        group="marts",
    ),
    Table(
        "mart",
        "country_action_items",
        "One row an action item and a country that it holds for: filter one country and read everything promised.",
        (
            key("recommendation_id", INTEGER, _RECOMMENDATION_ID),
            key("item_number", INTEGER, "Place of the item in the action plan, from 1."),
            key("country_iso3", TEXT, "ISO 3166-1 alpha-3 code of the country."),
            key(
                "basis",
                TEXT,
                "Why it is here: the plan names the country for it, or the evaluation is filed under the country "
                "and the item is for the whole programme.",
                values=("named in the text", "evaluation filed under"),
            ),
            need("country_name", TEXT, "Name of the country in English."),
            may("heading_text", TEXT, "The line of the plan that introduces the item, if one does."),
            need("item_text", TEXT, "The item in words."),
            may("evidence", TEXT, "How the plan names the country: opening, heading, mention, carried; NULL if not."),
            may("mention_text", TEXT, "The words that name the country; NULL if the plan does not."),
            may("title", TEXT, _TITLE),
            may("response_date", DATE, _RESPONSE_DATE),
            may("management_response_label", TEXT, f"{_RESPONSE_LABEL} It is the whole recommendation's."),
            may("management_response_code", TEXT, _RESPONSE_CODE),
            may("progress_label", TEXT, f"{_PROGRESS_LABEL} It is the whole recommendation's."),
            may("progress_code", TEXT, _PROGRESS_CODE),
            need("is_closed", BOOLEAN, _IS_CLOSED),
            may("eval_number", INTEGER, _EVAL_NUMBER),
            may("eval_title", TEXT, _EVAL_TITLE),
            may("url", TEXT, _URL),
        ),
        group="marts",
    ),
    Table(
        "mart",
        "country_names",
        "One row a country and a name by which one may ask for it. Fold your own words alike: lower case, no accents.",
        (
            key("country_iso3", TEXT, "ISO 3166-1 alpha-3 code of the country."),
            key(
                "name",
                TEXT,
                "Its code, its names in three languages, and what pages and texts call it: in lower case, without "
                "accents, with straight quotes.",
            ),
        ),
        group="marts",
    ),
    Table(
        "mart",
        "country_profile",
        "One row a country that appears anywhere, with counts of what concerns it. What concerns several countries "
        "counts in each, so rows do not add up.",
        (
            key("country_iso3", TEXT, "ISO 3166-1 alpha-3 code of the country."),
            need("country_name", TEXT, "Name of the country in English."),
            may("region_label", TEXT, "ILO region."),
            may("m49_subregion", TEXT, "M49 subregion."),
            may("income_group", TEXT, "World Bank income group."),
            need("is_ldc", BOOLEAN, "Whether it is a least developed country."),
            need("is_lldc", BOOLEAN, "Whether it is a landlocked developing country."),
            need("is_sids", BOOLEAN, "Whether it is a small island developing State."),
            need("evaluations", INTEGER, "Evaluations filed under it."),
            need(
                "recommendations",
                INTEGER,
                "Recommendations of these evaluations, and others whose action plan has an item about it.",
            ),
            need("open_recommendations", INTEGER, "Of them, not closed; an unknown follow-up status counts as open."),
            need("closed_recommendations", INTEGER, "Of them, completed, rejected or without planned action."),
            need("recommendations_naming_it", INTEGER, "Of them, those whose action plan has an item about it."),
            need("action_items_naming_it", INTEGER, "Action items about it."),
            need(
                "action_items_in_evaluations_filed_elsewhere",
                INTEGER,
                "Of them, those of evaluations that are not filed under it, Inter-Regional ones for instance.",
            ),
            need("lessons", INTEGER, "Lessons of evaluations filed under it, and others whose text is about it."),
            need("good_practices", INTEGER, "Good practices, counted like lessons."),
            need("mentions", INTEGER, "Places in texts that name it, in whatever role (donor and office included)."),
            need("projects", INTEGER, "Project symbols whose area is the country."),
            need("projects_paid_for", INTEGER, "Project symbols whose donor is the country."),
            may("newest_response_date", DATE, "Latest date of response of its recommendations."),
            may("oldest_open_response_date", DATE, "Earliest date of response of those that are open."),
        ),
        group="marts",
    ),
    Table(
        "mart",
        "open_recommendations",
        "One row a recommendation that is not closed, oldest response first; an unknown status counts as open.",
        (
            key("recommendation_id", INTEGER, _RECOMMENDATION_ID),
            may("age_days", INTEGER, _AGE_DAYS),
            may("response_date", DATE, _RESPONSE_DATE),
            may("management_response_label", TEXT, _RESPONSE_LABEL),
            may("progress_label", TEXT, _PROGRESS_LABEL),
            may("has_status_conflict", BOOLEAN, _CONFLICT),
            may("eval_number", INTEGER, _EVAL_NUMBER),
            may("eval_title", TEXT, _EVAL_TITLE),
            may("title", TEXT, _TITLE),
            may("action_plan", TEXT, _ACTION_PLAN),
            may("comments", TEXT, _COMMENTS),
            may("themes", TEXT, _THEMES),
            may("countries", TEXT, _COUNTRIES),
            may("countries_in_plan", TEXT, _COUNTRIES_IN_PLAN),
            may("regions", TEXT, _REGIONS),
            may("admin_units", TEXT, _UNITS),
            may("donors", TEXT, _DONORS),
            may("url", TEXT, _URL),
        ),
        group="marts",
    ),
    Table(
        "mart",
        "implementation",
        "One row a way of grouping the recommendations and a group of it; for a BI tool that switches between the "
        "ways. The views implementation_by_… are its parts with columns of their own.",
        (
            key(
                "dimension",
                TEXT,
                "What the recommendations are grouped by.",
                values=("theme group", "theme", "country", "region", "year", "admin unit", "donor"),
            ),
            key("label", TEXT, "The group, `Not stated`, or `All recommendations`."),
            key("is_total", BOOLEAN, _IS_TOTAL.words),
            may("outer_label", TEXT, "What the group belongs to: group of a topic, region of a country, kind of unit."),
            may("inner_label", TEXT, "Its name inside that, where the label has both (the topic of a theme)."),
            may("code", TEXT, "Our code of the group; several letters of one donor are joined by '; '."),
            *_COUNTS,
        ),
        group="marts",
    ),
    _implementation(
        "implementation_by_theme",
        "One row a theme, one a whole group of themes, and one all recommendations. In the row of a group a "
        "recommendation with several of its topics counts once.",
        "The theme as `group: topic`, the group",
        may("group_label", TEXT, "Broad group as printed."),
        may("topic_label", TEXT, "Topic as printed; NULL in the row of a whole group."),
        may("theme_code", TEXT, "Our code of the pair of group and topic; NULL if unknown, and for whole groups."),
    ),
    _implementation(
        "implementation_by_country",
        "One row a country or other place under which evaluations are filed, and one all recommendations.",
        "The country in English, a scope or unknown label as printed",
        may("country_iso3", TEXT, "ISO 3166-1 alpha-3 code; NULL for scopes and unknown labels."),
        may("region_label", TEXT, "ILO region of the country."),
    ),
    _implementation(
        "implementation_by_region",
        "One row a region under which evaluations are filed, and one all recommendations. The region of a country is "
        "the ILO's own, also where another one is printed beside it.",
        "The region",
        may("region_code", TEXT, "Our code of the region; NULL for unknown regions."),
    ),
    _implementation(
        "implementation_by_year",
        "One row a year of the response, and one all recommendations.",
        "The year",
        may("year", INTEGER, "The year as a number."),
    ),
    _implementation(
        "implementation_by_admin_unit",
        "One row an ILO office or unit responsible for recommendations, and one all recommendations.",
        "The unit as printed",
        may("admin_unit_code", TEXT, "Our code of the unit; NULL if unknown."),
        may("kind", TEXT, "Kind of unit: country office, regional office, headquarters unit, and so on."),
    ),
    _implementation(
        "implementation_by_donor",
        "One row a donor of the projects that recommendations are about, and one all recommendations. The donor is "
        "read from the letters of the project symbols.",
        "The donor",
        may("donor_codes", TEXT, "Letters of the donor in project symbols, older ones included, joined by '; '."),
        may("donor_kind", TEXT, "What the donor is: country, organisation, several."),
        may("donor_country_iso3", TEXT, "ISO 3166-1 alpha-3 code of the donor's country, if it is one."),
    ),
    Table(
        "mart",
        "status_conflicts",
        "One row a recommendation whose follow-up status and progress contradict each other.",
        (
            key("recommendation_id", INTEGER, _RECOMMENDATION_ID),
            may("management_response_label", TEXT, _RESPONSE_LABEL),
            may("progress_label", TEXT, _PROGRESS_LABEL),
            may("progress_that_would_match", TEXT, "The progress that goes with this follow-up status."),
            may("response_date", DATE, _RESPONSE_DATE),
            may("eval_number", INTEGER, _EVAL_NUMBER),
            may("eval_title", TEXT, _EVAL_TITLE),
            may("title", TEXT, _TITLE),
            may("action_plan", TEXT, _ACTION_PLAN),
            may("comments", TEXT, _COMMENTS),
            may("countries", TEXT, _COUNTRIES),
            may("admin_units", TEXT, _UNITS),
            may("url", TEXT, _URL),
        ),
        group="marts",
    ),
    Table(
        "mart",
        "status_changes",
        "One row a change of a recommendation's statuses, from one complete copy of its page to a later one.",
        (
            key("recommendation_id", INTEGER, _RECOMMENDATION_ID),
            key("changed_at", TIMESTAMP, "When the new statuses were first seen (UTC)."),
            may("from_management_response", TEXT, "Follow-up status before; NULL if unknown."),
            may("to_management_response", TEXT, "Follow-up status since then; NULL if unknown."),
            may("from_progress", TEXT, "Progress before; NULL if unknown."),
            may("to_progress", TEXT, "Progress since then; NULL if unknown."),
            need("previous_since", TIMESTAMP, "Since when the statuses before were seen (UTC)."),
            may("response_date", DATE, f"{_RESPONSE_DATE} As the current copy prints it."),
            may("eval_number", INTEGER, _EVAL_NUMBER),
            may("eval_title", TEXT, _EVAL_TITLE),
            may("title", TEXT, _TITLE),
            may("url", TEXT, _URL),
            need("from_page_id", TEXT, "The first copy that shows the statuses before, in raw.pages."),
            need("to_page_id", TEXT, "The first copy that shows the new statuses, in raw.pages."),
        ),
        group="marts",
    ),
    Table(
        "mart",
        "data_quality",
        "One row a measure of what was read: pages, lines accounted for, labels and texts, and problems by code.",
        (
            key(
                "metric_group",
                TEXT,
                "What is measured.",
                values=("pages", "lines", "labels and texts", "problems"),
            ),
            key("metric", TEXT, "The measure; for problems, their code."),
            need("meaning", TEXT, "What is counted, and of what the share is; for problems, what the code means."),
            may("severity", TEXT, "How bad the problem is: note, warning, error; NULL for other measures."),
            need("occurrences", INTEGER, "How many: pages, lines, labels, recommendations or problems."),
            may("pages", INTEGER, "For problems, the copies that have it, of all ever read; NULL for other measures."),
            may("current_pages", INTEGER, "Of them, the copies that the core tables use."),
            may(
                "share",
                DOUBLE,
                "From 0 to 1, of what `meaning` says; for problems, pages of all copies read; NULL if there are none.",
            ),
        ),
        group="marts",
    ),
)

#: Every view of the schema `mart`, by name.
MARTS: dict[str, Table] = {view.name: view for view in _VIEWS}
