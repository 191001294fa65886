"""The demonstration: a warehouse of invented pages in a folder of its own, that nobody can take for their own."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from conftest import run_ieval

from pipelines import demo
from pipelines.settings import Settings


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    done = run_ieval("demo", "--pages", "160", "--to", folder, "--no-serve")
    assert done.returncode == 0, done.stderr
    return folder, done.stderr


def test_everything_is_there(built: tuple[Path, str]) -> None:
    folder, said = built
    assert str(folder) in said
    assert "not your own warehouse" in said
    assert Settings(warehouse=folder).is_demo
    for name in ("ieval.xlsx", "ieval.sqlite", "datapackage.json", "parquet/recommendations.parquet"):
        assert (folder / "export" / name).exists()
    with duckdb.connect(str(folder / "ieval.duckdb"), read_only=True) as warehouse:
        (pages, changes) = warehouse.execute(
            "SELECT (SELECT count(*) FROM raw.pages), (SELECT count(*) FROM mart.status_changes)"
        ).fetchall()[0]
        sources = [source for (source,) in warehouse.execute("SELECT source_uri FROM raw.pages").fetchall()]
    assert pages == 160
    assert changes > 0
    assert all(source.startswith("invented") for source in sources)  # no folder of this computer


def test_nothing_is_made_twice(built: tuple[Path, str]) -> None:
    folder, _ = built
    before = (folder / "ieval.duckdb").stat().st_mtime_ns
    done = run_ieval("demo", "--pages", "160", "--to", folder, "--no-serve")
    assert done.returncode == 0
    assert "nothing new" in done.stderr
    assert (folder / "ieval.duckdb").stat().st_mtime_ns == before


def test_one_that_was_not_completed_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    knobs = Settings(warehouse=folder)
    folder.mkdir()
    knobs.demo_mark.write_text(json.dumps({"invented": True, "pages": 3, "seed": 1, "is_complete": False}))
    (folder / "old").write_text("x")
    done = run_ieval("demo", "--pages", "3", "--to", folder, "--no-serve")
    assert done.returncode == 0, done.stderr
    assert not (folder / "old").exists()
    assert json.loads(knobs.demo_mark.read_text()) == {"invented": True, "pages": 3, "seed": 1, "is_complete": True}


@pytest.mark.parametrize("name", ["ieval.duckdb", "letter.txt"])
def test_what_is_no_demonstration_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(demo.DemoError, match="holds something that is no demonstration"):
        demo.build(Settings(warehouse=tmp_path), 5, lambda words: None)
    assert (tmp_path / name).read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_damaged_mark_is_a_mark(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text("{")
    assert Settings(warehouse=tmp_path).is_demo
