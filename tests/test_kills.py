"""Runs that are killed, and two at once: the short version of `benchmarks.kills`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.kills import try_it

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes")


def test_nothing_is_lost_mixed_or_left_half_done(tmp_path: Path) -> None:
    said: list[str] = []
    seen, wrong = try_it(tmp_path, runs=1, pairs=1, seed=1, say=said.append)
    assert wrong == []
    assert seen.count > 5
    (killed,) = [words for words in said if "killed in time" in words]
    assert int(killed.split(", ")[1].split()[0]) >= 1  # else nothing was tried
