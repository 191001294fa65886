"""datapackage.json describes an export so that frictionless accepts it whole, and refuses it when a byte is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from conftest import Built
from frictionless import Package

from pipelines.export.datapackage import MANIFEST, read_manifest
from pipelines.export.exporting import export_all
from pipelines.export.source import EXPORTABLE, references
from pipelines.settings import Settings


def package(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))


def problems(folder: Path) -> list[str]:
    """What frictionless finds wrong, as `resource: kind`."""
    report = Package(str(folder / MANIFEST)).validate()
    found = [f"{task.name}: {error.type}" for task in report.tasks for error in task.errors]
    return found + [error.type for error in report.errors]


# ---- what it says


def test_it_describes_every_table_and_lists_every_file(exported: Path) -> None:
    resources = {resource["name"]: resource for resource in package(exported)["resources"]}
    assert [name for name, resource in resources.items() if resource.get("type") == "table"] == list(EXPORTABLE)
    edition = (exported / MANIFEST).resolve().parent
    files = {path.relative_to(edition).as_posix() for path in edition.rglob("*") if path.is_file()}
    assert {resource["path"] for resource in resources.values()} == files - {MANIFEST}
    for resource in resources.values():
        assert resource["bytes"] == (exported / resource["path"]).stat().st_size
        assert resource["mediatype"]


@pytest.mark.parametrize("name", EXPORTABLE)
def test_a_table_is_as_declared(exported: Path, name: str) -> None:
    table = EXPORTABLE[name]
    (resource,) = [resource for resource in package(exported)["resources"] if resource["name"] == name]
    schema = resource["schema"]
    assert resource["description"] == table.words
    assert schema["primaryKey"] == list(table.primary_key)
    for field, column in zip(schema["fields"], table.columns, strict=True):
        assert (field["name"], field["description"]) == (column.name, column.words)
        assert field.get("constraints", {}).get("required", False) is not column.nullable
        assert tuple(field.get("constraints", {}).get("enum", ())) == column.values
    keys = [
        (tuple(each["fields"]), each["reference"]["resource"], tuple(each["reference"]["fields"]))
        for each in schema.get("foreignKeys", [])
    ]
    assert keys == references(table, EXPORTABLE.values())


def test_about(exported_dangerous: Path) -> None:
    about = package(exported_dangerous)
    assert about["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert about["created"] == "2026-11-22T05:00:00+00:00"
    assert about["sources"] == [
        {
            "title": "International Labour Organization, i-eval Discovery",
            "path": "https://webapps.ilo.org/ievaldiscovery",
        }
    ]
    assert [each.get("name") for each in about["licenses"]] == [None, "Apache-2.0"]
    assert (exported_dangerous / about["licenses"][0]["path"]).exists()


def test_citation(exported_dangerous: Path) -> None:
    citation = yaml.safe_load((exported_dangerous / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "dataset"
    assert str(citation["date-released"]) == "2026-11-22"
    assert citation["authors"] == [{"name": "The ieval-warehouse maintainers"}]
    assert citation["references"][0]["authors"] == [{"name": "International Labour Organization"}]
    assert {"title", "message", "version"} <= set(citation)


def test_readme(exported: Path) -> None:
    text = (exported / "README.md").read_text(encoding="utf-8")
    for name in EXPORTABLE:
        assert f"* `{name}`: " in text
    assert "ieval.sqlite" in text
    assert "delta/" not in text


# ---- frictionless


def test_frictionless_accepts_it(exported: Path) -> None:
    command = [sys.executable, "-m", "frictionless", "validate", str(exported / MANIFEST)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stdout


def test_frictionless_accepts_dangerous_texts(exported_dangerous: Path) -> None:
    assert problems(exported_dangerous) == []


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "copy"))


def flip(path: Path) -> None:
    """Change one bit in the middle of a file, which keeps its length."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


FILES = ["csv/lessons.csv", "parquet/lessons.parquet", "ieval.xlsx", "ieval.sqlite", "README.md", "CITATION.cff"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
def test_frictionless_refuses_a_harmed_file(copy: Path, harm: Callable[[Path], None]) -> None:
    """Of whatever kind it is: each of them is named."""
    named = {each["path"]: each["name"] for each in package(copy)["resources"]}
    for path in FILES:
        harm(copy / path)
    found = problems(copy)
    assert {problem.partition(":")[0] for problem in found} == {named[path] for path in FILES}
    if harm is flip:
        assert {f"{named[path]}: hash-count" for path in FILES} <= set(found)


def with_hash_of_today(folder: Path, path: str) -> None:
    """Make the package agree with a file that was changed on purpose, so that only its content can be wrong."""
    from hashlib import sha256

    content = package(folder)
    for resource in content["resources"]:
        if resource["path"] == path:
            resource["hash"] = f"sha256:{sha256((folder / path).read_bytes()).hexdigest()}"
            if "bytes" in resource:
                resource["bytes"] = (folder / path).stat().st_size
    (folder / MANIFEST).write_text(json.dumps(content), encoding="utf-8")


def repeat(lines: list[str]) -> list[str]:
    return [*lines, lines[-1]]


def orphan(lines: list[str]) -> list[str]:
    return [*lines[:-1], lines[-1].replace('"africa"', '"atlantis"').replace('"asia', '"atlantis')]


def letters(lines: list[str]) -> list[str]:
    return [*lines[:-1], lines[-1].replace(",false,", ",perhaps,").replace(",true,", ",perhaps,")]


def drop(lines: list[str]) -> list[str]:
    return [lines[0], *lines[2:]]


@pytest.mark.parametrize(
    ("change", "kind"),
    [(repeat, "primary-key"), (orphan, "foreign-key"), (letters, "type-error"), (drop, "foreign-key")],
)
def test_frictionless_refuses_rows_that_are_not_as_declared(
    copy: Path, change: Callable[[list[str]], list[str]], kind: str
) -> None:
    path = copy / "csv" / "countries.csv"
    path.write_text("\n".join(change(path.read_text("utf-8").splitlines())) + "\n", encoding="utf-8")
    with_hash_of_today(copy, "csv/countries.csv")
    found = problems(copy)
    assert any(problem.endswith(f": {kind}") for problem in found), found


@pytest.fixture(scope="module")
def parquet_alone(hostile: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parquet-alone")
    export_all(Settings(warehouse=hostile.folder), to=str(folder), formats=["parquet"])
    return folder


def test_frictionless_accepts_parquet_alone(parquet_alone: Path) -> None:
    resources = package(parquet_alone)["resources"]
    assert [each["path"] for each in resources if each.get("type") == "table"] == [
        f"parquet/{name}.parquet" for name in EXPORTABLE
    ]
    assert problems(parquet_alone) == []


def test_frictionless_refuses_wrong_parquet(parquet_alone: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(parquet_alone, tmp_path / "copy"))
    flip(copy / "parquet" / "lessons.parquet")
    path = copy / "parquet" / "regions.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    found = problems(copy)
    assert "lessons.parquet: hash-count" in found
    assert "countries: foreign-key" in found


# ---- read back


def test_manifest_is_read_back(exported: Path) -> None:
    manifest = read_manifest((exported / MANIFEST).read_bytes())
    assert manifest is not None
    assert manifest.formats == {name: tuple(EXPORTABLE) for name in ("parquet", "xlsx", "csv", "sqlite")}
    assert manifest.files["ieval.xlsx"].bytes == (exported / "ieval.xlsx").stat().st_size
    assert len(manifest.files) == 2 * len(EXPORTABLE) + 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "null",
        '{"resources": []}',
        '{"resources": [], "ieval-warehouse": {"state": "x"}}',
        '{"resources": [{"path": "../x", "bytes": 1, "hash": "sha256:00"}], '
        '"ieval-warehouse": {"state": "x", "formats": {}}}',
        '{"resources": [{"path": "/etc/x", "bytes": 1, "hash": "sha256:00"}], '
        '"ieval-warehouse": {"state": "x", "formats": {}}}',
        '{"resources": [{"path": "x\\u0000", "bytes": 1, "hash": "sha256:00"}], '
        '"ieval-warehouse": {"state": "x", "formats": {}}}',
        '{"resources": [{"path": "x", "bytes": "many", "hash": "sha256:00"}], '
        '"ieval-warehouse": {"state": "x", "formats": {}}}',
        pytest.param("[" * 100_000, id="nested"),
        '{"resources": [{"path": 7, "bytes": 1, "hash": "x"}], "ieval-warehouse": {"state": "x", "formats": {}}}',
    ],
)
def test_a_package_of_somebody_else_is_none_of_ours(text: str) -> None:
    assert read_manifest(text) is None


def test_names_of_no_table_are_left_out() -> None:
    formats = {"delta": ["../../precious", "lessons", 7, "x/y", ["regions"]], "csv": ["nothing"], "xlsx": []}
    manifest = read_manifest(json.dumps({"resources": [], "ieval-warehouse": {"state": "x", "formats": formats}}))
    assert manifest is not None
    assert manifest.formats == {"delta": ("lessons",)}
