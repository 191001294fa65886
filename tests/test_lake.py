"""The gate before every table, and writing that leaves either the old file or the new one."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import lake
from pipelines.lake import GateError, conform, describe, write_parquet, write_table
from pipelines.schema import arrow_schema
from pipelines.tables import Table, key, may, need

TABLE = Table(
    "main",
    "trials",
    "One row a trial.",
    (
        key("trial_id", "integer", "Number."),
        need("label", "text", "Words."),
        may("share", "double", "Share."),
        may("is_done", "boolean", "Whether."),
        may("day", "date", "Day."),
        may("seen_at", "timestamp", "When."),
    ),
)
DAY = datetime.date(2023, 1, 16)
MOMENT = datetime.datetime(2023, 1, 16, 1, 2, 3, 456789, tzinfo=datetime.UTC)
COLUMNS: dict[str, Any] = {
    "trial_id": [1, 2],
    "label": ["one", "two"],
    "share": [0.5, None],
    "is_done": [True, None],
    "day": [DAY, None],
    "seen_at": pa.array([MOMENT, None], pa.timestamp("us", "UTC")),
}


def rows(**columns: Any) -> pa.Table:
    return pa.table({**COLUMNS, **columns})


def test_what_is_as_declared_passes() -> None:
    passed = conform(rows(), TABLE)
    assert passed.schema.equals(arrow_schema(TABLE), check_metadata=True)
    assert passed.to_pylist() == rows().to_pylist()


@pytest.mark.parametrize(
    "columns",
    [
        {"label": pa.array(["one", "two"], pa.large_string())},
        {"label": pa.array(["one", "two"]).dictionary_encode()},
        {"trial_id": pa.array([1, 2], pa.int32())},
        {"share": pa.nulls(2)},
        {"is_done": pa.nulls(2, pa.bool_())},
    ],
)
def test_other_forms_of_the_same_type_become_the_declared_one(columns: dict[str, Any]) -> None:
    assert conform(rows(**columns), TABLE).schema.equals(arrow_schema(TABLE))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (rows().drop_columns(["share"]), r"missing \['share'\], undeclared \[\]"),
        (rows(extra=[1, 2]), r"missing \[\], undeclared \['extra'\]"),
        (rows().select(["label", "trial_id", "share", "is_done", "day", "seen_at"]), r"order \['label', 'trial_id'"),
        (rows().rename_columns(["trial_id", "name", "share", "is_done", "day", "seen_at"]), r"missing \['label'\]"),
        (rows(label=["one", None]), "main.trials.label: 1 NULLs"),
        (rows(trial_id=[None, 2]), "main.trials.trial_id: 1 NULLs"),
        (pa.table({}), "missing"),
    ],
    ids=["missing", "extra", "order", "renamed", "null", "null key", "nothing"],
)
def test_gate_refuses(given: pa.Table, words: str) -> None:
    with pytest.raises(GateError, match=words) as caught:
        conform(given, TABLE)
    assert "main.trials" in str(caught.value)


@pytest.mark.parametrize(
    "columns",
    [
        {"trial_id": ["one", "two"]},
        {"trial_id": ["1", "2"]},
        {"trial_id": [1.5, 2.0]},
        {"trial_id": [True, False]},
        {"trial_id": pa.array([1, 2**63], pa.uint64())},
        {"label": [1, 2]},
        {"label": [b"one", b"\xff"]},
        {"label": [True, False]},
        {"label": [["one"], ["two"]]},
        {"share": ["0.5", None]},
        {"is_done": ["true", None]},
        {"is_done": [1, 0]},
        {"day": ["2023-01-16", None]},
        {"day": [19373, None]},
        {"seen_at": pa.array([1_000_000_001, None], pa.timestamp("ns", "UTC"))},
        {"seen_at": pa.array([MOMENT.replace(tzinfo=None), None], pa.timestamp("us"))},
    ],
    ids=lambda columns: "-".join(f"{name} {pa.array(values).type!s}" for name, values in columns.items()),
)
def test_gate_refuses_other_types(columns: dict[str, Any]) -> None:
    with pytest.raises(GateError, match=r"main\.trials"):
        conform(rows(**columns), TABLE)


def test_refused_rows_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(GateError):
        write_table(rows(label=["one", None]), TABLE, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_written_table(tmp_path: Path) -> None:
    file = write_table(rows(), TABLE, tmp_path / "new" / "folder")
    path = tmp_path / "new" / "folder" / "trials.parquet"
    assert list(path.parent.iterdir()) == [path]
    assert (file.name, file.rows, file.bytes) == ("trials", 2, path.stat().st_size)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert describe(path, 2) == file
    read = pq.read_table(path)
    assert read.schema.equals(arrow_schema(TABLE), check_metadata=True)
    assert read.to_pylist() == rows().to_pylist()


def test_same_rows_same_bytes(tmp_path: Path) -> None:
    first = write_table(rows(), TABLE, tmp_path / "a")
    # However they come: in chunks, or as another form of the type.
    chunked = pa.concat_tables([rows().slice(0, 1), rows().slice(1)])
    assert write_table(chunked, TABLE, tmp_path / "b") == first
    assert write_table(rows(trial_id=pa.array([1, 2], pa.int32())), TABLE, tmp_path / "c") == first
    assert write_table(rows(trial_id=[1, 3]), TABLE, tmp_path / "d") != first


def test_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trials.parquet"
    write_parquet(rows(), path)
    before = path.read_bytes()

    def fail(table: pa.Table, file: Any, **options: Any) -> None:
        file.write(b"half a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(lake.pq, "write_table", fail)
    with pytest.raises(OSError, match="no space left"):
        write_parquet(rows(trial_id=[3, 4]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_readers_of_the_old_file_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "trials.parquet"
    write_parquet(rows(), path)
    with path.open("rb") as reader:
        before = reader.read(10)
        write_parquet(rows(trial_id=[3, 4]), path)
        assert before + reader.read() != path.read_bytes()
        reader.seek(0)
        assert pq.read_table(reader)["trial_id"].to_pylist() == [1, 2]
