"""A folder of pages, or our warehouse of it → what the single steps cost that no program can leave out.

    python -m benchmarks.limits read PAGES_DIR            reading every file
    python -m benchmarks.limits write WAREHOUSE OUT_DIR   writing our Parquet tables from memory
    python -m benchmarks.limits load WAREHOUSE OUT_DIR    loading our DuckDB file from them, with keys and comments
    python -m benchmarks.limits copy WAREHOUSE OUT_DIR    the same without keys and comments

The step alone is timed, without start and preparation; wall and CPU seconds are printed as JSON. What a whole program
needs does not belong here.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines.database import STORAGE_VERSION
from pipelines.lake import write_parquet
from pipelines.schema import comments, create_table, load_order, quote
from pipelines.settings import Settings
from pipelines.tables import TABLES, Table


def read(pages: Path) -> Callable[[], None]:
    """Read every file, one after the other, and keep nothing."""

    def step() -> None:
        for file in pages.iterdir():
            file.read_bytes()

    return step


def write(warehouse: Path, out: Path) -> Callable[[], None]:
    """Write every published table as we write it."""
    tables = {path.name: pq.read_table(path) for path in Settings(warehouse=warehouse).parquet.glob("*.parquet")}

    def step() -> None:
        for name, rows in tables.items():
            write_parquet(rows, out / name)

    return step


def load(warehouse: Path, out: Path) -> Callable[[], None]:
    """Load every published table into a DuckDB file as we declare it: keys, references, closed lists, words."""

    def fill(connection: duckdb.DuckDBPyConnection, table: Table, rows: str) -> None:
        connection.execute(create_table(table))
        connection.execute(f"INSERT INTO {table.qualified_name} BY NAME {rows}")
        connection.execute("".join(comments(table)))

    return _into_database(warehouse, out, fill)


def copy(warehouse: Path, out: Path) -> Callable[[], None]:
    """Load every published table into a DuckDB file as it is."""

    def fill(connection: duckdb.DuckDBPyConnection, table: Table, rows: str) -> None:
        connection.execute(f"CREATE TABLE {table.qualified_name} AS {rows}")

    return _into_database(warehouse, out, fill)


def _into_database(
    warehouse: Path, out: Path, fill: Callable[[duckdb.DuckDBPyConnection, Table, str], None]
) -> Callable[[], None]:
    knobs = Settings(warehouse=warehouse)
    out.mkdir(parents=True, exist_ok=True)

    def step() -> None:
        with duckdb.connect(config={"memory_limit": knobs.memory_limit}) as connection:
            connection.execute("SET preserve_insertion_order = false")
            connection.execute(
                f"ATTACH {quote(str(out / 'ieval.duckdb'))} AS ieval (STORAGE_VERSION '{STORAGE_VERSION}')"
            )
            connection.execute("USE ieval; CREATE SCHEMA raw;")
            for table in load_order(TABLES.values()):
                fill(connection, table, f"SELECT * FROM read_parquet({quote(f'{knobs.parquet}/{table.name}.parquet')})")
            connection.execute("USE memory; DETACH ieval;")

    return step


STEPS: dict[str, Callable[..., Callable[[], None]]] = {"read": read, "write": write, "load": load, "copy": copy}


def main() -> None:
    """Prepare a step, time it and print what it cost."""
    step = STEPS[sys.argv[1]](*map(Path, sys.argv[2:]))
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    print(json.dumps({"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
