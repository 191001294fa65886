"""Starts Dagster's webserver and daemon side by side and ends both when one of them or the person ends.

Both read the same home, in which telemetry is off. What they run does not belong here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import click

from pipelines import dagster_home
from pipelines.settings import Settings

_REMEDY = "Dagster writes its history even to show it: run this as the user whose warehouse it is"


class ServeError(RuntimeError):
    """Dagster cannot be started; the message says why and what to do."""


def serve(knobs: Settings, host: str, port: int, is_read_only: bool = False) -> int:
    """Run until Ctrl-C, SIGTERM or the end of one of the two; returns the exit code.

    `is_read_only`: the webserver alone, and one that refuses every change: whoever looks can launch nothing. Raises
    ServeError.
    """
    try:
        home = dagster_home.prepare(knobs)
    except OSError as error:
        raise ServeError(f"{error.filename}: {error.strerror}; {_REMEDY}") from error
    for path in (home, home / "history", home / "history" / "runs", home / "history" / "runs.db"):
        if path.exists() and not os.access(path, os.W_OK):
            raise ServeError(f"{path} is not yours to write; {_REMEDY}")
    module = ["-m", "pipelines.definitions"]
    # The modules that the consoles scripts dagster-webserver and dagster-daemon call.
    webserver = [sys.executable, "-m", "dagster_webserver", "--host", host, "--port", str(port), *module]
    daemon = [sys.executable, "-m", "dagster._daemon", "run", *module]
    commands = [[*webserver, "--read-only"]] if is_read_only else [webserver, daemon]
    processes = [subprocess.Popen(command) for command in commands]
    limits = ", read only" if is_read_only else ""
    click.echo(f"Dagster: http://{host}:{port} (home {home}{limits}); Ctrl-C ends it", err=True)

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        return next(process.returncode for process in processes if process.returncode is not None)
    except KeyboardInterrupt:
        return 130
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
