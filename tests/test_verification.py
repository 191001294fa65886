"""Verification finds whatever is not as it was published, and nothing where all is well."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PAGES, PROJECT, SHIPPED, Built, Ieval
from small_pages import quick, recommendation

from pipelines.lake import describe, write_table
from pipelines.publication import describe_database
from pipelines.settings import Settings
from pipelines.tables import TABLES
from pipelines.verification import VerificationError, verify

DAY_1 = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
DAY_2 = datetime.datetime(2024, 9, 1, 6, tzinfo=datetime.UTC)
DAY_3 = datetime.datetime(2025, 2, 1, 6, tzinfo=datetime.UTC)


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    with quick():
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, build: Callable[..., Any]) -> Path:
    """A warehouse with history: pages seen several times, one of them back at an earlier content."""
    folder = tmp_path_factory.mktemp("whole")
    latin = tmp_path_factory.mktemp("latin") / "latin.txt"  # its bytes are kept beside its text
    latin.write_bytes(recommendation(7).replace(b"Salt", b"\xe9t\xe9"))
    build(folder, [SHIPPED, PAGES, latin], DAY_2, is_stated=True)
    build(folder, [PAGES], DAY_3, is_stated=True)
    build(folder, [SHIPPED], DAY_1, is_stated=True)
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of it to do harm to."""
    shutil.copytree(whole, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def put(folder: Path, name: str, rows: pa.Table) -> None:
    """Other rows in a table, with a manifest that says so."""
    file = write_table(rows.to_batches(), TABLES[name], folder / "current" / "parquet")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["tables"] = [asdict(file) if entry["name"] == name else entry for entry in manifest["tables"]]
    (folder / "current" / "manifest.json").write_text(json.dumps(manifest))


def with_value(rows: pa.Table, column: str, value: object) -> pa.Table:
    position = rows.schema.get_field_index(column)
    values = [value, *rows[column].to_pylist()[1:]]
    return rows.set_column(position, rows.schema.field(column), pa.array(values, rows.schema.field(column).type))


def test_all_is_well(whole: Path) -> None:
    bytes_beside_text = pq.read_table(whole / "parquet" / "pages.parquet")["page_bytes_base64"]
    assert bytes_beside_text.null_count < len(bytes_beside_text)
    before = sorted((path, path.stat().st_mtime_ns) for path in whole.rglob("*"))
    assert verify(Settings(warehouse=whole), is_deep=True) == []
    assert sorted((path, path.stat().st_mtime_ns) for path in whole.rglob("*")) == before


@pytest.mark.parametrize("name", ["parquet/lessons.parquet", "parquet/pages.parquet", "ieval.duckdb"])
@pytest.mark.parametrize("harm", [flip, Path.unlink, lambda path: path.write_bytes(path.read_bytes() + b"x")])
def test_a_damaged_file_is_named(copy: Path, name: str, harm: Callable[[Path], None]) -> None:
    harm(copy / "current" / name)
    (words,) = verify(Settings(warehouse=copy), is_deep=True)
    assert f"/{name} " in words
    assert "`ieval run --rebuild` makes it anew" in words


def test_other_rows_in_the_database_are_found(copy: Path) -> None:
    database = copy / "current" / "ieval.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("UPDATE main.lessons SET context = context || ' ' WHERE lesson_id = 900101")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["database"] = asdict(describe_database(database))
    (copy / "current" / "manifest.json").write_text(json.dumps(manifest))
    expected = ["main.lessons has other rows in the database than in its Parquet file"]
    assert verify(Settings(warehouse=copy), is_deep=False) == expected


def test_a_wrong_result_is_found_by_computing_it_again(copy: Path) -> None:
    rows = pq.read_table(copy / "parquet" / "country_mentions.parquet")
    put(copy, "country_mentions", rows.slice(1))
    words = verify(Settings(warehouse=copy), is_deep=True)
    assert any("main.country_mentions comes out otherwise" in each for each in words)
    assert len(words) == 2  # and the database has other rows


def test_a_damaged_page_is_named(copy: Path) -> None:
    rows = pq.read_table(copy / "parquet" / "pages.parquet")
    put(copy, "pages", with_value(rows, "page_text", "other words"))
    words = verify(Settings(warehouse=copy), is_deep=True)
    assert any(f"the page {rows['page_id'][0]} (" in each and "is damaged" in each for each in words)


def test_nothing_to_verify(tmp_path: Path, copy: Path) -> None:
    (copy / "current" / "manifest.json").write_text("{")
    for folder in (tmp_path / "nowhere", copy):
        with pytest.raises(VerificationError, match="missing or damaged: `ieval run` publishes"):
            verify(Settings(warehouse=folder), is_deep=True)


def test_manifest_has_the_rows_and_hashes_of_every_file(whole: Path) -> None:
    manifest = json.loads((whole / "manifest.json").read_text())
    for entry in manifest["tables"]:
        assert asdict(describe(whole / "parquet" / f"{entry['name']}.parquet", entry["rows"])) == entry
    assert manifest["run_id"] == "a-run"
    assert datetime.datetime.fromisoformat(manifest["published_at"]).tzinfo is datetime.UTC


def test_command(hostile: Built, copy: Path, ieval: Ieval) -> None:
    done = ieval("check", "--deep", "--warehouse", hostile.folder)
    assert done.returncode == 0, done.stdout
    assert "every file is as it was published, and comes out the same when it is computed again" in done.stdout
    flip(copy / "current" / "parquet" / "lessons.parquet")
    done = ieval("check", "--warehouse", copy)
    assert done.returncode == 1
    assert "lessons.parquet is not the file that run a-run published" in done.stdout
    assert "not as published: 1" in done.stdout
    assert done.stderr == ""


SETPRIV = shutil.which("setpriv")


@pytest.mark.skipif(SETPRIV is None or os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["check"], 0, "every file is as it was published"),
        (["check", "--deep"], 0, "comes out the same when it is computed again"),
        (["serve", "--read-only"], 1, "run this as the user whose warehouse it is"),
    ],
    ids=["check", "deep", "serve"],
)
def test_who_may_only_read(hostile: Built, tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    """Somebody else's warehouse, and we are root no longer where it comes to files."""
    warehouse = Path(shutil.copytree(hostile.folder, tmp_path / "w", symlinks=True))
    for path in (warehouse, *warehouse.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
        os.chown(path, 65534, 65534, follow_symlinks=False)
    command = [str(SETPRIV), "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all"]
    command += [sys.executable, "-m", "pipelines", *arguments, "--warehouse", str(warehouse)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "DAGSTER_HOME": ""}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert "Traceback" not in done.stderr
    assert (done.returncode, words in done.stdout + done.stderr) == (code, True), done.stderr
