"""Commands → what they cost as whole processes: wall time, CPU time and peak memory of the process tree.

Several commands are run interleaved (A B A B …), so that a machine that gets slower or warmer does so for all of them.
A command that fails or is killed is a row that says so. Memory is proportional (PSS): what processes share counts once;
where the system does not tell it, resident sizes (RSS) are added up and what is shared counts twice. Not in here: what
the commands are, and what their numbers mean.

    python -m benchmarks.measure --runs 3 "python a.py" "python b.py"
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import psutil

#: Looking into /proc/<pid>/smaps_rollup holds up the process that is looked at: not too often, and for a large one,
#: where a look takes long, not more than a tenth of the time.
SAMPLE_SECONDS = 0.05
SHARE_OF_LOOKING = 0.1
#: Where a command is killed if nobody says otherwise: the machine must stay usable.
SHARE_OF_MEMORY = 0.9


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command cost, and what it wrote to stdout. Memory is None where it means nothing."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int | None
    output: str = ""


@dataclass(slots=True)
class Runs:
    """The runs of one command so far; after a failure, why there are no more."""

    costs: list[Cost] = field(default_factory=list)
    failure: str | None = None


class CommandFailed(Exception):
    """A command ended with another code than 0 or was killed; `reason` says so in a few words."""

    def __init__(self, command: Sequence[str], reason: str, errors: str) -> None:
        super().__init__(f"{shlex.join(command)}\n{reason}\n{errors}".strip())
        self.reason = reason


def run(
    command: Sequence[str],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    memory_limit: float | None = None,
) -> Cost:
    """Run a command to its end and return its cost; raise CommandFailed if it fails or needs more memory (bytes)."""
    limit = memory_limit or psutil.virtual_memory().available * SHARE_OF_MEMORY
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:  # files, for a full pipe would stop it
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=out, stderr=err)
        try:
            peak, cpu = _watch(process, limit)
        finally:
            if process.returncode is None:  # too large, or interrupted: nothing of ours may stay behind
                _kill_tree(process)
        wall = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        errors = err.read().decode(errors="replace").strip()
        if peak > limit:
            raise CommandFailed(command, f"killed at {peak / 1e9:.1f} GB of memory", errors)
        if process.returncode:
            raise CommandFailed(command, _reason(process.returncode, errors), errors)
        return Cost(wall, cpu, peak, out.read().decode(errors="replace"))


def _reason(code: int, errors: str) -> str:
    if code == -signal.SIGKILL:
        return "killed by the system, which does so when memory runs out"
    if code < 0:
        return f"ended by signal {-code}"
    last = errors.splitlines()[-1][:100] if errors else "without a word"
    return f"ended with {code}: {last}"


def _watch(process: subprocess.Popen, limit: float) -> tuple[int, float]:
    """Sample the tree until the process ends or is too large; return peak memory and CPU seconds.

    The kernel counts the CPU time of a child, and of the grandchildren that it waited for, when we wait for the child.
    Processes that nobody waited for are known from the samples only, so the larger of the two sums is the better one.
    """
    root, known, cpu, peak = psutil.Process(process.pid), {}, {}, 0
    while peak <= limit:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return peak, max(usage.ru_utime + usage.ru_stime, sum(cpu.values()))
        start, total = time.perf_counter(), 0
        for found in _tree(root):
            member = known.setdefault(found.pid, found)
            try:
                total += _memory(member)
                times = member.cpu_times()
                cpu[member.pid] = times.user + times.system
            except psutil.Error:  # it ended between the listing and the look
                continue
        peak = max(peak, total)
        time.sleep(max(SAMPLE_SECONDS, (time.perf_counter() - start) / SHARE_OF_LOOKING))
    return peak, sum(cpu.values())


def _memory(process: psutil.Process) -> int:
    """Proportional size of a process in bytes; its resident size where the system tells nothing better."""
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, AttributeError):  # not ours to look into; not Linux
        return int(process.memory_info().rss)


def kind_of_memory() -> str:
    """PSS or RSS, as this machine lets us see."""
    return "PSS" if hasattr(psutil.Process().memory_full_info(), "pss") else "RSS"


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _kill_tree(process: subprocess.Popen) -> None:
    for member in reversed(_tree(psutil.Process(process.pid))):
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def end_cleanly() -> None:
    """Let a request to end (SIGTERM) unwind this process, so that its commands and folders do not stay behind."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def interleave(names: Iterable[str], runs: int, measure: Callable[[str, int], Cost]) -> dict[str, Runs]:
    """Measure each name in turn, `runs` times over, by its name and the number of the run; what failed is left out."""
    results = {name: Runs() for name in names}
    for number in range(1, runs + 1):
        for name, result in results.items():
            if result.failure:
                continue
            try:
                result.costs.append(measure(name, number))
            except CommandFailed as failed:
                print(failed, file=sys.stderr)
                result.failure = failed.reason
    return results


def medians(costs: Sequence[Cost]) -> Cost:
    """The median of each number by itself."""
    peaks = [cost.peak_bytes for cost in costs if cost.peak_bytes is not None]
    return Cost(
        statistics.median(cost.wall_seconds for cost in costs),
        statistics.median(cost.cpu_seconds for cost in costs),
        int(statistics.median(peaks)) if peaks else None,
    )


def table(results: Mapping[str, Runs], bases: Mapping[str, str], pages: int | None = None) -> str:
    """Medians as a Markdown table; `bases` are names of rows, and the words for them, that all are divided by.

    A ratio is of wall time, CPU time and peak memory. A failed command is a row with its reason, also where some runs
    of it were well.
    """
    numbers = {name: medians(result.costs) for name, result in results.items() if not result.failure}
    shown = {name: words for name, words in bases.items() if name in numbers}
    head = ["", "wall s", "CPU s", "peak MB", *(["pages/s"] if pages else [])]
    rows = [head + [f"to {words}: wall, CPU, memory" for words in shown.values()]]
    for name, result in results.items():
        if result.failure:
            rows.append([f"{name}: {result.failure}", *["–"] * (len(rows[0]) - 1)])
            continue
        cost = numbers[name]
        memory = "–" if cost.peak_bytes is None else f"{cost.peak_bytes / 1e6:,.0f}"
        row = [name, f"{cost.wall_seconds:,.2f}", f"{cost.cpu_seconds:,.2f}", memory]
        row += [f"{pages / cost.wall_seconds:,.0f}"] if pages else []
        rows.append(row + [_ratios(cost, numbers[base]) for base in shown])
    return markdown(rows)


def _ratios(cost: Cost, base: Cost) -> str:
    memory = f"{cost.peak_bytes / base.peak_bytes:.2f}" if cost.peak_bytes and base.peak_bytes else "–"
    return f"{cost.wall_seconds / base.wall_seconds:.2f} {cost.cpu_seconds / base.cpu_seconds:.2f} {memory}"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table, the first as its head, aligned for people."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows]
    lines.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def describe_machine() -> str:
    """What was measured on and how memory was, in a sentence each: a reader compares with other machines."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    versions = ", ".join(f"{name} {metadata.version(name.lower())}" for name in ("DuckDB", "pyarrow", "Dagster"))
    return (
        f"{os.cpu_count()} cores ({model}), {psutil.virtual_memory().total / 1e9:.0f} GB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {versions}. "
        f"Peak memory is of all processes together ({kind_of_memory()})."
    )


def main() -> int:
    """Run commands interleaved and print the medians of what they cost; ratios are to the last command."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("commands", nargs="+", help="each one quoted")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    end_cleanly()
    results = interleave(options.commands, options.runs, lambda text, _: run(shlex.split(text)))
    print(table(results, {options.commands[-1]: "the last"}))
    print(describe_machine())
    return 1 if any(result.failure for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
