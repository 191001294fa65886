"""Describes an export in words that machines and newcomers read: datapackage.json, CITATION.cff and README.md.

The package (Data Package v2) lists every file with its hash, and every table with fields, keys and references, so that
`frictionless validate` checks all of it. A table is its CSV file, or its Parquet file where there is none: of a
Parquet table frictionless compares no hash and takes an integer column with NULLs for floats, so that a damaged one
would often pass. Writing the rows does not belong here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pipelines.export.source import EXPORTABLE, About, references
from pipelines.tables import BOOLEAN, DATE, DOUBLE, INTEGER, TEXT, TIMESTAMP, Column, Table

MANIFEST, CITATION, README = "datapackage.json", "CITATION.cff", "README.md"
_NAME = "ieval-warehouse"
_TYPES = {
    TEXT: "string",
    INTEGER: "integer",
    DOUBLE: "number",
    BOOLEAN: "boolean",
    DATE: "date",
    TIMESTAMP: "datetime",
}
_MEDIA_TYPES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "sqlite": "application/vnd.sqlite3",
    "md": "text/markdown",
    "cff": "application/yaml",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file of an export: where it is in it (with `/`), and what it holds."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a datapackage.json says of its export: what it was made of, tables by format, and files by path."""

    state: str
    formats: Mapping[str, tuple[str, ...]]
    files: Mapping[str, File]


def read_manifest(text: str | bytes) -> Manifest | None:
    """Read what `render_package` wrote; None for a package of somebody else, and for no JSON at all.

    Names of no table are left out, for they become names of folders, and so is a format without any table.
    """
    try:
        package = json.loads(text)
        files = [
            File(resource["path"], int(resource["bytes"]), resource["hash"].removeprefix("sha256:"))
            for resource in package["resources"]
            if "bytes" in resource
        ]
        if not all(_is_inside(file.path) for file in files):
            return None  # not a file of the export, and nothing that an export may remove
        own = package[_NAME]
        formats = {
            name: known
            for name, tables in own["formats"].items()
            if (known := tuple(table for table in tables if isinstance(table, str) and table in EXPORTABLE))
        }
        return Manifest(str(own["state"]), formats, {file.path: file for file in files})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def unfinished(package: str) -> str:
    """The same package of an export that is not complete yet: it knows its files, and is of no run."""
    content = json.loads(package)
    content[_NAME]["state"] = ""
    return json.dumps(content)


def _is_inside(path: str) -> bool:
    """Whether a path leads to something inside the export."""
    return not PurePosixPath(path).is_absolute() and ".." not in path.split("/") and "\0" not in path


def render_package(
    about: About, tables: Sequence[Table], files: Iterable[File], formats: Mapping[str, Sequence[str]], state: str
) -> str:
    """datapackage.json of these files. `state` and `formats` are kept for `read_manifest`."""
    by_path = {file.path: file for file in sorted(files, key=lambda file: file.path)}
    described = {}
    for table in tables:
        paths = [f"{kind}/{table.name}.{kind}" for kind in ("csv", "parquet")]
        if path := next((path for path in paths if path in by_path), None):
            described[table] = by_path[path]
    resources = [_table_resource(table, described, file) for table, file in described.items()]
    resources += [_file_resource(file) for path, file in by_path.items() if not path.endswith(".csv")]
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": _NAME,
        "title": about.title,
        "description": f"{about.citation} Data quality: {about.quality}",
        "version": about.version,
        **({"created": about.observed_at.isoformat()} if about.observed_at else {}),
        "keywords": ["International Labour Organization", "evaluation", "recommendations", "lessons learned"],
        "sources": [{"title": about.source, **({"path": about.source_url} if about.source_url else {})}],
        "licenses": [
            *(
                []
                if about.is_demo
                else [{"path": README, "title": "Texts of the pages: the ILO's, see its terms of use"}]
            ),
            {
                "name": "Apache-2.0",
                "path": "https://www.apache.org/licenses/LICENSE-2.0",
                "title": "Codes, country assignments and counts: Apache License 2.0",
            },
        ],
        _NAME: {"state": state, "formats": {name: list(names) for name, names in formats.items()}},
        "resources": resources,
    }
    return json.dumps(package, indent=1, ensure_ascii=False) + "\n"


def _table_resource(table: Table, described: Iterable[Table], file: File) -> dict[str, Any]:
    kind = file.path.rpartition(".")[2]
    keys = [
        {"fields": list(columns), "reference": {"resource": referenced, "fields": list(referenced_columns)}}
        for columns, referenced, referenced_columns in references(table, described)
    ]
    return {
        "name": table.name,
        "type": "table",
        "path": file.path,
        "description": table.words,
        "format": kind,
        "mediatype": _MEDIA_TYPES[kind],
        "encoding": "utf-8",
        # frictionless would compare the bytes of a Parquet file with those that it did not count
        **({"bytes": file.bytes} if kind == "csv" else {}),
        "hash": f"sha256:{file.sha256}",
        "schema": {
            "fields": [_field(column, kind) for column in table.columns],
            "primaryKey": list(table.primary_key),
            **({"foreignKeys": keys} if keys else {}),
        },
    }


def _field(column: Column, kind: str) -> dict[str, Any]:
    constraints: dict[str, Any] = {} if column.nullable else {"required": True}
    if column.values:
        constraints["enum"] = list(column.values)
    return {
        "name": column.name,
        "type": _TYPES[column.type],
        "description": column.words,
        "missingValues": _missing_values(column, kind),
        **({"constraints": constraints} if constraints else {}),
    }


def _missing_values(column: Column, kind: str) -> list[str]:
    """What stands for NULL: nothing in CSV (an empty text is none where NULL cannot be), `nan` in Parquet."""
    if not column.nullable:
        return []
    if kind == "csv":
        return [""]
    return ["nan"] if column.type == INTEGER else []


def _file_resource(file: File) -> dict[str, Any]:
    name = file.path.rpartition("/")[2]
    return {
        "name": name.lower(),
        "path": file.path,
        # With its true format frictionless would read a Parquet or Excel file as a table and leave its hash alone.
        "format": "binary",
        "mediatype": _MEDIA_TYPES[name.rpartition(".")[2]],
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
    }


def render_citation(about: About) -> str:
    """CITATION.cff: how to cite the export, and the source of its texts. A JSON string is a YAML string."""

    def text(words: str) -> str:
        return json.dumps(words, ensure_ascii=False)

    words = "Cite the source of the texts, and for codes, countries and counts this data set."
    released = [f"date-released: {about.observed_at:%Y-%m-%d}"] if about.observed_at else []
    lines = [
        "cff-version: 1.2.0",
        f"message: {text(about.citation if about.is_demo else words)}",
        "type: dataset",
        f"title: {text(f'ieval-warehouse: {about.title}')}",
        "authors:",
        "  - name: The ieval-warehouse maintainers",
        f"version: {text(about.version)}",
        *released,
        f"abstract: {text(about.citation)}",
    ]
    if about.source_url:
        lines += [
            "references:",
            "  - type: database",
            f"    title: {text('i-eval Discovery')}",
            "    authors:",
            f"      - name: {text('International Labour Organization')}",
            f"    url: {text(about.source_url)}",
        ]
    return "\n".join(lines) + "\n"


_KINDS = {
    "parquet": "`parquet/<table>.parquet`: for Power BI, Tableau, pandas, R, Spark, DuckDB. One flat file a table.",
    "xlsx": "`ieval.xlsx`: the workbook. Begin with its first sheet.",
    "csv": "`csv/<table>.csv`: for any program. Exact, so open the workbook in Excel and not these.",
    "sqlite": "`ieval.sqlite`: all tables with keys, and search, for SQLite and Datasette.",
    "delta": "`delta/<table>`: Delta tables; each export is a version.",
}


def render_readme(about: About, tables: Sequence[Table], formats: Iterable[str]) -> str:
    """README.md: what the files are, what the tables are, where they come from and what may be done with them."""
    lines = [
        f"# {about.title}",
        "",
        f"Newest observation: {about.observed}. {about.quality}",
        "",
        *(f"* {_KINDS[name]}" for name in formats),
        f"* `{MANIFEST}`: every table and column in words, with keys and references, and the hash of every file;",
        "  the export is complete where it is there. `frictionless validate` checks it all.",
        f"* `{CITATION}`: how to cite.",
        "",
        "## Tables",
        "",
        *(f"* `{table.name}`: {table.words}" for table in tables),
        "",
        "## Source and terms",
        "",
        about.citation,
        "",
        about.terms,
    ]
    return "\n".join(lines) + "\n"
