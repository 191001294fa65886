"""`ieval` and `python -m pipelines`: the command line as a process, which ends as soon as it is done."""

from __future__ import annotations

import contextlib
import errno
import os
import sys

from pipelines.cli import main


def start() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        code = _run()
        with contextlib.suppress(BrokenPipeError):  # nobody reads it any more
            sys.stdout.flush()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print("ieval: no space is left for the output", file=sys.stderr)
        code = 1
    sys.stderr.flush()
    # All files are closed. The interpreter would take half a second to take apart what Dagster has imported.
    os._exit(code)


def _run() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    start()
