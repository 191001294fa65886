"""Licences, bill of materials and audit of what is locked; the wheel, in an environment that has nothing else."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PAGES, PROJECT

LOCK = PROJECT / "requirements.lock"
LICENCES, AUDIT = PROJECT / "deploy" / "licences.py", PROJECT / "deploy" / "audit.py"


def python(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=180,
    )


@pytest.fixture(scope="module")
def locked() -> set[tuple[str, str]]:
    """Name and version of every package of the lock, also of those for other platforms."""
    return set(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", LOCK.read_text("utf-8"), re.MULTILINE))


def test_every_locked_package_has_a_licence(locked: set[tuple[str, str]]) -> None:
    done = python(LICENCES)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [re.split(r" {2,}", line, maxsplit=2) for line in done.stdout.splitlines()]
    assert {(name, version) for name, version, _ in rows} <= locked
    licences = {name: licence for name, _, licence in rows}
    assert {"duckdb": "MIT License", "dagster": "Apache-2.0"}.items() <= licences.items()
    # What is not there is for another platform.
    others = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==[^;\n]+;", LOCK.read_text("utf-8"), re.MULTILINE)
    assert {name for name, _ in locked} - set(licences) <= set(others)


def test_nothing_that_would_bind_those_who_use_it() -> None:
    """Whoever passes the warehouse on may do so under its own licence: no package asks for another."""
    assert not re.findall(r"^.*\b(?:AGPL|GPL(?!.*exception)|SSPL|BUSL)\b.*$", python(LICENCES).stdout, re.MULTILINE)


def test_the_bill_of_materials_is_valid_and_always_the_same() -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    done = python(LICENCES, "--format", "cyclonedx")
    assert (done.returncode, done.stderr) == (0, "")
    bill = json.loads(done.stdout)
    assert len(bill["components"]) == len(python(LICENCES).stdout.splitlines())
    assert all(component["licenses"] for component in bill["components"])
    assert python(LICENCES, "--format", "cyclonedx").stdout == done.stdout
    try:
        validator = JsonStrictValidator(SchemaVersion.V1_6)
        error = validator.validate_str(done.stdout)
    except Exception as error_:  # noqa: BLE001 (its own class, where the package for JSON schemas is missing)
        pytest.skip(f"no validator: {error_}")
    assert error is None


class _Advisories(http.server.BaseHTTPRequestHandler):
    """Knows one vulnerability, in every version of whatever it is asked about."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        affected = [{"package": {"name": "six", "ecosystem": "PyPI"}, "ranges": [], "versions": ["1.17.0"]}]
        body = json.dumps({"vulns": [{"id": "PYSEC-0000-1", "aliases": [], "affected": affected}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Not in the tests' output."""


@pytest.fixture
def advisories() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Advisories)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("six==1.17.0\n", encoding="utf-8")
    return path


def test_a_known_vulnerability_is_told(advisories: str, requirements: Path) -> None:
    done = python(
        AUDIT, "--requirement", requirements, "--no-deps", "--disable-pip", "-s", "osv", "--osv-url", advisories
    )
    assert done.returncode == 1, done.stderr
    assert "six 1.17.0: PYSEC-0000-1" in done.stdout
    assert "1 packages looked up, 1 known vulnerabilities" in done.stdout


def test_where_nobody_can_be_reached_it_says_so(requirements: Path) -> None:
    nobody = ("-s", "osv", "--osv-url", "http://127.0.0.1:9/")
    done = python(AUDIT, "--requirement", requirements, "--no-deps", "--disable-pip", *nobody)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("NOT AUDITED: ")


@pytest.mark.parametrize(("known", "code", "words"), [([], 0, "NOT AUDITED: "), (["other"], 1, "")])
def test_a_mirror_without_advisories_is_no_index(tmp_path: Path, known: list[str], code: int, words: str) -> None:
    """It knows none of the packages; one that it alone does not know is trouble."""
    skipped = {"name": "six", "skip_reason": "not found"}
    others = [{"name": name, "version": "1", "vulns": []} for name in known]
    (tmp_path / "pip_audit.py").write_text(f"import json; print(json.dumps({{'dependencies': {[skipped, *others]}}}))")
    done = python(AUDIT, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr[: len(words)]) == (code, words)
    assert ("six: not looked up: not found" in done.stdout) == bool(known)


def test_any_other_trouble_is_no_excuse(tmp_path: Path) -> None:
    done = python(AUDIT, "--requirement", tmp_path / "none.txt", "--disable-pip")
    assert done.returncode != 0
    assert "NOT AUDITED" not in done.stderr


# ---- the wheel


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the locked packages and the wheel; returns its folder of programs."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv, which installs from what it has kept, without the network")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "dist")]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, timeout=120)
    (wheel,) = (folder / "dist").glob("*.whl")
    environment = {**os.environ, "VIRTUAL_ENV": str(folder / "venv"), "UV_COMPILE_BYTECODE": "0"}

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [uv, *map(str, command)], env=environment, capture_output=True, encoding="utf-8", timeout=300
        )

    assert run("venv", "--quiet", "--python", sys.executable, folder / "venv").returncode == 0
    done = run("pip", "install", "--quiet", "--offline", "--require-hashes", "--requirement", LOCK)
    if done.returncode:
        pytest.skip(f"the locked packages are not in uv's cache: {done.stderr.strip().splitlines()[-1]}")
    done = run("pip", "install", "--quiet", "--offline", "--no-deps", wheel)
    assert done.returncode == 0, done.stderr
    return folder / "venv" / "bin"


def test_the_wheel_needs_no_checkout(installed: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("IEVAL_", "PYTHON"))}
    del environment["DAGSTER_HOME"]

    def ieval(*arguments: str | Path) -> str:
        done = subprocess.run(
            [str(installed / "ieval"), *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [str(installed / "python"), "-c", "import pipelines; print(pipelines.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(installed.parent)
    assert "made: warehouse/ieval.duckdb" in ieval("run")  # the page that travels with it
    assert "Cambodia" in ieval("sql", "country_promises")
    assert "pages: 1 read, 1 new" in ieval("run", PAGES / "lesson_900101.txt")
    assert "exported: warehouse/export" in ieval("export", "--format", "csv")
    assert (tmp_path / "warehouse" / "export" / "csv" / "country_action_items.csv").stat().st_size > 100
    assert "made: warehouse/report.html" in ieval("report")
    assert "all is well" in ieval("status")
