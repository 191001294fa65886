"""Dagster's home in the warehouse: nothing leaves it, and a run is quick in it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy
import yaml
from dagster._core.storage.event_log.sqlite import sqlite_event_log

from pipelines import dagster_home
from pipelines.settings import Settings


def test_home_has_telemetry_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME")
    home = dagster_home.prepare(Settings(warehouse=tmp_path / "new" / "warehouse"))
    assert home == tmp_path / "new" / "warehouse" / ".dagster"
    config = yaml.safe_load((home / "dagster.yaml").read_text("utf-8"))
    assert config["telemetry"] == {"enabled": False}
    assert config["nux"] == {"enabled": False}


def test_a_home_of_ones_own_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").write_text("# mine\n", encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert dagster_home.prepare(Settings(warehouse=tmp_path / "warehouse")) == tmp_path
    assert (tmp_path / "dagster.yaml").read_text("utf-8") == "# mine\n"


def test_a_run_has_one_engine_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    create = sqlalchemy.create_engine
    monkeypatch.setattr(sqlalchemy, "create_engine", lambda url, **how: made.append(url) or create(url, **how))
    before = sqlite_event_log.create_engine
    with (
        dagster_home.engines_kept(),
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
    ):
        instance.report_runless_asset_event(dg.AssetMaterialization("one"))
        instance.report_runless_asset_event(dg.AssetMaterialization("two"))
        assert [str(key.path[0]) for key in instance.get_asset_keys()] == ["one", "two"]
        with instance.event_log_storage.index_connection() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1  # NORMAL
    assert len(made) > 1
    assert len(made) == len(set(made))
    assert sqlite_event_log.create_engine is before


def test_these_tests_do_not_phone_home() -> None:
    with dg.DagsterInstance.get() as instance:
        assert instance.telemetry_enabled is False
