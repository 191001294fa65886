"""Declares every table and every column of the warehouse once: name, type, nullability, key, reference, words.

Arrow schemas, DDL and comments (`schema.py`), the data dictionary (`dictionary.py`), Dagster's column schemas
(`assets.py`) and the data package of exports are rendered from here, the gate compares what is written with it
(`lake.py`), and the checks are generated from it (`checks.py`). The views for analysts are declared in `marts.py`
likewise. Standard library only; how a value is made does not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass

TEXT, INTEGER, DOUBLE, BOOLEAN, DATE, TIMESTAMP = "text", "integer", "double", "boolean", "date", "timestamp"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `references` names `table.column`; `values` closes the list of what may stand in it.

    `is_prose`: running text, which a database does well to compress as such.
    """

    name: str
    type: str
    words: str
    nullable: bool = True
    key: bool = False
    references: str | None = None
    values: tuple[str, ...] = ()
    is_prose: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table or view: `schema.name`, what a row of it is, and its columns in order."""

    schema: str
    name: str
    words: str
    columns: tuple[Column, ...]
    group: str = "core"
    #: Several columns that together refer to the key of another table: (columns, table).
    composite_references: tuple[tuple[tuple[str, ...], str], ...] = ()

    @property
    def qualified_name(self) -> str:
        """`schema.name`, as SQL names it."""
        return f"{self.schema}.{self.name}"

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the columns that identify a row and by which the rows are sorted."""
        return tuple(column.name for column in self.columns if column.key)

    @property
    def references(self) -> tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...]:
        """Foreign keys as (columns, referenced table, referenced columns)."""
        single = []
        for column in self.columns:
            if column.references:
                table, referenced = column.references.split(".")
                single.append(((column.name,), table, (referenced,)))
        return (*single, *((columns, table, columns) for columns, table in self.composite_references))


def key(name: str, type: str, words: str, references: str | None = None, values: tuple[str, ...] = ()) -> Column:
    """A column of the primary key."""
    return Column(name, type, words, nullable=False, key=True, references=references, values=values)


def need(name: str, type: str, words: str, references: str | None = None, values: tuple[str, ...] = ()) -> Column:
    """A column that is never NULL."""
    return Column(name, type, words, nullable=False, references=references, values=values)


def may(name: str, type: str, words: str, references: str | None = None, values: tuple[str, ...] = ()) -> Column:
    """A column that may be NULL."""
    return Column(name, type, words, references=references, values=values)


def prose(name: str, words: str, nullable: bool = True) -> Column:
    """A column of running text."""
    return Column(name, TEXT, words, nullable, is_prose=True)


#: The table of the records of each kind.
RECORD_TABLES = {"recommendation": "recommendations", "lesson": "lessons", "good_practice": "good_practices"}
RECORD_KINDS = tuple(RECORD_TABLES)
_CHAR_START = "First character of it in {}, from 0, in Unicode code points."
_CHAR_END = "The character after it: substr({}, char_start + 1, char_end - char_start) is the stored text."
_LANGUAGE = "Language of the texts: en, fr, es, other; NULL where there are too few words to tell."
_PAGE = "The page (copy) that the row was read from."

RAW_TABLES = (
    Table(
        "raw",
        "pages",
        "One row for every distinct content of a page that was ever read. Nothing is ever deleted from it.",
        (
            key("page_id", TEXT, "SHA-256 of the page's bytes, in hexadecimal."),
            need("source_uri", TEXT, "Where this content was first seen: a file, a member of an archive, an address."),
            need(
                "first_seen_at", TIMESTAMP, "When this content was first seen (UTC): read, or observed as --as-of says."
            ),
            need("byte_size", INTEGER, "Length of the page in bytes."),
            need("layout", TEXT, "Layout of the page.", values=("dashed", "plain", "unknown")),
            may("host", TEXT, "Host of the page's own addresses; analyticstest.ilo.org is the source's test host."),
            may("is_truncated", BOOLEAN, "Whether the page is cut before or in its footer; NULL unless a record page."),
            need(
                "status",
                TEXT,
                "What the page is: a record page, a list of records, or refused.",
                values=("record", "list", "refused"),
            ),
            may("record_kind", TEXT, "Kind of the first record on the page.", values=RECORD_KINDS),
            may("record_id", INTEGER, "Number of the first record on the page."),
            need("record_count", INTEGER, "How many records are on the page."),
            may("eval_number", INTEGER, "Number of the evaluation, as printed on the page."),
            need("is_current", BOOLEAN, "Whether the core tables use it: complete first, test host last, then newest."),
            need("line_count", INTEGER, "Lines of the page."),
            need("chrome_line_count", INTEGER, "Lines of layout and navigation; the others are in page_fields."),
            prose(
                "page_text", "The text of the page as decoded, byte order mark and line ends included.", nullable=False
            ),
            prose("page_bytes_base64", "The bytes in Base64, only where they are not the UTF-8 of page_text."),
        ),
        group="raw",
    ),
    Table(
        "raw",
        "page_sightings",
        "One row a sighting of a page that said something new: its first, and every return to an earlier content. "
        "With --as-of every sighting is kept; re-reading an unchanged page adds none.",
        (
            key("page_id", TEXT, "The page (content) that was seen.", "pages.page_id"),
            key("seen_at", TIMESTAMP, "When it was seen (UTC)."),
            key("source_uri", TEXT, "Where it was seen: a file, a member of an archive, an address."),
        ),
        group="raw",
    ),
    Table(
        "raw",
        "page_fields",
        "One row a key of a page (a repeated key repeats its path) or a value of a list: every line but the chrome.",
        (
            key("page_id", TEXT, "The page.", "pages.page_id"),
            key("line_number", INTEGER, "First line of the field, from 1: its key, or the value in a list of values."),
            need("line_count", INTEGER, "Lines of the field, key included."),
            need("path", TEXT, "Where in the page, e.g. recommendations[1].themes[2].theme, or `unexpected`."),
            prose("value", "The value as printed, lines joined by LF, without the layout's mark; NULL if none."),
            need("value_line_number", INTEGER, "First line of the value."),
        ),
        group="raw",
    ),
)

CORE_TABLES = (
    Table(
        "main",
        "evaluations",
        "One row an evaluation that a current record belongs to.",
        (
            key("eval_number", INTEGER, "The ILO's number of the evaluation."),
            prose("title", "Title of the evaluation."),
            may("url", TEXT, "Address of the evaluation on i-eval Discovery."),
            may(
                "timing",
                TEXT,
                "When in the project's life, from the words of the title; NULL if it does not say.",
                values=("midterm", "final", "ex-post", "interim"),
            ),
            need("is_independent", BOOLEAN, "Whether the title says independent."),
            need("is_cluster", BOOLEAN, "Whether the title says cluster."),
            need("is_joint", BOOLEAN, "Whether the title says joint."),
            need("is_thematic", BOOLEAN, "Whether the title says thematic."),
        ),
    ),
    Table(
        "main",
        "evaluation_locations",
        "One row a country or scope under which an evaluation is filed.",
        (
            key("eval_number", INTEGER, "The evaluation.", "evaluations.eval_number"),
            key("country_label", TEXT, "What is printed in the country slot: a country, or a scope."),
            may("region_label", TEXT, "The region printed beside it."),
            may(
                "scope",
                TEXT,
                "What the label names; NULL if unknown.",
                values=("country", "regional", "inter-regional"),
            ),
            may("country_iso3", TEXT, "Its country; NULL for scopes and unknown labels.", "countries.country_iso3"),
            may("region_code", TEXT, "The region as printed.", "regions.region_code"),
            may(
                "is_region_consistent",
                BOOLEAN,
                "Whether the region printed is the right one; NULL if unknown.",
            ),
        ),
    ),
    Table(
        "main",
        "recommendations",
        "One row a recommendation with its management response, from the current copy of its page.",
        (
            key("recommendation_id", INTEGER, "The ILO's number of the recommendation: the last number of its url."),
            may("eval_number", INTEGER, "The evaluation that made it.", "evaluations.eval_number"),
            may("response_date", DATE, "Date of the response; all recommendations of an evaluation share it."),
            prose("title", "The recommendation in words."),
            prose("action_plan", "What management says it will do or has done."),
            prose("comments", "Comments of management."),
            may("management_response_label", TEXT, "Follow-up status as printed (not acceptance)."),
            may(
                "management_response_code",
                TEXT,
                "Follow-up status.",
                "management_responses.management_response_code",
            ),
            may("progress_label", TEXT, "Progress as printed."),
            may("progress_code", TEXT, "Progress.", "progress_levels.progress_code"),
            may("has_status_conflict", BOOLEAN, "Whether the two contradict each other; NULL if either is unknown."),
            may("information_source_label", TEXT, "Who reported, as printed."),
            may(
                "information_source_code",
                TEXT,
                "Who reported.",
                "information_sources.information_source_code",
            ),
            may("language", TEXT, _LANGUAGE),
            may("url", TEXT, "Address of the recommendation on i-eval Discovery."),
            need("page_id", TEXT, _PAGE, "pages.page_id"),
        ),
    ),
    Table(
        "main",
        "lessons",
        "One row a lesson learned, from the current copy of its page.",
        (
            key("lesson_id", INTEGER, "The ILO's number of the lesson: the last number of its url."),
            may("eval_number", INTEGER, "The evaluation that learned it.", "evaluations.eval_number"),
            prose("description", "The lesson in words."),
            prose("context", "Context and preconditions."),
            prose("challenges", "Challenges and negative lessons."),
            prose("success", "Success and positive issues."),
            prose("administrative_issues", "ILO administrative issues: staff, resources, design."),
            prose("target_users", "Whom it is for (printed as comments)."),
            may("language", TEXT, _LANGUAGE),
            may("url", TEXT, "Address of the lesson on i-eval Discovery."),
            need("page_id", TEXT, _PAGE, "pages.page_id"),
        ),
    ),
    Table(
        "main",
        "good_practices",
        "One row a good practice, from the current copy of its page.",
        (
            key("practice_id", INTEGER, "The ILO's number of the good practice: the last number of its url."),
            may("eval_number", INTEGER, "The evaluation that found it.", "evaluations.eval_number"),
            prose("description", "The practice in words."),
            prose("context", "Context and preconditions."),
            prose("cause_effect", "Cause and effect."),
            prose("replication", "Where and by whom it could be replicated."),
            prose("indicators", "Measurable impact."),
            prose("links", "Links to higher ILO goals."),
            may("language", TEXT, _LANGUAGE),
            may("url", TEXT, "Address of the good practice on i-eval Discovery."),
            need("page_id", TEXT, _PAGE, "pages.page_id"),
        ),
    ),
    Table(
        "main",
        "record_themes",
        "One row a theme of a record.",
        (
            key("record_kind", TEXT, "Kind of the record.", values=RECORD_KINDS),
            key("record_id", INTEGER, "Number of the recommendation, lesson or good practice."),
            key("position", INTEGER, "Place on the page, from 1."),
            may("group_label", TEXT, "Broad group as printed (theme of a recommendation, category of the others)."),
            may("topic_label", TEXT, "Topic as printed (category of a recommendation, theme of the others)."),
            may("theme_code", TEXT, "The pair of group and topic.", "themes.theme_code"),
        ),
    ),
    Table(
        "main",
        "recommendation_admin_units",
        "One row an ILO office or unit responsible for a recommendation.",
        (
            key("recommendation_id", INTEGER, "The recommendation.", "recommendations.recommendation_id"),
            key("position", INTEGER, "Place on the page, from 1."),
            need("admin_unit_label", TEXT, "The unit as printed."),
            may("admin_unit_code", TEXT, "The unit.", "admin_units.admin_unit_code"),
        ),
    ),
    Table(
        "main",
        "recommendation_projects",
        "One row a project that a recommendation was made to.",
        (
            key("recommendation_id", INTEGER, "The recommendation.", "recommendations.recommendation_id"),
            key("position", INTEGER, "Place on the page, from 1."),
            need("project_symbol", TEXT, "The project.", "projects.project_symbol"),
        ),
    ),
    Table(
        "main",
        "projects",
        "One row a project symbol, taken apart as far as it parses (area/year/serial/donor).",
        (
            key("project_symbol", TEXT, "The symbol as printed."),
            may("area_code", TEXT, "First part: a region, country or the world.", "project_areas.area_code"),
            may("area_kind", TEXT, "What the area is: global, inter-regional, region, subregion, country."),
            may("country_iso3", TEXT, "The country, if the area is one.", "countries.country_iso3"),
            may("start_year", INTEGER, "Year of the second part; two digits above 50 are of the last century."),
            may("serial", TEXT, "Third part: the number within area and year."),
            may("donor_code", TEXT, "Last part: who pays.", "project_donors.donor_code"),
            may("donor_country_iso3", TEXT, "The donor's country, if it is one.", "countries.country_iso3"),
            need("is_placeholder", BOOLEAN, "Whether it stands in for a missing symbol (NO_DC_SYMBOL_76)."),
        ),
    ),
    Table(
        "main",
        "recommendation_steps",
        "One row a bullet or numbered line inside a recommendation's title.",
        (
            key("recommendation_id", INTEGER, "The recommendation.", "recommendations.recommendation_id"),
            key("step_number", INTEGER, "Place in the title, from 1."),
            need("marker", TEXT, "The bullet or number as printed."),
            prose("step_text", "The step in words, without the marker.", nullable=False),
            need("char_start", INTEGER, _CHAR_START.format("title")),
            need("char_end", INTEGER, _CHAR_END.format("title")),
        ),
    ),
    Table(
        "main",
        "action_items",
        "One row a paragraph, bullet or numbered line of an action plan, cut further where its countries change.",
        (
            key("recommendation_id", INTEGER, "The recommendation.", "recommendations.recommendation_id"),
            key("item_number", INTEGER, "Place in the action plan, from 1."),
            need("paragraph_number", INTEGER, "The line of the action plan that it stands in, from 1."),
            may("marker", TEXT, "The bullet or number as printed; NULL for a paragraph or the rest of one."),
            prose("heading_text", "The line that introduces it: a country, All countries, a lead-in."),
            prose("item_text", "The item in words, without the marker.", nullable=False),
            need(
                "scope",
                TEXT,
                "Whether it is about named countries or about the programme as a whole.",
                values=("country", "programme"),
            ),
            need("char_start", INTEGER, _CHAR_START.format("action_plan")),
            need("char_end", INTEGER, _CHAR_END.format("action_plan")),
        ),
    ),
    Table(
        "main",
        "action_item_countries",
        "One row a country that an action item is about, with the words that this rests on.",
        (
            key("recommendation_id", INTEGER, "The recommendation.", "recommendations.recommendation_id"),
            key("item_number", INTEGER, "The action item."),
            key("country_iso3", TEXT, "The country.", "countries.country_iso3"),
            need(
                "evidence",
                TEXT,
                "Why: the item opens with it, stands under it as a heading, mentions it, or carries on from it.",
                values=("opening", "heading", "mention", "carried"),
            ),
            need("mention_text", TEXT, "The words that name the country."),
            need("char_start", INTEGER, _CHAR_START.format("action_plan")),
            need("char_end", INTEGER, _CHAR_END.format("action_plan")),
        ),
        composite_references=((("recommendation_id", "item_number"), "action_items"),),
    ),
    Table(
        "main",
        "country_mentions",
        "One row a country named in a text field of a record.",
        (
            key("record_kind", TEXT, "Kind of the record.", values=RECORD_KINDS),
            key("record_id", INTEGER, "Number of the recommendation, lesson or good practice."),
            key("field", TEXT, "Column of the record's table that the words stand in."),
            key("char_start", INTEGER, _CHAR_START.format("the field")),
            key("country_iso3", TEXT, "The country.", "countries.country_iso3"),
            need("char_end", INTEGER, _CHAR_END.format("field")),
            need("mention_text", TEXT, "The words as they stand in the text."),
            need("mention_kind", TEXT, "How it is named.", values=("name", "code", "demonym")),
            need(
                "role",
                TEXT,
                "What the country is there for; only a subject can be the country of an action item.",
                values=("subject", "donor", "model", "excluded", "office", "people"),
            ),
        ),
    ),
    Table(
        "main",
        "recommendation_status_history",
        "One row a period in which a recommendation had the same two statuses, from all complete copies of its page.",
        (
            key("recommendation_id", INTEGER, "The recommendation.", "recommendations.recommendation_id"),
            key("valid_from", TIMESTAMP, "When the statuses were first seen (UTC)."),
            may("valid_to", TIMESTAMP, "When other statuses were first seen; NULL while they stand."),
            need("is_current", BOOLEAN, "Whether this is the last period."),
            may(
                "management_response_code",
                TEXT,
                "Follow-up status.",
                "management_responses.management_response_code",
            ),
            may("progress_code", TEXT, "Progress.", "progress_levels.progress_code"),
            need("page_id", TEXT, "The first copy that shows it.", "pages.page_id"),
        ),
    ),
    Table(
        "main",
        "problems",
        "One row a thing that is wrong with a page or that we do not know. Nothing is dropped silently.",
        (
            key("page_id", TEXT, "The page.", "pages.page_id"),
            key("problem_number", INTEGER, "Place on the page, from 1."),
            need("source_uri", TEXT, "Where the page was read."),
            may("line_number", INTEGER, "Line of the page, from 1."),
            may("field", TEXT, "Field of the page, as in raw.page_fields.path."),
            need("problem_code", TEXT, "What it is.", "problem_codes.problem_code"),
            need("severity", TEXT, "How bad it is.", values=("note", "warning", "error")),
            prose("detail", "The label, line or words in question; the nearest known label.", nullable=False),
        ),
    ),
)

REFERENCE_TABLES = (
    Table(
        "main",
        "countries",
        "One row a country or territory of ISO 3166-1 (Kosovo as XKX), with the groups it belongs to.",
        (
            key("country_iso3", TEXT, "ISO 3166-1 alpha-3 code."),
            may("country_iso2", TEXT, "ISO 3166-1 alpha-2 code."),
            may("country_m49", TEXT, "Three-digit code of the UN's M49 standard."),
            need("is_iso_official", BOOLEAN, "Whether the codes are officially assigned in ISO 3166-1."),
            need("name", TEXT, "Name in English as this project uses it."),
            may("name_fr", TEXT, "Name in French (CLDR)."),
            may("name_es", TEXT, "Name in Spanish (CLDR)."),
            may("region_code", TEXT, "ILO region.", "regions.region_code"),
            may("ilo_subregion_broad", TEXT, "ILO subregion, broad."),
            may("ilo_subregion_detailed", TEXT, "ILO subregion, detailed."),
            may("m49_region", TEXT, "M49 region."),
            may("m49_subregion", TEXT, "M49 subregion."),
            may("m49_intermediate_region", TEXT, "M49 intermediate region."),
            may("income_group", TEXT, "World Bank income group."),
            need("is_ldc", BOOLEAN, "Whether it is a least developed country."),
            need("is_lldc", BOOLEAN, "Whether it is a landlocked developing country."),
            need("is_sids", BOOLEAN, "Whether it is a small island developing State."),
        ),
        group="reference",
    ),
    Table(
        "main",
        "regions",
        "One row a region as i-eval pages print it.",
        (
            key("region_code", TEXT, "Our code of the region."),
            need("label", TEXT, "The region as printed."),
            need(
                "scope",
                TEXT,
                "One region, or the space between regions.",
                values=("region", "inter-regional"),
            ),
        ),
        group="reference",
    ),
    Table(
        "main",
        "themes",
        "One row a pair of group and topic as i-eval pages print it.",
        (
            key("theme_code", TEXT, "Our code of the pair."),
            need("group_label", TEXT, "Broad group as printed."),
            need("topic_label", TEXT, "Topic as printed."),
        ),
        group="reference",
    ),
    Table(
        "main",
        "management_responses",
        "One row a follow-up status.",
        (
            key("management_response_code", TEXT, "Our code of the status."),
            need("label", TEXT, "The status as printed."),
            need("sort_order", INTEGER, "From done to rejected."),
            need("is_closed", BOOLEAN, "Whether nothing more is to be expected."),
        ),
        group="reference",
    ),
    Table(
        "main",
        "progress_levels",
        "One row a level of progress.",
        (
            key("progress_code", TEXT, "Our code of the level."),
            need("label", TEXT, "The level as printed."),
            need("sort_order", INTEGER, "From achieved to nothing done."),
        ),
        group="reference",
    ),
    Table(
        "main",
        "information_sources",
        "One row a kind of office that reports.",
        (
            key("information_source_code", TEXT, "Our code of the source."),
            need("label", TEXT, "The source as printed."),
        ),
        group="reference",
    ),
    Table(
        "main",
        "admin_units",
        "One row an ILO office or unit.",
        (
            key("admin_unit_code", TEXT, "Our code of the unit."),
            need("label", TEXT, "The unit as printed."),
            need("kind", TEXT, "Kind of unit: country office, regional office, headquarters unit, and so on."),
            may("seat_city", TEXT, "City of its seat."),
            may("seat_country_iso3", TEXT, "Country of its seat.", "countries.country_iso3"),
        ),
        group="reference",
    ),
    Table(
        "main",
        "project_areas",
        "One row a first part of a project symbol: what project_areas.csv has, and the ISO codes of countries.",
        (
            key("area_code", TEXT, "The letters."),
            need("area_kind", TEXT, "What the area is: global, inter-regional, region, subregion, country."),
            may("country_iso3", TEXT, "The country, if it is one.", "countries.country_iso3"),
            need("meaning", TEXT, "The area in words."),
        ),
        group="reference",
    ),
    Table(
        "main",
        "project_donors",
        "One row a last part of a project symbol: what project_donors.csv has, and the ISO codes of countries.",
        (
            key("donor_code", TEXT, "The letters."),
            need("donor_kind", TEXT, "What the donor is: country, organisation, several."),
            may("country_iso3", TEXT, "The country, if it is one.", "countries.country_iso3"),
            need("meaning", TEXT, "The donor in words."),
        ),
        group="reference",
    ),
    Table(
        "main",
        "problem_codes",
        "One row a kind of problem.",
        (
            key("problem_code", TEXT, "The code."),
            need("severity", TEXT, "How bad it is.", values=("note", "warning", "error")),
            need("meaning", TEXT, "What it means and what was done about it."),
        ),
        group="reference",
    ),
)

#: Every table, by name (unique across schemas).
TABLES: dict[str, Table] = {table.name: table for table in (*RAW_TABLES, *CORE_TABLES, *REFERENCE_TABLES)}
