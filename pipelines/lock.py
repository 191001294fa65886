"""Lets one run at a time write a warehouse: the next one waits, and says for whom.

The lock belongs to the process and goes with it, however it ends: nothing stale is ever left. Readers need none.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

_HOLDER = re.compile(r"process \d+, since [\d :-]+ UTC")


@cache
def _lock(path: Path) -> FileLock:
    """The lock of a warehouse; one object a process, so that the runs of one process do not wait for each other."""
    return FileLock(path)


def _who(holder: Path) -> str:
    """Who has the lock, if it has said so: what else may be in the file is nothing to print."""
    try:
        words = holder.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return "another run"
    return words if _HOLDER.fullmatch(words) else "another run"


def hold(warehouse: Path, say: Callable[[str], None]) -> None:
    """Take the warehouse for this process until it ends; waits for another that has it, after saying so."""
    warehouse.mkdir(parents=True, exist_ok=True)
    path = (warehouse / ".lock").absolute()
    lock, holder = _lock(path), path.with_name(".lock.holder")
    if lock.is_locked:
        return
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"waiting for {_who(holder)}: it is writing {warehouse}")
        lock.acquire()
    since = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    holder.write_text(f"process {os.getpid()}, since {since}", encoding="utf-8")
