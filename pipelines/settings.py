"""Says where seeds, SQL and the warehouse are, and every other knob: the only reader of the environment.

Each knob is an environment variable `IEVAL_…` with a default that suits a laptop. What the knobs turn does not belong
here.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast
from zoneinfo import ZoneInfo

from pipelines.addresses import AddressError, refuse_secrets, shown

_PACKAGE = Path(__file__).resolve().parent
#: A checkout has seeds/ and sql/ beside the package; an installed package carries them inside.
PROJECT = _PACKAGE.parent if (_PACKAGE.parent / "sql").is_dir() else _PACKAGE / "_shipped"
SQL = PROJECT / "sql"
REFERENCE = PROJECT / "seeds" / "reference"
SEED_PAGES = PROJECT / "seeds" / "pages"
MAP = PROJECT / "seeds" / "map"


_AMOUNT = r"(\d+(?:\.\d+)?)\s*([kKMGT]i?B|%)"
#: In bytes: with less, DuckDB cannot even check some thousand pages.
_LEAST_MEMORY = 100e6


class SettingsError(ValueError):
    """A knob that is set to something it cannot be; the message names the variable and what it takes."""


def _environment(name: str, default: str) -> str:
    return os.environ.get(f"IEVAL_{name}") or default


def _workers() -> int:
    text = _environment("WORKERS", str(os.cpu_count() or 1))
    if not text.isdecimal() or int(text) < 1:
        raise SettingsError(f"IEVAL_WORKERS is {text!r}; it takes a whole number from 1")
    return int(text)


def _matching(name: str, default: str, form: str, what: str) -> str:
    text = _environment(name, default)
    if not re.fullmatch(form, text):
        raise SettingsError(f"IEVAL_{name} is {text!r}; it takes {what}")
    return text


def _amount(text: str) -> tuple[float, str]:
    """Number and unit of what `_AMOUNT` matches."""
    number, unit = re.fullmatch(_AMOUNT, text).groups()  # type: ignore[union-attr]
    return float(number), unit


def _memory_limit() -> str:
    text = _matching("MEMORY_LIMIT", "1GB", _AMOUNT, "an amount of memory like 2GB or 500MB")
    amount, unit = _amount(text)
    if amount * {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "%": 1e12}[unit[0]] < _LEAST_MEMORY:
        raise SettingsError(f"IEVAL_MEMORY_LIMIT is {text!r}; DuckDB needs {_LEAST_MEMORY / 1e6:.0f}MB at least")
    return text


def _time_zone() -> str:
    text = _environment("TIME_ZONE", "UTC")
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(f"IEVAL_TIME_ZONE is {text!r}; it takes a name like UTC or Europe/Zurich") from error
    return text


def from_here(path: Path) -> Path:
    """The path as one would type it here: relative inside the working folder, so that no data names the machine."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def columns_when_piped() -> int:
    """How wide a page is that is no terminal: COLUMNS, else 100."""
    text = os.environ.get("COLUMNS", "")
    return int(text) if text.isdecimal() and int(text) > 0 else 100


@dataclass(frozen=True, slots=True)
class Settings:
    """The knobs of a run."""

    #: Everything that is made: IEVAL_WAREHOUSE, default `warehouse/` of the checkout or working folder.
    warehouse: Path = field(default_factory=lambda: Path(_environment("WAREHOUSE", str(_default_warehouse()))))
    #: The pages of a run that names none: IEVAL_PAGES, default `seeds/pages`.
    pages: str = field(default_factory=lambda: _environment("PAGES", ""))
    #: Where pages, records and places are kept: IEVAL_PARTS, a folder or an fsspec address; default the warehouse.
    parts: str = field(default_factory=lambda: _environment("PARTS", ""))
    #: Who reads pages into records: IEVAL_ENGINE, `pool` (processes of this machine) or `dask` (a cluster).
    engine: str = field(default_factory=lambda: _matching("ENGINE", "pool", "pool|dask", "pool or dask"))
    #: Address of a Dask scheduler, like tcp://host:8786: IEVAL_SCHEDULER; none starts a cluster on this machine.
    scheduler: str = field(default_factory=lambda: _environment("SCHEDULER", ""))
    #: Worker processes for large runs: IEVAL_WORKERS, default all cores.
    workers: int = field(default_factory=_workers)
    #: What DuckDB may use before it spills to disk: IEVAL_MEMORY_LIMIT.
    memory_limit: str = field(default_factory=_memory_limit)
    #: Cron expression and time zone of the daily run: IEVAL_SCHEDULE, IEVAL_TIME_ZONE.
    schedule: str = field(
        default_factory=lambda: _matching(
            "SCHEDULE", "0 5 * * *", r"[\d*/,-]+( [\d*/,\-A-Za-z]+){4}", "five fields of cron like 0 5 * * *"
        )
    )
    time_zone: str = field(default_factory=_time_zone)
    #: How a run is logged on stderr: IEVAL_LOG_FORMAT, `text` or `json`; default not at all.
    log_format: Literal["text", "json"] | None = field(
        default_factory=lambda: cast(
            Literal["text", "json"] | None, _matching("LOG_FORMAT", "", "(text|json)?", "text or json") or None
        )
    )
    #: Where a failed run is posted as JSON, if anywhere: IEVAL_FAILURE_WEBHOOK.
    failure_webhook: str = field(default_factory=lambda: _environment("FAILURE_WEBHOOK", ""))

    def __post_init__(self) -> None:
        """Raise SettingsError where pages or parts are at an address that cannot be used."""
        for name, address in (("IEVAL_PAGES", self.pages), ("IEVAL_PARTS", self.parts)):
            try:
                refuse_secrets(address)
            except AddressError as error:
                raise SettingsError(f"{name} is {error}") from None
        _ = self._parts

    def memory_share(self, shares: int) -> str:
        """One of so many equal shares of what DuckDB may use."""
        amount, unit = _amount(self.memory_limit)
        return f"{amount / shares}{unit}"

    @property
    def pages_to_read(self) -> list[str]:
        """The sources of a run that names none."""
        return [self.pages or str(from_here(SEED_PAGES))]

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.warehouse / "ieval.duckdb"

    @property
    def parquet(self) -> Path:
        """The published tables, one Parquet file each."""
        return self.warehouse / "parquet"

    @property
    def export(self) -> Path:
        """Where `ieval export` puts its files, unless told otherwise."""
        return self.warehouse / "export"

    @property
    def page_store(self) -> Path:
        """The append-only parts of every page ever read."""
        return self._parts / "pages"

    @property
    def records(self) -> Path:
        """What the pages of a part say, one part a part of the page store."""
        return self._parts / "records"

    @property
    def places(self) -> Path:
        """The countries and action items that the records of a part name, one part a part of the page store."""
        return self._parts / "places"

    @property
    def _parts(self) -> Path:
        """The folder of all parts; an fsspec address is used like a path."""
        protocol, is_address, path = self.parts.partition("://")
        if not is_address or protocol in ("file", "local"):
            return Path(path or self.parts or self.warehouse)
        from upath import UPath  # only where somebody wants one

        try:
            address = UPath(self.parts)
            _ = address.fs
        except (ImportError, ValueError) as error:  # a protocol that nobody knows, or whose package is not installed
            raise SettingsError(f"IEVAL_PARTS is {self.parts!r}, which cannot be used: {shown(str(error))}") from None
        return cast(Path, address)

    @property
    def source_manifest(self) -> Path:
        """Which files were read, so that unchanged ones are not opened."""
        return self.warehouse / "sources.parquet"

    @property
    def staging(self) -> Path:
        """Where tables are written and checked before they are published."""
        return self.warehouse / ".staging"

    @property
    def manifest(self) -> Path:
        """What the last run published: its id, inputs, files, rows, hashes."""
        return self.warehouse / "manifest.json"

    @property
    def current(self) -> Path:
        """A link to the publication that is in place; database, tables and manifest are links into it."""
        return self.warehouse / "current"

    @property
    def publications(self) -> Path:
        """What was published last and before, a numbered folder each."""
        return self.warehouse / "publications"

    @property
    def history(self) -> Path:
        """What the last runs came to, a line each."""
        return self.warehouse / "runs.jsonl"

    @property
    def demo_mark(self) -> Path:
        """What `ieval demo` leaves in a warehouse of invented texts."""
        return self.warehouse / "demo.json"

    @property
    def is_demo(self) -> bool:
        """Whether the texts of this warehouse are invented, which every page that shows them says."""
        return self.demo_mark.exists()

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage, an absolute path: DAGSTER_HOME, else in the warehouse."""
        return Path(os.environ.get("DAGSTER_HOME") or (self.warehouse / ".dagster").absolute())


def _default_warehouse() -> Path:
    return (PROJECT if PROJECT != _PACKAGE / "_shipped" else Path.cwd()) / "warehouse"
