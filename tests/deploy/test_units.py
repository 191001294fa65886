"""The systemd units and the container files: what they name exists, what they forbid is forbidden."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner
from conftest import PROJECT

from pipelines.cli import main

DEPLOY = PROJECT / "deploy"
SERVICES = sorted((DEPLOY / "systemd").glob("*.service"))
UNITS = [*SERVICES, *(DEPLOY / "systemd").glob("*.timer")]
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
PROGRAM = "/opt/ieval/.venv/bin/ieval"
HARDENING = {
    "User=ieval",
    "ProtectSystem=strict",
    "ReadWritePaths=/var/lib/ieval",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallFilter=@system-service",
    "IPAddressDeny=any",
    "IPAddressAllow=localhost",
}


def is_understood(arguments: list[str]) -> None:
    """Whether the command line takes these arguments: parsed, not run."""
    name, *rest = arguments
    parent = click.Context(main, info_name="ieval", **main.context_settings)  # click keeps what it says of --help
    main.commands[name].make_context(name, [*rest], parent=parent)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_can_write_one_folder_and_reach_this_machine(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert set(lines) >= HARDENING
    assert [line for line in lines if line.startswith("MemoryMax=")]
    commands = [line.removeprefix("ExecStart=").split() for line in lines if line.startswith("ExecStart=")]
    assert commands
    for program, *arguments in commands:
        assert program == PROGRAM
        is_understood(arguments)
        if arguments[0] in ("serve", "explore"):
            assert arguments[arguments.index("--host") + 1] == "127.0.0.1"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze on PATH")
def test_systemd_finds_no_fault(tmp_path: Path) -> None:
    """With a program that is here, for systemd looks whether it is."""
    program = tmp_path / "ieval"
    program.write_text(f"#!{sys.executable}\n", encoding="utf-8")
    program.chmod(0o755)
    for path in UNITS:
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(text.replace(PROGRAM, str(program)), encoding="utf-8")

    def verify(*paths: Path) -> subprocess.CompletedProcess[str]:
        command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *map(str, paths)]
        return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)

    done = verify(*(tmp_path / path.name for path in UNITS))
    assert (done.returncode, done.stderr) == (0, "")
    # It would notice.
    wrong = tmp_path / SERVICES[0].name
    wrong.write_text(wrong.read_text(encoding="utf-8").replace("ProtectSystem=strict", "ProtectSystem=much"))
    assert "Failed to parse" in verify(wrong).stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze on PATH")
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_little_is_left_to_an_intruder(path: Path) -> None:
    """systemd's own measure, from 0 (safe) to 10: at most 2.5, where an unguarded service has 9.6."""
    command = ["systemd-analyze", "security", "--offline=yes", "--json=short", "--threshold=25", str(path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    if "Failed to" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, [each for each in json.loads(done.stdout) if float(each.get("exposure") or 0) > 0.1]


def test_the_image_is_made_of_what_is_there() -> None:
    steps = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", CONTAINERFILE, flags=re.MULTILINE)).splitlines()
    copied = [step.split()[1:-1] for step in steps if step.startswith("COPY") and "--from" not in step]
    sources = [source for group in copied for source in group]
    assert {"requirements.lock", "pyproject.toml", "pipelines", "seeds", "sql"} <= set(sources)
    for source in sources:
        assert (PROJECT / source).exists(), source
    # What the build leaves out of sight it cannot copy.
    seen = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in seen if line.startswith("!")} == set(sources)
    installed = [step for step in steps if "pip install" in step]
    assert "--require-hashes" in installed[0]
    assert all("--require-hashes" in step or "--no-deps --no-build-isolation" in step for step in installed)
    # The package is built without fetching anything: the lock has its build backend.
    assert re.search(r"^hatchling==", (PROJECT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_image_runs_as_nobody_in_particular() -> None:
    last = CONTAINERFILE[CONTAINERFILE.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert last.index("\nUSER ") > last.rindex("\nRUN ")
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", last, re.MULTILINE)[1])  # type: ignore[index]
    command = json.loads(re.search(r"^CMD (.*)$", last, re.MULTILINE)[1])  # type: ignore[index]
    assert (entry, command) == (["ieval"], ["run"])
    minor = int(re.search(r"python:3\.(\d+)-slim", last)[1])  # type: ignore[index]
    required = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (PROJECT / "pyproject.toml").read_text("utf-8"))
    assert required is not None
    assert int(required[1]) <= minor < int(required[2])


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_service_of_compose_is_as_safe(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    is_understood(service["command"])


def test_compose_has_a_page_for_viewers() -> None:
    assert "--read-only" in COMPOSE["services"]["viewer"]["command"]
    assert "--read-only" not in COMPOSE["services"]["dagster"]["command"]
    assert [name for name, service in COMPOSE["services"].items() if "restart" in service] == ["dagster", "viewer"]


def test_the_document_names_what_is_there() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for path in UNITS:
        stem = path.name if f"`{path.name}`" in text else path.suffix
        assert path.stem in text
        assert stem in text
    for name in re.findall(r"deploy/[\w./*-]+", text):
        assert list(PROJECT.glob(name)), name
    for command, options in re.findall(r"`?ieval (\w+)((?: --?[\w-]+)*)", text):
        if command in main.commands:
            known = CliRunner().invoke(main, [command, "--help"]).stdout
            for option in options.split():
                assert option in known, (command, option)
