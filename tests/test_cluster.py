"""A Dask cluster reads the parts: the same bytes as here whatever happens to its workers; words where it cannot."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import PAGES, PROJECT, Ieval
from small_pages import parquet_bytes, recommendation

pytest.importorskip("distributed")

import distributed

from pipelines import cluster, engine, pages, settings
from pipelines.cluster import ClusterError, open_cluster
from pipelines.engine import PartFiles, PartReader
from pipelines.pages import add_pages, store_parts
from pipelines.sources import Passed, SourcePage, list_files, read_files

DAY = datetime.datetime(2024, 3, 1, 6, tzinfo=datetime.UTC)
REFERENCE = settings.REFERENCE


@pytest.fixture(scope="module", autouse=True)
def where_workers_find_the_project() -> Iterator[None]:
    """Workers are processes of their own: they need this checkout on their path, wherever the tests are run from."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]))
        yield


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The test pages, and some hundred more that take a while, in a dozen parts."""
    store = tmp_path_factory.mktemp("pages")
    plan = "In Kenya, the desks will open. In Peru they will not. " * 40
    made = [SourcePage(f"{number}.txt", recommendation(number, plan=plan)) for number in range(400)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pages, "_PART_BYTES", 100_000)
        add_pages(store, [*read_files(list_files([str(PAGES)], Passed()), Passed()), *made], DAY)
    assert len(store_parts(store)) >= 10
    return store_parts(store)


def tasks(parts: list[Path], folder: Path) -> list[PartFiles]:
    return [PartFiles(part, folder / "records" / part.name, folder / "places" / part.name) for part in parts]


def made(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}


@pytest.fixture(scope="module")
def serial(parts: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process makes of them."""
    folder = tmp_path_factory.mktemp("serial")
    PartReader(REFERENCE, None).finish(tasks(parts, folder))
    return made(folder)


def test_a_local_cluster_writes_the_same_bytes(parts: list[Path], serial: dict[str, bytes], tmp_path: Path) -> None:
    told: list[int] = []
    reader = PartReader(REFERENCE, lambda: open_cluster("", 2), 1)
    assert reader.finish(tasks(parts, tmp_path), told.append) == engine.count_rows(parts)
    assert sum(told) == engine.count_rows(parts)
    assert made(tmp_path) == serial


def test_relative_paths_mean_the_folder_of_the_run(
    parts: list[Path], serial: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker has a folder of its own."""
    monkeypatch.chdir(tmp_path)
    reader = PartReader(REFERENCE, lambda: open_cluster("", 1), 1)
    reader.finish(tasks(parts[:1], Path("here")))
    assert made(tmp_path / "here") == {name: serial[name] for name in made(tmp_path / "here")}
    assert len(made(tmp_path / "here")) == 2


def test_a_part_may_be_begun_early(parts: list[Path], serial: dict[str, bytes], tmp_path: Path) -> None:
    reader = PartReader(REFERENCE, lambda: open_cluster("", 2), 1)
    files = tasks(parts, tmp_path)
    reader.begin(files[3])
    assert files[3] in reader.outdated(files)
    assert reader.finish(files) == engine.count_rows(parts)
    assert made(tmp_path) == serial


def worker_pids(executor: Any) -> dict[str, int]:
    return executor._executor._client.run(os.getpid)  # type: ignore[no-any-return]


def test_a_worker_that_is_killed_changes_nothing(parts: list[Path], serial: dict[str, bytes], tmp_path: Path) -> None:
    """In mid-run, with its part half read: another one, or its successor, reads the part again."""
    executor = open_cluster("", 2)
    pids = worker_pids(executor)
    assert len(set(pids.values())) == 2 and os.getpid() not in pids.values()
    killed: list[int] = []
    told: list[int] = []

    def kill_one(count: int) -> None:
        told.append(count)
        if not killed:
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    reader = PartReader(REFERENCE, lambda: executor, 1)
    assert reader.finish(tasks(parts, tmp_path), kill_one) == engine.count_rows(parts)
    assert killed and len(told) == len(parts)
    assert made(tmp_path) == serial


def test_both_workers_are_killed(parts: list[Path], serial: dict[str, bytes], tmp_path: Path) -> None:
    executor = open_cluster("", 2)
    pids = set(worker_pids(executor).values())

    def kill_all(count: int) -> None:
        while pids:
            os.kill(pids.pop(), signal.SIGKILL)

    PartReader(REFERENCE, lambda: executor, 1).finish(tasks(parts, tmp_path), kill_all)
    assert pids == set()
    assert made(tmp_path) == serial


def test_the_cluster_of_a_run_ends_with_it(parts: list[Path], tmp_path: Path) -> None:
    executor = open_cluster("", 2)
    pids = worker_pids(executor)
    reader = PartReader(REFERENCE, lambda: executor, 1)
    reader.finish(tasks(parts[:2], tmp_path))
    for pid in pids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_two_clusters_on_one_machine_do_not_know_of_each_other(parts: list[Path], tmp_path: Path) -> None:
    """Two runs at once, of two warehouses: neither warns of a port that the other has."""
    with contextlib.ExitStack() as stack:
        taken = stack.enter_context(socket.socket())
        with contextlib.suppress(OSError):  # somebody has it already, which will do as well
            taken.bind(("", 8787))
            taken.listen()
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("error", message="Port ", category=UserWarning)
        reader = PartReader(REFERENCE, lambda: open_cluster("", 1), 1)
        assert reader.finish(tasks(parts[:1], tmp_path)) > 0


def test_what_goes_wrong_on_a_worker_is_told(parts: list[Path], tmp_path: Path) -> None:
    damaged = tmp_path / parts[0].name
    damaged.write_bytes(b"no Parquet")
    reader = PartReader(REFERENCE, lambda: open_cluster("", 1), 1)
    with pytest.raises(Exception, match=r"(?i)parquet"):
        reader.finish(tasks([damaged], tmp_path / "made"))


# ---- a cluster of somebody else


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster that was there before."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0) as running:
        yield running.scheduler_address


def test_a_cluster_at_an_address_writes_the_same_bytes_and_lives_on(
    parts: list[Path], serial: dict[str, bytes], tmp_path: Path, scheduler: str
) -> None:
    for name in ("first", "second"):
        reader = PartReader(REFERENCE, lambda: open_cluster(scheduler, 2), 1)
        assert reader.finish(tasks(parts, tmp_path / name)) == engine.count_rows(parts)
        assert made(tmp_path / name) == serial


def test_workers_with_other_vocabularies_refuse(
    parts: list[Path], tmp_path: Path, scheduler: str, reference_copy: Path
) -> None:
    """They would make other places of the same records, and nobody would see it."""
    with (reference_copy / "country_names.csv").open("a", encoding="utf-8") as file:
        file.write("Kiribatti,KIR,name,en\n")
    reader = PartReader(reference_copy, lambda: open_cluster(scheduler, 2), 1)
    with pytest.raises(ClusterError, match="other code or vocabularies than this run; install the same version there"):
        reader.finish(tasks(parts[:2], tmp_path / "made"))
    assert made(tmp_path / "made") == {}


def test_workers_with_other_code_refuse(
    parts: list[Path], tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprints = engine.fingerprints
    monkeypatch.setattr(engine, "fingerprints", lambda reference: fingerprints(reference)._replace(records="newer"))
    reader = PartReader(REFERENCE, lambda: open_cluster(scheduler, 2), 1)
    with pytest.raises(ClusterError, match="install the same version there"):
        reader.finish(tasks(parts[:1], tmp_path / "made"))
    assert made(tmp_path / "made") == {}


# ---- no cluster


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits a second for a scheduler, where a run waits twenty."""

    def client(address: str, timeout: str) -> Any:
        assert timeout == "20s"
        return real(address, timeout="1s")

    real = partial(distributed.Client)
    monkeypatch.setattr(distributed, "Client", client)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1:9", "127.0.0.1:9", "tcp://no-such-host.invalid:8786", "nonsense://there", "tcp://", "x y"],
)
def test_no_scheduler_at_an_address(address: str) -> None:
    with pytest.raises(ClusterError) as caught:
        open_cluster(address, 1)
    assert str(caught.value).startswith(f"{address}: no Dask scheduler answers there (")


def test_dask_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"Dask is not installed .*pip install 'ieval-warehouse\[dask\]'"):
        open_cluster("", 1)


# ---- the command line


def test_a_run_on_a_local_cluster(ieval: Ieval, build: Callable[..., Any], tmp_path: Path) -> None:
    """The whole run, `ieval run --engine dask`: the tables are those of the pool, but for the moment of reading."""
    options = ("--as-of", "2024-03-01T06:00", "--json")
    done = ieval("run", PAGES, "--engine", "dask", *options, "--warehouse", tmp_path / "dask", IEVAL_WORKERS="2")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    pages_in_order = sorted(PAGES.glob("*.txt"))
    build(tmp_path / "pool", [PAGES], DAY, is_stated=True)
    assert len(pages_in_order) == 29
    assert parquet_bytes(tmp_path / "dask") == parquet_bytes(tmp_path / "pool")


def test_a_run_that_finds_no_scheduler_says_so(
    fresh_process: Path, monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    from click.testing import CliRunner

    from pipelines.cli import main

    for name in ("IEVAL_ENGINE", "IEVAL_SCHEDULER"):  # which the command sets for its process
        monkeypatch.setenv(name, "")
    page = PAGES / "lesson_900101.txt"
    result = CliRunner().invoke(main, ["run", str(page), "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9"])
    assert result.exit_code == 1
    # A sentence, as for everything that a person can mend: no class of ours, no hint at a longer story.
    assert result.stderr.startswith("ieval: tcp://127.0.0.1:9: no Dask scheduler answers there (")
    assert "--verbose" not in result.stderr
    assert cluster.__name__ not in result.stderr
    monkeypatch.setenv("IEVAL_ENGINE", "pool")
    result = CliRunner().invoke(main, ["run", str(page)])
    assert result.exit_code == 0, result.stderr
    assert fresh_process.exists()
