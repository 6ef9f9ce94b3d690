"""A run that is killed is gone on with: the same gradebook in the end, nothing twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from helpers.grading.results import Ledger
from helpers.grading.sample import sample_class
from helpers.paths import course_root, write_text
from helpers.publishing.learner import learner_notebook, notebook_text, solved_notebook
from tests.conftest import SANDBOX

pytestmark = pytest.mark.slow
CHAPTER = "01_nn_module"
KILLS, COPIES = 20, 10
_RUN = f"""
import sys
from pathlib import Path
from helpers.grading.classroom import grade_class
from helpers.grading.assignment import Budget
if __name__ == "__main__":
    grade_class("{CHAPTER}", Path(sys.argv[1]), workers=int(sys.argv[2]), sandbox={SANDBOX},
                budget=Budget(cell=5, exercise=5, notebook=30))
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, source: Any) -> Path:
    """A class of a small chapter: the sample class several times, without the endless one."""
    course = tmp_path_factory.mktemp("killed") / "course"
    made = sample_class(learner_notebook(source), solved_notebook(source))
    for student, (text, _) in made.items():
        for number in range(COPIES if "endless" not in student else 0):
            file = course / "submitted" / f"{student}-{number}" / CHAPTER / f"{CHAPTER}.ipynb"
            write_text(file, text)
    release = learner_notebook(source)
    name = f"{release.metadata['layerwise']['release']}.ipynb"
    write_text(course / "releases" / CHAPTER / name, notebook_text(release))
    write_text(course / "source" / CHAPTER / f"{CHAPTER}.ipynb", notebook_text(source))
    write_text(course / "seed", "a seed for all\n")
    write_text(course.parent / "run.py", _RUN)
    return course


def start(course: Path, script: Path, workers: int = 1) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(course_root())}
    return subprocess.Popen(
        [sys.executable, str(script), str(course), str(workers)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def whole(course: Path, script: Path) -> float:
    """Run to the end; returns the seconds."""
    begin = time.monotonic()
    run = start(course, script)
    said, _ = run.communicate(timeout=300)
    assert run.returncode == 0, said.decode()[-2000:]
    return time.monotonic() - begin


def gradebook(course: Path) -> dict[str, list[Any]]:
    """All that nbgrader's tables say of marks, without the ids that it makes by chance."""
    queries = {
        "grades": """
            select a.student_id, c.name, g.auto_score, g.manual_score, g.needs_manual_grade
            from grade g join base_cell c on c.id = g.cell_id
            join submitted_notebook n on n.id = g.notebook_id
            join submitted_assignment a on a.id = n.assignment_id order by 1, 2""",
        "comments": """
            select a.student_id, c.name, m.auto_comment from comment m
            join base_cell c on c.id = m.cell_id join submitted_notebook n on n.id = m.notebook_id
            join submitted_assignment a on a.id = n.assignment_id order by 1, 2""",
        "students": "select id from student order by 1",
        "assignments": "select name from assignment",
    }
    with sqlite3.connect(course / "gradebook.db") as opened:
        return {name: opened.execute(query).fetchall() for name, query in queries.items()}


def left_running(course: Path) -> list[str]:
    """Processes that a killed run started and that are still there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            surrounding = (process / "environ").read_bytes()
        except OSError:
            continue
        if "LW_RESUME=1" in surrounding.decode(errors="replace"):
            found.append(f"{process.name}: {command[:120]}")
    return found


def test_twenty_kills_and_the_same_gradebook(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = course.parent / "run.py"
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(course, undisturbed)
    seconds = whole(undisturbed, script)
    monkeypatch.setenv("LW_RESUME", "1")
    chance = random.Random(2)
    graded_at_a_kill: list[int] = []

    def graded() -> int:
        return len(Ledger(course, CHAPTER).read())

    for kill in range(KILLS):
        run = start(course, script, workers=2 if kill % 5 == 4 else 1)
        moment = time.monotonic() + chance.uniform(0.1, 0.6) * seconds
        enough = graded() + chance.randint(1, 2)
        while run.poll() is None:
            # half of them at any moment, half of them while results are written
            if time.monotonic() > moment if kill % 2 else graded() >= enough:
                time.sleep(chance.uniform(0, 0.05))
                break
            time.sleep(0.01)
        run.kill()  # itself alone: its workers must see to themselves
        run.communicate()
        graded_at_a_kill.append(graded())
    assert 10 <= graded_at_a_kill[-1] <= 7 * COPIES, "they were not killed while they graded"
    assert graded_at_a_kill == sorted(graded_at_a_kill), "what was graded is lost"
    whole(course, script)
    assert gradebook(course) == gradebook(undisturbed)
    students = [row[0] for row in gradebook(course)["students"]]
    assert len(students) == len(set(students)) == 7 * COPIES
    scores = (course / "scores.csv").read_text()
    assert scores == (undisturbed / "scores.csv").read_text()
    results = {s: (r.score, r.status, r.key) for s, r in Ledger(course, CHAPTER).read().items()}
    assert results == {
        s: (r.score, r.status, r.key) for s, r in Ledger(undisturbed, CHAPTER).read().items()
    }
    for place in ("autograded", "feedback"):
        files = [
            sorted(p.relative_to(c) for p in (c / place).rglob("*") if p.is_file())
            for c in (course, undisturbed)
        ]
        assert files[0] == files[1]
        assert not [p for p in files[0] if p.name.startswith(".")]
    deadline = time.monotonic() + 30
    while left_running(course) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not left_running(course)
    print(f"killed {KILLS} times; graded at each kill: {graded_at_a_kill}")


def test_a_line_half_written_is_passed_over(course: Path, tmp_path: Path) -> None:
    from helpers.grading.results import Result

    ledger = Ledger(tmp_path, CHAPTER)
    ledger.append([Result("ada", CHAPTER, 1.0, key="k1"), Result("bob", CHAPTER, 2.0, key="k2")])
    whole_text = ledger.file.read_text()
    ledger.file.write_text(whole_text[:-30])
    assert list(ledger.read()) == ["ada"]
    ledger.append([Result("cleo", CHAPTER, 3.0)])
    assert list(ledger.read()) == ["ada", "cleo"]
    ledger.append([Result("ada", CHAPTER, 4.0)])
    assert ledger.read()["ada"].score == 4.0
    kept = ledger.compact({"ada": (4.5, True)})
    assert [(r.student, r.score, r.waiting) for r in kept] == [
        ("ada", 4.5, True),
        ("cleo", 3.0, False),
    ]
    assert len(ledger.file.read_text().splitlines()) == 2
    assert json.loads(ledger.file.read_text().splitlines()[0])["key"] == ""
