"""What an export is made of: which tables in which order, their references, their rows in batches, whom to cite."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Built

from pipelines.export import source
from pipelines.export.source import (
    EXPORTABLE,
    ExportError,
    choose_tables,
    count_rows,
    read_about,
    read_rows,
    references,
)
from pipelines.marts import MARTS
from pipelines.questions import open_warehouse
from pipelines.schema import arrow_schema
from pipelines.settings import Settings
from pipelines.tables import TABLES, key, may


def test_every_table_and_mart_by_its_plain_name() -> None:
    assert set(EXPORTABLE) == set(TABLES) | set(MARTS)
    assert len(EXPORTABLE) == len(TABLES) + len(MARTS)  # no two have the same name
    groups = [table.group for table in EXPORTABLE.values()]
    assert groups == sorted(groups, key=["marts", "core", "reference", "raw"].index)


def test_every_table_has_a_key_to_be_sorted_by() -> None:
    for table in EXPORTABLE.values():
        assert table.primary_key, table.name


def test_choose_tables() -> None:
    assert choose_tables([]) == tuple(EXPORTABLE.values())
    chosen = choose_tables(["pages", "main.lessons", "mart.recommendation_overview", "lessons"])
    assert [table.name for table in chosen] == ["recommendation_overview", "lessons", "pages"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lesons", "there is no table 'lesons'; did you mean lessons?"),
        ("raw.lessons", "there is no table 'raw.lessons'; did you mean lessons?"),
        ("", "there is no table ''; there are recommendation_overview, "),
        ("\x1b[2J", "there is no table"),
    ],
)
def test_unknown_table(name: str, words: str) -> None:
    with pytest.raises(ExportError) as caught:
        choose_tables(["lessons", name])
    assert str(caught.value).startswith(words)


def test_references_of_tables_are_the_declared_ones() -> None:
    everything = list(EXPORTABLE.values())
    for table in TABLES.values():
        assert references(table, everything) == list(table.references)


def test_references_of_views_follow_from_the_names_of_keys() -> None:
    overview = references(MARTS["recommendation_overview"], EXPORTABLE.values())
    assert (("recommendation_id",), "recommendations", ("recommendation_id",)) in overview
    assert (("page_id",), "pages", ("page_id",)) in overview
    assert (("eval_number",), "evaluations", ("eval_number",)) in overview
    assert references(MARTS["implementation"], EXPORTABLE.values()) == []


def test_references_go_to_exported_tables_only() -> None:
    assert references(TABLES["action_item_countries"], [TABLES["countries"]]) == [
        (("country_iso3",), "countries", ("country_iso3",))
    ]


@pytest.mark.parametrize("rows_a_batch", [1, 7, 4096])
def test_batches_are_even_and_in_order(hostile: Built, monkeypatch: pytest.MonkeyPatch, rows_a_batch: int) -> None:
    monkeypatch.setattr(source, "BATCH_ROWS", rows_a_batch)
    table = EXPORTABLE["country_names"]
    with open_warehouse(Settings(warehouse=hostile.folder)) as connection:
        with read_rows(connection, table) as rows:
            batches = list(rows.batches)
        expected = connection.execute("SELECT country_iso3, name FROM mart.country_names ORDER BY ALL").fetchall()
        counts = count_rows(connection, [table])
    assert {batch.num_rows for batch in batches[:-1]} <= {rows_a_batch}
    assert all(batch.schema.equals(arrow_schema(table), check_metadata=True) for batch in batches)
    assert [tuple(row.values()) for batch in batches for row in batch.to_pylist()] == expected
    assert counts == {"country_names": len(expected)}


def test_batches_do_not_depend_on_how_the_rows_arrive() -> None:
    table = source.Table("main", "numbers", "One row a number.", (key("number", "integer", "It."),))
    schema = arrow_schema(table)
    arrivals = [[1, 2], [], [3], [4, 5, 6, 7, 8, 9], [10]]
    batches = [source.pa.RecordBatch.from_pydict({"number": part}, schema) for part in arrivals]
    whole = [batch.num_rows for batch in source._even(iter(batches), table)]
    assert sum(whole) == 10
    assert list(source._even(iter([]), table)) == []
    assert whole == [10]


def test_about(hostile: Built, dangerous: Path) -> None:
    with open_warehouse(Settings(warehouse=dangerous)) as connection:
        about = read_about(connection)
    assert about.observed_at == datetime.datetime(2026, 11, 22, 5, tzinfo=datetime.UTC)
    assert about.observed == "2026-11-22 05:00 UTC"
    assert "International Labour Organization, i-eval Discovery" in about.citation
    assert "as observed on 2026-11-22" in about.citation
    with open_warehouse(Settings(warehouse=hostile.folder)) as connection:
        quality = read_about(connection).quality
    for words in (
        "of which cut: 3;",
        "texts refused: 1;",
        "accounted for: 100.0%",
        "problems: 1 error, 4 notes, 18 warn",
    ):
        assert words in quality


def test_about_of_an_empty_warehouse(build: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    build(tmp_path / "warehouse", [tmp_path / "pages"], datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC))
    with open_warehouse(Settings(warehouse=tmp_path / "warehouse")) as connection:
        about = read_about(connection)
    assert (about.observed_at, about.observed) == (None, "none yet")
    assert "not observed yet" in about.citation
    assert about.quality == "No page has been read yet."


def test_texts_for_times() -> None:
    table = source.Table("main", "times", "One row a time.", (may("at", "timestamp", "When."),))
    moment = datetime.datetime(2026, 1, 31, 5, 0, 0, 7, tzinfo=datetime.UTC)
    rows = source.pa.table({"at": [moment, None]}, arrow_schema(table))
    assert source.with_texts_for_times(rows).to_pydict() == {"at": ["2026-01-31T05:00:00.000007Z", None]}
