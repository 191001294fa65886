"""The log of a run: a line a stage, messages at their level, and no text that makes lines of its own."""

from __future__ import annotations

import io
import json

import pytest

from pipelines import stages
from pipelines.history import RunEntry
from pipelines.run_log import Format, RunLog, level_of, written

NASTY = "not read: a\n2026-01-01 INFO forged\r\x85\u2028\x1b[2J\x7f\u202e\N{SNOWMAN}"
ENTRY = RunEntry("id", "ieval run", "…", "…", 1.5, 0, "published", {"pages_read": 1200, "new_pages": 3})


@pytest.fixture(autouse=True)
def fresh_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "LOG", stages.Log())
    monkeypatch.setattr("pipelines.run_log.LOG", stages.LOG)


def logged(form: Format) -> list[str]:
    file = io.StringIO()
    stages.LOG.listener = log = RunLog(form, "id", file)
    with stages.stage("reading pages", 3) as advance:
        advance(2)
        advance(1)
    stages.LOG.messages.append(NASTY)
    with pytest.raises(ValueError, match="broke"), stages.stage("looking") as advance:
        stages.LOG.messages.append("check warning: labels")
        raise ValueError("broke")
    log.finish(ENTRY)
    text = file.getvalue()
    assert text.endswith("\n")
    return text[:-1].split("\n")


def test_text() -> None:
    lines = logged("text")
    assert "".join(lines).isprintable() or "\N{SNOWMAN}" in "".join(lines)
    assert ["".join(line).splitlines() for line in lines] == [[line] for line in lines]
    levels = [line.split()[1:3] for line in lines]
    assert levels == [["INFO", "id"], ["ERROR", "id"], ["INFO", "id"], ["WARNING", "id"], ["INFO", "id"]]
    assert lines[0].endswith(" s, 3 of 3")
    assert lines[-1].endswith("run published after 1.5 s, 1,200 pages read, 3 new")


def test_json() -> None:
    lines = logged("json")
    assert all(line.isascii() and line.isprintable() for line in lines)
    entries = [json.loads(line) for line in lines]
    assert [entry["event"] for entry in entries] == ["stage", "message", "stage", "message", "run"]
    assert entries[1]["message"] == NASTY
    assert (entries[0]["stage"], entries[0]["done"], entries[0]["total"]) == ("reading pages", 3, 3)
    assert entries[2]["total"] is None
    assert (entries[4]["pages_read"], entries[4]["exit_code"]) == (1200, 0)


def test_nothing_unless_somebody_wants_it(capsys: pytest.CaptureFixture[str]) -> None:
    before = stages.LOG.listener
    with written(None, "id") as log, stages.stage("reading"):
        assert log is None
    with written("text", "id"), stages.stage("reading"):
        assert isinstance(stages.LOG.listener, RunLog)
    assert stages.LOG.listener is before
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("message", "level"),
    [
        ("not read: x", "ERROR"),
        ("check error: x", "ERROR"),
        ("check warning: x", "WARNING"),
        ("passed over: x", "INFO"),
        ("something else", "WARNING"),
    ],
)
def test_level(message: str, level: str) -> None:
    assert level_of(message) == level
