"""A class graded: every submission one row, to the mark; nbgrader's own commands agree."""

from __future__ import annotations

import csv
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers.exercises import exercises, questions
from helpers.exercises.judge import PUBLIC_SEED, expected_value
from helpers.grading import plugin, sandbox
from helpers.grading.assignment import Budget
from helpers.grading.classroom import GradingError, grade_class
from helpers.grading.results import Result, write_scores
from helpers.grading.sample import sample_class, write_sample_class
from helpers.grading.sandbox import NoSandbox
from helpers.grading.seed import course_seed
from helpers.paths import course_root
from helpers.publishing.learner import learner_notebook, notebook_text, solved_notebook
from helpers.publishing.publish import Places, editions, write_course
from tests.conftest import SANDBOX

ROOT = course_root()
assert ROOT is not None
CHAPTER = "02_convolution_arithmetic"
BUDGET = Budget(cell=6, exercise=6, notebook=60)
FULL = float(sum(e.statement.points for e in exercises(CHAPTER)))
pytestmark = pytest.mark.slow


def notebooks() -> tuple[Any, Any]:
    [(_, source, _)] = editions(Places(ROOT), [CHAPTER])
    return learner_notebook(source), solved_notebook(source)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Result]]:
    """The sample class of chapter 2, graded once for all tests here."""
    course = tmp_path_factory.mktemp("course")
    write_sample_class(CHAPTER, *notebooks(), course)
    write_course(Places(ROOT), course, [CHAPTER])
    return course, grade_class(CHAPTER, course, budget=BUDGET, sandbox=SANDBOX)


def test_the_sample_class_is_graded_to_the_mark(graded: tuple[Path, list[Result]]) -> None:
    _, rows = graded
    deserved = {student: points for student, (_, points) in sample_class(*notebooks()).items()}
    assert {row.student: row.score for row in rows} == deserved
    full = sum(e.statement.points for e in exercises(CHAPTER))
    by_hand = sum(question.points for question in questions(CHAPTER))
    assert {row.max_score for row in rows} == {full + by_hand} and by_hand > 0
    waiting = {row.student for row in rows if row.waiting}
    assert waiting == set(deserved) - {"dan-untouched", "gus-malformed"}
    assert 0 < deserved["cleo-half-right"] < full
    statuses = {row.student: row.status for row in rows}
    assert statuses.pop("fay-endless-loop") == "time"
    assert statuses.pop("gus-malformed") == "unreadable"
    assert set(statuses.values()) == {"graded"}
    notes = {row.student: row.note for row in rows}
    assert "nothing was attempted" in notes["dan-untouched"]
    assert "tags dropped: skip-execution" in notes["hal-skip-execution"]
    assert "not a notebook" in notes["gus-malformed"]
    assert "loop without end" in notes["fay-endless-loop"]
    assert notes["ada-all-right"] == ""


def test_scores_are_written_for_other_tools(graded: tuple[Path, list[Result]]) -> None:
    course, rows = graded
    with (course / "scores.csv").open(newline="") as opened:
        written = list(csv.DictReader(opened))
    assert list(written[0]) == ["student", "chapter", "score", "max_score", "status", "note"]
    assert [(r["student"], float(r["score"])) for r in written] == [
        (row.student, row.score) for row in rows
    ]


def test_the_seed_is_its_owners_alone(graded: tuple[Path, list[Result]]) -> None:
    course, _ = graded
    assert stat.S_IMODE((course / "seed").stat().st_mode) == 0o600
    assert course_seed(course) == course_seed(course) != PUBLIC_SEED


def test_feedback_shows_the_cases_and_no_expected_secret(graded: tuple[Path, list[Result]]) -> None:
    course, _ = graded
    folder = course / "feedback" / "eve-wrong" / CHAPTER
    text = (folder / f"{CHAPTER}.html").read_text(encoding="utf-8")
    assert "✗" in text and "random cases wrong" in text
    seed = course_seed(course)
    assert seed not in text
    asked = next(e for e in exercises(CHAPTER) if e.name == "conv-output-size")
    secret = {case.text for case in asked.cases(seed) if not case.fixed}
    public = {case.text for case in asked.cases(seed) if case.fixed}
    assert secret and not [words for words in secret - public if words in text]
    values = {str(expected_value(asked, c)) for c in asked.cases(seed)}
    assert not [
        v for v in values if f"the right one is {v}" in text and v not in str(public_values(asked))
    ]


def public_values(asked: Any) -> list[Any]:
    return [expected_value(asked, c) for c in asked.cases(PUBLIC_SEED) if c.fixed]


def test_nbgraders_own_commands_give_the_same_marks(
    graded: tuple[Path, list[Result]], tmp_path: Path
) -> None:
    course, rows = graded
    root = tmp_path
    shutil.copy(ROOT / "nbgrader_config.py", root)
    mine = root / "course"
    shutil.copytree(course / "submitted", mine / "submitted")
    shutil.copytree(course / "source", mine / "source")
    shutil.copy(course / "seed", mine / "seed")
    quick = ["--Judge.cell_timeout=6", "--Judge.exercise_timeout=6", f"--Judge.sandbox={SANDBOX}"]
    assert nbgrader(root, "generate_assignment", CHAPTER).returncode == 0
    graded_now = nbgrader(root, "autograde", CHAPTER, *quick)
    assert graded_now.returncode == 1, "the malformed notebook makes the stock command exit 1"
    assert nbgrader(root, "export").returncode == 0
    with (root / "grades.csv").open(newline="") as opened:
        marks = {r["student_id"]: float(r["score"]) for r in csv.DictReader(opened)}
    assert marks == {row.student: row.score for row in rows}
    for student in ("ada-all-right", "cleo-half-right", "hal-skip-execution"):
        place = Path("autograded") / student / CHAPTER / f"{CHAPTER}.ipynb"
        ours, theirs = (json.loads((c / place).read_text()) for c in (course, mine))
        assert ours == theirs, student
    assert gradebook_rows(course) == gradebook_rows(mine)
    feedback = nbgrader(root, "generate_feedback", CHAPTER, "--student", "eve-wrong")
    assert feedback.returncode == 0, feedback.stderr
    assert (mine / "feedback" / "eve-wrong" / CHAPTER / f"{CHAPTER}.html").is_file()


def gradebook_rows(course: Path) -> list[Any]:
    """What the gradebook says of those whose notebook could be graded."""
    from nbgrader.api import Gradebook

    found = []
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "layerwise") as gradebook:
        for submission in gradebook.assignment_submissions(CHAPTER):
            if submission.student_id == "gus-malformed":  # nbgrader leaves it as it was
                continue
            [notebook] = submission.notebooks
            for row in (*notebook.grades, *notebook.comments):
                fields = row.to_dict()
                found.append(sorted((k, str(v)) for k, v in fields.items() if k != "id"))
    return sorted(found)


def nbgrader(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)


def test_what_nbgrader_releases_is_what_is_handed_out(graded: tuple[Path, list[Result]]) -> None:
    course, _ = graded
    released = nbformat.read(course / "release" / CHAPTER / f"{CHAPTER}.ipynb", as_version=4)
    handed = nbformat.read(ROOT / "chapters" / f"{CHAPTER}.ipynb", as_version=4)
    assert [c.source for c in released.cells] == [c.source for c in handed.cells]
    assert [c.metadata.get("nbgrader") for c in released.cells] == [
        c.metadata.get("nbgrader") for c in handed.cells
    ]


@pytest.mark.parametrize(("student", "passes"), [("ada-all-right", True), ("eve-wrong", False)])
def test_stock_validate_fails_wrong_work(
    graded: tuple[Path, list[Result]], student: str, passes: bool, tmp_path: Path
) -> None:
    course, _ = graded
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    work = course / "submitted" / student / CHAPTER / f"{CHAPTER}.ipynb"
    done = nbgrader(tmp_path, "validate", "--timeout=120", str(work))
    said = done.stdout + done.stderr
    assert ("Success! Your notebook passes all the tests." in said) == passes, said


#: The student's name in the file's name, as learning platforms write it.
PLATFORMS = {
    "alice": f"Week 2_alice_attempt_2026-11-20-10-00-00_{CHAPTER}",
    "jane_doe": f"Week 2_jane_doe_attempt_2026-11-20-10-00-00_{CHAPTER}",
    "john_doe": f"Week 2_john_doe_attempt_2026-11-20-10-00-00_{CHAPTER}",
    "carolsmith": f"carolsmith_LATE_1234_56789_{CHAPTER}-1",
    "dan": f"dan_1234_56789_{CHAPTER}",
    "Eve Smith": f"Eve Smith_1234_assignsubmission_file_{CHAPTER}",
    "Ana_Lu Smith": f"Ana_Lu Smith_1234_assignsubmission_file_/{CHAPTER}",
    "fay_7": f"fay_7_{CHAPTER}",
}


def test_a_download_of_a_learning_platform_is_collected(tmp_path: Path) -> None:
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    learner, _ = notebooks()
    folder = tmp_path / "course" / "downloaded" / CHAPTER / "archive"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "class.zip", "w") as archive:
        for name in PLATFORMS.values():
            archive.writestr(f"{name}.ipynb", notebook_text(learner))
    write_course(Places(ROOT), tmp_path / "course", [CHAPTER])
    done = nbgrader(tmp_path, "zip_collect", CHAPTER)
    assert done.returncode == 0, done.stderr
    submitted = tmp_path / "course" / "submitted"
    collected = {p.parent.parent.name for p in submitted.glob(f"*/{CHAPTER}/{CHAPTER}.ipynb")}
    assert collected == set(PLATFORMS)


def test_nobody_handed_in(tmp_path: Path) -> None:
    with pytest.raises(GradingError, match="no submission at all: expected"):
        grade_class(CHAPTER, tmp_path, sandbox=SANDBOX)
    (tmp_path / "submitted" / "ada" / CHAPTER).mkdir(parents=True)
    with pytest.raises(GradingError, match="no submission from bob"):
        grade_class(CHAPTER, tmp_path, students=["bob"], sandbox=SANDBOX)


def test_a_class_is_not_failed_for_want_of_a_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where learners' code cannot be started, nobody gets a row: grading refuses."""
    (tmp_path / "submitted" / "ada" / CHAPTER).mkdir(parents=True)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    plugin.nursery_of.cache_clear()
    with pytest.raises(NoSandbox, match="apt-get install bubblewrap"):
        grade_class(CHAPTER, tmp_path)
    assert not (tmp_path / "scores.csv").exists()


def test_a_folder_without_the_notebook_is_a_row(graded: tuple[Path, list[Result]]) -> None:
    course, _ = graded
    folder = course / "submitted" / "ivy-other-file" / CHAPTER
    folder.mkdir(parents=True)
    (folder / "homework.ipynb").write_text(json.dumps(notebooks()[0]))
    try:
        [row] = grade_class(
            CHAPTER, course, students=["ivy-other-file"], budget=BUDGET, sandbox=SANDBOX
        )
    finally:
        shutil.rmtree(folder.parent)
    assert (row.status, row.score) == ("unreadable", 0.0)
    assert f"{CHAPTER}.ipynb" in row.note


def test_a_link_to_anothers_work_is_not_followed(graded: tuple[Path, list[Result]]) -> None:
    course, _ = graded
    folder = course / "submitted" / "jon-link"
    folder.mkdir()
    (folder / CHAPTER).symlink_to(course / "submitted" / "ada-all-right" / CHAPTER)
    try:
        [row] = grade_class(CHAPTER, course, students=["jon-link"], budget=BUDGET, sandbox=SANDBOX)
    finally:
        shutil.rmtree(folder)
    assert (row.status, row.score) == ("unreadable", 0.0) and "symbolic link" in row.note


def test_grading_again_forgets_what_the_earlier_work_earned(
    graded: tuple[Path, list[Result]], tmp_path: Path
) -> None:
    """A right notebook, then a broken one, then a right one: 18, 0, 18; a manual mark stays."""
    from nbgrader.api import Gradebook

    course = tmp_path / "again"
    for folder in ("source", "releases"):
        shutil.copytree(graded[0] / folder, course / folder)
    _, solved = notebooks()
    student = "a+b x"
    file = course / "submitted" / student / CHAPTER / f"{CHAPTER}.ipynb"
    file.parent.mkdir(parents=True)

    def grade(text: str) -> Result:
        file.write_text(text, encoding="utf-8")
        [row] = grade_class(CHAPTER, course, budget=BUDGET, sandbox=SANDBOX)
        return row

    full = grade(json.dumps(solved))
    assert full.score == FULL and full.status == "graded"
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "layerwise") as gradebook:
        notebook = gradebook.find_submission_notebook(CHAPTER, CHAPTER, student)
        notebook.grades[0].extra_credit = 0.5
        gradebook.db.commit()
    broken = grade(json.dumps(solved)[:500])
    assert (broken.score, broken.status) == (0.5, "unreadable")
    other = grade('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    assert (other.score, other.status) == (0.5, "unreadable")
    assert "another chapter's notebook" in other.note
    solved.metadata["layerwise"]["release"] = "0123456789abcdef"
    again = grade(json.dumps(solved))
    assert again.score == full.score + 0.5 and "another release" in again.note


def test_scores_of_other_chapters_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    write_scores(file, "01", [Result("ada", "01", 1, 2), Result("bob", "01", 2, 2)])
    write_scores(file, "02", [Result("bob", "02", 0, 2, "time", ('a, "b"\nc',))])
    with file.open(newline="") as opened:
        rows = [(r["student"], r["chapter"], r["score"], r["note"]) for r in csv.DictReader(opened)]
    assert rows == [
        ("ada", "01", "1", ""),
        ("bob", "01", "2", ""),
        ("bob", "02", "0", 'a, "b"\nc'),
    ]
