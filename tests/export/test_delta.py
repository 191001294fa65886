"""Delta tables of an export: each export is one more version, and the rows are those of the warehouse."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Built, Ieval

from pipelines.export import exporting, target
from pipelines.export.exporting import export_all
from pipelines.export.source import EXPORTABLE, ExportError
from pipelines.settings import Settings

needs_deltalake = pytest.mark.skipif(
    importlib.util.find_spec("deltalake") is None, reason="the extra `delta` is not installed"
)


@needs_deltalake
def test_delta(hostile: Built, exported: Path, tmp_path: Path) -> None:
    from deltalake import DeltaTable

    knobs = Settings(warehouse=hostile.folder)
    made = export_all(knobs, to=str(tmp_path), formats=["delta"])
    assert made.formats == ("delta",)
    for name, table in EXPORTABLE.items():
        delta = DeltaTable(tmp_path / "delta" / name)
        assert delta.version() == 0
        assert [(field.name, field.nullable) for field in delta.schema().fields] == [
            (column.name, column.nullable) for column in table.columns
        ]
        assert [field.metadata["comment"] for field in delta.schema().fields] == [
            column.words for column in table.columns
        ]
        rows = pa.table(delta.to_pyarrow_dataset().to_table())
        order = [(column, "ascending") for column in table.primary_key]
        expected = pq.read_table(exported / "parquet" / f"{name}.parquet")
        assert rows.sort_by(order).to_pylist() == expected.sort_by(order).to_pylist()
    export_all(knobs, to=str(tmp_path), formats=["delta"], tables=["regions"], anew=True)
    assert DeltaTable(tmp_path / "delta" / "regions").version() == 1
    assert [path.name for path in (tmp_path / "delta").iterdir()] == ["regions"]


@needs_deltalake
def test_delta_cannot_go_everywhere(hostile: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "STORES", {"memory"})
    with pytest.raises(ExportError, match="Delta tables cannot go to memory://somewhere; they go to folders, s3://"):
        export_all(Settings(warehouse=hostile.folder), to="memory://somewhere", formats=["delta"])


def test_delta_is_an_extra(hostile: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ExportError, match=r"pip install 'ieval-warehouse\[delta\]'"):
        export_all(Settings(warehouse=hostile.folder), to=str(tmp_path / "x"), formats=["csv", "delta"])
    assert not (tmp_path / "x").exists()


@needs_deltalake
def test_a_table_that_cannot_be_written(hostile: Built, tmp_path: Path, ieval: Ieval) -> None:
    log = tmp_path / "delta" / "regions" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("no JSON")
    done = ieval("export", "--warehouse", hostile.folder, "--to", tmp_path, "--format", "delta", "--tables", "regions")
    assert done.returncode == 1
    # one line: no traceback, nor what libraries print at the end of a process that has let nothing go
    assert done.stderr.startswith(f"ieval: {tmp_path}/delta/regions cannot be written: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "datapackage.json").exists()
