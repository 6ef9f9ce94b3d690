"""The page *For instructors*: a newcomer's commands, run in their order in a fresh copy."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.exercises import exercises
from helpers.paths import course_root
from tests.conftest import SANDBOX

ROOT = course_root()
PAGE = "book/instructors.md"
#: What the environment that runs this test has done already.
INSTALLED = ("python3 -m venv", "source ", "pip install")
pytestmark = pytest.mark.slow


def commands() -> list[str]:
    """The lines of the page's ``bash`` blocks."""
    assert ROOT is not None
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone holds, and this checkout's executions of chapters, to save their time."""
    assert ROOT is not None
    root = tmp_path_factory.mktemp("clone") / "layerwise"
    for name in ("book", "chapters", "helpers", "solutions"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in ("_config.yml", "nbgrader_config.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root)
    if (ROOT / "_build" / "executed").is_dir():
        shutil.copytree(ROOT / "_build" / "executed", root / "_build" / "executed")
    return root


def test_the_page_names_the_installation() -> None:
    assert [c for c in commands() if c.startswith(INSTALLED)] == [
        "python3 -m venv .venv",
        "source .venv/bin/activate",
        'pip install -e ".[teach]"',
    ]


def test_its_commands_lead_from_a_clone_to_marks(copy: Path) -> None:
    script = (
        "import runpy, sys; sys.argv[0] = 'layerwise'; "
        "runpy.run_module('helpers.cli', run_name='__main__')"
    )
    programs = {"layerwise": [sys.executable, "-c", script], "nbgrader": ["-m", "nbgrader"]}
    programs["nbgrader"].insert(0, sys.executable)
    environment = {**os.environ, "PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
    done = []
    for command in commands():
        if command.startswith(INSTALLED):
            continue
        words = command.split()
        if words[:2] == ["layerwise", "grade"] and not SANDBOX:
            words.append("--no-sandbox")
        if words[:2] == ["nbgrader", "zip_collect"]:
            continue  # tested with a download in tests/grading/test_classroom.py
        run = subprocess.run(
            [*programs[words[0]], *words[1:]],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
        )
        # of the class made up, one notebook is malformed: nbgrader's own command then exits 1
        fine = run.returncode == 0 or words[:2] == ["nbgrader", "autograde"]
        assert fine, f"{command}\n{run.stdout[-1500:]}{run.stderr[-1500:]}"
        done.append(" ".join(words[:2]))
    assert {"layerwise publish", "layerwise book", "layerwise grade", "layerwise report"} <= {*done}
    with (copy / "course" / "scores.csv").open(newline="") as opened:
        marks = {row["student"]: float(row["score"]) for row in csv.DictReader(opened)}
    full = sum(e.statement.points for e in exercises("01_nn_module"))
    assert marks["ada-all-right"] == full and marks["eve-wrong"] == 0 and len(marks) == 8
    for name in ("report.html", "feedback/ada-all-right/01_nn_module/01_nn_module.html"):
        assert (copy / "course" / name).stat().st_size > 1000
    assert (copy / "_build" / "book" / "index.html").is_file() or list(copy.rglob("index.html"))
