"""Throws damaged pages, archives and crawls at what reads them, and keeps every one that it does not stand.

    python -m benchmarks.fuzz --pages 1000000 --archives 10000

Page and archive (or crawl) `n` depend on the seed and `n` only. Of every page: no exception, no more than a second,
every line in one field or chrome and every value on its lines, every mention where it says it is, and twice the same.
Of every archive: no exception but SourceError, no hang, no more memory than a gigabyte. What fails is written to
`tests/fuzz_corpus`, where `tests/test_fuzz.py` reads it again ever after: put its texts into words of your own first.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import hashlib
import io
import itertools
import json
import lzma
import multiprocessing
import os
import re
import resource
import signal
import sys
import tarfile
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import cache, partial
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.countries import CountryNames
from pipelines.invented.pages import generate_page
from pipelines.pages import stored_text
from pipelines.places import read_places
from pipelines.records import PAGE_SCHEMA, TEXT_COLUMNS, read_records
from pipelines.reference import read_country_names
from pipelines.settings import PROJECT, REFERENCE
from pipelines.sources import Passed, SourceError, list_files, read_files

CORPUS = PROJECT / "tests" / "fuzz_corpus"
_PAGE_FILES = sorted((PROJECT / "tests" / "pages").glob("*.txt"))
#: CPU seconds that a page or archive may take, and wall seconds after which nobody waits any longer.
_MOST_SECONDS = 1.0
_HANG_SECONDS = 60
_MOST_MEMORY = 1024**3
_BATCH = 25
_CHUNK = 500
#: A page is some kilobytes; one that is ten times as long still has to be read in a second.
_LONGEST_PAGE = 64 * 1024


class Failure(NamedTuple):
    """A page or archive that did not go well: its file name in the corpus, its bytes, and what was wrong."""

    name: str
    content: bytes
    words: str


class Hang(BaseException):
    """Nobody waits any longer. No Exception, so that no handler takes it for an error of a file."""


# ---- damaged pages

# fmt: off
_KEYS = (
    "eval_number eval_url eval_title location country region recommendations lessons_learned good_practices date "
    "themes theme category comments action_plan management_response progress admin_units title project_symbols url "
    "information_source challenges success context description administrative_issues replication cause_effect "
    "indicators links"
).split()
_ODD = [
    "\0", "\x0b", "\x0c", "\x1b[2J", "\x85", "\u2028", "\u2029", "\ufeff", "\u202e", "\u2066", "\u200b", "\u00a0",
    "\uf0b7", "\ufffd", "\ufffe", "\U0010ffff", "e\u0301" * 40, "👩‍🏫", "ß", "İ", "ﬁ", "Ǆ", "\r", "\r\r\n", "\t",
    "\ud800", "''", '"', "\\",
]
_LINES = [
    "", " ", "-", "- ", "- -", "--", "Skip to top", "Skip to", "Back to index", "Go to ILO main website", "N/A", ".",
    "Recommendations", "- Training:", "- unexpected:", "1.", "2) ", "R.3.1. ", "•", "o ", "https://[::1", "-1", "١٢٣",
    "http://a/9/9/" + "9" * 25, "2023-02-30 00:00:00.0", "9" * 5000, "Inter-Regional", "Côte d’Ivoire", "Kenya:",
    "In Kenya and Togo,",
]
_REPEATED = [
    "Kenya, ", "the Republic of ", "(" * 3, "- ", "1. ", "a", " ", "\t", "é", "Côte ", "Congo ", "• ", "ILO. ",
    "I.L.O.", "…", "St. ",
]
# fmt: on


def damaged_page(seed: int, number: int) -> bytes:
    """Page `number` of a seed: an invented page or one of tests/pages with one to eight kinds of damage."""
    random = Random(f"{seed}/page/{number}")
    text = _whole_page(random)
    page = b""
    for _ in range(random.choice((1, 1, 2, 3, 5, 8))):
        text = random.choice(_DAMAGES)(random, text)[:_LONGEST_PAGE]
    page = text.encode("utf-8", "surrogatepass")
    for _ in range(random.choice((0, 0, 0, 1, 3, 20))):
        position = random.randrange(len(page) + 1)
        page = (
            page[:position] + random.randbytes(random.choice((1, 1, 1, 4))) + page[position + random.choice((0, 1)) :]
        )
    return page


def _whole_page(random: Random) -> str:
    if random.random() < 0.3:
        return _texts()[random.randrange(len(_PAGE_FILES))]
    return generate_page(random.randrange(50), random.randrange(1, 2000))[1].decode("utf-8")


@cache
def _texts() -> list[str]:
    return [stored_text(path.read_bytes())[0] for path in _PAGE_FILES]


def _on_lines(change: Callable[[Random, list[str]], None]) -> Callable[[Random, str], str]:
    def damage(random: Random, text: str) -> str:
        lines = text.split("\n")
        change(random, lines)
        return "\n".join(lines)

    return damage


def _somewhere(random: Random, lines: Sequence[str]) -> tuple[int, int]:
    first = random.randrange(len(lines))
    return first, min(len(lines), first + random.choice((1, 1, 1, 2, 5, 20)))


def _drop(random: Random, lines: list[str]) -> None:
    first, end = _somewhere(random, lines)
    del lines[first:end]


def _double(random: Random, lines: list[str]) -> None:
    first, end = _somewhere(random, lines)
    lines[end:end] = lines[first:end] * random.choice((1, 1, 1, 3, 50))


def _swap(random: Random, lines: list[str]) -> None:
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _move(random: Random, lines: list[str]) -> None:
    first, end = _somewhere(random, lines)
    moved = lines[first:end]
    del lines[first:end]
    position = random.randrange(len(lines) + 1)
    lines[position:position] = moved


def _insert_lines(random: Random, lines: list[str]) -> None:
    position = random.randrange(len(lines) + 1)
    for _ in range(random.choice((1, 1, 2, 6))):
        mark = random.choice(("", "- ", " ", "- - "))
        key = f"{mark}{random.choice(_KEYS)}{random.choice((':', ':', ':', ' :', ''))}"
        lines.insert(position, random.choice((key, key, mark + random.choice(_LINES))))


def _other_layout(random: Random, lines: list[str]) -> None:
    first, end = (0, len(lines)) if random.random() < 0.3 else _somewhere(random, lines)
    for position in range(first, end):
        line = lines[position]
        lines[position] = line.removeprefix("- ") if line.startswith("- ") else f"- {line}"


def _splice(random: Random, lines: list[str]) -> None:
    other = _whole_page(random).split("\n")
    cut = random.randrange(len(lines) + 1)
    lines[cut:] = other[random.randrange(len(other)) :]


def _join_lines(random: Random, lines: list[str]) -> None:
    first, end = _somewhere(random, lines)
    lines[first:end] = [random.choice((" ", "", "\r", "\u2028")).join(lines[first:end])]


def _cut(random: Random, text: str) -> str:
    return text[: random.randrange(len(text) + 1)]


def _line_ends(random: Random, text: str) -> str:
    position = random.choice((0, random.randrange(len(text) + 1)))
    return text[:position] + text[position:].replace("\n", random.choice(("\r\n", "\r\n", "\r", "\n\n", "\n\r")))


def _odd_characters(random: Random, text: str) -> str:
    for _ in range(random.choice((1, 1, 3, 20))):
        position = random.randrange(len(text) + 1)
        text = text[:position] + random.choice(_ODD) + text[position:]
    return text


def _huge(random: Random, text: str) -> str:
    position = random.randrange(len(text) + 1)
    size = random.choice((300, 3000, 3000, 30_000, 200_000))
    piece = random.choice(_REPEATED + _LINES[:10]) or "\n"
    between = random.choice(("", "", "", "\n", " "))
    count = min(size, _LONGEST_PAGE) // (len(piece) + len(between))
    return text[:position] + (piece + between) * count + text[position:]


def _case(random: Random, text: str) -> str:
    first = random.randrange(len(text) + 1)
    end = first + random.choice((10, 1000))
    return text[:first] + random.choice((str.upper, str.lower, str.title, str.swapcase))(text[first:end]) + text[end:]


_DAMAGES: list[Callable[[Random, str], str]] = [
    *(_on_lines(change) for change in (_drop, _double, _swap, _move, _insert_lines, _insert_lines, _other_layout)),
    *(_on_lines(change) for change in (_splice, _join_lines)),
    _cut, _line_ends, _odd_characters, _odd_characters, _huge, _case,
]  # fmt: skip


# ---- what holds of every page


@cache
def _names() -> CountryNames:
    return read_country_names(REFERENCE)


def _batch(pages: Sequence[bytes]) -> pa.RecordBatch:
    """Pages as the page store has them."""
    ids = [hashlib.sha256(page).hexdigest() for page in pages]
    texts = [stored_text(page) for page in pages]
    columns = [
        ids,
        ids,
        [0] * len(pages),
        [len(page) for page in pages],
        *([text[i] for text in texts] for i in (0, 1)),
    ]
    arrays = [pa.array(column, item.type) for column, item in zip(columns, PAGE_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=PAGE_SCHEMA)


def wrong_with(pages: Sequence[bytes], is_twice: bool = False) -> str | None:
    """Read pages as a run does, and say what is wrong with what comes of it, if anything is."""
    batch = _batch(pages)
    started = time.process_time()
    try:
        records = read_records(batch)
        places = read_places(records, _names())
        seconds = time.process_time() - started
        if is_twice and not (records.equals(read_records(batch)) and places.equals(read_places(records, _names()))):
            return "it is not read the same way twice"
    except Exception:  # noqa: BLE001 (it is what is looked for)
        return traceback.format_exc()
    if seconds > _MOST_SECONDS:
        return f"it takes {seconds:.1f} s"
    return _lost_lines(batch, records) or _wrong_places(records, places)


def _lists(batch: pa.RecordBatch, name: str) -> Iterator[list[tuple[Any, ...]]]:
    """The items of a list column as tuples, row by row."""
    column: Any = batch[name]
    flat = column.flatten()
    items = zip(*(flat.field(i).to_pylist() for i in range(flat.type.num_fields)), strict=True)
    return (list(itertools.islice(items, length)) for length in column.value_lengths().to_pylist())


def _lost_lines(pages: pa.RecordBatch, records: pa.RecordBatch) -> str | None:
    """What sql/checks says of lines, once more: each is in one field or chrome, and values stand on theirs."""
    names = ("status", "line_count", "chrome_line_count")
    scalars = zip(pages["page_text"].to_pylist(), *(records[name].to_pylist() for name in names), strict=True)
    for (text, status, line_count, chrome), fields in zip(scalars, _lists(records, "fields"), strict=True):
        lines = re.split(r"\r?\n", text.removeprefix("\ufeff"))
        lines = lines[:-1] if lines[-1] == "" else lines
        if line_count != len(lines):
            return f"{line_count} lines are counted, and there are {len(lines)}"
        if status != "record":
            continue
        if sum(field[1] for field in fields) + chrome != line_count:
            return f"of {line_count} lines {sum(field[1] for field in fields)} are in fields and {chrome} are chrome"
        free = 1
        for line_number, count, path, value, value_line in fields:
            end = line_number + count
            if line_number < free or count < 1 or not line_number <= value_line < end or end > line_count + 1:
                return f"field {path} on lines {line_number} to {end - 1} overlaps another or the end"
            free = end
            if value is not None:
                printed = lines[value_line - 1 : end - 1]
                first, *others = value.split("\n")
                if printed[0] not in (first, f"- {first}") or printed[1:] != others:
                    return f"the value of {path} is not what stands on lines {value_line} to {end - 1}"
    return None


def _wrong_places(records: pa.RecordBatch, places: pa.RecordBatch) -> str | None:
    """Every mention and action item is in its text where it says it is."""
    mentions: Any = places.schema.field("country_mentions").type
    order = [mentions.value_type.field(i).name for i in range(mentions.value_type.num_fields)]
    texts_of: Any = records["records"]
    for blocks, rows in zip(texts_of.to_pylist(), _lists(places, "country_mentions"), strict=True):
        texts = {
            (block["record_number"], column): block[column]
            for block in blocks
            for column in TEXT_COLUMNS[block["record_kind"]]
        }
        for row in rows:
            mention = dict(zip(order, row, strict=True))
            text = texts[mention["record_number"], mention["field"]]
            if (
                text[mention["char_start"] : mention["char_end"]] != mention["mention_text"]
                or not mention["mention_text"]
            ):
                return f"{mention['mention_text']!r} is not at {mention['char_start']} of {mention['field']}"
    return None


# ---- damaged archives and crawls

_CRAWLS = (".jsonl", ".parquet", ".parquet")
_SUFFIXES = (".zip", ".zip", ".zip", ".tar", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", *_CRAWLS)


def damaged_archive(seed: int, number: int) -> tuple[str, bytes]:
    """Archive or crawl `number` of a seed: its suffix and bytes."""
    random = Random(f"{seed}/archive/{number}")
    suffix = random.choice(_SUFFIXES)
    if suffix in _CRAWLS:
        return suffix, _damaged_bytes(random, _crawl(random, suffix))
    members = [
        (_member_name(random), random.choice((b"", b"page", b"x" * 70_000, random.randbytes(600), _small_page(random))))
        for _ in range(random.choice((0, 1, 3, 6)))
    ]
    if suffix == ".zip":
        return suffix, _damaged_bytes(random, _zip(random, members))
    inner = _tar(random, members)
    if random.random() < 0.6:
        inner = _damaged_bytes(random, inner)
    pack = {".tar": bytes, ".bz2": bz2.compress, ".xz": lzma.compress}.get(suffix[-4:], partial(gzip.compress, mtime=0))
    packed: bytes = pack(inner)  # type: ignore[operator]
    return suffix, _damaged_bytes(random, packed) if random.random() < 0.6 else packed


def _small_page(random: Random) -> bytes:
    return _texts()[random.randrange(len(_PAGE_FILES))].encode()


def _member_name(random: Random) -> str:
    names = (
        "a.txt",
        "a.txt",
        "../../b.txt",
        "/etc/c.txt",
        "d/e.TXT",
        "inner.zip",
        "f.md",
        ".hidden.txt",
        "",
        "\udce9.txt",
    )
    return random.choice((*names, "g\n\x1b[2J.txt", "h" * 300 + ".txt", "d/", "ŵ.txt"))


def _zip(random: Random, members: Sequence[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name.replace("\udce9", "é") or "x")
            info.compress_type = random.choice((0, 8, 8, 8, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
            archive.writestr(info, content)
        archive.comment = random.choice((b"", b"", b"PK\x05\x06" * 9))
    return file.getvalue()


def _tar(random: Random, members: Sequence[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    format_ = random.choice((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    with tarfile.open(fileobj=file, mode="w", format=format_) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name[:90] if format_ == tarfile.USTAR_FORMAT else name)
            info.type = random.choice(
                (tarfile.REGTYPE,) * 6 + (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)
            )
            info.linkname = "/etc/passwd"
            info.size = len(content) if info.isreg() else 0
            if format_ == tarfile.PAX_FORMAT and random.random() < 0.3:
                info.pax_headers = {
                    "GNU.sparse.major": "1",
                    "GNU.sparse.minor": "0",
                    "size": random.choice(("5", "-1", "9" * 12)),
                }
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def _crawl(random: Random, suffix: str) -> bytes:
    texts: list[Any] = [
        random.choice((None, "", "x" * 70_000, "a\0b", "é", "\ud800", _small_page(random).decode()))
        for _ in range(random.choice((0, 1, 3, 6, 30)))
    ]
    if suffix == ".jsonl":
        rows: list[Any] = [{"text": text} for text in texts]
        rows += random.choices((["text"], {"text": 5}, {"text": {}}, {}, 10**400, None), k=random.choice((0, 0, 2)))
        return "\n".join(map(json.dumps, rows)).encode("utf-8", "surrogatepass")
    clean = [text and text.replace("\ud800", "?") for text in texts]
    file = io.BytesIO()
    pq.write_table(
        pa.table({"text": pa.array(clean, random.choice((pa.string(), pa.large_string(), pa.string_view())))}),
        file,
        row_group_size=random.choice((1, 5, 1000)),
        compression=random.choice(("none", "zstd", "snappy", "gzip", "brotli", "lz4")),
        use_dictionary=random.choice((True, False)),
        data_page_version=random.choice(("1.0", "2.0")),
    )
    return file.getvalue()


def _damaged_bytes(random: Random, data: bytes) -> bytes:
    for _ in range(random.choice((0, 1, 1, 2, 5))):
        position = random.randrange(len(data) + 1)
        roll = random.random()
        if roll < 0.5:
            data = data[:position] + random.randbytes(random.choice((1, 1, 2, 4))) + data[position + 1 :]
        elif roll < 0.65:
            data = data[:position]
        elif roll < 0.75:
            data = data[:position] + bytes(random.choice((1, 512, 4096))) + data[position + random.choice((0, 512)) :]
        elif roll < 0.9:  # a number in a header
            data = (
                data[:position]
                + random.choice((b"\xff" * 4, b"\0" * 4, b"77777777777", b"\x80" + b"\xff" * 11))
                + data[position + 4 :]
            )
        else:
            end = position + random.choice((30, 512, 2000))
            data = data + data[position:end] if random.random() < 0.5 else data[:position] + data[end:]
    return data


def wrong_with_archive(suffix: str, content: bytes, folder: Path) -> str | None:
    """Read an archive as a run does, and say what is wrong with that, if anything is."""
    path = folder / f"archive{suffix}"
    path.write_bytes(content)
    passed = Passed()
    started = time.process_time()
    try:
        for page in read_files(list_files([str(path)], passed), passed):
            if not page.source_uri.startswith((f"{path}/", f"{path}#")):
                return f"a page has the address {page.source_uri!r}"
    except SourceError as error:
        passed.failed.append(str(error))
    except Exception:  # noqa: BLE001
        return traceback.format_exc()
    if (seconds := time.process_time() - started) > _MOST_SECONDS:
        return f"it takes {seconds:.1f} s"
    if not all(message.isprintable() for message in passed.failed + passed.skipped):
        return "a message holds what a terminal obeys"
    if [path] != list(folder.iterdir()):
        return f"it left {sorted(folder.iterdir())}"
    return None


# ---- all of it


def fuzz_pages(seed: int, numbers: range) -> list[Failure]:
    """The pages of these numbers that fail."""
    failures = []
    for start in range(0, len(numbers), _BATCH):
        chosen = numbers[start : start + _BATCH]
        pages = [damaged_page(seed, number) for number in chosen]
        if _guarded(lambda pages=pages: wrong_with(pages)) is None and start % (8 * _BATCH):
            continue
        for number, page in zip(chosen, pages, strict=True):
            if words := _guarded(lambda page=page: wrong_with([page], is_twice=True)):
                failures.append(Failure(f"page-{seed}-{number}.txt", page, words))
    return failures


def fuzz_archives(seed: int, numbers: range) -> list[Failure]:
    """The archives of these numbers that fail."""
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            suffix, content = damaged_archive(seed, number)
            for left in Path(folder).iterdir():
                left.unlink()
            if words := _guarded(
                lambda suffix=suffix, content=content: wrong_with_archive(suffix, content, Path(folder))
            ):
                failures.append(Failure(f"archive-{seed}-{number}{suffix}", content, words))
    return failures


def replay(path: Path) -> str | None:
    """What is wrong with a file of the corpus, if anything still is."""
    if path.suffix == ".txt":
        return _guarded(lambda: wrong_with([path.read_bytes()], is_twice=True))
    with tempfile.TemporaryDirectory() as folder:
        suffix = next(suffix for suffix in sorted(set(_SUFFIXES), key=len, reverse=True) if path.name.endswith(suffix))
        return _guarded(lambda: wrong_with_archive(suffix, path.read_bytes(), Path(folder)))


def _guarded(check: Callable[[], str | None]) -> str | None:
    """Call a check that may never return."""
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, _HANG_SECONDS)
    try:
        return check()
    except Hang:
        return f"it takes more than {_HANG_SECONDS} s"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _give_up(number: int, frame: FrameType | None) -> None:
    raise Hang


def _limit_memory() -> None:
    """Let this process have a gigabyte more than it has."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _names()
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 (of Linux alone)
        size = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + _MOST_MEMORY, resource.RLIM_INFINITY))


def main() -> int:
    """The command line: python -m benchmarks.fuzz --pages 1000000 --archives 10000."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=100_000)
    parser.add_argument("--archives", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so long")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="where failures are kept")
    options = parser.parse_args()
    tasks: Iterator[tuple[Callable[[int, range], list[Failure]], range]] = itertools.chain(
        ((fuzz_archives, range(n, min(n + _CHUNK, options.archives))) for n in range(0, options.archives, _CHUNK)),
        ((fuzz_pages, range(n, min(n + _CHUNK, options.pages))) for n in range(0, options.pages, _CHUNK)),
    )
    started = time.monotonic()
    done = {fuzz_pages: 0, fuzz_archives: 0}
    found: list[Failure] = []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=spawn, initializer=_limit_memory) as pool:
        running: dict[Future[list[Failure]], tuple[Callable[[int, range], list[Failure]], range]] = {}
        while True:
            while len(running) < 2 * options.workers and time.monotonic() - started < options.seconds:
                task = next(tasks, None)
                if task is None:
                    break
                running[pool.submit(task[0], options.seed, task[1])] = task
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                function, numbers = running.pop(future)
                done[function] += len(numbers)
                for failure in future.result():
                    options.corpus.mkdir(parents=True, exist_ok=True)
                    (options.corpus / failure.name).write_bytes(failure.content)
                    print(f"\n{failure.name}: {failure.words.strip()}")
                    found.append(failure)
            seconds = time.monotonic() - started
            words = f"{done[fuzz_pages]:,} pages, {done[fuzz_archives]:,} archives, {len(found)} failures"
            print(f"\r{words}, {seconds:,.0f} s", end="", file=sys.stderr, flush=True)
    print(f"\r{words}, {time.monotonic() - started:,.0f} s, seed {options.seed}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
