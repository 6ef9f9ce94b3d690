"""A class graded: every submission ends in one row, and nbgrader keeps the record."""

from __future__ import annotations

import csv
import logging
import os
import re
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import configure
from .plugin import KEY, nursery_of
from .session import Budget
from .submission import Unreadable, read_notebook

if TYPE_CHECKING:
    from nbgrader.apps.api import NbGraderAPI


class GradingError(RuntimeError):
    """A class cannot be graded. The message says what to do."""


@dataclass(frozen=True)
class Row:
    """The result of one submission.

    Attributes
    ----------
    status
        ``graded``; ``time`` or ``lost`` if part of it was stopped or ended itself (the rest is
        graded); ``unreadable`` or ``failed`` if none of it could be.
    note
        Why, and what was repaired.
    """

    student: str
    chapter: str
    score: float
    max_score: float
    status: str
    note: str


def submissions(chapter: str, course: Path) -> list[str]:
    """The students who handed in a chapter: the folders ``submitted/STUDENT/CHAPTER``."""
    return sorted(p.parent.name for p in (course / "submitted").glob(f"*/{chapter}") if p.is_dir())


def grade_class(
    chapter: str,
    course: Path,
    *,
    budget: Budget | None = None,
    sandbox: bool = True,
    students: list[str] | None = None,
    on_row: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Grade what a class handed in for a chapter, and write ``scores.csv``.

    Expects nbgrader's source notebook in ``course/source/CHAPTER``; makes the assignment, grades
    each of ``course/submitted/STUDENT/CHAPTER/CHAPTER.ipynb``, writes feedback.

    Parameters
    ----------
    budget
        Seconds for a cell, an exercise, a notebook.
    sandbox
        Whether learners' code runs in a sandbox. False is for work of people you trust.
    students
        Only these; all who handed in, by default.
    on_row
        Called with each row as soon as it is known.

    Raises
    ------
    GradingError
        If nobody handed in the chapter, or nbgrader cannot make the assignment.
    NoSandbox
        If there is none and one is asked for; the message says how to get one.
    """
    found = submissions(chapter, course)
    missing = sorted(set(students or ()) - set(found))
    if missing or not found:
        who = f"from {', '.join(missing)}" if missing else "at all"
        raise GradingError(
            f"no submission {who}: expected {course}/submitted/STUDENT/{chapter}/{chapter}.ipynb"
        )
    nursery_of(chapter, sandbox)  # a class is not failed for want of a sandbox: refuse now
    api = _api(course, budget or Budget(), sandbox)
    with _quiet():
        made = api.generate_assignment(chapter)
        if not made["success"]:
            raise GradingError(f"nbgrader could not make {chapter}:\n{made.get('log', '')}")
        rows = []
        for student in students or found:
            rows.append(_grade(api, chapter, course, student))
            on_row(rows[-1])
    write_scores(course / "scores.csv", rows)
    return rows


def _api(course: Path, budget: Budget, sandbox: bool) -> NbGraderAPI:
    from nbgrader.apps.api import NbGraderAPI
    from traitlets.config import Config

    config = configure(Config(), course)
    config.Judge.sandbox = sandbox
    config.Judge.cell_timeout = budget.cell
    config.Judge.exercise_timeout = budget.exercise
    config.Judge.notebook_timeout = budget.notebook
    return NbGraderAPI(config=config)


@contextmanager
def _quiet() -> Any:
    """nbgrader's own log lines go to its results; an instructor sees rows instead."""
    from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning
    from sqlalchemy.exc import SAWarning

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            # of nbgrader's own queries; of cells that repair gives ids
            for kind in (SAWarning, DuplicateCellId, MissingIDFieldWarning):
                warnings.simplefilter("ignore", kind)
            yield
    finally:
        root.setLevel(level)


def _grade(api: NbGraderAPI, chapter: str, course: Path, student: str) -> Row:
    file = course / "submitted" / student / chapter / f"{chapter}.ipynb"
    if any(place.is_symlink() for place in (file, *file.parents[:2])):
        note = "a symbolic link was handed in: it may lead to somebody else's work"
        return Row(student, chapter, 0.0, _score(api, chapter, student)[1], "unreadable", note)
    done = api.autograde(chapter, student, force=True, create=True)
    graded = course / "autograded" / student / chapter / f"{chapter}.ipynb"
    if not done["success"] or not graded.is_file():
        _take_back(api, chapter, student)
        status, note = _why_not(course, chapter, student, done)
        return Row(student, chapter, *_score(api, chapter, student), status, note)
    score, max_score = _score(api, chapter, student)
    kept = read_notebook(graded).metadata[KEY]
    feedback = api.generate_feedback(chapter, student, force=True)
    notes = list(dict.fromkeys([*kept["notes"], *kept["repairs"]]))
    if not feedback["success"]:
        notes.append("its feedback could not be written")
    if all(status == "not attempted" for status in kept["exercises"].values()):
        notes.append("nothing was attempted")
    return Row(student, chapter, score, max_score, kept["status"], "; ".join(notes))


def _why_not(course: Path, chapter: str, student: str, done: Any) -> tuple[str, str]:
    if set(student) & set("*?[]"):
        return "failed", "nbgrader takes *, ?, [ and ] in a folder's name for a pattern: rename it"
    try:
        read_notebook(course / "submitted" / student / chapter / f"{chapter}.ipynb")
    except Unreadable as error:
        return "unreadable", str(error)
    log = f"{done.get('log') or ''}\n{done.get('error') or ''}"
    said = re.findall(
        r"^\s*(?:[\w.]*\.)?(\w*(?:Error|Exception|Unreadable)\b.*)$", log, re.MULTILINE
    )
    said = [line for line in said if not line.startswith("NbGraderException")] or said
    reason = said[-1][:300] if said else "nbgrader did not say why"
    if reason.startswith("Unreadable: "):
        return "unreadable", reason.removeprefix("Unreadable: ")
    return "failed", reason


def _take_back(api: NbGraderAPI, chapter: str, student: str) -> None:
    """What an earlier submission earned by itself is not this one's; manual marks stay."""
    from nbgrader.api import Gradebook, MissingEntry

    with Gradebook(api.coursedir.db_url, api.course_id) as gradebook:
        try:
            submission = gradebook.find_submission(chapter, student)
        except MissingEntry:
            return
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                grade.auto_score = 0
        gradebook.db.commit()


def _score(api: NbGraderAPI, chapter: str, student: str) -> tuple[float, float]:
    from nbgrader.api import Gradebook, MissingEntry

    with Gradebook(api.coursedir.db_url, api.course_id) as gradebook:
        max_score = float(gradebook.find_assignment(chapter).max_score)
        try:
            return float(gradebook.find_submission(chapter, student).score), max_score
        except MissingEntry:
            return 0.0, max_score


def write_scores(file: Path, rows: list[Row]) -> None:
    """Write the rows of one chapter, keeping those of others and of students not graded now."""
    names = [field.name for field in fields(Row)]
    new = {(row.student, row.chapter): tuple(map(str, astuple(row))) for row in rows}
    kept: dict[tuple[str, str], tuple[str, ...]] = {}
    if file.is_file():
        with file.open(newline="", encoding="utf-8") as opened:
            for old in csv.DictReader(opened):
                kept[old["student"], old["chapter"]] = tuple(old[name] for name in names)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with beside.open("w", newline="", encoding="utf-8", errors="replace") as opened:
        writer = csv.writer(opened)
        writer.writerow(names)
        writer.writerows(row for _, row in sorted((kept | new).items()))
    beside.replace(file)
