"""The whole pipeline on tests/pages and on the shipped page, compared with what a careful reader gets out of them."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import PAGES, SHIPPED, Built, Ieval
from small_pages import TEST_HOST, address_of, parquet_bytes, recommendation
from test_sources import write_lines

from pipelines import pages as pages_module
from pipelines.settings import Settings
from pipelines.status import status
from pipelines.tables import TABLES

Row = dict[str, Any]
# Not splitlines(): U+0085 inside a text is no line end.
EXPECTED: dict[str, Row] = {
    page["file"]: page for page in map(json.loads, (PAGES / "expected.jsonl").read_bytes().strip().split(b"\n"))
}
#: The copies that the core tables use where two pages carry one record.
LOSERS = {"recommendation_900001.txt", "recommendation_900004.dashed.txt"}
RECORDS = [
    (file, record)
    for file, page in EXPECTED.items()
    for record in page["records"]
    if record["record_id"] is not None and file not in LOSERS
]
RECOMMENDATIONS = [(file, record) for file, record in RECORDS if record["record_kind"] == "recommendation"]
KEYS = {
    "recommendation": ("recommendations", "recommendation_id"),
    "lesson": ("lessons", "lesson_id"),
    "good_practice": ("good_practices", "practice_id"),
}
SEVERITIES = ("note", "warning", "error")
DAY_1 = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
DAY_2 = datetime.datetime(2024, 9, 1, 6, tzinfo=datetime.UTC)
DAY_3 = datetime.datetime(2025, 3, 1, 6, tzinfo=datetime.UTC)

of_every_record = pytest.mark.parametrize(("file", "record"), RECORDS, ids=[file for file, _ in RECORDS])
of_every_recommendation = pytest.mark.parametrize(
    ("file", "record"), RECOMMENDATIONS, ids=[file for file, _ in RECOMMENDATIONS]
)


class Reader:
    """Reads rows of a database as dicts."""

    def __init__(self, path: Path) -> None:
        self.connection = duckdb.connect(str(path), read_only=True)
        self.connection.execute("SET TimeZone = 'UTC'")

    def rows(self, statement: str, *values: Any) -> list[Row]:
        cursor = self.connection.execute(statement, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def row(self, statement: str, *values: Any) -> Row:
        (row,) = self.rows(statement, *values)
        return row

    def column(self, statement: str, *values: Any) -> list[Any]:
        return [next(iter(row.values())) for row in self.rows(statement, *values)]


@pytest.fixture(scope="module")
def db(hostile: Built) -> Iterator[Reader]:
    reader = Reader(hostile.database)
    yield reader
    reader.connection.close()


@pytest.fixture(scope="module")
def shipped_db(shipped: Built) -> Iterator[Reader]:
    reader = Reader(shipped.database)
    yield reader
    reader.connection.close()


# ---- raw


@pytest.fixture(scope="module")
def raw(db: Reader) -> dict[str, Row]:
    return {row["source_uri"].rpartition("/")[2]: row for row in db.rows("SELECT * FROM raw.pages")}


def test_every_page_is_there_once(raw: dict[str, Row], hostile: Built) -> None:
    assert set(raw) == {path.name for path in PAGES.glob("*.txt")} == set(EXPECTED)
    assert json.loads(hostile.stdout)["rows"]["pages"] == len(EXPECTED)


@pytest.mark.parametrize("file", EXPECTED)
def test_page(raw: dict[str, Row], file: str) -> None:
    page, row = EXPECTED[file], raw[file]
    assert (row["status"], row["layout"]) == (page["status"], page["layout"])
    if page["is_truncated"] is not None:
        assert row["is_truncated"] == page["is_truncated"]
    assert row["record_count"] == len(page["records"])
    first = page["records"][0] if page["records"] else {}
    for column in ("record_kind", "record_id", "eval_number"):
        assert row[column] == first.get(column), column


@pytest.mark.parametrize("file", EXPECTED)
def test_page_text_is_the_file(raw: dict[str, Row], file: str) -> None:
    page_bytes = (PAGES / file).read_bytes()
    assert raw[file]["page_text"] == page_bytes.decode("utf-8")
    assert raw[file]["page_bytes_base64"] is None
    assert raw[file]["byte_size"] == len(page_bytes)


def test_some_pages_have_what_readers_stumble_over(raw: dict[str, Row]) -> None:
    texts = [row["page_text"] for row in raw.values()]
    assert any(text.startswith("\ufeff") for text in texts)
    assert any("\r\n" in text for text in texts)
    assert any("\u0085" in text for text in texts)


def test_cut_records_without_number_are_in_raw_alone(db: Reader, raw: dict[str, Row]) -> None:
    unidentified = [
        (file, record) for file, page in EXPECTED.items() for record in page["records"] if record["record_id"] is None
    ]
    assert len(unidentified) == 4
    for file, record in unidentified:
        assert (raw[file]["record_kind"], raw[file]["is_current"]) == (record["record_kind"], False)
        table, _ = KEYS[record["record_kind"]]
        assert db.column(f"SELECT page_id FROM main.{table} WHERE page_id = ?", raw[file]["page_id"]) == []
        assert db.column("SELECT count(*) FROM raw.page_fields WHERE page_id = ?", raw[file]["page_id"])[0] > 3


# ---- which records


def test_core_has_every_identified_record_and_no_other(db: Reader) -> None:
    for kind, (table, key) in KEYS.items():
        expected = sorted(record["record_id"] for _, record in RECORDS if record["record_kind"] == kind)
        assert db.column(f"SELECT {key} FROM main.{table} ORDER BY {key}") == expected


@of_every_record
def test_record_is_read_from_the_best_copy(db: Reader, raw: dict[str, Row], file: str, record: Row) -> None:
    table, key = KEYS[record["record_kind"]]
    assert db.column(f"SELECT page_id FROM main.{table} WHERE {key} = ?", record["record_id"]) == [raw[file]["page_id"]]
    assert raw[file]["is_current"]


@pytest.mark.parametrize("file", sorted(LOSERS))
def test_other_copies_are_not_current(raw: dict[str, Row], file: str) -> None:
    assert not raw[file]["is_current"]


# ---- evaluations


@of_every_record
def test_evaluation(db: Reader, file: str, record: Row) -> None:
    row = db.row("SELECT title, url FROM main.evaluations WHERE eval_number = ?", record["eval_number"])
    # Two pages of one evaluation agree in both.
    assert (row["title"], row["url"]) == (record["eval_title"], record["eval_url"])


def test_there_is_no_other_evaluation(db: Reader) -> None:
    assert set(db.column("SELECT eval_number FROM main.evaluations")) == {
        record["eval_number"] for _, record in RECORDS
    }


def test_kinds_of_evaluation(db: Reader) -> None:
    rows = {row["eval_number"]: row for row in db.rows("SELECT * FROM main.evaluations")}
    kinds = {
        number: tuple(row[name] for name in ("timing", "is_independent", "is_cluster", "is_joint", "is_thematic"))
        for number, row in rows.items()
    }
    assert kinds[9001] == ("final", False, True, False, False)
    assert kinds[9021] == ("midterm", False, False, False, False)
    assert kinds[9024] == ("final", True, True, False, False)
    assert kinds[9025] == ("final", False, False, False, False)
    assert kinds[9026] == ("midterm", True, True, False, False)
    assert kinds[9032] == ("final", False, False, True, False)
    assert kinds[9100016] == (None, True, False, False, True)


LOCATION_COLUMNS = ("country_label", "region_label", "scope", "country_iso3", "is_region_consistent")


@pytest.mark.parametrize("eval_number", sorted({record["eval_number"] for _, record in RECORDS}))
def test_locations(db: Reader, eval_number: int) -> None:
    locations = chain.from_iterable(
        record["locations"] for _, record in RECORDS if record["eval_number"] == eval_number
    )
    rows = db.rows("SELECT * FROM main.evaluation_locations WHERE eval_number = ?", eval_number)
    found = {tuple(row[column] for column in LOCATION_COLUMNS) for row in rows}
    assert found == {tuple(location[column] for column in LOCATION_COLUMNS) for location in locations}
    assert len(found) == len(rows)


# ---- what records say


@of_every_record
def test_texts(db: Reader, file: str, record: Row) -> None:
    table, key = KEYS[record["record_kind"]]
    row = db.row(f"SELECT * FROM main.{table} WHERE {key} = ?", record["record_id"])
    assert {column: row[column] for column in record["text_fields"]} == record["text_fields"]
    assert (row["eval_number"], row["url"]) == (record["eval_number"], record["url"])


@of_every_record
def test_themes(db: Reader, file: str, record: Row) -> None:
    rows = db.rows(
        "SELECT * FROM main.record_themes WHERE record_kind = ? AND record_id = ? ORDER BY position",
        record["record_kind"],
        record["record_id"],
    )
    assert [(row["group_label"], row["topic_label"], row["theme_code"] is not None) for row in rows] == [
        (theme["group_label"], theme["topic_label"], theme["known"]) for theme in record["themes"]
    ]
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))


@of_every_recommendation
def test_recommendation(db: Reader, file: str, record: Row) -> None:
    row = db.row("SELECT * FROM main.recommendations WHERE recommendation_id = ?", record["record_id"])
    date = record["response_date"]
    assert row["response_date"] == (datetime.date.fromisoformat(date) if date else None)
    for column in ("management_response_code", "progress_code", "has_status_conflict", "information_source_code"):
        assert row[column] == record[column], column


@of_every_recommendation
def test_units_and_projects(db: Reader, file: str, record: Row) -> None:
    for table, column, expected in (
        ("recommendation_admin_units", "admin_unit_label", record["admin_units"]),
        ("recommendation_projects", "project_symbol", record["project_symbols"]),
    ):
        statement = f"SELECT {column} FROM main.{table} WHERE recommendation_id = ? ORDER BY position"
        assert db.column(statement, record["record_id"]) == expected


@of_every_recommendation
def test_steps(db: Reader, file: str, record: Row) -> None:
    rows = db.rows(
        "SELECT * FROM main.recommendation_steps WHERE recommendation_id = ? ORDER BY step_number", record["record_id"]
    )
    assert [row["step_text"] for row in rows] == record["steps"]
    title = record["text_fields"]["title"]
    assert [title[row["char_start"] : row["char_end"]] for row in rows] == record["steps"]


def test_unknown_labels_are_kept_without_code(db: Reader) -> None:
    statement = "SELECT admin_unit_code FROM main.recommendation_admin_units WHERE admin_unit_label = 'DWT/CO-Dakar'"
    assert db.column(statement) == [None]
    row = db.row("SELECT * FROM main.evaluation_locations WHERE country_label = 'Kiribatti'")
    assert (row["scope"], row["country_iso3"], row["is_region_consistent"]) == (None, None, None)


# ---- problems


@pytest.mark.parametrize("file", [file for file, page in EXPECTED.items() if page["problems_at_least"]])
def test_problems(db: Reader, raw: dict[str, Row], file: str) -> None:
    rows = db.rows("SELECT * FROM main.problems WHERE page_id = ?", raw[file]["page_id"])
    assert {row["source_uri"] for row in rows} == {raw[file]["source_uri"]}
    # The ones with a line choose first.
    for needed in sorted(EXPECTED[file]["problems_at_least"], key=lambda problem: problem["line_number"] is None):
        fitting = [
            row
            for row in rows
            if SEVERITIES.index(row["severity"]) >= SEVERITIES.index(needed["severity"])
            and needed["line_number"] in (None, row["line_number"])
        ]
        assert fitting, needed
        rows.remove(fitting[0])


#: What `problems_at_least` says in words, in our codes, for pages of which nothing else is to be said.
@pytest.mark.parametrize(
    ("file", "codes"),
    [
        ("lesson_900102.txt", ["cut_in_footer"]),
        ("lesson_900103.txt", ["cut_in_key", "no_record_id"]),
        ("lesson_900105.txt", ["unknown_theme"]),
        ("lesson_900106.txt", ["cut_in_value"]),
        ("lesson_900107.txt", ["unknown_country", "wrong_region"]),
        ("list_900301.txt", ["list_page"]),
        ("other_900302.txt", ["not_a_page"]),
        ("recommendation_900003.txt", ["unknown_admin_unit"]),
        ("recommendation_900009.txt", ["cut_in_value", "no_record_id"]),
        ("recommendation_900010.txt", ["unknown_key", "unknown_theme", "unknown_key"]),
        ("recommendation_900017.txt", ["cut_in_text", "no_record_id"]),
    ],
)
def test_problems_by_code(db: Reader, raw: dict[str, Row], file: str, codes: list[str]) -> None:
    statement = "SELECT problem_code FROM main.problems WHERE page_id = ? AND problem_code NOT LIKE 'unknown_project%'"
    assert sorted(db.column(statement, raw[file]["page_id"])) == sorted(codes)


@pytest.mark.parametrize(
    "file", [file for file, page in EXPECTED.items() if not page["problems_at_least"] and page["records"]]
)
def test_nothing_worse_than_a_note_is_said_of_good_pages(db: Reader, raw: dict[str, Row], file: str) -> None:
    statement = "SELECT problem_code FROM main.problems WHERE page_id = ? AND severity <> 'note'"
    assert db.column(statement, raw[file]["page_id"]) == []


# ---- the shipped page


def test_shipped_page(shipped_db: Reader) -> None:
    counts = {
        name: shipped_db.column(f"SELECT count(*) FROM main.{name}")[0]
        for name in ("evaluations", "recommendations", "action_items", "recommendation_steps", "lessons", "problems")
    }
    assert counts == {
        "evaluations": 1,
        "recommendations": 1,
        "action_items": 9,
        "recommendation_steps": 4,
        "lessons": 0,
        "problems": 0,
    }


def test_shipped_action_items(shipped_db: Reader) -> None:
    items = shipped_db.rows("SELECT * FROM main.action_items ORDER BY item_number")
    plan = shipped_db.column("SELECT action_plan FROM main.recommendations")[0]
    assert [row["item_number"] for row in items] == list(range(1, 10))
    assert [row["scope"] for row in items] == ["programme", *["country"] * 4, *["programme"] * 4]
    assert [plan[row["char_start"] : row["char_end"]] for row in items] == [row["item_text"] for row in items]
    countries = shipped_db.rows("SELECT * FROM main.action_item_countries ORDER BY item_number")
    assert [(row["item_number"], row["country_iso3"], row["evidence"], row["mention_text"]) for row in countries] == [
        (2, "IDN", "opening", "Indonesia"),
        (3, "KHM", "opening", "Cambodia"),
        (4, "EGY", "opening", "Egypt"),
        (5, "ETH", "opening", "Ethiopia"),
    ]
    assert [plan[row["char_start"] : row["char_end"]] for row in countries] == [
        row["mention_text"] for row in countries
    ]


def test_shipped_page_is_the_seed(shipped_db: Reader) -> None:
    (seed,) = SHIPPED.glob("*.txt")
    row = shipped_db.row("SELECT * FROM raw.pages")
    assert row["page_text"].encode() == seed.read_bytes()
    assert row["source_uri"].endswith(f"seeds/pages/{seed.name}")
    assert (row["record_id"], row["eval_number"], row["layout"]) == (16568, 3191, "dashed")


def test_first_run_says_what_it_made(shipped: Built) -> None:
    assert "pages: 1 read, 1 new" in shipped.stdout
    assert str(shipped.database) in shipped.stdout
    assert "9 action_items" in shipped.stdout


def test_second_run_does_nothing_and_says_so(shipped: Built, ieval: Ieval) -> None:
    def state() -> dict[Path, tuple[int, bytes]]:
        files = [path for path in shipped.folder.rglob("*") if path.is_file() and not path.is_symlink()]
        files = [path for path in files if not path.name.startswith((".lock", ".runs", "runs.jsonl"))]
        files = [path for path in files if ".dagster" not in path.parts]
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before = state()
    # Database, manifest, what files were read, and a part each of pages, records and places.
    assert len(before) == len(TABLES) + 6
    done = ieval("run", "--warehouse", shipped.folder, DAGSTER_HOME="")
    assert done.returncode == 0, done.stderr
    assert "nothing new" in done.stdout
    assert "pages: 0 read, 0 new; 1 of 1 files unchanged" in done.stdout
    assert state() == before


# ---- determinism and history


def test_same_pages_same_bytes(tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted(PAGES.glob("*.txt"))
    build(tmp_path / "a", files, DAY_1)
    # In another order, in many small parts, and in two deliveries of one moment.
    monkeypatch.setattr(pages_module, "_PART_BYTES", 4_000)
    build(tmp_path / "b", files[:11:-1], DAY_1)
    build(tmp_path / "b", files[::-1], DAY_1)
    assert len(list((tmp_path / "b" / "pages").iterdir())) > 5
    assert parquet_bytes(tmp_path / "a") == parquet_bytes(tmp_path / "b")


def test_history_of_a_changing_page(tmp_path: Path, build: Callable[..., Any]) -> None:
    (seed,) = SHIPPED.glob("*.txt")
    text = seed.read_text("utf-8")
    page = tmp_path / "page.txt"
    folder = tmp_path / "warehouse"
    versions = (
        (DAY_1, text),
        # Repaired at the source: another hash, but no other status.
        (DAY_2, text.replace("throught the ONE-ILO", "through the ONE-ILO")),
        (DAY_3, text.replace("Partially Completed", "Completed").replace("Partially achieved", "Achieved")),
    )
    for number, (seen_at, version) in enumerate(versions, 1):
        page.write_text(version, encoding="utf-8")
        build(folder, [page], seen_at)
        with duckdb.connect(str(folder / "ieval.duckdb"), read_only=True) as connection:
            current = connection.execute(
                "SELECT first_seen_at, is_current FROM raw.pages ORDER BY first_seen_at"
            ).fetchall()
        assert [is_current for _, is_current in current] == [False] * (number - 1) + [True]
    db = Reader(folder / "ieval.duckdb")
    history = db.rows(
        "SELECT h.valid_from, h.valid_to, h.is_current, h.management_response_code, h.progress_code, p.first_seen_at "
        "FROM main.recommendation_status_history AS h JOIN raw.pages AS p USING (page_id) ORDER BY valid_from"
    )
    assert [tuple(row.values()) for row in history] == [
        (DAY_1, DAY_3, False, "partially_completed", "partially_achieved", DAY_1),
        (DAY_3, None, True, "completed", "achieved", DAY_3),
    ]
    row = db.row("SELECT * FROM main.recommendations")
    assert (row["management_response_code"], row["progress_code"]) == ("completed", "achieved")
    assert db.row("SELECT changed_at, to_progress FROM mart.status_changes") == {
        "changed_at": DAY_3,
        "to_progress": "Achieved",
    }
    assert db.column("SELECT count(*) FROM main.recommendations") == [1]
    db.connection.close()


def history(db: Reader, number: int) -> list[tuple[Any, ...]]:
    rows = db.rows(
        "SELECT valid_from, valid_to, is_current, management_response_code FROM main.recommendation_status_history "
        "WHERE recommendation_id = ? ORDER BY valid_from",
        number,
    )
    return [tuple(row.values()) for row in rows]


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[Reader]:
    reader = Reader(folder / "ieval.duckdb")
    yield reader
    reader.connection.close()


def test_an_earlier_sighting_moves_the_first_one_back(tmp_path: Path, build: Callable[..., Any]) -> None:
    """An archived crawl is loaded after today's: then, and there, the page was first seen."""
    text = recommendation(1).decode()
    (tmp_path / "today.txt").write_text(text, encoding="utf-8")
    write_lines(tmp_path / "crawl.jsonl", {"text": text, "url": address_of(1)})
    build(tmp_path / "w", [tmp_path / "today.txt"], DAY_2)
    build(tmp_path / "w", [tmp_path / "crawl.jsonl"], DAY_1, is_stated=True)
    with reading(tmp_path / "w") as db:
        assert db.row("SELECT source_uri, first_seen_at FROM raw.pages") == {
            "source_uri": address_of(1),
            "first_seen_at": DAY_1,
        }
        assert db.column("SELECT seen_at FROM raw.page_sightings ORDER BY 1") == [DAY_1, DAY_2]
        assert history(db, 1) == [(DAY_1, None, True, "completed")]
        assert db.column("SELECT DISTINCT source_uri FROM main.problems") in ([], [address_of(1)])
    build(tmp_path / "w", [tmp_path / "crawl.jsonl"], DAY_3, is_stated=True)
    with reading(tmp_path / "w") as db:
        assert db.row("SELECT first_seen_at FROM raw.pages") == {"first_seen_at": DAY_1}


@pytest.mark.parametrize("is_stated", [True, False])
def test_a_page_that_goes_back_reopens_its_status(tmp_path: Path, build: Callable[..., Any], is_stated: bool) -> None:
    open_, done = recommendation(1, statuses=("Action not yet taken", "No implementation")), recommendation(1)
    for moment, content in ((DAY_1, open_), (DAY_2, done), (DAY_3, open_)):
        (tmp_path / "page.txt").write_bytes(content)
        build(tmp_path / "w", [tmp_path / "page.txt"], moment, is_stated=is_stated)
    with reading(tmp_path / "w") as db:
        assert history(db, 1) == [
            (DAY_1, DAY_2, False, "action_not_yet_taken"),
            (DAY_2, DAY_3, False, "completed"),
            (DAY_3, None, True, "action_not_yet_taken"),
        ]
        assert db.column("SELECT management_response_code FROM main.recommendations") == ["action_not_yet_taken"]
        # The copy that is used is the older of the two contents.
        assert db.column("SELECT is_current FROM raw.pages ORDER BY first_seen_at") == [True, False]
        assert db.column("SELECT from_management_response FROM mart.status_changes ORDER BY changed_at") == [
            "Action not yet taken",
            "Completed",
        ]


def test_a_moved_folder_of_old_pages_changes_no_status(tmp_path: Path, build: Callable[..., Any]) -> None:
    open_, done = recommendation(1, statuses=("Action not yet taken", "No implementation")), recommendation(1)
    for moment, name, content in ((DAY_1, "pages", open_), (DAY_2, "pages", done), (DAY_3, "archive", open_)):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "1.txt").write_bytes(content)
        build(tmp_path / "w", [tmp_path / name], moment)
    with reading(tmp_path / "w") as db:
        assert history(db, 1) == [(DAY_1, DAY_2, False, "action_not_yet_taken"), (DAY_2, None, True, "completed")]
        assert db.column("SELECT management_response_code FROM main.recommendations") == ["completed"]


def test_a_cut_page_is_known_by_the_address_it_is_seen_at_later(tmp_path: Path, build: Callable[..., Any]) -> None:
    cut = recommendation(None, cut="- progress:\n")
    (tmp_path / "cut.txt").write_bytes(cut)
    build(tmp_path / "w", [tmp_path / "cut.txt"], DAY_1)
    with reading(tmp_path / "w") as db:
        assert db.row("SELECT record_kind, record_id, is_current, record_count FROM raw.pages") == {
            "record_kind": "recommendation",
            "record_id": None,
            "is_current": False,
            "record_count": 1,
        }
        assert db.column("SELECT count(*) FROM main.recommendations") == [0]
        problem = db.row("SELECT * FROM main.problems WHERE problem_code = 'no_record_id'")
        assert (problem["field"], problem["severity"]) == ("url", "warning")
        assert problem["detail"] == "record 1 of the page has no complete url"
    write_lines(tmp_path / "crawl.jsonl", {"text": cut.decode(), "url": address_of(7)})
    build(tmp_path / "w", [tmp_path / "crawl.jsonl"], DAY_2, is_stated=True)
    with reading(tmp_path / "w") as db:
        assert db.row("SELECT record_id, is_current FROM raw.pages") == {"record_id": 7, "is_current": True}
        assert db.column("SELECT recommendation_id FROM main.recommendations") == [7]
        assert db.column("SELECT count(*) FROM main.problems WHERE problem_code = 'no_record_id'") == [0]


def test_the_test_host_is_heard_where_nobody_else_is(tmp_path: Path, build: Callable[..., Any]) -> None:
    real = recommendation(1, statuses=("Action not yet taken", "No implementation"))
    for moment, content in (
        (DAY_1, recommendation(1, host=TEST_HOST)),
        (DAY_2, recommendation(2, host=TEST_HOST)),
        (DAY_1, real),
    ):
        (tmp_path / "page.txt").write_bytes(content)
        build(tmp_path / "w", [tmp_path / "page.txt"], moment, is_stated=True)
    with reading(tmp_path / "w") as db:
        assert history(db, 1) == [(DAY_1, None, True, "action_not_yet_taken")]
        assert history(db, 2) == [(DAY_2, None, True, "completed")]


def test_the_newest_observation_is_that_of_any_sighting(tmp_path: Path, build: Callable[..., Any]) -> None:
    """A page that was last seen a year after it was first seen has aged by then."""
    (tmp_path / "page.txt").write_bytes(recommendation(1, statuses=("Rejected", "No implementation")))
    for moment in (DAY_1, DAY_3):
        build(tmp_path / "w", [tmp_path / "page.txt"], moment, is_stated=True)
    with reading(tmp_path / "w") as db:
        (age,) = db.column("SELECT age_days FROM mart.recommendation_overview")
        assert age == (DAY_3.date() - datetime.date(2023, 10, 9)).days
        facts = status(db.connection, Settings(warehouse=tmp_path / "w"))
        assert facts["newest_observation"] == "2025-03-01T06:00:00Z"


def test_a_cut_copy_never_displaces_a_complete_one(tmp_path: Path, build: Callable[..., Any]) -> None:
    (seed,) = SHIPPED.glob("*.txt")
    page = tmp_path / "page.txt"
    folder = tmp_path / "warehouse"
    build(folder, [seed], DAY_1)
    text = seed.read_text("utf-8")
    page.write_text(text[: text.index("- information_source:") + 9], encoding="utf-8")  # its url is whole
    build(folder, [page], DAY_2)
    db = Reader(folder / "ieval.duckdb")
    rows = db.rows("SELECT is_truncated, is_current, record_id FROM raw.pages ORDER BY first_seen_at")
    assert [tuple(row.values()) for row in rows] == [(False, True, 16568), (True, False, 16568)]
    assert db.column("SELECT information_source_code FROM main.recommendations") == ["country_office"]
    assert db.column("SELECT count(*) FROM main.recommendation_status_history") == [1]
    db.connection.close()


def test_nothing_to_read_makes_an_empty_warehouse(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "pages").mkdir()
    build(tmp_path / "warehouse", [tmp_path / "pages"], DAY_1)
    db = Reader(tmp_path / "warehouse" / "ieval.duckdb")
    for table in TABLES.values():
        count = db.column(f"SELECT count(*) FROM {table.qualified_name}")[0]
        # Areas and donors are reference tables that need no page.
        assert (count > 0) == (table.group == "reference"), table.name
    db.connection.close()
