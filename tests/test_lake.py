"""The gate before every table, and writing that leaves either the old file or the new one."""

from __future__ import annotations

import datetime
import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import lake
from pipelines.lake import (
    DamagedFileError,
    GateError,
    TableFile,
    conform,
    describe,
    open_parquet,
    write_parquet,
    write_table,
)
from pipelines.schema import arrow_schema
from pipelines.tables import INTEGER, TEXT, Table, key, may, need

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


def write(given: pa.Table, folder: Path) -> TableFile:
    return write_table(given.to_batches(), TABLE, folder)


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


def files(folder: Path) -> list[Path]:
    """Every file below a folder, hidden ones too."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_refused_rows_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(GateError):
        write(rows(label=["one", None]), tmp_path / "folder")
    assert files(tmp_path) == []


def test_rows_that_are_refused_late_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups pass the gate one by one: those before the one that does not are not left behind."""
    monkeypatch.setattr(lake, "ROW_GROUP_ROWS", 2)
    write(rows(), tmp_path)
    before = (tmp_path / "trials.parquet").read_bytes()
    with pytest.raises(GateError, match="1 NULLs"):
        write_table([*rows().to_batches(), *rows(label=["one", None]).to_batches()], TABLE, tmp_path)
    assert files(tmp_path) == [tmp_path / "trials.parquet"]
    assert (tmp_path / "trials.parquet").read_bytes() == before


def test_written_table(tmp_path: Path) -> None:
    file = write(rows(), tmp_path / "new" / "folder")
    path = tmp_path / "new" / "folder" / "trials.parquet"
    assert list(path.parent.iterdir()) == [path]
    assert (file.name, file.rows, file.bytes) == ("trials", 2, path.stat().st_size)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert describe(path, 2) == file
    read = pq.read_table(path)
    assert read.schema.equals(arrow_schema(TABLE), check_metadata=True)
    assert read.to_pylist() == rows().to_pylist()


def test_a_table_without_rows(tmp_path: Path) -> None:
    for batches in ([], rows().slice(0, 0).to_batches(), [pa.RecordBatch.from_pylist([], rows().schema)] * 2):
        file = write_table(batches, TABLE, tmp_path)
        assert (file.rows, pq.read_table(tmp_path / "trials.parquet").num_rows) == (0, 0)
        assert pq.read_schema(tmp_path / "trials.parquet").equals(arrow_schema(TABLE), check_metadata=True)


def test_same_rows_same_bytes(tmp_path: Path) -> None:
    first = write(rows(), tmp_path / "a")
    # However they come: in chunks, or as another form of the type.
    chunked = pa.concat_tables([rows().slice(0, 1), rows().slice(1)])
    assert write(chunked, tmp_path / "b") == first
    assert write(rows(trial_id=pa.array([1, 2], pa.int32())), tmp_path / "c") == first
    assert write(rows(trial_id=[1, 3]), tmp_path / "d") != first


def many(count: int) -> pa.Table:
    """Rows of all sorts, some of them with values that the others do not have."""
    return pa.table(
        {
            "trial_id": pa.array(range(count), pa.int64()),
            "label": [f"label {number % 7} " * (number % 5 + 1) for number in range(count)],
            "share": [None if number % 3 else number / 7 for number in range(count)],
            "is_done": [None if number < count // 2 else number % 2 == 0 for number in range(count)],
            "day": [DAY] * count,
            "seen_at": pa.array([MOMENT] * count, pa.timestamp("us", "UTC")),
        }
    )


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 47), max_size=12))
def test_however_the_batches_are_cut_the_bytes_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lake, "ROW_GROUP_ROWS", 10)
        table, folder = many(47), tmp_path_factory.mktemp("cut")
        whole = write(table.combine_chunks(), folder / "whole")
        bounds = [0, *sorted(cuts), 47]
        pieces = [table.slice(start, end - start) for start, end in pairwise(bounds)]
        assert write_table([batch for piece in pieces for batch in piece.to_batches()], TABLE, folder / "cut") == whole
    with pq.ParquetFile(folder / "cut" / "trials.parquet") as file:
        assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [10, 10, 10, 10, 7]
        assert file.read().to_pylist() == table.to_pylist()


def test_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trials.parquet"
    write_parquet(rows(), path)
    before = path.read_bytes()

    def fail(writer: pq.ParquetWriter, table: pa.Table, **options: Any) -> None:
        writer.file_handle.write(b"half a file") if writer.file_handle else None
        raise OSError("no space left on device")

    monkeypatch.setattr(lake.pq.ParquetWriter, "write_table", fail)
    with pytest.raises(OSError, match="no space left"):
        write_parquet(rows(trial_id=[3, 4]), path)
    with pytest.raises(OSError, match="no space left"):
        write(rows(trial_id=[3, 4]), tmp_path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failure_at_the_last_step_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "trials.parquet"
    write_parquet(rows(), path)
    before = path.read_bytes()

    def fail(*_: Any) -> None:
        raise OSError("the power went")

    monkeypatch.setattr(*((lake.os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match="the power went"):
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


def test_at_an_address_nothing_is_left_of_what_was_not_written_to_its_end() -> None:
    """Neither half a file nor, as a Parquet writer that is closed would leave, a whole one with fewer rows."""
    upath = pytest.importorskip("upath")
    folder = upath.UPath("memory://lake-broken")
    with (
        pytest.raises(RuntimeError, match="broken off"),
        lake._writer(folder / "trials.parquet", rows().schema) as file,
    ):
        file.write_table(rows())
        raise RuntimeError("broken off")
    assert not (folder / "trials.parquet").exists()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "trials.parquet"
    write_parquet(rows(), path)
    path.write_bytes(path.read_bytes()[:-10])
    with (
        pytest.raises(DamagedFileError, match=r"trials\.parquet is damaged \(.*\): restore it from a backup"),
        open_parquet(path),
    ):
        pass


def test_large_texts_make_small_row_groups(tmp_path: Path) -> None:
    """So many that DuckDB reads 32 MB at once; the same ones however the batches are cut."""
    table = Table("main", "texts", "", (key("number", INTEGER, ""), may("text", TEXT, "")), group="facts")
    whole = pa.table({"number": pa.array(range(1000), pa.int64()), "text": ["x" * 100_000] * 1000})
    found = {}
    for size in (1000, 7):
        write_table(whole.to_batches(size), table, tmp_path)
        metadata = pq.read_metadata(tmp_path / "texts.parquet")
        found[size] = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert found[1000] == found[7] == [320, 320, 320, 40]


def test_an_fsspec_address_is_used_like_a_path() -> None:
    """Parts for a cluster lie in shared storage: whole when they are closed, and the same bytes as here."""
    upath = pytest.importorskip("upath")
    folder = upath.UPath("memory://lake-test/records")
    path = folder / "trials.parquet"
    try:
        write_parquet(rows(), path)
        assert [found.name for found in folder.iterdir()] == ["trials.parquet"]
        with open_parquet(path) as file:
            assert file.read().to_pylist() == rows().to_pylist()
        write_parquet(rows(trial_id=[3, 4]), path)
        with open_parquet(path) as file:
            assert file.read()["trial_id"].to_pylist() == [3, 4]
    finally:
        folder.fs.rm("/lake-test", recursive=True)
