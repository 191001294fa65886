"""Lets a Dask cluster read the parts: the function that the pool of processes maps, as tasks that may be run again.

The parts have to lie where every machine of the cluster sees them, in a shared folder or at an fsspec address
(IEVAL_PARTS); only names of files and counts of pages travel. What a task does, and when one is wanted, does not belong
here.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import cache
from pathlib import Path
from typing import Any

from pipelines import settings
from pipelines.engine import Fingerprints, PartFiles, fingerprints, read_part

#: A worker that dies takes its task with it, and a shared disk may fail for a moment: a task is tried this often more.
_RETRIES = 3


class ClusterError(RuntimeError):
    """The cluster cannot be used; the message says what to do."""


def open_cluster(scheduler: str, workers: int) -> Executor:
    """An executor for `PartReader` on the cluster of a scheduler, or, without an address, on one of this machine.

    Raises ClusterError where Dask is not installed or the scheduler does not answer.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ClusterError(f"Dask is not installed ({error}); pip install 'ieval-warehouse[dask]'") from error
    ending = contextlib.ExitStack()
    if scheduler:
        try:
            client = ending.enter_context(Client(scheduler, timeout="20s"))
        except (OSError, TimeoutError, ValueError) as error:
            raise ClusterError(f"{scheduler}: no Dask scheduler answers there ({error})") from error
    else:
        scratch = ending.enter_context(tempfile.TemporaryDirectory(prefix="ieval-dask-", ignore_cleanup_errors=True))
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,  # a part is small, whatever the machine
            dashboard_address="127.0.0.1:0",
            local_directory=scratch,
        )
        client = ending.enter_context(Client(ending.enter_context(cluster)))
    return _ClusterExecutor(client, ending)


class _ClusterExecutor(Executor):
    """Sends parts to the workers of a cluster, and ends what was opened for it."""

    def __init__(self, client: Any, ending: contextlib.ExitStack) -> None:
        self._executor = client.get_executor(pure=False, retries=_RETRIES)
        self._ending = ending

    def submit(  # type: ignore[override]
        self, function: Callable[..., int], files: PartFiles, reference: Path, made_by: Fingerprints
    ) -> Future[int]:
        """Read a part on some worker, with the vocabularies that it has of its own."""
        del function, reference
        shared = (path.absolute() if isinstance(path, Path) else path for path in files)
        future: Future[int] = self._executor.submit(_read_part_there, PartFiles(*shared), made_by)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, and end it if it was started for this run."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._ending.close()


def _read_part_there(files: PartFiles, made_by: Fingerprints) -> int:
    """What a worker does: it must have the code and the vocabularies of the run, or its records would be others."""
    if _fingerprints() != made_by:
        raise ClusterError("a worker has other code or vocabularies than this run; install the same version there")
    return read_part(files, settings.REFERENCE, made_by)


@cache
def _fingerprints() -> Fingerprints:
    return fingerprints(settings.REFERENCE)
