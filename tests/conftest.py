"""What the tests share: a Dagster home without telemetry, the command line, and warehouses that are made only once.

Whatever forgets to say where its warehouse is writes to a scratch folder, never to the project's own `warehouse/`.
"""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
PAGES = PROJECT / "tests" / "pages"
SHIPPED = PROJECT / "seeds" / "pages"

# Dagster reads DAGSTER_HOME when it is imported: before any test module is.
_SCRATCH = Path(tempfile.mkdtemp(prefix="ieval-tests-"))
_HOME = _SCRATCH / "dagster"
_HOME.mkdir()
(_HOME / "dagster.yaml").write_text("telemetry:\n  enabled: false\nnux:\n  enabled: false\n", encoding="utf-8")
for _name in [name for name in os.environ if name.startswith("IEVAL_")]:
    del os.environ[_name]
os.environ["DAGSTER_HOME"] = str(_HOME)
os.environ["IEVAL_WAREHOUSE"] = str(_SCRATCH / "nobody-said-where")
os.environ["COLUMNS"] = "100"


def pytest_unconfigure() -> None:
    shutil.rmtree(_SCRATCH, ignore_errors=True)


Ieval = Callable[..., subprocess.CompletedProcess[str]]


def run_ieval(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`ieval …` in a process of its own, from a folder that is nobody's."""
    variables = {**os.environ, "PYTHONPATH": str(PROJECT), **environment}
    command = [sys.executable, "-m", "pipelines", *map(os.fspath, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=variables, cwd=_SCRATCH, timeout=120)


@pytest.fixture(scope="session")
def ieval() -> Ieval:
    """Runs the command line in a process of its own."""
    return run_ieval


@dataclass(frozen=True)
class Built:
    """A warehouse that `ieval run` made, and what it said."""

    folder: Path
    stdout: str
    stderr: str

    @property
    def database(self) -> Path:
        return self.folder / "ieval.duckdb"


def _build(folder: Path, *arguments: str | Path) -> Built:
    # DAGSTER_HOME unset: the home is the warehouse's own.
    done = run_ieval("run", *arguments, "--warehouse", folder, DAGSTER_HOME="")
    assert done.returncode == 0, done.stderr
    return Built(folder, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The warehouse of tests/pages. Only to be read."""
    return _build(tmp_path_factory.mktemp("hostile"), PAGES, "--json")


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The warehouse of seeds/pages, which is what a run reads that is told nothing. May be run again."""
    return _build(tmp_path_factory.mktemp("shipped"))


@pytest.fixture
def fresh_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A warehouse folder for what runs inside the test process, with nothing left of the run before it."""
    from pipelines import stages

    folder = tmp_path / "warehouse"
    monkeypatch.setenv("IEVAL_WAREHOUSE", str(folder))
    monkeypatch.setattr(stages.LOG, "messages", [])
    monkeypatch.setattr(stages.LOG, "facts", {})
    monkeypatch.setattr(stages.LOG, "seconds", {})
    return folder


@pytest.fixture(scope="session")
def build() -> Callable[..., object]:
    """Brings a warehouse up to date without Dagster: the functions that the assets call, in their order."""
    from pipelines import engine, settings, warehouse
    from pipelines.pages import add_pages, store_parts
    from pipelines.settings import Settings
    from pipelines.sources import Passed, list_files, read_files

    def up_to_date(
        folder: Path, sources: Sequence[str | Path], seen_at: datetime.datetime, is_stated: bool = False
    ) -> object:
        knobs = Settings(warehouse=folder)
        files = list_files([str(source) for source in sources], Passed())
        add_pages(knobs.page_store, read_files(files, Passed()), seen_at, is_stated)
        parts = [
            engine.PartFiles(part, knobs.records / part.name, knobs.places / part.name)
            for part in store_parts(knobs.page_store)
        ]
        reader = engine.PartReader(settings.REFERENCE, open_executor=None)
        reader.finish(reader.outdated(parts))
        warehouse.refresh_tables(knobs)
        return warehouse.refresh_database(knobs)

    return up_to_date


@pytest.fixture
def reference_copy(tmp_path: Path) -> Iterator[Path]:
    """A copy of seeds/reference to do harm to."""
    folder = tmp_path / "reference"
    shutil.copytree(PROJECT / "seeds" / "reference", folder)
    yield folder
