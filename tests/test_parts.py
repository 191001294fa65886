"""Numbered parts: added to, merged where small ones are many, and counted once whatever a crash leaves behind."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import parts
from pipelines.parts import drop_all, drop_covered, live_parts, merge_small, merged_from, next_number, write_part


def table(*values: str) -> pa.Table:
    return pa.table({"value": pa.array(values, pa.string())})


def add(folder: Path, *values: str) -> Path:
    return write_part(folder, next_number(folder), table(*values), values)


def make(folder: Path, part: Path, made_by: str = "x", values: Sequence[str] | None = None) -> Path:
    """A file that is made of a part, row by row, with what made it in its schema."""
    read = pq.read_table(part)["value"].to_pylist() if values is None else values
    made = pa.table({"length": [len(value) for value in read]}).replace_schema_metadata({"made_by": made_by})
    folder.mkdir(exist_ok=True)
    pq.write_table(made, folder / part.name)
    return folder / part.name


def values(folder: Path) -> list[str]:
    """What the parts that count hold, in their order."""
    return [value for part in live_parts(folder) for value in pq.read_table(part)["value"].to_pylist()]


def numbers(paths: Sequence[Path]) -> list[str]:
    """The names of parts without their hashes."""
    return [path.name.removeprefix("part-").rpartition("-")[0] for path in paths]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixteen small parts, with two files of their own each."""
    for number in range(16):
        part = add(tmp_path / "pages", f"value {number}", "x" * number)
        make(tmp_path / "records", part)
        make(tmp_path / "places", part)
    return tmp_path


def companions(folder: Path) -> list[Path]:
    return [folder / "records", folder / "places"]


# ---- numbers and names


def test_parts_are_numbered_in_order(tmp_path: Path) -> None:
    assert (next_number(tmp_path / "nowhere"), live_parts(tmp_path / "nowhere")) == (1, [])
    for value in "abc":
        add(tmp_path, value)
    assert numbers(live_parts(tmp_path)) == ["000001", "000002", "000003"]
    assert values(tmp_path) == ["a", "b", "c"]
    assert next_number(tmp_path) == 4


def test_a_number_is_not_given_again_below_the_last(tmp_path: Path) -> None:
    first, second, _ = (add(tmp_path, value) for value in "abc")
    first.unlink()
    second.unlink()
    assert numbers([add(tmp_path, "d")]) == ["000004"]


def test_the_name_tells_what_is_in_it(tmp_path: Path) -> None:
    one, same, other = (write_part(tmp_path / name, 1, table(*keys), keys) for name, keys in (
        ("a", ("x", "y")), ("b", ("x", "y")), ("c", ("x", "z"))))  # fmt: skip
    assert one.name == same.name != other.name


def test_more_parts_than_six_digits_count(tmp_path: Path) -> None:
    for number in (999_999, 1_000_000, 1_000_001):
        write_part(tmp_path, number, table(str(number)), [str(number)])
    assert values(tmp_path) == ["999999", "1000000", "1000001"]
    assert next_number(tmp_path) == 1_000_002


@pytest.mark.parametrize(
    "name",
    [
        "part-000001.parquet",
        "part-1-0123456789ab.parquet",
        "part-000001-0123456789ab.parquet.new",
        ".part-000001-0123456789ab.parquet.4711",
        "part-000001-0123456789AB.parquet",
        "notes.txt",
        "sightings",
    ],
)
def test_other_files_are_no_parts(tmp_path: Path, name: str) -> None:
    add(tmp_path, "a")
    (tmp_path / name).write_text("x", encoding="utf-8")
    assert values(tmp_path) == ["a"]
    assert next_number(tmp_path) == 2
    drop_covered(tmp_path)
    drop_all(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


HASH = "0123456789ab"


def part(number: str, folder: str = "") -> str:
    return f"{folder}part-{number}-{HASH}.parquet"


@pytest.mark.parametrize(
    ("merged", "others", "covered"),
    [
        ("000001-000003", ["000001", "000002", "000003"], ["000001", "000002", "000003"]),
        ("000001-000003", ["000001", "000002", "000003", "000004"], ["000001", "000002", "000003"]),
        ("000001-000004", ["000001-000003", "000004", "000005"], ["000001-000003", "000004"]),
        (
            "000003-000006",
            ["000001", "000002", "000003-000004", "000005", "000006"],
            ["000003-000004", "000005", "000006"],
        ),
        # One of them is not there: the merged one has something that the others do not have.
        ("000001-000003", ["000001", "000003"], []),
        ("000001-000003", ["000001", "000002"], []),
        ("000001-000003", [], []),
        ("000001-000003", ["000001-000003"], []),
        ("000002-000003", ["000001-000003"], []),
        ("000001-000004", ["000001-000002", "000003-000006"], []),
        ("000001", ["000001"], []),
        ("000003", ["000001-000016"], []),
    ],
)
@pytest.mark.parametrize("folder", ["", "sightings/"])
def test_what_a_part_was_merged_from(folder: str, merged: str, others: list[str], covered: list[str]) -> None:
    elsewhere = [part(number, "" if folder else "sightings/") for number in ("000001", "000002", "000003")]
    names = [*elsewhere, *(part(number, folder) for number in others), f"{folder}notes.txt"]
    assert merged_from(part(merged, folder), names) == [part(number, folder) for number in covered]


def test_what_is_no_part_was_merged_from_nothing() -> None:
    assert merged_from("notes.txt", [part("000001")]) == []


# ---- merging


def test_many_small_parts_are_merged(folder: Path) -> None:
    before = values(folder / "pages")
    (merged,) = merge_small(folder / "pages", companions(folder))
    assert numbers([merged]) == ["000001-000016"]
    assert live_parts(folder / "pages") == [merged]
    assert values(folder / "pages") == before
    assert next_number(folder / "pages") == 17
    assert numbers([add(folder / "pages", "new")]) == ["000017"]


def test_few_small_parts_are_left_alone(folder: Path) -> None:
    live_parts(folder / "pages")[7].unlink()
    before = live_parts(folder / "pages")
    assert merge_small(folder / "pages", companions(folder)) == []
    assert live_parts(folder / "pages") == before


def test_large_parts_are_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_SMALL_BYTES", 0)
    assert merge_small(folder / "pages") == []


def test_only_parts_that_follow_each_other_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large part among them, and those before and behind it are merged apart, where they are many."""
    monkeypatch.setattr(parts, "_SMALL_BYTES", 5_000)
    monkeypatch.setattr(parts, "_MANY", 3)
    large = random.Random(1).randbytes(9_000).hex()
    for value in ("a", "b", large, "c", "d", "e", "f", large[::-1], "g", "h", "i"):
        add(tmp_path, value)
    before = values(tmp_path)
    assert numbers(merge_small(tmp_path)) == ["000004-000007", "000009-000011"]
    assert numbers(live_parts(tmp_path)) == ["000001", "000002", "000003", "000004-000007", "000008", "000009-000011"]
    assert values(tmp_path) == before


def test_merged_parts_are_merged_again(folder: Path) -> None:
    merge_small(folder / "pages")
    for number in range(15):
        add(folder / "pages", f"later {number}")
    before = values(folder / "pages")
    (merged,) = merge_small(folder / "pages")
    assert numbers([merged]) == ["000001-000031"]
    assert values(folder / "pages") == before
    drop_covered(folder / "pages")
    assert [path.name for path in (folder / "pages").iterdir()] == [merged.name]
    assert values(folder / "pages") == before


def test_what_is_made_of_the_parts_is_merged_alike(folder: Path) -> None:
    (merged,) = merge_small(folder / "pages", companions(folder))
    for other in companions(folder):
        made = pq.read_table(other / merged.name)
        assert made["length"].to_pylist() == [len(value) for value in values(folder / "pages")]
        assert made.schema.metadata == {b"made_by": b"x"}


def test_what_was_made_in_several_ways_is_left_to_be_made_again(folder: Path) -> None:
    make(folder / "records", live_parts(folder / "pages")[5], made_by="y")
    (merged,) = merge_small(folder / "pages", companions(folder))
    assert not (folder / "records" / merged.name).exists()
    assert (folder / "places" / merged.name).exists()
    assert live_parts(folder / "pages") == [merged]


def test_parts_of_which_something_is_still_to_be_made_are_left_for_later(folder: Path) -> None:
    """What this run has just added: merged now, it could not be told from what was there before."""
    before = values(folder / "pages")
    new = add(folder / "pages", "new")
    (merged,) = merge_small(folder / "pages", companions(folder))
    assert live_parts(folder / "pages") == [merged, new]
    assert values(folder / "pages") == [*before, "new"]


@pytest.mark.parametrize("which", [0, 8, 15])
def test_a_part_of_which_something_is_missing_ends_a_run(folder: Path, which: int) -> None:
    (folder / "places" / live_parts(folder / "pages")[which].name).unlink()
    before = live_parts(folder / "pages")
    assert merge_small(folder / "pages", companions(folder)) == []
    assert live_parts(folder / "pages") == before
    assert sorted(path.name for path in (folder / "records").iterdir()) == [path.name for path in before]


def test_parts_of_another_form_are_not_merged(folder: Path) -> None:
    """Parts that an earlier version wrote otherwise: nothing is lost, and nothing is made up."""
    odd = pa.table({"value": pa.array(["odd"], pa.large_string())})
    part = write_part(folder / "pages", next_number(folder / "pages"), odd, ["odd"])
    for other in companions(folder):
        make(other, part)
    before, held = live_parts(folder / "pages"), values(folder / "pages")
    assert merge_small(folder / "pages", companions(folder)) == []
    assert live_parts(folder / "pages") == before
    drop_covered(folder / "pages", companions(folder))
    assert values(folder / "pages") == held
    for each in (folder / "pages", *companions(folder)):
        assert sorted(path.name for path in each.iterdir()) == [path.name for path in before]


# ---- dropping


def test_covered_parts_are_dropped_by_the_next_run(folder: Path) -> None:
    (merged,) = merge_small(folder / "pages", companions(folder))
    for each in (folder / "pages", *companions(folder)):
        assert len(list(each.iterdir())) == 17
    before = values(folder / "pages")
    drop_covered(folder / "pages", companions(folder))
    for each in (folder / "pages", *companions(folder)):
        assert [path.name for path in each.iterdir()] == [merged.name]
    assert values(folder / "pages") == before


def test_nothing_else_is_dropped(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    drop_covered(folder / "pages", companions(folder))
    assert sorted(folder.rglob("*")) == before


def test_what_was_made_of_parts_that_are_no_more_is_dropped(folder: Path) -> None:
    live_parts(folder / "pages")[3].unlink()
    drop_covered(folder / "pages", companions(folder))
    names = {path.name for path in live_parts(folder / "pages")}
    assert len(names) == 15
    for other in companions(folder):
        assert {path.name for path in other.iterdir()} == names


def test_drop_all(folder: Path) -> None:
    drop_all(folder / "records")
    drop_all(folder / "nowhere")
    assert list((folder / "records").iterdir()) == []
    assert len(live_parts(folder / "pages")) == 16


# ---- readers and crashes


def test_a_reader_that_holds_an_old_part_goes_on(folder: Path) -> None:
    part = live_parts(folder / "pages")[3]
    with pq.ParquetFile(part) as reader:
        merge_small(folder / "pages")
        drop_covered(folder / "pages")
        assert not part.exists()
        assert reader.read()["value"].to_pylist() == ["value 3", "xxx"]


def test_a_reader_that_looked_before_the_merge_finds_its_parts(folder: Path) -> None:
    """Covered parts stay until the next run, so that who has listed them can still open them."""
    listed, before = live_parts(folder / "pages"), values(folder / "pages")
    merge_small(folder / "pages", companions(folder))
    assert [value for part in listed for value in pq.read_table(part)["value"].to_pylist()] == before


@pytest.mark.parametrize("stops_after", range(17))
def test_a_crash_while_old_parts_are_deleted_counts_nothing_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stops_after: int
) -> None:
    before = values(folder / "pages")
    merge_small(folder / "pages")
    unlink, count = Path.unlink, 0

    def crash(path: Path, missing_ok: bool = False) -> None:
        nonlocal count
        if count == stops_after:
            raise OSError("the power went")
        count += 1
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", crash)
        if stops_after < 16:
            with pytest.raises(OSError, match="the power went"):
                drop_covered(folder / "pages")
        else:
            drop_covered(folder / "pages")
    assert values(folder / "pages") == before
    assert numbers(live_parts(folder / "pages")) == ["000001-000016"]
    drop_covered(folder / "pages")
    assert values(folder / "pages") == before


@pytest.mark.parametrize("stops_at", ["records", "places", "pages"])
def test_a_crash_while_merging_counts_nothing_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stops_at: str
) -> None:
    before = values(folder / "pages")
    write = parts.write_parquet

    def crash(rows: pa.Table, path: Path) -> None:
        if path.parent.name == stops_at:
            raise OSError("the power went")
        write(rows, path)

    with monkeypatch.context() as patched:
        patched.setattr(parts, "write_parquet", crash)
        with pytest.raises(OSError, match="the power went"):
            merge_small(folder / "pages", companions(folder))
    assert values(folder / "pages") == before
    assert len(live_parts(folder / "pages")) == 16
    # What was made of a merged part that is not there does not count, and goes.
    drop_covered(folder / "pages", companions(folder))
    for each in (folder / "pages", *companions(folder)):
        assert len(list(each.iterdir())) == 16
    (merged,) = merge_small(folder / "pages", companions(folder))
    assert values(folder / "pages") == before
    assert all((other / merged.name).exists() for other in companions(folder))


def test_parts_at_an_fsspec_address(tmp_path: Path) -> None:
    """In shared storage the same names, the same rows, the same merging."""
    upath = pytest.importorskip("upath")
    folder: Any = upath.UPath("memory://parts-test/pages")
    try:
        for number in range(16):
            add(folder, f"value {number}")
            add(tmp_path, f"value {number}")
        assert [part.name for part in live_parts(folder)] == [part.name for part in live_parts(tmp_path)]
        (merged,), (here,) = merge_small(folder), merge_small(tmp_path)
        assert merged.name == here.name
        assert merged.read_bytes() == here.read_bytes()
        drop_covered(folder)
        assert [part.name for part in live_parts(folder)] == [merged.name]
        assert [path.name for path in folder.iterdir()] == [merged.name]
    finally:
        folder.fs.rm("/parts-test", recursive=True)
