"""The Dagster assets and asset checks: each wraps one function of the modules above it and reports what it made.

The graph that they form is the order of a run, and the only place where it is written: pages are stored, read into
records, computed into tables, checked, and published with their marts, of which exports and a report are made.
Logic of any other kind does not belong here.
"""

# No `from __future__ import annotations`: Dagster reads the annotation of `context` at definition time.
import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from pipelines import checks, engine, lock, settings, warehouse
from pipelines.cluster import ClusterError, open_cluster
from pipelines.database import mart_files
from pipelines.intake import drop_old_parts, find, take_in
from pipelines.lake import DamagedFileError, GateError, TableFile
from pipelines.marts import MARTS
from pipelines.pages import MomentError, read_moment, store_parts, store_version
from pipelines.printing import on_one_line
from pipelines.publication import published
from pipelines.reference import VocabularyError, read_reference
from pipelines.settings import Settings
from pipelines.sources import SourceError
from pipelines.sql_files import read_folder
from pipelines.stages import LOG, stage
from pipelines.tables import TABLES, Table

_OWNERS = ["team:ieval-warehouse"]
PAGE_STORE = dg.AssetKey(["page_store"])
RECORDS = dg.AssetKey(["records"])
DATABASE = dg.AssetKey(["ieval_duckdb"])
EXPORT = dg.AssetKey(["export"])
REPORT = dg.AssetKey(["report"])
#: The group of what is made of the published warehouse, in a job of its own.
OUTPUTS = "outputs"
SEED_PAGES = dg.AssetKey(["seeds", "pages"])
SEED_REFERENCE = dg.AssetKey(["seeds", "reference"])

SEEDS = [
    dg.AssetSpec(
        SEED_PAGES, group_name="seeds", kinds={"file"}, owners=_OWNERS, description="Text pages as copied or crawled."
    ),
    dg.AssetSpec(
        SEED_REFERENCE,
        group_name="seeds",
        kinds={"csv"},
        owners=_OWNERS,
        description="The vocabularies: countries and their names, regions, themes, statuses, units, donors.",
    ),
]


class PagesConfig(dg.Config):
    """Which pages to read."""

    #: Files, folders, globs, archives, .jsonl or .parquet; empty means the configured pages.
    pages: list[str] = []  # noqa: RUF012 (a pydantic model copies it)
    #: When the pages were seen, if not now: a date or a moment, ISO 8601, UTC unless it says otherwise.
    as_of: str | None = None
    #: Whether to open every file and read every page of the store again, changed or not.
    rebuild: bool = False


class ChecksConfig(dg.Config):
    """How much to forgive."""

    #: Whether labels that the vocabularies do not know, and every other warning, stop the run.
    strict: bool = False


def _failure(error: Exception) -> dg.Failure:
    """A failure that says what the error says: retrying would not help."""
    return dg.Failure(description=str(error), allow_retries=False)


@dg.asset(key=PAGE_STORE, group_name="raw", kinds={"parquet"}, owners=_OWNERS, deps=[SEED_PAGES])
def page_store(context: dg.AssetExecutionContext, config: PagesConfig) -> dg.MaterializeResult[None]:
    """Every distinct content of every page ever read, with where and when it was first seen. Only ever grows."""
    knobs = Settings()
    lock.hold(knobs.warehouse, context.log.warning)
    try:
        is_stated = config.as_of is not None
        seen_at = read_moment(config.as_of) if config.as_of is not None else datetime.datetime.now(datetime.UTC)
        with stage("looking for pages"):
            # What was seen on a stated day has to be told again, changed or not.
            found = find(knobs, config.pages or knobs.pages_to_read, every_file=is_stated or config.rebuild)
        drop_old_parts(knobs, config.rebuild)
        with stage("reading pages", found.page_count) as advance:
            counts = take_in(knobs, found, seen_at, is_stated, advance, on_part=_begin_reading)
    except (SourceError, MomentError, DamagedFileError) as error:
        if reader := _READERS.pop(knobs.records, None):
            reader.close()
        raise _failure(error) from error
    passed = found.passed
    for message in passed.failed:
        context.log.error("not read: %s", on_one_line(message))
    LOG.page_ids = pa.chunked_array([pa.array(counts.page_ids, pa.string()), *found.unchanged_page_ids.chunks])
    LOG.messages += [f"not read: {message}" for message in passed.failed]
    LOG.messages += [f"passed over: {message}" for message in passed.skipped]
    if counts.elsewhere:
        LOG.messages.append(
            f"known from other addresses, and counted as seen there and then: {counts.elsewhere:,} pages; "
            "if this is a new crawl, say when it was with --as-of"
        )
    facts = {
        "files": len(found.files),
        "files_unchanged": len(found.files) - len(found.changed),
        "pages_read": counts.read,
        "new_pages": counts.new,
        "not_read": len(passed.failed),
    }
    LOG.facts |= facts
    return dg.MaterializeResult(
        metadata={
            **facts,
            "known_pages": counts.known,
            "files_passed_over": len(passed.skipped),
            "files_not_read": passed.failed,
            "parts": len(store_parts(knobs.page_store)),
        },
        data_version=dg.DataVersion(store_version(knobs.page_store)),
    )


#: Full parts are read into records while the rest of the pages is still being collected.
_READERS: dict[Path, engine.PartReader] = {}


def _new_reader(knobs: Settings) -> engine.PartReader:
    if knobs.engine == "dask":
        return engine.PartReader(settings.REFERENCE, lambda: open_cluster(knobs.scheduler, knobs.workers), 1)
    open_pool = (lambda: engine.open_pool(knobs.workers)) if knobs.workers > 1 else None
    return engine.PartReader(settings.REFERENCE, open_pool)


def _begin_reading(part: Path) -> None:
    knobs = Settings()
    if knobs.records not in _READERS:
        _READERS[knobs.records] = _new_reader(knobs)
    _READERS[knobs.records].begin(engine.PartFiles(part, knobs.records / part.name, knobs.places / part.name))


@dg.asset(key=RECORDS, group_name="records", kinds={"parquet"}, owners=_OWNERS, deps=[PAGE_STORE, SEED_REFERENCE])
def records(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """What each page says, nested, one row a page: fields with their lines, records, action items, countries."""
    knobs = Settings()
    try:
        read_reference(settings.REFERENCE)
        made_by = engine.fingerprints(settings.REFERENCE)
        parts = store_parts(knobs.page_store)
        reader = _READERS.pop(knobs.records, None) or _new_reader(knobs)
        outdated = reader.outdated(engine.part_files(knobs))
        with stage("reading records", engine.count_rows(files.pages for files in outdated)) as advance:
            pages = reader.finish(outdated, advance)
    except (VocabularyError, ClusterError, DamagedFileError) as error:
        raise _failure(error) from error
    return dg.MaterializeResult(
        metadata={"parts_read": len(outdated), "parts_kept": len(parts) - len(outdated), "pages_read": pages},
        data_version=dg.DataVersion(engine.parts_version(parts, made_by)),
    )


# ---- tables


def _table_key(table: Table) -> dg.AssetKey:
    return dg.AssetKey([table.schema, table.name])


def _column_schema(table: Table) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                column.type,
                column.words,
                dg.TableColumnConstraints(
                    nullable=column.nullable,
                    unique=table.primary_key == (column.name,),
                    other=([f"in {column.references}"] if column.references else [])
                    + ([f"one of {', '.join(column.values)}"] if column.values else []),
                ),
            )
            for column in table.columns
        ]
    )


def _spec(table: Table, deps: Sequence[dg.AssetKey], kinds: set[str]) -> dg.AssetSpec:
    return dg.AssetSpec(
        _table_key(table),
        group_name=table.group,
        kinds=kinds,
        owners=_OWNERS,
        deps=deps,
        description=table.words,
        metadata={"dagster/column_schema": _column_schema(table), "dagster/table_name": table.qualified_name},
    )


def _table_specs() -> list[dg.AssetSpec]:
    """One spec a table; what it depends on is read from its SQL, through the steps in sql/staged."""
    staged = {f"staged.{file.name}": file.reads for file in read_folder(settings.SQL / "staged").values()}

    def keys(names: Iterable[str]) -> set[dg.AssetKey]:
        found: set[dg.AssetKey] = set()
        for name in names:
            schema, _, table = name.partition(".")
            if name in staged:
                found |= keys(staged[name])
            elif schema == "staged":
                found.add(PAGE_STORE if table == "pages" else RECORDS)
            elif schema == "reference":
                found.add(SEED_REFERENCE)
            else:
                found.add(dg.AssetKey([schema, table]))
        return found

    files = read_folder(settings.SQL / "tables")
    return [_spec(table, sorted(keys(files[name].reads)), {"parquet", "sql"}) for name, table in TABLES.items()]


def _file_metadata(file: TableFile, path: Path) -> dict[str, Any]:
    return {
        "dagster/row_count": file.rows,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "preview": dg.MetadataValue.md(warehouse.preview_markdown(path)),
    }


class TablesConfig(dg.Config):
    """How much to compute."""

    #: Whether to compute every table from every page, changed or not.
    rebuild: bool = False


@dg.multi_asset(name="tables", specs=_table_specs())
def tables(context: dg.AssetExecutionContext, config: TablesConfig) -> Iterator[dg.MaterializeResult[None]]:
    """Compute every declared table from the records and the vocabularies; nothing is published yet."""
    knobs = Settings()
    with stage("computing tables", len(TABLES)) as advance:
        try:
            files = warehouse.refresh_tables(knobs, config.rebuild, advance)
        except (GateError, warehouse.PagesLostError) as error:
            raise _failure(error) from error
        metadata = {name: _file_metadata(file, warehouse.table_path(knobs, name)) for name, file in files.items()}
    for name, file in files.items():
        version = dg.DataVersion(file.sha256)
        yield dg.MaterializeResult(_table_key(TABLES[name]), metadata=metadata[name], data_version=version)


# ---- checks


def _check_groups() -> dict[tuple[dg.AssetKey, str], list[checks.Check]]:
    """The checks by asset: what blocks a run is its `contract`, what only deserves a look its `plausibility`.

    One asset check for each rule would cost a run more in Dagster's event log than all our work.
    """
    groups: dict[tuple[dg.AssetKey, str], list[checks.Check]] = defaultdict(list)
    for check in checks.all_checks():
        groups[dg.AssetKey(check.table.split(".")), "contract" if check.is_blocking else "plausibility"].append(check)
    return groups


def _check_spec(key: dg.AssetKey, name: str, rules: list[checks.Check]) -> dg.AssetCheckSpec:
    words = "\n".join(f"* {rule.words}" for rule in rules) if len(rules) > 1 else rules[0].words
    return dg.AssetCheckSpec(name, asset=key, blocking=any(rule.is_blocking for rule in rules), description=words)


@dg.multi_asset_check(
    name="checks", specs=[_check_spec(key, name, rules) for (key, name), rules in _check_groups().items()]
)
def table_checks(context: dg.AssetCheckExecutionContext, config: ChecksConfig) -> Iterator[dg.AssetCheckResult]:
    """Run every rule over the tables that are about to be published."""
    knobs = Settings()
    with stage("checking", len(checks.all_checks())) as advance:
        failed = _failed_checks(knobs, advance)
        problems: list[str] = []
        if config.strict:
            with warehouse.open_refreshed(knobs) as connection:
                problems = checks.problems_on(connection, LOG.page_ids)
    for (key, name), group in _check_groups().items():
        broken = [rule for rule in group if rule.name in failed]
        LOG.messages += [f"check {failed[rule.name]}" for rule in broken]
        is_error = any(rule.severity == checks.ERROR for rule in broken)
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=not broken,
            severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
            metadata={rule.name: failed[rule.name] for rule in broken},
        )
    if problems:
        hint = "mend the pages or the vocabularies and run again; until then nothing is published"
        raise _failure(ValueError("\n".join(["--strict allows no warnings:", *map(on_one_line, problems), hint])))


def _failed_checks(knobs: Settings, advance: Callable[[int], None]) -> dict[str, str]:
    """The checks that fail on the refreshed tables, by name, with what they say.

    What was published was checked then. So after an increment the rows that it computed are checked, and everything
    only by the checks that failed before and by those that compare everything.
    """
    state, before = warehouse.staged(knobs), published(knobs)
    known = before.failed_checks if before else {}
    if state is None:
        return known
    rules = checks.all_checks()
    again = [rule for rule in rules if state.increment and (rule.name in known or rule.sees_everything)]
    results = []
    with warehouse.open_refreshed(knobs, only_fresh=True) as connection:
        results += checks.run_checks(connection, [rule for rule in rules if rule not in again], advance)
    if again:
        with warehouse.open_refreshed(knobs) as connection:
            results += checks.run_checks(connection, again, advance)
    state.failed_checks = {result.check.name: result.words for result in results if not result.passed}
    return state.failed_checks


# ---- the warehouse


@dg.multi_asset(
    name="warehouse",
    specs=[
        dg.AssetSpec(
            DATABASE,
            group_name="warehouse",
            kinds={"duckdb"},
            owners=_OWNERS,
            deps=[_table_key(table) for table in TABLES.values()],
            description="All tables with keys, references and comments, and the marts, in one file; swapped in whole.",
        ),
        *(_spec(mart, [DATABASE], {"duckdb", "view", "sql"}) for mart in MARTS.values()),
    ],
)
def database(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    """Build the database beside the old one, then move tables and database into place."""
    knobs = Settings()
    with stage("building the warehouse"):
        now, is_new = warehouse.refresh_database(knobs, context.run.run_id)
    version = dg.DataVersion(now.inputs.fingerprint)
    yield dg.MaterializeResult(
        DATABASE,
        metadata={"tables": len(now.tables), "bytes": now.database.bytes, "is_new": is_new},
        data_version=version,
    )
    for file in mart_files().values():
        rows = now.mart_rows.get(file.name)
        counted = {} if rows is None else {"dagster/row_count": rows}
        yield dg.MaterializeResult(_table_key(MARTS[file.name]), metadata=counted, data_version=version)


# ---- what is made of the warehouse


class ExportConfig(dg.Config):
    """What to export, and where to."""

    #: A folder or URL; nothing means `export/` of the warehouse.
    to: str | None = None
    #: Some of parquet, xlsx, csv, sqlite, delta; empty means all but Delta.
    formats: list[str] = []  # noqa: RUF012 (a pydantic model copies it)
    #: Names of tables and marts; empty means all.
    tables: list[str] = []  # noqa: RUF012


@dg.asset(
    key=EXPORT,
    group_name=OUTPUTS,
    kinds={"parquet", "excel", "csv", "sqlite"},
    owners=_OWNERS,
    deps=[DATABASE],
    description="Files of all tables and marts for Excel, BI tools and other programs, described by datapackage.json.",
)
def export(config: ExportConfig) -> dg.MaterializeResult[None]:
    """Export the published warehouse, where that has not been done."""
    from pipelines.export.exporting import export_all
    from pipelines.export.source import ExportError

    knobs = Settings()
    try:
        made = export_all(knobs, stage, config.to, config.formats, config.tables)
    except ExportError as error:
        raise _failure(error) from error
    sizes = {f"bytes of {name}": size for name, size in made.bytes.items()}
    facts: dict[str, str | bool] = {
        "location": made.location,
        "newest observation": made.observed,
        "is_new": made.is_new,
    }
    return dg.MaterializeResult(metadata={**facts, "tables": made.tables, **sizes})


@dg.asset(
    key=REPORT,
    group_name=OUTPUTS,
    kinds={"html"},
    owners=_OWNERS,
    deps=[DATABASE],
    description="One HTML file to mail around: implementation, ageing, countries, contradictions, data quality.",
)
def report() -> dg.MaterializeResult[None]:
    """Write the report of the published warehouse."""
    from pipelines.questions import QuestionError
    from pipelines.report.model import ReportError
    from pipelines.report.reporting import write_report

    try:
        written = write_report(Settings())
    except (QuestionError, ReportError) as error:
        raise _failure(error) from error
    figures = {name: number for name, number in written.key_figures.items() if number is not None}
    return dg.MaterializeResult(
        metadata={"path": dg.MetadataValue.path(written.path), "bytes": written.bytes, **figures}
    )
