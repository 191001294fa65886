"""The command line, `ieval`: reads what a person wants, asks the modules behind it, and says what came of it.

Data goes to stdout, talk to stderr. Everything heavy is imported inside the commands, so that `--help` is instant.
Work of any kind does not belong here.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    import duckdb

    from pipelines.settings import Settings

_STARTED = time.perf_counter()
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Trouble(click.ClickException):
    """Something that a person can mend: a sentence on stderr and exit code 1."""

    def show(self, file: Any = None) -> None:
        """Print the sentence, without any character of a file name or page that a terminal would obey."""
        from pipelines.printing import printable

        click.echo(f"ieval: {printable(self.format_message())}", err=True)


def _warehouse_option(command: _Command) -> _Command:
    return click.option(
        "--warehouse",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the warehouse (IEVAL_WAREHOUSE).  [default: warehouse/]",
    )(command)


def _settings(warehouse: Path | None) -> Settings:
    """The settings of this process and of those it starts."""
    if warehouse is not None:
        os.environ["IEVAL_WAREHOUSE"] = str(warehouse)
    from pipelines.settings import Settings, SettingsError

    try:
        return Settings()
    except SettingsError as error:
        raise Trouble(str(error)) from None


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ieval-warehouse")
def main() -> None:
    """A queryable warehouse of what ILO evaluations recommend, teach and praise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a letter gets its number
            stream.reconfigure(errors="backslashreplace")


@main.command()
@click.argument("pages", nargs=-1, type=click.Path())
@click.option("--as-of", metavar="DATE", help="When the PAGES were seen, if not now: to load archived crawls.")
@click.option("--rebuild", is_flag=True, help="Read everything again, changed or not, and compute every table anew.")
@click.option("--strict", is_flag=True, help="Publish nothing if a page has a warning, such as an unknown label.")
@click.option(
    "--engine",
    type=click.Choice(["pool", "dask"]),
    help="Who reads pages: processes of this machine, or a Dask cluster (IEVAL_ENGINE).  [default: pool]",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Dask scheduler, like tcp://host:8786 (IEVAL_SCHEDULER).  [default: a cluster on this machine]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--verbose", is_flag=True, help="Show Dagster's own log, and ours.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="Log to stderr with the id of the run, one line a stage (IEVAL_LOG_FORMAT).  [default: no log]",
)
@_warehouse_option
def run(
    pages: tuple[str, ...],
    as_of: str | None,
    rebuild: bool,
    strict: bool,
    engine: str | None,
    scheduler: str | None,
    as_json: bool,
    verbose: bool,
    log_format: str | None,
    warehouse: Path | None,
) -> None:
    """Read PAGES and bring the warehouse up to date.

    PAGES are files, folders, globs, .zip or .tar archives of .txt pages, and .jsonl or .parquet files with a column
    `text` and optionally a column `url`; any of them may be at an address like s3://bucket/crawl/. Without PAGES:
    IEVAL_PAGES, else seeds/pages. Pages that were read before are remembered, files that have not changed are not
    opened, and nothing that was read is ever lost.
    """
    for name, value in (
        ("IEVAL_ENGINE", engine),
        ("IEVAL_SCHEDULER", scheduler),
        ("IEVAL_LOG_FORMAT", log_format),
    ):
        if value:
            os.environ[name] = value
    knobs = _settings(warehouse)
    from pipelines import recorded_run, running
    from pipelines.addresses import AddressError, refuse_secrets
    from pipelines.pages import MomentError, read_moment
    from pipelines.printing import printable

    try:
        if as_of is not None:
            read_moment(as_of)
    except MomentError as error:
        raise click.BadParameter(str(error), param_hint="--as-of") from None
    try:
        for page in pages:  # Dagster keeps what a run was asked to do
            refuse_secrets(page)
        summary = recorded_run.run(knobs, running.Asked(list(pages), as_of, rebuild, strict), verbose, _STARTED)
    except (running.RunFailed, AddressError) as error:
        raise Trouble(str(error)) from None
    except running.RunInterrupted as error:
        click.echo(f"ieval: {error}", err=True)
        sys.exit(130)
    if as_json:
        click.echo(printable(json.dumps(summary.as_dict(), indent=1, ensure_ascii=False)))
    else:
        click.echo(summary.text())
    if summary.not_read:
        raise Trouble(f"{summary.not_read} files could not be read; the others are in the warehouse")


_DAYS = click.FloatRange(0, 36_500)


@main.command(short_help="Tell what there is, how fresh it is and what is wrong.")
@click.option("--max-age", type=_DAYS, metavar="DAYS", help="Stale if no page said anything new for longer.")
@click.option("--max-run-age", type=_DAYS, metavar="DAYS", help="Stale if no `ieval run` went well for longer.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@_warehouse_option
def status(max_age: float | None, max_run_age: float | None, as_json: bool, warehouse: Path | None) -> None:
    """Tell what the warehouse holds, how fresh it is, what the last runs came to and what is wrong.

    \b
    Exit codes:
    0  all is well; there may be warnings
    1  the last run failed or was killed, the warehouse is missing or damaged,
       a check fails with an error, or the disk is nearly full
    2  called wrongly
    3  stale: older than --max-age or --max-run-age (without them nothing is)
    """
    from pipelines import status as status_

    knobs = _settings(warehouse)
    try:
        with _open(knobs) as connection:
            facts = status_.status(connection, knobs, max_age, max_run_age)
    except Trouble as trouble:
        failure = status_.last_failure(knobs)
        raise Trouble(f"{trouble.message}\n{failure}" if failure else trouble.message) from None
    click.echo(json.dumps(facts, indent=1) if as_json else status_.text(facts))
    sys.exit(facts["exit_code"])


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("question", required=False)
@click.argument("parameters", nargs=-1, type=click.UNPROCESSED)
@click.option("--csv", "as_csv", is_flag=True, help="Print as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("--xlsx", type=click.Path(path_type=Path, dir_okay=False), help="Write an Excel file.")
@click.option(
    "--unsafe",
    is_flag=True,
    help="Allow the query to read and write other files, reach the network, load extensions and change settings.",
)
@_warehouse_option
def sql(
    question: str | None,
    parameters: tuple[str, ...],
    as_csv: bool,
    as_json: bool,
    xlsx: Path | None,
    unsafe: bool,
    warehouse: Path | None,
) -> None:
    """Answer a worked QUESTION or an SQL query, read only.

    A query can only ask: it cannot write, open any other file, reach the network, load extensions or change settings.
    With --unsafe it can do all of this but change a table of the warehouse, also overwrite files: only for queries that
    you have written or read yourself.

    \b
    ieval sql                                         lists the questions
    ieval sql country_promises --country Cambodia     asks one of them
    ieval sql "SELECT count(*) FROM lessons"          asks anything
    """
    from pipelines import printing
    from pipelines.questions import QuestionError, ask, worked_questions

    if question is None:
        for file in worked_questions().values():
            click.echo(f"{file.name}\n    {file.title}")
            for parameter in file.parameters:
                default = f" [{parameter.default}]" if parameter.default is not None else ""
                click.echo(f"    --{parameter.name} {parameter.type.upper()}{default}  {parameter.words}")
        return
    if (as_csv, as_json, xlsx is not None).count(True) > 1:
        raise click.UsageError("--csv, --json and --xlsx exclude each other")
    given = _parse_parameters(parameters)
    with _open(_settings(warehouse), unsafe) as connection:
        try:
            answer = ask(connection, question, given, unsafe)
        except QuestionError as error:
            raise Trouble(str(error)) from None
    if xlsx:
        try:
            printing.write_excel(answer, xlsx)
        except OSError as error:
            raise Trouble(f"{xlsx} cannot be written: {error.strerror or error}") from None
        click.echo(f"{len(answer.rows):,} rows written to {xlsx}", err=True)
    elif as_csv:
        printing.print_csv(answer, sys.stdout)
    elif as_json:
        printing.print_json(answer, sys.stdout)
    else:
        printing.print_table(answer, sys.stdout)
        if not answer.rows:
            click.echo("no rows", err=True)


def _parse_parameters(words: tuple[str, ...]) -> dict[str, str]:
    given: dict[str, str] = {}
    queue = list(words)
    while queue:
        word = queue.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            raise click.UsageError(
                f"unexpected {word!r}; a query with blanks needs quotes, a parameter is --name value"
            )
        if not equals:
            if not queue:
                raise click.UsageError(f"--{name} needs a value")
            value = queue.pop(0)
        given[name.replace("-", "_")] = value
    return given


@contextlib.contextmanager
def _open(knobs: Settings, is_unsafe: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse, or a sentence that says how to make one."""
    from pipelines.questions import QuestionError, open_warehouse

    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(open_warehouse(knobs, is_unsafe))
        except QuestionError as error:
            raise Trouble(str(error)) from None
        yield connection


@main.command(short_help="Show an action plan with its countries and why.")
@click.argument("recommendation_id", type=int)
@_warehouse_option
def explain(recommendation_id: int, warehouse: Path | None) -> None:
    """Show the action plan of a recommendation: its items, their countries, and the words that this rests on."""
    from pipelines import explain as explain_
    from pipelines import printing
    from pipelines.questions import QuestionError

    with _open(_settings(warehouse)) as connection:
        try:
            with printing.paper(sys.stdout) as target:
                explain_.explain(connection, recommendation_id, target)
        except QuestionError as error:
            raise Trouble(str(error)) from None


@main.command()
@click.option("--unknown", is_flag=True, help="Print labels that no vocabulary has, in the shape of the CSV they want.")
@click.option(
    "--deep", "is_deep", is_flag=True, help="Compute everything again from the pages as well, and compare the bytes."
)
@_warehouse_option
def check(unknown: bool, is_deep: bool, warehouse: Path | None) -> None:
    """Run every check on the published warehouse, and compare its files with the manifest.

    Exit code 1 if a check fails with an error, or if something is not as it was published.
    """
    from pipelines import checks, progress
    from pipelines.printing import printable
    from pipelines.unknown import unknown_labels
    from pipelines.verification import VerificationError, verify

    knobs = _settings(warehouse)
    with _open(knobs) as connection:
        if unknown:
            text = unknown_labels(connection)
            click.echo(printable(text) or "every label is known", nl=not text, err=not text)
            return
        progress.show()
        results = checks.run_checks(connection, checks.all_checks())
    try:
        wrong = verify(knobs, is_deep)
    except VerificationError as error:
        wrong = [str(error)]
    for words in wrong:
        click.echo(printable(words))
    broken = [result for result in results if not result.passed]
    for result in broken:
        click.echo(printable(result.words))
    errors = sum(result.check.severity == checks.ERROR for result in broken)
    click.echo(
        f"{len(results)} checks: {len(results) - len(broken)} hold, {errors} errors, {len(broken) - errors} warnings"
    )
    again = ", and comes out the same when it is computed again" if is_deep else ""
    click.echo(f"not as published: {len(wrong)}" if wrong else f"every file is as it was published{again}")
    if errors or wrong:
        sys.exit(1)


@main.command(short_help="Write files for Excel, BI tools and other programs.")
@click.option(
    "--to",
    "target",
    metavar="DIR|URL",
    help="A folder, or an address like s3://….  [default: export/ of the warehouse]",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT",
    help="parquet, xlsx, csv, sqlite or delta; several with commas or by repeating.  [default: all but delta]",
)
@click.option("--tables", multiple=True, metavar="TABLE", help="Names of tables and marts, likewise.  [default: all]")
@click.option("--anew", is_flag=True, help="Write everything, also what is there already, of the same warehouse.")
@_warehouse_option
def export(
    target: str | None, formats: tuple[str, ...], tables: tuple[str, ...], anew: bool, warehouse: Path | None
) -> None:
    """Write the published warehouse as files for Excel, BI tools and other programs.

    \b
    parquet  parquet/TABLE.parquet  Power BI, Tableau, pandas, R, Spark
    xlsx     ieval.xlsx             Excel, LibreOffice
    csv      csv/TABLE.csv          any program
    sqlite   ieval.sqlite           SQLite and Datasette, with full-text search
    delta    delta/TABLE            Delta Lake (needs the extra `delta`)

    All are of one run. datapackage.json describes them and is written last: where it is, the export is complete.
    Formats that are there from an earlier run are made anew with those that are asked for.
    """
    knobs = _settings(warehouse)
    from pipelines import progress
    from pipelines.export import exporting
    from pipelines.export.source import ExportError, choose_tables
    from pipelines.printing import printable
    from pipelines.stages import stage

    for option, check, names in (("--format", exporting.choose_formats, formats), ("--tables", choose_tables, tables)):
        try:
            check(_listed(names))
        except ExportError as error:
            raise click.BadParameter(printable(str(error)), param_hint=option) from None
    progress.show()
    try:
        made = exporting.export_all(knobs, stage, target, _listed(formats), _listed(tables), anew)
    except ExportError as error:
        raise Trouble(str(error)) from None
    except KeyboardInterrupt:
        click.echo(
            "ieval: stopped; where there is no datapackage.json the export is incomplete: export again", err=True
        )
        sys.exit(130)
    click.echo(printable(made.text()))


def _listed(words: tuple[str, ...]) -> list[str]:
    """What an option lists, by repeating it or with commas."""
    return [name.strip() for word in words for name in word.split(",") if name.strip()]


_HOST = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
_NO_OPEN = click.option("--no-open", is_flag=True, help="Do not open the browser.")


@main.command(short_help="Look at the warehouse in the browser.")
@_HOST
@click.option("--port", default=8001, show_default=True, help="Port to listen on.")
@_NO_OPEN
@_warehouse_option
def explore(host: str, port: int, no_open: bool, warehouse: Path | None) -> None:
    """Look at the published warehouse in the browser: search, tables, questions, records. Ctrl-C ends it.

    Makes or renews the SQLite export of the warehouse first. Everything is read only and stays on this computer.
    """
    sys.exit(_explore(_settings(warehouse), host, port, not no_open))


def _explore(knobs: Settings, host: str, port: int, is_opened: bool) -> int:
    """Serve until Ctrl-C; returns the exit code."""
    try:
        from pipelines.explorer import serving as explorer
    except ModuleNotFoundError as error:
        if error.name not in ("datasette", "uvicorn", "markupsafe"):
            raise
        raise Trouble("the explorer needs Datasette: pip install 'ieval-warehouse[explore]'") from None
    from pipelines import progress
    from pipelines.export.source import ExportError
    from pipelines.printing import printable

    progress.show()
    try:
        listener = explorer.listen(host, port)
        made = explorer.prepare(knobs)
        if made.is_new:
            click.echo(printable(made.text()), err=True)
        click.echo(f"explorer: {explorer.address(host, port)} (read only); Ctrl-C ends it", err=True)
        return explorer.serve(knobs, host, listener, is_opened)
    except (ExportError, explorer.ExploreError) as error:
        raise Trouble(str(error)) from None


@main.command(short_help="Build a demonstration of invented pages and look at it.")
@click.option("--pages", type=click.IntRange(1, 1_000_000), default=2000, show_default=True, help="How many pages.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the demonstration.  [default: demo/ of the warehouse]",
)
@_HOST
@click.option("--port", default=8002, show_default=True, help="Port to listen on.")
@_NO_OPEN
@click.option("--no-serve", is_flag=True, help="Only build it.")
def demo(pages: int, folder: Path | None, host: str, port: int, no_open: bool, no_serve: bool) -> None:
    """Build a warehouse, exports, report and explorer from invented pages, in a folder of its own, and open it.

    For whoever wants to see what theirs would look like: your own warehouse is not touched. Every screen says that the
    texts are invented.
    """
    os.environ.pop("DAGSTER_HOME", None)  # the history of its runs is the demonstration's own
    knobs = _settings(folder or _settings(None).warehouse / "demo")
    from pipelines import demo as demo_
    from pipelines import progress
    from pipelines.export.source import ExportError
    from pipelines.printing import printable
    from pipelines.report.model import ReportError

    progress.show()
    try:
        demo_.build(knobs, pages, lambda words: click.echo(printable(words), err=True))
    except (demo_.DemoError, ExportError, ReportError) as error:
        raise Trouble(str(error)) from None
    if not no_serve:
        sys.exit(_explore(knobs, host, port, not no_open))


@main.command(short_help="Print the data dictionary as Markdown.")
@click.argument("table", required=False)
def dictionary(table: str | None) -> None:
    """Print the data dictionary as Markdown: all of it, or one TABLE. It is the same for every warehouse."""
    from pipelines import dictionary as dictionary_
    from pipelines.marts import MARTS
    from pipelines.tables import TABLES

    if table is None:
        click.echo(dictionary_.dictionary(), nl=False)
        return
    known = {**TABLES, **MARTS}
    name = table.rpartition(".")[2]
    if name not in known:
        raise Trouble(f"there is no table {table}; there are {', '.join(known)}")
    click.echo(dictionary_.describe(known[name]), nl=False)


@main.command(short_help="Write a report to mail around: HTML, PDF or PNG.")
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: warehouse/report.html]"
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "pdf", "png"]),
    help="What to write; PDF and PNG need Chromium, Chrome or Edge.  [default: as the file's name ends, else html]",
)
@click.option("--open", "is_opened", is_flag=True, help="Open it when it is written.")
@_warehouse_option
def report(to: Path | None, form: str | None, is_opened: bool, warehouse: Path | None) -> None:
    """Write the report of the warehouse: one file that needs nothing else, to read, print and mail around."""
    knobs = _settings(warehouse)
    from pipelines import progress
    from pipelines.questions import QuestionError
    from pipelines.report import reporting
    from pipelines.report.model import ReportError
    from pipelines.settings import from_here

    ending = to.suffix.lower().lstrip(".") if to else ""
    progress.show()
    try:
        written = reporting.write_report(knobs, to, form or (ending if ending in reporting.FORMATS else "html"))
    except (QuestionError, ReportError) as error:
        raise Trouble(str(error)) from None
    click.echo(f"made: {from_here(written.path)}, {written.bytes / 1e3:,.0f} kB")
    if is_opened and click.launch(str(written.path)):
        raise Trouble(f"nothing here can open it; open {from_here(written.path)} yourself")


@main.command(short_help="Remove old runs and left-overs, never a page.")
@click.option(
    "--keep-runs", type=click.IntRange(0), default=100, show_default=True, help="Keep so many of Dagster's runs."
)
@click.option("--keep-days", type=_DAYS, metavar="DAYS", help="Keep also all of Dagster's runs that are not older.")
@click.option("--dry-run", is_flag=True, help="Remove nothing; list what would be, with its bytes.")
@_warehouse_option
def prune(keep_runs: int, keep_days: float | None, dry_run: bool, warehouse: Path | None) -> None:
    """Remove what nobody needs any more, and tell the disk use before and after.

    That is: old runs in Dagster's history; temporary files of runs and exports that were killed; records and places
    that are made again or belong to no pages; publications before the last but one. Pages are never removed: they are
    the only thing that cannot be made again. Waits for a run that is writing the warehouse.
    """
    knobs = _settings(warehouse)
    if not knobs.warehouse.is_dir():
        raise Trouble(f"there is no warehouse at {knobs.warehouse} yet: make one with `ieval run`")
    from pipelines import pruning
    from pipelines.printing import printable

    try:
        done = pruning.prune(knobs, keep_runs, keep_days, dry_run, lambda words: click.echo(printable(words), err=True))
    except pruning.PruneError as error:
        raise Trouble(str(error)) from None
    click.echo(printable(done.text()))


@main.command(short_help="Start Dagster's web page and its daemon.")
@_HOST
@click.option("--port", default=3000, show_default=True, help="Port to listen on.")
@click.option(
    "--read-only", is_flag=True, help="For viewers: nothing can be launched or changed there, and no daemon is started."
)
@_warehouse_option
def serve(host: str, port: int, read_only: bool, warehouse: Path | None) -> None:
    """Start Dagster's web page and its daemon (daily schedule, sensor of new pages). Ctrl-C ends both."""
    from pipelines import serving

    try:
        sys.exit(serving.serve(_settings(warehouse), host, port, read_only))
    except serving.ServeError as error:
        raise Trouble(str(error)) from None
