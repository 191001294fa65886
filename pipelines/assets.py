"""The Dagster assets and asset checks: each wraps one function of the modules above it and reports what it made.

The graph that they form is the order of a run, and the only place where it is written: pages are stored, read into
records, computed into tables, checked, and published with their marts. Logic of any other kind does not belong here.
"""

# No `from __future__ import annotations`: Dagster reads the annotation of `context` at definition time.
import datetime
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines import checks, engine, lock, settings, warehouse
from pipelines.lake import GateError, TableFile
from pipelines.marts import MARTS
from pipelines.pages import PageCounts, SourceError, add_pages, read_sources, store_parts
from pipelines.reference import ReferenceError, read_reference
from pipelines.settings import Settings
from pipelines.sql_files import read_folder
from pipelines.stages import LOG, stage
from pipelines.tables import TABLES, Table

_OWNERS = ["team:ieval-warehouse"]
PAGE_STORE = dg.AssetKey(["page_store"])
RECORDS = dg.AssetKey(["records"])
DATABASE = dg.AssetKey(["ieval_duckdb"])
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
    sources = config.pages or knobs.pages_to_read
    counts = PageCounts()
    lock.hold(knobs.warehouse, context.log.warning)
    with stage("reading pages") as advance:
        try:
            seen_at = datetime.datetime.now(datetime.UTC)
            pages = read_sources(sources, counts)
            add_pages(knobs.page_store, pages, seen_at, counts, advance, on_part=_begin_reading)
        except SourceError as error:
            if reader := _READERS.pop(knobs.records, None):
                reader.close()
            raise _failure(error) from error
    for message in counts.failed:
        context.log.error("not read: %s", message)
    LOG.page_ids = counts.page_ids
    LOG.messages += [f"not read: {message}" for message in counts.failed]
    LOG.messages += [f"passed over: {message}" for message in counts.skipped]
    LOG.facts |= {"pages_read": counts.read, "new_pages": counts.new, "not_read": len(counts.failed)}
    return dg.MaterializeResult(
        metadata={
            "pages_read": counts.read,
            "new_pages": counts.new,
            "known_pages": counts.known,
            "files_passed_over": len(counts.skipped),
            "files_not_read": counts.failed,
            "parts": len(store_parts(knobs.page_store)),
        }
    )


#: Full parts are read into records while the rest of the pages is still being collected.
_READERS: dict[Path, engine.PartReader] = {}


def _begin_reading(part: Path) -> None:
    knobs = Settings()
    if knobs.records not in _READERS:
        _READERS[knobs.records] = engine.PartReader(settings.REFERENCE, knobs.workers)
    _READERS[knobs.records].begin(part, knobs.records / part.name)


@dg.asset(key=RECORDS, group_name="records", kinds={"parquet"}, owners=_OWNERS, deps=[PAGE_STORE, SEED_REFERENCE])
def records(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """What each page says, nested, one row a page: fields with their lines, records, action items, countries."""
    knobs = Settings()
    try:
        read_reference(settings.REFERENCE)
        made_by = engine.fingerprint(settings.REFERENCE)
        parts = store_parts(knobs.page_store)
        reader = _READERS.pop(knobs.records, None) or engine.PartReader(settings.REFERENCE, knobs.workers)
        tasks = [(part, knobs.records / part.name) for part in parts]
        tasks = [(part, made) for part, made in tasks if reader.is_begun(made) or not engine.is_current(made, made_by)]
        with stage("reading records", engine.count_rows([part for part, _ in tasks])) as advance:
            pages = reader.finish(tasks, advance)
    except ReferenceError as error:
        raise _failure(error) from error
    return dg.MaterializeResult(
        metadata={"parts_read": len(tasks), "parts_kept": len(parts) - len(tasks), "pages_read": pages},
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

    def keys(names: set[str]) -> set[dg.AssetKey]:
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


def _file_metadata(file: TableFile, folder: Path) -> dict[str, Any]:
    return {
        "dagster/row_count": file.rows,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "preview": dg.MetadataValue.md(warehouse.preview_markdown(folder, file.name)),
    }


@dg.multi_asset(name="tables", specs=_table_specs())
def tables(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    """Compute every declared table from the records and the vocabularies; nothing is published yet."""
    knobs = Settings()
    with stage("computing tables", len(TABLES)) as advance:
        try:
            files, folder = warehouse.refresh_tables(knobs, lambda file: advance(1))
        except GateError as error:
            raise _failure(error) from error
        metadata = {name: _file_metadata(file, folder) for name, file in files.items()}
    for name, file in files.items():
        version = dg.DataVersion(file.sha256)
        yield dg.MaterializeResult(_table_key(TABLES[name]), metadata=metadata[name], data_version=version)


# ---- checks


def _check_groups() -> dict[tuple[dg.AssetKey, str], list[checks.Check]]:
    """The checks by asset: what blocks a run is its `contract`, what only deserves a look its `plausibility`.

    One asset check for each of the 140 rules would cost a run more in Dagster's event log than all our work.
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
    rules = checks.all_checks()
    with stage("checking", len(rules)) as advance, warehouse.open_refreshed(Settings()) as connection:
        broken = {result.check: result for result in checks.run_checks(connection, rules, advance) if not result.passed}
        problems = checks.problems_on(connection, LOG.page_ids) if config.strict else []
    for (key, name), group in _check_groups().items():
        results = [broken[rule] for rule in group if rule in broken]
        LOG.messages += [f"check {result.words}" for result in results]
        is_error = any(result.check.severity == checks.ERROR for result in results)
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=not results,
            severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
            metadata={result.check.name: result.words for result in results},
        )
    if problems:
        hint = "mend the pages or the vocabularies and run again; until then nothing is published"
        raise _failure(ValueError("\n".join(["--strict allows no warnings:", *problems, hint])))


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
        published, is_new = warehouse.refresh_database(knobs)
        counts = warehouse.count_marts(knobs)
    yield dg.MaterializeResult(
        DATABASE,
        metadata={"tables": len(published.tables), "bytes": published.database_bytes, "is_new": is_new},
        data_version=dg.DataVersion(published.inputs),
    )
    for file in warehouse.mart_files().values():
        yield dg.MaterializeResult(
            _table_key(MARTS[file.name]),
            metadata={"dagster/row_count": counts[file.name]} if file.name in counts else {},
            data_version=dg.DataVersion(published.inputs),
        )
