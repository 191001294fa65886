"""Imports point one way, reading is pure, and one module alone reads the environment: read from the source itself."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import PROJECT

PACKAGE = PROJECT / "pipelines"
WORDS = {"tables", "problems", "settings", "marts", "addresses"}
READING = {
    "bullets",
    "language",
    "decoding",
    "countries",
    "context",
    "folding",
    "mentions",
    "roles",
    "sentences",
    "attribution",
    "action_plan",
} | {
    # page, and the modules that it is made of
    path.stem
    for path in PACKAGE.glob("page*.py")
    if path.stem != "pages"
}
RECORDS = {"records", "places"}
STORING = {
    "schema",
    "lake",
    "lock",
    "interrupts",
    "sources",
    "contents",
    "archives",
    "crawls",
    "remote",
    "source_manifest",
    "parts",
    "pages",
    "intake",
    "table_builder",
    "increment",
    "database",
    "publication",
    "warehouse",
    "cluster",
    "checks",
    "engine",
    "sql_files",
    "reference",
    "dictionary",
    "questions",
    "verification",
    # what these say while they work, and how
    "stages",
    "printing",
    "history",
}
DOORS = {
    "__init__",
    "__main__",
    "assets",
    "cli",
    "dagster_home",
    "definitions",
    "explain",
    "progress",
    "pruning",
    "recorded_run",
    "run_log",
    "running",
    "serving",
    "status",
    "unknown",
}
#: Modules by their names under `pipelines`, those of packages with a dot.
PATHS = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
TREES = {module: ast.parse(path.read_text("utf-8")) for module, path in PATHS.items()}
MODULES = sorted(TREES)
#: What is made of the published warehouse: packages.
SHOWING = {
    module for module in MODULES if module.partition(".")[0] in ("demo", "explorer", "export", "invented", "report")
}
LAYERS = [WORDS, READING, RECORDS, STORING, SHOWING, DOORS]
#: What only looks up a few rows, or only few want, may be imported where it is needed.
LAZY_IN_READING = {"countries": {"rapidfuzz"}, "settings": {"upath"}}


def imports(module: str, lazy: bool = True) -> Iterator[str]:
    """The modules that a module imports by full name; with `lazy`, also those imported inside functions."""
    for node in ast.walk(TREES[module]) if lazy else _at_import(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            assert node.module is not None
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name.removeprefix("pipelines.") in TREES else node.module for name in names)


def _at_import(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported, without those for type checkers."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test):
            yield from (*node.body, *node.orelse)
        elif isinstance(node, ast.Try | ast.With):
            yield from node.body
        else:
            yield node


def own(module: str) -> set[str]:
    return {name.removeprefix("pipelines.") for name in imports(module) if name.startswith("pipelines.")}


def foreign(module: str, lazy: bool = True) -> set[str]:
    names = {name.split(".")[0] for name in imports(module, lazy)}
    return names - sys.stdlib_module_names - {"pipelines"}


def layer(module: str) -> int:
    (found,) = [number for number, modules in enumerate(LAYERS) if module in modules]
    return found


def test_every_module_has_its_place() -> None:
    assert set(MODULES) == set().union(*LAYERS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    assert {name for name in own(module) if layer(name) > layer(module)} == set()


def test_no_circles() -> None:
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " imports ".join([*above, module])
        if module not in done:
            for name in own(module):
                visit(name, (*above, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


@pytest.mark.parametrize("module", sorted(WORDS | READING))
def test_reading_needs_the_standard_library_only(module: str) -> None:
    assert foreign(module, lazy=False) == set()
    assert foreign(module) <= LAZY_IN_READING.get(module, set())


@pytest.mark.parametrize("module", sorted(READING | RECORDS))
def test_reading_knows_no_disk_clock_network_environment_or_logger(module: str) -> None:
    assert set(imports(module)) & {"os", "io", "pathlib", "time", "logging", "random", "urllib.request"} == set()
    calls = {ast.unparse(node.func) for node in ast.walk(TREES[module]) if isinstance(node, ast.Call)}
    assert calls & {"open", "print", "datetime.datetime.now", "datetime.date.today", "input"} == set()


@pytest.mark.parametrize("module", sorted(RECORDS))
def test_records_need_arrow_only(module: str) -> None:
    assert foreign(module) == {"pyarrow"}
    assert own(module) <= READING | WORDS | RECORDS


def test_dask_is_asked_for_only_where_somebody_wants_a_cluster() -> None:
    assert {module for module in MODULES if "distributed" in foreign(module)} == {"cluster"}
    assert {module for module in MODULES if "distributed" in foreign(module, lazy=False)} == set()
    assert {module for module in MODULES if "upath" in foreign(module, lazy=False)} == set()


def test_dagster_stays_at_the_doors() -> None:
    assert {module for module in MODULES if "dagster" in foreign(module)} == {
        "assets",
        "dagster_home",
        "definitions",
        "pruning",
        "running",
    }
    assert "dagster" not in foreign("dagster_home", lazy=False)  # it says where the home is before Dagster is imported
    assert {module for module in MODULES if "dagster" in foreign(module, lazy=False)} == {"assets", "definitions"}
    # Nothing behind the doors imports what imports Dagster, but where it is asked to.
    assert {module for module in MODULES if own(module) & {"assets", "definitions"}} == {"definitions", "running"}


def _environment(module: str) -> Iterator[ast.Attribute]:
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.environb"):
            yield node
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            assert not {alias.name for alias in node.names} & {"environ", "getenv", "environb"}


def test_datasette_stays_with_the_explorer() -> None:
    asking = {module for module in MODULES if {"datasette", "uvicorn"} & foreign(module)}
    assert asking == {"explorer.facets", "explorer.plugin", "explorer.serving"}
    # An extra: nothing but the command that needs it imports it, and only then.
    assert {module for module in MODULES if own(module) & asking} == {"cli", "explorer.plugin", "explorer.serving"}
    assert not {name for name in imports("cli", lazy=False) if name.startswith("pipelines.explorer")}


def test_what_invents_pages_shares_nothing_with_what_reads_them() -> None:
    """Else both would have the same errors, and the tests would not see them."""
    inventing = {module for module in MODULES if module.startswith("invented")}
    assert {name for module in inventing for name in own(module)} <= inventing | {"settings"}


def test_settings_alone_read_the_environment() -> None:
    touching = {module for module in MODULES if list(_environment(module))}
    # The two others write: Dagster's home, and the warehouse for the processes that are started.
    assert touching == {"settings", "dagster_home", "cli"}
    for module in ("cli", "dagster_home"):
        text = ast.unparse(TREES[module])
        writing = re.findall(r"os\.environ(?:\[[^]]+\] = |\.pop\()", text)  # or taking away
        assert len(writing) == len(list(_environment(module)))
    assert "envvar" not in ast.unparse(TREES["cli"])


def test_command_line_imports_nothing_heavy() -> None:
    program = "import sys, pipelines.cli; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    heavy = {
        "adbc_driver_sqlite",
        "dagster",
        "datasette",
        "uvicorn",
        "deltalake",
        "fsspec",
        "duckdb",
        "pyarrow",
        "pandas",
        "numpy",
        "rich",
        "rapidfuzz",
        "xlsxwriter",
        "jinja2",
        "vl_convert",
    }
    assert set(done.stdout.split()) & heavy == set()


@pytest.mark.parametrize("module", MODULES)
def test_docstring(module: str) -> None:
    words = ast.get_docstring(TREES[module])
    assert words
    assert words.split("\n")[0].endswith((".", ","))
    assert words.rstrip().endswith(".")


@pytest.mark.parametrize("made_of", [("records",), ("records", "places", "reference")])
def test_what_the_fingerprints_are_made_of(made_of: tuple[str, ...]) -> None:
    """A module that decides what records or places are and is not in the fingerprint would leave old ones in place."""
    from pipelines import engine

    needed, queue = set(), list(made_of)
    while queue:
        module = queue.pop()
        if module not in needed:
            needed.add(module)
            queue += own(module)
    assert {path.stem for path in engine._modules(*made_of)} == needed


def test_what_the_tables_are_made_of() -> None:
    """A module that decides what is published or checked and is not among the inputs would leave the old there."""
    from pipelines import engine, publication

    needed, queue = set(), ["table_builder", "increment", "database", "checks"]
    while queue:
        module = queue.pop()
        if module not in needed:
            needed.add(module)
            queue += own(module)
    hashed = set(publication._MAKERS) | {path.stem for path in engine._modules("records", "places", "reference")}
    # These know where things lie and what parts there are, and decide no row.
    assert needed - hashed <= {
        *("settings", "pages", "parts", "sources", "interrupts"),
        *("addresses", "archives", "contents", "crawls", "remote"),
    }
