"""Builds a warehouse in memory from hand-made rows, so that SQL can be tested without reading a single page.

Everything in it is invented but the vocabularies. Three evaluations: 1001 is global and 1002 its second phase in Kenya
and Côte d'Ivoire; 1003 works in Fiji, with a region and a country label that are wrong. The texts hold what offsets
stumble over: an emoji of several code points, a combining accent, CRLF line ends.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from pipelines.problems import PROBLEM_CODES
from pipelines.schema import SQL_TYPES, create_table, load_order
from pipelines.sql_files import in_order, read_folder
from pipelines.tables import TABLES

SQL = Path(__file__).parent.parent / "sql"
Row = dict[str, Any]
DAY_1 = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
DAY_2 = datetime.datetime(2024, 9, 1, 6, tzinfo=datetime.UTC)

PLAN_2001 = (
    "The team will train inspectors 👩‍🏫 and write down what they learn.\n"
    "In Cambodia, the cafe\u0301 owners will be visited twice a year.\n"
    "- Kenya and Cambodia: one form for both offices, paid for by Norway."
)
TITLE_2001 = "Recommendation 1: Train more inspectors.\n• Begin in small ports.\n• Publish the results."

RECOMMENDATIONS: Sequence[Row] = (
    {
        "recommendation_id": 2001,
        "eval_number": 1001,
        "response_date": datetime.date(2022, 5, 2),
        "title": TITLE_2001,
        "action_plan": PLAN_2001,
        "comments": "The budget came late.",
        "management_response_label": "Partially Completed",
        "management_response_code": "partially_completed",
        "progress_label": "Partially achieved",
        "progress_code": "partially_achieved",
        "has_status_conflict": False,
        "page_id": "page-2001-new",
    },
    {
        "recommendation_id": 2002,
        "eval_number": 1001,
        "response_date": datetime.date(2022, 5, 2),
        "title": "Recommendation 2: Keep the harbour schools open.",
        "management_response_label": "Completed",
        "management_response_code": "completed",
        "progress_label": "No implementation",
        "progress_code": "no_implementation",
        "has_status_conflict": True,
        "page_id": "page-2002",
    },
    {
        "recommendation_id": 2003,
        "eval_number": 1002,
        "response_date": datetime.date(2023, 11, 20),
        "title": "Hand the schools over to the districts.",
        "action_plan": "The office will sign an agreement with every district.",
        "management_response_label": "Action not yet taken",
        "management_response_code": "action_not_yet_taken",
        "progress_label": "No implementation",
        "progress_code": "no_implementation",
        "has_status_conflict": False,
        "page_id": "page-2003-2004",
    },
    {
        "recommendation_id": 2004,
        "eval_number": 1002,
        "response_date": datetime.date(2023, 11, 20),
        "title": "Buy a boat.",
        "action_plan": "Kenya: no boat will be bought.",
        "management_response_label": "Rejected",
        "management_response_code": "rejected",
        "progress_label": "No implementation",
        "progress_code": "no_implementation",
        "has_status_conflict": False,
        "page_id": "page-2003-2004",
    },
    {
        "recommendation_id": 2005,
        "eval_number": 1003,
        "title": "Pay the shearers by the day.",
        "action_plan": "The co-operatives will decide.",
        "management_response_label": "Under discussion",
        "progress_label": None,
        "page_id": "page-2005",
    },
)
LESSONS: Sequence[Row] = (
    {
        "lesson_id": 3001,
        "eval_number": 1001,
        "description": "Ports that talk to their unions lose fewer days.",
        "context": "Seen in Cambodia and on the coast of Kenya.",
        "target_users": "Port authorities",
        "page_id": "page-3001",
    },
    {
        "lesson_id": 2002,
        "eval_number": 1003,
        "description": "La laine se vend mieux ensemble.",
        "page_id": "page-lesson-2002",
    },
)
GOOD_PRACTICES: Sequence[Row] = (
    {
        "practice_id": 4001,
        "eval_number": 1002,
        "description": "Pupils keep the log-book of the boat.",
        "cause_effect": "They learn to read and the crew learns to write.",
        "page_id": "page-4001",
    },
)
_BLOCKS = {"recommendation": "recommendations", "lesson": "lessons_learned", "good_practice": "good_practices"}
_ADDRESSES = {"recommendation": "recommendations", "lesson": "lessons", "good_practice": "practices"}
_TEXT_FIELDS = {
    "recommendation": ("action_plan", "management_response_label", "progress_label", "comments", "title"),
    "lesson": ("target_users", "context", "description"),
    "good_practice": ("cause_effect", "description"),
}


def url(kind: str, number: int) -> str:
    """The address of a record on the site."""
    return f"https://webapps.ilo.org/ievaldiscovery/{_ADDRESSES[kind]}/{number}"


def offsets(text: str, words: str, after: int = 0) -> dict[str, int]:
    """Where `words` stand in `text`, in code points."""
    start = text.index(words, after)
    return {"char_start": start, "char_end": start + len(words)}


def page(page_id: str, records: Sequence[tuple[str, int, Row]], line_end: str = "\n", **columns: Any) -> list[Row]:
    """A complete dashed page with these records (kind, number, row), as a row of raw.pages and rows of page_fields."""
    lines = ["Back to index", "- eval_number:", f"- {records[0][2]['eval_number']}"]
    fields: list[Row] = [{"line_number": 2, "line_count": 2, "path": "eval_number", "value": lines[2][2:]}]
    counts: dict[str, int] = {}
    for kind, number, row in records:
        counts[kind] = counts.get(kind, 0) + 1
        path = f"{_BLOCKS[kind]}[{counts[kind]}]"
        lines.append(f"- {_BLOCKS[kind]}:")
        fields.append({"line_number": len(lines), "line_count": 1, "path": path, "value": None})
        for name, value in [*((name, row.get(name)) for name in _TEXT_FIELDS[kind]), ("url", url(kind, number))]:
            if value is None:
                continue
            key = name.removesuffix("_label")
            fields.append(
                {
                    "line_number": len(lines) + 1,
                    "line_count": 2 + value.count("\n"),
                    "path": f"{path}.{key}",
                    "value": value,
                }
            )
            lines += [f"- {key}:", *f"- {value}".split("\n")]
    lines.append("Skip to top")
    text = line_end.join(lines) + line_end
    kind, number, row = records[0]
    for field in fields:
        field |= {"page_id": page_id, "value_line_number": field["line_number"] + (field["line_count"] > 1)}
    return [
        {
            "page_id": page_id,
            "source_uri": f"pages/{page_id}.txt",
            "first_seen_at": DAY_1,
            "byte_size": len(text.encode()),
            "layout": "dashed",
            "host": "webapps.ilo.org",
            "is_truncated": False,
            "status": "record",
            "record_kind": kind,
            "record_id": number,
            "record_count": len(records),
            "eval_number": row["eval_number"],
            "is_current": True,
            "line_count": len(lines),
            "chrome_line_count": 2,
            "page_text": text,
            **columns,
        },
        *fields,
    ]


def _other_page(page_id: str, text: str, status: str, **columns: Any) -> Row:
    return {
        "page_id": page_id,
        "source_uri": f"pages/{page_id}.txt",
        "first_seen_at": DAY_1,
        "byte_size": len(text.encode()),
        "layout": "unknown",
        "status": status,
        "record_count": 0,
        "is_current": False,
        "line_count": text.count("\n"),
        "chrome_line_count": 0,
        "page_text": text,
        **columns,
    }


def _pages() -> tuple[list[Row], list[Row]]:
    recommendations = {
        row["recommendation_id"]: ("recommendation", row["recommendation_id"], row) for row in RECOMMENDATIONS
    }
    older = {**RECOMMENDATIONS[0], "management_response_label": "Action not yet taken", "comments": None}
    made = [
        page("page-2001-old", [("recommendation", 2001, older)], is_current=False),
        page("page-2001-new", [recommendations[2001]], first_seen_at=DAY_2),
        page("page-2002", [recommendations[2002]], line_end="\r\n"),
        page("page-2003-2004", [recommendations[2003], recommendations[2004]]),
        page("page-2005", [recommendations[2005]]),
        *(page(row["page_id"], [("lesson", row["lesson_id"], row)]) for row in LESSONS),
        *(page(row["page_id"], [("good_practice", row["practice_id"], row)]) for row in GOOD_PRACTICES),
    ]
    rows = [rows[0] for rows in made]
    rows.append(_other_page("page-list", "Recommendations\n-\nBuy a boat.\nBuy a boat.\n", "list"))
    rows.append(_other_page("page-refused", "Not a page.\n", "refused"))
    rows.append(_other_page("page-bom", "\ufeff", "refused", line_count=0))
    return rows, [field for rows in made for field in rows[1:]]


def _item(recommendation_id: int, item_number: int, plan: str, words: str, **columns: Any) -> Row:
    return {
        "recommendation_id": recommendation_id,
        "item_number": item_number,
        "paragraph_number": item_number,
        "item_text": words,
        "scope": "programme",
        **offsets(plan, words),
        **columns,
    }


def _item_country(number: int, item: int, iso3: str, plan: str, words: str, after: int = 0, **columns: Any) -> Row:
    return {
        "recommendation_id": number,
        "item_number": item,
        "country_iso3": iso3,
        "evidence": "opening",
        "mention_text": words,
        **offsets(plan, words, after),
        **columns,
    }


def _mention(kind: str, number: int, field: str, iso3: str, text: str, words: str, after: int = 0, **other: Any) -> Row:
    return {
        "record_kind": kind,
        "record_id": number,
        "field": field,
        "country_iso3": iso3,
        "mention_text": words,
        "mention_kind": "name",
        "role": "subject",
        **offsets(text, words, after),
        **other,
    }


def _theme(kind: str, number: int, position: int, group: str, topic: str, code: str | None) -> Row:
    return {
        "record_kind": kind,
        "record_id": number,
        "position": position,
        "group_label": group,
        "topic_label": topic,
        "theme_code": code,
    }


def _problem(page_id: str, problem_number: int, code: str, detail: str, line_number: int | None = None) -> Row:
    return {
        "page_id": page_id,
        "problem_number": problem_number,
        "source_uri": f"pages/{page_id}.txt",
        "line_number": line_number,
        "problem_code": code,
        "severity": PROBLEM_CODES[code][0],
        "detail": detail,
    }


def _country(iso3: str, name: str, region_code: str, name_fr: str, name_es: str) -> Row:
    return {
        "country_iso3": iso3,
        "is_iso_official": True,
        "name": name,
        "name_fr": name_fr,
        "name_es": name_es,
        "region_code": region_code,
        "is_ldc": iso3 == "KHM",
        "is_lldc": False,
        "is_sids": iso3 == "FJI",
    }


def _rows() -> Mapping[str, Sequence[Row]]:
    """The rows of every table, by its name."""
    pages, fields = _pages()
    plan_2003, plan_2004 = RECOMMENDATIONS[2]["action_plan"], RECOMMENDATIONS[3]["action_plan"]
    lines_2001 = PLAN_2001.split("\n")
    line_3 = PLAN_2001.index("- Kenya")
    context_3001 = LESSONS[0]["context"]
    green_jobs = ("Employment", "Green jobs", None)
    training = ("Employment", "Training", "employment.training")
    skills = ("Employment", "Skills development", "employment.skills_development")
    dialogue = ("Governance and Tripartism", "Social dialogue", "governance_and_tripartism.social_dialogue")
    return {
        "pages": pages,
        # The first sighting of each page, which is all there is where no page went back to what it said before.
        "page_sightings": [
            {"page_id": row["page_id"], "seen_at": row["first_seen_at"], "source_uri": row["source_uri"]}
            for row in pages
        ],
        "page_fields": fields,
        "countries": [
            _country("KHM", "Cambodia", "asia_pacific", "Cambodge", "Camboya"),
            _country("KEN", "Kenya", "africa", "Kenya", "Kenia"),
            _country("CIV", "Côte d'Ivoire", "africa", "Côte d’Ivoire", "Côte d’Ivoire"),
            _country("FJI", "Fiji", "asia_pacific", "Fidji", "Fiyi"),
            _country("NOR", "Norway", "europe_central_asia", "Norvège", "Noruega"),
            _country("GBR", "United Kingdom", "europe_central_asia", "Royaume-Uni", "Reino Unido"),
            _country("PER", "Peru", "americas", "Pérou", "Perú"),
        ],
        "regions": [
            {"region_code": code, "label": label, "scope": scope}
            for code, label, scope in (
                ("africa", "Africa", "region"),
                ("americas", "Americas", "region"),
                ("asia_pacific", "Asia and the Pacific", "region"),
                ("europe_central_asia", "Europe and Central Asia", "region"),
                ("inter_regional", "Inter-Regional", "inter-regional"),
            )
        ],
        "themes": [
            {"theme_code": code, "group_label": group, "topic_label": topic}
            for group, topic, code in (training, skills, dialogue)
        ],
        "management_responses": [
            {"management_response_code": code, "label": label, "sort_order": order, "is_closed": is_closed}
            for order, (code, label, is_closed) in enumerate(
                (
                    ("completed", "Completed", True),
                    ("partially_completed", "Partially Completed", False),
                    ("action_not_yet_taken", "Action not yet taken", False),
                    ("no_action_planned", "No Action Planned", True),
                    ("rejected", "Rejected", True),
                ),
                1,
            )
        ],
        "progress_levels": [
            {"progress_code": code, "label": label, "sort_order": order}
            for order, (code, label) in enumerate(
                (
                    ("achieved", "Achieved"),
                    ("partially_achieved", "Partially achieved"),
                    ("no_implementation", "No implementation"),
                ),
                1,
            )
        ],
        "admin_units": [
            {"admin_unit_code": "co_suva", "label": "CO-Suva", "kind": "country office", "seat_country_iso3": "FJI"},
            {"admin_unit_code": "skills", "label": "SKILLS", "kind": "headquarters unit"},
        ],
        "project_areas": [
            {"area_code": "GLO", "area_kind": "global", "meaning": "Global"},
            {"area_code": "KEN", "area_kind": "country", "country_iso3": "KEN", "meaning": "Kenya"},
        ],
        "project_donors": [
            {"donor_code": "NOR", "donor_kind": "country", "country_iso3": "NOR", "meaning": "Norway"},
            {"donor_code": "GBR", "donor_kind": "country", "country_iso3": "GBR", "meaning": "United Kingdom"},
            {
                "donor_code": "UKM",
                "donor_kind": "country",
                "country_iso3": "GBR",
                "meaning": "United Kingdom (older letters)",
            },
            {"donor_code": "EUR", "donor_kind": "organisation", "meaning": "European Union"},
            {"donor_code": "EEC", "donor_kind": "organisation", "meaning": "European Union (older letters)"},
        ],
        "problem_codes": [
            {"problem_code": code, "severity": severity, "meaning": meaning}
            for code, (severity, meaning) in PROBLEM_CODES.items()
        ],
        "evaluations": [
            {
                "eval_number": number,
                "title": title,
                "timing": timing,
                "is_independent": number == 1002,
                "is_cluster": False,
                "is_joint": False,
                "is_thematic": False,
            }
            for number, title, timing in (
                (1001, "Harbour Lights – Phase I - Midterm evaluation", "midterm"),
                (1002, "Harbour Lights – Phase II - Final independent evaluation", "final"),
                (1003, "Mountain Wool - Final evaluation", "final"),
            )
        ],
        "evaluation_locations": [
            {
                "eval_number": 1001,
                "country_label": "Inter-Regional",
                "region_label": "Inter-Regional",
                "scope": "inter-regional",
                "region_code": "inter_regional",
                "is_region_consistent": True,
            },
            *(
                {
                    "eval_number": 1002,
                    "country_label": label,
                    "region_label": "Africa",
                    "scope": "country",
                    "country_iso3": iso3,
                    "region_code": "africa",
                    "is_region_consistent": True,
                }
                # One country under two labels, as pages of two evaluations of one number print it.
                for label, iso3 in (("Kenya", "KEN"), ("Côte d'Ivoire", "CIV"), ("Côte d’Ivoire", "CIV"))
            ),
            {
                "eval_number": 1003,
                "country_label": "Fiji",
                "region_label": "Americas",
                "scope": "country",
                "country_iso3": "FJI",
                "region_code": "americas",
                "is_region_consistent": False,
            },
            {"eval_number": 1003, "country_label": "Kiribatti", "region_label": "Asia and the Pacific"},
        ],
        "recommendations": [
            {**row, "language": "en", "url": url("recommendation", row["recommendation_id"])} for row in RECOMMENDATIONS
        ],
        "lessons": [{**row, "url": url("lesson", row["lesson_id"])} for row in LESSONS],
        "good_practices": [{**row, "url": url("good_practice", row["practice_id"])} for row in GOOD_PRACTICES],
        "record_themes": [
            _theme("recommendation", 2001, 1, *training),
            _theme("recommendation", 2001, 2, *skills),
            _theme("recommendation", 2002, 1, *green_jobs),
            _theme("recommendation", 2003, 1, *training),
            _theme("lesson", 3001, 1, *dialogue),
            # A lesson with the number of a recommendation: its theme is not the recommendation's.
            _theme("lesson", 2002, 1, *skills),
            _theme("good_practice", 4001, 1, *skills),
        ],
        "recommendation_admin_units": [
            {"recommendation_id": 2001, "position": 1, "admin_unit_label": "SKILLS", "admin_unit_code": "skills"},
            {"recommendation_id": 2001, "position": 2, "admin_unit_label": "CO-Suva", "admin_unit_code": "co_suva"},
            {"recommendation_id": 2002, "position": 1, "admin_unit_label": "HARBOURS"},
        ],
        "projects": [
            {
                "project_symbol": symbol,
                "area_code": symbol[:3] if "/" in symbol else None,
                "area_kind": kind,
                "country_iso3": "KEN" if symbol.startswith("KEN") else None,
                "donor_code": donor,
                "donor_country_iso3": iso3,
                "is_placeholder": kind is None,
            }
            for symbol, kind, donor, iso3 in (
                ("GLO/17/01/GBR", "global", "GBR", "GBR"),
                ("GLO/99/02/UKM", "global", "UKM", "GBR"),
                ("KEN/18/03/NOR", "country", "NOR", "NOR"),
                ("GLO/91/04/EEC", "global", "EEC", None),
                ("NO_DC_SYMBOL_76", None, None, None),
            )
        ],
        "recommendation_projects": [
            {"recommendation_id": number, "position": position, "project_symbol": symbol}
            for number, position, symbol in (
                (2001, 1, "GLO/17/01/GBR"),
                (2001, 2, "GLO/99/02/UKM"),
                (2002, 1, "GLO/91/04/EEC"),
                (2003, 1, "KEN/18/03/NOR"),
                (2003, 2, "GLO/17/01/GBR"),
                (2005, 1, "NO_DC_SYMBOL_76"),
            )
        ],
        "recommendation_steps": [
            {
                "recommendation_id": 2001,
                "step_number": number,
                "marker": "•",
                "step_text": words,
                **offsets(TITLE_2001, words),
            }
            for number, words in enumerate(("Begin in small ports.", "Publish the results."), 1)
        ],
        "action_items": [
            _item(2001, 1, PLAN_2001, lines_2001[0]),
            _item(2001, 2, PLAN_2001, lines_2001[1], scope="country"),
            _item(2001, 3, PLAN_2001, lines_2001[2][2:], scope="country", marker="-"),
            _item(2003, 1, plan_2003, plan_2003),
            _item(2004, 1, plan_2004, plan_2004, scope="country"),
            _item(2005, 1, RECOMMENDATIONS[4]["action_plan"], RECOMMENDATIONS[4]["action_plan"]),
        ],
        "action_item_countries": [
            _item_country(2001, 2, "KHM", PLAN_2001, "Cambodia"),
            _item_country(2001, 3, "KEN", PLAN_2001, "Kenya"),
            _item_country(2001, 3, "KHM", PLAN_2001, "Cambodia", line_3),
            _item_country(2004, 1, "KEN", plan_2004, "Kenya"),
        ],
        "country_mentions": [
            _mention("recommendation", 2001, "action_plan", "KHM", PLAN_2001, "Cambodia"),
            _mention("recommendation", 2001, "action_plan", "KHM", PLAN_2001, "Cambodia", line_3),
            _mention("recommendation", 2001, "action_plan", "KEN", PLAN_2001, "Kenya"),
            _mention("recommendation", 2001, "action_plan", "NOR", PLAN_2001, "Norway", role="donor"),
            _mention("recommendation", 2004, "action_plan", "KEN", plan_2004, "Kenya"),
            _mention("lesson", 3001, "context", "KHM", context_3001, "Cambodia"),
            _mention("lesson", 3001, "context", "KEN", context_3001, "Kenya"),
        ],
        "recommendation_status_history": [
            {
                "recommendation_id": 2001,
                "valid_from": DAY_1,
                "valid_to": DAY_2,
                "is_current": False,
                "management_response_code": "action_not_yet_taken",
                "progress_code": "partially_achieved",
                "page_id": "page-2001-old",
            },
            *(
                {
                    "recommendation_id": row["recommendation_id"],
                    "valid_from": DAY_2 if row["recommendation_id"] == 2001 else DAY_1,
                    "is_current": True,
                    "management_response_code": row.get("management_response_code"),
                    "progress_code": row.get("progress_code"),
                    "page_id": row["page_id"],
                }
                for row in RECOMMENDATIONS
            ),
        ],
        "problems": [
            _problem("page-2005", 1, "unknown_management_response", "Under discussion", 8),
            _problem("page-2005", 2, "unknown_country", "Kiribatti", 5),
            _problem("page-2002", 1, "unknown_admin_unit", "HARBOURS", 9),
            _problem("page-2002", 2, "unknown_theme", "Employment: Green jobs", 10),
            _problem("page-list", 1, "list_page", "Recommendations: a list page of 1 entries", 1),
            _problem("page-refused", 1, "not_a_page", "no key of an i-eval page", 1),
        ],
    }


def _insert(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Row]) -> None:
    table = TABLES[name]
    columns = [column.name for column in table.columns]
    for row in rows:
        assert set(row) <= set(columns), f"{name} has no column {set(row) - set(columns)}"
    places = ", ".join("?" * len(columns))
    connection.executemany(
        f"INSERT INTO {table.qualified_name} VALUES ({places})", [[row.get(name) for name in columns] for row in rows]
    )


def small_warehouse(
    constrained: bool = True, rows: Mapping[str, Sequence[Row]] | None = None
) -> duckdb.DuckDBPyConnection:
    """An open connection with every table and every mart. Without constraints, the rows can be tampered with."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA raw; CREATE SCHEMA mart")
    rows = _rows() if rows is None else rows
    for table in load_order(TABLES.values()):
        columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in table.columns)
        loose = f"CREATE TABLE {table.qualified_name} ({columns})"
        connection.execute(create_table(table) if constrained else loose)
        if rows.get(table.name):
            _insert(connection, table.name, rows[table.name])
    marts = {f"mart.{file.name}": file for file in read_folder(SQL / "marts").values()}
    for name in in_order(marts):
        connection.execute(f"CREATE VIEW {name} AS {marts[name].statement}")
    return connection
