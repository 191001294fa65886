"""The commands and outputs in README.md are what a reader gets: each is run on a warehouse of the shipped page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n\$ (.+)\n((?:.*\n)*?)```", README)
PYTHON = re.findall(r"```python\n((?:.*\n)*?)```\n\n```output\n((?:.*\n)*?)```", README)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which `ieval` is on the path and `warehouse/` is made of the shipped page."""
    folder = tmp_path_factory.mktemp("readme")
    program = folder / "bin" / "ieval"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pipelines "$@"\n')
    program.chmod(0o755)
    run(folder, "ieval run")
    return folder


def run(folder, command):
    environment = {name: value for name, value in os.environ.items() if name not in ("DAGSTER_HOME", "COLUMNS")}
    environment |= {
        "PATH": f"{folder / 'bin'}:{environment['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "IEVAL_WAREHOUSE": str(folder / "warehouse"),
        "LC_ALL": "C.UTF-8",  # in which order `ls` lists
    }
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("command", "output"), CONSOLE, ids=[command for command, _ in CONSOLE])
def test_command_prints_what_the_readme_says(folder, command, output):
    assert run(folder, command) == output


@pytest.mark.parametrize(("code", "output"), PYTHON)
def test_python_prints_what_the_readme_says(folder, code, output):
    script = folder / "script.py"
    script.write_text(code, encoding="utf-8")
    assert run(folder, f'"{sys.executable}" script.py') == output


def test_readme_has_examples():
    assert len(CONSOLE) >= 3
    assert PYTHON


def test_readme_names_every_variable_and_command():
    settings = (PROJECT / "pipelines" / "settings.py").read_text(encoding="utf-8")
    names = re.findall(r'_(?:environment|matching)\(\s*"(\w+)"', settings)
    assert {"WAREHOUSE", "PARTS", "ENGINE", "MEMORY_LIMIT"} <= set(names)
    for name in names:
        assert f"`IEVAL_{name}`" in README
    for command in (
        "run",
        "status",
        "sql",
        "check",
        "dictionary",
        "export",
        "report",
        "explore",
        "demo",
        "prune",
        "serve",
    ):
        assert f"ieval {command}" in README


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (PROJECT / target).exists(), target


def test_relationships_to_draw_are_those_of_the_tables():
    from pipelines.export.source import EXPORTABLE, references

    drawn = re.findall(r"^\| `(\w+)\.(\w+)` \| (.+) \|$", README, re.MULTILINE)
    assert len(drawn) > 5
    for table, column, others in drawn:
        for other in re.findall(r"`(\w+)`", others.partition("(")[0]):
            assert ((column,), table, (column,)) in references(EXPORTABLE[other], EXPORTABLE.values())
