"""Grading again: what has not changed is left alone, what a person gave stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpers.grading import assignment, cluster
from helpers.grading.assignment import Budget
from helpers.grading.classroom import grade_class, recorders, write_results
from helpers.grading.results import Result
from helpers.grading.sample import sample_class
from helpers.paths import write_text
from helpers.publishing.learner import learner_notebook, notebook_text, solved_notebook
from tests.conftest import SANDBOX

pytestmark = pytest.mark.slow
CHAPTER = "01_nn_module"
BUDGET = Budget(cell=5, exercise=5, notebook=30)


@pytest.fixture
def course(tmp_path: Path, source: Any) -> Path:
    """Three submissions of the small chapter."""
    course = tmp_path / "course"
    made = sample_class(learner_notebook(source), solved_notebook(source))
    for student in ("ada-all-right", "cleo-half-right", "eve-wrong"):
        file = course / "submitted" / student / CHAPTER / f"{CHAPTER}.ipynb"
        write_text(file, made[student][0])
    write_text(course / "source" / CHAPTER / f"{CHAPTER}.ipynb", notebook_text(source))
    return course


def grade(course: Path, **more: Any) -> dict[str, Result]:
    results = grade_class(CHAPTER, course, workers=1, budget=BUDGET, sandbox=SANDBOX, **more)
    return {result.student: result for result in results}


def by_hand(course: Path, student: str, score: float, comment: str) -> None:
    """Give a mark for the first check, as formgrader does."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "layerwise") as gradebook:
        notebook = gradebook.find_submission_notebook(CHAPTER, CHAPTER, student)
        mark = next(g for g in notebook.grades if g.name == "check-add-constant")
        mark.manual_score, mark.needs_manual_grade = score, False
        said = next(c for c in notebook.comments if c.name == "add-constant")
        said.manual_comment = comment
        gradebook.db.commit()


def test_only_what_changed_is_graded_again(course: Path) -> None:
    first = grade(course)
    assert {s: r.score for s, r in first.items()} == {
        "ada-all-right": 4.0,
        "cleo-half-right": 1.0,
        "eve-wrong": 0.0,
    }
    assert grade(course) == first, (
        "nothing changed, so nothing was run: not even the seconds differ"
    )
    ada = course / "submitted" / "ada-all-right" / CHAPTER / f"{CHAPTER}.ipynb"
    eve = course / "submitted" / "eve-wrong" / CHAPTER / f"{CHAPTER}.ipynb"
    write_text(eve, ada.read_text(encoding="utf-8"))
    second = grade(course)
    assert second["eve-wrong"].score == 4.0
    assert second["ada-all-right"] == first["ada-all-right"]
    forced = grade(course, force=True, students=["ada-all-right"])
    assert forced["ada-all-right"].score == 4.0 and list(forced) == ["ada-all-right"]


def test_marks_by_hand_stay_when_a_definition_is_mended(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grade(course)
    by_hand(course, "eve-wrong", 0.5, "A good start <b>&</b> an idea.")
    assert write_results(course)[CHAPTER][2].score == 0.5
    for module in (assignment, cluster):  # as if helpers/exercises had been edited
        monkeypatch.setattr(module, "definitions", lambda: "mended")
    mended = grade(course)
    assert mended["eve-wrong"].score == 0.5 and not mended["eve-wrong"].waiting
    assert mended["ada-all-right"].score == 4.0
    for recorder in recorders(course):
        assert [r.score for r in recorder.feedback()] == [4.0, 1.0, 0.5]
    page = course / "feedback" / "eve-wrong" / CHAPTER / f"{CHAPTER}.html"
    assert "A good start &lt;b&gt;&amp;&lt;/b&gt; an idea." in page.read_text(encoding="utf-8")


def test_new_work_with_an_old_mark_by_hand_is_to_be_looked_at(course: Path) -> None:
    grade(course)
    by_hand(course, "eve-wrong", 0.5, "")
    ada = course / "submitted" / "ada-all-right" / CHAPTER / f"{CHAPTER}.ipynb"
    eve = course / "submitted" / "eve-wrong" / CHAPTER / f"{CHAPTER}.ipynb"
    write_text(eve, ada.read_text(encoding="utf-8"))
    again = grade(course)["eve-wrong"]
    assert (again.score, again.waiting) == (3.5, True)


def test_late_work_is_penalized_as_nbgraders_config_says(course: Path) -> None:
    from nbgrader.api import Gradebook

    write_text(
        course / "nbgrader_config.py",
        "c = get_config()\nc.LateSubmissionPlugin.penalty_method = 'zero'\n",
    )
    late = course / "submitted" / "ada-all-right" / CHAPTER / "timestamp.txt"
    write_text(late, "2026-01-02 00:00:00 UTC")
    assert grade(course)["ada-all-right"].score == 4.0, "there is no due date yet"
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "layerwise") as gradebook:
        gradebook.update_or_create_assignment(CHAPTER, duedate="2026-01-01 00:00:00 UTC")
    assert grade(course, force=True)["ada-all-right"].score == 0.0
    write_text(late, "2025-12-31 00:00:00 UTC")
    assert grade(course)["ada-all-right"].score == 4.0
