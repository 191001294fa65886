"""The knobs: what each takes, what it is where nobody says, and where things lie then."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines import settings
from pipelines.settings import Settings, SettingsError


def megabytes(limit: str) -> float:
    """What DuckDB makes of a memory limit."""
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{limit}'")
        ((text,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
    number, unit = text.split()
    return float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]


@pytest.mark.parametrize("limit", ["1GB", "500MB", "1.5GiB", "2 GB", "300000kB", "0.5%"])
@pytest.mark.parametrize("shares", [1, 2, 3])
def test_shares_of_the_memory_are_amounts_that_duckdb_takes(
    monkeypatch: pytest.MonkeyPatch, limit: str, shares: int
) -> None:
    monkeypatch.setenv("IEVAL_MEMORY_LIMIT", limit)
    assert megabytes(Settings().memory_share(shares)) == pytest.approx(megabytes(limit) / shares, rel=0.05)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEMORY_LIMIT", "lots"),
        ("MEMORY_LIMIT", "1"),
        ("MEMORY_LIMIT", "-1GB"),
        ("MEMORY_LIMIT", "1GB; DROP TABLE x"),
        ("MEMORY_LIMIT", "1'GB"),
        ("ENGINE", "spark"),
        ("ENGINE", "pool "),
        ("WORKERS", "0"),
        ("WORKERS", "1.5"),
        ("SCHEDULE", "daily"),
        ("TIME_ZONE", "Mars/Olympus"),
    ],
)
def test_what_a_knob_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"IEVAL_{name}", value)
    with pytest.raises(SettingsError, match=rf"IEVAL_{name} is .*; it takes "):
        Settings()


@pytest.mark.parametrize("limit", ["0GB", "40MB", "99999kB", "0%"])
def test_too_little_memory_is_refused(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setenv("IEVAL_MEMORY_LIMIT", limit)
    with pytest.raises(SettingsError, match=f"IEVAL_MEMORY_LIMIT is '{limit}'; DuckDB needs 100MB at least"):
        Settings()


def test_an_address_of_this_machine_is_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IEVAL_PARTS", "file:///somewhere/parts")
    assert Settings().page_store == Path("/somewhere/parts/pages")


def test_parts_are_kept_in_the_warehouse(tmp_path: Path) -> None:
    knobs = Settings(warehouse=tmp_path)
    assert (knobs.page_store, knobs.records, knobs.places) == (
        tmp_path / "pages",
        tmp_path / "records",
        tmp_path / "places",
    )
    assert (knobs.engine, knobs.scheduler, knobs.parts) == ("pool", "", "")


def test_parts_may_be_kept_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a cluster has to see lies there; everything else stays where it is."""
    monkeypatch.setenv("IEVAL_PARTS", str(tmp_path / "shared"))
    knobs = Settings(warehouse=tmp_path / "warehouse")
    assert {knobs.page_store.parent, knobs.records.parent, knobs.places.parent} == {tmp_path / "shared"}
    for path in (knobs.parquet, knobs.database, knobs.manifest, knobs.source_manifest, knobs.staging):
        assert path.parent == tmp_path / "warehouse"


def test_an_address_of_parts_is_used_like_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("upath")
    monkeypatch.setenv("IEVAL_PARTS", "memory://bucket/ieval")
    knobs = Settings()
    assert str(knobs.page_store) == "memory://bucket/ieval/pages"
    assert str(knobs.records / "part.parquet") == "memory://bucket/ieval/records/part.parquet"


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ENGINE", "PARTS", "SCHEDULER", "WORKERS", "MEMORY_LIMIT", "PAGES"):
        monkeypatch.setenv(f"IEVAL_{name}", "")
    knobs = Settings(warehouse=tmp_path)
    assert (knobs.engine, knobs.memory_limit, knobs.page_store) == ("pool", "1GB", tmp_path / "pages")
    assert knobs.workers >= 1
    assert knobs.pages_to_read == [str(settings.from_here(settings.SEED_PAGES))]
