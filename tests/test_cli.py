"""The command, as people type it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from helpers import __version__
from helpers.cli import app
from helpers.paths import course_folder

CHAPTER = "02_convolution_arithmetic"
run = CliRunner()


def layerwise(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "helpers.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize(
    "command",
    ["", "start", "exercises", "check", "publish", "book", "grade", "sample-class", "record"],
)
def test_every_command_has_help(command: str) -> None:
    result = run.invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0 and len(result.output) > 200


def test_version() -> None:
    assert run.invoke(app, ["--version"]).output == f"layerwise {__version__}\n"


def test_start_copies_and_never_overwrites(tmp_path: Path) -> None:
    done = layerwise("start", CHAPTER, "--to", str(tmp_path / "mine"))
    copy = tmp_path / "mine" / f"{CHAPTER}.ipynb"
    assert done.returncode == 0 and str(copy) in done.stdout
    assert copy.read_bytes() == (course_folder("chapters") / f"{CHAPTER}.ipynb").read_bytes()
    copy.write_text("my work")
    again = layerwise("start", CHAPTER, "--to", str(tmp_path / "mine"))
    assert again.returncode == 1 and "is kept as it is" in again.stderr
    assert copy.read_text() == "my work" and "Traceback" not in again.stderr


def test_an_unknown_chapter_is_answered_with_those_there_are() -> None:
    done = layerwise("start", "02")
    assert done.returncode == 1 and CHAPTER in done.stderr and "Traceback" not in done.stderr


def test_exercises_as_json() -> None:
    listed = json.loads(layerwise("exercises", "--json").stdout)
    assert {"name", "chapter", "points", "difficulty", "minutes"} <= set(listed[0])
    assert {"01_nn_module", CHAPTER} <= {row["chapter"] for row in listed}
    assert CHAPTER in run.invoke(app, ["exercises"]).output


def test_publish_check_finds_no_drift_in_this_checkout() -> None:
    done = layerwise("publish", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_publish_solved_then_check(tmp_path: Path) -> None:
    assert layerwise("publish", "--solved", str(tmp_path)).returncode == 0
    done = layerwise("check", str(tmp_path / f"{CHAPTER}.ipynb"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("All right") == done.stdout.count("points.")
    stubs = layerwise("check", str(course_folder("chapters") / f"{CHAPTER}.ipynb"))
    assert stubs.returncode == 1 and "Not attempted yet" in stubs.stdout


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3}'])
def test_check_says_what_is_no_notebook(tmp_path: Path, content: str) -> None:
    file = tmp_path / "broken.ipynb"
    file.write_text(content)
    done = layerwise("check", str(file))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "broken.ipynb" in done.stderr


def test_grade_says_where_it_looked(tmp_path: Path) -> None:
    done = layerwise("grade", CHAPTER, "--course", str(tmp_path / "nobody"), "--no-sandbox")
    assert done.returncode == 1 and "submitted/STUDENT" in done.stderr
    assert "without a sandbox" in done.stderr


def test_record_lists_what_can_be_recorded() -> None:
    assert "local_errors" in run.invoke(app, ["record"]).output
