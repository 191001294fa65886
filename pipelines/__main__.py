"""`ieval` and `python -m pipelines`: the command line as a process, which ends as soon as it is done or is stopped."""

from __future__ import annotations

import contextlib
import errno
import os
import sys

from pipelines import interrupts

#: What is said of a command that was stopped; of all others, that nothing has changed.
_KEPT = {
    "run": "what was read is kept, and the next run goes on from there",
    "export": "in a folder the export is as it was, at an address it is complete where its datapackage.json is",
}


def start() -> None:
    """Run the command line and end the process with its exit code."""
    interrupts.hear()
    try:
        code = _run()
        with contextlib.suppress(BrokenPipeError):  # nobody reads it any more
            sys.stdout.flush()
    except BaseException as error:
        if interrupts.came():  # whatever it was turned into on its way here
            kept = _KEPT.get("".join(sys.argv[1:2]), "what was published before is as it was")
            words, code = f"stopped; {kept}", interrupts.EXIT_CODE
        elif isinstance(error, OSError) and error.errno is not None:
            words, code = _words(error), 1
        else:
            raise
        print(f"ieval: {words}", file=sys.stderr)
    sys.stderr.flush()
    interrupts.end_children()
    # All files are closed. The interpreter would take half a second to take apart what Dagster has imported.
    os._exit(code)


def _run() -> int:
    # What takes its time is imported only now: an interrupt may come meanwhile.
    import click

    from pipelines.cli import main

    try:
        return main(standalone_mode=False) or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except click.ClickException as error:
        if interrupts.came():
            raise
        error.show()
        return error.exit_code


def _words(error: OSError) -> str:
    """What a file or the system refuses, as a sentence."""
    from pipelines.printing import printable

    if error.filename is not None:
        return printable(f"{os.fsdecode(error.filename)}: {error.strerror}")
    return "no space is left for the output" if error.errno == errno.ENOSPC else printable(str(error))


if __name__ == "__main__":
    start()
