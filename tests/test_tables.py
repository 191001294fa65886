"""The declarations of tables and views, and of problem codes: sane in themselves and with each other."""

from __future__ import annotations

import re

import pytest

from pipelines import settings
from pipelines.marts import MARTS
from pipelines.problems import ERROR, NOTE, PROBLEM_CODES, WARNING
from pipelines.records import TEXT_COLUMNS
from pipelines.schema import ARROW_TYPES, SQL_TYPES
from pipelines.sql_files import read_folder
from pipelines.tables import CORE_TABLES, RAW_TABLES, RECORD_KINDS, REFERENCE_TABLES, TABLES, Column, Table

ALL = [*TABLES.values(), *MARTS.values()]
COLUMNS = [(table, column) for table in ALL for column in table.columns]
IDS = [f"{table.name}.{column.name}" for table, column in COLUMNS]
#: The contract: other people's reports hang on these names.
CONTRACT = {
    "raw": "pages page_sightings page_fields",
    "main": "evaluations evaluation_locations recommendations lessons good_practices record_themes "
    "recommendation_admin_units recommendation_projects projects recommendation_steps action_items "
    "action_item_countries country_mentions recommendation_status_history problems "
    "countries regions themes management_responses progress_levels information_sources admin_units project_areas "
    "project_donors problem_codes",
    "mart": "recommendation_overview country_action_items country_profile open_recommendations implementation_by_theme "
    "implementation_by_country implementation_by_region implementation_by_year implementation_by_admin_unit "
    "implementation_by_donor status_conflicts status_changes data_quality",
}


def test_contract() -> None:
    for schema, names in CONTRACT.items():
        declared = {table.name for table in ALL if table.schema == schema}
        assert set(names.split()) <= declared
        # Views may be added; a table that is added is added to the contract.
        assert schema == "mart" or set(names.split()) == declared


def test_names_are_unique() -> None:
    assert len(TABLES) == len((*RAW_TABLES, *CORE_TABLES, *REFERENCE_TABLES))
    assert not TABLES.keys() & MARTS.keys()
    for table in ALL:
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names), table.name


def test_groups() -> None:
    assert {table.group for table in RAW_TABLES} == {"raw"}
    assert {table.group for table in CORE_TABLES} == {"core"}
    assert {table.group for table in REFERENCE_TABLES} == {"reference"}
    assert {view.group for view in MARTS.values()} == {"marts"}


def test_every_table_has_one_sql_file() -> None:
    assert read_folder(settings.SQL / "tables").keys() == TABLES.keys()
    assert read_folder(settings.SQL / "marts").keys() == MARTS.keys()


@pytest.mark.parametrize("table", ALL, ids=[table.name for table in ALL])
def test_table(table: Table) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", table.name)
    assert table.primary_key
    assert table.columns[0].key
    assert table.words.startswith("One row ")
    assert table.words.endswith(".")


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=IDS)
def test_column(table: Table, column: Column) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
    assert column.type in ARROW_TYPES.keys() & SQL_TYPES.keys()
    assert column.words[0].isalpha() or column.words[0] == "`", column.words
    assert column.words.endswith("."), column.words
    assert "{}" not in column.words
    assert not (column.key and column.nullable) or table.schema == "mart"


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=IDS)
def test_closed_list(table: Table, column: Column) -> None:
    assert len(set(column.values)) == len(column.values)
    assert not column.values or column.type == "text"
    assert all(value == value.strip() and value for value in column.values)


def test_references_point_at_keys() -> None:
    count = 0
    for table in TABLES.values():
        columns = {column.name: column for column in table.columns}
        for ours, referenced, theirs in table.references:
            target = TABLES[referenced]
            assert target.primary_key == theirs, (table.name, ours)
            types = {column.name: column.type for column in target.columns}
            for our, their in zip(ours, theirs, strict=True):
                assert columns[our].type == types[their], (table.name, our)
            count += 1
    assert count > 30


def test_codes_and_countries_refer_to_reference_tables() -> None:
    for table in (*RAW_TABLES, *CORE_TABLES):
        for column in table.columns:
            if column.name.endswith(("_code", "country_iso3")):
                assert column.references, f"{table.name}.{column.name}"
                assert TABLES[column.references.split(".")[0]].group == "reference"


def test_a_column_means_the_same_everywhere() -> None:
    types: dict[str, set[str]] = {}
    for _, column in COLUMNS:
        types.setdefault(column.name, set()).add(column.type)
    assert {name: found for name, found in types.items() if len(found) > 1} == {}


def test_kinds_of_record_are_the_ones_that_are_read() -> None:
    assert set(RECORD_KINDS) == set(TEXT_COLUMNS)
    for kind, name in zip(RECORD_KINDS, ("recommendations", "lessons", "good_practices"), strict=True):
        assert set(TEXT_COLUMNS[kind]) <= {column.name for column in TABLES[name].columns}


def test_problem_codes() -> None:
    for code, (severity, meaning) in PROBLEM_CODES.items():
        assert re.fullmatch(r"[a-z0-9_]+", code)
        assert severity in (NOTE, WARNING, ERROR)
        assert meaning[0].isupper()
        assert meaning.endswith(".")
    (severities,) = [column.values for column in TABLES["problem_codes"].columns if column.name == "severity"]
    assert set(severities) == {NOTE, WARNING, ERROR}
