"""The figures of the report against warehouses whose numbers are known: none, one, a few, many."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import duckdb
import pytest
from small_warehouse import small_warehouse

from pipelines.report.figures import key_figures, read_report
from pipelines.report.model import Bars, Columns, Figure, Link, Matrix, Report, WorldMap

Connection = duckdb.DuckDBPyConnection


def figures(connection: Connection) -> dict[str, Figure]:
    report = read_report(connection)
    return {figure.name: figure for section in report.sections for figure in section.figures}


def values(report: Report) -> list[str]:
    return [key.value for key in report.keys]


def lengths(figure: Figure) -> dict[str, list[float]]:
    assert isinstance(figure.chart, Bars)
    return {bar.label: [part.length for part in bar.parts] for bar in figure.chart.bars}


@pytest.fixture(scope="module")
def small() -> Connection:
    return small_warehouse()


@pytest.fixture(scope="module")
def none() -> Connection:
    return small_warehouse(rows={})


#: follow-up status (None: unknown), progress, date of the response, theme
Recommendation = tuple[str | None, str | None, str | None, str]
COMPLETED: Recommendation = ("completed", "achieved", "2023-05-01", "Employment")
OPEN: Recommendation = ("action_not_yet_taken", "no_implementation", "2020-05-01", "Employment")


def warehouse_of(recommendations: Sequence[Recommendation]) -> Connection:
    """A warehouse with the vocabularies of the small one and these recommendations, seen on 1 September 2024."""
    connection = small_warehouse(constrained=False)
    for table in ("record_themes", "recommendation_admin_units", "problems", "action_items", "action_item_countries"):
        connection.execute(f"DELETE FROM main.{table}")
    connection.execute("DELETE FROM main.recommendations")
    for number, (response, progress, date, theme) in enumerate(recommendations, 1):
        connection.execute(
            """
            INSERT INTO main.recommendations BY NAME
            SELECT $number AS recommendation_id, 1001 AS eval_number, $date::DATE AS response_date,
                $response AS management_response_code, $progress AS progress_code, 'page' AS page_id,
                CASE WHEN $response IS NULL OR $progress IS NULL THEN NULL
                    WHEN $response = 'completed' THEN $progress <> 'achieved'
                    WHEN $response = 'partially_completed' THEN $progress <> 'partially_achieved'
                    ELSE $progress <> 'no_implementation' END AS has_status_conflict
            """,
            {"number": number, "date": date, "response": response, "progress": progress},
        )
        connection.execute(
            "INSERT INTO main.record_themes VALUES ('recommendation', ?, 1, ?, 'Training', NULL)", [number, theme]
        )
    return connection


# ---- key figures


def test_key_figures(small: Connection) -> None:
    assert key_figures(small) == {
        "pages": 11,
        "record_pages": 8,
        "evaluations": 3,
        "lessons": 2,
        "good_practices": 1,
        "recommendations": 5,
        "known_statuses": 4,
        "completed": 1,
        "completed_share": 0.25,
        "open": 3,
        "open_two_years": 1,
        "action_items": 6,
        "country_action_items": 3,
        "country_action_item_share": 0.5,
        "countries": 2,
        "comparable_statuses": 4,
        "contradictions": 1,
        "contradiction_share": 0.25,
        "problems": 6,
        "errors": 1,
        "pages_with_problems": 4,
    }


def test_key_figures_of_nothing(none: Connection) -> None:
    numbers = key_figures(none)
    assert {name for name, value in numbers.items() if value is None} == {
        "completed_share",
        "country_action_item_share",
        "contradiction_share",
    }
    assert {value for value in numbers.values() if value is not None} == {0}


def test_first_things(small: Connection) -> None:
    report = read_report(small)
    assert report.subject == "5 recommendations of 3 evaluations, answered between 2022 and 2023"
    assert report.newest_observation == "1 September 2024"
    assert [(key.value, key.name, key.reading) for key in report.keys] == [
        ("5", "recommendations", "of 3 evaluations, beside 2 lessons and 1 good practice"),
        ("1 of 4", "completed", "of those whose follow-up status is known; 1 unknown"),
        ("1", "open for two years or more", "of 3 that are open; the oldest since 2 May 2022"),
        ("3", "action items name a country", "of 6 items in action plans, for 2 countries"),
        ("1", "contradiction", "between follow-up status and progress, of 4 with both"),
        ("11", "pages read", "with 6 problems, one of them an error"),
    ]


def test_first_things_of_nothing(none: Connection) -> None:
    report = read_report(none)
    assert (report.subject, report.newest_observation) == ("0 recommendations of 0 evaluations", "")
    assert values(report) == ["0", "–", "0", "0", "0", "0"]
    assert report.keys[1].reading == "no follow-up status is known"
    assert report.keys[5].reading == "the warehouse is empty"


def test_the_same_warehouse_gives_the_same_report(small: Connection) -> None:
    assert read_report(small) == read_report(small)


# ---- none and one


def test_nothing_is_said_to_be_nothing(none: Connection) -> None:
    found = figures(none)
    assert {figure.chart for figure in found.values()} == {None}
    assert {name: figure.reading for name, figure in found.items()} == {
        **dict.fromkeys(
            ("by_theme", "by_region", "by_year", "by_office"), "There is no recommendation in this warehouse yet."
        ),
        "ageing": "No recommendation is open.",
        "world": "There is no action item in this warehouse yet.",
        "status_pairs": "No recommendation has both statuses, so there is nothing to compare.",
        "completeness": "There is no page of a record in this warehouse yet.",
        "problems": "No page has been read yet.",
    }
    assert all(figure.records.startswith("n = 0") for figure in found.values())


def test_one_recommendation() -> None:
    found = figures(warehouse_of([OPEN]))
    assert found["by_theme"].reading == "There is one recommendation: action not yet taken; its theme is Employment."
    assert lengths(found["by_theme"]) == {"Employment": [0, 0, 1, 0, 0, 0]}  # its total would be the same bar again
    assert found["by_theme"].records == "n = 1 recommendation"
    assert found["ageing"].reading == (
        "The one open recommendation was answered on 1 May 2020, 4 years before the newest page was read."
    )
    assert found["world"].reading == "There is no action item in this warehouse yet."
    assert found["status_pairs"].reading == "The two statuses of the one recommendation agree."
    assert "contradictions" not in found


def test_one_contradiction() -> None:
    found = figures(warehouse_of([("completed", "no_implementation", "2020-05-01", "Employment")]))
    assert found["status_pairs"].reading == "The two statuses of the one recommendation contradict each other."
    assert found["contradictions"].reading == "Its two statuses cannot both be right."
    assert found["ageing"].reading == "No recommendation is open."


@pytest.mark.parametrize(
    ("number", "reading"),
    [
        (1, "It has no date of response, so nobody knows."),
        (3, "All 3 have no date of response, so nobody knows."),
    ],
)
def test_no_dates(number: int, reading: str) -> None:
    found = figures(warehouse_of([(None, None, None, "Employment")] * number))
    assert found["ageing"].reading == reading
    assert isinstance(found["ageing"].chart, Columns)
    assert [column.label for column in found["ageing"].chart.columns] == ["no date"]
    whole = "one recommendation: status unknown" if number == 1 else "No follow-up status is known of 3 recommendations"
    assert whole in found["by_theme"].reading


# ---- by group


def test_by_group(small: Connection) -> None:
    found = figures(small)
    assert lengths(found["by_region"]).keys() == {
        "All recommendations",
        "Africa",
        "Asia and the Pacific",
        "Inter-Regional",
    }
    total = lengths(found["by_region"])["All recommendations"]
    assert total == pytest.approx([1 / 5, 1 / 5, 1 / 5, 0, 1 / 5, 1 / 5])
    for name in ("by_theme", "by_region", "by_year", "by_office"):
        thing = name.removeprefix("by_")
        assert found[name].reading.startswith("1 of 4 recommendations with a known status is completed")
        assert found[name].reading.endswith(f" Only {thing}s with 20 or more are compared.")
        for label, parts in lengths(found[name]).items():
            assert sum(parts) == pytest.approx(1), label
    assert "; in the region with the most, Africa, 0 of 2. " in found["by_region"].reading
    assert list(lengths(found["by_year"])) == ["All recommendations", "2023", "2022", "Not stated"]
    assert found["by_office"].table is not None
    assert ["HARBOURS", 1, 1, 0, 0, 0, 0, 0, "1 of 1"] in found["by_office"].table.rows


def test_topics_stand_below_their_group(small: Connection) -> None:
    table = figures(small)["by_theme"].table
    assert table is not None
    assert [row[0] for row in table.rows] == [
        "All recommendations",
        "Employment",
        "– Training",
        "– Green jobs",
        "– Skills development",
        "Not stated",
    ]


def test_groups_are_compared_where_there_are_enough() -> None:
    many = [(*COMPLETED[:3], "A")] * 15 + [(*OPEN[:3], "A")] * 5 + [(*OPEN[:3], "B")] * 19
    few = figures(warehouse_of(many))
    assert few["by_theme"].reading == (
        "15 of 39 recommendations with a known status are completed; in the theme with the most, A, 15 of 20. "
        "Only themes with 20 or more are compared."
    )
    enough = figures(warehouse_of([*many, (*COMPLETED[:3], "B"), (*COMPLETED[:3], "C")]))
    assert enough["by_theme"].reading == (
        "The share completed is highest for A (75% of 20) and lowest for B (5% of 20); of all it is 41%. "
        "Only themes with 20 or more are compared."
    )
    assert enough["by_year"].reading == (
        "17 of 41 recommendations with a known status are completed; in the year with the most, 2020, 0 of 24. "
        "Only years with 20 or more are compared."
    )


def test_years_are_compared_in_time() -> None:
    early, late = (*OPEN[:2], "2019-01-01", "A"), (*COMPLETED[:2], "2023-01-01", "A")
    found = figures(warehouse_of([early] * 30 + [late] * 40))
    assert found["by_year"].reading == (
        "Of the recommendations answered in 2023, 100% of 40 are completed; of those answered in 2019, 0% of 30."
    )


def test_equal_shares_are_said_to_be_equal() -> None:
    found = figures(
        warehouse_of([(*what[:3], theme) for theme in "AB" for what in (COMPLETED, OPEN) for _ in range(10)])
    )
    assert found["by_theme"].reading == (
        "The share completed is the same in every theme that has 20 or more: 50% of 20."
    )


def test_a_long_tail_is_counted() -> None:
    themes = [f"Theme {number:02}" for number in range(15)]
    found = figures(warehouse_of([(*OPEN[:3], theme) for theme in themes] + [(*OPEN[:3], "Theme 00")]))
    assert len(lengths(found["by_theme"])) == 13  # all, and the twelve largest
    assert found["by_theme"].notes == ["3 more themes, with at most 1 each, are not drawn."]
    assert found["by_theme"].table is not None
    assert len(found["by_theme"].table.rows) == 1 + 2 * 15


def test_a_tail_of_one_is_one() -> None:
    themes = [f"Theme {number:02}" for number in range(13)]
    found = figures(warehouse_of([(*OPEN[:3], theme) for theme in themes]))
    assert found["by_theme"].notes == ["One more theme, with 1 recommendation, is not drawn."]


def test_a_table_stops_somewhere() -> None:
    found = figures(warehouse_of([(*OPEN[:3], f"Theme {number}") for number in range(80)]))
    table = found["by_theme"].table
    assert table is not None
    assert len(table.rows) == 100
    assert table.more == "61 more rows are in the view mart.implementation_by_theme of the warehouse."


# ---- ageing


def test_ageing(small: Connection) -> None:
    figure = figures(small)["ageing"]
    assert isinstance(figure.chart, Columns)
    assert {column.label: [part.length for part in column.parts] for column in figure.chart.columns} == {
        "<1": [0, 1, 0],
        "1": [0, 0, 0],
        "2": [1, 0, 0],
        "no date": [0, 0, 1],
    }
    assert figure.reading == "1 of 3 has waited for two years or more. The oldest response is of 2 May 2022."


@pytest.mark.parametrize(
    ("date", "label"),
    [
        ("2024-09-01", "<1"),
        ("2024-10-01", "<1"),  # answered after the newest page was read
        ("2023-09-02", "<1"),
        ("2023-09-01", "1"),
        ("2022-09-02", "1"),
        ("2022-09-01", "2"),
        ("2014-09-02", "9"),
        ("2014-09-01", "10+"),
        ("1950-01-01", "10+"),
    ],
)
def test_whole_years(date: str, label: str) -> None:
    connection = warehouse_of([(*OPEN[:2], date, "A")])
    figure = figures(connection)["ageing"]
    assert isinstance(figure.chart, Columns)
    assert [column.label for column in figure.chart.columns if sum(part.length for part in column.parts)] == [label]
    assert key_figures(connection)["open_two_years"] == (label not in ("<1", "1"))


def test_the_middle_of_the_ages() -> None:
    old, new = (*OPEN[:2], "2014-01-01", "A"), (*OPEN[:2], "2024-01-01", "A")
    assert figures(warehouse_of([old] * 30 + [new] * 20))["ageing"].reading == (
        "60% of 50 have waited for two years or more, and half of them for 10 years or longer. "
        "The oldest response is of 1 January 2014."
    )
    assert figures(warehouse_of([new] * 30))["ageing"].reading == (
        "None of 30 has waited for two years or more. The oldest response is of 1 January 2024."
    )


# ---- countries


def test_countries(small: Connection) -> None:
    found = figures(small)
    world, ranking = found["world"], found["countries"]
    assert world.reading == "3 of 6 action items name a country: Cambodia and Kenya, 2 times each."
    assert world.records == "n = 3 action items that name countries, of 6"
    assert isinstance(world.chart, WorldMap)
    assert {code: words for code, (_, words) in world.chart.fills.items()} == {
        "KEN": "Kenya: 2 action items, 1 of open recommendations",
        "KHM": "Cambodia: 2 action items, 2 of open recommendations",
    }
    assert lengths(ranking) == {"Cambodia": [2, 0], "Kenya": [1, 1]}
    assert ranking.reading == (
        "Counted by country, 3 of 4 belong to a recommendation that is still open; Cambodia has the most of these (2)."
    )


def test_a_country_without_a_place_is_told(small: Connection) -> None:
    connection = small_warehouse(constrained=False)
    connection.execute("UPDATE main.countries SET country_iso3 = 'XXX', name = 'Nowhere' WHERE country_iso3 = 'KHM'")
    connection.execute("UPDATE main.action_item_countries SET country_iso3 = 'XXX' WHERE country_iso3 = 'KHM'")
    assert figures(connection)["world"].notes == ["Not on the map: Nowhere."]


def test_small_countries_are_dots() -> None:
    connection = small_warehouse(constrained=False)
    connection.execute("UPDATE main.action_item_countries SET country_iso3 = 'FJI'")
    world = figures(connection)["world"]
    assert world.notes == ["Dots stand for countries that are too small to see."]
    assert world.reading == "3 of 6 action items name a country: Fiji."


@pytest.mark.parametrize(
    ("most", "classes"),
    [
        (1, [(1, 1)]),
        (3, [(1, 1), (2, 2), (3, 3)]),
        (5, [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]),
        (6, [(1, 1), (2, 4), (5, 6)]),
        (98, [(1, 4), (5, 9), (10, 19), (20, 49), (50, 98)]),
        (5_000, [(1, 199), (200, 499), (500, 999), (1_000, 1_999), (2_000, 5_000)]),
    ],
)
def test_classes_of_amounts(most: int, classes: list[tuple[int, int]]) -> None:
    from pipelines.report.places import _classes

    assert [(low, high) for _, low, high in _classes(most)] == classes
    assert len({fill for fill, _, _ in _classes(most)}) == len(classes)


# ---- contradictions


def test_contradictions(small: Connection) -> None:
    found = figures(small)
    pairs, newest = found["status_pairs"], found["contradictions"]
    assert pairs.reading == (
        "The two statuses contradict each other in 1 of 4 recommendations: “Completed” with “No implementation”."
    )
    assert isinstance(pairs.chart, Matrix)
    assert sum(int(cell.text) for row in pairs.chart.cells for cell in row if cell.text != "·") == 4
    assert newest.chart is None
    assert newest.table is not None
    link = Link("2002", "https://webapps.ilo.org/ievaldiscovery/recommendations/2002")
    title = "Recommendation 2: Keep the harbour schools open."
    assert newest.table.rows == [[link, "2022-05-02", "Completed", "No implementation", title]]


def test_many_contradictions() -> None:
    wrong: Recommendation = ("completed", "no_implementation", "2020-05-01", "A")
    other: Recommendation = ("rejected", "achieved", None, "A")
    found = figures(warehouse_of([wrong] * 8 + [other] * 4 + [COMPLETED] * 12))
    assert found["status_pairs"].reading == (
        "The two statuses contradict each other in 50% of 24 recommendations: most often “Completed” with "
        "“No implementation” (8)."
    )
    assert found["contradictions"].table is not None
    assert len(found["contradictions"].table.rows) == 10
    assert found["contradictions"].table.more == "2 more are in the view mart.status_conflicts of the warehouse."
    assert found["contradictions"].table.rows[-1][:2] == ["10", "–"]


@pytest.mark.parametrize(
    "url",
    [
        None,
        "javascript:alert(1)",
        "https://webapps.ilo.org/x onclick=alert(1)",
        'https://webapps.ilo.org/"><script>',
        "https://webapps.ilo.org\n/x",
        "file:///etc/passwd",
        "https://webapps.ilo.org@evil.example/x",
        "https://webapps.ilo.org/\u202e",
    ],
)
def test_only_an_address_is_a_link(url: Any) -> None:
    connection = small_warehouse(constrained=False)
    connection.execute("UPDATE main.recommendations SET url = ?", [url])
    table = figures(connection)["contradictions"].table
    assert table is not None
    assert table.rows[0][0] == "2002"


# ---- data quality


def test_quality(small: Connection) -> None:
    found = figures(small)
    row = small.execute("SELECT sum(line_count) FROM raw.pages WHERE status = 'record'").fetchone()
    assert row is not None
    assert found["completeness"].reading == (
        f"Every one of {row[0]} lines is accounted for. Least complete: units known, 66.7%."
    )
    assert lengths(found["completeness"])["Units known"] == pytest.approx([2 / 3, 1 / 3])
    assert found["problems"].reading == (
        "6 problems, 1 of them an error, on 4 of 11 pages; the most frequent: list page."
    )
    assert lengths(found["problems"])["Not a page"] == [1]


def test_a_lost_line_is_told() -> None:
    connection = small_warehouse(constrained=False)
    connection.execute("DELETE FROM raw.page_fields WHERE path = 'recommendations[1].url'")
    reading = figures(connection)["completeness"].reading
    assert "% of all lines are accounted for." in reading
    assert "100%" not in reading


def test_no_problem() -> None:
    connection = small_warehouse(constrained=False)
    connection.execute("DELETE FROM main.problems")
    assert figures(connection)["problems"].reading == "No problem was met."
    assert read_report(connection).keys[5].reading == "without any problem"


def test_the_date_is_the_newest_observation_and_not_the_clock() -> None:
    connection = small_warehouse(constrained=False)
    later = datetime.datetime(2031, 1, 2, 23, 30, tzinfo=datetime.UTC)
    connection.execute("UPDATE raw.page_sightings SET seen_at = ? WHERE page_id = 'page-2002'", [later])
    assert read_report(connection).newest_observation == "2 January 2031"
