"""Whether something takes time in proportion to its size, told on machines that others use as well."""

from __future__ import annotations

import time
from collections.abc import Callable

#: What takes less tells nothing: the clock and the caches are louder.
_FEWEST_SECONDS = 0.005


def in_proportion(do: Callable[[int], object], size: int, times: int) -> bool:
    """Whether `do` at `times` the size takes less than half of what grows with the square of it.

    Processor time, and the best of three tries: a busy machine makes one try look bad, a square makes all of them.
    """
    return any(_seconds(do, times * size) < times**2 / 2 * max(_seconds(do, size), _FEWEST_SECONDS) for _ in range(3))


def _seconds(do: Callable[[int], object], size: int) -> float:
    started = time.process_time()
    do(size)
    return time.process_time() - started
