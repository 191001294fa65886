"""Commands → what they cost as whole processes: wall time, CPU time and peak memory of the process tree.

Several commands are run interleaved (A B A B …), so that a machine that gets slower or warmer does so for all of them.
Not in here: what the commands are, and what their numbers mean.

    python -m benchmarks.measure --runs 3 "python a.py" "python b.py"
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command cost. Peak memory is a sum of resident sizes: what processes share counts twice."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


class CommandFailed(Exception):
    """A command ended with another code than 0; the message has what it wrote to stderr."""


def run(command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end and return its cost; raise CommandFailed if it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:  # files, for a full pipe would stop it
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=out, stderr=err)
        try:
            peak, cpu = _watch(process)
        finally:
            if process.returncode is None:  # interrupted: nothing of ours may stay behind
                _kill_tree(process)
        wall = time.perf_counter() - start
        if process.returncode:
            err.seek(0)
            text = err.read().decode(errors="replace").strip()
            raise CommandFailed(f"{shlex.join(command)}\nended with {process.returncode}\n{text}")
    return Cost(wall, cpu, peak)


def _watch(process: subprocess.Popen) -> tuple[int, float]:
    """Sample the tree until the process ends; return peak memory and CPU seconds.

    The kernel counts the CPU time of a child, and of the grandchildren that it waited for, when we wait for the child.
    Processes that nobody waited for are known from the samples only, so the larger of the two sums is the better one.
    """
    root, known, cpu, peak = psutil.Process(process.pid), {}, {}, 0
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            break
        resident = 0
        for found in _tree(root):
            member = known.setdefault(found.pid, found)
            try:
                with member.oneshot():
                    resident += member.memory_info().rss
                    times = member.cpu_times()
                    cpu[member.pid] = times.user + times.system
            except psutil.Error:  # it ended between the listing and the look
                continue
        peak = max(peak, resident)
        time.sleep(SAMPLE_SECONDS)
    return peak, max(usage.ru_utime + usage.ru_stime, sum(cpu.values()))


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _kill_tree(process: subprocess.Popen) -> None:
    for member in reversed(_tree(psutil.Process(process.pid))):
        member.kill()
    process.wait()


def interleave(
    commands: Mapping[str, Callable[[int], Sequence[str]]],
    runs: int,
    cwd: Path | None = None,
    report: Callable[[str, int, Cost], None] = lambda *_: None,
) -> dict[str, list[Cost]]:
    """Run each command in turn, `runs` times over; each is made from the run's number, for most need a new folder."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(1, runs + 1):
        for name, make in commands.items():
            costs[name].append(run(make(number), cwd))
            report(name, number, costs[name][-1])
    return costs


def medians(costs: Sequence[Cost]) -> Cost:
    """The median of each number by itself."""
    return Cost(
        statistics.median(cost.wall_seconds for cost in costs),
        statistics.median(cost.cpu_seconds for cost in costs),
        int(statistics.median(cost.peak_bytes for cost in costs)),
    )


def table(costs: Mapping[str, Sequence[Cost]], base: str, pages: int | None = None) -> str:
    """Medians as an aligned text table, with the ratio of each wall, CPU and memory to those of `base`."""
    rows = [("", "wall s", "CPU s", "peak MB", *(("pages/s",) if pages else ()), f"wall, CPU, memory : {base}")]
    of_base = medians(costs[base])
    for name, all_costs in costs.items():
        cost = medians(all_costs)
        ratios = (
            cost.wall_seconds / of_base.wall_seconds,
            cost.cpu_seconds / of_base.cpu_seconds,
            cost.peak_bytes / of_base.peak_bytes,
        )
        rows.append(
            (
                name,
                f"{cost.wall_seconds:.2f}",
                f"{cost.cpu_seconds:.2f}",
                f"{cost.peak_bytes / 1e6:,.0f}",
                *((f"{pages / cost.wall_seconds:,.0f}",) if pages else ()),
                " ".join(f"{ratio:.2f}" for ratio in ratios),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows]
    return "\n".join("  ".join(line) for line in lines)


def main() -> int:
    """Run commands interleaved and print the medians of what they cost; ratios are to the last command."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("commands", nargs="+", help="each one quoted")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    try:
        costs = interleave({text: lambda _, text=text: shlex.split(text) for text in options.commands}, options.runs)
    except CommandFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print(table(costs, base=options.commands[-1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
