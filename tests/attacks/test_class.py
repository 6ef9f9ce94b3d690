"""The corpus handed in as one class: each ends in one row, and none costs another anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers.grading.assignment import Budget
from helpers.grading.classroom import grade_class, submissions
from helpers.grading.results import Result
from helpers.paths import course_root
from helpers.publishing.publish import Places, write_course
from tests.grading.test_classroom import notebooks

from .corpus import ATTACKS
from .corpus.attack import FULL
from .corpus.edits import CHAPTER

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]
#: Of those that spend their whole time, a few; test_attacks has them all.
_ENDLESS = 4


def chosen() -> list[str]:
    """The names of the attacks that make the class: all but most of the endless ones."""
    endless = [a.name for a in ATTACKS if "time" in a.expect.outcome.split() or a.nasty]
    return [a.name for a in ATTACKS if a.defended and a.name not in endless[_ENDLESS:]]


def test_each_ends_in_one_row(tmp_path: Path) -> None:
    root = course_root()
    assert root is not None
    course, made = tmp_path / "course", notebooks()
    write_course(Places(root), course, [CHAPTER])
    attacks = {a.name: a for a in ATTACKS if a.name in chosen()}
    for name, attack in attacks.items():
        file = course / "submitted" / name / CHAPTER / f"{CHAPTER}.ipynb"
        file.parent.mkdir(parents=True)
        file.write_bytes(attack.make(*made))
    honest = course / "submitted" / "zoe-honest" / CHAPTER / f"{CHAPTER}.ipynb"
    honest.parent.mkdir(parents=True)
    honest.write_bytes(next(a for a in ATTACKS if a.expect.points == FULL).make(*made))
    seen: list[Result] = []
    budget = Budget(cell=4, exercise=4, notebook=30)
    results = grade_class(CHAPTER, course, budget=budget, on_result=seen.append)
    assert [r.student for r in results] == submissions(CHAPTER, course)
    assert sorted(r.student for r in seen) == [r.student for r in results]
    for result in results:
        assert result.status in ("graded", "time", "lost", "unreadable")
        assert result.status == "graded" or result.notes, result.student
        if result.student in attacks:
            expect = attacks[result.student].expect
            assert result.score <= expect.points, result
            assert not expect.exactly or result.score == expect.points, result
    assert results[-1].score == FULL and len(results) > 100
    assert (course / "report.html").stat().st_size > 10_000
